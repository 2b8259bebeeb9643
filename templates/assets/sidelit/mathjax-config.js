// Settings for MathJax where it runs in the browser (`math: client`): formulas arrive between \(…\) and \[…\].
window.MathJax = {
  tex: {
    inlineMath: [["\\(", "\\)"]],
    displayMath: [["\\[", "\\]"]],
    processEnvironments: false,
    macros: JSON.parse(document.currentScript.dataset.macros || "{}"),
  },
};
