// Settings for MathJax where it runs in the browser (`math: client`): formulas arrive between \(…\) and \[…\]. They may
// be anyone's, and set no addresses, ids, classes or styles of the page.
window.MathJax = {
  loader: { load: ["ui/safe"] },
  tex: {
    inlineMath: [["\\(", "\\)"]],
    displayMath: [["\\[", "\\]"]],
    processEnvironments: false,
    macros: JSON.parse(document.currentScript.dataset.macros || "{}"),
  },
  options: { safeOptions: { allow: { URLs: "none", classes: "none", cssIDs: "none", styles: "none" } } },
};
