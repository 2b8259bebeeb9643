// Measures what style sheets cannot. Beside a longer neighbour, prose and code stay in the window, and what scrolls
// sideways can be reached by keyboard.
{
  const wide = "#container mjx-container[display='true'], #container .highlight, #container pre, #container .docs table";
  const sides = "#container > .section > .docs, #container > .section > .code > .highlight";
  const bodies = "#container > .section[data-kind='body']";

  // What is a stop for the keyboard only because it scrolls
  const stops = new WeakSet();

  function measured(box) {
    const overflows = box.scrollWidth > box.clientWidth + 1;
    const isFormula = overflows && box.matches("mjx-container");
    return { overflows, ems: isFormula && box.scrollWidth / parseFloat(getComputedStyle(box).fontSize) };
  }

  const observer = new ResizeObserver((entries) => {
    // All is measured before anything is written, as what is written has to be laid out.
    const sizes = entries.map(({ target }) => target.matches(wide) && measured(target));
    for (const [at, { target, borderBoxSize: [box] }] of entries.entries()) {
      if (target.matches(bodies)) target.previousElementSibling.style.setProperty("--sl-body", `${box.blockSize}px`);
      if (target.matches(sides)) target.style.setProperty("--sl-height", `${box.blockSize}px`);
      if (!sizes[at]) continue;
      const { overflows, ems } = sizes[at];
      if (overflows && target.tabIndex < 0 && !target.querySelector("a[href], button, [tabindex='0']")) {
        target.tabIndex = 0;
        stops.add(target);
      } else if (!overflows && stops.delete(target)) {
        target.removeAttribute("tabindex");
      }

      // For paper, where nothing scrolls.
      if (ems) target.style.setProperty("--sl-ems", ems);
    }
    if (arrived) sidelit.arrive(arrived);
  });
  sidelit.onPage(() => {
    observer.disconnect();
    for (const each of document.querySelectorAll(`body, ${sides}, ${bodies}, ${wide}`)) observer.observe(each);
  });

  function placeOf(hash) {
    try { return document.getElementById(decodeURIComponent(hash.slice(1))); } catch { return null; }
  }

  // For a link, a place is where the section is, and not where its prose has gone along to. What is measured or loaded
  // later may move the place, and the window goes along until the reader does anything. Who comes back to a page is
  // brought by the browser to where they left.
  const [{ type }] = performance.getEntriesByType("navigation");
  let arrived = type === "navigate" ? placeOf(location.hash) : null;

  sidelit.arrive = (target) => {
    arrived = target;
    document.documentElement.dataset.arriving = "";
    target.scrollIntoView();
    delete document.documentElement.dataset.arriving;
  };

  for (const kind of ["pointerdown", "touchmove", "wheel", "keydown"]) {
    addEventListener(kind, () => { arrived = null; }, { capture: true, passive: true });
  }

  document.addEventListener("click", ({ target }) => {
    const link = target.closest?.("a[href*='#']");
    if (!link || link.href.split("#")[0] !== location.href.split("#")[0]) return;
    const place = placeOf(link.hash);
    if (place) setTimeout(() => sidelit.arrive(place));
  });
}
