"""
# Docstrings in other dialects

What is recognised is compared with griffe, on the docstrings of libraries. A docstring in Markdown is never changed.
"""

from __future__ import annotations

import ast
import logging
import re
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path

import griffe
import pytest
from building import own_cache, page, run, sidelit, write
from hypothesis import given
from hypothesis import strategies as st

from sidelit import dialects
from sidelit.dialects import to_markdown
from sidelit.prose import Fragment, Renderer
from sidelit.settings import DIALECTS
from sidelit.source import docstring_lines, parse

__all__ = ["own_cache"]

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = Path(sysconfig.get_paths()["purelib"])


def converted(docs: str, dialect: str = "auto") -> str:
    origins = [(number, 1) for number in range(1, docs.count("\n") + 2)]
    made, places = to_markdown(docs, origins, dialect)
    assert len(places) == made.count("\n") + 1
    return made


def html(docs: str, dialect: str = "auto") -> str:
    made = converted(docs, dialect)
    fragment = Fragment(made, tuple((1, 1) for _ in made.split("\n")))
    rendering = Renderer(allow_html=False).render([fragment], "x.py")
    assert not rendering.diagnostics
    return re.sub(r">\n\s*", ">", rendering.prose[0].html)


def words(docs: str, dialect: str = "auto") -> str:
    text = re.sub(r"<[^>]*>", " ", html(docs, dialect)).replace("&nbsp;", "").replace("\N{NO-BREAK SPACE}", "")
    return re.sub(r"\( (.*?) \)", r"(\1)", " ".join(text.split()))


GOOGLE = """Do it.

Args:
    x (int, optional): The value,
        and more.
    *rest: The others.

        A second paragraph.
    fn (Callable[[int], Tuple[int, (str)]]): Called.

Returns:
    dict of str: All.

Raises:
    ValueError: If `x` is wrong.

Note:
    Mind the step.

Example:
    >>> do(1)
    {}
"""
NUMPY = """Do it.

Parameters
----------
x, y : int, optional
    The values,
    and more.
*rest
    The others.
kind : {'a', 'b'}

Returns
-------
dict of str
    All.

Raises
------
ValueError
    If `x` is wrong.

Notes
-----
Mind the step.

Examples
--------
>>> do(1)
{}
"""
SPHINX = """Do it.

:param x: The value,
    and more.
:type x: int or None
:param str name: Its name.
:returns: All.
:rtype: dict
:raises ValueError: If ``x`` is wrong.
:meta private:

>>> do(1)
{}
"""


def test_google() -> None:
    assert html(GOOGLE).startswith(
        "<p>Do it.</p><p><strong>Args</strong></p><dl>"
        "<dt><code>x</code> (<code>int</code>, optional)</dt><dd>The value,\nand more.</dd>"
        "<dt><code>*rest</code></dt><dd><p>The others.</p><p>A second paragraph.</p></dd>"
        "<dt><code>fn</code> (<code>Callable[[int], Tuple[int, (str)]]</code>)</dt><dd>Called.</dd></dl>"
        "<p><strong>Returns</strong></p><dl><dt><code>dict of str</code></dt><dd>All.</dd></dl>"
        "<p><strong>Raises</strong></p><dl>"
        "<dt><code>ValueError</code></dt><dd>If <code>x</code> is wrong.</dd></dl>"
        '<div class="admonition note"><p class="admonition-title">Note</p><p>Mind the step.</p></div>'
        '<p><strong>Example</strong></p><div class="highlight"><pre>'
    )
    assert '<span class="gp">' in html(GOOGLE)


def test_numpy() -> None:
    assert html(NUMPY).startswith(
        "<p>Do it.</p><p><strong>Parameters</strong></p><dl>"
        "<dt><code>x</code>, <code>y</code> (<code>int</code>, optional)</dt><dd>The values,\nand more.</dd>"
        "<dt><code>*rest</code></dt><dd>The others.</dd>"
        "<dt><code>kind</code> (<code>{'a', 'b'}</code>)</dt><dd>&nbsp;</dd></dl>"
        "<p><strong>Returns</strong></p><dl><dt><code>dict of str</code></dt><dd>All.</dd></dl>"
        "<p><strong>Raises</strong></p><dl>"
        "<dt><code>ValueError</code></dt><dd>If <code>x</code> is wrong.</dd></dl>"
        "<p><strong>Notes</strong></p><p>Mind the step.</p>"
        '<p><strong>Examples</strong></p><div class="highlight"><pre>'
    )


def test_fields() -> None:
    assert html(SPHINX).startswith(
        "<p>Do it.</p><p><strong>Parameters</strong></p><dl>"
        "<dt><code>x</code> (<code>int or None</code>)</dt><dd>The value,\nand more.</dd>"
        "<dt><code>name</code> (<code>str</code>)</dt><dd>Its name.</dd></dl>"
        "<p><strong>Returns</strong></p><dl><dt><code>dict</code></dt><dd>All.</dd></dl>"
        "<p><strong>Raises</strong></p><dl>"
        "<dt><code>ValueError</code></dt><dd>If <code>x</code> is wrong.</dd></dl>"
        "<p><strong>Other fields</strong></p><dl><dt><code>meta private</code></dt>"
    )
    assert '<span class="gp">' in html(SPHINX)


@pytest.mark.parametrize(
    ("docs", "expected"),
    [
        ("Args:\n    x: A\n    b\n    y: C", "x A b y C"),
        ("Returns:\n    All of it.", "Returns All of it."),
        ("Yields:\n    int: One.", "Yields int One."),
        ("Args:\n    cb(x): A call.", "cb(x) A call."),
        ("Raises:\n    `a.B`: Why.", "a.B Why."),
        ("Text.\nArgs:\n    x: A", "Text. Args x A"),
        (":return: It.", "Returns It."),
        (":rtype: int", "Returns int"),
        (":type x: int", "x (int)"),
        (":param x:\n    On the next line.", "x On the next line."),
        ("Returns\n-------\nout : int\n    It.", "out (int) It."),
        ("Yields\n------\nint\n    It.", "int It."),
        (
            "Parameters\n----------\nx : int\n    It.\nSee there.\ny : int\n    Too.\n\nReturns\n-------\nint\n    It.",
            "x (int) It. See there. y (int) Too. Returns int It.",
        ),
    ],
)
def test_other_ways_to_write(docs: str, expected: str) -> None:
    assert words(docs).endswith(expected)
    assert ("<dl>" in html(docs)) == (expected not in ("Returns All of it.", "Returns It."))


def test_marks_of_restructuredtext_in_other_dialects() -> None:
    made = converted(
        "Args:\n    x: A :class:`~a.b.C`, :py:func:`the way <f>` and :obj:`!d`.\n    y: So::\n\n            code\n"
    )
    assert re.sub(" +", " ", made).count("A `C`, `the way` and `d`.") == 1
    assert ":   So:\n" in made


# ## Markdown stays as it is

MARKDOWN = [
    "# Title\n\nText with $x$.",
    "* `x` is the value\n* `y` another",
    "Args: none",
    "Note: this is a sentence,\nwhich goes on.",
    "Notes\n-----\n\nA heading that is underlined.",
    "Parameters\n----------\n\nText about them.",
    "Parameters\n----------\n* `x` is the value",
    "Returns\n-------\nThe text below a heading.",
    "Example:\n\n    indented = code",
    "Example:\n\n    >>> session()",
    "Args:\n\n    x: code",
    "Term\n:   Its definition.",
    "```\nArgs:\n    x: y\n\n:param x: z\n\nParameters\n----------\nx : int\n    It.\n```",
    "~~~python\n:param x: z\n~~~",
    ":smile: is an emoji",
    "Use ``:class:`Adam` `` and ``.. note::``, `.. math::` or `` `a <b>`_ `` for that.",
    "A list [a][b] with x[i]_j and [1] as it is.",
    "```\n.. note::\n    Text.\n```",
    "The end..\n.. and so on",
    "Use `:param x:` for that.",
    "    :param x: indented code",
    ">>> f(1)\n2",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "\\begin{align}\nx &= y\n\\end{align}",
    "!!! note\n    Text: more\n",
    "Methods:\n- one\n- two",
    "The cases:\n    lazily: continued",
]


@pytest.mark.parametrize("docs", MARKDOWN)
def test_markdown_is_not_changed(docs: str) -> None:
    assert converted(docs) == docs


@given(st.lists(st.sampled_from([*MARKDOWN, "", "A paragraph.", "---", "## Args", "- item\n    goes on"]), max_size=6))
def test_markdown_is_never_changed(pieces: list[str]) -> None:
    docs = "\n\n".join(pieces)
    assert converted(docs) == docs


def test_no_docstring_of_ours_is_changed() -> None:
    for folder in ("labml_nn", "sidelit"):
        for path in (ROOT / folder).rglob("*.py"):
            for section in parse(path.read_text(), str(path)).sections:
                assert to_markdown(section.docs, section.origins) == (section.docs, section.origins)


def test_each_dialect_that_may_be_named_has_a_reader() -> None:
    assert set(DIALECTS) == {"auto", "markdown", *dialects._READERS}


def test_a_dialect_that_is_named() -> None:
    assert converted(GOOGLE, "markdown") == GOOGLE
    assert converted(GOOGLE, "numpy") == GOOGLE
    assert converted(GOOGLE, "google") == converted(GOOGLE)
    # It needs to show less.
    assert "<dt><code>x</code></dt>" in html("Args:\n\n    x: value", "google")
    assert "<dl>" in html("See Also\n--------\nf : Another.", "numpy")


# ## Places


def assert_formulas_have_their_places(docs: str, made: str, places: tuple[tuple[int, int], ...]) -> None:
    lines = docs.split("\n")
    found = set()
    for text, (line, column) in zip(made.split("\n"), places, strict=True):
        for match in re.finditer(r"\$\w+\$", text):
            at = column - 1 + match.start()
            assert lines[line - 1][at : at + len(match[0])] == match[0], (text, line, column)
            found.add((line, at))
    expected = {(n, m.start()) for n, text in enumerate(lines, start=1) for m in re.finditer(r"\$\w+\$", text)}
    assert found == expected


TEXTS = st.sampled_from(
    [
        "",
        "The $x$ of it.",
        "A `code` and $y$: more",
        "See :class:`~a.B`, then $z$.",
        "- item $i$",
        ">>> f",
        "(:obj:`x`) $a$ b",
    ]
)
NAMES = st.sampled_from(["x", "*args", "x, y", "a.b", "weight[k]"])
TYPES = st.sampled_from(["", "int", "int, optional", "Tuple[int, (str)]", ":class:`A`", "{'a', 'b'}, default: 'a'"])


@st.composite
def docstrings(draw: st.DrawFn) -> str:
    """Docstrings of all dialects, with formulas in their texts."""
    pieces = ["Summary $s$."]
    for _ in range(draw(st.integers(1, 3))):
        name, kind, text, more = draw(NAMES), draw(TYPES), draw(TEXTS), draw(TEXTS)
        body = f"{text}\n        {more}\n\n        {draw(TEXTS)}"
        pieces.append(
            draw(
                st.sampled_from(
                    [
                        f"Args:\n    {name}{f' ({kind})' if kind else ''}: {body}\n    z: {text}",
                        f"Returns:\n    {kind + ': ' if kind else ''}{text or 'It.'}\n    {more}",
                        f"Parameters\n----------\n{name}{kind and f' : {kind}'}\n    {text or 'It.'}\n    {more}",
                        f":param {name}: {body}\n:type x: int\n:returns: {text}\n    {more}",
                        f"Note:\n    {text or 'So.'}\n        {more}",
                        "Plain $p$.",
                    ]
                )
            )
        )
    return "\n\n".join(pieces)


@given(docstrings(), st.sampled_from(["auto", "google", "numpy", "sphinx"]))
def test_formulas_keep_their_places(docs: str, dialect: str) -> None:
    origins = [(number, 1) for number in range(1, docs.count("\n") + 2)]
    assert_formulas_have_their_places(docs, *to_markdown(docs, origins, dialect))


@given(docstrings())
def test_no_word_is_lost(docs: str) -> None:
    made = html(docs)
    for word in re.findall(r"Summary|Plain|item|more|code|The|It|then", docs):
        assert word in made


PLACES = '''def f(x):
    """
    Do it.

    Args:
        x: The value $\\\\frac{1$,
            [nowhere](nowhere.py).
    """
'''


def test_what_is_wrong_in_a_description_is_told_with_its_place(tmp_path: Path) -> None:
    write(tmp_path, {"pkg/a.py": PLACES})
    ran = sidelit("build", tmp_path / "pkg", "-o", tmp_path / "site")
    assert [
        re.search(r"a\.py:(\d+:\d+): .*\[([\w-]+)\]$", line).groups() for line in ran.lines if "raw-doc" not in line
    ] == [
        ("6:22", "tex"),
        ("7:23", "link"),
    ]


def test_the_option(tmp_path: Path) -> None:
    files = {
        "pkg/a.py": f'def f():\n    r"""{GOOGLE.replace(chr(10), chr(10) + "    ")}"""\n',
        "docs/index.md": "# Home\n",
    }
    for value, count in (("auto", 3), ("google", 3), ("markdown", 0)):
        options = f"sources: [pkg], docstrings: {value}, downloads: []"
        config = f"site_name: x\ntheme: sidelit\nplugins: [sidelit: {{{options}}}]\n"
        write(tmp_path, files | {"mkdocs.yml": config})
        ran = run("mkdocs", "build", "-q", cwd=tmp_path)
        assert ran.status == 0, ran.err
        assert page(tmp_path / "site", "pkg/a/index.html").text.count("<dl>") == count
    write(tmp_path, {"mkdocs.yml": "site_name: x\nplugins: [sidelit: {docstrings: epytext}]\n"})
    ran = run("mkdocs", "build", cwd=tmp_path)
    assert ran.status == 1 and "docstrings" in ran.err


# ## The docstrings of libraries


def docstrings_of(folder: Path, most: int) -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in sorted(folder.rglob("*.py")):
            if most < 0 or "site-packages" in path.relative_to(folder).parts:
                continue
            try:
                tree = ast.parse(path.read_bytes())
            except (SyntaxError, ValueError):
                continue
            for node in ast.walk(tree):
                if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and (
                    docs := ast.get_docstring(node)
                ):
                    most -= 1
                    yield docs


def test_the_standard_library() -> None:
    total = recognised = 0
    for docs in docstrings_of(Path(sysconfig.get_paths()["stdlib"]), 6000):
        total += 1
        recognised += converted(docs) != docs
    # Few of its docstrings are in a dialect: those of `concurrent`, `ipaddress`, `unittest` and a few more.
    assert total > 6000
    assert 0.005 < recognised / total < 0.05


@pytest.mark.parametrize(
    ("library", "dialect", "at_least"),
    [
        ("numpy/lib", "numpy", 0.95),
        ("matplotlib", "numpy", 0.95),
        ("mkdocs", "google", 0.99),
        ("pip/_vendor/rich", "google", 0.98),
        ("click", "sphinx", 0.97),
    ],
)
def test_what_griffe_finds_is_found(library: str, dialect: str, at_least: float) -> None:
    logging.getLogger("griffe").setLevel(logging.CRITICAL)
    agreed = total = 0
    for docs in docstrings_of(LIBRARIES / library, 800):
        wanted = set(griffe_names(docs, dialect))
        if wanted:
            total += 1
            terms = re.findall(r"^(`.*)\n:   ", converted(docs), re.MULTILINE)
            found = {name for term in terms for name in re.findall(r"`([^`]+)`", term.split(" (")[0])}
            agreed += wanted <= {name.strip("*").replace(" ", "") for name in found}
    assert total > 15
    assert agreed / total >= at_least, (agreed, total)


def griffe_names(docs: str, dialect: str) -> Iterator[str]:
    kinds = ("parameters", "other parameters", "attributes", "raises")
    for section in griffe.Docstring(docs).parse(dialect):
        for item in section.value if section.kind.value in kinds else ():
            names = item.annotation if section.kind.value == "raises" else item.name
            yield from (name.strip("*` ") for name in str(names).split(","))


# ## Places in the file, through the splitter


def test_a_docstring_in_a_file() -> None:
    text = 'def f():\n    """Do it.\n\n    Args:\n        x: The $x$.\n    """\n'
    (section,) = [s for s in parse(text, "a.py").sections if s.docstring]
    made, places = to_markdown(section.docs, section.origins)
    lines = text.split("\n")
    for row, (line, column) in zip(made.split("\n"), places, strict=True):
        if "$" in row:
            assert lines[line - 1][column - 1 + row.index("$") :].startswith("$x$")
    assert docstring_lines('"""Do it."""', (1, 0))[0][0] == "Do it."


@pytest.mark.parametrize(
    ("docs", "wanted"),
    [
        (
            "Sum.\n\nArgs:\n    x (int): One.\nReturns:\n    int: All.\n",
            "<dt><code>x</code> (<code>int</code>)</dt><dd>One.</dd></dl><p><strong>Returns</strong></p>"
            "<dl><dt><code>int</code></dt><dd>All.</dd></dl>",
        ),
        ("Sum.\n\nArgs:\n\n    x (int): One.\n\n    y: Two.\n", "<dt><code>y</code></dt><dd>Two.</dd></dl>"),
        (
            "Sum.\n\nArgs:\n    x (tuple of (int, (int, (int, int)))): Deep.\n    y (int): Flat.\n",
            "<dt><code>x</code> (<code>tuple of (int, (int, (int, int)))</code>)</dt><dd>Deep.</dd>",
        ),
        ("Sum.\n\n:param x: One.\n:raise `KeyError`: Never.\n", "<dt><code>KeyError</code></dt><dd>Never.</dd>"),
        (
            "Sum.\n\n:param \\*args: Some.\n:param \\\\**more: Others.\n",
            "<dt><code>*args</code></dt><dd>Some.</dd><dt><code>**more</code></dt><dd>Others.</dd>",
        ),
        (
            "Sum.\n\nParameters\n----------\nx : array of shape \\\n        (n, m), default=1\n    One.\n"
            "\\*args\n    More.\n",
            "<dt><code>x</code> (<code>array of shape (n, m)</code>, <code>default=1</code>)</dt><dd>One.</dd>"
            "<dt><code>*args</code></dt><dd>More.</dd>",
        ),
        (
            "Sum.\n\nParameters\n----------\nx : int\n    One.\n\nSee Also\n--------\nsum : Adds things.\n"
            "max\n    The largest.\n",
            "<dt><code>sum</code></dt><dd>Adds things.</dd><dt><code>max</code></dt><dd>The largest.</dd>",
        ),
    ],
    ids=["no blank line", "blank line", "brackets", "quotes", "stars", "continued type", "see also"],
)
def test_what_real_docstrings_do(docs: str, wanted: str) -> None:
    assert wanted in html(docs)
