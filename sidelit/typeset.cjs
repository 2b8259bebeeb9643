// The Node half of mathjax.py: TeX in, HTML and CSS rules out, one JSON document a line.
//
//     node typeset.cjs NODE_MODULES
//
// The first line in is {"id", "macros"} and is answered with {"id", "base"}: the CSS rules that every formula needs.
// Each further line is {"id", "tex", "display", "symbols"} and is answered, in order, with {"id", "html", "rules",
// "found"} or, for TeX that MathJax refuses, with {"id", "error"}. `symbols` are pairs of a variable's name and the TeX
// of a symbol, `found` the places in that list of those that the formula holds. Standard output carries nothing else.
// The process ends with its input.
"use strict";

const { once } = require("events");
const path = require("path");
const readline = require("readline");
const { mark } = require("./symbols.cjs");

// Whatever MathJax has to say must not get between the answers.
console.log = console.info = console.debug = console.error;

const EXTENSIONS = [
  "ams", "boldsymbol", "braket", "cancel", "cases", "centernot", "color", "configmacros", "extpfeil", "mathtools",
  "textmacros", "upgreek",
];

// Commands that would make one formula depend on another, or put an attribute of the author's choice into the page, and
// what to do instead. Most are not loaded anyway; naming them gives their users an answer.
const OFF = [
  [
    "newcommand renewcommand providecommand newenvironment renewenvironment def gdef edef xdef let " +
    "DeclareMathOperator DeclarePairedDelimiter DeclarePairedDelimiterX DeclarePairedDelimiterXPP " +
    "DeclarePairedDelimiters DeclarePairedDelimitersX DeclarePairedDelimitersXPP MakeAboxedCommand Newextarrow " +
    "newcolumntype definecolor newtagform renewtagform usetagform mathtoolsset require",
    "is off, so that a formula means the same wherever it stands; define macros in the configuration",
  ],
  ["ref eqref refeq", "is off: formulas are typeset one by one; write a \\tag and name it in the text"],
  ["href style class cssId data unicode U", "is off: a formula sets no addresses, styles or fonts of the page"],
];

// What may stand in an attribute that MathJax copies from the TeX (a colour, a length, an alignment). A semicolon, a
// quote or a bracket there is an attempt at the style sheet.
const PLAIN = /^[^;:"'<>()\\{}]*$/;

// No HTML can hold these: control characters and halves of a pair.
const UNPRINTABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\p{Surrogate}\ufffe\uffff]/u;

async function start(modules, macros) {
  global.MathJax = {};
  const { init } = require(path.join(modules, "mathjax", "node-main.cjs"));
  await init({
    loader: {
      load: [
        "input/tex-base", ...EXTENSIONS.map((name) => `[tex]/${name}`), "output/chtml", "a11y/assistive-mml", "ui/safe",
      ],
      paths: { "mathjax-newcm": path.join(modules, "@mathjax", "mathjax-newcm-font") },
      require,
    },
    tex: {
      packages: ["base", ...EXTENSIONS, "off"],
      textmacros: { packages: ["text-base", "text-off"] },
      macros,
      tags: "none",
      formatError: (_, error) => { throw error; },
    },
    // A wide display scrolls in its own box, by a rule of the base sheet. A long formula in a line may break at a
    // relation or an operator, where MathJax puts a space that the browser breaks like any other. Neither needs a
    // script.
    output: { displayOverflow: "scroll", linebreaks: { inline: true } },
    chtml: { adaptiveCSS: true, matchFontHeight: false, fontURL: ".", styleJson: new Sheet() },
    options: {
      enableAssistiveMml: false,
      safeOptions: { allow: { URLs: "none", classes: "none", cssIDs: "none", styles: "none" } },
    },
    startup: {
      typeset: false,
      ready() {
        turnOff(macros);
        MathJax.startup.defaultReady();
      },
    },
  });
  const { document } = MathJax.startup;
  const rules = prepareSheet(document.outputJax);
  document.inputJax[0].postFilters.add(({ data }) => data.root.walkTree(clean), 100);
  document.inputJax[0].postFilters.add(({ math, data }) => {
    item = math;
    found = mark(data.root, wanted);
  }, 101);
  return { document, base: new Set([...rules, ...(await typeset(document, "", false)).rules]) };
}

// The rules for fonts, and for classes that stand for a font, of which a formula needs few.
const fonts = { faces: [], classes: [] };

// MathJax collects the rules that it always has, among them those for all its fonts, anew for each formula. Here the
// sheet has them once and for all. Returns those that every formula needs.
function prepareSheet(output) {
  const [Output, Font] = [output.constructor, output.font.constructor];
  Font.addFontURLs(Font.defaultStyles, Font.defaultFonts, output.font.options.fontURL);
  const always = new Map(Object.entries({ ...Output.commonStyles, ...Font.defaultStyles }));
  Output.commonStyles = Font.defaultStyles = Font.defaultFonts = {};
  output.styleJson.always = always;

  const rules = rulesOf(always);
  fonts.faces = rules.filter(({ isFace }) => isFace);
  fonts.classes = rules.filter(({ classed }) => classed);
  return withFonts("", rules.filter(({ isFace, classed }) => !isFace && !classed));
}

// A map of commands stands before those of MathJax, and behind the configured macros, which may use any name.
function turnOff(macros) {
  const { Configuration } = MathJax._.input.tex.Configuration;
  const { CommandMap } = MathJax._.input.tex.TokenMap;
  const TexError = MathJax._.input.tex.TexError.default;
  const commands = {};
  for (const [names, reason] of OFF) {
    for (const name of names.split(" ")) {
      commands[name] = () => { throw new TexError("Off", `\\${name} ${reason}`); };
    }
  }
  new CommandMap("off", commands);
  Configuration.create("off", { handler: { macro: ["off"] }, priority: 4 });
  Configuration.create("text-off", { parser: "text", handler: { macro: ["off"] }, priority: 0 });
}

// The symbols that are looked for in the formula at hand, those that were found in it, and what MathJax keeps of it.
let wanted = [];
let found = [];
let item;

// A symbol's tree, or nothing where its TeX is refused: whoever declared it is told when it is typeset by itself.
const trees = new Map();

function treeOf(document, tex) {
  if (!trees.has(tex)) {
    try {
      MathJax.texReset();
      trees.set(tex, document.convert(tex, { display: false, end: COMPILED }));
    } catch {
      trees.set(tex, null);
    }
  }
  return trees.get(tex);
}

// What MathJax calls a formula that has been read and not been drawn
const COMPILED = 20;

// MathJax notes the TeX of every node in an attribute, a third of the page. Ids of \tag would not be unique on it.
function clean(node) {
  const attributes = node.attributes?.getAllAttributes() ?? {};
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("data-latex") || ["id", "href", "class"].includes(name)) {
      delete attributes[name];
    } else if (typeof value === "string" && !PLAIN.test(value)) {
      throw new Error(`"${value}" is not a value for ${name}`);
    }
  }
}

// What a screen reader reads. MathJax would read its own MathML again to put it into the page; as text it is there
// sooner. Symbols are pointed at where they are drawn, and so not named here. The TeX goes along, where whoever copies
// the formula, or reads it by ear, can have it.
function assistive(document, { root, math: tex, display }) {
  const mathml = document.toMML(root)
    .replace(/\n */g, "").replace(/<!--.*?-->/g, "").replace(/ data-[st]="[^"]*"/g, "")
    .replace(/&#x([0-9A-F]+);/g, (_, code) => String.fromCodePoint(parseInt(code, 16)))
    .replace(/>[^<]+/g, (text) => text.replaceAll("&quot;", '"'));
  const [, math, children] = mathml.match(/^(<math[^>]*>)(.*)<\/math>$/s);
  const { adaptor } = document;
  const source = adaptor.node("annotation", { encoding: "application/x-tex" }, [adaptor.text(tex)]);
  return `<mjx-assistive-mml unselectable="on" display="${display ? "block" : "inline"}">${math}` +
    `<semantics><mrow>${children}</mrow>${adaptor.outerHTML(source)}</semantics></math></mjx-assistive-mml>`;
}

// What MathJax collects its style sheet in. Its own copies every declaration and writes the whole sheet anew, but nearly
// all of it is the same for every formula. Here declarations are taken as they are, and a rule is written when it is new.
// `always` are the declarations that need not be collected.
class Sheet {
  always = new Map();
  styles = new Map();

  clear() {
    this.styles.clear();
  }

  addStyles(more) {
    for (const selector in more) {
      const before = this.styles.get(selector) ?? this.always.get(selector);
      this.styles.set(selector, before ? { ...before, ...more[selector] } : more[selector]);
    }
  }

  get cssText() {
    return "";
  }
}

const rulesOf = (styles) => Array.from(styles, ([selector, declarations]) => ruleOf(selector, declarations));

// The rules for the formula that was typeset last, in MathJax's order, each on one line.
function styleRules(document, html) {
  document.outputJax.styleSheet(document);
  return withFonts(html, rulesOf(document.outputJax.styleJson.styles));
}

// MathJax lists all its fonts; only those named by the HTML or by another rule are wanted.
function withFonts(html, rules) {
  const names = new Set(html.match(/\bNCM-[\w-]+/g));
  const kept = [...fonts.classes.filter(({ classed }) => names.has(classed)), ...rules];
  const families = new Set([...(html.match(FAMILY) ?? []), ...kept.flatMap((rule) => rule.families)]);
  const faces = fonts.faces.filter(({ families: [family] }) => families.has(family));
  return [...kept, ...faces].map(({ text }) => text);
}

const FAMILY = /\bMJX-[\w-]+/g;

// What was written for a selector last, and from which declarations.
const known = new Map();

function ruleOf(selector, declarations) {
  let rule = known.get(selector);
  if (!rule || !areSame(rule.declarations, declarations)) {
    const [written] = new MathJax._.util.StyleJson.StyleJsonSheet({ [selector]: declarations }).getStyleRules();
    const text = written.replace(/\/\*.*?\*\//g, "").replace(/\s+/g, " ");
    rule = {
      declarations,
      text,
      isFace: text.startsWith("@font-face"),
      classed: text.startsWith(".NCM-") ? text.match(/NCM-[\w-]+/)[0] : "",
      families: text.match(FAMILY) ?? [],
    };
    known.set(selector, rule);
  }
  return rule;
}

function areSame(some, others) {
  if (some === others) return true;
  const [names, otherNames] = [Object.keys(some), Object.keys(others)];
  return names.length === otherNames.length &&
    names.every((name, place) => name === otherNames[place] && some[name] === others[name]);
}

// A formula in a line may break, but a short one like "t = 5" reads badly in two lines, and there is room for it in one.
const SHORT = 14;

function keepShortOnesWhole(adaptor, container, display) {
  if (display || adaptor.tags(container, "mjx-c").length > SHORT) return;
  for (const gap of adaptor.tags(container, "mjx-break")) adaptor.setStyle(gap, "white-space", "nowrap");
}

// What is longer is no formula, and would take the time and the page of thousands.
const LONGEST = 10000;

async function typeset(document, tex, display, symbols = []) {
  if (tex.length > LONGEST) throw new Error(`a formula of more than ${LONGEST} characters is not typeset; divide it`);
  const odd = tex.match(UNPRINTABLE);
  if (odd) throw new Error(`a page cannot show the character U+${odd[0].charCodeAt(0).toString(16).padStart(4, "0")}`);
  wanted = [];
  const declared = symbols.map(([name, symbol]) => [name, treeOf(document, symbol)]);
  wanted = declared;
  MathJax.texReset();
  document.outputJax.clearCache();
  const container = await MathJax.tex2chtmlPromise(tex, { display });
  const { adaptor } = document;
  keepShortOnesWhole(adaptor, container, display);
  for (const child of adaptor.childNodes(container)) adaptor.setAttribute(child, "aria-hidden", "true");
  adaptor.setStyle(container, "position", "relative");
  const html = adaptor.outerHTML(container).replace(/(?=<\/mjx-container>$)/, () => assistive(document, item));
  return { html, rules: styleRules(document, html), found };
}

async function main() {
  // Where the reader is behind, Node keeps what is said until its loop comes round, which it does not while there are
  // lines to read: then the reader would have nothing to do until all is done. So what is kept is waited for.
  const say = async (answer) => {
    const isTaken = process.stdout.write(JSON.stringify(answer) + "\n");
    if (!isTaken) await once(process.stdout, "drain");
  };
  let document, base;

  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { id, macros, tex, display, symbols } = JSON.parse(line);
    try {
      if (!document) {
        ({ document, base } = await start(path.resolve(process.argv[2]), macros));
        await say({ id, base: [...base] });
      } else {
        const { html, rules, found } = await typeset(document, tex, display, symbols);
        await say({ id, html, rules: rules.filter((rule) => !base.has(rule)), found });
      }
    } catch (error) {
      if (!document) throw error;
      await say({ id, error: error instanceof RangeError ? "this is nested too deeply" : error.message });
    }
  }
}

main();
