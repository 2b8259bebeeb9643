// What is found for a reader's words. This file has the order and the meaning of results, MiniSearch the looking up. It
// knows nothing of the page it runs in.
//
//     const find = await sidelitFinder(sidelitIndex);
//     find("step_param")  // [{ place, terms }, …], the best first
//
// A place is a section, or a heading in its prose: { url, page, anchor, title, text, name, names }. The titles and the text
// are lists of texts and of the numbers of formulas. `terms` is the set of terms by which it was found; `wordsOf` a text
// and `termsOf` a word are what to compare them with.
window.sidelitFinder = (() => {
  // A name keeps its dots and underscores. Of scripts that are written without spaces each sign is a word.
  const SIGN = "[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}]";
  const LETTER = `(?!${SIGN})[\\p{L}\\p{N}\\p{M}_]`;
  const WORD = new RegExp(`${SIGN}|${LETTER}(?:\\.*${LETTER})*`, "gu");
  const JOINT = /[._]+|(?<=[\p{Ll}\p{N}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/u;

  const normal = (word) => word.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

  // `x_{1}` is `x_1`.
  const wordsOf = (text) => text.replace(/([_^])\{(\w+)\}/g, "$1$2").match(WORD) ?? [];

  const partsOf = (word) => word.split(JOINT).filter(Boolean).map(normal);

  // All by which a word can be found: as it is, by its names between dots, by their parts. Most words come again.
  const known = new Map();
  function termsOf(word) {
    let terms = known.get(word);
    if (!terms) {
      terms = [...new Set([normal(word), ...word.split(".").map(normal), ...partsOf(word)])];
      known.set(word, terms);
    }
    return terms;
  }

  async function finder({ pages, formulas }) {
    const textOf = (pieces) => pieces.map((piece) =>
      typeof piece === "number" ? ` ${formulas[piece][0]} ` : piece).join("");
    const places = pages.flatMap(([url, page, listed]) =>
      listed.map(([anchor, title, text, name, names]) => ({ url, page, anchor, title, text, name, names })));

    const index = new MiniSearch({
      fields: ["name", "title", "names", "page", "text"],
      extractField: (id, field) => {
        if (field === "id") return id;
        const value = places[id][field];
        return typeof value === "string" ? value : textOf(value);
      },
      tokenize: (text) => wordsOf(text).flatMap(termsOf),
      processTerm: (term) => term,
      searchOptions: {
        boost: { name: 10, title: 5, names: 2, page: 2 },
        tokenize: (term) => [term],
        prefix: (term) => term.length > 1,
      },
    });
    await index.addAllAsync([...places.keys()], { chunkSize: 100 });

    // Every word has to be found: as it is or as a beginning, else by all its parts, else as if it was mistyped.
    function search(words) {
      const parts = words.flatMap(partsOf);
      const all = (queries, options) => index.search({ combineWith: "AND", queries }, options);
      const steps = [
        () => all(words.map(normal)),
        () => all(parts),
        () => all(words.map(normal), { fuzzy: (term) => term.length > 3 ? 0.25 : false }),
      ];
      return steps.reduce((found, step) => found.length ? found : step(), []);
    }

    // What is called just so comes first, by its name, by its title, or by the end of its name.
    const called = (words) => normal(words.join(" "));
    function rank({ name, title }, asked) {
      const own = normal(name);
      const is = [own === asked, called(wordsOf(textOf(title))) === asked, own.endsWith(`.${asked}`)];
      return is.includes(true) ? is.indexOf(true) : is.length;
    }

    return (query) => {
      const words = wordsOf(query);
      if (!words.length) return [];
      const asked = called(words);
      return search(words)
        .map(({ id, terms }) => ({ place: places[id], terms: new Set(terms), rank: rank(places[id], asked) }))
        .sort((one, other) => one.rank - other.rank);
    };
  }

  return Object.assign(finder, { WORD, wordsOf, termsOf });
})();
