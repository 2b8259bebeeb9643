"""
# sidelit check

Each rule with a case and a counter-case, the formats, the switches, the exit statuses, and that nothing unchanged is
read twice.
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from building import ROOT, Ran, own_cache, page, run, sidelit, write
from hypothesis import given, settings
from hypothesis import strategies as st

from sidelit import making, mathjax
from sidelit.formula import bare
from sidelit.hosts import check as host
from sidelit.making import make_page
from sidelit.rules import NAMES, RULES
from sidelit.source import parse

__all__ = ["own_cache"]

HEAD = 'r"""\n# Title\n\nA summary.\n"""\n\n'
FRONT = 'r"""\n---\ntitle: T\nsummary: S\n{}\n---\n"""\n'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without a configuration above it."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def findings(*sources: str) -> list[tuple[str, int, int, str]]:
    """What a check finds, as (path, line, column, rule)."""
    ran = sidelit("check", *(sources or ["."]), "--format", "json")
    found = [(each["path"], each["line"], each["column"], each["rule"]) for each in json.loads(ran.out)]
    assert ran.status == bool(found)
    return found


def rules_in(text: str | bytes) -> list[str]:
    """The rules that strike in one file."""
    write(Path.cwd(), {"a.py": text})
    return [rule for _, _, _, rule in findings("a.py")]


def messages(text: str) -> str:
    write(Path.cwd(), {"a.py": text})
    return sidelit("check", "a.py").out


# ## Rules, each with a case and a counter-case

CASES = {
    "encoding": (HEAD.encode() + b"# caf\xe9\n", HEAD.encode() + "# café\n".encode()),
    "syntax": (HEAD + "x = (\n", HEAD + "x = ()\n"),
    "link": (HEAD + "# [x](b.py)\n", HEAD + "# [x](a.py) [y](https://b.org/b.py) `[z](b.py)`\n"),
    "output-link": (HEAD + "# [x](b.html)\n", HEAD + "# [x](a.html)\n"),
    "anchor": (HEAD + "# [x](a.py#F)\n", HEAD + "# [x](a.py#f) [y](#L8)\ndef f(): ...\n"),
    "image": (HEAD + "# ![Words](no.png)\n", HEAD + "# ![Words](there.png)\n"),
    "alt-text": (HEAD + "# ![](there.png)\n", HEAD + '# ![Words](there.png) <img src="there.png" alt="">\n'),
    "tex": (HEAD + "# $\\frac{1$ x\n", HEAD + "# $\\frac{1}{2}$\n"),
    "macro": (HEAD + "# $\\alhpa$\n", HEAD + "# $\\alpha$\n"),
    "math": (HEAD + "# $\\alpha is\n", HEAD + "# $5 is\n"),
    "symbols": (FRONT.format("symbols: {x: \\alpha}"), FRONT.format("symbols: {x: \\alpha}") + "# $\\alpha$\nx = 1\n"),
    "front-matter": (FRONT.format("image: 3"), FRONT.format("image: https://x.org/i.png")),
    "footnote": (HEAD + "# Text.\n#\n# [^a]: Note.\n", HEAD + "# Text.[^a]\n#\n# [^a]: Note.\n"),
    "unknown-rule": (HEAD + "x = 1  # sidelit: ignore[txe]\n", HEAD + "x = 1  # sidelit: ignore[tex]\n"),
    "bare-tex": (HEAD + "# The rate \\alpha is small.\n", HEAD + "# $\\alpha$ `\\beta` C:\\alpha\\beta\n"),
    "reference": (
        HEAD + "# [text][name]\n",
        HEAD + "# [text][name], X[i][j], f(a [, b][, c]), [^a-z], `[a][b]`, $[c][d]$[^1]\n"
        "#\n# [name]: a.py\n#\n# [^1]: Note.\n",
    ),
    "raw-docstring": ('"""\n# T\n\nA $\\beta$.\n"""\n', 'r"""\n# T\n\nA $\\beta$.\n"""\n'),
    "unknown-name": (FRONT.format("sumary: x"), FRONT.format("symbols: {}")),
    "no-title": ('"""\nA summary.\n"""\n', HEAD),
    "no-summary": ('"""\n# Title\n"""\n', '"""\n# Title\n\n`sum` adds up.\n"""\n'),
    "duplicate-anchor": (HEAD + "# ## A b\nx = 1\n\n# ## A b\ny = 1\n", HEAD + "# ## A\nx = 1\n\n# ## B\ny = 1\n"),
    "heading-level": (HEAD + "# ### Deep\n", HEAD + "# ## Two\nx = 1\n\n# ### Three\ny = 1\n\n# ## Two again\n"),
    "undocumented": (
        HEAD + "def f(x):\n    return x\n",
        HEAD + "def _f(): ...\n\n# Above.\ndef g(): ...\n\ndef h():\n    # Within.\n    return 1\n",
    ),
    "unknown-parameter": (
        HEAD + 'def f(rate, size):\n    """\n    * `rat` is one\n    * `size` is two, not `rate`\n    """\n',
        HEAD + 'def f(rate, **more):\n    """\n    * `rate` is one\n    * `size` is two\n    """\n',
    ),
    "missing-parameter": (
        HEAD + 'def f(rate, size):\n    """\n    * `rate` is one\n    """\n',
        HEAD + 'def f(rate, size, _x=1):\n    """\n    * `rate` is one\n\n    `size` is two.\n    """\n',
    ),
    "commented-out-code": (HEAD + "# x = f(1)\n", HEAD + "# See f(1).\n"),
}


@pytest.mark.parametrize("rule", CASES)
def test_a_rule_strikes_where_it_should_and_not_elsewhere(here: Path, rule: str) -> None:
    write(here, {"there.png": b"png"})
    wrong, right = CASES[rule]
    assert set(rules_in(wrong)) == {rule}, messages(wrong) if isinstance(wrong, str) else ""
    assert rules_in(right) == []


def test_places(here: Path) -> None:
    """Where the text does not say it in so many words."""
    write(here, {"a.py": FRONT.format("image: a.png\nsummary: T") + "# [x](<b c.py>) [y](d\\_e.py) [z](f(g).py)\n"})
    assert findings("a.py") == [
        ("a.py", 6, 1, "front-matter"),
        ("a.py", 9, 8, "link"),
        ("a.py", 9, 21, "link"),
        ("a.py", 9, 34, "link"),
    ]
    write(here, {"a.py": FRONT.format("symbols: {x: $y$, x: $z$}")})
    assert findings("a.py") == [("a.py", 5, 19, "front-matter")]
    assert "`x` stands here twice; keep one" in sidelit("check", "a.py").out
    write(here, {"a.py": HEAD + "# [a][b] and [`c`][d e] but W[i][j] and [^of].\n"})
    assert findings("a.py") == [("a.py", 7, column, "reference") for column in (6, 19, 41)]
    write(here, {"a.py": HEAD + "# $$\n# x + \\bar{\n#   \\alhpa}\n# $$\n#\n# The \\sum_{i} and \\alpha\n"})
    assert findings("a.py") == [("a.py", 9, 5, "macro"), ("a.py", 12, 7, "bare-tex")]


def test_headings_that_docstrings_share_are_no_finding() -> None:
    body = '    """\n    Do.\n\n    Notes\n    -----\n    So.\n    """\n'
    assert rules_in(HEAD + f"def f():\n{body}\n\ndef g():\n{body}") == []
    assert rules_in(HEAD + "# ## Notes\nx = 1\n\n# ## Notes\ny = 1\n") == ["duplicate-anchor"]


def test_every_rule_has_a_case_here() -> None:
    elsewhere = {"address", "api", "export", "source", "link-out-of-tree", "duplicate-title", "markdown", "mathjax"}
    proofs = {"proofs", "outdated-proof"}
    assert {*CASES, *elsewhere, *proofs} == set(NAMES)


def test_every_rule_that_a_finding_names_is_in_the_table() -> None:
    named = set()
    for path in (ROOT / "sidelit").rglob("*.py"):
        named |= set(re.findall(r'Diagnostic\([^()"]*(?:\([^()]*\))?[^()"]*"([a-z-]+)"', path.read_text()))
    assert named and named <= set(NAMES)


def test_pages_of_one_title_are_told(here: Path) -> None:
    write(here, {"p/a.py": HEAD, "p/b.py": HEAD, "p/c.py": HEAD.replace("Title", "Other")})
    assert findings() == [("p/b.py", 2, 1, "duplicate-title")]


def test_what_is_no_source_is_told(here: Path) -> None:
    write(here, {"p/a.py": HEAD, "outside.py": HEAD, "empty/x.txt": ""})
    (here / "p" / "b.py").symlink_to("../outside.py")
    assert findings("p", "empty") == [("p/b.py", 1, 1, "link-out-of-tree"), ("empty", 1, 1, "source")]


def test_two_sources_that_want_one_address_are_told(here: Path) -> None:
    write(
        here, {"mkdocs.yml": SITE.format("[{path: p, at: x}, {path: q, at: x}]"), "p/a.py": HEAD, "q/a.py": "x = 1\n"}
    )
    assert ("q/a.py", 1, 1, "address") in findings("p", "q")


def test_a_suggestion_comes_where_a_name_is_close(here: Path) -> None:
    write(here, {"adam.py": HEAD})
    assert "did you mean `adam.py`?" in messages(HEAD + "# [x](adan.py)\n")
    assert "did you mean `\\alpha`?" in messages(HEAD + "# $\\alhpa$\n")
    assert "did you mean `summary`?" in messages(FRONT.format("sumary: x"))
    assert "did you mean `#Adam`?" in messages(HEAD + '# [x](#Adan)\nclass Adam:\n    """A."""\n')
    assert "did you mean `rate`?" in messages(CASES["unknown-parameter"][0])  # type: ignore[arg-type]
    assert "did you mean `tex`?" in messages(HEAD + "x = 1  # sidelit: ignore[txe]\n")


def test_findings_stand_at_their_place(here: Path) -> None:
    assert rules_in(HEAD + "# Words, then $\\alhpa$.\n") == ["macro"]
    assert findings("a.py") == [("a.py", 7, 16, "macro")]
    rules_in(HEAD + "class A:\n    @property\n    def b(self): ...\n")
    assert findings("a.py") == [("a.py", 7, 1, "undocumented"), ("a.py", 8, 5, "undocumented")]
    rules_in(HEAD + '@f\ndef g(a, b, d):\n    """\n    Words.\n\n    * `a`, `d`, `c` are\n    """\n')
    assert findings("a.py") == [("a.py", 12, 7, "missing-parameter"), ("a.py", 12, 17, "unknown-parameter")]


@pytest.mark.parametrize(
    "code",
    [
        # An override is explained in the base class, and a setter with its property.
        "class A(Base):\n    '''A.'''\n\n    def f(self): ...\n",
        "class A:\n    '''A.'''\n\n    @f.setter\n    def f(self, x): ...\n",
        "@overload\ndef f(x: int): ...\n",
        # The fields of a record say themselves what they are, and a class may list its attributes.
        "@dataclass\nclass A:\n    '''\n    * `a` is\n    '''\n    a: int\n    b: int\n",
        "class A:\n    '''\n    * `a` is\n    * `b` is\n    '''\n"
        "    def __init__(self, a):\n        '''A.'''\n        self.b = a\n",
        # A list of other things.
        "def f(x):\n    '''\n    * `one` is\n    * `two` is\n    '''\n",
        "def f(x):\n    '''\n    ```\n    * x\n    ```\n    '''\n",
    ],
)
def test_rules_keep_quiet_when_in_doubt(code: str) -> None:
    assert rules_in(HEAD + code) == []


def test_a_class_is_held_to_its_constructor() -> None:
    items = "* `a` is\n    * `c` is\n    * `x` is"
    code = f"class A:\n    '''\n    {items}\n    '''\n    def __init__(self, a, b, c):\n        '''A.'''\n"
    assert rules_in(HEAD + code) == ["missing-parameter", "unknown-parameter"]


@pytest.mark.parametrize(
    ("docs", "unknown", "missing"),
    [
        ("Args:\n        a (int): One.\n        cc (str): Two.", (11, 9), (10, 9)),
        ("Parameters\n    ----------\n    a : int\n        One.\n    d, e : int\n        More.", (13, 5), (11, 5)),
        (":param a: one\n    :param int q: two", (10, 16), (9, 12)),
        ("`a`\n    :   one\n\n    `b`\n    :   two\n\n    `z`\n    :   more", (15, 5), None),
    ],
    ids=["Google", "NumPy", "Sphinx", "definition list"],
)
def test_lists_of_parameters_of_all_dialects(
    docs: str, unknown: tuple[int, int], missing: tuple[int, int] | None
) -> None:
    rules_in(HEAD + f'def f(a, b):\n    """\n    {docs}\n    """\n')
    places = {rule: (line, column) for _, line, column, rule in reversed(findings("a.py"))}
    assert places == {"unknown-parameter": unknown} | ({"missing-parameter": missing} if missing else {})


@pytest.mark.parametrize(
    "docs",
    [
        "* `a` is\n    * `b` is one of\n      * `fast` without checks\n      * `slow` with checks",
        "A dictionary with\n\n    * `a` as it was\n    * `loss`, the last one",
        "Returns:\n        a: One.\n        loss: Two.\n        count: Three.",
        "* `a` is\n    * `b` is\n    * `None` is no value",
    ],
)
def test_a_list_of_something_else_is_none_of_parameters(docs: str) -> None:
    assert rules_in(HEAD + f'def f(a, b):\n    """\n    {docs}\n    """\n') == []


def test_readmes_are_checked_too(here: Path) -> None:
    write(
        here,
        {
            "p/readme.md": "---\na: 1\n---\n# R\n\nSee [x](no.py), $\\alhpa$ and [y](#r).\n",
            "p/a.py": HEAD + "# [x](readme.md#r)\n",
        },
    )
    assert findings("p") == [("p/readme.md", 6, 9, "link"), ("p/readme.md", 6, 18, "macro")]


# ## Links between files, with a site and without

SITE = "site_name: S\nx: !ENV [Y, 1]\nz: !!python/name:a.b\nplugins:\n  - search\n  - sidelit:\n      sources: {}\n"


def test_without_a_site_it_is_enough_that_a_file_is_there(here: Path) -> None:
    write(
        here, {"p/a.py": HEAD + "# [x](../q/b.py#f), [y](../q/b.html), [z](../q/b.py#g)\n", "q/b.py": "def f(): ...\n"}
    )
    assert [rule for *_, rule in findings("p/a.py")] == ["anchor"]


def test_links_go_by_the_places_of_the_site(here: Path) -> None:
    write(
        here,
        {
            "mkdocs.yml": SITE.format("[{path: p, at: ''}, {path: q, at: other}]"),
            "docs/guide.md": "# Guide\n",
            "p/a.py": HEAD + "# [x](other/b.py#f) [y](guide.md) [z](../q/b.py) [w](../r.py) ![v](../i.png)\n",
            "q/b.py": HEAD.replace("Title", "B") + "# F.\ndef f(): ...\n",
            "r.py": "x = 1\n",
            "i.png": b"png",
        },
    )
    assert findings("p", "q") == [("p/a.py", 7, 54, "link"), ("p/a.py", 7, 68, "image")]


def test_only_what_is_named_is_checked_and_all_is_known(here: Path) -> None:
    write(
        here, {"mkdocs.yml": SITE.format("[p]"), "p/a.py": HEAD + "# [x](b.py#nothing)\n", "p/b.py": "def f(): ...\n"}
    )
    assert findings("p/a.py") == [("p/a.py", 7, 7, "anchor")]


def test_macros_are_those_of_the_site(here: Path) -> None:
    write(here, {"mkdocs.yml": SITE.format("[p]\n      macros: {RR: '\\mathbb{R}'}"), "p/a.py": HEAD + "# $\\RR$\n"})
    assert findings("p") == []


# ## Formats

WRONG = HEAD + "\tx = 1\n# Words % with\t$\\alhpa$.\n"


def test_text_shows_the_line_and_a_caret() -> None:
    assert messages(HEAD + "# Words\twith $\\alhpa$.\n") == (
        "a.py:7:15: `\\alhpa` is no command that is known; did you mean `\\alpha`? [macro]\n"
        "     7 | # Words\twith $\\alhpa$.\n"
        "       |        \t      ^\n"
    )

    # In a terminal, a Chinese character is two places wide, and an accent by itself none.
    assert messages(HEAD + "# \u6f22e\u0301 $\\alhpa$.\n").splitlines()[1:] == [
        "     7 | # \u6f22e\u0301 $\\alhpa$.",
        "       |        ^",
    ]


def test_a_long_line_is_shown_around_the_place() -> None:
    out = messages(HEAD + "# " + "x" * 5000 + " $\\alhpa$ " + "y" * 5000 + "\n")
    shown, caret = out.splitlines()[1:]
    assert len(shown) < 200
    assert shown[caret.index("^")] == "\\"


def test_json_is_one_list(here: Path) -> None:
    write(here, {"a.py": HEAD + "# $\\alhpa$\n"})
    ran = sidelit("check", "a.py", "--format", "json")
    assert json.loads(ran.out) == [
        {
            "path": "a.py",
            "line": 7,
            "column": 4,
            "rule": "macro",
            "level": "error",
            "message": "`\\alhpa` is no command that is known; did you mean `\\alpha`?",
        }
    ]
    write(here, {"a.py": HEAD})
    assert sidelit("check", "a.py", "--format", "json").out == "[]\n"


def test_github_gets_commands_that_no_text_breaks(here: Path) -> None:
    write(here, {"a,b%.py": HEAD + "def f(): ...\n\n# [x](100%25:a.py)\n"})
    lines = sidelit("check", "a,b%.py", "--format", "github").out.splitlines()
    assert lines[0].startswith(
        "::warning file=a%2Cb%25.py,line=7,col=1,title=sidelit undocumented::the public function"
    )
    assert "%2525" not in lines[0]
    assert all(re.fullmatch(r"::(error|warning) file=[^:,]+,line=\d+,col=\d+,title=[^:,]+::.+", line) for line in lines)


def test_sarif_has_the_shape_that_the_standard_asks_for(here: Path) -> None:
    write(here, {"ü b.py": HEAD + "# $\\alhpa$\ndef f(): ...\n\ndef g(): ...\n"})
    log = json.loads(sidelit("check", "ü b.py", "--format", "sarif").out)
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-2.1.0.json")
    (only,) = log["runs"]
    driver = only["tool"]["driver"]
    assert driver["name"] == "sidelit"
    assert only["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    assert [rule["id"] for rule in driver["rules"]] == list(NAMES)
    assert all(rule["shortDescription"]["text"] for rule in driver["rules"])
    assert len(only["results"]) == 2
    for result in only["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert result["message"]["text"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "%C3%BC%20b.py"
        assert place["region"]["startLine"] >= 1 and place["region"]["startColumn"] >= 1
    assert json.loads(sidelit("check", "ü b.py", "--format", "sarif").out) == log


# ## Switches

SILENT = HEAD + "def f(): ...\n"


def test_rules_are_set_in_pyproject(here: Path) -> None:
    write(here, {"pyproject.toml": '[tool.sidelit.rules]\nundocumented = "off"\n', "sub/a.py": SILENT})
    assert findings() == []
    write(here, {"pyproject.toml": '[tool.sidelit]\nrules = { undocumented = "error" }\n'})
    assert json.loads(sidelit("check", "sub", "--format", "json").out)[0]["level"] == "error"


def test_rules_are_set_in_mkdocs_yml_which_comes_first(here: Path) -> None:
    write(
        here,
        {
            "pyproject.toml": '[tool.sidelit.rules]\nundocumented = "error"\n',
            "mkdocs.yml": SITE.format("[p]\n      rules: {undocumented: off}"),
            "p/a.py": SILENT,
        },
    )
    assert findings("p") == []


def test_a_configuration_is_found_from_below_and_not_beyond_the_repository(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(
        here,
        {
            "pyproject.toml": '[tool.sidelit.rules]\nundocumented = "off"\n',
            "p/a.py": SILENT,
            "r/.git/x": "",
            "r/a.py": SILENT,
        },
    )
    monkeypatch.chdir(here / "p")
    assert findings("a.py") == []
    monkeypatch.chdir(here / "r")
    assert findings("a.py") == [("a.py", 7, 1, "undocumented")]


def test_rules_that_do_not_exist_are_told(here: Path) -> None:
    write(
        here,
        {
            "pyproject.toml": '[tool.sidelit]\nrules.undocumnted = "off"\nrules.tex = "loud"\n',
            "mkdocs.yml": SITE.format("[p]\n      rules:\n        linc: off"),
            "p/a.py": HEAD + "# sidelit: ignore[nothing, tex]\nx = 1\ny = 1  # sidelit: ignore\n",
        },
    )
    assert findings("p") == [
        ("pyproject.toml", 2, 7, "unknown-rule"),
        ("pyproject.toml", 3, 7, "unknown-rule"),
        ("mkdocs.yml", 9, 9, "unknown-rule"),
        ("p/a.py", 7, 1, "unknown-rule"),
        ("p/a.py", 9, 8, "unknown-rule"),
    ]


@pytest.mark.parametrize(
    "code",
    [
        "# sidelit: ignore[undocumented]\ndef f(): ...\n",
        "def f(): ...  # sidelit: ignore[undocumented]\n",
        "def f(): ...  # noqa: X1  # sidelit: ignore[tex, undocumented] because it is small\n",
        "# sidelit: ignore[undocumented]\n# sidelit: ignore[tex]\ndef f(): ...\n",
        "# sidelit: ignore[undocumented]\n@g\ndef f(): ...\n",
        "@g\n@h\ndef f(): ...  # sidelit: ignore[undocumented]\n",
        "@g\n# sidelit: ignore[undocumented]\ndef f(): ...\n",
        "# sidelit: ignore[macro]\n# $\\alhpa$\n",
        "# Before\n# sidelit: ignore[macro]\n# $\\alhpa$\n",
        "# $\\alhpa$ <!-- sidelit: ignore[macro] -->\n",
        'def f():\n    r"""\n    Words\n    <!-- sidelit: ignore[macro] -->\n    $\\alhpa$ go on.\n    """\n',
        'def f():\n    r"""$\\alhpa$"""  # sidelit: ignore[macro]\n',
    ],
)
def test_a_comment_switches_a_rule_off(code: str) -> None:
    assert rules_in(HEAD + code) == []


@pytest.mark.parametrize(
    "code",
    [
        "# sidelit: ignore[tex]\ndef f(): ...\n",
        "# sidelit: ignore[undocumented]\nx = 1\ndef f(): ...\n",
        "x = '# sidelit: ignore[undocumented]'\ndef f(): ...\n",
        "x = 1  # sidelit: ignore[undocumented]\ndef f(): ...\n",
        'x = """\n# sidelit: ignore[undocumented]\n"""\ndef f(): ...\n',
    ],
)
def test_a_comment_switches_nothing_else_off(code: str) -> None:
    assert rules_in(HEAD + code) == ["undocumented"]


@pytest.mark.parametrize(
    "prose",
    [
        "$\\alhpa$ <!-- sidelit: ignore[macro] --> and on",
        "<!-- sidelit: ignore[macro]\n# because it is right -->\n# $\\alhpa$",
        "| a | b |\n# | - | - |\n# | $\\alhpa$ | c <!-- sidelit: ignore[macro] --> |",
    ],
)
def test_a_comment_that_cannot_switch_is_told(prose: str) -> None:
    assert rules_in(HEAD + f"# {prose}\n") in (["unknown-rule", "macro"], ["macro", "unknown-rule"])


def test_a_comment_that_is_shown_as_code_is_none() -> None:
    assert rules_in(HEAD + "# Write `<!-- sidelit: ignore[macro] -->` above the line.\n") == []


def test_front_matter_has_switches_of_its_own() -> None:
    assert rules_in(FRONT.format("sumary: x  # sidelit: ignore[unknown-name]")) == []
    assert rules_in(FRONT.format("# sidelit: ignore[unknown-name]\nsumary: x")) == []


SWITCHED = '''r"""
# Title
<!-- sidelit: ignore[tex] -->

A summary.
"""

# One sentence
# sidelit: ignore[tex]
# that goes on.
x = 1
# sidelit: ignore[tex]
y = 2  # kept  # sidelit: ignore[tex]

# Above
# sidelit: ignore[tex]
@f
# sidelit: ignore[tex]
def g(
    # sidelit: ignore[tex]
    a,  # sidelit: ignore[tex]
):
    """
    * one <!-- sidelit: ignore[tex] -->
    <!-- sidelit: ignore[tex] -->
    * two

    ```
    <!-- sidelit: ignore[shown] -->
    ```
    """  # sidelit: ignore[tex]

    return a
'''


def test_switches_show_nowhere_and_split_nothing(here: Path) -> None:
    bare_text = re.sub(
        r"^ *(<!--|#) sidelit: ignore\[tex\]( -->)?\n|  # sidelit: ignore\[tex\]| <!-- sidelit: ignore\[tex\] -->",
        "",
        SWITCHED,
        flags=re.M,
    )
    assert bare_text.count("ignore[") == 1
    with_them, without = parse(SWITCHED, "a.py"), parse(bare_text, "a.py")
    assert [section.docs for section in with_them.sections] == [section.docs for section in without.sections]
    assert [section.anchor for section in with_them.sections] == [section.anchor for section in without.sections]
    assert with_them.summary == "A summary."

    write(here, {"a.py": SWITCHED})
    assert sidelit("build", "a.py", "-o", "out", "--strict").status == 0
    shown = page(here / "out", "a.html")
    assert "ignore[tex]" not in shown.text
    assert shown.code.count("ignore[shown]") == 1
    for line in ("x = 1", "y = 2  # kept", "    a,", "    return a"):
        assert line in shown.code.split("\n")
    assert all(line == line.rstrip() for line in shown.code.split("\n"))


# ## In a build


def build(here: Path, rules: str, text: str) -> Ran:
    write(
        here,
        {
            "mkdocs.yml": f"site_name: S\nplugins:\n  - sidelit: {{sources: [p], rules: {rules}}}\n",
            "docs/index.md": "# H\n",
            "p/a.py": text,
        },
    )
    return run("python", "-c", BUILD, cwd=here)


BUILD = """
import sys
from pathlib import Path
from sidelit.hosts.site import SiteError, build
try:
    build(Path("mkdocs.yml"), Path("site"))
except SiteError as error:
    sys.exit(str(error))
"""


def test_a_build_tells_what_a_reader_would_stumble_over(here: Path) -> None:
    ran = build(
        here, "{}", HEAD + "# [x](no.py) $\\alhpa$ ![](i.png) \\alpha\ndef f(): ...\n# x = f(1)\n\nclass A: ...\n"
    )
    assert ran.status == 0
    assert [line.rpartition("[")[2] for line in ran.lines] == ["alt-text]", "link]", "macro]", "image]"]


def test_rules_are_set_for_builds_too(here: Path) -> None:
    ran = build(here, "{undocumented: warning, link: off, nothing: off}", SILENT + "\n# [x](no.py)\n")
    assert ran.status == 0
    assert [line.rpartition(" ")[0].split(": ")[0] for line in ran.lines] == ["mkdocs.yml:3:71", "p/a.py:7:1"]
    ran = build(here, "{undocumented: error}", SILENT)
    assert ran.status == 1
    assert ran.lines[0].startswith("p/a.py:7:1: ")


def test_comments_switch_rules_off_in_builds(here: Path) -> None:
    write(here, {"docs/b.md": "# B\n\n<!-- sidelit: ignore[macro] -->\n$\\alhpa$ and\n\n$\\btea$\n"})
    ran = build(here, "{}", HEAD + "# sidelit: ignore[link]\n# [x](no.py)\n")
    assert [line.split(": ")[0] for line in ran.lines] == ["docs/b.md:6:2"]
    assert "ignore[" not in (here / "site" / "b" / "index.html").read_text()


def test_duplicate_titles_are_told_in_a_build_that_wants_it(here: Path) -> None:
    write(here, {"p/b.py": HEAD})
    assert build(here, "{}", HEAD).lines == []
    assert [line.rpartition("[")[2] for line in build(here, "{duplicate-title: warning}", HEAD).lines] == [
        "duplicate-title]"
    ]


def test_a_build_without_configuration_heeds_pyproject(here: Path) -> None:
    write(here, {"a.py": SILENT, "pyproject.toml": '[tool.sidelit.rules]\nundocumented = "warning"\n'})
    assert sidelit("build", "a.py", "-o", "out").lines[0].startswith("a.py:7:1: ")


# ## How it ends


def test_the_status_says_how_it_went(here: Path) -> None:
    write(here, {"a.py": HEAD, "b.py": SILENT})
    ran = sidelit("check", "a.py")
    assert (ran.status, ran.out, ran.err) == (0, "", "1 file checked, nothing found.\n")
    ran = sidelit("check", "a.py", "b.py")
    assert ran.status == 1
    assert ran.err == "2 files checked, 2 problems found.\n"


@pytest.mark.parametrize("arguments", [[], ["nothing.py"], ["a.py", "--format", "xml"], ["a.py", "nothing"]])
def test_a_wrong_command_ends_with_2(here: Path, arguments: list[str]) -> None:
    write(here, {"a.py": SILENT})
    ran = sidelit("check", *arguments)
    assert ran.status == 2
    assert ran.out == ""


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("mkdocs.yml", "a: [\n", "mkdocs.yml:2:1: "),
        ("mkdocs.yml", SITE.format("[3]"), "mkdocs.yml: "),
        ("pyproject.toml", "[tool.sidelit\n", "pyproject.toml: "),
        ("mkdocs.yml", b"\xff", "mkdocs.yml: "),
    ],
)
def test_a_configuration_that_cannot_be_read_ends_with_2(here: Path, name: str, text: str, where: str) -> None:
    write(here, {"a.py": SILENT, name: text})
    ran = sidelit("check", "a.py")
    assert ran.status == 2
    assert ran.out == ""
    assert ran.err.startswith(f"sidelit: {where}")


def test_one_broken_file_does_not_stop_the_rest(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here, {"p/a.py": b"\xff\x00(", "p/b.py": SILENT, "p/c.py": HEAD})
    read = Path.read_bytes

    def refusing(path: Path) -> bytes:
        if path.name == "c.py":
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refusing)
    found = findings("p")
    assert {path for path, *_ in found} == {"p/a.py", "p/b.py", "p/c.py"}
    assert ("p/c.py", 1, 1, "source") in found
    assert ("p/b.py", 7, 1, "undocumented") in found


def test_without_node_it_says_once_what_was_not_checked(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here, {"a.py": HEAD + "# $\\alhpa$\n", "b.py": HEAD.replace("Title", "B") + "# $\\alhpa$\n"})
    monkeypatch.setattr(mathjax, "find_node", lambda: None)
    ran = sidelit("check", "a.py", "b.py")
    assert ran.status == 0
    assert ran.out == ""
    assert ran.err.count("the formulas were not checked") == 1


# ## Nothing is done twice


def test_what_is_unchanged_is_neither_read_nor_typeset_again(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here, {f"p/m{number}.py": HEAD + f"# $x_{{{number}}}$ and $\\alhpa$\nx = 1\n" for number in range(5)})
    first = findings("p")
    assert first

    made: list[str] = []
    monkeypatch.setattr(making, "make_page", lambda document, **_: made.append(document.path))
    monkeypatch.setattr(mathjax, "_Node", lambda *_: made.append("node"))
    monkeypatch.setattr(host, "parse", lambda text, path, module: made.append(path))
    assert findings("p") == first
    assert made == []


def test_only_what_has_changed_is_read_again(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here, {f"p/n{number}.py": HEAD for number in range(5)})
    findings("p")
    made: list[str] = []
    make = make_page
    monkeypatch.setattr(
        making, "make_page", lambda document, **rest: (made.append(document.path), make(document, **rest))[1]
    )
    write(here, {"p/n3.py": HEAD + "x = 1\n"})
    findings("p")
    assert made == ["p/n3.py"]


def test_a_foreign_entry_in_the_cache_is_made_again(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here, {"a.py": SILENT + "# foreign\n"})
    monkeypatch.setattr(host, "_packed", lambda facts: b"[1]")
    first = findings("a.py")
    monkeypatch.undo()
    monkeypatch.chdir(here)
    assert findings("a.py") == first != []


def test_an_unchanged_check_loads_no_markdown_and_never_mkdocs(here: Path) -> None:
    write(here, {"a.py": HEAD + "# $x$\n", "mkdocs.yml": SITE.format("[a.py]")})
    first, second = (run("python", "-c", LOADED, cwd=here, PYTHONPATH=str(ROOT)).out for _ in range(2))
    assert "markdown" in first and "mkdocs" not in first
    assert second == "[]\n"


LOADED = """
import sys
from sidelit.cli import main
try:
    main(["check", "a.py"])
finally:
    print(sorted({"mkdocs", "markdown", "pygments", "jinja2", "nh3", "tqdm"} & set(sys.modules)))
"""


# ## Any text

PIECES = [
    "# ", "## ", "#### ", "$", "$$", "\\alpha", "\\", '"""', "'", "\n", "\n", "\n    ", "def f(a):", "class A:",
    "* `a` is", "- `b`", "![](x)", "[a](b.py#c)", "<img>", '<a id="x">', "```", "# sidelit: ignore[tex]",
    "<!-- sidelit: ignore[x] -->", "---", "title: 1", "x = 1", "@f", " ", "\t", "ü", "\r", "\x0c", "return", "(", ")",
    "# x = f(1)", "éé", "~~~", "\0",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=6), max_size=40).map("".join)


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_any_text_has_findings_that_lie_in_it(text: str) -> None:
    document = parse(text, "a.py", "a")
    made = make_page(document, allow_html=True, module="a")
    for each in made.diagnostics:
        assert each.rule in NAMES
        assert 1 <= each.line <= max(1, len(document.lines))
        length = len(document.lines[each.line - 1]) if document.lines else 0
        assert 1 <= each.column <= length + 1, each
    assert make_page(parse(text, "a.py", "a"), allow_html=True, module="a").diagnostics == made.diagnostics


@settings(max_examples=300)
@given(TEXTS)
def test_what_is_left_of_a_text_without_formulas_stands_where_it_stood(text: str) -> None:
    left = bare(text)
    assert len(left) == len(text)
    assert all(one in (other, " ") for one, other in zip(left, text, strict=True))
    assert left.count("\n") == text.count("\n")


@pytest.mark.parametrize(
    "piece",
    [
        "# \\alpha is\n", "# ### A\nx = 1\n\n", "# ![](x.png)\nx = 1\n", "# sidelit: ignore[tex]\n", "def f(x): ...\n",
        "def f(x):\n    '''\n    * `x`\n    * `y`\n    '''\n",
        "# x = f(1)\nx = 1\n",
        '# <a id="x"></a>\n', "# <!-- sidelit: ignore[tex] -->\n",
    ],
)  # fmt: skip
def test_no_text_takes_more_than_its_share(piece: str) -> None:
    def seconds(count: int) -> float:
        document = parse(HEAD + piece * count, "a.py", "a")
        started = time.process_time()
        make_page(document, allow_html=True, module="a")
        return time.process_time() - started

    seconds(10)
    small = min(seconds(150) for _ in range(3))
    assert seconds(1500) < 10 * small * 2.5 + 0.3


def test_part_of_the_standard_library_is_checked_without_a_stumble(here: Path) -> None:
    library = Path(json.__file__).parent.parent
    names = ["json", "argparse.py", "functools.py", "difflib.py", "turtle.py", "typing.py"]
    ran = run(
        "sidelit", "check", *(library / name for name in names), "--format", "json", cwd=here, PYTHONPATH=str(ROOT)
    )
    assert ran.status == 1
    found = json.loads(ran.out)
    assert {each["rule"] for each in found} <= set(NAMES)
    # What is wrong for readers is rare in code that was not written for these pages.
    told = {rule.name for rule in RULES if rule.in_builds}
    assert len([each for each in found if each["rule"] in told]) < 5


# ## Our own


def test_our_own_sources_are_clean() -> None:
    ran = run("sidelit", "check", "labml_nn", "sidelit", "build_site.py", cwd=ROOT, PYTHONPATH=str(ROOT))
    assert ran.out == ""
    assert ran.status == 0


def test_the_guide_has_every_rule(here: Path) -> None:
    guide = (ROOT / "docs" / "checking.md").read_text()
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+?) \| (yes|no) \|$", guide, re.MULTILINE)
    assert [(name, summary, builds == "yes") for name, summary, builds in rows] == [
        (rule.name, rule.summary, rule.in_builds) for rule in RULES
    ]


# ## What strangers' code showed


def test_what_is_documented_in_another_way_is_not_undocumented() -> None:
    assert rules_in(HEAD + 'class Error(Exception): "It fails."\n\ndef size(): "Its size."\n') == []
    inner = "    class Local:\n        def run(self): ...\n        class Within:\n            x = 1\n"
    assert rules_in(HEAD + f'def outer():\n    """Words."""\n{inner}') == []
    assert rules_in(HEAD + 'class A:\n    """Words."""\n    class B:\n        x = 1\n') == ["undocumented"]


def test_a_paragraph_may_follow_its_heading_at_once() -> None:
    assert rules_in('"""\n# Title\nText follows.\n"""\n') == []
    assert rules_in('"""\n# Title\n## Another\n"""\n') == ["no-summary"]


def test_old_names_of_places_are_anchors_and_the_top_is_there() -> None:
    assert rules_in(HEAD + '# <a name="here"></a>A place. [x](#here), [y](#top), [z](#Top).\nx = 1\n') == []
    assert rules_in(HEAD + '# <b name="here"></b>No place. [x](#here).\nx = 1\n') == ["anchor"]


def test_a_hand_written_page_names_sources_by_their_place_in_the_site(here: Path) -> None:
    write(
        here,
        {
            "mkdocs.yml": SITE.format("[p]"),
            "docs/index.md": "# I\n\nSee [a](p/a.py) and [b](p/b.py).\n",
            "docs/deep/more.md": "# M\n\nSee [a](../p/a.py), [i](../index.md) and [b](p/a.py).\n",
            "p/a.py": HEAD,
        },
    )
    assert findings("docs/index.md") == [("docs/index.md", 3, 25, "link")]
    assert findings("docs/deep/more.md") == [("docs/deep/more.md", 3, 46, "link")]


def test_settings_that_mean_nothing_are_told(here: Path) -> None:
    write(here, {"a.py": HEAD, "pyproject.toml": '[tool.sidelit]\nlink = "off"\n\n[tool.sidelit.rulse]\n'})
    assert findings("a.py") == [("pyproject.toml", 2, 1, "unknown-rule"), ("pyproject.toml", 4, 1, "unknown-rule")]
    (here / "pyproject.toml").write_text("tool.sidelit = 3\n")
    ran = run("sidelit", "check", "a.py", cwd=here)
    assert ran.status == 2 and ran.err == "sidelit: pyproject.toml: `tool.sidelit` is no table; " \
        "begin it with a line `[tool.sidelit]`\n"


@pytest.mark.parametrize(
    "open_one", ["Let $x = y + 1 be the sum of $n$ values.", "Here $n$ is the size and $f(t) = g(t) is open."]
)
def test_a_dollar_that_nothing_closes_is_told_though_others_are_closed(open_one: str) -> None:
    assert rules_in(HEAD + f"# {open_one}\nx = 1\n") == ["math"]


def test_variables_of_the_shell_are_no_formulas() -> None:
    shell = "Costs $5, not $6: $PATH, $HOME/x, $x and $y, ${x_y}, a $my_var here, $a=1."
    assert rules_in(HEAD + f"# {shell}\nx = 1\n") == []
    assert rules_in(HEAD + "# With $a and $x_1$.\nx = 1\n") == []
