"""
# Sources that may be anyone's

With `allow_html: false`, which is how `sidelit build` builds, nothing that a stranger writes runs in the reader's
browser, leads to another kind of address, or changes what is the page's own.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import markdown
import pytest
from building import ROOT, own_cache, sidelit, write
from hostile import EVERYTHING, HTML, MARKDOWN, TEX, WORDS, faults
from hypothesis import example, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

from sidelit.diagnostic import Diagnostic
from sidelit.formula import fill
from sidelit.hosts.site import build
from sidelit.making import make_page
from sidelit.page import finish
from sidelit.prose import Fragment, Renderer
from sidelit.source import parse

__all__ = ["own_cache"]

RENDERER = Renderer(allow_html=False)


def html(text: str) -> str:
    """A text as HTML, with its formulas as text and its links as the author wrote them."""
    origins = tuple((line, 1) for line in range(1, text.count("\n") + 2))
    rendered = RENDERER.render([Fragment(text, origins)], "a.py", ["x"])
    return fill(rendered.prose[0].html, rendered.slots, lambda formula: "<i></i>", lambda link: link.target)


# ## Prose

AROUND = [
    "{}", "a {} b", "- {}", "1. {}", "> {}", "# {}", "*{}*", "**{}**", "`{}`", "[{}](a.py)", "![{}](a.png)",
    "[a](<{}>)", '[a](b "{}")', "![a]({})", "[a]: {}\n\n[a]", "<div>\n{}\n</div>", "<a title='{}'>", "<b {}>", "<{}>",
    "| a |\n|---|\n| {} |", "a\n:   {}", "a[^1]\n\n[^1]: {}", '!!! note "{}"\n    {}', "```{}\n{}\n```", "    {}",
    "Args:\n    {}: {}\n", ":param {}: {}\n", "Parameters\n----------\n{}\n    {}\n", "&{};", "\\{}", "<!-- {} -->",
]  # fmt: skip


@pytest.mark.parametrize("around", AROUND)
def test_no_attack_in_prose_survives(around: str) -> None:
    for attack in EVERYTHING:
        assert faults(html(around.replace("{}", attack)), whole=False) == [], attack


pieces = st.one_of(
    st.sampled_from([*HTML, *MARKDOWN]),
    st.sampled_from(["<", ">", "</", "/>", "<a ", "<img ", "<svg>", "<math>", "<style>", "<script>", "<!--", "-->"]),
    st.sampled_from(["href=", "src=", "onclick=", "style=", "id=", "class=", "'", '"', "=", "javascript:", "data:"]),
    st.sampled_from(["&#106;", "&Tab;", "&colon;", "&lt;", "\t", "\n", "\n\n", " ", "\x00", "\x02", "\x03", "\r"]),
    st.sampled_from(["[", "](", ")", "]:", "![", "`", "```", "*", "_", "$", "$$", "|", ">", "- ", "    ", "#", "\\"]),
    st.sampled_from(["alert(1)", "x", "a.py", "//evil.invalid", "https://a.invalid", "]]>", "<![CDATA[", "<?", "{:"]),
)


@settings(max_examples=400)
@given(st.lists(pieces, max_size=14).map("".join))
@example("<a class=footnote-ref href=#fn id=x>")
def test_no_mixture_of_attacks_survives(text: str) -> None:
    assert faults(html(text), whole=False) == []


def test_the_attacks_are_some() -> None:
    """What is written as its author wants it has them, so they are found."""
    missed = [attack for attack in HTML if not faults(attack + "<i id=x></i>", whole=False)]
    assert len(missed) < 12, missed
    own = Renderer(allow_html=True)
    through = [own.render([Fragment(text, ((1, 1),) * (text.count("\n") + 1))], "a.py").prose[0].html for text in HTML]
    assert sum(bool(faults(each, whole=False)) for each in through) > 30


# ## Whole pages


def source(attack: str) -> str:
    """A file with an attack in every place that a page shows."""
    quoted = json.dumps(attack)
    comment = "\n".join(f"# {line}" for line in attack.split("\n"))
    docs = attack.replace('"""', "''")
    return f'''r"""
---
title: {quoted}
summary: {quoted}
image: {quoted}
redirect_: {quoted}
paper:
  title: {quoted}
  authors: [{quoted}]
  arxiv: {quoted}
symbols:
  x: {quoted}
---

{docs}
"""

{comment}
x = {attack!r}


def f(x, y={attack!r}):
    r"""
    {docs.replace(chr(10), chr(10) + "    ")}

    Args:
        x ({docs.split(chr(10))[0]}): {docs.split(chr(10))[0]}
        <b onclick=alert(1)>: y

    Returns:
        {docs.split(chr(10))[0]}: x
    """
    return x, f  # {docs.split(chr(10))[0]}


class A:  {comment.split(chr(10))[0]}
    def __init__(self):
        self.x = f(1)
'''


@pytest.mark.parametrize("attack", [*EVERYTHING, *WORDS])
def test_no_page_lets_an_attack_through(attack: str) -> None:
    page = make_page(
        parse(source(attack), f"pkg/{WORDS[0]}.py", "pkg.a"), allow_html=False, parents=[(attack, "index.html")]
    )
    finished = finish(page, lambda formula: "<i></i>", lambda link: link.target, lambda reference: "")
    assert faults(finished, whole=False) == []


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of which every word is an attack, built as strangers' code is built."""
    folder = tmp_path_factory.mktemp("evil")
    files: dict[str, str | bytes] = {}
    for number, attack in enumerate([*EVERYTHING, *WORDS]):
        files[f"tree/page{number}.py"] = source(attack)
    for number, word in enumerate(WORDS):
        name = word.replace("/", "∕")
        files[f"tree/{name}.py"] = source(word)
        files[f"tree/{name}/__init__.py"] = f'"""\n# {word}\n"""\n'
        files[f"tree/{name}/readme.md"] = f"---\ntitle: {json.dumps(word)}\n---\n\n# {word}\n\n{word}\n"
        files[f"tree/leads{number}.py"] = f'"""\n---\nredirect: {json.dumps(word)}\n---\n# Leads\n"""\n'
    text = "\n\n".join(EVERYTHING)
    files["tree/readme.md"] = text
    files["tree/all.py"] = source(text)
    write(folder, files)
    ran = sidelit("build", folder / "tree", "-o", folder / "site")
    assert ran.status == 0
    return folder / "site"


def test_a_site_of_attacks_has_no_fault(evil: Path) -> None:
    found = {}
    for path in sorted(evil.rglob("*.html")):
        if each := faults(path.read_text(encoding="utf-8"), whole=True):
            found[path.relative_to(evil).as_posix()] = each
    assert found == {}
    assert len(list(evil.rglob("page*.html"))) == len(EVERYTHING) + len(WORDS)


def test_a_style_sheet_of_attacks_holds_the_rules_of_mathjax_only(evil: Path) -> None:
    sheet = (evil / "assets/sidelit/math.css").read_text()
    assert not re.search(r"evil|javascript|expression|@import|position:\s*fixed|body", sheet)


# What a page does when its reader does everything that can be done there.
TOUCH = """async () => {
    const wait = () => new Promise((resolve) => setTimeout(resolve, 0));
    for (const each of document.querySelectorAll("summary, button, [data-s], .lineno, img")) {
        each.dispatchEvent(new PointerEvent("pointerover", { bubbles: true, pointerType: "mouse" }));
        each.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
        each.focus();
        if (!each.matches("a")) each.click();
        await wait();
    }
    return [...document.querySelectorAll("a, area")].map(({ href }) => String(href)).filter(Boolean)
        .map((href) => new URL(href).protocol).filter((each) => !["http:", "https:", "mailto:"].includes(each));
}"""


def watched(browser: Browser) -> tuple[Page, list[str]]:
    """A tab, and a list of what should not have happened in it."""
    tab = browser.new_page()
    happened: list[str] = []
    tab.on("dialog", lambda dialog: (happened.append(f"dialog on {tab.url}"), dialog.dismiss()))
    tab.on("pageerror", lambda error: happened.append(f"{error} on {tab.url}"))
    tab.route("**/*", lambda route: route.continue_() if "127.0.0.1" in route.request.url else route.abort())
    return tab, happened


def test_nothing_runs_in_a_browser(evil: Path, browser: Browser, serve_folder: Callable[..., str]) -> None:
    address = serve_folder(evil)
    tab, happened = watched(browser)
    for path in ("tree/all.html", "tree/readme.html", *sorted(f"tree/page{n}.html" for n in range(0, 60, 6))):
        tab.goto(address + path)
        assert tab.evaluate(TOUCH) == [], path
        assert tab.evaluate("() => getComputedStyle(document.querySelector('main')).display") != "none"
    assert happened == []
    tab.close()


@pytest.mark.parametrize("query", ["alert", "script", "img onerror", "javascript", "href"])
def test_nothing_runs_in_what_a_search_finds(
    evil: Path, browser: Browser, serve_folder: Callable[..., str], query: str
) -> None:
    tab, happened = watched(browser)
    tab.goto(f"{serve_folder(evil)}search.html?q={query}")
    results = tab.locator("#search-page .search-list a")
    results.first.wait_for()
    assert results.count() > 10
    html = tab.locator("#search-page .search-list").evaluate("(list) => list.innerHTML")
    assert faults(html, whole=False) == []
    assert tab.evaluate(TOUCH) == []
    assert happened == []
    tab.close()


# ## Where the reader's browser typesets


def test_formulas_are_as_harmless_where_the_browser_typesets_them(
    tmp_path: Path, browser: Browser, serve_folder: Callable[..., str]
) -> None:
    options = "{sources: [tree], allow_html: false, math: client, mathjax_src: mathjax/tex-mml-chtml.js}"
    config = f"site_name: S\ntheme: sidelit\nuse_directory_urls: false\nplugins: [{{sidelit: {options}}}]\n"
    good = '"""\n# Good, $x^2$\n"""\n\n'
    prose = good + "".join(f"# Formula ${tex}$\nx = {number}\n\n" for number, tex in enumerate(TEX))
    write(tmp_path, {"mkdocs.yml": config.replace("client,", "client, mathjax_integrity: '',")})
    write(tmp_path, {"docs/index.md": "# Home\n", "tree/a.py": prose})
    build(tmp_path / "mkdocs.yml", tmp_path / "site")
    shutil.copytree(ROOT / "node_modules/mathjax", tmp_path / "site/mathjax")

    tab, happened = watched(browser)
    tab.goto(f"{serve_folder(tmp_path / 'site')}tree/a.html")
    tab.wait_for_function("() => window.MathJax?.startup?.promise?.then(() => true)")
    tab.wait_for_function("() => document.querySelectorAll('mjx-container').length > 20")
    containers = tab.locator("mjx-container").evaluate_all("(all) => all.map((each) => each.outerHTML)")
    shown = [fault for each in containers for fault in faults(each, whole=False) if "MJX-" not in fault]
    assert [fault for fault in shown if re.search(r"href|onclick|onmouse|position: ?fixed|script|'bar'", fault)] == []
    assert tab.evaluate("() => getComputedStyle(document.body).display") != "none"
    assert tab.locator("#container").count() == 1
    assert happened == []
    tab.close()


# ## In a host that runs a Markdown extension


def test_an_article_in_a_page_of_another_host_is_as_harmless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, {f"a{number}.py": source(attack) for number, attack in enumerate(EVERYTHING)})
    options = {"sidelit.hosts.markdown_ext": {"allow_html": False}}
    for number in range(0, len(EVERYTHING), 7):
        made = markdown.markdown(
            f"::: annotated a{number}.py", extensions=["sidelit.hosts.markdown_ext"], extension_configs=options
        )
        assert [each for each in faults(made, whole=False) if "<style" not in each] == []
    for name in WORDS:
        made = markdown.markdown(f"::: annotated {name}", extensions=["sidelit.hosts.markdown_ext"])
        assert faults(made, whole=False) == []


# ## Sources are read, never run


def test_no_command_runs_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code = 'import pathlib\n\npathlib.Path("ran").write_text("x")\n\n\ndef f():\n    "Doc."\n'
    write(tmp_path, {"tree/__init__.py": code, "tree/evil.py": code, "tree/conftest.py": code, "tree/setup.py": code})
    for command in ("build tree -o site", "check tree", "sections tree/evil.py", "notebook tree/evil.py -o n.ipynb"):
        sidelit(*command.split())
    sidelit("standalone", "tree.evil:f", "-o", "s.py")
    assert (tmp_path / "site/tree/evil.html").is_file() and (tmp_path / "s.py").is_file()
    assert not list(tmp_path.rglob("ran"))


# ## Files beside the sources


def test_only_files_in_which_nothing_runs_are_published(own_cache: Path, tmp_path: Path) -> None:
    drawn = '<svg xmlns="http://www.w3.org/2000/svg">{}</svg>'
    active = {
        "more.html": "<script src='more.js'></script>", "more.js": "alert(1)", "CNAME": "evil.invalid",
        "x.xhtml": "<x/>",
        "f.svg": drawn.format('<s:script xmlns:s="http://www.w3.org/2000/svg">alert(1)</s:script>'),
        "g.svg": drawn.format('<a href="java&#115;cript:alert(1)">a</a>'),
        "a.svg": drawn.format("<script>alert(1)</script>"), "b.svg": drawn.format('<g onload="alert(1)"/>'),
    }  # fmt: skip
    inert = {"c.svg": drawn.format("<g/>"), "d.png": "", "e.csv": "1"}
    links = "\n".join(f"[{name}]({name})" for name in (*active, *inert, "assets/sidelit/PAGES.js"))
    write(tmp_path, {"one.py": f'"""\n# T\n\n{links}\n"""\n', "assets/sidelit/PAGES.js": "", **active, **inert})
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "CNAME").write_text("mine.example")
    ran = sidelit("build", str(tmp_path / "one.py"), "-o", str(tmp_path / "site"))
    assert ran.status == 0 and "one.py:5:11: `more.js` is not published: in other people's files nothing may" in ran.err
    there = {path.name for path in (tmp_path / "site").rglob("*")}
    assert there & {*active, "PAGES.js"} == {"CNAME"} and there >= set(inert)
    assert (tmp_path / "site" / "CNAME").read_text() == "mine.example"


def test_a_link_out_of_the_tree_is_not_in_what_may_be_taken_either(own_cache: Path, tmp_path: Path) -> None:
    front = '"""\n---\nstandalone: true\nnotebook: true\n---\n# T\n"""\nfrom pk.b import x\ny = x\n'
    write(tmp_path, {"pk/__init__.py": "", "pk/c.py": front, "out/s.py": 'x = "SECRET"\n'})
    (tmp_path / "pk" / "b.py").symlink_to("../out/s.py")
    sidelit("build", str(tmp_path / "pk"), "-o", str(tmp_path / "site"))
    texts = [path.read_bytes() for path in (tmp_path / "site").rglob("*") if path.is_file()]
    assert texts and not any(b"SECRET" in text for text in texts)


def test_a_readme_does_not_choose_its_template(own_cache: Path, tmp_path: Path) -> None:
    front = "---\ntitle: Mine\ntemplate: nope.html\nimage: 'javascript:alert(1)'\n---\n# R\n"
    write(tmp_path, {"pk/readme.md": front, "pk/a.py": '"""# A"""\n'})
    assert sidelit("build", str(tmp_path / "pk"), "-o", str(tmp_path / "site")).status == 0
    page = (tmp_path / "site" / "pk" / "readme.html").read_text()
    assert "Mine" in page and "javascript:" not in page


def test_front_matter_cannot_grow_or_name_half_a_character() -> None:
    lines = ["a0: &a0 {x: x}", *(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 40))]
    document = parse('"""\n---\n{}\n---\n# T\n"""\n'.format("\n".join(lines)), "a.py")
    (problem,) = [each for each in document.diagnostics if each.rule == "front-matter"]
    assert (problem.line, problem.message) == (4, "the front matter is not valid YAML: an alias; write the value out")
    assert parse('r"""\n---\ntitle: "a\\ud800"\n---\n"""\n', "a.py").title == "a\N{REPLACEMENT CHARACTER}"


def test_a_message_is_one_line_without_commands() -> None:
    said = str(Diagnostic("a.py", 1, 1, "link", "`a\n::error::\x1b[31m\u2028` leads nowhere"))
    assert said == r"a.py:1:1: `a\n::error::\x1b[31m\u2028` leads nowhere [link]"


def test_a_folder_where_another_has_its_page_is_told_and_the_rest_is_built(own_cache: Path, tmp_path: Path) -> None:
    page = '"""# A"""\n'
    write(tmp_path, {"s/a.py": page, "s/a.html/z.py": page, "search.html/x.py": page, "s/a.html/p.png": ""})
    (tmp_path / "s" / "b.py").write_text('"""\n# B\n\n![p](a.html/p.png)\n"""\n')
    ran = sidelit("build", str(tmp_path / "s"), str(tmp_path / "search.html"), "-o", str(tmp_path / "site"))
    assert ran.status == 0, ran.err
    assert "s/a.py:1:1: wants the address s/a.html, where s/a.html/z.py has a folder" in ran.err
    assert "x.py:1:1: wants the folder search.html, where the site itself has a file" in ran.err
    assert (tmp_path / "site/s/a.html/z.html").is_file() and (tmp_path / "site/s/b.html").is_file()

    # Where only an image lies in the folder, the page stays.
    (tmp_path / "s/a.html/z.py").unlink()
    assert sidelit("build", str(tmp_path / "s"), "-o", str(tmp_path / "site")).status == 0
    assert (tmp_path / "site/s/a.html").is_file() and (tmp_path / "site/s/b.html").is_file()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("---\ntitle: " + "[" * 40_000 + "\n---\n# R\n", "the front matter is not valid YAML"),
        ("---\na: &a [x]\nb: *a\n---\n# R\n", "pk/readme.md:3:4: the front matter is not valid YAML: an alias"),
        ("---\ntitle: [x]\n---\n# R\n", "pk/readme.md:2:1: `title` must be text"),
        ("# a\n" * 24_000, "this text has too much in it that no blank lines divide"),
        ("# R\n" + "x" * 100_000, "this text has more than 100,000 characters"),
    ],
    ids=["nested", "alias", "list", "headings", "long"],
)
def test_a_readme_that_is_made_to_stop_the_build_stops_nothing(
    text: str, said: str, own_cache: Path, tmp_path: Path
) -> None:
    write(tmp_path, {"pk/readme.md": text, "pk/a.py": '"""# A"""\n'})
    ran = sidelit("build", str(tmp_path / "pk"), "-o", str(tmp_path / "site"))
    assert ran.status == 0 and said in ran.err and len(ran.err.splitlines()) == 1
    assert (tmp_path / "site" / "pk" / "a.html").is_file()
    assert (tmp_path / "site" / "pk" / "readme.html").is_file()
