// Search as you type, in a dialog on every page and on a page of its own. search.js loads this at the first use, and
// this the index, the library and find.js, as scripts: that works from the disk too. Whatever was found is written as
// text, never as HTML.
{
  const assets = new URL(".", document.currentScript.src);
  const top = new URL("../../", assets);
  const FEW = 12, MANY = 100;

  function load(name) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL(name, assets);
      script.onload = resolve;
      script.onerror = reject;
      document.head.append(script);
    });
  }

  let loading;
  const loaded = () => loading ??= Promise.all(["minisearch.js", "find.js", "search-index.js"].map(load))
    .then(() => window.sidelitFinder(window.sidelitIndex));

  function element(name, ...children) {
    const made = document.createElement(name);
    made.append(...children);
    return made;
  }

  // ---- Formulas

  // The only elements and attributes of MathML that are taken over. Colours are not: they are for another ground.
  const ELEMENTS = new Set((
    "math semantics mrow mi mn mo ms mtext mspace mpadded mphantom mstyle menclose mfrac msqrt mroot msub msup msubsup " +
    "munder mover munderover mmultiscripts mprescripts mtable mtr mlabeledtr mtd"
  ).split(" "));
  const ATTRIBUTES = (
    "accent accentunder columnalign columnspacing columnspan depth displaystyle fence form height largeop " +
    "linethickness lspace mathvariant maxsize minsize movablelimits notation rowalign rowspacing rowspan rspace " +
    "scriptlevel separator stretchy symmetric voffset width"
  ).split(" ");
  const MATHML = "http://www.w3.org/1998/Math/MathML";

  function copied(node) {
    if (node.nodeType === Node.TEXT_NODE) return [node.data];
    if (node.namespaceURI !== MATHML || !ELEMENTS.has(node.localName)) return [];
    const copy = document.createElementNS(MATHML, node.localName);
    for (const name of ATTRIBUTES) {
      if (node.hasAttribute(name)) copy.setAttribute(name, node.getAttribute(name));
    }
    copy.append(...[...node.childNodes].flatMap(copied));
    return [copy];
  }

  function formula(number) {
    const [tex, mathml] = window.sidelitIndex.formulas[number];
    const [copy] = copied(new DOMParser().parseFromString(mathml || "<none/>", "application/xml").documentElement);
    const made = copy ? element("span", copy) : element("code", tex);
    made.className = "search-math";
    return made;
  }

  // ---- Results

  const marked = (node, hit) => hit ? element("mark", node) : node;

  // The words of a text and what is between them, and its formulas, each with the term by which it was found.
  function itemsOf(pieces, terms) {
    const { WORD, wordsOf, termsOf } = window.sidelitFinder;
    const hitOf = (words) => words.flatMap(termsOf).find((term) => terms.has(term));
    return pieces.flatMap((piece) => {
      if (typeof piece === "number") {
        return { size: 6, hit: hitOf(wordsOf(window.sidelitIndex.formulas[piece][0])), node: () => formula(piece) };
      }
      const ends = [...piece.matchAll(WORD)].flatMap(({ index, 0: word }) => [index, index + word.length]);
      return [0, ...ends].map((start, i) => {
        const text = piece.slice(start, ends[i]);
        return { size: text.length, hit: i % 2 ? hitOf([text]) : undefined, node: () => text };
      });
    });
  }

  const written = (items) => items.map(({ node, hit }) => marked(node(), hit));

  // The stretch of a text that has the most of what was looked for, with some words before it.
  function excerpt(pieces, terms) {
    const items = itemsOf(pieces, terms);
    const hits = items.flatMap(({ hit }, i) => hit ? i : []);
    const kinds = (from) => new Set(items.slice(from, from + 40).map(({ hit }) => hit)).size;
    const best = hits.slice(0, 50).reduce((best, i) => kinds(i) > kinds(best) ? i : best, hits[0] ?? 0);
    let start = best, end = best;
    for (let room = 60; start > 0 && room > 0;) room -= items[--start].size;
    for (let room = 140; end < items.length && room > 0;) room -= items[end++].size;
    const shown = written(items.slice(start, end));
    return element("p", start ? "… " : "", ...shown, end < items.length ? " …" : "");
  }

  // What is defined in the code beside it, unless the title says so, and the names there by which it was found.
  function namesIn({ name, names, title }, terms) {
    const isFound = (each) => window.sidelitFinder.termsOf(each).some((term) => terms.has(term));
    const found = names.split(" ").filter((each) => !name.split(".").includes(each) && isFound(each));
    const shown = [name, ...found].filter((each) => each && each !== String(title)).slice(0, 5);
    return element("p", ...shown.flatMap((each) => [element("code", marked(each, isFound(each))), " "]));
  }

  function result({ place, terms }) {
    const link = element("a", element("strong", ...written(itemsOf(place.title, terms))));
    if (String(place.page) !== String(place.title)) {
      link.append(" ", element("small", ...written(itemsOf(place.page, terms))));
    }
    for (const line of [namesIn(place, terms), excerpt(place.text, terms)]) {
      if (line.textContent) link.append(line);
    }
    link.href = new URL(place.url, top);
    if (place.anchor) link.hash = encodeURIComponent(place.anchor);
    return link;
  }

  // Answer what is in a box, now and whenever it changes: `show` what was found, or nothing.
  function answer(box, status, show) {
    async function ask() {
      const query = box.value;
      if (!query.trim()) {
        status.textContent = "";
        return show([]);
      }
      if (!loading) status.textContent = "Loading…";
      const find = await loaded().catch(() => null);
      if (box.value !== query) return;
      const found = find?.(query) ?? [];
      const count = `${found.length || "No"} place${found.length === 1 ? "" : "s"} found`;
      status.textContent = find ? count : "The search could not be loaded";
      show(found);
    }
    box.addEventListener("input", ask);
    return ask;
  }

  // ---- The dialog

  const dialog = document.querySelector("dialog.search");
  {
    const form = dialog.querySelector("form");
    const box = form.elements.q;
    const list = dialog.querySelector(".search-list");
    let active;

    function activate(option) {
      active?.setAttribute("aria-selected", "false");
      active = option;
      option?.setAttribute("aria-selected", "true");
      option?.scrollIntoView({ block: "nearest" });
      if (option) box.setAttribute("aria-activedescendant", option.id);
      else box.removeAttribute("aria-activedescendant");
    }

    function show(found) {
      const options = found.slice(0, FEW).map(result);
      if (found.length > FEW) {
        const all = element("a", `All ${found.length} places`);
        all.href = `${form.action}?${new URLSearchParams({ q: box.value })}`;
        options.push(all);
      }
      options.forEach((option, i) => {
        option.id = `search:${i}`;
        option.tabIndex = -1;
        option.role = "option";
        option.ariaSelected = "false";
      });
      list.replaceChildren(...options);
      list.scrollTop = 0;
      box.setAttribute("aria-expanded", options.length > 0);
      activate(options[0]);
    }

    const ask = answer(box, dialog.querySelector(".search-status"), show);

    box.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      const options = [...list.children];
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step && options.length) {
        event.preventDefault();
        activate(options.at((options.indexOf(active) + step) % options.length));
      } else if (event.key === "Enter" && active) {
        event.preventDefault();
        active.click();
      } else if (event.key === "Escape") {
        // A search box would take the first Escape to empty itself.
        event.preventDefault();
        dialog.close();
      }
    });

    // A choice leads away, perhaps on this very page; a click beside the dialog is one on its backdrop.
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || (event.target.closest("a") && !event.ctrlKey && !event.metaKey)) dialog.close();
    });

    // The reader may have begun while this was on its way.
    loaded().catch(() => {});
    ask();
  }

  // ---- The page

  const page = document.querySelector("#search-page form");
  if (page) {
    const box = page.elements.q;
    const list = document.querySelector("#search-page .search-list");
    const listed = (found) => found.map((each) => element("li", result(each)));
    const more = element("button", "Show more");
    more.type = "button";
    const ask = answer(box, document.querySelector("#search-page .search-status"), (found) => {
      list.replaceChildren(...listed(found.slice(0, MANY)));
      more.hidden = found.length <= MANY;
      more.onclick = () => {
        const shown = list.children.length;
        list.append(...listed(found.slice(shown, shown + MANY)));
        list.children[shown].firstElementChild.focus();
        more.hidden = list.children.length === found.length;
      };
    });
    list.after(more);
    more.hidden = true;
    page.hidden = false;
    box.value = new URLSearchParams(location.search).get("q") ?? "";
    ask();
  }
}
