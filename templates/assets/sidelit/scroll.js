// A box that scrolls sideways is a stop for the keyboard, unless something in it is one. Which boxes scroll depends on
// the width of the window, and of the fonts.
{
  const BOXES = "#container :is(.highlight, .docs pre:not(.highlight pre), .docs table, mjx-container[display='true'])";
  const STOPS = "a[href], button, [tabindex='0']";
  const stops = new WeakSet();

  function measure(box) {
    const scrolls = box.scrollWidth > box.clientWidth;
    if (scrolls && box.tabIndex < 0 && !box.querySelector(STOPS)) {
      box.tabIndex = 0;
      stops.add(box);
    } else if (!scrolls && stops.delete(box)) {
      box.removeAttribute("tabindex");
    }
  }

  const observer = new ResizeObserver((entries) => entries.forEach(({ target }) => measure(target)));
  const boxes = () => document.querySelectorAll(BOXES);

  function prepare() {
    observer.disconnect();
    for (const box of boxes()) observer.observe(box);
  }

  // Material may change the page without loading it anew, and then says so.
  prepare();
  window.document$?.subscribe(prepare);
  document.fonts.ready.then(() => boxes().forEach(measure));
}
