"""Pages that were finished before: a build that has them makes the same site as one that has nothing."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from building import own_cache, snapshot, write

from sidelit import fingerprint
from sidelit.fonts import LIST
from sidelit.hosts import finished, mkdocs
from sidelit.hosts.site import build
from sidelit.mathjax import FONTS, find_modules
from sidelit.theme import TEMPLATES

__all__ = ["own_cache"]

PROJECT: dict[str, str | bytes] = {
    "docs/index.md": "# Home\n\nSee [a](pkg/a.py), $x^2$ and $\\R$.\n",
    "docs/shown.css": "",
    "pkg/__init__.py": '"""\n# The package\n\nSee [a](a.py#A.f) and [b](b.py#below).\n"""\n',
    "pkg/a.py": '''r"""
---
title: Of A
symbols:
  x: x_1
image: chart.png
---
# A

A formula $x_1 + \\R$, and [all of it](__init__.py).
"""

import numpy


class A(numpy.ndarray):
    # A step
    def f(self, x):
        return x
''',
    "pkg/b.py": '"""\n# B\n\n## Below\n\n![a drawing](drawing.svg)\n"""\nfrom pkg.a import A\n\nA().f(1)\n',
    "pkg/c.py": '"""\n# C\n\n<b class=c>Nothing</b> but $y$, [this](chart.png).\n"""\nfrom pkg.a import A\n\nx = A.f\n',
    "pkg/chart.png": b"PNG",
    "pkg/other.png": b"PNG",
    "pkg/drawing.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
    "pyproject.toml": '[project]\nname = "pkg"\nversion = "1"\ndependencies = ["numpy>=1"]\nlicense = "MIT"\n',
}


class Project:
    """A project whose sites are compared."""

    def __init__(self, root: Path) -> None:
        self.root = write(root, PROJECT)
        self.settings: dict[str, Any] = {
            "site_name": "Site",
            "theme": {"name": "sidelit"},
            "use_directory_urls": False,
            "nav": ["index.md", {"All": ["pkg/__init__.py", "pkg/a.py", "pkg/b.py", "pkg/c.py"]}],
            "plugins": [{"sidelit": {}}],
        }
        self.options: dict[str, Any] = {
            "sources": ["pkg"],
            "cache": "kept",
            "macros": {"R": "\\mathbb{R}"},
            "downloads": ["source", "notebook"],
        }

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.root / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def build(self) -> tuple[dict[str, bytes | str], int]:
        """The site, and how much was told of."""
        plugins = [{"sidelit": self.options}, *self.settings["plugins"][1:]]
        (self.root / "mkdocs.yml").write_text(yaml.safe_dump(self.settings | {"plugins": plugins}))
        built = build(self.root / "mkdocs.yml", self.root / "site", dated_by=self.root)
        return snapshot(built.folder), built.warnings

    def build_without_anything(self) -> tuple[dict[str, bytes | str], int]:
        shutil.rmtree(self.root / "kept")
        return self.build()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def git(project: Project, *arguments: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.invalid")
    subprocess.run(["git", *who, *arguments], cwd=project.root, check=True, capture_output=True)


def commit(project: Project) -> None:
    git(project, "init", "-q")
    git(project, "add", "pkg")
    git(project, "commit", "-q", "--allow-empty", "-m", "a")


def setting(**values: Any) -> Callable[[Project], None]:
    return lambda project: project.settings.update(values)


def option(**values: Any) -> Callable[[Project], None]:
    return lambda project: project.options.update(values)


def edit(name: str, old: str, new: str) -> Callable[[Project], None]:
    return lambda project: project.edit(name, old, new)


def add(name: str, content: str | bytes) -> Callable[[Project], None]:
    return lambda project: (write(project.root, {name: content}), None)[1]


def hook(project: Project) -> None:
    write(project.root, {"hook.py": "def on_page_context(context, **_):\n    context['page'].title = 'Hooked'\n"})
    project.settings["hooks"] = ["hook.py"]


def own_template(project: Project) -> None:
    write(project.root, {"mine/main.html": '{% extends "base.html" %}{% block content %}Mine{% endblock %}'})
    project.settings["theme"] = {"name": "sidelit", "custom_dir": "mine"}


def repository(project: Project) -> None:
    project.settings |= {"repo_url": "https://github.com/me/it", "edit_uri": "edit/main/docs/"}


def proof(project: Project) -> None:
    fact = {"against": "torch", "difference": 0.0}
    proofs = {"format": 1, "files": {"pkg/c.py": {"code": "0" * 64, "comparisons": [fact]}}}
    write(project.root, {"proofs.json": json.dumps(proofs)})
    project.options["proofs"] = "proofs.json"


CHANGES: dict[str, Callable[[Project], None]] = {
    "a text": edit("pkg/c.py", "Nothing", "Little"),
    "a title of another page": edit("pkg/a.py", "title: Of A", "title: All about A"),
    "a summary": edit("pkg/c.py", '"""\n# C', '"""\n---\nsummary: Short\n---\n# C'),
    "an anchor that a page leads to": edit("pkg/b.py", "## Below", "## Above"),
    "a definition that pages lead to": edit("pkg/a.py", "    # A step\n    def f", "    def g(self): ...\n\n    def f"),
    "a definition that is gone": edit("pkg/a.py", "def f", "def g"),
    "the order of pages": setting(nav=["index.md", {"All": ["pkg/c.py", "pkg/__init__.py", "pkg/a.py", "pkg/b.py"]}]),
    "a title in the navigation": setting(nav=["index.md", {"Every": ["pkg/__init__.py", {"See": "pkg/a.py"}]}]),
    "a link in the navigation": setting(nav=["index.md", {"Away": "https://example.invalid"}, "pkg/a.py"]),
    "no navigation": lambda project: (project.settings.pop("nav"), None)[1],
    "a page more": add("pkg/d.py", '"""\n# D\n"""\n'),
    "a page less": lambda project: (project.root / "pkg/b.py").unlink(),
    "a page that leads elsewhere": edit("pkg/c.py", '"""\n# C', '"""\n---\nredirect: a.py\n---\n# C'),
    "the name of the site": setting(site_name="Another"),
    "the description of the site": setting(site_description="What it is"),
    "the author of the site": setting(site_author="Somebody"),
    "the address of the site": setting(site_url="https://example.invalid/site/"),
    "the copyright": setting(copyright="Ours"),
    "the repository": repository,
    "the name of the repository": lambda project: (repository(project), project.settings.update(repo_name="It"))[1],
    "kinds of addresses": setting(use_directory_urls=True),
    "the language": setting(theme={"name": "sidelit", "locale": "de"}),
    "the icon": setting(theme={"name": "sidelit", "favicon": "pkg/chart.png"}),
    "a style sheet": setting(extra_css=["shown.css"]),
    "a script": setting(extra_javascript=["a.js", {"path": "b.js", "defer": True}]),
    "another theme": setting(theme={"name": "mkdocs"}),
    "templates of one's own": own_template,
    "a hook": hook,
    "the search of MkDocs": lambda project: project.settings["plugins"].append("search"),
    "macros": option(macros={"R": "\\mathbf{R}"}),
    "a macro that is gone": option(macros={}),
    "symbols": edit("pkg/a.py", "x: x_1", "x: z_1"),
    "an image": edit("pkg/a.py", "image: chart.png", "image: other.png"),
    "a drawing": add("pkg/drawing.svg", "<svg><style>@media (prefers-color-scheme: dark) {}</style></svg>"),
    "formulas for the browser": option(math="client"),
    "downloads": option(downloads=["standalone"]),
    "a licence": add("LICENSE", "MIT License\n\nCopyright (c) 2026 Somebody\n\nPermission is hereby granted\n"),
    "the name of a licence": edit("pyproject.toml", "MIT", "ISC"),
    "what is needed": edit("pyproject.toml", "numpy>=1", "numpy>=2"),
    "whose HTML it is": option(allow_html=False),
    "a proof": proof,
    "a reference": option(api=True),
    "rules": option(rules={"missing-docstring": "off", "image-text": "off"}),
}


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_changes_the_site_is_that_of_a_first_build(project: Project, what: str) -> None:
    first = project.build()
    CHANGES[what](project)
    again = project.build()
    assert again != first
    assert project.build() == again == project.build_without_anything()


def test_links_into_the_repository_name_the_new_commit(project: Project) -> None:
    repository(project)
    commit(project)
    first = project.build()
    commit(project)
    again = project.build()
    assert again == project.build_without_anything() != first


def test_what_has_not_changed_is_not_finished_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.build()
    done: list[str] = []

    def finish(page: Any, *rest: Any) -> str:
        done.append(page.title)
        return original(page, *rest)

    original = mkdocs.finish
    monkeypatch.setattr(mkdocs, "finish", finish)
    project.build()

    # A page with a drawing is finished each time.
    assert done == ["B"]
    done.clear()
    project.edit("pkg/c.py", "Nothing", "Little")
    project.build()
    assert done == ["B", "C"]


def test_what_is_wrong_is_told_each_time(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.edit("pkg/c.py", "$y$", "$\\frac{y$ and [nothing](nowhere.py)")
    project.build()
    told = sorted(capsys.readouterr().err.splitlines())
    assert any("[tex]" in line for line in told) and any("nowhere.py" in line for line in told)
    project.build()
    assert sorted(capsys.readouterr().err.splitlines()) == told


def test_a_page_that_cannot_be_read_any_more_is_finished_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = project.build()
    get = finished.Cache.get

    def damaged(cache: finished.Cache, kind: str, key: str) -> bytes | None:
        return b"x" if kind in ("finished", "formulas") else get(cache, kind, key)

    monkeypatch.setattr(finished.Cache, "get", damaged)
    assert project.build() == first


def test_an_old_site_that_somebody_has_changed_is_written_again(project: Project) -> None:
    first = project.build()
    pages = [project.root / "site/pkg" / name for name in ("a.html", "c.html", "a.py", "__init__.py")]
    pages[0].write_text("spoiled")
    pages[1].unlink()
    pages[2].write_text("spoiled")
    pages[3].chmod(0o600)
    assert project.build() == first
    assert pages[3].stat().st_mode == pages[2].stat().st_mode


def test_an_old_site_stays_whole_while_a_new_one_takes_its_files_over(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site, _), inode = project.build(), (project.root / "site/pkg/c.html").stat().st_ino
    project.edit("docs/index.md", "Home", "Start")
    monkeypatch.setattr(mkdocs, "tree_script", lambda nav: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        project.build()
    assert snapshot(project.root / "site") == site
    monkeypatch.undo()
    project.edit("docs/index.md", "Start", "Home")
    assert project.build()[0] == site
    taken = (project.root / "site/pkg/c.html").stat()
    assert taken.st_ino == inode and taken.st_nlink == 1


def test_the_templates_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = shutil.copytree(TEMPLATES, tmp_path / "templates")
    monkeypatch.setattr(fingerprint, "TEMPLATES", copied)
    seen = set()
    for path in [None, *sorted(copied.rglob("*.html"))]:
        if path:
            path.write_text(path.read_text() + " ")
        fingerprint.of_site.cache_clear()
        seen.add(fingerprint.of_site())
    fingerprint.of_site.cache_clear()
    assert len(seen) == 1 + len(list(copied.rglob("*.html")))


def test_all_that_templates_read_counts() -> None:
    text = "".join(path.read_text() for path in TEMPLATES.rglob("*.html"))
    assert set(re.findall(r"\bconfig\.(\w+)", text)) == {*finished.READ, "theme", "extra"}
    assert set(re.findall(r"\bconfig\.extra\.(\w+)", text)) == {"sidelit"}
    assert set(re.findall(r"\bconfig\.extra\.sidelit or \{\}\)\.(\w+)", text)) == {"search", "fonts"}
    assert set(re.findall(r"\bnav\.(\w+)", text)) == {"homepage"}
    assert set(re.findall(r"\bpage\.(\w+)", text)) == {
        "canonical_url", "content", "edit_url", "meta", "next_page", "previous_page", "title", "toc"
    }  # fmt: skip


def test_fonts_cut_in_another_way_are_those_that_the_sheet_names(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fonts() -> tuple[set[str], set[str]]:
        assets = project.root / "site/assets/sidelit"
        named = re.findall(r'url\("fonts/([\w-]+\.woff2)"\)', (assets / "math.css").read_text())
        return set(named), {path.name for path in (assets / "fonts").iterdir()}

    project.build()
    named, there = fonts()
    assert named == there

    modules, others = find_modules(), tmp_path / "modules"
    assert modules is not None
    shutil.copytree(modules / "@mathjax", others / "@mathjax")
    (others / "mathjax").symlink_to(modules / "mathjax")
    listed = others / FONTS / LIST
    for part in listed.parent.glob("*-common-*"):
        part.rename(part.with_name(part.name.replace("-common-", "-usual-")))
    listed.write_text(listed.read_text().replace("-common-", "-usual-"))
    monkeypatch.setattr("sidelit.mathjax.find_modules", lambda: others)
    project.build()
    assert fonts()[0] == fonts()[1] != there
