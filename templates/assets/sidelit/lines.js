// Lines of code have addresses: `#L59` and `#L59-L66`. A click or Enter on a number chooses the line, with Shift all
// lines up to there. A finger has no Shift: where there is no mouse, a second tap extends.
{
  const numberOf = (lineno) => Number(lineno.id.slice(1));
  let numbers = [], anchor, bar, went;

  function chosen() {
    const [, first, last = first] = /^#L(\d+)(?:-L(\d+))?$/.exec(location.hash) || [];
    return first ? [Number(first), Number(last)].sort((a, b) => a - b) : null;
  }

  const name = ([first, last]) => (first === last ? `Line ${first}` : `Lines ${first} to ${last}`);

  function show() {
    const range = chosen();
    const lit = range ? numbers.filter((each) => numberOf(each) >= range[0] && numberOf(each) <= range[1]) : [];
    for (const each of document.querySelectorAll(".lineno.chosen")) each.classList.remove("chosen");
    for (const each of lit) each.classList.add("chosen");
    bar?.remove();
    bar = null;
    if (lit.length) {
      bar = toolbar(range, lit[0]);
      document.body.append(bar);
    }
    return lit;
  }

  // What can be done with the lines. The section's own link knows the repository, and how its host writes lines.
  function toolbar(range, lineno) {
    const made = document.createElement("div");
    made.className = "chosen-lines";
    made.setAttribute("role", "region");
    made.setAttribute("aria-label", "Chosen lines");
    const copy = Object.assign(document.createElement("button"), { type: "button", textContent: "Copy link" });
    copy.addEventListener("click", () => sidelit.copy(location.href));
    const close = Object.assign(document.createElement("button"), { type: "button", textContent: "Clear" });
    close.addEventListener("click", clear);
    made.append(name(range), copy);
    const section = lineno.closest(".code").querySelector(".in-repository");
    if (section) {
      const link = Object.assign(document.createElement("a"), { textContent: "In the repository" });
      link.href = section.href.replace(/\d+(\D+)\d+$/, (_, between) => range.join(between));
      made.append(link);
    }
    made.append(close);
    return made;
  }

  // The address changes, and the window stays where it is.
  function go(hash) {
    const { scrollX, scrollY } = window;
    location.replace(`#${hash}`);
    went = location.hash;
    scrollTo({ left: scrollX, top: scrollY, behavior: "instant" });
  }

  function choose(number, extend) {
    if (!extend || !anchor) anchor = number;
    const range = [anchor, number].sort((a, b) => a - b);
    go(range[0] === range[1] ? `L${number}` : `L${range[0]}-L${range[1]}`);
    show();
    sidelit.say(name(range));
  }

  function clear() {
    anchor = null;
    go("");
    show();
  }

  // One number in each block can be reached with Tab; the arrows lead to the others.
  function arm(lineno) {
    for (const each of lineno.closest("pre").querySelectorAll(".lineno[tabindex]")) each.removeAttribute("tabindex");
    lineno.tabIndex = 0;
    lineno.setAttribute("role", "button");
    lineno.setAttribute("aria-label", `Line ${numberOf(lineno)}`);
  }

  document.addEventListener("click", (event) => {
    const lineno = event.target.closest?.(".code .lineno");
    if (!lineno) return;
    const range = chosen();
    const again = matchMedia("(hover: none)").matches && range && range[0] === range[1];
    choose(numberOf(lineno), event.shiftKey || again);
  });

  // Shift and a click would select the text in between.
  document.addEventListener("mousedown", (event) => {
    if (event.shiftKey && event.target.closest?.(".code .lineno")) event.preventDefault();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && chosen()) clear();
    if (!event.target.matches?.(".code .lineno")) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const lineno = step ? numbers[numbers.indexOf(event.target) + step] : event.target;
    if (!lineno || !(step || event.key === "Enter" || event.key === " ")) return;
    event.preventDefault();
    if (step) {
      if (event.shiftKey && !anchor) anchor = numberOf(event.target);
      arm(lineno);
      lineno.focus();
    }
    if (!step || event.shiftKey) choose(numberOf(lineno), event.shiftKey);
  });

  function arrive() {
    const [first] = show();
    went = anchor = null;
    if (!first) return;
    anchor = chosen()[0];
    sidelit.arrive(first);
  }

  addEventListener("hashchange", () => {
    if (location.hash !== went) arrive();
  });

  sidelit.onPage((container) => {
    numbers = [...(container?.querySelectorAll(".code .lineno") ?? [])];
    for (const block of container?.querySelectorAll(".code pre:has(.lineno)") ?? []) arm(block.querySelector(".lineno"));
    arrive();
  });
}
