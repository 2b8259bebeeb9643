"""
# The plugin in its hosts

One project with everything in it, built strictly by MkDocs and by ProperDocs, in our theme and in another, with both
kinds of addresses.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Callable
from functools import cache
from html import unescape
from pathlib import Path

import pytest
import yaml
from building import Html, dead_links, own_cache, page, run, snapshot, write
from mkdocs.config import load_config
from playwright.sync_api import Browser

from sidelit.hosts.site import build
from sidelit.theme import OWN_SCRIPTS, SCRIPTS, TEMPLATES

__all__ = ["own_cache"]

ADAM = r'''r"""
# Adam

The step is $\theta_t$. See [up](__init__.py), [set-up](../readme.md#setup) and ![a chart](../img/chart.png).
"""


class Adam:
    """
    ## The class

    Its <b>text</b> has `code_span`.
    """

    # Above $m_t < 1$.
    def step(self, grad_value):
        """
        ### One step

        $$m_t = \beta_1 m_{t-1}$$
        """
        return grad_value < 3
'''

PACKAGE = """'''
# The package

[1](optim/adam.py) [2](optim/adam.py#Adam.step) [3](optim/adam.html#Adam) [4](optim/adam.py#L16) [5](#module)
[6](../../tools.py#module-2) [7](../../docs/guide.md#part) [8](../../top/x.py) [9](readme.md#setup) [10](optim/)
[11](https://example.invalid/a.py#b)
'''
"""

PROJECT: dict[str, str | bytes] = {
    "docs/index.md": r"""# Home $h^2$

[1](api/optim/adam.py#Adam.step) [2](api/optim/adam.py#L8) [3](api/__init__.py) [4](tools.py) [5](api/readme.md#setup)

## The $\alpha_1$ of it

Math $a_b$ and $c_d$.

$$\begin{align} x &= y \\ z &= w \end{align}$$
""",
    "docs/guide.md": "# Guide\n\n## Part\n\n[home](index.md#the-of-it)\n",
    "src/pkg/__init__.py": PACKAGE,
    "src/pkg/readme.md": "# Read me\n\n## Setup\n\n[1](optim/adam.py#Adam.step) $r_m$ ![a chart](img/chart.png)\n",
    "src/pkg/img/chart.png": b"PNG",
    "src/pkg/img/unused.png": b"PNG",
    "src/pkg/secret.txt": "secret",
    "src/pkg/empty/__init__.py": "\n",
    "src/pkg/empty/mod.py": "x = 1\n",
    "src/pkg/optim/__init__.py": '"""\n# Optim\n"""\n',
    "src/pkg/optim/adam.py": ADAM,
    "src/pkg/.hidden/a.py": "x = 1\n",
    "src/pkg/__pycache__/a.py": "x = 1\n",
    "tools.py": "# Tool prose\nx = 1\n",
    "top/x.py": '"""\n# X\n"""\n',
}

SOURCES = [{"path": "src/pkg", "at": "api"}, "tools.py", {"path": "top", "at": ""}]

# The pages by their sources, in the flat form.
PAGES = {
    "index.html", "guide.html", "tools.html", "x.html", "api/index.html", "api/readme.html", "api/empty/mod.html",
    "api/optim/index.html", "api/optim/adam.html",
}  # fmt: skip


def configuration(*, theme: str = "sidelit", options: dict[str, object] | None = None, **more: object) -> str:
    settings = {
        "site_name": "Test",
        "theme": theme,
        "use_directory_urls": False,
        "plugins": ["search", {"sidelit": {"sources": SOURCES, **(options or {})}}],
        "validation": {name: "warn" for name in ("omitted_files", "absolute_links", "unrecognized_links", "anchors")},
        **more,
    }
    return yaml.safe_dump(settings, sort_keys=False)


PUBLISHED = {
    "site_url": "https://a.invalid/docs/",
    "repo_url": "https://github.com/a/b",
    "edit_uri": "edit/main/docs/",
    "nav": [{"Home": "index.md"}, {"The optimizer": "api/optim/adam.py"}, "guide.md"],
}


@pytest.fixture(scope="module")
def sites(own_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str, bool], Path]:
    """The project's site by host, theme and kind of addresses; each is built once."""

    @cache
    def site(host: str, theme: str, folders: bool) -> Path:
        folder = write(tmp_path_factory.mktemp(f"{host}-{theme}"), PROJECT)
        config = configuration(theme=theme, **{**PUBLISHED, "use_directory_urls": folders})
        write(folder, {"mkdocs.yml": config})
        ran = run(host, "build", "--strict", "-f", "mkdocs.yml", "-d", "site", cwd=folder, NO_MKDOCS_2_WARNING="1")
        assert ran.status == 0, ran.err
        assert "WARNING" not in ran.err
        assert set(PROJECT) | {"mkdocs.yml"} == {
            name for name, content in snapshot(folder).items() if content != "folder" and not name.startswith("site/")
        }
        return folder / "site"

    return site


EVERYWHERE = pytest.mark.parametrize(
    ("host", "theme", "folders"),
    [("mkdocs", "sidelit", True), ("properdocs", "sidelit", False), ("mkdocs", "material", False),
     ("properdocs", "material", True)],
)  # fmt: skip


def at(site: Path, flat: str, folders: bool) -> Html:
    """A page by its flat address, wherever it is."""
    return page(site, address(flat, folders))


def address(flat: str, folders: bool) -> str:
    return flat.replace(".html", "/index.html") if folders and not flat.endswith("index.html") else flat


def ours(html: Html) -> Html:
    """The part of an annotated page that we made."""
    return Html(html.text[html.text.index('<article id="container">') :].partition("</article>")[0])


def in_folders(url: str) -> str:
    """The address that a flat one corresponds to where every page has a folder."""
    return re.sub(r"(index)?\.html", lambda match: "" if match[1] else "/", url)


# ## One project, everywhere


@EVERYWHERE
def test_every_source_has_its_page(sites, host: str, theme: str, folders: bool) -> None:
    site = sites(host, theme, folders)
    found = {path.relative_to(site).as_posix() for path in site.rglob("*.html")} - {"404.html", "search.html"}
    assert found == {address(flat, folders) for flat in PAGES}
    assert (site / "404.html").is_file()


@EVERYWHERE
def test_links_lead_somewhere(sites, host: str, theme: str, folders: bool) -> None:
    site = sites(host, theme, folders)
    assert not dead_links(site, "/docs/")
    package = ours(at(site, "api/index.html", folders)).references
    wanted = ["optim/adam.html", "optim/adam.html#Adam.step", "optim/adam.html#Adam", "optim/adam.html#L16", "#module"]
    wanted += ["../tools.html#module-2", "../guide.html#part", "../x.html", "readme.html#setup", "optim/index.html"]
    if folders:
        wanted = [in_folders(each) for each in wanted]
    assert [each for each in package if each in wanted] == ["#module", *wanted]
    home = [each for each in at(site, "index.html", folders).references if "#Adam.step" in each or "#L8" in each]
    assert home == [("api/optim/adam/" if folders else "api/optim/adam.html") + each for each in ("#Adam.step", "#L8")]


@EVERYWHERE
def test_images_are_beside_the_pages(sites, host: str, theme: str, folders: bool) -> None:
    site = sites(host, theme, folders)
    assert (site / "api/img/chart.png").read_bytes() == b"PNG"
    assert not (site / "api/img/unused.png").exists()
    assert not list(site.rglob("secret*"))
    assert {path.name for path in site.rglob("*.py")} == {"__init__.py", "adam.py", "mod.py", "tools.py", "x.py"}
    assert not list(site.rglob("*.md"))
    sources = [each.attributes["src"] for each in ours(at(site, "api/optim/adam.html", folders)).all("img")]
    assert sources == ["../../img/chart.png" if folders else "../img/chart.png"]


@EVERYWHERE
def test_formulas_are_typeset(sites, host: str, theme: str, folders: bool) -> None:
    site = sites(host, theme, folders)
    for flat, count in (("index.html", 5), ("api/readme.html", 1), ("api/optim/adam.html", 3)):
        html = at(site, flat, folders)
        body = html.text[html.text.index("<article") :]
        assert body.count("<mjx-container") == count, flat
        assert [each.attributes["href"] for each in html.all("link") if each.attributes["href"].endswith("math.css")]
        assert not html.all("code", "tex-error")
    assert (site / "assets/sidelit/math.css").is_file()
    assert list((site / "assets/sidelit/fonts").iterdir())
    assert not [each for each in at(site, "index.html", folders).all("script") if "mathjax" in str(each.attributes)]


@EVERYWHERE
def test_the_search_index_has_our_text(sites, host: str, theme: str, folders: bool) -> None:
    site = sites(host, theme, folders)
    entries = json.loads((site / "search/search_index.json").read_text())["docs"]
    locations = [entry["location"] for entry in entries]
    assert len(locations) == len(set(locations))

    adam = "api/optim/adam/" if folders else "api/optim/adam.html"
    found = {entry["location"]: entry for entry in entries}
    assert {place for place in locations if place.startswith(f"{adam}#")} == {
        f"{adam}#{anchor}" for anchor in ("module", "Adam", "Adam.step", "Adam.step-2")
    }
    assert found[f"{adam}#Adam.step"]["title"] == "One step"
    assert found[f"{adam}#Adam.step-2"]["title"] == "Adam.step"
    text = found[f"{adam}#Adam.step"]["text"].replace("&lt;", "<")
    assert r"m_t = \beta_1 m_{t-1}" in text
    assert "m_t < 1" in text
    assert "grad_value" in text
    assert r"\theta_t" in found[f"{adam}#module"]["text"]
    assert "Its text has code_span." in found[f"{adam}#Adam"]["text"]
    assert "Math a_b and c_d." in str([entry["text"] for entry in entries])

    indexed = json.dumps(entries)
    assert not re.search("mjx-|<span|lineno|[\ue000-\uf8ff]|\\\\ue0", indexed)
    for entry in entries:
        place, _, anchor = entry["location"].partition("#")
        html = page(site, f"{place}index.html" if not place or place.endswith("/") else place)
        assert not anchor or anchor in html.ids


@EVERYWHERE
def test_titles_are_readable(sites, host: str, theme: str, folders: bool) -> None:
    site = sites(host, theme, folders)
    assert at(site, "api/optim/adam.html", folders).all("title")[0].text == "The optimizer - Test"
    assert at(site, "api/empty/mod.html", folders).all("title")[0].text.startswith("pkg.empty.mod")
    for path in site.rglob("*.html"):
        assert not re.search("[\ue000-\uf8ff]", path.read_text().partition("<article")[0]), path
        assert "[\ufdd0]" not in path.read_text()


@EVERYWHERE
def test_sources_lead_to_the_repository(sites, host: str, theme: str, folders: bool) -> None:
    site = sites(host, theme, folders)
    files = {
        "api/index.html": "src/pkg/__init__.py", "api/optim/adam.html": "src/pkg/optim/adam.py",
        "api/empty/mod.html": "src/pkg/empty/mod.py", "tools.html": "tools.py", "x.html": "top/x.py",
    }  # fmt: skip
    for flat, file in files.items():
        links = ours(at(site, flat, folders)).references
        assert f"https://github.com/a/b/blob/main/{file}" in links
    if theme == "sidelit":
        edits = at(site, "api/readme.html", folders).references
        assert "https://github.com/a/b/edit/main/src/pkg/readme.md" in edits


@EVERYWHERE
def test_the_sitemap_has_every_page(sites, host: str, theme: str, folders: bool) -> None:
    site = sites(host, theme, folders)
    found = set(re.findall("<loc>(.*?)</loc>", (site / "sitemap.xml").read_text()))
    flat = {f"https://a.invalid/docs/{each}" for each in PAGES}
    assert found == ({in_folders(each) for each in flat} if folders else flat)
    links = {each.attributes["rel"]: each.attributes["href"] for each in at(site, "x.html", folders).all("link")}
    assert links["canonical"] == ("https://a.invalid/docs/x/" if folders else "https://a.invalid/docs/x.html")


@EVERYWHERE
def test_pages_without_a_place_in_nav_get_one(sites, host: str, theme: str, folders: bool) -> None:
    site = sites(host, theme, folders)
    order, here, seen = [], address("index.html", folders), set()
    while here not in seen:
        seen.add(here)
        order.append(here)
        following = re.search(r'<link rel="next" href="([^"]*)"|<a rel="next" href="([^"]*)"', page(site, here).text)
        if following:
            target = ((site / here).parent / (following[1] or following[2])).resolve().relative_to(site.resolve())
            here = str(target / "index.html" if (site / target).is_dir() else target)
    wanted = ["index.html", "api/optim/adam.html", "guide.html", "tools.html", "x.html", "api/index.html"]
    wanted += ["api/readme.html", "api/empty/mod.html", "api/optim/index.html"]
    assert order == [address(each, folders) for each in wanted]


@EVERYWHERE
def test_the_two_columns_are_there(sites, host: str, theme: str, folders: bool) -> None:
    site = sites(host, theme, folders)
    html = at(site, "api/optim/adam.html", folders)
    sheets = [each.attributes["href"] for each in html.all("link") if each.attributes.get("rel") == "stylesheet"]
    assert len([each for each in sheets if each.endswith("assets/sidelit/pages.css")]) == 1
    scripts = [each.attributes.get("src") or "" for each in html.all("script")]
    assert len([each for each in scripts if each.endswith("assets/sidelit/pages.js")]) == 1
    mine = ours(html)
    assert [each.attributes["id"] for each in mine.all("section", "section")] == [f"section-{n}" for n in range(4)]
    assert len(mine.all("div", "docs")) >= len(mine.all("div", "code")) >= 4
    assert "doc-strings" in next(each for each in mine.all("div") if each.attributes.get("id") == "Adam").classes
    assert {"L8", "L16", "L22"} <= mine.ids
    assert [each.text for each in mine.all("a", "parent")] == ["home", "api", "optim"]
    assert mine.code.endswith("        return grad_value < 3")


# ## What is wrong


def built(folder: Path, **config: object) -> tuple[Path, list[str]]:
    """Build `mkdocs.yml` in this process; return the site, and what was said."""
    write(folder, {"mkdocs.yml": configuration(**config)})  # type: ignore[arg-type]
    with contextlib.redirect_stderr(io.StringIO()) as said:
        site = build(folder / "mkdocs.yml", folder / "site").folder
    return site, said.getvalue().splitlines()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write(tmp_path, PROJECT)


BROKEN = {
    "docs/index.md": "# Home\n\n[1](api/optim/adm.py)\n\n[2](api/optim/adam.py#Adam.stop)\n\n[3](x.py#L99)\n",
    "docs/guide.md": "# Guide\n",
    "src/pkg/__init__.py": "# [4](nothing.py)\n# [5](optim/adam.py#Adam.stop)\n\n# [6](#none) [7](optim/adam.py#L99)\n",
}


@pytest.mark.parametrize("host", ["mkdocs", "properdocs"])
def test_broken_links_fail_a_strict_build(project: Path, host: str) -> None:
    write(project, {**BROKEN, "mkdocs.yml": configuration()})
    ran = run(host, "build", "--strict", "-f", "mkdocs.yml", "-d", "site", cwd=project)
    assert ran.status == 1
    warned = [line for line in ran.lines if "WARNING" in line]
    for wanted in (
        "'api/optim/adm.py'", "'api/optim/adam.py#Adam.stop'", "'x.py#L99'", "src/pkg/__init__.py:1:", "`nothing.py`",
        "src/pkg/__init__.py:2:", "did you mean `#Adam.step`?", "src/pkg/__init__.py:4:", "`#none`", "`#L99`",
    ):  # fmt: skip
        assert wanted in " ".join(warned), wanted
    assert len(warned) == 7


def test_a_theme_of_ones_own_may_have_another_of_the_scripts(project: Path) -> None:
    write(project / "mine", {"assets/sidelit/zoom.js": "// Images stay as they are.\n"})
    site, _ = built(project, theme={"name": "sidelit", "custom_dir": "mine"})
    script = (site / "assets/sidelit/pages.js").read_text()
    assert "// Images stay as they are." in script
    for name in (*SCRIPTS, *OWN_SCRIPTS):
        its = (TEMPLATES / "assets/sidelit" / name).read_text()
        assert (its in script) == (name != "zoom.js"), name
        assert not (site / "assets/sidelit" / name).exists(), name


def test_a_script_that_goes_wrong_stops_no_other(
    project: Path, browser: Browser, serve_folder: Callable[[Path], str]
) -> None:
    write(project / "mine", {"assets/sidelit/columns.js": "throw new Error('mine');\n"})
    site, _ = built(project, theme={"name": "sidelit", "custom_dir": "mine"})
    tab = browser.new_page()
    said: list[str] = []
    tab.on("pageerror", lambda error: said.append(error.message))
    tab.goto(serve_folder(site) + "api/optim/adam.html")
    assert said == ["mine"]
    tab.locator(".code .highlight button").first.wait_for(state="attached")
    tab.close()


def test_broken_links_are_named_once_and_pages_are_built(project: Path) -> None:
    site, said = built(write(project, BROKEN))
    assert len(said) == 7
    assert page(site, "api/index.html").all("h1")
    # What leads nowhere is left as its author wrote it.
    assert "nothing.py" in page(site, "api/index.html").references


def test_by_hand_wins_over_generated(project: Path) -> None:
    write(project, {"docs/api/optim/adam.md": "# By hand\n", "docs/x.md": "# By hand\n"})
    site, said = built(project)
    assert [line.split(":")[0] for line in said if "[address]" in line] == ["src/pkg/optim/adam.py", "top/x.py"]
    assert page(site, "x.html").title == page(site, "api/optim/adam.html").title == "By hand"


def test_a_source_that_is_not_there(project: Path) -> None:
    site, said = built(project, options={"sources": ["nowhere", "tools.py"]})
    assert [line.split(": ")[0] for line in said if "[source]" in line] == ["nowhere:1:1"]
    assert page(site, "tools.html").title == "tools"


@pytest.mark.parametrize(
    "options",
    [{"sources": [{"at": "x"}]}, {"sources": [3]}, {"sources": "tools.py"}, {"sources": [{"path": "x", "to": "y"}]},
     {"sources": [{"path": 3}]}, {"math": "never"}, {"nothing": 1}, {"macros": ["x"]}],
)  # fmt: skip
def test_wrong_options_are_explained(project: Path, options: dict[str, object]) -> None:
    write(project, {"mkdocs.yml": configuration(options=options)})
    ran = run("mkdocs", "build", "--strict", "-d", "site", cwd=project)
    assert ran.status == 1
    assert "sidelit" in ran.err
    assert next(iter(options)) in ran.err


def test_what_fails_before_us_is_what_is_told(project: Path) -> None:
    """MkDocs tells plugins of an error before they were asked for anything."""
    write(project, {"hook.py": "def on_config(config):\n    raise SystemError('the hook failed')\n"})
    write(project, {"mkdocs.yml": configuration(hooks=["hook.py"])})
    with pytest.raises(SystemError, match="the hook failed"):
        build(project / "mkdocs.yml", project / "site")
    raising = "def on_files(files, config):\n    raise PluginError('no files')\n"
    write(project, {"hook.py": f"from mkdocs.exceptions import PluginError\n{raising}"})
    ran = run("mkdocs", "build", "-d", "site", cwd=project)
    assert ran.status == 1
    assert "no files" in ran.err


def test_a_tree_may_be_outside_of_the_project(project: Path) -> None:
    write(project, {"inner/docs/index.md": "# Home\n\n[t](tools.py)\n"})
    site, said = built(project / "inner", options={"sources": ["../tools.py", "../src/pkg"]})
    assert not [line for line in said if "tools" in line]
    assert page(site, "tools.html").title == "tools"
    assert page(site, "pkg/optim/adam.html").title == "Adam"


def test_a_tree_may_be_in_docs(project: Path) -> None:
    write(project, {"docs/code/a.py": "# $x$ [g](../guide.md#part)\nx = 1\n", "docs/code/readme.md": "# By hand\n"})
    site, said = built(project, options={"sources": ["docs/code", *SOURCES]})
    assert not said
    assert page(site, "code/a.html").title == "a"
    assert page(site, "code/readme.html").title == "By hand"
    assert (site / "code/a.py").read_bytes() == (project / "docs/code/a.py").read_bytes()


def test_what_is_excluded_has_no_page(project: Path) -> None:
    site, said = built(project, exclude_docs="tools.py\napi/empty/\n")
    assert not (site / "tools.html").exists()
    assert not (site / "api/empty").exists()
    # MkDocs tells of links in Markdown, we of those in sources.
    assert [line for line in said if line.startswith("src/pkg/__init__.py:5:") and "tools.py" in line]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_formulas_in_markdown_have_their_place(project: Path, newline: str) -> None:
    prose = ["# Math", "", "* one $\\frac{1$ and", "* `$x$` $$ y", "", "<b>$\\nope$</b>", ""]
    lines = ["---", "title: Math", "---", "", *prose]
    write(project, {"docs/guide.md": newline.join(lines), "src/pkg/readme.md": "\ufeff" + newline.join(lines)})
    _, said = built(project)
    found = [line.split(": ")[0] for line in said if re.search(r"\[(tex|macro|math)\]$", line)]
    places = ["7:7", "8:9", "10:5"]
    assert sorted(found) == sorted(f"{file}:{at}" for file in ("docs/guide.md", "src/pkg/readme.md") for at in places)


EVIL = "X <b>y</b> & 'z' <script>alert(1)</script>"


@pytest.mark.parametrize("theme", ["sidelit", "material"])
def test_titles_are_text(project: Path, theme: str) -> None:
    """From front matter, from a heading, and from a name; on the page, in the navigation and in the index."""
    write(project, {
        "tools.py": f'"""\n---\ntitle: "{EVIL}"\n---\n# `Lt < T`\n\n## `a<script>alert(1)</script>`\n"""\n',
        "top/<script>alert(1)<!--.py": "x = 1\n",
        "top/x.py": "# # `<script>alert(1)</script>`\nx = 1\n",
    })  # fmt: skip
    site, _ = built(project, theme=theme)
    for path in site.rglob("*.html"):
        # Material writes the title of the window as it is, where it is text anyway.
        assert "<script>alert" not in re.sub("<title>.*</title>", "", path.read_text()), path
    title = re.search("<title>(.*)</title>", (site / "tools.html").read_text())
    assert title and unescape(title[1]) == f"{EVIL} - Test"
    shown = {" ".join(each.text.split()) for each in page(site, "index.html").all("a")}
    assert {EVIL, "<script>alert(1)<!--"} <= shown
    index = (site / "search/search_index.json").read_text()
    assert "<script>" not in str([entry["title"] for entry in json.loads(index)["docs"]])


def test_titles_that_are_no_text(project: Path) -> None:
    number = "---\ntitle: 2024\n---\n# Guide\n\n## Part\n"
    write(project, {"docs/guide.md": number, "src/pkg/readme.md": number})
    site, _ = built(project)
    assert page(site, "guide.html").all("title")[0].text.startswith("2024")


def test_no_page_leaves_the_site(project: Path) -> None:
    before = snapshot(project)
    sources = [{"path": "tools.py", "at": "../../out"}, {"path": "top", "at": "/etc/"}]
    site, _ = built(project, options={"sources": sources})
    after = {name: content for name, content in snapshot(project).items() if name.split("/")[0] != "site"}
    after.pop("mkdocs.yml")
    assert after == before
    assert not (project.parent / "out").exists()
    assert page(site, "etc/x.html").title == "X"
    assert page(site, "out/tools.html").title == "tools"


def test_without_a_home_page_there_is_one(project: Path) -> None:
    (project / "docs/index.md").unlink()
    write(project, {"docs/guide.md": "# Guide\n"})
    site, said = built(project, nav=["guide.md"])
    assert not [line for line in said if "index.md" in line]
    links = page(site, "index.html").references
    assert {"api/optim/adam.html", "tools.html", "x.html"} <= set(links)


def test_a_home_page_that_is_no_markdown_stays(project: Path) -> None:
    (project / "docs/index.md").unlink()
    write(project, {"docs/guide.md": "# Guide\n\n## Part\n", "docs/index.html": "<h1>Mine</h1>"})
    site, _ = built(project)
    assert (site / "index.html").read_text() == "<h1>Mine</h1>"


# ## HTML in the prose


def test_html_in_prose_is_the_authors_own(project: Path) -> None:
    write(project, {"tools.py": "# <b onclick='f()'>Bold</b> <script>alert(1)</script>\nx = 1\n"})
    assert "<script>alert(1)</script>" in page(built(project)[0], "tools.html").text
    assert "alert(1)" not in page(built(project, options={"allow_html": False})[0], "tools.html").text


# ## Without Node


@pytest.mark.parametrize("theme", ["sidelit", "material"])
def test_formulas_are_left_to_the_browser(project: Path, theme: str) -> None:
    own_copy = {"mathjax_src": "js/mathjax.js", "mathjax_integrity": ""}
    options = {"math": "client", "macros": {"RR": r"\mathbb{R}"}, **own_copy}
    site, said = built(project, theme=theme, options=options)
    assert not [line for line in said if "math" in line.lower() and "material" not in line.lower()]
    html = page(site, "api/optim/adam.html")
    assert [each.text for each in html.all("span", "math")] == [
        r"\(\theta_t\)", r"\(m_t < 1\)", r"\[m_t = \beta_1 m_{t-1}\]"
    ]  # fmt: skip
    scripts = [each.attributes for each in html.all("script") if "mathjax" in each.attributes.get("src", "")]
    assert [each["src"] for each in scripts] == ["../../assets/sidelit/mathjax-config.js", "../../js/mathjax.js"]
    assert json.loads(scripts[0]["data-macros"]) == {"RR": r"\mathbb{R}"}
    assert "integrity" not in scripts[1]
    assert (site / "assets/sidelit/mathjax-config.js").is_file()
    assert not (site / "assets/sidelit/math.css").exists()


def test_the_default_address_has_its_hash(project: Path) -> None:
    html = page(built(project, options={"math": "client"})[0], "api/optim/adam.html")
    (script,) = [each.attributes for each in html.all("script") if each.attributes.get("src", "").startswith("https:")]
    assert re.search(r"mathjax@\d+\.\d+\.\d+/", script["src"])
    assert script["integrity"].startswith("sha384-")
    assert script["crossorigin"] == "anonymous"


def test_without_node_it_is_said_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidelit.mathjax.missing", lambda: "There is no Node.js here")
    site, said = built(project)
    assert [line for line in said if "There is no Node.js" in line] == [line for line in said if "math" in line] != []
    assert len([line for line in said if "There is no Node.js" in line]) == 1
    assert page(site, "api/optim/adam.html").all("span", "math")


# ## Serving


def test_serving_watches_the_sources(project: Path) -> None:
    write(project, {"mkdocs.yml": configuration(options={"sources": [*SOURCES, "nowhere"]})})
    config = load_config(str(project / "mkdocs.yml"))
    config = config.plugins.on_config(config)
    watched: list[str] = []

    class Server:
        def watch(self, path: str) -> None:
            watched.append(path)

    server = Server()
    assert config.plugins.on_serve(server, config=config, builder=None) is server
    assert [Path(each).relative_to(project).as_posix() for each in watched] == ["src/pkg", "tools.py", "top"]


def test_front_matter_leads_to_files_of_the_tree(tmp_path: Path) -> None:
    tree = {
        "pkg/__init__.py": '"""\n# Package\n"""\n',
        "pkg/sub/old.py": '"""\n---\ntitle: Old\nredirect: new.py#f\n---\n"""\n',
        "pkg/sub/new.py": '"""\n---\nimage: img/a.png\n---\n# New\n"""\ndef f(): pass\n',
        "pkg/sub/gone.py": '"""\n---\nredirect: nowhere.py\n---\n"""\n',
        "pkg/sub/img/a.png": b"PNG",
    }
    write(tmp_path, tree)
    ran = run("sidelit", "build", "pkg", "-o", "site", cwd=tmp_path)
    site = tmp_path / "site" / "pkg" / "sub"
    assert 'content="0; url=new.html#f"' in (site / "old.html").read_text()
    assert 'content="img/a.png"' in (site / "new.html").read_text()
    assert (site / "img" / "a.png").read_bytes() == b"PNG"
    assert [line.partition(": ")[0] for line in ran.lines] == ["pkg/sub/gone.py:3:1"]


def test_links_publish_nothing_hidden_and_survive_any_length(tmp_path: Path) -> None:
    tree = {
        "pkg/a.py": f"# [1](.git/config) [2](sub/.key) [3](data.csv) [4]({'x' * 300})\nx = 1\n",
        "pkg/readme.md": f"[1](.git/config) [4]({'x' * 300})\n",
        "pkg/.git/config": "secret",
        "pkg/sub/.key": "secret",
        "pkg/data.csv": "1,2",
    }
    write(tmp_path, tree)
    ran = run("sidelit", "build", "pkg", "-o", "site", cwd=tmp_path)
    assert ran.status == 0
    published = snapshot(tmp_path / "site")
    assert "pkg/data.csv" in published
    assert b"secret" not in published.values()
    assert sum("pkg/a.py:1:" in line for line in ran.lines) == 3
