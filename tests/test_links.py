from __future__ import annotations

import difflib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelit.links import Anchors, SiteMap, Target, relative_url, resolve, url_of
from sidelit.spelling import FEW, Spelling

ADAM = Target("optimizers/adam.html", Anchors(frozenset({"Adam", "Adam.step_param"}), lines=((3, 9), (20, 200))))
INDEX = Target("optimizers/index.html", Anchors(frozenset({"module"}), lines=()))
GUIDE = Target("guide.html", {"first-steps"})
IMAGE = Target("optimizers/plot%201.svg")
SITE = SiteMap(
    {
        "optimizers/adam.py": ADAM,
        "optimizers/__init__.py": INDEX,
        "guide.md": GUIDE,
        "optimizers/plot 1.svg": IMAGE,
    },
    {
        "optimizers/adam.html": "optimizers/adam.py",
        "optimizers": "optimizers/__init__.py",
        "labml_nn/optimizers/adam.py": "optimizers/adam.py",
    },
)
PLACES = ("optimizers/radam.py", "labml_nn/optimizers/radam.py")
OWN = Target("optimizers/radam.html", Anchors(frozenset({"RAdam"}), lines=((1, 50),)))


@pytest.mark.parametrize(
    ("raw", "href"),
    [
        ("adam.py", "adam.html"),
        ("./adam.py", "adam.html"),
        ("adam.html", "adam.html"),
        ("adam.py#Adam.step_param", "adam.html#Adam.step_param"),
        ("adam.py#L200", "adam.html#L200"),
        ("adam.py?x=1#Adam", "adam.html?x=1#Adam"),
        ("__init__.py", "index.html"),
        (".", "index.html"),
        ("../guide.md#first-steps", "../guide.html#first-steps"),
        ("plot%201.svg", "plot%201.svg"),
        ("plot 1.svg", "plot%201.svg"),
        ("../../labml_nn/optimizers/adam.py", "adam.html"),
        ("#RAdam", "#RAdam"),
        ("#L50", "#L50"),
        ("/somewhere/else", "/somewhere/else"),
    ],
)
def test_what_leads_somewhere(raw: str, href: str) -> None:
    resolved = resolve(raw, PLACES, SITE, OWN)
    assert (resolved.href, resolved.problem) == (href, "")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("adm.py", "did you mean `adam.py`?"),
        ("xyzzy.txt", "no source of this site is there"),
        ("adam.py#Adam.step_parm", "did you mean `#Adam.step_param`?"),
        ("adam.py#L201", "no `#L201`"),
        ("adam.py#L0", "no `#L0`"),
        ("adam.py#L10", "no `#L10`"),
        ("__init__.py#L1", "no `#L1`"),
        ("#nowhere", "no `#nowhere` on this page"),
        ("http://[", "not a valid address"),
    ],
)
def test_what_leads_nowhere_is_left_and_told(raw: str, said: str) -> None:
    resolved = resolve(raw, PLACES, SITE, OWN)
    assert said in resolved.problem
    assert resolved.href == (raw.replace("adam.py", "adam.html").replace("__init__.py", "index.html"))


@pytest.mark.parametrize(
    ("url", "from_url", "relative"),
    [
        ("a/b.html", "a/c.html", "b.html"),
        ("a/b.html", "index.html", "a/b.html"),
        ("index.html", "a/b/c.html", "../../index.html"),
        ("a/b/", "a/c/", "../b/"),
        ("./", "a/b/", "../../"),
        ("", "a/b/", "../../"),
        ("a/b/", "./", "a/b/"),
        ("a/", "a/", "./"),
    ],
)
def test_one_page_seen_from_another(url: str, from_url: str, relative: str) -> None:
    assert relative_url(url, from_url) == relative


def test_addresses_as_browsers_ask_for_them() -> None:
    assert url_of("a/index.html", use_directory_urls=True) == "a/"
    assert url_of("index.html", use_directory_urls=True) == "./"
    assert url_of("a/index.html", use_directory_urls=False) == "a/index.html"
    assert url_of("ä b.html", use_directory_urls=False) == "%C3%A4%20b.html"


# ## What was probably meant


@given(st.sets(st.text("abc.", max_size=6), max_size=FEW // 2), st.text("abc.", max_size=6))
def test_of_few_names_difflib_finds_the_nearest(names: set[str], name: str) -> None:
    expected = difflib.get_close_matches(name, sorted(names), 1)
    assert Spelling(names).nearest(name) == (expected[0] if expected else "")


def test_of_many_names_one_that_begins_or_ends_alike_is_found() -> None:
    spelling = Spelling([*(f"pkg/module_{number}.py" for number in range(2000)), "pkg/adam.py", "other/radam.py"])
    assert spelling.nearest("pkg/adm.py", 0.8) == "pkg/adam.py"
    assert spelling.nearest("othr/radam.py", 0.8) == "other/radam.py"
    assert spelling.nearest("x" * 10_000) == ""


def test_many_wrong_links_are_told_in_a_time_that_grows_with_their_number() -> None:
    def seconds(number: int) -> float:
        anchors = Anchors(frozenset(f"heading-{each}" for each in range(number)), ())
        site = SiteMap({f"pkg/m{each}.py": Target(f"m{each}.html", anchors) for each in range(number)})
        own = next(iter(site.targets.values()))
        start = time.process_time()
        for each in range(number):
            assert resolve(f"#headin-{each}", ("pkg/m0.py",), site, own).problem
            assert resolve(f"n{each}.py", ("pkg/m0.py",), site, own).problem
        return time.process_time() - start

    # Five times as many take about five times as long, and not 25 times.
    assert seconds(1000) <= 12 * max(seconds(200) for _ in range(2))
