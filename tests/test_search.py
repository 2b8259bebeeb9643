"""What is in the search index: each place once, as text, whatever is in the sources."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from building import assigned, own_cache, page, search_index, sidelit, write
from hypothesis import given
from hypothesis import strategies as st

from sidelit import formula, mathjax
from sidelit.hosts.site import build
from sidelit.search import Entry, Indexed, Pieces, assignment, entries_of, mathml_of, pack, script, unpack

__all__ = ["own_cache"]


def read(html: str, *, joined: bool = False) -> list[tuple[str, Pieces, Pieces]]:
    """The places in an HTML text, whose formulas are TeX between dollars."""
    slots: list[formula.Slot] = []
    lifted = formula.lift(html, "a.md", None, slots)
    return [(each.anchor, each.title, each.text) for each in entries_of(lifted, slots, "top", "Title", joined=joined)]


# ## From HTML to entries


def test_text_is_readable() -> None:
    html = "<p>A <em>b</em>old<br>c &lt; d &amp;amp; <code>x $y$</code></p><ul><li>e</li><li>f</li></ul><p>g</p>"
    assert read(html) == [("top", ("Title",), ("A bold c < d &amp; x $y$ e f g",))]
    assert read("") == [("top", ("Title",), ("",))]


def test_formulas_stand_apart_as_they_were_written() -> None:
    (place,) = read("<p>Let $a < b$, or $$\\begin{align}\nx &= y \\\\\nz\n\\end{align}$$</p>")
    assert place[2] == ("Let ", "a < b", ", or ", "\\begin{align}\nx &= y \\\\\nz\n\\end{align}", "")


def test_headings_begin_places() -> None:
    html = "<p>Before.</p><h1 id='a'>One $x$<a class=headerlink href='#a'>¶</a></h1>1<h2>no id</h2>2<h3 id=b>Two</h3>3"
    first, second = ("a", ("One ", "x", ""), ("1 no id 2",)), ("b", ("Two",), ("3",))
    assert read(html) == [("top", ("Title",), ("Before.",)), first, second]
    assert read(html, joined=True) == [("top", first[1], ("Before. 1 no id 2",)), second]
    assert read(html.removeprefix("<p>Before.</p>")) == [("top", *first[1:]), second]


def test_signs_and_scripts_are_no_words() -> None:
    html = '<p>a<sup id="r"><a class="footnote-ref" href="#fn">1</a></sup> b</p><script>let c</script><!-- d -->'
    assert read(html) == [("top", ("Title",), ("a b",))]


def test_characters_that_we_use_ourselves_do_no_harm() -> None:
    ((_, _, text),) = read("<p>a\ufdd1b $x\ufdd1y$ \ue000\ue010\ue001</p>")
    assert text[1::2] == ("xy",)
    assert text[0] == "ab "


@given(st.text(st.sampled_from("<>hp1/ id=\"'$\\&;\ufdd1ax\n")))
def test_any_html_is_read(html: str) -> None:
    for _, title, text in read(html):
        assert len(title) % 2 == len(text) % 2 == 1
        assert "\ufdd1" not in "".join((*title, *text))


# ## From entries to the script

PAGE = Indexed(
    "a.html",
    "On x_1",
    pack(
        [
            Entry("module", ("On ", "x_1", ""), ("Let ", "x_1", " be ", "y", "."), names="import torch"),
            Entry("A.f", ("A.f",), ("",), "A.f", "def f"),
        ]
    ),
)


def test_each_formula_is_there_once() -> None:
    index = assigned("".join(script([PAGE, PAGE], {"x_1": "<math><mi>x</mi></math>"})), "sidelitIndex")
    assert index["formulas"] == [["x_1", "<math><mi>x</mi></math>"], ["y", ""]]
    places = [
        ["module", ["On ", 0], ["Let ", 0, " be ", 1, "."], "", "import torch"],
        ["A.f", ["A.f"], [], "A.f", "def f"],
    ]
    assert index["pages"] == [["a.html", ["On ", 0], places]] * 2


def test_a_title_from_elsewhere_is_the_pages() -> None:
    index = assigned("".join(script([Indexed("a.html", "Other", PAGE.entries)], {})), "sidelitIndex")
    assert index["pages"][0][1] == ["Other"]


_TEXTS = st.text() | st.text(st.sampled_from('{}[]"\\:,tex1<')) | st.just('{"tex":"x"}')
_PIECES = st.lists(_TEXTS).map(lambda texts: tuple(texts if len(texts) % 2 else [*texts, ""]))


@given(st.lists(st.builds(Entry, _TEXTS, _PIECES, _PIECES, _TEXTS, _TEXTS)), _TEXTS)
def test_any_words_come_through(entries: list[Entry], title: str) -> None:
    assert unpack(pack(entries)) == entries
    index = assigned("".join(script([Indexed("a.html", title, pack(entries))], {})), "sidelitIndex")
    formulas = [tex for tex, _ in index["formulas"]]

    def seen(mixed: list[str | int]) -> list[str]:
        return [formulas[each] if isinstance(each, int) else each for each in mixed]

    def words(pieces: Pieces) -> list[str]:
        return [each for i, each in enumerate(pieces) if each or i % 2]

    ((url, found, places),) = index["pages"]
    first = next((each.title for each in entries[:1] if "".join(each.title) == title), (title,))
    assert url == "a.html" and seen(found) == words(first)
    assert [(anchor, seen(a), seen(b), name, names) for anchor, a, b, name, names in places] == [
        (each.anchor, words(each.title), words(each.text), each.name, each.names) for each in entries
    ]


@given(st.recursive(st.text() | st.integers(), st.lists))
def test_no_text_gets_out_of_the_script(value: object) -> None:
    text = assignment("x", value)
    assert assigned(text, "x") == value
    assert text.isascii() and text.count("\n") == 1 and "<" not in text


def test_mathml_comes_without_tex() -> None:
    html = '<mjx-x><math xmlns="x"><mi>a</mi><annotation encoding="t">\\alpha</annotation></math></mjx-x>'
    assert mathml_of(html) == '<math xmlns="x"><mi>a</mi></math>'
    assert mathml_of("<span>none</span>") == ""


# ## In a site

HOSTILE = "</script><img src=x onerror=alert(1)>\u2028`${alert(1)}`"
TREE = {
    "pkg/__init__.py": f'r"""\n# Title {HOSTILE}\n\nText {HOSTILE} $\\text{{{HOSTILE.split(chr(0x2028))[0]}}}$\n"""\n',
    "pkg/a.py": r'''r"""
# Of $\beta_1$

With $\beta_1$ and $\bad{$.

## Part
"""


class A:
    def f_g(self): ...
''',
    "pkg/old.py": '"""\n---\nredirect: a.py\n---\nOld words.\n"""\n',
    "pkg/readme.md": "# Read $r_m$\n\n## The set-up\n\nText & $s^2$.\n",
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    assert sidelit("build", write(tmp_path, TREE) / "pkg", "-o", tmp_path / "site").status == 0
    return tmp_path / "site"


def test_every_place_of_a_site_is_there(site: Path) -> None:
    index = search_index(site)
    tex = [each for each, _ in index["formulas"]]
    found = {url: places for url, _, places in index["pages"]}
    assert set(found) == {"index.html", "pkg/index.html", "pkg/a.html", "pkg/readme.html"}
    for url, places in found.items():
        assert {anchor for anchor, *_ in places} - {""} <= page(site, url).ids

    assert [place[0] for place in found["pkg/a.html"]] == ["module", "part", "A", "A.f_g"]
    assert found["pkg/a.html"][0][1] == ["Of ", tex.index(r"\beta_1")]
    assert found["pkg/a.html"][3][3:] == ["A.f_g", "def f_g self"]
    (read_me,) = [place for place in found["pkg/readme.html"] if place[0] == "the-set-up"]
    assert read_me[1:3] == [["The set-up"], ["Text & ", tex.index("s^2"), "."]]


def test_formulas_are_mathml_where_there_is_any(site: Path) -> None:
    mathml = dict(search_index(site)["formulas"])
    assert mathml[r"\beta_1"].startswith("<math") and "<msub>" in mathml[r"\beta_1"]
    assert "annotation" not in mathml[r"\beta_1"]
    # What MathJax refuses is shown as TeX.
    assert mathml[r"\bad{"] == ""


def test_hostile_words_are_words(site: Path) -> None:
    text = (site / "assets/sidelit/search-index.js").read_text()
    assert "<" not in text and "\u2028" not in text
    first = next(places[0] for url, _, places in search_index(site)["pages"] if url == "pkg/index.html")
    assert "alert(1)" in str(first)


def test_two_builds_give_the_same_scripts(site: Path, tmp_path: Path) -> None:
    assert sidelit("build", tmp_path / "pkg", "-o", tmp_path / "again").status == 0
    for name in ("search-index.js", "tree.js"):
        path = f"assets/sidelit/{name}"
        assert (site / path).read_bytes() == (tmp_path / "again" / path).read_bytes()


def test_the_library_goes_with_its_licence(site: Path) -> None:
    assert "MiniSearch" in (site / "assets/sidelit/minisearch.js").read_text()
    assert "Permission is hereby granted" in (site / "assets/sidelit/minisearch.txt").read_text()


CONFIG = "site_name: S\ntheme: {theme}\nplugins: [{plugins}sidelit: {{sources: [pkg]}}]\n"


def built(folder: Path, theme: str, plugins: str = "") -> Path:
    write(folder, {**TREE, "docs/index.md": "# Home\n", "mkdocs.yml": CONFIG.format(theme=theme, plugins=plugins)})
    return build(folder / "mkdocs.yml", folder / "site").folder


def test_another_theme_searches_in_its_own_way(tmp_path: Path) -> None:
    site = built(tmp_path, "material", "search, ")
    assert "beta_1" in (site / "search/search_index.json").read_text()
    assert not [path for path in (site / "assets/sidelit").rglob("*.js") if "search" in path.name]
    assert not (site / "assets/sidelit/tree.js").exists()


def test_the_theme_does_not_need_the_search_of_the_host_nor_mind_it(tmp_path: Path) -> None:
    with_it, without = built(tmp_path / "a", "sidelit", "search, "), built(tmp_path / "b", "sidelit")
    path = "assets/sidelit/search-index.js"
    assert (with_it / path).read_bytes() == (without / path).read_bytes()
    assert json.loads((with_it / "search/search_index.json").read_text())["docs"]
    assert not (without / "search").exists()
    for site in (with_it, without):
        scripts = [each.attributes["src"] for each in page(site, "index.html").all("script")]
        assert not [src for src in scripts if src.startswith("search/")]


def test_without_the_library_there_is_no_search_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = mathjax.find_modules()
    assert real
    modules = tmp_path / "modules"
    modules.mkdir()
    for name in ("mathjax", "@mathjax"):
        (modules / name).symlink_to(real / name)
    monkeypatch.setattr(mathjax, "find_modules", lambda: modules)
    site = built(tmp_path, "sidelit")
    assert [line for line in capsys.readouterr().err.splitlines() if "MiniSearch" in line] == [
        "warning: MiniSearch is not installed: run `make site` in the checkout; this site has no search"
    ]
    assert not (site / "assets/sidelit/search-index.js").exists()
    assert not page(site, "pkg/a/index.html").all("a", "search-open")
    assert "no search" in page(site, "search.html").text
