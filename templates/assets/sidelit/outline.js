// Marks, in the outline of the page, the heading that is being read: the last one above the upper third of the window.
{
  const outline = document.getElementById("page:outline");
  const links = new Map();
  for (const link of outline?.querySelectorAll("a[href^='#']") ?? []) {
    const heading = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (heading) links.set(heading, link);
  }

  const above = new Set();
  let current, atEnd;

  function mark(link) {
    if (link === current) return;
    current?.removeAttribute("aria-current");
    current = link;
    current?.setAttribute("aria-current", "location");
    follow();
  }

  // The outline alone scrolls, never the page.
  function follow() {
    if (!current) return;
    const [box, place] = [outline.getBoundingClientRect(), current.getBoundingClientRect()];
    if (place.top < box.top || place.bottom > box.bottom) outline.scrollTop += place.top - box.top - box.height / 2;
  }

  // At the end of the page the last headings cannot get so far up. There the one that was asked for counts, or the last.
  function update() {
    const headings = [...links.keys()];
    const asked = document.querySelector(":target");
    if (!atEnd || !scrollY) mark(links.get(headings.findLast((heading) => above.has(heading))));
    else mark(links.get(links.has(asked) && !above.has(asked) ? asked : headings.at(-1)));
  }

  // All that is above the line counts as in sight, so that no heading can jump across it unseen.
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) above[isIntersecting ? "add" : "delete"](target);
    update();
  }, { rootMargin: "10000000px 0px -67% 0px" });
  for (const heading of links.keys()) observer.observe(heading);

  const foot = document.querySelector(".foot");
  const ending = new IntersectionObserver(([{ intersectionRatio }]) => {
    atEnd = intersectionRatio > 0.9;
    update();
  }, { threshold: [0, 0.91] });
  if (foot) ending.observe(foot);

  outline?.addEventListener("toggle", follow);

  // Where it lies over the page, it has done its work.
  outline?.addEventListener("click", ({ target }) => {
    if (target.closest("a") && outline.matches(":popover-open")) outline.hidePopover();
  });
}
