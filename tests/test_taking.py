"""
# What readers take along, in a browser

On the pages of this repository, where each optimizer is offered in three forms, and on a small site with what is hard
to offer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from alone import OPTIMIZERS, steps_alone, steps_here
from building import Html, dead_links, own_cache, run, sidelit, write
from own_site import ROOT, folder, site
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from sidelit.export.requirements import Need, declared_needs, need
from sidelit.hosts.site import build

__all__ = ["folder", "own_cache", "site"]

RADAM = "optimizers/radam.html"


@pytest.fixture
def reader(browser: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """A function that opens a page in a browser of its own, and complains of errors in scripts."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def start(address: str = RADAM, width: int = 1440, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        opened = context.new_page()
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        if not address.startswith("file:"):
            opened.on("console", lambda said: complaints.append(said.text) if is_ours(said) else None)
        opened.goto(address if "://" in address else site + address)
        if opened.url.startswith("http"):
            context.grant_permissions(["clipboard-read", "clipboard-write"])
        return opened

    yield start
    for context in contexts:
        context.close()
    assert not complaints


def is_ours(said: ConsoleMessage) -> bool:
    """Whether a page complains, and not the browser, which wants an icon for a text file."""
    return said.type == "error" and "favicon" not in said.location["url"]


def unfold(page: Page) -> None:
    page.locator(".take > summary").click()


def clipboard(page: Page) -> str:
    return str(page.evaluate("() => navigator.clipboard.readText()"))


def downloaded(page: Page, name: str, folder: Path) -> Path:
    """Follow a link, and return the file that the browser saves, under the name that it gives it."""
    with page.expect_download() as download:
        page.locator(".take").get_by_role("link", name=name, exact=True).click()
    target = folder / download.value.suggested_filename
    download.value.save_as(target)
    return target


# ## Downloads


def test_each_file_is_downloaded_byte_for_byte(reader: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = reader()
    unfold(opened)
    source = downloaded(opened, "Annotated source", tmp_path / "source")
    assert source.name == "radam.py"
    assert source.read_bytes() == (ROOT / "labml_nn/optimizers/radam.py").read_bytes()

    monkeypatch.chdir(ROOT)
    alone = downloaded(opened, "One file", tmp_path / "alone")
    assert alone.name == "radam.py"
    assert alone.read_text() == sidelit("standalone", "labml_nn.optimizers.radam:RAdam").out

    notebook = downloaded(opened, "Notebook", tmp_path / "notebook")
    assert notebook.name == "radam.ipynb"
    assert notebook.read_text() == sidelit("notebook", "labml_nn/optimizers/radam.py", "-o", "-").out
    nbformat.validate(nbformat.reads(notebook.read_text(), as_version=4))


def test_every_optimizer_can_be_taken_and_takes_the_packages_steps(folder: Path) -> None:
    for name, (module, _) in OPTIMIZERS.items():
        offered = Html(re.search(r'<details class="take">.*?</dl>', page_text(folder, module), re.DOTALL)[0])  # type: ignore[index]
        links = [each.attributes["href"] for each in offered.all("a") if "download" in each.attributes]
        assert links == [f"standalone/{module}.py", f"{module}.py", f"{module}.ipynb"], name
    found = steps_alone(folder / "optimizers/standalone", {name: [m] for name, (m, _) in OPTIMIZERS.items()})
    assert found == {name: [steps] for name, steps in steps_here().items()}


def page_text(folder: Path, module: str) -> str:
    return (folder / "optimizers" / f"{module}.html").read_text(encoding="utf-8")


def test_no_offer_leads_nowhere(folder: Path) -> None:
    assert dead_links(folder) == []


# ## What is copied


def test_the_whole_file_is_copied_as_it_is(reader: Any) -> None:
    opened = reader()
    button = opened.locator(".take").get_by_role("button", name="Copy the whole file")
    expect(button).to_be_hidden()
    unfold(opened)
    button.click()
    opened.locator("[role=status].said", has_text="Copied").wait_for(state="attached")
    assert clipboard(opened) == (ROOT / "labml_nn/optimizers/radam.py").read_text()


def test_the_citation_is_copied_as_text_and_as_bibtex(reader: Any) -> None:
    opened = reader()
    unfold(opened)
    text = opened.locator(".take pre", has_text=re.compile("^Liyuan Liu"))
    text.hover()
    text.get_by_role("button", name="Copy", exact=True).click()
    opened.locator("[role=status].said", has_text="Copied").wait_for(state="attached")
    assert clipboard(opened) == (
        "Liyuan Liu, Haoming Jiang, Pengcheng He, Weizhu Chen, Xiaodong Liu, Jianfeng Gao and Jiawei Han. "
        "On the Variance of the Adaptive Learning Rate and Beyond. 2019, arXiv:1908.03265."
    )
    opened.get_by_text("BibTeX", exact=True).click()
    entry = opened.locator(".take pre", has_text="@article{liu2019variance,")
    entry.hover()
    entry.get_by_role("button", name="Copy", exact=True).click()
    opened.wait_for_function("() => navigator.clipboard.readText().then((text) => text.startsWith('@article'))")
    assert clipboard(opened).endswith("  url = {https://arxiv.org/abs/1908.03265},\n}")


# ## How it is shown


def test_it_says_what_is_needed_and_where_that_is_explained(reader: Any) -> None:
    opened = reader()
    unfold(opened)
    rows = opened.locator(".take dl").inner_text().split("\n")
    assert "torch (used here: " in " ".join(rows)
    links = opened.locator(".take dd a:not([download])")
    assert links.all_inner_texts() == ["Optimizers", "Adam", "MIT"]
    links.nth(1).click()
    expect(opened.locator("h1")).to_have_text("Adam")
    opened.go_back()
    unfold(opened)
    links.nth(2).click()
    assert opened.locator("body").inner_text().strip() == (ROOT / "LICENSE").read_text().strip()


def test_it_is_used_by_keyboard(reader: Any) -> None:
    opened = reader()
    opened.locator(".parent").last.focus()
    opened.keyboard.press("Tab")
    assert opened.evaluate("() => document.activeElement.textContent") == "Take this code"
    expect(opened.get_by_role("link", name="Notebook", exact=True)).to_be_hidden()
    opened.keyboard.press("Enter")
    expect(opened.get_by_role("link", name="Notebook", exact=True)).to_be_visible()
    opened.keyboard.press("Tab")
    assert opened.evaluate("() => document.activeElement.textContent") == "One file"


def test_without_javascript_there_are_links_and_no_buttons(reader: Any, tmp_path: Path) -> None:
    opened = reader(java_script_enabled=False)
    unfold(opened)
    assert not opened.locator(".take button:visible").count()
    assert downloaded(opened, "One file", tmp_path).stat().st_size
    opened.get_by_text("BibTeX", exact=True).click()
    expect(opened.get_by_text("@article{liu2019variance,")).to_be_visible()


def test_from_the_disk_there_are_the_same_links(reader: Any, folder: Path) -> None:
    opened = reader((folder / RADAM).as_uri())
    unfold(opened)
    assert not opened.locator(".take button:visible", has_text="whole file").count()
    for link in opened.locator(".take dd a").all():
        assert (folder / "optimizers" / str(link.get_attribute("href"))).is_file()


def test_below_a_sub_path_and_under_a_policy_everything_works(
    reader: Any, folder: Path, tmp_path: Path, serve_folder: Callable[..., str]
) -> None:
    (tmp_path / "below").symlink_to(folder)
    address = serve_folder(tmp_path, "default-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:")
    opened = reader(f"{address}below/{RADAM}")
    unfold(opened)
    opened.get_by_role("button", name="Copy the whole file").click()
    opened.locator("[role=status].said", has_text="Copied").wait_for(state="attached")
    assert (
        downloaded(opened, "Notebook", tmp_path / "saved").read_bytes()
        == (folder / "optimizers/radam.ipynb").read_bytes()
    )


@pytest.mark.parametrize("width", [1440, 1024, 768, 390, 320])
def test_it_is_small_and_fits(reader: Any, width: int) -> None:
    opened = reader(width=width)
    closed = opened.locator(".take").bounding_box()
    assert closed["height"] <= 24
    unfold(opened)
    opened.get_by_text("BibTeX", exact=True).click()
    assert opened.evaluate("() => document.documentElement.scrollWidth") == width
    assert (
        opened.evaluate(
            """() => [...document.querySelectorAll(".take *")].filter((each) => each.checkVisibility()
          && each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).display !== "inline")
          .map((each) => each.outerHTML.slice(0, 80))"""
        )
        == []
    )
    short = opened.evaluate(
        """() => [...document.querySelectorAll(".take :is(summary, li)")].filter((each) => each.checkVisibility())
          .filter((each) => each.getBoundingClientRect().height < 24).map((each) => each.outerHTML)"""
    )
    assert short == []


def test_paper_does_without(reader: Any) -> None:
    opened = reader()
    unfold(opened)
    opened.emulate_media(media="print")
    expect(opened.locator(".take")).to_be_hidden()


def test_material_shows_it_as_our_theme_does(
    browser: Browser, tmp_path: Path, serve_folder: Callable[[Path], str]
) -> None:
    built = built_site(tmp_path, f"{SMALL_SITE}theme: {{name: material, font: false}}\n")
    opened = browser.new_page(viewport={"width": 1440, "height": 900})
    opened.goto(f"{serve_folder(built)}pkg/good.html")
    closed = opened.locator(".take").bounding_box()
    assert closed is not None and closed["height"] <= 32
    unfold(opened)
    expect(opened.get_by_role("button", name="Copy the whole file")).to_be_visible()
    style = "() => getComputedStyle(document.querySelector('.take > summary'), '::before').content"
    assert opened.evaluate(style) == "none"
    assert opened.evaluate("() => getComputedStyle(document.querySelector('.take li')).fontSize") == "13px"
    assert opened.evaluate("() => document.documentElement.scrollWidth") == 1440
    opened.close()


# ## What the configuration and the author say

SMALL_SITE = "site_name: Test\nuse_directory_urls: false\n"
GOOD = """\"\"\"
---
paper: {title: On it, authors: [A B], year: 2020}
---
# Good
\"\"\"
import yaml
from pkg.base import base


def f():
    return base(), yaml
"""
BAD = '"""\n# Bad\n"""\n\n\ndef g(text):\n    return eval(text)\n'
PROJECT = {
    "docs/index.md": "# Home\n",
    "pkg/__init__.py": "",
    "pkg/base.py": '"""\n# The base\n"""\n\n\ndef base():\n    return 1\n',
    "pkg/good.py": GOOD,
    "pkg/bad.py": BAD,
    "LICENSE": "MIT License\n\nCopyright (c) 2020 Some One\n\nPermission is hereby granted, free of charge, to any "
    "person obtaining a copy\n",
    "requirements.txt": "pyyaml>=6.0.1,<7\n",
}


def built_site(root: Path, config: str, options: str = "", files: dict[str, str | bytes] | None = None) -> Path:
    """The site of the small project."""
    write(root, {**PROJECT, **(files or {})})
    plugin = f"plugins:\n  - sidelit: {{sources: [pkg], cache: .cache{options}}}\n"
    write(root, {"mkdocs.yml": config + plugin + ("" if "theme:" in config else "theme: sidelit\n")})
    return build(root / "mkdocs.yml", root / "site").folder


def offered(site: Path, name: str) -> Html | None:
    found = re.search(r'<details class="take">.*?</dl>', (site / f"pkg/{name}.html").read_text(), re.DOTALL)
    return Html(found[0]) if found else None


def hrefs(site: Path, name: str) -> list[str]:
    html = offered(site, name)
    return [each.attributes["href"] for each in html.all("a")] if html else []


def files_of(site: Path) -> set[str]:
    return {
        path.relative_to(site / "pkg").as_posix()
        for path in (site / "pkg").rglob("*")
        if path.suffix in (".py", ".ipynb")
    }


def test_by_default_the_source_is_offered(tmp_path: Path) -> None:
    site = built_site(tmp_path, SMALL_SITE)
    assert files_of(site) == {"base.py", "good.py", "bad.py"}
    html = offered(site, "good")
    assert html is not None
    text = " ".join(html.all("dl")[0].text.split())
    assert "Needs pyyaml>=6.0.1" in text
    assert "Builds on The base" in text
    assert "A B. On it. 2020." in text
    licence = next(each for each in html.all("a") if each.text == "MIT")
    assert (site / "pkg" / licence.attributes["href"]).read_text() == PROJECT["LICENSE"]


def test_what_cannot_be_taken_out_is_not_offered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = built_site(tmp_path, SMALL_SITE, ", downloads: [standalone, notebook]")
    assert files_of(site) == {
        "standalone/base.py", "standalone/good.py", "base.ipynb", "good.ipynb",
    }  # fmt: skip
    assert [each for each in hrefs(site, "bad") if each.startswith("bad") or "standalone" in each] == []
    assert "[export]" not in capsys.readouterr().err


def test_without_downloads_and_anything_to_say_there_is_nothing(tmp_path: Path) -> None:
    write(tmp_path, PROJECT)
    (tmp_path / "LICENSE").unlink()
    plugin = "plugins:\n  - sidelit: {sources: [pkg], downloads: []}\n"
    write(tmp_path, {"mkdocs.yml": f"{SMALL_SITE}theme: sidelit\n{plugin}"})
    site = build(tmp_path / "mkdocs.yml", tmp_path / "site", strict=True).folder
    assert files_of(site) == set()
    assert offered(site, "bad") is None
    assert hrefs(site, "good") == ["base.html"]


def test_an_author_who_asks_for_what_cannot_be_is_told_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = BAD.replace("# Bad", "---\nstandalone: g\nnotebook: 3\n---\n# Bad")
    site = built_site(tmp_path, SMALL_SITE, files={"pkg/bad.py": bad})
    said = [line.rpartition("pkg/")[2] for line in capsys.readouterr().err.splitlines()]
    assert "bad.py:4:1: `notebook` is `true` or `false` [front-matter]" in said
    told = [line for line in said if line.endswith("[export]")]
    assert told == ["bad.py:11:12: what `eval` runs is not known before it runs; call a function instead [export]"]
    assert "bad.py" in files_of(site)
    assert "standalone/bad.py" not in files_of(site)


def test_an_author_may_take_an_offer_back(tmp_path: Path) -> None:
    good = GOOD.replace("paper:", "standalone: false\npaper:")
    site = built_site(tmp_path, SMALL_SITE, ", downloads: [standalone]", {"pkg/good.py": good})
    assert files_of(site) == {"standalone/base.py"}


def test_only_what_is_asked_for_is_in_the_one_file(tmp_path: Path) -> None:
    good = GOOD.replace("paper:", "standalone: f\npaper:") + "\n\ndef other():\n    return 2\n"
    site = built_site(tmp_path, SMALL_SITE, files={"pkg/good.py": good})
    text = (site / "pkg/standalone/good.py").read_text()
    assert "def f():" in text and "def base():" in text
    assert "other" not in text


@pytest.mark.parametrize("taken", ["docs/pkg/standalone/good.py", "pkg/standalone/good.py"])
def test_a_file_of_that_name_stays_and_is_not_offered(taken: str, tmp_path: Path) -> None:
    site = built_site(tmp_path, SMALL_SITE, ", downloads: [source, standalone]", {taken: "# By hand\nx = 1\n"})
    assert (site / "pkg/standalone/good.py").read_text() == "# By hand\nx = 1\n"
    assert hrefs(site, "good")[0] == "good.py"


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf# With a mark\r\nx = 1\r\n", b"# coding: latin-1\nx = '\xe9'\n"])
def test_any_bytes_are_published_and_only_utf_8_is_copied(content: bytes, tmp_path: Path) -> None:
    site = built_site(tmp_path, SMALL_SITE, files={"pkg/odd.py": content})
    assert (site / "pkg/odd.py").read_bytes() == content
    html = offered(site, "odd")
    assert html is not None
    assert bool(html.all("button")) is (b"latin" not in content)


def test_a_site_in_its_own_sources_is_no_source(tmp_path: Path) -> None:
    write(tmp_path, PROJECT)
    plugin = "plugins:\n  - sidelit: {sources: [pkg], downloads: [source, standalone]}\n"
    write(tmp_path, {"mkdocs.yml": f"{SMALL_SITE}theme: sidelit\n{plugin}site_dir: pkg/out\n"})
    for _ in range(2):
        ran = run("mkdocs", "build", cwd=tmp_path, NO_MKDOCS_2_WARNING="1")
        assert ran.status == 0
        assert files_of(tmp_path / "pkg/out") == {
            "base.py", "good.py", "bad.py", "standalone/base.py", "standalone/good.py",
        }  # fmt: skip


def test_a_page_that_leads_elsewhere_offers_nothing(tmp_path: Path) -> None:
    site = built_site(tmp_path, SMALL_SITE, files={"pkg/old.py": '"""\n---\nredirect: good.py\n---\n"""\n'})
    assert "old.py" not in files_of(site)


@pytest.mark.parametrize(
    ("repo", "colab", "expected"),
    [
        ("https://github.com/o/r", "gh-pages", ["https://colab.research.google.com/github/o/r/blob/gh-pages/pkg/good.ipynb"]),
        ("https://github.com/o/r", "", []),
        ("https://gitlab.com/o/r", "gh-pages", []),
        ("", "gh-pages", []),
    ],
)  # fmt: skip
def test_colab_is_offered_where_it_finds_the_notebook(
    repo: str, colab: str, expected: list[str], tmp_path: Path
) -> None:
    config = f"{SMALL_SITE}repo_url: {repo}\nedit_uri: edit/main/docs/\n" if repo else SMALL_SITE
    site = built_site(tmp_path, config, f', downloads: [notebook], colab: "{colab}"')
    assert [each for each in hrefs(site, "good") if "colab" in each] == expected
    text = (site / "pkg/good.ipynb").read_text()
    assert re.findall(r"\(https://colab[^)]*\)", text) == [f"({each})" for each in expected]


def test_wrong_downloads_are_explained(tmp_path: Path) -> None:
    write(
        tmp_path, {**PROJECT, "mkdocs.yml": f"{SMALL_SITE}plugins: [sidelit: {{sources: [pkg], downloads: [zip]}}]\n"}
    )
    ran = run("mkdocs", "build", cwd=tmp_path, NO_MKDOCS_2_WARNING="1")
    assert ran.status == 1
    assert "downloads" in ran.err and "zip" in ran.err


# ## In which version something is needed


@pytest.mark.parametrize(
    ("files", "module", "expected"),
    [
        ({"pyproject.toml": "[project]\ndependencies = ['torch >=2.5, <3 ; os_name != \"nt\"']\n"},
         "torch", Need("torch", "2.5")),
        ({"requirements.txt": "torch==2.13.0  # the one\n"}, "torch", Need("torch", "", "2.13.0")),
        ({"requirements.txt": "torch[cpu]~=2.1\n"}, "torch", Need("torch", "2.1")),
        ({"requirements-dev.txt": "-r requirements.txt\nscikit_learn>=1.2\n"}, "sklearn", Need("scikit_learn", "1.2")),
        ({"pyproject.toml": "[project.optional-dependencies]\nx = ['Torch>=2']\n", "requirements.txt": "torch==2.3\n"},
         "torch", Need("Torch", "2", "2.3")),
        ({"requirements.txt": "torch @ https://x.org/torch.whl\n"}, "torch", Need("torch")),
        ({"pyproject.toml": "not toml"}, "numpy", Need("numpy")),
        ({}, "PIL", Need("pillow")),
    ],
)  # fmt: skip
def test_versions_are_those_that_the_project_declares(
    files: dict[str, str], module: str, expected: Need, tmp_path: Path
) -> None:
    write(tmp_path, {**files, ".git/HEAD": "", "pkg/a.py": ""})
    assert need(module, declared_needs(tmp_path / "pkg")) == expected
