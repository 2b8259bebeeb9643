// Search as you type. MkDocs' worker holds the index: it starts when the box is first used, says {allowSearch} when it
// is ready, and answers {query} with {results}. What it finds is written as text, never as HTML.
{
  const form = document.querySelector("form.search");
  const box = form.elements.q;
  const ownPage = document.querySelector("#search-page");
  const panel = ownPage || form.querySelector(".search-panel");
  const status = panel.querySelector(".search-status");
  const list = panel.querySelector(".search-list");
  const base = form.dataset.base.replace(/\/?$/, "/");
  let worker, ready, shortest, terms = [], waiting = "Loading…";

  function element(name, ...children) {
    const made = document.createElement(name);
    made.append(...children);
    return made;
  }

  // MkDocs writes titles as HTML into its index, and text as text.
  const plain = (html) => new DOMParser().parseFromString(html, "text/html").documentElement.textContent;

  // The text around the first hit, with every hit marked.
  function excerpt(text) {
    const hits = new RegExp(`(${terms.map((term) => term.replace(/\W/g, "\\$&")).join("|")})`, "i");
    const start = Math.max(0, text.search(hits) - 60);
    const parts = text.slice(start, start + 180).split(hits);
    return element("p", start ? "…" : "", ...parts.map((part, i) => (i % 2 ? element("mark", part) : part)), "…");
  }

  function result({ location, title, text }) {
    const place = decodeURI(location).replace(/#.*|(index)?\.html/g, "").split("/").filter(Boolean).join(" / ");
    const link = element("a", element("strong", plain(title)), element("small", place), excerpt(text));
    link.href = base + location;
    return element("li", link);
  }

  function show(found) {
    status.textContent = `${found.length || "No"} result${found.length === 1 ? "" : "s"}`;
    list.replaceChildren(...found.slice(0, ownPage ? 50 : 10).map(result));
  }

  function fail() {
    waiting = "Search needs this site to be served over http.";
    ask();
  }

  function start() {
    if (worker) return;
    try {
      worker = new Worker(base + "search/worker.js");
    } catch {
      worker = {};
      return fail();
    }
    worker.onerror = fail;
    worker.onmessage = ({ data }) => {
      if (data.config) shortest = data.config.min_search_length;
      if (data.allowSearch) {
        ready = true;
        ask();
      }
      if (data.results && terms.length) show(data.results);
    };
    worker.postMessage({ init: true });
  }

  function ask() {
    // Operators of lunr's query language separate words; the last word may be half typed.
    terms = box.value.split(/[\s:~^*+-]+/).filter(Boolean);
    if (ready && box.value.trim().length < shortest) terms = [];
    panel.hidden = !ownPage && !terms.length;
    if (!terms.length) list.replaceChildren();
    if (!terms.length || !ready) status.textContent = terms.length ? waiting : "";
    else worker.postMessage({ query: `${terms.join(" ")} ${terms.at(-1)}*` });
  }

  box.addEventListener("focus", start);
  box.addEventListener("input", ask);

  form.addEventListener("keydown", (event) => {
    const stops = [box, ...form.querySelectorAll(".search-list a")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      stops[stops.indexOf(document.activeElement) + step]?.focus();
    } else if (event.key === "Escape") {
      box.value = "";
      ask();
      box.focus();
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.closest("input, textarea, select")) return;
    event.preventDefault();
    box.focus();
  });

  // Choosing a result, or turning to something else, closes the list.
  document.addEventListener("click", ({ target }) => {
    if (!ownPage && (!form.contains(target) || target.closest("a"))) panel.hidden = true;
  });
  document.addEventListener("focusin", ({ target }) => {
    if (!ownPage && !form.contains(target)) panel.hidden = true;
  });

  if (ownPage) {
    box.value = new URLSearchParams(window.location.search).get("q");
    if (box.value) start();
  }
}
