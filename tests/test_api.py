"""
# The API reference

Real modules, imported and described by the real pdoc, in sites that MkDocs builds. What misbehaves is a module of a
line or two.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import yaml
from building import Html, dead_links, own_cache, page, run, search_index, sidelit, snapshot, write
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from sidelit.api.describe import Described, Description, describe
from sidelit.api.wanted import ApiError, Wanted, find_modules, import_roots, read_option
from sidelit.cache import Cache
from sidelit.tree import find_sources, mount

__all__ = ["own_cache"]

ROOT = Path(__file__).resolve().parent.parent

MODEL = r'''r"""
# The model

It learns $w_t$. The [tools](tools.py#Tool) are elsewhere.

$$E = mc^2$$
"""

from pathlib import Path

from pkg import tools

FOLDER = Path(__file__).parent
_hidden = 1


class Model(tools.Tool):
    r"""
    ## A model

    * `rate` is $\alpha$, see [below](#Model.step)
    """

    rate: float = 2 ** 3

    def __init__(self, rate: float, tool: tools.Tool | None = None) -> None:
        self.rate = rate

    def step(self, value: int = 0) -> dict[str, int]:
        r"""
        ### One step

        $$\theta_t = \theta_{t-1} - \alpha g$$
        """
        return {}

    def _inner(self) -> None:
        """Nobody's business."""


# Comments are prose too.
def run(callback=print, seen=frozenset({"a", "b", "c", "d"}), tool=tools.Tool(), *, folder=FOLDER) -> Model:
    return Model(1.0)
'''

TOOLS = '''"""
# Tools
"""


class Tool:
    """
    ## Tool

    A tool.
    """

    def use(self) -> None:
        """Use it."""
'''

PKG = {
    "pkg/__init__.py": '"""\n# The package\n\nIt is small.\n"""\n',
    "pkg/model.py": MODEL,
    "pkg/tools.py": TOOLS,
    "pkg/_private.py": "x = 1\n",
}


def config(api: object, **more: object) -> str:
    settings = {
        "site_name": "Test",
        "theme": "sidelit",
        "use_directory_urls": False,
        "plugins": [{"sidelit": {"sources": ["pkg"], "api": api}}],
        "validation": {name: "warn" for name in ("omitted_files", "absolute_links", "unrecognized_links", "anchors")},
        **more,
    }
    return yaml.safe_dump(settings, sort_keys=False)


def project(folder: Path, api: object, files: Mapping[str, str] = PKG, **more: object) -> Path:
    return write(folder, {"docs/index.md": "# Home\n", "mkdocs.yml": config(api, **more), **files})


def built(folder: Path, *options: str, **environment: str) -> Path:
    """Build strictly: any message is a failure."""
    ran = run("mkdocs", "build", "--strict", *options, "-d", "site", cwd=folder, NO_MKDOCS_2_WARNING="1", **environment)
    assert ran.status == 0, ran.err
    return folder / "site"


def described(folder: Path, *modules: str, **options: object) -> Description:
    return describe(modules, [folder], **options)  # type: ignore[arg-type]


def html_of(description: Description, name: str) -> Html:
    return Html(next(each.html for each in description.modules if each.name == name))


# ## What is asked for

OPTION = "plugins:\n- sidelit:\n    sources: [a]\n    api: {}\n"


@pytest.mark.parametrize(
    ("value", "place", "part"),
    [
        (5, "4:10", "5"),
        ("pkg", "4:10", "'pkg'"),
        (["pkg", "not-a-name"], "4:16", "'not-a-name'"),
        (["pkg", 3], "4:16", "3"),
        ({"modules": ["pkg"], "all": True}, "4:27", "'all'"),
        ({"modules": "pkg"}, "4:20", "'pkg'"),
        ({"modules": ["pkg"], "mock": "torch"}, "4:33", "'torch'"),
        ({"mock": ["to rch"]}, "4:18", "'to rch'"),
    ],
)
def test_a_wrong_option_is_told_with_its_line_and_value(value: object, place: str, part: str) -> None:
    written = json.dumps(value).replace('"', "")
    lines = OPTION.format(written).split("\n")
    with pytest.raises(ApiError) as caught:
        read_option(value, "/x/mkdocs.yml", lines)
    assert str(caught.value).startswith(f"/x/mkdocs.yml:{place}: api: {part} is ")


def test_a_wrong_option_ends_the_build_in_one_line(tmp_path: Path) -> None:
    project(tmp_path, ["no name"])
    ran = run("mkdocs", "build", cwd=tmp_path, NO_MKDOCS_2_WARNING="1")
    assert ran.status == 1
    lines = (tmp_path / "mkdocs.yml").read_text().split("\n")
    line = next(number for number, text in enumerate(lines, start=1) if "no name" in text)
    assert f"mkdocs.yml:{line}:" in ran.err + ran.out
    assert "api: 'no name' is not the dotted name of a module" in ran.err + ran.out


def test_a_check_reads_the_option_and_knows_its_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    linking = {
        "pkg/links.py": "# [one](../api/pkg.model.md#Model) [all](../api/index.md) [none](../api/pkg.no.md)\nx = 1\n"
    }
    project(tmp_path, True, {**PKG, **linking})
    monkeypatch.chdir(tmp_path)
    ran = sidelit("check", "pkg")
    assert [line.partition(": ")[2] for line in ran.out.splitlines() if "leads nowhere" in line] == [
        "`../api/pkg.no.md` leads nowhere: did you mean `../api/pkg.md`? [link]"
    ]
    write(tmp_path, {"mkdocs.yml": config(7)})
    ran = sidelit("check", "pkg")
    assert ran.status == 2
    assert "api: 7 is neither true nor a list" in ran.err


@pytest.mark.parametrize("value", [None, False, []])
def test_nothing_is_asked_for_by_default(value: object) -> None:
    assert not read_option(value, "mkdocs.yml", [])


def test_packages_mean_what_is_in_them_and_exclamation_marks_take_it_away(tmp_path: Path) -> None:
    names = ["a/__init__.py", "a/b.py", "a/c/__init__.py", "a/c/d.py", "a/_e.py", "a/__main__.py", "script.py"]
    write(tmp_path, dict.fromkeys(names, "'''text'''\n"))
    sources, _ = find_sources([mount(tmp_path / "a"), mount(tmp_path / "script.py")])

    def found(value: object) -> list[str]:
        return find_modules(read_option(value, "", []), sources)

    assert found(True) == ["a", "a.b", "a.c", "a.c.d", "script"]
    assert found(["a.c"]) == ["a.c", "a.c.d"]
    assert found(["a", "!a.c"]) == ["a", "a.b"]
    assert found(["!a"]) == ["script"]
    assert found(["a._e", "script"]) == ["a._e", "script"]
    assert import_roots(["a.b"], sources) == [tmp_path]


def test_an_installed_package_is_found_without_importing_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loud = "raise RuntimeError('imported')\n"
    write(tmp_path, {"loud_one/__init__.py": loud, "loud_one/sub/__init__.py": loud, "loud_one/sub/x.py": loud})
    monkeypatch.syspath_prepend(tmp_path)
    assert find_modules(Wanted(("loud_one",)), []) == ["loud_one", "loud_one.sub", "loud_one.sub.x"]
    assert find_modules(Wanted(("loud_one.sub.x",)), []) == ["loud_one.sub.x"]
    assert find_modules(Wanted(("no_such_package.x",)), []) == ["no_such_package.x"]
    assert not [name for name in sys.modules if name.startswith("loud_one")]


# ## Importing apart


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import sys\nsys.exit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("import os\nos._exit(0)", "it ended the process that imports it, with status 0"),
        (
            "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
            "it ended the process that imports it, with status -9",
        ),
        ("import no_such_library.part", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("def f(:", "SyntaxError: invalid syntax"),
        ("x = 1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_module_that_fails_costs_itself_only(tmp_path: Path, code: str, reason: str) -> None:
    write(tmp_path, {**PKG, "pkg/bad.py": code + "\n"})
    found = described(tmp_path, "pkg", "pkg.bad", "pkg.model")
    assert [(each.name, each.reason) for each in found.failures] == [("pkg.bad", reason)]
    assert [each.name for each in found.modules] == ["pkg", "pkg.model"]


def test_a_module_that_never_ends_is_given_up(tmp_path: Path) -> None:
    write(tmp_path, {**PKG, "pkg/slow.py": "import time\ntime.sleep(1000)\n"})
    found = described(tmp_path, "pkg.slow", "pkg.model", limit=8.0)
    assert [(each.name, each.reason) for each in found.failures] == [("pkg.slow", "it took longer than 8 seconds")]
    assert [each.name for each in found.modules] == ["pkg.model"]


def test_a_package_that_fails_is_named_once_for_all_in_it(tmp_path: Path) -> None:
    for code in ("raise ValueError('no')", "import os; os._exit(1)"):
        write(tmp_path, {**PKG, "bad/__init__.py": code, "bad/a.py": "", "bad/b/__init__.py": "", "bad/b/c.py": ""})
        found = described(tmp_path, "bad", "bad.a", "bad.b", "bad.b.c", "pkg")
        assert [each.name for each in found.failures] == ["bad"]
        assert [each.name for each in found.modules] == ["pkg"]


def test_many_modules_that_end_the_process_end_the_trying(tmp_path: Path) -> None:
    names = [f"m{number}" for number in range(8)]
    write(tmp_path, {f"{name}.py": "import os; os._exit(1)" for name in names})
    found = described(tmp_path, *names)
    assert [each.name for each in found.failures] == names
    assert [each.reason for each in found.failures].count(found.failures[-1].reason) == 3
    assert "not tried" in found.failures[-1].reason


def test_a_repr_that_ends_the_process_costs_its_module_only(tmp_path: Path) -> None:
    code = "import os\nclass A:\n    def __repr__(self): os._exit(1)\ndef f(a=A()): ...\n"
    write(tmp_path, {**PKG, "pkg/bad.py": code})
    found = described(tmp_path, "pkg.bad", "pkg.model")
    assert [each.name for each in found.failures] == ["pkg.bad"]
    assert [each.name for each in found.modules] == ["pkg.model"]


def test_what_modules_print_and_change_stays_apart(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code = """
import os, sys, builtins, threading, warnings
print("noise"); os.write(1, b"raw noise\\n"); os.write(2, b"raw noise\\n")
sys.stdout = None; sys.path.clear(); os.chdir("/"); warnings.warn("noise")
os.environ["LEFT_BEHIND"] = "1"; builtins.left_behind = 1
threading.Thread(target=threading.Event().wait).start()
def f() -> None: ...
"""
    write(tmp_path, {**PKG, "pkg/loud.py": code})
    found = described(tmp_path, "pkg.loud", "pkg.model")
    assert [each.name for each in found.modules] == ["pkg.loud", "pkg.model"]
    assert capfd.readouterr() == ("", "")
    import builtins
    import os

    assert "LEFT_BEHIND" not in os.environ
    assert not hasattr(builtins, "left_behind")
    assert "pkg.loud" not in sys.modules


def test_a_description_is_the_same_everywhere(tmp_path: Path) -> None:
    texts = []
    for name in ("one", "another/place"):
        folder = write(tmp_path / name, PKG)
        text = repr(described(folder, "pkg", "pkg.model", "pkg.tools"))
        assert str(tmp_path) not in text
        assert not re.search("0x[0-9a-f]{4}", text)
        texts.append(text)
    assert texts[0] == texts[1]


def test_a_build_leaves_nothing_beside_the_sources(tmp_path: Path) -> None:
    project(tmp_path, True)
    before = set(snapshot(tmp_path))
    built(tmp_path)
    after = {name for name in snapshot(tmp_path) if name.partition("/")[0] != "site"}
    assert after == before


def test_values_are_shown_as_they_are_written(tmp_path: Path) -> None:
    code = "import enum\nA = 1 << 20\nB = {1: 2} if A else None\nLONG = [" + "1234567, " * 40 + "]\n"
    code += "class Colour(enum.Enum):\n    RED = 'r'\nclass D:\n    class Inner:\n        z: int = 5\n"
    write(tmp_path, {"values.py": code})
    shown = [each.text.strip() for each in html_of(described(tmp_path, "values"), "values").all("div", "signature")]
    assert {"A = 1 << 20", "B = {1: 2} if A else None", "LONG = …", "RED = 'r'", "z: int = 5"} <= set(shown)


def test_what_is_kept_is_asked_for_again_when_a_file_has_changed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    write(
        tmp_path, {**PKG, "helper.py": f"open({str(log)!r}, 'a').write('.')\nx = 1\n", "pkg/uses.py": "import helper\n"}
    )
    with Cache(tmp_path / "cache") as cache:

        def ask() -> Description:
            return described(tmp_path, "pkg.uses", "pkg.model", cache=cache)

        first = ask()
        assert ask() == first
        assert log.read_text() == "."
        # Nobody asks for the helper, but it was imported.
        write(tmp_path, {"helper.py": f"open({str(log)!r}, 'a').write('!')\n"})
        assert ask() == first
        assert log.read_text() == ".!"


def test_a_failure_is_not_kept(tmp_path: Path) -> None:
    write(tmp_path, {"needs.py": "import later_installed\n"})
    with Cache(tmp_path / "cache") as cache:
        assert described(tmp_path, "needs", cache=cache).failures
        write(tmp_path, {"later_installed.py": ""})
        assert not described(tmp_path, "needs", cache=cache).failures


# ## Stand-ins

USES = """
import heavy
import heavy.deep.inside as inside
from heavy.nn import Module

class Layer(Module):
    @heavy.no_grad()
    def one(self, x: heavy.Tensor | None = None, kind=heavy.float32) -> list[heavy.nn.Parameter]:
        "One."
    @heavy.jit
    def two(self, *, a: inside.Thing = inside.THING) -> None:
        "Two."

def make() -> Layer:
    return Layer()

MADE = make()
with heavy.device("x"):
    HERE = [each for each in heavy.devices]
"""


def test_a_stand_in_shows_the_names_of_the_library(tmp_path: Path) -> None:
    write(tmp_path, {"uses.py": USES})
    assert described(tmp_path, "uses").failures[0].missing == "heavy"
    found = described(tmp_path, "uses", mock=["heavy"])
    assert not found.failures
    signatures = {each.qualname: each.signature for each in found.modules[0].members}
    assert signatures["Layer"] == "class Layer(heavy.nn.Module)"
    assert signatures["Layer.one"] == (
        "def one(self, x: heavy.Tensor | None = None, kind=heavy.float32) -> list[heavy.nn.Parameter]"
    )
    assert signatures["Layer.two"] == "def two(self, *, a: heavy.deep.inside.Thing = heavy.deep.inside.THING) -> None"
    assert signatures["make"] == "def make() -> uses.Layer"


def test_a_library_that_is_installed_has_its_stand_in_all_the_same(tmp_path: Path) -> None:
    write(tmp_path, {"uses.py": USES})
    without = described(tmp_path, "uses", mock=["heavy"])
    write(tmp_path, {"heavy/__init__.py": "raise RuntimeError('imported')"})
    assert described(tmp_path, "uses", mock=["heavy"]) == without


def test_the_optimizers_are_described_as_with_torch_itself() -> None:
    """But for what they inherit from it, which is torch's to document, and where torch keeps its classes."""
    modules = [f"labml_nn.optimizers{name}" for name in ("", ".adam", ".radam", ".sophia", ".backends")]

    def signatures(description: Description) -> dict[str, str]:
        assert not description.failures
        return {
            f"{module.name}:{member.qualname}": re.sub(r"\.(optimizer|graph_module)(?=\.[A-Z])", "", member.signature)
            for module in description.modules
            for member in module.members
            if member.kind in ("class", "function") and not (member.origin[0].startswith("torch"))
        }

    real, stand_in = (signatures(describe(modules, [ROOT], mock=mock)) for mock in ([], ["torch"]))
    assert len(stand_in) > 60
    assert {name for name in stand_in if real.get(name) != stand_in[name]} == set()


# ## The pages


@pytest.fixture(scope="module")
def site(own_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    more = {"repo_url": "https://github.com/a/b", "edit_uri": "edit/main/docs/"}
    return built(project(tmp_path_factory.mktemp("api"), ["pkg"], **more))


def test_every_public_module_has_a_page(site: Path) -> None:
    assert {path.name for path in (site / "api").iterdir()} == {
        "index.html", "pkg.html", "pkg.model.html", "pkg.tools.html",
    }  # fmt: skip
    assert not dead_links(site)
    listed = page(site, "api/index.html")
    assert [each.text for each in listed.all("dt")] == ["pkg", "pkg.model", "pkg.tools"]
    assert [each.text.strip() for each in listed.all("dd")] == ["The package", "The model", "Tools"]


def test_a_page_shows_what_is_public_with_its_signature(site: Path) -> None:
    model = page(site, "api/pkg.model.html")
    assert model.title == "pkg.model"
    assert {"FOLDER", "Model", "Model.__init__", "Model.rate", "Model.step", "Model.use", "run"} <= model.ids
    assert not {"Model._inner", "_hidden", "Path"} & model.ids
    signatures = [" ".join(each.text.split()) for each in model.all("div", "signature")]
    assert "class Model(Tool)" in signatures
    assert "FOLDER = Path(__file__).parent" in signatures
    assert "rate: float = 2 ** 3" in signatures
    assert "def step(self, value: int = 0) -> dict[str, int]" in signatures
    assert "pkg.tools.html#Tool" in model.references


def test_a_heading_that_is_the_name_is_not_repeated(site: Path) -> None:
    headings = page(site, "api/pkg.tools.html").all("h2") + page(site, "api/pkg.tools.html").all("h3")
    assert [each.text.strip(" #\n") for each in headings].count("Tool") == 1


def test_docstrings_are_rendered_as_on_the_annotated_page(site: Path) -> None:
    model = page(site, "api/pkg.model.html")
    for tex in (r"\alpha", r"\theta_t = \theta_{t-1} - \alpha g", "w_t"):
        assert f'<annotation encoding="application/x-tex">{tex}</annotation>' in model.text
    assert "E = mc^2" not in model.text
    assert [each.text for each in model.all("li") if "rate" in each.text]
    assert {"../pkg/tools.html#Tool", "../pkg/model.html#Model.step"} <= set(model.references)
    levels = [int(each.tag[1]) for each in model.elements if re.fullmatch("h[1-6]", each.tag)]
    assert levels[0] == 1
    assert all(below - above <= 1 for above, below in zip(levels, levels[1:], strict=False))


def test_each_entry_leads_to_its_section_and_back(site: Path) -> None:
    model, story = page(site, "api/pkg.model.html"), page(site, "pkg/model.html")
    ways = [f"../pkg/model.html{anchor}" for anchor in ("", "#Model", "#Model.__init__", "#Model.step", "#run")]
    links = [each.attributes for each in model.all("a")]
    explained = [each for each in links if "explained" in each.get("aria-label", "") or each["href"] == ways[0]]
    assert [each["href"] for each in explained] == ways
    assert explained[1]["aria-label"] == "Model, explained beside its code"
    back = [each.attributes for each in story.all("a", "in-api")]
    assert [each["href"] for each in back] == [
        f"../api/pkg.model.html{anchor}" for anchor in ("", "#Model", "#Model.__init__", "#Model.step", "#run")
    ]
    assert back[3]["aria-label"] == "Model.step in the API reference"
    assert "_inner" not in "".join(each["href"] for each in back)


def test_the_search_knows_every_entry(site: Path) -> None:
    pages = {url: listed for url, _, listed in search_index(site)["pages"]}
    titles = {place[0]: "".join(map(str, place[1])) for place in pages["api/pkg.model.html"]}
    assert titles["Model.step"] == "Model.step"
    assert {"", "Model", "run"} <= titles.keys()
    text = next(place[2] for place in pages["api/pkg.model.html"] if place[0] == "Model.step")
    assert text == ["def step(self, value: int = 0) -> dict[str, int]"]


def test_the_reference_is_last_in_the_navigation(site: Path, tmp_path: Path) -> None:
    def tree(where: Path) -> str:
        return (where / "assets/sidelit/tree.js").read_text()

    api = '["API",[["API reference","api/index.html"],["pkg","api/pkg.html"],["pkg.model","api/pkg.model.html"],'
    assert tree(site).endswith(f'{api}["pkg.tools","api/pkg.tools.html"]]]];\n')
    nav = [{"Home": "index.md"}, {"Signatures": "api/pkg.model.md"}, "pkg/__init__.py"]
    other = built(project(tmp_path, True, nav=nav))
    assert '["Signatures","api/pkg.model.html"]' in tree(other)
    assert tree(other).endswith('["API",[["API reference","api/index.html"],["pkg","api/pkg.html"],'
                                '["pkg.tools","api/pkg.tools.html"]]]];\n')  # fmt: skip


def test_folders_as_addresses_and_another_theme(tmp_path: Path) -> None:
    settings = {"use_directory_urls": True, "theme": "material"}
    folder = project(tmp_path, True, **settings)
    place = built(folder)
    assert not dead_links(place)
    assert "../pkg.tools/#Tool" in page(place, "api/pkg.model/index.html").references
    assert "../../pkg/model/#Model" in page(place, "api/pkg.model/index.html").references
    assert (place / "assets/sidelit/api.css").is_file()


def test_the_same_site_every_time(tmp_path: Path) -> None:
    one, other = (project(tmp_path / name, True) for name in ("a", "deeper/b"))
    first = snapshot(built(one, XDG_CACHE_HOME=str(tmp_path / "cold")))
    assert snapshot(built(one, XDG_CACHE_HOME=str(tmp_path / "cold"))) == first
    second = snapshot(built(other, PYTHONHASHSEED="7", XDG_CACHE_HOME=str(tmp_path / "colder")))
    differing = {name for name in first if first[name] != second.get(name)}
    # The sitemap has the day on which MkDocs ran.
    assert {name for name in differing if not name.startswith("sitemap")} == set()
    assert str(tmp_path).encode() not in b"".join(each for each in first.values() if isinstance(each, bytes))


def test_no_module_is_imported_unless_it_is_asked_for(tmp_path: Path) -> None:
    trace = tmp_path / "imported"
    loud = {"pkg/loud.py": f"open({str(trace)!r}, 'w')\n"}
    folder = project(tmp_path / "site", False, {**PKG, **loud})
    place = built(folder)
    assert not trace.exists()
    assert not (place / "api").exists()
    assert "in-api" not in page(place, "pkg/model.html").text
    write(folder, {"mkdocs.yml": config(["pkg", "!pkg.loud"])})
    built(folder)
    assert not trace.exists()
    write(folder, {"mkdocs.yml": config(["pkg"])})
    built(folder)
    assert trace.exists()


def test_a_failing_import_is_a_message_and_the_rest_is_built(tmp_path: Path) -> None:
    bad = {"pkg/bad.py": "# Text\nimport no_such_library\n", "pkg/gone.py": "import sys\nsys.exit()\n"}
    project(tmp_path, ["pkg", "elsewhere"], {**PKG, **bad})
    ran = run("mkdocs", "build", "-d", "site", cwd=tmp_path, NO_MKDOCS_2_WARNING="1")
    assert ran.status == 0
    said = [line.partition("WARNING -  ")[2] for line in ran.err.splitlines() if "cannot be imported" in line]
    assert [re.sub(r"^\S*mkdocs.yml", "mkdocs.yml", line) for line in said] == [
        "mkdocs.yml:8:5: `elsewhere` cannot be imported, so it is not in the API reference: "
        "ModuleNotFoundError: No module named 'elsewhere' [api]",
        "pkg/bad.py:2:1: `pkg.bad` cannot be imported, so it is not in the API reference: ModuleNotFoundError: No "
        "module named 'no_such_library'; install no_such_library where the site is built, or name it in `mock` [api]",
        "pkg/gone.py:2:1: `pkg.gone` cannot be imported, so it is not in the API reference: SystemExit [api]",
    ]
    place = tmp_path / "site"
    assert not dead_links(place)
    assert (place / "pkg/bad.html").is_file()
    assert not (place / "api/pkg.bad.html").exists()
    assert "in-api" not in page(place, "pkg/bad.html").text
    assert page(place, "api/pkg.model.html").title == "pkg.model"
    assert run("mkdocs", "build", "--strict", "-d", "site", cwd=tmp_path, NO_MKDOCS_2_WARNING="1").status == 1


def test_a_hand_written_page_keeps_its_address(tmp_path: Path) -> None:
    folder = project(tmp_path, True, {**PKG, "docs/api/pkg.model.md": "# Mine\n"})
    ran = run("mkdocs", "build", "-d", "site", cwd=folder, NO_MKDOCS_2_WARNING="1")
    assert ran.status == 0
    assert "wants the address api/pkg.model.html, which api/pkg.model.md has" in ran.err
    assert page(folder / "site", "api/pkg.model.html").title == "Mine"


def test_tex_that_is_wrong_is_told_once_where_it_stands(tmp_path: Path) -> None:
    bad = {"pkg/tex.py": 'def f():\n    r"""\n    Bad $\\frac$.\n    """\n'}
    project(tmp_path, ["pkg.tex"], {**PKG, **bad})
    ran = run("mkdocs", "build", "-d", "site", cwd=tmp_path, NO_MKDOCS_2_WARNING="1")
    assert [line.partition("-  ")[2].partition(": ")[0] for line in ran.err.splitlines() if "[tex]" in line] == [
        "pkg/tex.py:3:9"
    ]
    assert r'<code class="tex-error">\frac</code>' in page(tmp_path / "site", "api/pkg.tex.html").text


def test_a_site_without_a_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, PKG)
    monkeypatch.chdir(tmp_path)
    ran = sidelit("build", "pkg", "--strict", "--api")
    assert ran.status == 0, ran.err
    assert not dead_links(tmp_path / "site")
    assert page(tmp_path / "site", "api/pkg.model.html").title == "pkg.model"


def test_a_site_needs_no_pdoc_unless_it_asks_for_it(tmp_path: Path) -> None:
    # Python reads this module when it starts, and takes what is `None` there for what it cannot find.
    write(tmp_path, {"hidden/sitecustomize.py": "import sys\nsys.modules['pdoc'] = None\n"})
    environment = {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": f"{tmp_path / 'hidden'}:{ROOT}"}
    folder = project(tmp_path / "site", False)
    assert run("mkdocs", "build", "--strict", cwd=folder, **environment).status == 0
    write(folder, {"mkdocs.yml": config(True)})
    ran = run("mkdocs", "build", cwd=folder, **environment)
    assert ran.status == 0
    assert "pdoc is not installed, so there is no API reference: pip install 'sidelit[api]'" in ran.err


# ## In a browser


@pytest.fixture(params=["disk", "server"])
def address(request: pytest.FixtureRequest, site: Path, serve_folder: Callable[..., str]) -> str:
    policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:"
    return f"{site.as_uri()}/" if request.param == "disk" else serve_folder(site, policy)


def _is_problem(message: ConsoleMessage) -> bool:
    # From the disk a browser may use a font and not fetch it early, of which it complains.
    return message.type == "error" and not re.search(r"Access to font|net::ERR_FAILED", message.text)


@pytest.fixture
def opened(browser: Browser) -> Iterator[Page]:
    tab = browser.new_page(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    problems: list[str] = []
    tab.on("console", lambda message: problems.append(message.text) if _is_problem(message) else None)
    tab.on("pageerror", lambda error: problems.append(str(error)))
    yield tab
    tab.close()
    assert problems == []


def test_a_reader_goes_from_signature_to_story_and_back(opened: Page, address: str) -> None:
    opened.goto(f"{address}api/pkg.model.html")
    opened.get_by_role("link", name="Model.step, explained beside its code").click()
    opened.wait_for_url(f"{address}pkg/model.html#Model.step")
    way = opened.get_by_role("link", name="Model.step in the API reference")
    buttons = opened.locator(".tools").filter(has=way)
    expect(buttons).to_have_css("opacity", "0")
    opened.locator("[id='Model.step']").hover()
    expect(buttons).to_have_css("opacity", "1")
    way.click()
    opened.wait_for_url(f"{address}api/pkg.model.html#Model.step")
    expect(opened.get_by_role("heading", name="step", exact=False).first).to_be_in_viewport()


def test_the_way_to_the_reference_does_not_lie_over_that_to_the_repository(opened: Page, address: str) -> None:
    opened.goto(f"{address}pkg/model.html")
    section = opened.locator("section", has=opened.locator("[id='Model.step']"))
    one, other = (section.locator(f".{name}").bounding_box() for name in ("in-api", "in-repository"))
    assert one and other
    assert one["x"] + one["width"] <= other["x"]


def test_the_search_finds_the_story_first_and_the_signature_too(opened: Page, address: str) -> None:
    opened.goto(f"{address}index.html")
    opened.keyboard.press("/")
    opened.keyboard.type("Model.step")
    found = opened.locator("dialog .search-list a")
    expect(found.first).to_have_attribute("href", f"{address}pkg/model.html#Model.step")
    expect(found.filter(has_text="pkg.model").first).to_have_attribute(
        "href", f"{address}api/pkg.model.html#Model.step"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_the_pages_fit_the_window_and_the_theme(opened: Page, site: Path, width: int, scheme: str) -> None:
    opened.set_viewport_size({"width": width, "height": 844})
    opened.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    for name in ("index", "pkg", "pkg.model"):
        opened.goto(f"{site.as_uri()}/api/{name}.html")
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
        assert opened.locator("header.bar").is_visible()
    ground, paper = (
        opened.locator(place).first.evaluate("(box) => getComputedStyle(box).backgroundColor")
        for place in (".api .signature", "body")
    )
    assert (ground, paper) == {
        "light": ("rgb(244, 246, 249)", "rgb(255, 255, 255)"), "dark": ("rgb(16, 19, 25)", "rgb(23, 27, 33)"),
    }[scheme]  # fmt: skip


def test_without_javascript_nothing_is_missing(browser: Browser, site: Path) -> None:
    tab = browser.new_page(java_script_enabled=False, viewport={"width": 390, "height": 844}, has_touch=True)
    tab.goto(f"{site.as_uri()}/pkg/model.html")
    tab.get_by_role("link", name="Model.step in the API reference").focus()
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/api/pkg.model.html#Model.step")
    expect(tab.locator("mjx-container").first).to_be_visible()
    tab.close()


# ## The site of this repository


def test_this_site_documents_its_optimizers_without_torch() -> None:
    options = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), yaml.BaseLoader)["plugins"][0]["sidelit"]
    wanted = read_option(options["api"], "mkdocs.yml", ())
    assert "labml_nn.optimizers" in wanted.modules
    assert "torch" in wanted.mock


def test_the_overridden_template_is_pdocs_own() -> None:
    """What ours relies on is still there in the pdoc that is installed."""
    import pdoc.render_helpers

    theirs = (Path(inspect.getfile(pdoc)).parent / "templates/default/module.html.jinja2").read_text(encoding="utf-8")
    for name in ("is_public", "inherited", "annotation"):
        assert f"defaultmacro {name}(" in theirs
    assert inspect.signature(pdoc.render_helpers.relative_link).parameters.keys() == {"current_module", "target_module"}
    assert Described.__dataclass_fields__.keys() == {"name", "html", "members"}
