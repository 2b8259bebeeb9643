// The skeleton of a page: the elements that the page contract names, nested as they are, whatever their tags.
// Prose and tokens are left out, and lines of code that follow each other count once.
() => {
  const classes = ["section", "docs", "doc-strings", "code", "highlight", "section-link", "lineno", "parent"];
  const name = (element) => {
    const parent = element.parentElement;
    const inProse = parent && parent.closest(".docs") && !element.matches(".parent, .section-link, .section-link > a");
    if (inProse) return "";
    const id = /^(container|background|section-\d+)$/.test(element.id) ? "#" + element.id.replace(/\d+/, "N") : "";
    const known = classes.filter((each) => element.classList.contains(each)).map((each) => "." + each);
    const tag = element.matches("pre, a") ? element.tagName.toLowerCase() : "";
    const inContract = id || known.length || element.matches(".highlight > pre, .section-link > a");
    return inContract ? tag + known.join("") + id : "";
  };
  const walk = (element) => {
    const below = [];
    for (const each of [...element.children].flatMap(walk))
      if (each !== ".lineno" || below.at(-1) !== ".lineno") below.push(each);
    const own = name(element);
    return own ? [below.length ? [own, ...below] : own] : below;
  };
  const head = [...document.head.querySelectorAll("meta[name], meta[property], link[rel]")].map(
    (each) => each.getAttribute("name") || each.getAttribute("property") || "link " + each.rel.split(" ").at(-1),
  );
  return { container: walk(document.body)[0], head: [...new Set(head)].sort() };
}
