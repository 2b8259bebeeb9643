// Measures what style sheets cannot. Beside a longer neighbour, prose and code stay in the window while their section
// scrolls by: a side that fits stands below the bar, and a higher one stops where its end is in sight. The prose of a
// function goes on beside its body, which is a section of its own. What scrolls sideways can be reached by keyboard.
{
  const wide = "#container mjx-container[display='true'], #container .highlight, #container pre, #container .docs table";
  const sides = "#container > .section > .docs, #container > .section > .code > .highlight";
  const bodies = "#container > .section[data-kind='body']";

  // The boxes that are stops for the keyboard because they scroll, and for no other reason
  const stops = new WeakSet();

  const observer = new ResizeObserver((entries) => {
    for (const { target, borderBoxSize: [box] } of entries) {
      if (target.matches(bodies)) target.previousElementSibling.style.setProperty("--sl-body", `${box.blockSize}px`);
      if (target.matches(sides)) target.style.setProperty("--sl-height", `${box.blockSize}px`);
      if (target.matches(wide)) {
        const overflows = target.scrollWidth > target.clientWidth + 1;
        if (overflows && target.tabIndex < 0 && !target.querySelector("a[href], button, [tabindex='0']")) {
          target.tabIndex = 0;
          stops.add(target);
        } else if (!overflows && stops.delete(target)) {
          target.removeAttribute("tabindex");
        }

        // On paper nothing scrolls: a formula is set as small as it has to be.
        const ems = target.scrollWidth / parseFloat(getComputedStyle(target).fontSize);
        if (overflows && target.matches("mjx-container")) target.style.setProperty("--sl-ems", ems);
      }
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
