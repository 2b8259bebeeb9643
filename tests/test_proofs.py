"""Proofs from their file to the page: current while the code is the same, out of date afterwards, never in the way."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from building import own_cache, page, sidelit, write  # noqa: F401
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, expect

from sidelit.code_version import code_version
from sidelit.hosts.serve import _watched
from sidelit.hosts.site import build, load
from sidelit.proofs import place_of, read_proofs

CODE = '''"""
# The mean

Of numbers.
"""

from pkg.parts import total


def mean(x):
    return total(x) / len(x)
'''
TREE = {
    "docs/index.md": "# Home\n",
    "pkg/__init__.py": "",
    "pkg/mean.py": CODE,
    "pkg/parts.py": '"""\n# Parts\n"""\n\n\ndef total(x):\n    return sum(x)\n',
    "pkg/more.py": '"""\n# More\n"""\n\nx = 1\n',
    "checks/test_mean.py": "import statistics\n\n\n# Not `def test_equals` but\ndef test_equals():\n    assert True\n",
}
CONFIG = (
    "site_name: Test\nuse_directory_urls: false\ntheme: {theme}\n{more}plugins:\n  - sidelit:\n"
    "      sources: [pkg]\n      cache: cache\n      proofs: pkg/proofs.json\n"
)
FACTS: dict[str, Any] = {
    "name": "Mean <b>",
    "comparisons": [
        {
            "against": "statistics.fmean",
            "version": "Python 3.13",
            "difference": 2.22e-16,
            "bound": 1e-12,
            "over": "100 numbers",
            "precision": "float64",
            "runs": 7,
            "test": "../checks/test_mean.py::test_equals",
        }
    ],
    "cases": [
        {
            "of": "cases.of_others",
            "claim": "gives the same",
            "passed": ["one", "two"],
            "total": 3,
            "test": "../checks/test_mean.py::test_equals",
        }
    ],
    "measurements": [{"name": "Time (all)", "value": 1.234, "unit": "times fmean(x) | 2"}],
}


def proofs(root: Path, **changes: Any) -> dict[str, Any]:
    """Proofs of the package, for the code as it is now."""
    facts = {**deepcopy(FACTS), "code": code_version(root / "pkg/mean.py"), **changes}
    run = {"commit": "0123456789abcdef", "machine": "2 cores", "again": "make proofs"}
    return {"format": 1, **run, "files": {"mean.py": facts}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with proofs."""
    write(tmp_path, {**TREE, "mkdocs.yml": CONFIG.format(theme="sidelit", more="")})
    prove(tmp_path)
    return tmp_path


def prove(root: Path, **changes: Any) -> None:
    write(root, {"pkg/proofs.json": json.dumps(proofs(root, **changes), indent=2)})


def built(root: Path, capsys: pytest.CaptureFixture[str], **options: Any) -> list[str]:
    """Build the site, and return what was said."""
    capsys.readouterr()
    build(root / "mkdocs.yml", root / "site", **options)
    return [line for line in capsys.readouterr().err.splitlines() if "proofs" in line]


def shown(root: Path) -> str:
    """What the page says is verified, as text."""
    text = (root / "site/pkg/mean.html").read_text()
    details = re.search(r'<details class="verified.*?</details>', text, re.DOTALL)
    return " ".join(re.sub("<[^>]*>", " ", details[0].replace("<wbr>", "")).split()) if details else ""


# ## The file


TEXT = json.dumps({"format": 1, "files": {"a.py": {**FACTS, "code": "x"}}}, indent=1)
# A text, what stands where it is wrong, and what is said of it
FAULTS = {
    "not JSON": (TEXT[:-2] + "x", "x", "not valid JSON"),
    "a comma": ('{"format": 1\n  "files": {}}', '"files"', "not valid JSON"),
    "a list": ("[]", "[]", "the file has to be an object"),
    "another format": ('{"files": {},\n "format": 2}', "2}", '`"format": 1`'),
    "no format": ('\n{"files": {}}', '{"files', '`"format": 1`'),
    "no code": (TEXT.replace('"code": "x"', '"name": "x"'), '{\n   "name": "Mean', "`code` is missing in `a.py`"),
    "no number": (TEXT.replace("2.22e-16", '"tiny"'), '"tiny"', "`difference` has to be a number"),
    "NaN": (TEXT.replace("2.22e-16", "NaN"), "NaN", "`difference` has to be a number"),
    "no whole number": (TEXT.replace('"runs": 7', '"runs": 7.5'), "7.5", "`runs` has to be a whole number"),
    "a truth for a number": (TEXT.replace('"runs": 7', '"runs": true'), "true", "`runs` has to be a whole number"),
    "no list": (re.sub(r'(?<="passed": )\[[^]]*\]', '"all"', TEXT), '"all"', "`passed` has to be a list"),
    "no text": (TEXT.replace('"two"', "22"), "22\n", "an entry of `passed` has to be text"),
    "no fact": (TEXT.replace('"cases": [', '"cases": [33,'), "33,", "an entry of `cases` has to be an object"),
    "a typing error": (
        TEXT.replace('"against"', '"agianst"'),
        '"statistics.fmean"',
        "no `agianst` here; there",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_what_is_wrong_is_told_with_its_place(case: str) -> None:
    text, mark, message = FAULTS[case]
    found, diagnostics = read_proofs(text, "proofs.json")
    assert found is None
    before = text[: text.rindex(mark)].split("\n")
    assert [(each.path, each.line, each.column) for each in diagnostics] == [
        ("proofs.json", len(before), len(before[-1]) + 1)
    ]
    assert message in diagnostics[0].message
    assert diagnostics[0].rule == "proofs"


def test_a_file_that_is_right_is_read() -> None:
    found, diagnostics = read_proofs(TEXT, "proofs.json")
    assert not diagnostics and found
    assert found.files["a.py"].comparisons[0].difference == 2.22e-16
    assert found.files["a.py"].cases[0].passed == ("one", "two")
    assert read_proofs('{"format": 1}', "")[1] == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(JSON, st.sampled_from([None, 0, 1, "\t"]), st.data())
def test_the_place_of_a_value_is_where_it_stands(value: Any, indent: Any, data: st.DataObject) -> None:
    text, where = json.dumps(value, indent=indent), []
    inner = value
    while isinstance(inner, (dict, list)) and inner and data.draw(st.booleans()):
        keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        where.append(data.draw(st.sampled_from(keys)))
        inner = inner[where[-1]]
    line, column = place_of(text, tuple(where))
    at = sum(len(each) + 1 for each in text.split("\n")[: line - 1]) + column - 1
    assert json.JSONDecoder().raw_decode(text, at)[0] == inner


@pytest.mark.parametrize("text", ["{", b"\xff", "{}", '{"format": 1, "files": 3}', "[" * 100_000])
def test_a_broken_file_costs_one_line_and_no_page(text: Any, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(root, {"pkg/proofs.json": text})
    said = built(root, capsys)
    assert len(said) == 1 and re.match(r".*pkg/proofs\.json:1:\d+: .*no proof is shown \[proofs\]$", said[0])
    assert page(root / "site", "pkg/mean.html").title == "The mean"
    assert shown(root) == ""
    assert not (root / "site/pkg/verified.html").exists()


def test_a_file_that_is_not_there_costs_one_line(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "pkg/proofs.json").unlink()
    (line,) = built(root, capsys)
    assert "pkg/proofs.json:1:1: cannot be read: No such file" in line
    assert (root / "site/pkg/mean.html").exists()


def test_sources_and_tests_that_are_not_there_are_told(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = proofs(root)
    content["files"]["gone.py"] = {"code": "x"}
    for fact, test in (("cases", "../checks/test_mean.py::test_gone"), ("measurements", "../checks/gone.py::test_a")):
        content["files"]["mean.py"][fact][0] = {**FACTS[fact][0], "test": test}
    content["files"]["more.py"] = {"code": "x", "measurements": [{**FACTS["measurements"][0], "test": "nonsense"}]}
    write(root, {"pkg/proofs.json": (text := json.dumps(content, indent=2))})
    lines = text.split("\n")
    said = [line.partition("proofs.json:")[2] for line in built(root, capsys)]
    wanted = [
        ('"gone.py": {', "there is no file `gone.py`; its proof is not shown"),
        ('test_gone"', "there is no test `test_gone` in `../checks/test_mean.py`"),
        ('test_a"', "there is no file `../checks/gone.py`, in which the test `test_a` should be"),
        ('"nonsense"', "`nonsense` names no test"),
    ]
    for (mark, message), line in zip(wanted, said, strict=True):
        assert line.startswith(f"{next(n for n, each in enumerate(lines, 1) if mark in each)}:")
        assert message in line
    assert "test_gone" in shown(root)


# ## The page


def test_a_page_shows_what_is_verified(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert built(root, capsys, strict=True) == []
    assert shown(root) == (
        "Verified : at most 2.2e-16 apart from statistics.fmean over 100 numbers, 2 of 3 cases "
        "What Found "
        "statistics.fmean Python 3.13 at most 2.2e-16 apart 7 runs of 100 numbers in float64 "
        "test_equals checks/test_mean.py:5 "
        "cases.of_others : gives the same 2 of 3 one, two test_equals checks/test_mean.py:5 "
        "Time (all) 1.23 times fmean(x) | 2 "
        "At commit 0123456789ab . 2 cores. Cases that are not named were not tried. All that is verified"
    )
    assert 'class="verified' not in (root / "site/pkg/more.html").read_text()


CHANGES = {
    "a comment": ("pkg/mean.py", "# A remark\n", True),
    "code": ("pkg/mean.py", "y = 1\n", False),
    "a comment in what is imported": ("pkg/parts.py", "# A remark\n", True),
    "code in what is imported": ("pkg/parts.py", "y = 1\n", False),
    "code of the package": ("pkg/__init__.py", "y = 1\n", False),
    "code elsewhere": ("pkg/more.py", "y = 1\n", True),
    "the test": ("checks/test_mean.py", "y = 1\n", True),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_proof_is_current_for_as_long_as_the_code_is_the_same(
    change: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    built(root, capsys)
    file, added, current = CHANGES[change]
    write(root, {file: (TREE[file] + added)})
    assert built(root, capsys) == []
    assert shown(root).startswith("Verified" if current else "Out of date : the code has changed since")
    assert ("make proofs verifies this one" in shown(root)) != current
    row = page(root / "site", "pkg/verified.html").all("tr")[1].text
    assert ("2.2e-16" in row) == ("out of date" not in row) == current


def test_a_proof_of_this_very_version_makes_it_current_again(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(root, {"pkg/mean.py": CODE + "y = 1\n"})
    built(root, capsys)
    assert shown(root).startswith("Out of date")
    prove(root)
    built(root, capsys)
    assert shown(root).startswith("Verified")


def test_who_asks_is_told_what_is_out_of_date(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = (root / "mkdocs.yml").read_text() + "      rules: {outdated-proof: warning}\n"
    write(root, {"mkdocs.yml": config, "pkg/mean.py": CODE + "y = 1\n"})
    (line,) = built(root, capsys)
    assert "pkg/proofs.json:7:16: the proof of `pkg/mean.py` is out of date, its code has changed: run `make" in line


def keys(root: Path) -> set[str]:
    """The keys of the pages in the cache."""
    with closing(sqlite3.connect(root / "cache/cache.sqlite3")) as database:
        return {key for (key,) in database.execute("SELECT key FROM entries WHERE kind = 'page'")}


def test_only_a_page_with_another_proof_is_made_again(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    built(root, capsys)
    first, page_of_first = keys(root), (root / "site/pkg/mean.html").read_bytes()
    built(root, capsys)
    assert keys(root) == first
    assert (root / "site/pkg/mean.html").read_bytes() == page_of_first
    prove(root, name="The mean")
    built(root, capsys)
    assert len(keys(root) - first) == 1


def test_uncommitted_changes_are_told(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(root, {"pkg/proofs.json": json.dumps({**proofs(root), "uncommitted": True})})
    built(root, capsys)
    assert "0123456789ab , with changes that are in no commit." in shown(root)
    assert "with changes that are in no commit" in page(root / "site", "pkg/verified.html").text


def test_names_are_text(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = "<script>alert(1)</script> *a* \\(x\\) `b` $c$ |"
    change = [{**FACTS["comparisons"][0], "against": evil}]
    prove(root, name=evil, comparisons=change)
    assert built(root, capsys, strict=True) == []
    row = page(root / "site", "pkg/verified.html").all("td")
    assert [each.text for each in row[:2]] == [evil, evil]
    assert "<script>alert" not in (root / "site/pkg/mean.html").read_text()


# ## The tests


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@a.invalid")
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def links(root: Path) -> list[str]:
    return [each for each in page(root / "site", "pkg/mean.html").references if "test_mean" in each and "#" in each]


def test_a_test_leads_to_its_line_in_the_repository(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = "repo_url: https://github.com/o/r\nedit_uri: edit/main/docs/\n"
    write(root, {"mkdocs.yml": CONFIG.format(theme="sidelit", more=more), ".gitignore": "cache\nsite\n"})
    git(root, "init")
    git(root, "add", "-A")
    git(root, "commit", "-m", "a commit")
    built(root, capsys)
    commit = git(root, "rev-parse", "HEAD")
    assert links(root) == [f"https://github.com/o/r/blob/{commit}/checks/test_mean.py#L5-L5"] * 2
    assert not list((root / "site").rglob("test_mean*"))


def test_without_a_repository_it_leads_to_the_page_of_the_test(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = (root / "mkdocs.yml").read_text().replace("[pkg]", "[pkg, {path: checks, at: pkg/checks}]")
    write(root, {"mkdocs.yml": config})
    built(root, capsys)
    assert links(root) == ["checks/test_mean.html#L5"] * 2
    assert "L5" in page(root / "site", "pkg/checks/test_mean.html").ids


def test_where_there_is_neither_its_place_is_written_out(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    built(root, capsys)
    assert links(root) == []
    assert "checks/test_mean.py:5" in shown(root)


# ## Elsewhere


def test_a_site_without_a_configuration_takes_the_proofs_of_the_project(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(root, {"pyproject.toml": '[tool.sidelit]\nproofs = "pkg/proofs.json"\n'})
    monkeypatch.chdir(root)
    assert sidelit("build", "pkg", "-o", "site", "--strict").status == 0
    assert shown(root).startswith("Verified")
    assert page(root / "site", "pkg/verified.html").title == "Verified"


def test_the_check_looks_at_proofs_too(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)

    def found() -> list[str]:
        return [line for line in sidelit("check", ".").out.splitlines() if "proofs.json" in line]

    assert found() == []
    write(root, {"pkg/mean.py": CODE + "y = 1\n"})
    assert [line.rpartition(" ")[2] for line in found()] == ["[outdated-proof]"]
    write(root, {"pkg/proofs.json": "{}"})
    assert [line.rpartition(" ")[2] for line in found()] == ["[proofs]"]


def test_a_page_of_ones_own_comes_first(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(root, {"docs/pkg/verified.md": "# Mine\n"})
    built(root, capsys)
    assert page(root / "site", "pkg/verified.html").title == "Mine"
    assert "verified.html" in page(root / "site", "pkg/mean.html").references


def test_the_server_watches_the_proofs(root: Path) -> None:
    config = load(root / "mkdocs.yml", site_dir=str(root / "site"), strict=False)
    assert root / "pkg/proofs.json" in set(_watched(config))


@pytest.mark.parametrize("theme", ["sidelit", "material"])
@pytest.mark.parametrize("script", [True, False])
def test_a_reader_opens_it(
    theme: str, script: bool, root: Path, browser: Browser, serve_folder: Callable[[Path], str],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    named = "{name: material, font: false}" if theme == "material" else theme
    write(root, {"mkdocs.yml": CONFIG.format(theme=named, more="")})
    built(root, capsys)
    address = serve_folder(root / "site")
    view = browser.new_page(viewport={"width": 390, "height": 844}, java_script_enabled=script)
    view.goto(f"{address}pkg/mean.html")
    table = view.locator(".verified table")
    expect(table).to_be_hidden()
    view.locator(".verified summary").click()
    expect(table).to_be_visible()
    row = table.locator("tbody tr").first
    expect(row).to_contain_text("at most 2.2e-16 apart")

    # Nothing is cut off, and nothing scrolls sideways.
    box, outer = table.bounding_box(), view.locator(".verified").bounding_box()
    assert box and outer and box["width"] <= outer["width"] + 1 <= 391

    # From the page with all proofs, one arrives at the open table.
    view.goto(f"{address}pkg/verified.html")
    view.locator("a[href*='what-is-verified']").first.click()
    expect(table).to_be_visible()
    view.close()


def test_paper_shows_all_of_it(
    root: Path, browser: Browser, serve_folder: Callable[[Path], str], capsys: pytest.CaptureFixture[str]
) -> None:
    built(root, capsys)
    view = browser.new_page()
    view.goto(f"{serve_folder(root / 'site')}pkg/mean.html")
    expect(view.locator(".verified tbody tr").first).to_be_hidden()
    view.emulate_media(media="print")
    expect(view.locator(".verified tbody tr").first).to_be_visible()
    view.close()
