from __future__ import annotations

import multiprocessing
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidelit import workshop
from sidelit.cache import Cache
from sidelit.tree import Source
from sidelit.workshop import FEW, Order, Workshop


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    with Cache(tmp_path / "cache") as cache:
        yield cache


def ordered(folder: Path, count: int) -> list[Order]:
    orders = []
    for number in range(count):
        path = folder / f"m{number}.py"
        path.write_text(f'"""\n# Page {number}\n\nWith $x_{{{number}}}$.\n"""\nx = {number}\n')
        orders.append(Order(Source(path, path.name, path.name, path.stem), (("home", "index.html"),), "", False))
    return orders


def test_many_pages_are_made_by_processes_and_are_the_same(tmp_path: Path, cache: Cache) -> None:
    orders = ordered(tmp_path, FEW + 4)
    many = Workshop(cache)
    many.order(orders)
    assert multiprocessing.active_children()
    made = [many.page(order) for order in orders]
    many.close()
    assert not multiprocessing.active_children()
    assert [page.title for page in made] == [f"Page {number}" for number in range(FEW + 4)]
    assert made == [workshop.make(order, order.source.path.read_bytes()) for order in orders]


def test_a_page_is_made_once(tmp_path: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    (order,) = ordered(tmp_path, 1)
    first = Workshop(cache).page(order)
    monkeypatch.setattr(workshop, "make", lambda *_: pytest.fail("made again"))
    again = Workshop(cache)
    again.order([order])
    assert again.page(order) == first


def test_a_changed_source_or_order_makes_a_new_page(tmp_path: Path, cache: Cache) -> None:
    (order,) = ordered(tmp_path, 1)
    assert Workshop(cache).page(order).title == "Page 0"

    order.source.path.write_text('"""# Another"""\n')
    changed = Workshop(cache)
    changed.order([order])
    assert changed.page(order).title == "Another"

    elsewhere = Order(order.source, (("top", "../index.html"),), "#lines-{first}:{last}", order.allow_html)
    moved = Workshop(cache)
    moved.order([elsewhere])
    page = moved.page(elsewhere)
    assert "../index.html" in page.body
    assert [link.target for link in page.links if link.kind == "repository"] == ["", "#lines-1:1"]


def test_a_foreign_cache_entry_is_ignored(tmp_path: Path, cache: Cache) -> None:
    (order,) = ordered(tmp_path, 1)
    page = Workshop(cache).page(order)
    key = workshop._key(order, order.source.path.read_bytes())
    assert cache.get("page", key)
    for foreign in (b"no page", zlib.compress(b'{"title": "foreign"}')):
        cache.put("page", key, foreign)
        again = Workshop(cache)
        again.order([order])
        assert again.page(order) == page


@pytest.mark.parametrize("count", [1, FEW + 1])
def test_a_source_that_vanishes_has_an_empty_page_and_is_told(tmp_path: Path, cache: Cache, count: int) -> None:
    orders = ordered(tmp_path, count)
    shop = Workshop(cache)
    orders[-1].source.path.unlink()
    shop.order(orders)
    pages = [shop.page(order) for order in orders]
    shop.close()
    assert [each.rule for each in pages[-1].diagnostics] == ["source"]
    assert not any(page.diagnostics for page in pages[:-1])


def test_pages_are_made_although_a_process_is_killed(tmp_path: Path, cache: Cache) -> None:
    orders = ordered(tmp_path, FEW + 1)
    shop = Workshop(cache)
    shop.order(orders)
    for process in multiprocessing.active_children():
        process.kill()
    assert [shop.page(order).title for order in orders] == [f"Page {number}" for number in range(FEW + 1)]
    shop.close()
