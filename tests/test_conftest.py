"""A test that did not run is named at the end, and fails the run under CI if the machine should have run it."""

from __future__ import annotations

from pathlib import Path
from urllib.request import urlopen

import pytest

pytest_plugins = ["pytester"]

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
CONFTEST = Path(__file__).with_name("conftest.py").read_text()
WITHOUT_BROWSER = CONFTEST + "\nfind_browser = lambda: None\n"


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project with our conftest, two tests, and no browser."""
    pytester.makeini(f"[pytest]\nmarkers = browser: needs one\naddopts = --strict-markers\npythonpath = {SCRIPTS}")
    pytester.makeconftest(WITHOUT_BROWSER)
    pytester.makepyfile("def test_page(browser):\n    pass\n\n\ndef test_sum():\n    assert 1 + 1 == 2\n")
    return pytester


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_what_did_not_run_is_named(
    project: pytest.Pytester, workers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    result = project.runpytest_subprocess(*workers)
    result.stdout.fnmatch_lines(["*did not run*", "*::test_page: *no browser*"])
    assert result.ret == 0


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_under_ci_it_fails(
    project: pytest.Pytester, workers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    assert project.runpytest_subprocess(*workers).ret == 1
    assert project.runpytest_subprocess(*workers, "-m", "not browser").ret == 0


@pytest.fixture
def gpu_project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with our conftest under CI, three cases that need a GPU and one that does not."""
    monkeypatch.setenv("CI", "true")
    pytester.makeini(f"[pytest]\nmarkers = gpu: needs one\naddopts = --strict-markers\npythonpath = {SCRIPTS}")
    pytester.makepyfile(
        "import pytest\n\n"
        "@pytest.mark.gpu\n@pytest.mark.parametrize('n', [1, 2])\ndef test_many(n):\n    assert n < 2\n\n"
        "@pytest.mark.gpu\ndef test_one():\n    pass\n\n"
        "def test_sum():\n    assert 1 + 1 == 2\n"
    )
    return pytester


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_without_a_gpu_its_tests_are_named_and_ci_goes_on(gpu_project: pytest.Pytester, workers: tuple) -> None:
    gpu_project.makeconftest(CONFTEST + "\nhas_gpu = lambda: False\n")
    result = gpu_project.runpytest_subprocess(*workers)
    assert result.ret == 0
    result.assert_outcomes(passed=1, deselected=0 if workers else 3)
    result.stdout.fnmatch_lines(["*did not run*", "*::test_many: no GPU (2 cases)", "*::test_one: no GPU"])

    # Nobody asked for them here.
    result = gpu_project.runpytest_subprocess(*workers, "-m", "not gpu")
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*no GPU*")


def test_with_a_gpu_its_tests_run(gpu_project: pytest.Pytester) -> None:
    gpu_project.makeconftest(CONFTEST + "\nhas_gpu = lambda: True\n")
    result = gpu_project.runpytest_subprocess()
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.no_fnmatch_line("*no GPU*")


def test_a_page_of_a_served_folder(browser, serve_folder, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<title>served</title><script>document.title += ' and run'</script>")
    address = serve_folder(tmp_path)
    assert b"served" in urlopen(address).read()
    page = browser.new_page()
    page.goto(address)
    assert page.title() == "served and run"
    page.close()
