// Which symbols a formula holds, on MathJax's own tree: what a reader may point at, and what lights up with it.
//
// A *symbol* is a letter with what belongs to it: an accent, a subscript, a prime or star. Powers do not: in \beta_1^t
// stand the symbols \beta_1 and t. Neither do names of functions: no m is in \max. Besides these, an author may declare
// any formula as a symbol, such as 1 - \beta_1 or \sqrt{v_t}.
//
// Two attributes of a node say what it is. `data-s` names the symbols that pointing at the node means, `data-t` those
// that it is only a part of: pointing at m_t means m_t, but its t lights up with every other t. A declared symbol is
// named `=` and the name of its variable, another one by its key, which is the same wherever the symbol is.
"use strict";

// An atom of TeX's class of operators is the name of a function.
const OPERATOR = 1;
const ROWS = new Set(["TeXAtom", "inferredMrow", "mrow", "mstyle", "math"]);
const isRow = (node) => ROWS.has(node.kind) && !(node.kind === "TeXAtom" && node.texClass === OPERATOR);
const LETTERS = /^\p{L}+$/u;

// Spaces and the invisible marks of multiplication and application mean nothing here.
const isNothing = (node) => node.kind === "mspace" || (node.kind === "mo" && /^[\u2061-\u2064]?$/.test(textOf(node)));
const textOf = (node) => node.childNodes.map((child) => (child.kind === "text" ? child.getText() : "")).join("");
const parts = (node) => node.childNodes.filter((child) => child && !isNothing(child));

// Rows and atoms with one thing in them are that thing.
function inner(node) {
  while (isRow(node) && parts(node).length === 1) [node] = parts(node);
  return node;
}

const grouped = (key) => ([...key].length === 1 ? key : `{${key}}`);
const below = (base, script) => `${base}_${grouped(script)}`;
const above = (base, script) => `${base}^${grouped(script)}`;

// Equal for formulas that look the same, and close to the TeX that makes them. It holds no white space. The key of a
// formula is made of those of its parts, which are asked for too.
function keyOf(outer) {
  const node = inner(outer);
  if (!keys.has(node)) keys.set(node, madeKey(node));
  return keys.get(node);
}

const keys = new WeakMap();

function madeKey(node) {
  if (isRow(node)) return parts(node).map(keyOf).join("");
  const children = node.childNodes.map((child) => (child && child.kind !== "text" ? keyOf(child) : ""));
  switch (node.kind) {
    case "mi": case "mn": case "mo": case "mtext": case "ms": {
      const variant = node.kind === "mtext" ? "text" : node.attributes.getExplicit("mathvariant");
      return (variant ? `${variant}:` : "") + textOf(node).replace(/\s+/gu, "~");
    }
    case "msub": return below(children[0], children[1]);
    case "msup": return above(children[0], children[1]);
    case "msubsup": return above(below(children[0], children[1]), children[2]);
    default: return `${node.kind}${children.map((child) => `{${child}}`).join("")}`;
  }
}

function isSymbol(outer) {
  const node = inner(outer);
  const [base, script] = node.childNodes;
  switch (node.kind) {
    case "mi": return node.texClass !== OPERATOR && LETTERS.test(textOf(node));
    case "msub": return isSymbol(base);
    case "mover": case "munder": return isSymbol(base) && inner(script).kind === "mo";
    case "msup": return isSymbol(base) && inner(script).kind === "mo";
    default: return false;
  }
}

// `declared` are pairs of a variable's name and the tree of a symbol. Returns the
// places of those that occur; one without a tree does not.
function mark(root, declared) {
  const wanted = new Map();
  const runs = new Map();
  declared.forEach(([name, tree], place) => {
    if (!tree) return;
    const entry = { token: `=${name}`, place };
    const row = inner(tree);
    const keys = isRow(row) ? parts(row).map(keyOf) : [];
    const [map, key] = keys.length > 1 ? [runs, keys[0]] : [wanted, keyOf(row)];
    if (key) map.set(key, [...(map.get(key) ?? []), { ...entry, keys }]);
  });
  const found = new Set();

  function put(outer, name, tokens) {
    const node = inner(outer);
    const before = node.attributes.getExplicit(name);
    node.attributes.set(name, [...new Set([...(before ? before.split(" ") : []), ...tokens])].join(" "));
  }

  // Where nothing is declared, most keys are of no use, and they take long to make.
  function tokensOf(makeKey, otherwise) {
    if (!wanted.size && !otherwise) return [];
    const key = makeKey();
    const entries = wanted.get(key);
    if (!entries) return otherwise ? [key] : [];
    entries.forEach(({ place }) => found.add(place));
    return entries.map(({ token }) => token);
  }

  // Within a subscript nothing is pointed at for itself.
  function visit(outer, attribute) {
    const node = inner(outer);
    const [base, script, power] = node.childNodes;
    const whole = isSymbol(node);
    const tokens = tokensOf(() => keyOf(node), whole);
    if (tokens.length) put(node, attribute, tokens);

    if (node.kind === "msubsup") {
      const stem = tokensOf(() => below(keyOf(base), keyOf(script)), isSymbol(base));
      if (stem.length) {
        put(base, attribute, stem);
        put(script, attribute, stem);
      } else {
        visit(base, attribute);
      }
      visit(script, stem.length ? "data-t" : attribute);
      visit(power, attribute);
    } else if (whole) {
      // The letter of a symbol is not a symbol of its own.
      if (node.kind === "msub") visit(script, "data-t");
    } else {
      const children = parts(node).filter((child) => child.kind !== "text");
      children.forEach((child) => visit(child, attribute));
      if (runs.size && isRow(node)) markRuns(children);
    }
  }

  // A declared row, such as 1 - \beta_1, may be a part of a longer one.
  function markRuns(children) {
    const keys = children.map(keyOf);
    keys.forEach((key, start) => {
      for (const { token, place, keys: run } of runs.get(key) ?? []) {
        if (!run.every((each, step) => each === keys[start + step])) continue;
        found.add(place);
        for (const child of children.slice(start, start + run.length)) {
          const own = inner(child).attributes.getExplicit("data-s");
          put(child, own ? "data-t" : "data-s", [token]);
        }
      }
    });
  }

  visit(root, "data-s");
  return [...found].sort((a, b) => a - b);
}

module.exports = { keyOf, mark };
