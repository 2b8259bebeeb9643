// What the server of `sidelit serve` adds to each page: it loads the page again when that has changed, where the reader
// was, and shows above it what is wrong with its source.
{
  const { problems } = document.currentScript.dataset;
  const events = new EventSource("/-/events");

  events.addEventListener("message", ({ data }) => {
    const changed = JSON.parse(data);
    const path = decodeURI(location.pathname).replace(/^\//, "").replace(/(^|\/)$/, "$1index.html");
    if (changed.includes(path) || changed.includes("")) location.reload();
  });

  // The server may have been started again, and the site be another one.
  let lost = false;
  events.addEventListener("error", () => (lost = true));
  events.addEventListener("open", () => lost && location.reload());

  if (problems) {
    const banner = document.createElement("div");
    banner.id = "live-problems";
    banner.setAttribute("role", "alert");
    banner.style.cssText =
      "position:sticky;top:0;z-index:100;padding:.75rem 1.25rem;background:#8c1d18;color:#fff;" +
      "font:13px/1.5 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere";
    banner.textContent = problems;
    document.body.prepend(banner);
  }
}
