// The site tree opens and closes without this. With it, Escape closes it, it opens at the current page, and its
// branches fold and unfold. A page has its own branch; the others come with one script, when the first is opened.
{
  const contents = document.querySelector(".contents");
  const assets = new URL(".", document.currentScript.src);
  const top = new URL("../../", assets);

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !contents.open) return;
    contents.open = false;
    contents.querySelector("summary").focus();
  });

  contents.addEventListener("toggle", () => {
    if (contents.open) contents.querySelector("[aria-current]")?.scrollIntoView({ block: "center" });
  });

  // The tree of the whole site, as lists of [title, address or list].
  let loading;
  const wholeTree = () => loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("tree.js", assets);
    script.onload = () => resolve(window.sidelitTree);
    script.onerror = reject;
    document.head.append(script);
  });

  // A branch is a button and the list after it, which `grow` makes when it is wanted.
  function branch(title, list, grow) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = title;
    button.setAttribute("aria-expanded", Boolean(list));
    button.addEventListener("click", () => {
      const unfolded = button.getAttribute("aria-expanded") === "false";
      button.setAttribute("aria-expanded", unfolded);
      if (!list) button.after(list = grow());
      list.hidden = !unfolded;
    });
    return button;
  }

  function leaf(title, address) {
    const link = document.createElement("a");
    link.href = new URL(address, top);
    link.textContent = title;
    return link;
  }

  function listOf(items, list = document.createElement("ul")) {
    for (const [title, inside] of items) {
      const item = document.createElement("li");
      item.append(typeof inside === "string" ? leaf(title, inside) : branch(title, null, () => listOf(inside)));
      list.append(item);
    }
    return list;
  }

  for (const title of contents.querySelectorAll("li > span")) {
    title.replaceWith(branch(title.textContent, title.nextElementSibling));
  }

  for (const link of contents.querySelectorAll(".folded")) {
    const places = link.dataset.branch.split(".");
    link.replaceWith(branch(link.textContent, null, () => {
      const list = document.createElement("ul");
      wholeTree().then(
        (tree) => listOf(places.reduce((items, place) => items[place][1], tree), list),
        () => { location.href = link.href; },
      );
      return list;
    }));
  }
}
