from __future__ import annotations

from sidelit.hosts.nav import rest_of_nav


def test_pages_get_a_place_by_their_package() -> None:
    uris = ["pkg/b.py", "pkg/__init__.py", "pkg/readme.md", "pkg/sub_part/c.py", "top.py", "other/x.py"]
    assert rest_of_nav(uris, []) == [
        "top.py",
        {"Other": ["other/x.py"]},
        {"Pkg": ["pkg/__init__.py", "pkg/readme.md", "pkg/b.py", {"Sub part": ["pkg/sub_part/c.py"]}]},
    ]


def test_pages_that_have_a_place_keep_it() -> None:
    nav = ["index.md", {"Code": [{"Begin": "pkg/__init__.py"}, {"More": ["./pkg/b.py"]}]}, {"Web": "https://x.org"}]
    assert rest_of_nav(["pkg/__init__.py", "pkg/b.py", "pkg/c.py"], nav) == [{"Pkg": ["pkg/c.py"]}]
    assert rest_of_nav(["pkg/b.py"], nav) == []
