// Measures what style sheets cannot. Beside a longer neighbour, prose and code stay in the window while their section
// scrolls by: a side that fits stands below the bar, and a higher one stops where its end is in sight. What scrolls
// sideways can be reached by keyboard.
{
  const wide = "#container mjx-container[display='true'], #container .highlight, #container pre, #container .docs table";
  const sides = "#container > .section > .docs, #container > .section > .code > .highlight";

  const observer = new ResizeObserver((entries) => {
    for (const { target, borderBoxSize: [box] } of entries) {
      if (target.matches(sides)) target.style.setProperty("--sl-height", `${box.blockSize}px`);
      if (target.matches(wide)) {
        const reachable = target.querySelector("a, button, [tabindex]");
        if (target.scrollWidth > target.clientWidth + 1 && !reachable) target.tabIndex = 0;
        else target.removeAttribute("tabindex");
      }
    }
  });
  for (const each of document.querySelectorAll(`${sides}, ${wide}`)) observer.observe(each);
}
