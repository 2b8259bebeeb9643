// The bridge between formulas and code: point at, focus or tap a symbol or a name, and all that is the same lights up.
//
// What is the same was found while the page was built. `data-s` says what pointing at an element means, `data-t` what
// else it lights up with; both are lists. Where nothing is pinned, the light follows the pointer and the focus. A click,
// Enter or Space pins it; the same again, Escape, or a click elsewhere clears it.
{
  let container, places, lit = [], shown = null, pinned = false;

  // A formula is one stop for the keyboard, and the arrows go from symbol to symbol: what is drawn of a formula is
  // hidden from screen readers, so nothing in it may have the focus.
  const hostOf = (mark) => mark.closest("mjx-container") ?? mark;
  let here = null;

  function index() {
    if (places) return;
    places = new Map();
    for (const mark of container.querySelectorAll("[data-s], [data-t]")) {
      for (const token of `${mark.dataset.s ?? ""} ${mark.dataset.t ?? ""}`.trim().split(" ")) {
        if (!places.has(token)) places.set(token, []);
        places.get(token).push(mark);
      }
    }
  }

  const same = (a, b) => a && b && a.dataset.s === b.dataset.s;

  function stand(mark) {
    here?.classList.remove("here");
    mark?.classList.add("here");
    here = mark;
  }

  function darken() {
    for (const mark of lit) mark.classList.remove("lit");
    container.classList.remove("lights");
    [lit, shown, pinned] = [[], null, false];
  }

  function clear() {
    darken();
    stand(null);
    sidelit.say("");
  }

  function light(mark) {
    if (same(mark, shown)) return;
    darken();
    index();
    lit = [...new Set(mark.dataset.s.split(" ").flatMap((token) => places.get(token)))];
    for (const each of lit) each.classList.add("lit");
    container.classList.add("lights");
    shown = mark;
  }

  // A symbol may be drawn in pieces: a letter and its index beneath a power, or the terms of a declared sum.
  function isFirst(mark, i, marks) {
    const before = marks[i - 1];
    if (!same(mark, before)) return true;
    const scripts = mark.closest("mjx-msubsup");
    const isTerm = mark.matches("mjx-mn, mjx-mo") && mark.previousElementSibling === before;
    return !isTerm && !(scripts && scripts === before.closest("mjx-msubsup"));
  }

  function announce() {
    if (!shown) return sidelit.say("");
    const inFormulas = lit.filter((mark) => hostOf(mark) !== mark).filter(isFirst).length;
    const inCode = lit.filter((mark) => hostOf(mark) === mark).length;
    const name = hostOf(shown) === shown ? shown.textContent : shown.dataset.s.replaceAll("=", "");
    sidelit.say(`${name}: ${inFormulas} in formulas, ${inCode} in the code`);
  }

  function pin(mark) {
    const again = pinned && same(mark, shown);
    if (again) darken();
    else light(mark);
    pinned = !again;
    announce();
  }

  // ---- Pointer ----

  const markAt = (target) => target.closest?.("#container [data-s]");

  document.addEventListener("pointerover", ({ target, pointerType }) => {
    if (pinned || pointerType !== "mouse") return;
    const mark = markAt(target);
    if (mark) light(mark);
    else if (shown && !here) clear();
  });

  document.addEventListener("click", (event) => {
    const mark = markAt(event.target);
    if (!mark) return shown && clear();
    if (!getSelection().isCollapsed) return;
    if (mark.matches("a[href]")) {
      // A finger cannot point without pressing, so it lights a link up instead of following it; the preview leads on.
      if (event.pointerType === "mouse" || event.detail === 0) return;
      event.preventDefault();
    }
    pin(mark);
  });

  // ---- Keyboard ----

  const marks = () => [...container.querySelectorAll("[data-s]")].filter(isFirst);

  function go(mark) {
    const host = hostOf(mark);
    if (!host.matches("a[href]")) host.tabIndex = 0;
    stand(mark);
    host.focus({ preventScroll: true });
    mark.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (!pinned) {
      light(mark);
      announce();
    }
  }

  document.addEventListener("focusin", ({ target }) => {
    if (pinned || !container?.contains(target) || !target.matches(":focus-visible")) return;
    const mark = target.matches("[data-s]") ? target : target.matches("mjx-container") && target.querySelector("[data-s]");
    if (!mark || (here && hostOf(here) === target)) return;
    stand(mark);
    light(mark);
    announce();
  });
  document.addEventListener("focusout", ({ relatedTarget }) => {
    if (shown && !pinned && !(here && relatedTarget === hostOf(here))) clear();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && shown) darken();
    if (!here || event.target !== hostOf(here) || event.ctrlKey || event.altKey || event.metaKey) return;
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) {
      const all = marks();
      const next = all[all.indexOf(here) + step];
      if (next) go(next);
    } else if (event.key === " " || (event.key === "Enter" && !here.matches("a[href]"))) {
      pin(here);
    } else {
      return;
    }
    event.preventDefault();
  });

  // One stop in each section's prose and one in its code; the arrows lead to the rest.
  sidelit.onPage((found) => {
    container = found;
    [places, lit, shown, here, pinned] = [null, [], null, null, false];
    for (const part of container?.querySelectorAll(".section > .docs, .section > .code") ?? []) {
      const first = part.querySelector("mjx-container:has([data-s]), [data-s]:not(mjx-container *)");
      if (first && !first.matches("a[href]")) first.tabIndex = 0;
    }
  });
}
