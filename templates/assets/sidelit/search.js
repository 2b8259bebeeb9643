// The way to the search: the link in the bar, `/` and Ctrl-K open its dialog. What finds and shows is in results.js, which
// is loaded at the first use.
{
  const assets = new URL(".", document.currentScript.src);
  const opener = document.querySelector(".search-open");
  const dialog = document.querySelector("dialog.search");
  let isLoaded = false;

  function load() {
    if (isLoaded) return;
    isLoaded = true;
    const script = document.createElement("script");
    script.src = new URL("results.js", assets);
    script.onerror = () => { dialog.querySelector(".search-status").textContent = "The search could not be loaded"; };
    document.head.append(script);
  }

  function open() {
    dialog.showModal();
    dialog.querySelector("input").select();
    load();
  }

  opener.role = "button";
  opener.ariaHasPopup = "dialog";
  opener.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open();
  });
  opener.addEventListener("keydown", (event) => {
    if (event.key !== " ") return;
    event.preventDefault();
    open();
  });

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    const command = event.ctrlKey || event.metaKey;
    const slash = event.key === "/" && !command && !event.altKey && !typing;
    if (!slash && !(event.key.toLowerCase() === "k" && command && !event.altKey && !event.shiftKey)) return;
    event.preventDefault();
    if (!dialog.open) open();
  });

  if (document.querySelector("#search-page form")) load();
}
