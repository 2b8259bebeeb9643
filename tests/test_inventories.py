from __future__ import annotations

import os
import socket
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelit import inventories
from sidelit.inventories import WEEK, Inventory, load_inventories, read_inventory

HEAD = b"# Sphinx inventory version 2\n# Project: Torch\n# Version: 2\n# The rest is compressed using zlib.\n"
BASE = "https://docs.example/2/"
ZEROS = "torch.zeros py:function 1 generated/torch.zeros.html#$ -\n"


def packed(*entries: str) -> bytes:
    return HEAD + zlib.compress("".join(entries).encode())


def serve(folder: Path, *entries: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "objects.inv").write_bytes(packed(*entries))
    return folder


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


# ## The file


def test_names_of_python_get_the_address_of_their_page() -> None:
    found = read_inventory(
        packed(
            ZEROS,
            "torch.optim.Adam.step py:method 1 optim.html#adam-step Adam.step()\n",
            "torch.nn py:module 0 nn.html#module-$ -\n",
            "len py:function 1 functions.html#$ -\n",
            "Py_INCREF c:function 1 c-api.html#$ -\n",
            "a chapter std:label -1 chapter.html#a A chapter\n",
            "torch.zeros py:data 1 second.html -\n",
        ),
        BASE,
    )
    assert found == {
        "torch.zeros": BASE + "generated/torch.zeros.html#torch.zeros",
        "torch.optim.Adam.step": BASE + "optim.html#adam-step",
        "torch.nn": BASE + "nn.html#module-torch.nn",
        "len": BASE + "functions.html#len",
    }
    inventory = Inventory(found)
    assert inventory.find("builtins.len") == inventory.find("len") == BASE + "functions.html#len"
    assert inventory.find("torch.optim.Adam.step") == BASE + "optim.html#adam-step"
    assert inventory.find("torch.ones") is None and inventory.find("builtins") is None


def test_what_html_would_read_is_escaped() -> None:
    (address,) = read_inventory(packed("x py:data 1 a.html#\"><b>'é -\n"), BASE).values()
    assert address == BASE + "a.html#%22%3E%3Cb%3E%27%C3%A9"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not an inventory"),
        (b"<html>\n\n\n\n\n", "not an inventory"),
        (b"# Sphinx inventory version 1\n#\n#\n#\n", "not an inventory"),
        (HEAD, "its end is missing"),
        (HEAD + b"no zlib", "damaged"),
        (packed(ZEROS)[:-3], "its end is missing"),
        (HEAD + zlib.compress(b"\xff py:data 1 a -\n"), "damaged"),
        (packed("x py:data 1 javascript:alert(1) -\n"), "an address that is none"),
        (packed("x py:data 1 JavaScript:$ -\n"), "an address that is none"),
        (packed("x py:data 1 //evil.example/ -\n"), "an address that is none"),
        (packed("x py:data 1 \\\\evil.example/ -\n"), "an address that is none"),
        (packed("x py:data 1 a\x1bb -\n"), "an address that is none"),
        (packed("x\ty py:data 1 $ -\n"), "an address that is none"),
        (packed("x\u202e py:data 1 a -\n"), "an address that is none"),
    ],
)
def test_what_is_no_inventory_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message) as refused:
        read_inventory(data, BASE)
    assert str(refused.value).isprintable()


def test_a_small_file_that_unpacks_to_a_huge_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventories, "LARGEST_TEXT", 1 << 20)
    assert read_inventory(packed(ZEROS * 10_000), BASE)
    with pytest.raises(ValueError, match="larger than 1 MB"):
        read_inventory(packed(ZEROS * 30_000), BASE)


@given(st.binary() | st.binary().map(lambda data: HEAD + zlib.compress(data)) | st.text().map(packed))
def test_any_file_gives_addresses_below_the_base_or_is_refused(data: bytes) -> None:
    try:
        found = read_inventory(data, BASE)
    except ValueError:
        return
    assert all(address.startswith(BASE) and address.isascii() and address.isprintable() for address in found.values())


# ## Where it comes from


def test_a_file_with_the_address_of_its_documentation(tmp_path: Path) -> None:
    file = serve(tmp_path, ZEROS) / "objects.inv"
    inventory, problems = load_inventories([(str(file), BASE.rstrip("/"))], tmp_path / "kept")
    assert inventory.find("torch.zeros") == BASE + "generated/torch.zeros.html#torch.zeros"
    assert problems == [] and not (tmp_path / "kept").exists()


def test_what_is_wrong_with_a_file_is_one_line(tmp_path: Path) -> None:
    file = serve(tmp_path, ZEROS) / "objects.inv"
    broken = tmp_path / "broken.inv"
    broken.write_bytes(b"?")
    sources = [
        (str(tmp_path / "nowhere.inv"), BASE),
        (str(tmp_path), BASE),
        (str(broken), BASE),
        (str(file), ""),
        (str(file), "javascript:"),
        (str(file), "https://"),
    ]
    inventory, problems = load_inventories(sources, tmp_path / "kept")
    assert inventory == Inventory()
    assert [problem.startswith(f"{where}: ") for problem, (where, _) in zip(problems, sources, strict=True)] == [
        True
    ] * 6
    assert "cannot be read: No such file" in problems[0]
    assert "not an inventory" in problems[2]
    assert all("say where its documentation is" in problem for problem in problems[3:])
    assert all(problem.endswith("; names of its library are not linked") for problem in problems)


def test_the_first_inventory_that_has_a_name_decides(tmp_path: Path) -> None:
    one, other = tmp_path / "one.inv", tmp_path / "other.inv"
    one.write_bytes(packed("x py:data 1 one.html -\n"))
    other.write_bytes(packed("x py:data 1 other.html -\n", "y py:data 1 other.html -\n"))
    inventory, _ = load_inventories([(str(one), BASE), (str(other), BASE)], tmp_path)
    assert inventory.addresses == {"x": BASE + "one.html", "y": BASE + "other.html"}


@pytest.mark.parametrize("ending", ["", "objects.inv"])
def test_a_served_inventory_is_fetched_once_a_week(
    tmp_path: Path, serve_folder: Callable[[Path], str], ending: str
) -> None:
    folder, kept = serve(tmp_path / "site", ZEROS), tmp_path / "kept"
    address = serve_folder(folder)

    def zeros() -> str | None:
        inventory, problems = load_inventories([(address + ending, "")], kept)
        assert problems == []
        return inventory.find("torch.zeros")

    assert zeros() == address + "generated/torch.zeros.html#torch.zeros"

    # The server has another one, which nobody asks for.
    serve(folder, "torch.zeros py:function 1 new.html -\n")
    assert zeros() == address + "generated/torch.zeros.html#torch.zeros"

    (file,) = kept.iterdir()
    old = time.time() - WEEK - 1
    os.utime(file, (old, old))
    assert zeros() == address + "new.html"
    assert zeros() == address + "new.html"


@pytest.mark.parametrize("answer", ["nothing", "no inventory"])
def test_an_old_inventory_is_used_where_no_new_one_is_to_be_had(
    tmp_path: Path, serve_folder: Callable[[Path], str], answer: str
) -> None:
    folder, kept = serve(tmp_path / "site", ZEROS), tmp_path / "kept"
    sources = [(serve_folder(folder), "")]
    fetched, _ = load_inventories(sources, kept)
    (file,) = kept.iterdir()
    os.utime(file, (0, 0))
    if answer == "nothing":
        (folder / "objects.inv").unlink()
    else:
        (folder / "objects.inv").write_bytes(b"<html>")
    assert load_inventories(sources, kept) == (fetched, [])
    assert [path.name for path in kept.iterdir()] == [file.name]


def test_a_kept_file_that_is_damaged_is_fetched_again(tmp_path: Path, serve_folder: Callable[[Path], str]) -> None:
    sources = [(serve_folder(serve(tmp_path / "site", ZEROS)), "")]
    fetched, _ = load_inventories(sources, tmp_path / "kept")
    (file,) = (tmp_path / "kept").iterdir()
    file.write_bytes(b"spoiled")
    assert load_inventories(sources, tmp_path / "kept") == (fetched, [])
    assert file.read_bytes() == packed(ZEROS)


def test_offline_is_one_line_and_no_links(tmp_path: Path, serve_folder: Callable[[Path], str]) -> None:
    (tmp_path / "site").mkdir()
    nobody = f"http://127.0.0.1:{closed_port()}/"
    sources = [
        (nobody, ""),
        (serve_folder(tmp_path / "site"), ""),
        ("http://a b/", ""),
    ]
    inventory, problems = load_inventories(sources, tmp_path / "kept")
    assert inventory == Inventory()
    assert problems[0] == f"{nobody}: cannot be fetched: Connection refused; names of its library are not linked"
    assert "cannot be fetched: HTTP Error 404: " in problems[1]
    assert len(problems) == 3 and all("\n" not in problem for problem in problems)
    assert not (tmp_path / "kept").exists()


def test_a_server_that_says_nothing_or_too_much_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve_folder: Callable[[Path], str]
) -> None:
    monkeypatch.setattr(inventories, "PATIENCE", 0.1)
    monkeypatch.setattr(inventories, "LARGEST_FILE", 1 << 20)
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "objects.inv").write_bytes(HEAD + bytes(2 << 20))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sources = [(f"http://127.0.0.1:{silent.getsockname()[1]}/", ""), (serve_folder(folder), "")]
        _, problems = load_inventories(sources, tmp_path / "kept")
    assert "cannot be fetched: " in problems[0] and "timed out" in problems[0]
    assert "is larger than 1 MB" in problems[1]


def test_without_a_place_to_keep_it_an_inventory_is_used_all_the_same(
    tmp_path: Path, serve_folder: Callable[[Path], str]
) -> None:
    (tmp_path / "file").touch()
    inventory, problems = load_inventories(
        [(serve_folder(serve(tmp_path / "site", ZEROS)), "")], tmp_path / "file" / "x"
    )
    assert inventory.find("torch.zeros") and problems == []
