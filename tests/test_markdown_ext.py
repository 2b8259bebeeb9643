"""
# Annotated pages without a plugin

In Zensical, in MkDocs, and in Python-Markdown alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from building import Ran, dead_links, own_cache, page, run, sidelit, write
from markdown import Markdown, markdown
from playwright.sync_api import Browser

from sidelit import mathjax
from sidelit.hosts import markdown_ext

__all__ = ["own_cache"]

ROOT = Path(__file__).resolve().parent.parent

ADAM = r'''r"""
---
symbols: {beta1: \beta_1}
---

# Adam

It keeps $\beta_1 m$. See [the step](#Adam.step), [Base](sub/base.py#Base), [a note](../docs/note.md).

![A](../docs/a.png)
"""


class Adam:
    def step(self, beta1):
        """
        Do it.

        Args:
            beta1: The rate $\beta_1$.
        """
        return beta1
'''

CONFIG = """site_name: Site
watch: [code]
use_directory_urls: {urls}
markdown_extensions:
  - admonition
  - pymdownx.superfences
  - sidelit.hosts.markdown_ext: {{base_path: code}}
"""

PROJECT: dict[str, str | bytes] = {
    "docs/index.md": "# Home\n\n[Adam](deep/adam.md)\n",
    "docs/deep/adam.md": "---\ntitle: Adam\n---\n\n::: annotated adam.py\n",
    "docs/base.md": "# Base\n\nText before.\n\n::: annotated sub/base.py\n\nText after.\n",
    "docs/note.md": "# Note\n\n```\n::: annotated adam.py\n```\n\n    ::: annotated adam.py\n",
    "docs/a.png": b"PNG",
    "code/adam.py": ADAM,
    "code/sub/base.py": '"""\nAbove [Adam](../adam.py), for $\\frac{1}{2}$.\n"""\n\n\nclass Base:\n    pass\n',
}


def project(folder: Path, files: dict[str, str | bytes] = PROJECT, urls: str = "true") -> Path:
    write(folder, files | {"mkdocs.yml": CONFIG.format(urls=urls)})
    written = sidelit("assets", folder / "docs/assets/sidelit")
    assert written.status == 0
    with (folder / "mkdocs.yml").open("a") as config:
        config.write(written.out.partition("\n\n")[2])
    return folder


def build(host: str, folder: Path) -> Ran:
    return run(host, "build", cwd=folder, PYTHONPATH=str(ROOT), NO_COLOR="1")


@pytest.mark.parametrize(
    ("host", "urls"), [("zensical", "true"), ("zensical", "false"), ("mkdocs", "true"), ("mkdocs", "false")]
)
def test_a_site(tmp_path: Path, host: str, urls: str, browser: Browser, serve_folder: Callable[[Path], str]) -> None:
    ran = build(host, project(tmp_path, urls=urls))
    assert ran.status == 0, ran.err
    assert "code/" not in ran.out + ran.err
    adam, base = ("deep/adam/index.html", "base/index.html") if urls == "true" else ("deep/adam.html", "base.html")
    note = page(tmp_path / "site", "note/index.html" if urls == "true" else "note.html")
    assert "mjx-container" not in note.text and note.text.count("::: annotated adam.py") >= 2
    made = page(tmp_path / "site", adam)
    assert not [link for link in dead_links(tmp_path / "site") if link.startswith((adam, base))]
    assert not any(element.attributes.get("href", "").endswith(".py") for element in made.elements)

    tab = browser.new_page(viewport={"width": 1440, "height": 900})
    failed: list[str] = []
    tab.on("requestfailed", lambda request: failed.append(request.url))
    address = serve_folder(tmp_path / "site")
    tab.goto(address + adam)

    # Two columns, code beside its prose.
    prose, code = (tab.locator("#Adam\\.step ~ .code, #Adam\\.step").nth(n).bounding_box() for n in (0, 1))
    assert prose and code and code["x"] >= prose["x"] + prose["width"] - 1 and abs(code["y"] - prose["y"]) < 30

    # Formulas with their font, a list of parameters, and names that light up with their symbol.
    box = tab.locator("mjx-container").first.bounding_box()
    assert box and box["width"] > 10
    tab.evaluate("document.fonts.ready")
    assert tab.evaluate("[...document.fonts].some(font => font.family.includes('MJX') && font.status === 'loaded')")
    assert tab.locator("dt code").first.inner_text() == "beta1"
    tab.locator("[data-s='=beta1']").first.hover()
    tab.wait_for_selector("#container.lights .lit")
    assert not [url for url in failed if url.startswith(address)]

    # From page to page.
    tab.get_by_role("link", name="Base", exact=True).last.click()
    tab.wait_for_url(re.compile(r"base(/|\.html)#Base$"))
    assert tab.get_by_text("Text before.").is_visible() and tab.get_by_text("Text after.").is_visible()
    tab.close()


@pytest.mark.parametrize("width", [1900, 1300, 390])
def test_what_stands_around_begins_where_the_prose_does(
    tmp_path: Path, width: int, browser: Browser, serve_folder: Callable[[Path], str]
) -> None:
    assert build("zensical", project(tmp_path, urls="false")).status == 0
    tab = browser.new_page(viewport={"width": width, "height": 900})
    tab.goto(serve_folder(tmp_path / "site") + "base.html")

    def edges(selector: str) -> dict[str, float]:
        return tab.eval_on_selector(selector, "(each) => each.getBoundingClientRect().toJSON()")

    prose = edges("#container .docs > p")
    for selector in ("h1#base", "h1#base + p", "#container ~ p"):
        assert abs(edges(selector)["left"] - prose["left"]) < 1, selector
    assert edges("h1#base")["top"] >= edges(".md-header")["bottom"] + 16
    tab.close()


def test_zensical_follows_a_file_that_changes(tmp_path: Path) -> None:
    folder = project(tmp_path)
    assert build("zensical", folder).status == 0
    text = ADAM.replace("Do it.", "Do it twice.")
    write(folder, {"code/adam.py": text})
    os.utime(folder / "code/adam.py", (2_000_000_000, 2_000_000_000))
    assert build("zensical", folder).status == 0
    assert "Do it twice." in page(folder / "site", "deep/adam/index.html").text


@pytest.mark.parametrize("host", ["zensical", "mkdocs"])
def test_what_is_wrong_is_told_in_one_line(tmp_path: Path, host: str) -> None:
    files = PROJECT | {
        "docs/index.md": "---\ntitle: Home\n---\n\nText.\n\n::: annotated ../mkdocs.yml\n\n::: annotated none.py\n",
        "code/sub/base.py": '"""\n[No](no.py) $\\frac{1$ [this](#nothing) ![a](none.png)\n"""\n',
    }
    ran = build(host, project(tmp_path, files))
    assert ran.status == 0
    lines = [re.sub(r"^WARNING +-  ", "", line) for line in (ran.out + ran.err).splitlines()]
    assert [line for line in lines if re.match(r"\S+:\d+:\d+: ", line)] and "Traceback" not in ran.err
    told = {
        line.partition(" ")[0] + line.rpartition(" ")[2]
        for line in lines
        if re.match(r"(docs|code)/\S+:\d+:\d+: ", line)
    }
    assert told == {
        "docs/index.md:7:1:[source]",
        "docs/index.md:9:1:[source]",
        "code/sub/base.py:2:6:[link]",
        "code/sub/base.py:2:13:[tex]",
        "code/sub/base.py:2:30:[anchor]",
        "code/sub/base.py:2:45:[image]",
    }
    html = page(tmp_path / "site", "index.html")
    assert "is outside of" in html.text and "there is no file" in html.text


def test_mkdocs_counts_what_is_wrong(tmp_path: Path) -> None:
    project(tmp_path, PROJECT | {"docs/index.md": "::: annotated none.py\n"})
    assert run("mkdocs", "build", "--strict", cwd=tmp_path, PYTHONPATH=str(ROOT)).status == 1


# ## Alone


def converted(folder: Path, name: str, **options: object) -> str:
    return markdown(
        f"Before.\n\n::: annotated {name}\n\nAfter.",
        extensions=["sidelit.hosts.markdown_ext"],
        extension_configs={"sidelit.hosts.markdown_ext": {"base_path": str(folder), **options}},
    )


def test_python_markdown_alone(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "# Text $x^2$ [b](b.py)\nx = 1\n"})
    html = converted(tmp_path, "a.py")
    assert html.startswith('<p>Before.</p>\n<article id="container">')
    assert html.endswith("</style>\n<p>After.</p>") and html.count("<p>After.</p>") == 1
    assert "<mjx-container" in html and 'url("assets/sidelit/fonts/' in html and 'href="b.py"' in html
    assert "Breadcrumbs" not in html
    assert converted(tmp_path, "a.py") == html
    assert 'url("/static/fonts/' in converted(tmp_path, "a.py", assets="/static")


def test_options(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": '"""\n<b onclick="x()">bold</b> $\\RR$\n\n:param x: It.\n"""\n'})
    html = converted(tmp_path, "a.py", macros={"RR": r"\mathbb{R}"}, allow_html=False, docstrings="markdown")
    assert "onclick" not in html and "tex-error" not in html and ":param x:" in html
    assert "onclick" in converted(tmp_path, "a.py") and ":param x:" not in converted(tmp_path, "a.py")
    with pytest.raises(ValueError, match="there is no option 'bse_path'"):
        converted(tmp_path, "a.py", bse_path=".")
    with pytest.raises(ValueError, match="docstrings: choose one of"):
        converted(tmp_path, "a.py", docstrings="epytext")


def test_without_node_formulas_are_left_to_the_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mathjax, "missing", lambda: "Node.js is not here")
    write(tmp_path, {"a.py": "# $x < y$\nx = 1\n"})
    assert r'<span class="math">\(x &lt; y\)</span>' in converted(tmp_path, "a.py")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "name a file"),
        ("../secret.py", "is outside of"),
        ("sub/../../secret.py", "is outside of"),
        ("{outside}/secret.py", "is outside of"),
        ("link.py", "is a symbolic link out of"),
        ("folder/secret.py", "is a symbolic link out of"),
        ("none.py", "there is no file"),
        ("sub", "is no Python file"),
        ("data.txt", "is no Python file"),
        (".env", "is no Python file"),
        ("a" * 5000 + ".py", "there is no file"),
        ("loop.py", "is no Python file"),
        ("pipe", "is no Python file"),
    ],
)
def test_nothing_else_is_read(tmp_path: Path, name: str, words: str) -> None:
    write(tmp_path, {"secret.py": "SECRET = 1\n", "in/sub/a.py": "", "in/data.txt": "SECRET", "in/.env": "SECRET"})
    base = tmp_path / "in"
    os.symlink(tmp_path / "secret.py", base / "link.py")
    os.symlink(tmp_path, base / "folder")
    os.symlink("loop.py", base / "loop.py")
    os.mkfifo(base / "pipe")
    html = converted(base, name.format(outside=tmp_path))
    assert words in html and "SECRET" not in html
    assert html.count("admonition failure") == 1


def test_scripts_and_links_inside_are_read(tmp_path: Path) -> None:
    write(tmp_path, {"tool": "#!/usr/bin/env python\nx = 1\n", "a.pyi": "x: int\n"})
    os.symlink("a.pyi", tmp_path / "b.pyi")
    for name in ("tool", "a.pyi", "b.pyi", "./a.pyi"):
        assert '<article id="container">' in converted(tmp_path, name)


def test_one_article_a_page(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "x = 1\n"})
    html = converted(tmp_path, "a.py\n\n::: annotated a.py")
    assert html.count("<article") == 1 and "a page holds one annotated file" in html


def test_a_message_on_the_page_is_text(tmp_path: Path) -> None:
    assert "<script>" not in converted(tmp_path, "<script>alert(1)</script>.py")


def test_the_extension_leaves_other_pages_alone() -> None:
    text = "# Title\n\n::: annotatedx\n\n::: other.module\n\nText ::: annotated a.py\n"
    assert Markdown(extensions=[markdown_ext.makeExtension()]).convert(text) == markdown(text)


def test_assets_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = sidelit("assets", tmp_path / "file" / "sub")
    assert ran.status == 1 and len(ran.lines) == 1 and "cannot be written" in ran.lines[0]
