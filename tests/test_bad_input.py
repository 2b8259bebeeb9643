"""
# What is wrong in the input

Whatever a tree holds, each file gets its page, or one line that says where and why; every other page is built, and
nothing is written outside the output folder.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from building import BIN, Html, dead_links, own_cache, page, run, search_index, sidelit, snapshot, write

__all__ = ["own_cache"]

GOOD = '"""\n# Good\n\nHere is $x^2$.\n"""\n\n# Prose.\nx = 1\n'


def built(folder: Path, *, wrong: list[str]) -> Path:
    """
    Build `tree` twice, strictly and not, and return the site.

    `wrong` has a pattern for each line of complaint, in any order; there are no others. All is well without.
    """
    before = snapshot(folder)
    here = Path.cwd()
    os.chdir(folder)
    try:
        strict = sidelit("build", "tree", "-o", "site", "--strict")
        tolerant = sidelit("build", "tree", "-o", "site")
    finally:
        os.chdir(here)

    complaints = sorted(tolerant.lines)
    assert len(complaints) == len(wrong), complaints
    for pattern in wrong:
        assert [line for line in complaints if re.fullmatch(pattern, line)], (pattern, complaints)
    assert strict.status == (1 if wrong else 0), strict.err
    assert tolerant.status == 0, tolerant.err
    if wrong:
        assert strict.lines[-1].startswith(f"sidelit: {len(wrong)} problem")
        assert sorted(strict.lines[:-1]) == complaints

    site = folder / "site"
    assert page(site, "tree/good.html").title == "Good"
    assert "mjx-container" in page(site, "tree/good.html").text
    assert {name: value for name, value in snapshot(folder).items() if name.split("/")[0] != "site"} == before
    return site


def one(folder: Path, content: str | bytes, *, wrong: list[str] | None = None) -> Html:
    """Build a tree with `bad.py` beside a good file; return the page of the former."""
    write(folder / "tree", {"good.py": GOOD, "bad.py": content})
    site = built(folder, wrong=wrong or [])
    assert not dead_links(site)
    return page(site, "tree/bad.html")


# ## Strange, and right


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", ""),
        (b"\n\n  \n", ""),
        (b"# One\n# and two.\n\n# Three.\n", ""),
        (b"x = 1", "x = 1"),
        (b'\xef\xbb\xbf"""\n# Marked\n"""\nx = 1\n', "x = 1"),
        (b'"""\r\n# Marked\r\n"""\r\n\r\n# Prose\r\nx = 1\r\ny = 2\r\n', "x = 1\ny = 2"),
        (b'"""\r# Marked\r"""\rx = 1\ry = 2\r', "x = 1\ny = 2"),
        (b"# -*- coding: latin-1 -*-\nx = '\xe9'\n", "# -*- coding: latin-1 -*-\nx = 'é'"),
        (b"class A:\n\t# Prose\n\tdef f(self):\n\t\treturn\t1\n", "class A:\n\tdef f(self):\n\t\treturn\t1"),
        (b'"""\n# Fed\n"""\n\x0c\n# Prose\nx = 1\n\x0c\ndef f(): ...\n', "x = 1\ndef f(): ..."),
        ("x = 'a\u2028b\x85c'\ny = 2\n".encode(), "x = 'a\u2028b\x85c'\ny = 2"),
        (b'def f():\n    """He said "yes\\""""\n    return 1\n', "def f():\n    return 1"),
        (b"def f():\n    '''The \"word\"'''\n    return 1\n", "def f():\n    return 1"),
        (b'def f():\n    """A \'\'\'b\'\'\' and \\"."""\n    x = \'\'\'a """ b\'\'\'\n', "    x = '''a \"\"\" b'''"),
        (b"# It costs $x and never closes.\nx = 1\n", "x = 1"),
        (b"# It costs $5 and $6.\nx = 1\n", "x = 1"),
        (b'"""\n---\n---\n# Nothing in front\n"""\nx = 1\n', "x = 1"),
    ],
    ids=[
        "empty", "blank", "only-comments", "no-last-newline", "bom", "crlf", "cr", "latin-1", "tabs", "form-feeds",
        "line-separators", "quote-before-the-end", "quotes-at-the-end", "nested-quotes", "unclosed-dollar", "dollars",
        "empty-front-matter",
    ],
)  # fmt: skip
def test_a_strange_file_gets_its_page(tmp_path: Path, content: bytes, code: str) -> None:
    html = one(tmp_path, content)
    shown = html.code.replace("\x0c\n", "").replace("\n\x0c", "")
    assert shown.endswith(code)
    assert html.all("h1")


def test_comments_alone_are_prose(tmp_path: Path) -> None:
    html = one(tmp_path, "# One\n# and two.\n\n# Three.\n")
    assert "One\nand two." in html.text
    assert "Three." in html.text


def test_a_long_file_gets_its_page(tmp_path: Path) -> None:
    write(tmp_path / "tree", {"long.py": "".join(f"# Line {n}.\nx{n} = {n}\n\n" for n in range(16667))})
    ran = sidelit("build", tmp_path / "tree", "-o", tmp_path / "site", "--strict")
    assert ran.status == 0, ran.err
    text = (tmp_path / "site/tree/long.html").read_text()
    assert text.count('<section class="section"') == 16668
    assert 'id="L50000"' in text
    assert "Line 16666." in text


def test_deeply_nested_code_gets_its_page(tmp_path: Path) -> None:
    one(tmp_path, f"x = {'(' * 500}{')' * 500}\n", wrong=[r"tree/bad\.py:1:\d+: .*nested.* \[syntax\]"])


# ## Wrong, and said so


@pytest.mark.parametrize(
    ("content", "complaint", "shown"),
    [
        (b"# Prose\nx = 1\n\ndef f(:\n    pass\n", r":4:7: .*invalid syntax.*\[syntax\]", "def f(:"),
        (b"x = '''never closed\ny = 2\n", r":1:5: .*\[syntax\]", "never closed"),
        (b"def f():\n        x = 1\n    y = 2\n", r":3:\d+: .*\[syntax\]", "y = 2"),
        (b"x = 1\n\x00\n# caf\n", r":2:1: .*NUL.*\[syntax\]", "x = 1"),
        (b"y = 1\nx = '\xe9'\n", r":2:6: .*utf-8.*\[encoding\]", "x = "),
        (b"# coding: ascii\nx = '\xc3\xa9'\n", r":2:6: .*ascii.*\[encoding\]", "x = "),
        (b"# coding: klingon\nx = 1\n", r":1:1: .*klingon.*\[encoding\]", "x = 1"),
        (b'"""\n---\ntitle: [open\n---\n# H\n"""\nx = 1\n', r":3:\d+: .*YAML.*\[front-matter\]", "x = 1"),
        (b'"""\n---\n- a\n---\n# H\n"""\nx = 1\n', r":\d+:1: .*\[front-matter\]", "x = 1"),
        (b'"""\n---\ntitle: {a: b}\n---\n# H\n"""\nx = 1\n', r":3:1: .*title.*\[front-matter\]", "x = 1"),
        (b'r"""\n# H\n\nAll is $a + \\frac{1$ lost.\n"""\nx = 1\n', r":4:8: .*\[tex\]", "x = 1"),
        (b"# Text\n# $$ x^2\n\nx = 1\n", r":2:3: .*\[math\]", "x = 1"),
        (b"# See [it](nowhere.py).\nx = 1\n", r":1:\d+: .*nowhere\.py.*\[link\]", "x = 1"),
        (b"# See [it](good.py#nothing).\nx = 1\n", r":1:\d+: .*#nothing.*\[anchor\]", "x = 1"),
    ],
    ids=[
        "syntax", "open-string", "indentation", "nul", "undeclared-encoding", "wrong-encoding", "unknown-encoding",
        "yaml", "yaml-list", "yaml-type", "tex", "open-display", "no-such-file", "no-such-anchor",
    ],
)  # fmt: skip
def test_a_wrong_file_gets_its_page_and_one_line(tmp_path: Path, content: bytes, complaint: str, shown: str) -> None:
    write(tmp_path / "tree", {"good.py": GOOD, "bad.py": content})
    site = built(tmp_path, wrong=[r"tree/bad\.py" + complaint])
    assert shown in page(site, "tree/bad.html").code


def test_many_faults_are_all_named(tmp_path: Path) -> None:
    write(tmp_path / "tree", {"good.py": GOOD, "a.py": "def f(:\n", "b.py": b"# \xff", "sub/c.py": "# $\\nope$\n"})
    built(tmp_path, wrong=[r"tree/a\.py:1:7: .*", r"tree/b\.py:1:3: .*", r"tree/sub/c\.py:1:4: .*"])


def test_scripts_do_not_survive(tmp_path: Path) -> None:
    prose = (
        "# <script>alert(1)</script> [a](javascript:alert(2)) <a href='javascript:alert(3)'>b</a>\n"
        '# <img src="good.py" onerror=alert(4)> [c](data:text/html,alert) <iframe src="https://a.invalid"></iframe>\n'
        "# <svg onload=alert(5)></svg> [d]( JaVaScRiPt:alert(6)) `</script><script>alert(7)` <style>p {}</style>\n"
        "# [e](&#106;avascript:alert(8)) <a href='java\tscript:alert(9)'>f</a> <b style='x' onclick='alert(10)'>g</b>\n"
        "# <form action='https://a.invalid'><input></form> <base href='https://a.invalid'> <meta http-equiv=refresh>\n"
    )
    code = 'x = "</script><script>alert(11)"\n'
    write(tmp_path / "tree", {"bad.py": prose + code, "readme.md": prose.replace("# ", "")})
    assert sidelit("build", tmp_path / "tree", "-o", tmp_path / "site").status == 0
    for address in ("tree/bad.html", "tree/readme.html"):
        html = page(tmp_path / "site", address)
        ours = html.elements[[e.attributes.get("id") for e in html.elements].index("container") :]
        assert not {"iframe", "style", "svg", "form", "base", "meta"} & {e.tag for e in ours}
        for element in html.elements:
            assert element.tag != "script" or (element.attributes["src"] and not element.text)
            assert not [name for name in element.attributes if name.startswith("on")]
        for reference in html.references:
            read_by_browsers = re.sub(r"[\t\r\n]", "", reference).strip().lower()
            assert not read_by_browsers.startswith(("javascript:", "data:", "https:", "http:")), reference


def test_tex_cannot_set_addresses(tmp_path: Path) -> None:
    html = one(tmp_path, r"# Evil: $\href{javascript:alert(1)}{x}$" + "\n", wrong=[r"tree/bad\.py:1:9: .*\[tex\]"])
    assert not [each for each in html.references if "javascript" in each]


def test_front_matter_and_names_are_escaped(tmp_path: Path) -> None:
    evil = '"><script>alert(1)</script>&amp;'
    content = f"'''\n---\ntitle: '{evil}'\nsummary: '{evil}'\nimage: '{evil}'\n---\n'''\nx = 1\n"
    html = one(tmp_path, content, wrong=[r"tree/bad\.py:5:1: .*leads nowhere.*\[image\]"])
    assert not [each for each in html.all("script") if not each.attributes.get("src")]
    meta = [each.attributes for each in html.all("meta")]
    assert [each["content"] for each in meta if each.get("name") == "description"] == [evil]
    assert html.title == evil


# ## Files that are none, or want the same place


def test_two_sources_want_the_same_page(tmp_path: Path) -> None:
    files = {
        "good.py": GOOD,
        "readme.md": "# By hand\n", "readme.py": '"""\n# Code\n"""\n',
        "a/__init__.py": '"""\n# Package\n"""\n', "a/index.py": '"""\n# Index\n"""\n',
    }  # fmt: skip
    site = built(
        write(tmp_path, {f"tree/{name}": text for name, text in files.items()}),
        wrong=[
            r"tree/readme\.py:1:1: .*tree/readme\.html.*tree/readme\.md.*\[address\]",
            r"tree/a/index\.py:1:1: .*tree/a/index\.html.*tree/a/__init__\.py.*\[address\]",
        ],
    )
    assert page(site, "tree/readme.html").title == "By hand"
    assert page(site, "tree/a/index.html").title == "Package"


def test_links_out_of_the_tree_are_not_published(tmp_path: Path) -> None:
    write(tmp_path, {"outside/secret.py": "# Secret\nx = 1\n", "outside/a.png": b"PNG", "tree/good.py": GOOD})
    tree = tmp_path / "tree"
    (tree / "link.py").symlink_to("../outside/secret.py")
    (tree / "readme.md").symlink_to("../outside/secret.py")
    (tree / "folder").symlink_to("../outside")
    (tree / "nothing.py").symlink_to("../outside/nothing.py")
    (tree / "image.png").symlink_to("../outside/a.png")
    write(tree, {"shows.py": "# ![a](image.png) ![b](../outside/a.png)\nx = 1\n"})
    # Links within the tree are as good as files; one to a folder above itself has no end and is not followed.
    (tree / "inner.py").symlink_to("good.py")
    (tree / "again").symlink_to(".")
    site = built(
        tmp_path,
        wrong=[
            r"tree/link\.py:1:1: .*\[link-out-of-tree\]",
            r"tree/readme\.md:1:1: .*\[link-out-of-tree\]",
            r"tree/folder:1:1: .*\[link-out-of-tree\]",
            r"tree/nothing\.py:1:1: .*\[link-out-of-tree\]",
            r"tree/shows\.py:1:8: .*image\.png.*\[image\]",
            r"tree/shows\.py:1:\d+: .*outside/a\.png.*\[image\]",
        ],
    )
    assert page(site, "tree/inner.html").title == "Good"
    assert not re.search("secret|png", " ".join(snapshot(site)))
    assert "Secret" not in str(snapshot(site))


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    tree = write(tmp_path / "tree", {"good.py": GOOD, "folder.py/a.py": GOOD})
    (tree / "loop.py").symlink_to("loop.py")
    os.mkfifo(tree / "pipe.py")
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        ran = sidelit("build", "tree", "-o", "site")
    finally:
        os.chdir(here)
    assert ran.status == 0
    assert sorted(line[:16] for line in ran.lines) == ["tree/loop.py:1:1", "tree/pipe.py:1:1"]
    assert page(tmp_path / "site", "tree/folder.py/a.html").title == "Good"


def test_a_name_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    write(tmp_path / "tree", {"good.py": GOOD, os.fsdecode(b"b\xff.py"): GOOD, os.fsdecode(b"d\xff/a.py"): GOOD})
    built(tmp_path, wrong=[r"tree/b\\udcff\.py:1:1: .*UTF-8.*", r"tree/d\\udcff/a\.py:1:1: .*UTF-8.*"])


def test_a_name_that_is_not_utf8_may_be_given(tmp_path: Path) -> None:
    file, folder, out = (os.fsdecode(name) for name in (b"b\xff.py", b"d\xff", b"out\xff"))
    write(tmp_path, {file: GOOD, f"{folder}/a.py": GOOD, "tree/good.py": GOOD})
    for source, shown in ((file, r"b\udcff.py"), (folder, r"d\udcff/a.py")):
        for command in (("build", source, "tree", "-o", "site"), ("check", source)):
            ran = run("sidelit", *command, cwd=tmp_path)
            assert f"{shown}:1:1: a name that is not UTF-8 has no address; rename it" in ran.out + ran.err
            assert "Traceback" not in ran.err
    assert page(tmp_path / "site", "tree/good.html").title == "Good"

    # What becomes one file needs no address.
    assert run("sidelit", "notebook", file, "-o", "a.ipynb", cwd=tmp_path).status == 0
    assert run("sidelit", "standalone", f"{file}:x", "-o", "a.py", cwd=tmp_path).status == 0
    assert r"b\udcff" in (tmp_path / "a.py").read_text()
    assert r"b\udcff" in run("sidelit", "standalone", f"{file}:x", cwd=tmp_path).out
    subprocess.run([BIN / "sidelit", "build", "tree", "-o", out], cwd=tmp_path, capture_output=True, check=True)
    assert page(tmp_path / out, "tree/good.html").title == "Good"


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    write(tmp_path, {"tree/good.py": GOOD})
    for command in ("build", "check", "sections", "standalone", "notebook", "assets"):
        gone = tmp_path / "gone"
        gone.mkdir()
        script = f"rmdir {gone}; exec {BIN / 'sidelit'} {command} {tmp_path / 'tree' / 'good.py'}"
        ran = subprocess.run(["sh", "-c", script], cwd=gone, capture_output=True, text=True)
        assert (ran.returncode, ran.stdout) == (2, "")
        assert ran.stderr == "sidelit: the current folder: No such file or directory; go to another\n"


NAMES = [
    "na me", "ünïcode", "ha#sh", "que?ry", "per%cent", "pe%20r", "am&p", "quo'te", 'quo"te', "<b>bold", "a+b", "a;b",
    "back`tick", "[br](ackets)", "$x$", "star*", "__x__", "{{ x }}", "{% x %}",
]  # fmt: skip


def test_any_name_makes_a_page_that_can_be_found(tmp_path: Path) -> None:
    links = "\n".join(f"* [{number}](<{_quoted(name)}.py#f>)" for number, name in enumerate(NAMES))
    files = {f"{name}.py": "def f():\n    pass\n" for name in NAMES} | {f"{name}/mod.py": GOOD for name in NAMES}
    write(tmp_path / "tree", {"good.py": GOOD, "links.py": f'"""\n# Links\n\n{links}\n"""\n', **files})
    # A folder is named once, and so is a file.
    refused = [re.escape(name) for name in NAMES if re.search('[?<>"*]', name)]
    site = built(
        tmp_path,
        wrong=[
            *(rf"tree/{name}\.py:1:1: Windows refuses .* as in `tree/{name}\.html`; .*" for name in refused),
            *(rf"tree/{name}/mod\.py:1:1: Windows refuses .* as in `tree/{name}`; .*" for name in refused),
        ],
    )
    assert not dead_links(site)
    for name in NAMES:
        html = page(site, f"tree/{name}.html")
        assert html.title == f"tree.{name}" or html.title == name
        assert not html.all("b")
        assert "<b>bold" not in html.text
        assert f"tree/{name}.py" in [" ".join(each.text.split()) for each in html.all("p", "source")]
    assert len([each for each in page(site, "tree/links.html").references if each.endswith("#f")]) == len(NAMES)
    places = [unquote(url) for url, _, _ in search_index(site)["pages"]]
    assert len(places) > 2 * len(NAMES)
    assert all((site / place).is_file() for place in places)


def _quoted(name: str) -> str:
    return "".join(f"%{byte:02X}" if chr(byte) not in "abcxyz_" else chr(byte) for byte in name.encode())


def test_an_unreadable_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "tree", {"good.py": GOOD, "closed/a.py": GOOD})
    # Root may read everything, so the system is made to refuse.
    scandir = os.scandir

    def refusing(path: str = ".") -> Iterator[os.DirEntry[str]]:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    monkeypatch.chdir(tmp_path)
    ran = sidelit("build", "tree", "-o", "site")
    assert ran.status == 0
    assert [line.split(": ")[0] for line in ran.lines] == ["tree/closed:1:1"]
    assert "Permission denied" in ran.err
    assert page(tmp_path / "site", "tree/good.html").title == "Good"


def test_an_unreadable_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "tree", {"good.py": GOOD, "closed.py": GOOD, "a/readme.md": "# Closed\n"})
    read = Path.read_bytes

    def refusing(path: Path) -> bytes:
        if path.name in ("closed.py", "readme.md"):
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refusing)
    monkeypatch.chdir(tmp_path)
    ran = sidelit("build", "tree", "-o", "site")
    assert ran.status == 0
    assert sorted(line.split(": ")[0] for line in ran.lines) == ["tree/a/readme.md:1:1", "tree/closed.py:1:1"]
    assert page(tmp_path / "site", "tree/good.html").title == "Good"


# ## Folders of the site's


def test_an_output_folder_that_cannot_be(tmp_path: Path) -> None:
    write(tmp_path, {"tree/good.py": GOOD, "file": "mine", "full/mine.txt": "mine"})
    (tmp_path / "dangling").symlink_to("nowhere")
    before = snapshot(tmp_path)
    for folder in ("file", "file/site", "full", "dangling", "/proc/sidelit", "/proc/self/nothing/site", "x" * 300):
        ran = run("sidelit", "build", "tree", "-o", folder, cwd=tmp_path)
        assert ran.status == 1, folder
        assert ran.out == ""
        assert len(ran.lines) == 1
        assert ran.err.startswith(f"sidelit: {folder}: "), ran.err
        assert snapshot(tmp_path) == before


def test_a_source_that_is_not_there(tmp_path: Path) -> None:
    ran = run("sidelit", "build", "nothing", "-o", "site", cwd=tmp_path)
    assert ran.status == 2
    assert "nothing" in ran.err
    assert snapshot(tmp_path) == {}


def test_a_tree_without_sources(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    ran = run("sidelit", "build", "tree", "-o", "site", "--strict", cwd=tmp_path)
    assert ran.status == 1
    assert ran.lines[0].startswith("tree:1:1: ")


# ## Markdown of the site's own


def test_markdown_that_is_not_utf8(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "mkdocs.yml": "site_name: S\ntheme: sidelit\nplugins: [search, {sidelit: {sources: [tree]}}]\n",
            "docs/index.md": "# Home\n",
            "docs/bad.md": b"# Title\n\nA caf\xe9.\n",
            "tree/good.py": GOOD,
            "tree/readme.md": b"# Read\n\n\xff\n",
        },
    )
    ran = run("python", "-c", BUILD, cwd=tmp_path)
    assert ran.status == 0, ran.err
    assert sorted(line.split(": ")[0] for line in ran.lines) == ["docs/bad.md:3:6", "tree/readme.md:3:1"]
    assert page(tmp_path / "site", "bad/index.html").title == "Title"
    assert page(tmp_path / "site", "index.html").title == "Home"
    assert page(tmp_path / "site", "tree/good/index.html").title == "Good"
    strict = run("python", "-c", BUILD.replace("False", "True"), cwd=tmp_path)
    assert strict.status == 1
    assert strict.lines[-1].startswith("failed: 2 problems")


def test_links_out_of_docs_are_not_published(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "mkdocs.yml": "site_name: S\ntheme: sidelit\nplugins: [search, {sidelit: {sources: [tree]}}]\n",
            "docs/index.md": "# Home\n",
            "outside/secret.md": "# Secret\n",
            "outside/secret.txt": "Secret\n",
            "tree/good.py": GOOD,
        },
    )
    (tmp_path / "docs" / "file.md").symlink_to("../outside/secret.md")
    (tmp_path / "docs" / "folder").symlink_to("../outside")
    (tmp_path / "docs" / "inside.md").symlink_to("index.md")
    (tmp_path / "docs" / "nothing.md").symlink_to("../nothing.md")
    (tmp_path / "docs" / "loop.md").symlink_to("loop.md")
    ran = run("python", "-c", BUILD, cwd=tmp_path)
    assert ran.status == 0, ran.err
    told = {line.split(": ")[0] for line in ran.lines}
    assert {"docs/file.md:1:1", "docs/folder/secret.md:1:1", "docs/folder/secret.txt:1:1"} <= told
    assert not [name for name in snapshot(tmp_path / "site") if "secret" in name or "file" in name]
    assert "Secret" not in str(snapshot(tmp_path / "site"))
    assert page(tmp_path / "site", "inside/index.html").title == "Home"


def test_what_mkdocs_could_not_read_in_docs_is_named(tmp_path: Path) -> None:
    config = "site_name: S\ntheme: sidelit\nplugins: [search, {sidelit: {sources: [tree]}}]\n"
    name = os.fsdecode(b"docs/b\xff.md")
    write(tmp_path, {"mkdocs.yml": config, "docs/index.md": "# Home\n", name: "# B\n", "docs/a/b/x.md": "# X\n"})
    write(tmp_path, {"tree/good.py": GOOD})
    os.mkfifo(tmp_path / "docs" / "pipe.md")
    os.mkfifo(tmp_path / "docs" / "pipe.png")
    (tmp_path / "docs" / "itself").symlink_to(".")
    (tmp_path / "docs" / "a" / "b" / "up").symlink_to("..")
    (tmp_path / "docs" / "other").symlink_to("a/b")
    ran = run("python", "-c", BUILD, cwd=tmp_path)
    assert ran.status == 0, ran.err
    told = sorted(line.split(": ")[0] for line in ran.lines)
    names = [r"docs/a/b/up", r"docs/b\udcff.md", "docs/itself", "docs/other/up", "docs/pipe.md", "docs/pipe.png"]
    assert told == [f"{each}:1:1" for each in names]
    assert page(tmp_path / "site", "other/x/index.html").title == "X"


# What `build_site.py` does, for the folder at hand.
BUILD = """
import sys
from pathlib import Path
from sidelit.hosts.site import SiteError, build
try:
    build(Path("mkdocs.yml"), Path("site"), strict=False)
except SiteError as error:
    sys.exit(f"failed: {error}")
"""


# ## While serving


def test_a_source_that_vanishes_while_serving(tmp_path: Path) -> None:
    tree = write(tmp_path / "tree", {"good.py": GOOD, "gone.py": '"""\n# Gone\n"""\n'})
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [BIN / "sidelit", "serve", "tree", "--address", f"127.0.0.1:{port}"]
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=subprocess.STDOUT) as server,
    ):
        try:
            address = f"http://127.0.0.1:{port}/tree/"
            assert "Gone" in fetched(address + "gone.html", lambda text: text is not None)
            (tree / "gone.py").unlink()
            assert fetched(address + "gone.html", lambda text: text is None) is None
            assert "Good" in fetched(address + "good.html", lambda text: text is not None)
            write(tree, {"new.py": '"""\n# New\n"""\n', "good.py": GOOD.replace("Good", "Better")})
            assert "New" in fetched(address + "new.html", lambda text: text is not None)
            assert "Better" in fetched(address + "good.html", lambda text: text is not None and "Better" in text)
            assert server.poll() is None
        finally:
            server.terminate()
            server.wait(10)
        log.seek(0)
        assert b"Traceback" not in log.read()
    assert sorted(snapshot(tmp_path)) == ["tree", "tree/good.py", "tree/new.py"]


def fetched(address: str, enough) -> str | None:  # type: ignore[no-untyped-def]
    """What the server answers, `None` for no such page, as soon as it is `enough`; a build takes its time."""
    for _ in range(150):
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            text = None
            assert error.code == 404
        except OSError:
            time.sleep(0.1)
            continue
        if enough(text):
            return text
        time.sleep(0.1)
    raise AssertionError(f"{address} did not come to be what it should")
