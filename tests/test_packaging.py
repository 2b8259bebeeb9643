"""The wheel, made from the sdist, is all that a reader needs; a package that lacks something is not made."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from sidelit import __version__

ROOT = Path(__file__).resolve().parent.parent

# What packages are made from, besides MathJax.
PYTHON = ("sidelit", "templates", "scripts", "hatch_build.py", "pyproject.toml")
NPM = ("package.json", "package-lock.json", ".npmrc", "requirements.txt")
PAPERS = ("README.md", "LICENSE", "NOTICE", "CHANGELOG.md")


def build(source: Path, target: Path, *kinds: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Build packages of the source tree into the target folder, at a fixed date and with what is installed here."""
    command = [sys.executable, "-m", "build", "--no-isolation", *kinds, "--outdir", str(target), str(source)]
    environment = os.environ | {"SOURCE_DATE_EPOCH": "1700000000"} | environment
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def copy_checkout(target: Path) -> Path:
    """Copy what packages are made from, with a link in place of the large node_modules."""
    for name in (*PYTHON, *NPM, *PAPERS):
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, target / name)
    (target / "node_modules").symlink_to(ROOT / "node_modules")
    return target


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sdist, and the wheel that is made from it."""
    target = tmp_path_factory.mktemp("dist")
    result = build(ROOT, target)
    assert result.returncode == 0, result.stdout + result.stderr
    return next(target.glob("*.tar.gz")), next(target.glob("*.whl"))


def test_the_wheel_holds_the_generator_and_nothing_else(packages: tuple[Path, Path]) -> None:
    names = zipfile.ZipFile(packages[1]).namelist()
    assert len(names) == len(set(names))
    assert {name.split("/")[0] for name in names} == {"sidelit", f"sidelit-{__version__}.dist-info"}
    assert {
        "sidelit/templates/mkdocs_theme.yml",
        "sidelit/mathjax/mathjax/LICENSE",
        "sidelit/mathjax/minisearch/LICENSE.txt",
        "sidelit/mathjax/minisearch/dist/umd/index.js",
        "sidelit/mathjax/@mathjax/mathjax-newcm-font/chtml/woff2/mjx-ncm-n.woff2",
        f"sidelit-{__version__}.dist-info/licenses/LICENSE",
        f"sidelit-{__version__}.dist-info/licenses/NOTICE",
    } <= set(names)


def test_the_wheel_from_the_checkout_is_the_one_from_the_sdist(packages: tuple[Path, Path], tmp_path: Path) -> None:
    assert build(ROOT, tmp_path, "--wheel").returncode == 0
    assert next(tmp_path.glob("*.whl")).read_bytes() == packages[1].read_bytes()


def test_the_sdist_holds_no_npm_folder_and_no_content(packages: tuple[Path, Path]) -> None:
    with tarfile.open(packages[0]) as sdist:
        tops = {name.split("/")[1] for name in sdist.getnames()}
    assert {"sidelit", "templates", "LICENSE", "NOTICE"} <= tops
    assert tops.isdisjoint({"node_modules", "labml_nn", "tests", "docs"})


@pytest.mark.parametrize("lost", ["package-lock.json", "templates/mkdocs_theme.yml", "NOTICE"])
@pytest.mark.parametrize("kind", ["--sdist", "--wheel"])
def test_a_package_that_lacks_something_is_not_made(lost: str, kind: str, tmp_path: Path) -> None:
    checkout, target = copy_checkout(tmp_path), tmp_path / "dist"
    (checkout / lost).unlink()
    if lost == "package-lock.json":
        (checkout / "node_modules").unlink()
    result = build(checkout, target, kind)
    said = result.stdout + result.stderr
    assert result.returncode != 0
    assert len([line for line in said.splitlines() if line.startswith("sidelit cannot be packaged: ")]) == 1, said
    assert "Traceback" not in said
    assert not list(target.glob("*"))


def test_what_comes_from_npm_is_fetched_where_it_is_missing(packages: tuple[Path, Path], tmp_path: Path) -> None:
    checkout = copy_checkout(tmp_path / "clone")
    (checkout / "node_modules").unlink()
    result = build(checkout, tmp_path, "--wheel")
    assert result.returncode == 0, result.stdout + result.stderr
    assert next(tmp_path.glob("*.whl")).read_bytes() == packages[1].read_bytes()


def test_where_npm_fails_it_is_said_and_nothing_is_made(tmp_path: Path) -> None:
    checkout = copy_checkout(tmp_path / "clone")
    (checkout / "node_modules").unlink()
    nowhere = {"npm_config_registry": "http://127.0.0.1:9/", "npm_config_fetch_retries": "0"}
    result = build(checkout, tmp_path, "--wheel", npm_config_cache=str(tmp_path / "cache"), **nowhere)
    (line,) = [line for line in result.stdout.splitlines() + result.stderr.splitlines() if "packaged" in line]
    assert line.startswith("sidelit cannot be packaged: npm cannot fetch MathJax and MiniSearch: ")
    assert result.returncode != 0 and not list(tmp_path.glob("*.whl"))


def test_pre_commit_runs_the_hook_of_this_repository(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text('r"""\n# Bad\n\nSee [it](nothing.py) and $\\frac{$.\n"""\n')
    for arguments in (["init", "--quiet"], ["add", "bad.py"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    command = [sys.executable, "-m", "pre_commit", "try-repo", str(ROOT), "sidelit-check", "--all-files"]
    environment = os.environ | {"PRE_COMMIT_HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert result.returncode == 1, result.stdout + result.stderr
    found = re.findall(r"^bad\.py:(\d+:\d+): .* \[([a-z-]+)\]$", result.stdout, re.MULTILINE)
    assert found == [("4:10", "link"), ("4:26", "tex")], result.stdout


def test_the_wheel_builds_a_page_with_math_in_an_empty_environment(packages: tuple[Path, Path], tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--constraint", ROOT / "requirements.txt", packages[1]], check=True
    )

    package = tmp_path / "small"
    package.mkdir()
    (package / "__init__.py").write_text('r"""\n# Small\n\nA step is $\\theta - \\alpha g$.\n"""\n\nalpha = 1e-3\n')

    # From another folder, so that the checkout is not on the path.
    result = subprocess.run(
        [environment / "bin" / "sidelit", "build", "small", "-o", "site", "--strict"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
    )
    assert result.returncode == 0, result.stdout + result.stderr
    page = next(path for path in (tmp_path / "site").rglob("*.html") if "alpha" in path.read_text())
    html = page.read_text()
    assert "<mjx-container" in html
    assert r"\theta" not in html.split("<main")[1].split("<mjx-container")[0]
    assert list((tmp_path / "site").rglob("*.woff2"))
    assert (tmp_path / "site/assets/sidelit/minisearch.js").is_file()


def lowest() -> str:
    """What the package says that it needs at least, as constraints."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needs = map(Requirement, [*project["dependencies"], *project["optional-dependencies"]["api"]])
    least = {need.name: [each.version for each in need.specifier if each.operator == ">="] for need in needs}
    return "".join(f"{name}=={version}\n" for name, (version,) in least.items())


def other_pythons() -> list[str]:
    """Newer ones that are here: on PATH, or in the folder of a version manager whose names on PATH may run nothing."""
    found = []
    managed = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for name in ("python3.12", "python3.13", "python3.14"):
        for python in (shutil.which(name), *managed.glob(f"versions/*/bin/{name}")):
            command = [python, "-c", "import ensurepip, sys; sys.exit(sys.argv[1] not in sys.version)", name[6:]]
            if python and subprocess.run(command, capture_output=True).returncode == 0:
                found.append(str(python))
                break
    return [each for each in found if Path(each).resolve() != Path(sys.executable).resolve()]


@pytest.mark.parametrize("python", [sys.executable, *other_pythons()], ids=lambda python: Path(python).name)
def test_it_runs_with_the_oldest_libraries_and_on_every_python(
    packages: tuple[Path, Path], python: str, tmp_path: Path
) -> None:
    constraints = tmp_path / "constraints.txt"
    constraints.write_text(lowest() if python == sys.executable else (ROOT / "requirements.txt").read_text())
    subprocess.run([python, "-m", "venv", tmp_path / "environment"], check=True)
    bin = tmp_path / "environment" / "bin"
    wheel = f"{packages[1]}[api]"
    subprocess.run([bin / "python", "-m", "pip", "install", "--quiet", "--constraint", constraints, wheel], check=True)

    # From a copy, so that the generator in the checkout is not on the path.
    for folder in ("sidelit", "labml_nn"):
        shutil.copytree(ROOT / folder, tmp_path / "sources" / folder, ignore=shutil.ignore_patterns("__pycache__"))
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}

    def run(program: Path, *arguments: str) -> str:
        command = [str(program), *arguments]
        result = subprocess.run(command, cwd=tmp_path / "sources", capture_output=True, text=True, env=environment)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    run(bin / "sidelit", "build", "sidelit", "labml_nn", "--output", "../site", "--strict")
    assert "<mjx-container" in next((tmp_path / "site").rglob("adam.html")).read_text()
    sources = [str(path) for path in sorted((ROOT / "tests").glob("*.py"))]
    ours = Path(sys.executable).with_name("sidelit")
    assert run(bin / "sidelit", "sections", *sources) == run(ours, "sections", *sources)
