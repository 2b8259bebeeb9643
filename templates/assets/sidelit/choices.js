// What the reader chooses, as attributes of <html>: the colours (`data-theme`) and which of the columns are shown
// (`data-mode`). It runs before the page is painted, so nothing flashes and nothing moves.
{
  const root = document.documentElement;

  // Fonts are made ready before anything is laid out in them, which would be laid out again.
  const faces = new Map([...document.fonts].map((face) => [face.family, face]));
  for (const family of document.currentScript.dataset.fonts?.split(" ") ?? []) faces.get(family)?.load().catch(() => {});

  // What only screen readers see of a formula waits until the rest is there, but not for an image that does not come.
  const sayAloud = () => delete root.dataset.loading;
  root.dataset.loading = "";
  addEventListener("load", () => (globalThis.requestIdleCallback ?? setTimeout)(sayAloud));
  document.addEventListener("DOMContentLoaded", () => setTimeout(sayAloud, 2000));

  // Storage may be forbidden, and even asking for it is an error then. The choice holds for this page at least.
  function read(storage, key) {
    try { return globalThis[storage].getItem(key); } catch { return null; }
  }

  function write(storage, key, value) {
    try { globalThis[storage].setItem(key, value); } catch { /* not kept */ }
  }

  // The first of the words is what holds without a choice.
  const choices = {
    theme: { storage: "localStorage", words: { auto: "Colours as in the system", light: "Light", dark: "Dark" } },
    mode: {
      storage: "sessionStorage",
      words: { both: "Prose and code", prose: "Prose only", code: "Code only" },
      key: "m",
      around: keepPlace,
    },
  };

  const chosen = (name) => root.dataset[name] || Object.keys(choices[name].words)[0];

  function restore() {
    for (const [name, { storage, words }] of Object.entries(choices)) {
      const value = read(storage, `sidelit-${name}`);
      if (Object.hasOwn(words, value)) root.dataset[name] = value;
    }
    label();
  }

  function label() {
    for (const button of document.querySelectorAll("[data-choice]")) {
      const { words, key } = choices[button.dataset.choice];
      const text = words[chosen(button.dataset.choice)];
      button.title = key ? `${text} (${key})` : text;
      button.setAttribute("aria-label", text);
    }
  }

  function choose(name, value) {
    const { storage, words, around = (change) => change() } = choices[name];
    around(() => { root.dataset[name] = value; });
    write(storage, `sidelit-${name}`, value);
    label();
    sidelit.say(words[value]);
  }

  function next(name) {
    const values = Object.keys(choices[name].words);
    choose(name, values[(values.indexOf(chosen(name)) + 1) % values.length]);
  }

  // The section at the top of the window stays there, as far through it as before. One that has nothing to show gives
  // way to the prose above it or the code below it. Who only turns from mode to mode comes back to the same place.
  let held;

  function keepPlace(change) {
    const top = document.querySelector(".bar").getBoundingClientRect().bottom;
    const sections = [...document.querySelectorAll("#container > .section")];
    const start = scrollY;
    if (held?.left !== start) {
      // A link leads to a little below the bar.
      const index = Math.max(0, sections.findLastIndex((each) => each.getBoundingClientRect().top < top + 32));
      const rect = sections[index].getBoundingClientRect();
      held = { index, below: Math.max(0, rect.top - top), through: Math.max(0, top - rect.top) / rect.height };
    }
    change();
    const shown = (each) => each.getBoundingClientRect().height > 1;
    const before = sections.slice(0, held.index + 1).findLast(shown);
    const after = sections.slice(held.index).find(shown);
    const section = root.dataset.mode === "prose" ? before || after : after || before;
    if (start && section) {
      const rect = section.getBoundingClientRect();
      const through = section === sections[held.index] ? held.through * rect.height : 0;
      scrollBy({ top: rect.top - top - held.below + through, behavior: "instant" });
    }
    held.left = scrollY;
  }

  // An address may lead to what is not shown.
  function show() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target || target.getClientRects().length) return;
    choose("mode", "both");
    sidelit.arrive(target);
  }

  root.dataset.script = "";
  restore();

  document.addEventListener("DOMContentLoaded", () => {
    label();
    if (root.dataset.mode) show();
  });
  addEventListener("hashchange", show);

  // A page that the browser kept whole knows nothing of what was chosen since.
  addEventListener("pageshow", restore);

  document.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-choice]");
    if (button) next(button.dataset.choice);
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, dialog, [contenteditable]")) return;
    for (const [name, { key }] of Object.entries(choices))
      if (event.key === key && document.querySelector(`[data-choice="${name}"]`)) next(name);
  });
}
