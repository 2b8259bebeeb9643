"""
# The programs that are compared

Each builds pages from the same files, in a process of its own. They do not all do the same:

* *sidelit* makes a site of pages with prose beside the code, checked links, typeset formulas, navigation and search
* *Pycco* makes such pages and no more
* *sphinx-gallery* and *mkdocs-gallery*, without running anything, make pages in which code follows prose. They take
  the comments inside a function for code. They want a heading in each file, and get one in front of it
* *MkDocs* makes a site of the same text, which is written down as Markdown before. It reads no Python, and leaves the
  formulas to the browser

The others than sidelit and Pycco live in `benchmarks/.venv`.
"""

from __future__ import annotations

import posixpath
import re
import shutil
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from benchmarks.corpora import Corpus
from sidelit.source import decode, parse

ENVIRONMENT = Path(__file__).with_name(".venv")

# The files that Pycco is given in one run
AT_ONCE = 200


@dataclass(frozen=True)
class Program:
    """
    ## A program that builds one corpus

    * `command` is run in `folder`, with `environment` besides the usual
    * `made` is what it makes; without that, a build is cold
    * `changing` is the file that an author changes
    * `remembers` is whether anything is kept between builds. Without that, all builds are the same
    """

    name: str
    command: tuple[str, ...]
    folder: Path
    made: tuple[Path, ...]
    changing: Path
    remembers: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)

    def forget(self) -> None:
        """Let the next build be cold."""
        for folder in self.made:
            shutil.rmtree(folder, ignore_errors=True)

    def change(self, number: int) -> None:
        """Change one file."""
        with self.changing.open("a", encoding="utf-8") as file:
            file.write(f"\n# A remark, number {number}.\nremark = {number}\n")


def sidelit(corpus: Corpus) -> Program:
    """
    ## sidelit, with a cache of its own
    """
    cache, site = _beside(corpus, "cache"), _beside(corpus, "site")
    command = (_program("sidelit"), "build", *corpus.roots, "--output", str(site))
    environment = {"XDG_CACHE_HOME": str(cache)}
    return Program("sidelit", command, corpus.folder, (cache, site), _changing(corpus), True, environment)


def pycco(corpus: Corpus) -> Program:
    """
    ## Pycco

    It goes from file to file by calling itself, so that Python ends it after some 250. More files are for more runs.
    """
    site, files = _beside(corpus, "pycco"), _beside(corpus, "pycco-files.txt")
    files.write_text("\n".join(corpus.files), encoding="utf-8")
    command = (
        "xargs",
        f"--arg-file={files}",
        f"--max-args={AT_ONCE}",
        _program("pycco"),
        "--paths",
        "--directory",
        str(site),
    )
    return Program("Pycco", command, corpus.folder, (site,), _changing(corpus))


def sphinx_gallery(corpus: Corpus) -> Program:
    """
    ## sphinx-gallery
    """
    folder = _beside(corpus, "sphinx-gallery")
    names = _write_examples(corpus, folder / "examples", "README.txt", "{0}\n{1}\n")
    pages = "".join(f"   made/{name}/index\n" for name in names)
    (folder / "index.rst").write_text(f"Everything\n==========\n\n.. toctree::\n\n{pages}", encoding="utf-8")
    options = {
        "examples_dirs": [f"examples/{name}" for name in names],
        "gallery_dirs": [f"made/{name}" for name in names],
        "plot_gallery": "False",
        "image_scrapers": (),
        "reset_modules": (),
        "download_all_examples": False,
    }
    settings = (
        f'project = "Everything"\nextensions = ["sphinx_gallery.gen_gallery"]\nsphinx_gallery_conf = {options!r}\n'
    )
    (folder / "conf.py").write_text(settings, encoding="utf-8")
    command = (_peer("python"), "-m", "sphinx", "-q", "-b", "html", ".", "built")
    made = (folder / "made", folder / "built")
    return Program("sphinx-gallery", command, folder, made, _changing_example(corpus, folder / "examples"), True)


def mkdocs_gallery(corpus: Corpus) -> Program:
    """
    ## mkdocs-gallery
    """
    folder = _beside(corpus, "mkdocs-gallery")
    names = _write_examples(corpus, folder / "docs" / "examples", "README.md", "# {0}\n")
    (folder / "docs" / "index.md").write_text("# Everything\n", encoding="utf-8")
    options = {
        "examples_dirs": [f"docs/examples/{name}" for name in names],
        "gallery_dirs": [f"docs/made/{name}" for name in names],
        "plot_gallery": False,
        "image_scrapers": [],
        "reset_modules": [],
        "download_all_examples": False,
    }
    nav = ["index.md", *(f"made/{name}" for name in names)]
    settings = {"site_name": "Everything", "theme": "material", "nav": nav, "plugins": [{"gallery": options}]}
    (folder / "mkdocs.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    made = (folder / "docs" / "made", folder / "site")
    changing = _changing_example(corpus, folder / "docs" / "examples")
    return Program("mkdocs-gallery", (_peer("mkdocs"), "build", "--quiet"), folder, made, changing, True)


def mkdocs(corpus: Corpus) -> Program:
    """
    ## MkDocs on the same text

    The prose of each section, then its code between fences, coloured by Pygments too.
    """
    folder = _beside(corpus, "mkdocs")
    for name in corpus.files:
        path = folder / "docs" / Path(name).with_suffix(".md")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_as_markdown(corpus.folder / name), encoding="utf-8")
    settings = {
        "site_name": "Everything",
        "use_directory_urls": False,
        "markdown_extensions": ["fenced_code", {"codehilite": {"guess_lang": False}}, "footnotes", "sane_lists"],
    }
    (folder / "mkdocs.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    changing = folder / "docs" / Path(corpus.files[len(corpus.files) // 2]).with_suffix(".md")
    return Program("MkDocs", (_peer("mkdocs"), "build", "--quiet"), folder, (folder / "site",), changing)


PEERS = (sphinx_gallery, mkdocs_gallery, mkdocs)


def _as_markdown(path: Path) -> str:
    text, _ = decode(path.read_bytes(), path.name)
    document = parse(text, path.name)
    parts = []
    for section in document.sections:
        parts.append(section.docs)
        code = "\n".join(document.lines[line - 1] for a, b in section.code_lines for line in range(a, b + 1))
        parts.append(f"~~~~python\n{code}\n~~~~" if code else "")
    return "\n\n".join(filter(None, parts)) + "\n"


def _write_examples(corpus: Corpus, folder: Path, readme: str, title: str) -> list[str]:
    """Write the files as the galleries want them, each package in a folder of its own; return the folders' names."""
    packages: dict[str, list[str]] = defaultdict(list)
    for name in corpus.files:
        packages[posixpath.dirname(name).replace("/", ".") or "top"].append(name)
    for package, names in packages.items():
        (folder / package).mkdir(parents=True)
        (folder / package / readme).write_text(title.format(package, "=" * len(package)), encoding="utf-8")
        for name in names:
            heading = f'"""\nModule {name}\n{"=" * (7 + len(name))}\n"""\n'
            text, _ = decode((corpus.folder / name).read_bytes(), name)
            (folder / package / _example(name)).write_text(heading + _FROM.sub(r"\1package", text), encoding="utf-8")
    return sorted(packages)


# The galleries fall over relative imports.
_FROM = re.compile(r"(\bfrom )\.+(?= import)")


def _example(name: str) -> str:
    """The name of an example, which galleries want to be the only one of its name."""
    return name.replace("/", "_").replace("__init__", "package")


def _changing(corpus: Corpus) -> Path:
    return corpus.folder / corpus.files[len(corpus.files) // 2]


def _changing_example(corpus: Corpus, folder: Path) -> Path:
    name = corpus.files[len(corpus.files) // 2]
    return folder / (posixpath.dirname(name).replace("/", ".") or "top") / _example(name)


def versions() -> dict[str, str]:
    """
    ## Which versions are compared
    """
    lines = Path(__file__).with_name("requirements.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.lower().split("==") for line in lines if "==" in line)
    return {name: pinned[name] for name in ("sphinx-gallery", "mkdocs-gallery", "mkdocs")}


def _beside(corpus: Corpus, name: str) -> Path:
    folder = corpus.folder.with_name(f"{corpus.folder.name}-{name}")
    if name.split("-")[0] in ("sphinx", "mkdocs"):
        folder.mkdir(parents=True)
    return folder


def _program(name: str) -> str:
    """Where a program is that was installed beside this Python."""
    return str(Path(sys.executable).with_name(name))


def _peer(name: str) -> str:
    """Where a program of the benchmarks' own environment is."""
    path = ENVIRONMENT / "bin" / name
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: run `make bench`, which installs it")
    return str(path)
