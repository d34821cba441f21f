"""Long lists: whole however often the reading is cut, down to what is known, in pages that the server bears."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.instants import rfc3339
from leadline.sources.kit.client import ATTEMPTS, Refused, Unavailable
from leadline.sources.kit.lists import (
    ATTEMPTS_WHILE_LARGE,
    Backfill,
    ListCursor,
    NumberedPage,
    PageSize,
    Step,
    before,
    read_all,
    walk,
)

LAG = timedelta(minutes=1)


def at(minute: int) -> str:
    return rfc3339(datetime(2026, 1, 5, tzinfo=UTC) + timedelta(minutes=minute))


class Listing:
    """Things by the minute in which they were made, shown the newest first; positions are what is above them."""

    def __init__(self, minutes: list[int]) -> None:
        self.minutes = minutes
        self.calls = 0

    def ask(self, position: str | None, _until: str | None) -> tuple[list[str], str | None]:
        self.calls += 1
        shown = sorted({at(minute) for minute in self.minutes}, reverse=True)
        rest = shown if position is None else [moment for moment in shown if moment < position]
        return rest[:3], rest[2] if len(rest) > 3 else None

    def read(self, cursor: ListCursor, token: list[object] | None = None) -> Iterator[Step[str]]:
        return walk(cursor, self.ask, until=before(LAG), instant=lambda moment: moment, change_token=token)


@given(
    st.lists(st.tuples(st.sets(st.integers(0, 600), max_size=9), st.integers(0, 5)), min_size=1, max_size=12),
)
def test_nothing_is_passed_by_wherever_a_reading_is_cut(runs: list[tuple[set[int], int]]) -> None:
    """Before every run things are made, each later than all before; every run but the last is cut after some pages."""
    listing = Listing([])
    cursor = ListCursor()
    met: set[str] = set()
    newest = 0
    for made, pages in [*runs, (set[int](), 1_000)]:
        listing.minutes += [newest + minute + 2 for minute in made]
        newest = max(listing.minutes, default=0)
        for number, step in enumerate(listing.read(cursor)):
            cursor = ListCursor.restored(step.moved(cursor).stored())
            met.update(step.nodes)
            if number + 1 >= pages:
                break
    assert met == {at(minute) for minute in listing.minutes}
    assert cursor.backfill is None


def test_only_what_is_new_is_read_again() -> None:
    listing = Listing(list(range(0, 100, 2)))
    (*_, last) = listing.read(ListCursor())
    assert (last.ended, last.watermark) == (True, at(98))
    listing.minutes.append(100)
    listing.calls = 0
    steps = list(listing.read(last.moved(ListCursor())))
    assert [step.nodes for step in steps] == [[at(100), at(98)]]
    assert listing.calls == 1


def test_after_a_resumed_reading_another_follows_unless_nothing_changed() -> None:
    listing = Listing(list(range(9)))
    first = next(listing.read(ListCursor(), ["as it was"]))
    assert first.backfill == Backfill(at(6), None, at(8), ["as it was"])
    assert [step.ended for step in listing.read(first.moved(ListCursor()), ["as it was"])] == [False, True]
    assert [step.ended for step in listing.read(first.moved(ListCursor()), ["another"])] == [False, True, True]


def test_a_position_that_is_forgotten_is_begun_anew() -> None:
    listing = Listing(list(range(9)))
    cursor = next(listing.read(ListCursor())).moved(ListCursor())
    asked: list[str | None] = []

    def forgetful(position: str | None, until: str | None) -> tuple[list[str], str | None]:
        asked.append(position)
        if len(asked) == 1:
            raise Refused("that is no valid cursor")
        return listing.ask(position, until)

    steps = list(walk(cursor, forgetful, until=before(LAG), instant=lambda moment: moment))
    assert asked[:2] == [at(6), None]
    assert {moment for step in steps for moment in step.nodes} == {at(minute) for minute in range(9)}
    with pytest.raises(Refused):
        list(walk(replace(cursor, backfill=None), refusing, until=before(LAG)))


def refusing(_position: str | None, _until: str | None) -> tuple[list[str], str | None]:
    raise Refused("that is no valid cursor")


def test_a_place_in_numbered_pages() -> None:
    page = NumberedPage.at(None)
    assert (page.bound, page.number, NumberedPage.at(str(page))) == (None, 1, page)
    page = page.next_from(at(5), passed=False)
    assert page == NumberedPage(at(5), 1) == NumberedPage.at(str(page))
    assert page.next_from(at(5), passed=True) == NumberedPage(at(5), 2)


@dataclass
class Heavy:
    """A server that bears so many things at once."""

    bears: int

    def ask(self, size: int, attempts: int) -> tuple[int, int]:
        if size > self.bears:
            raise Unavailable("too heavy")
        return size, attempts


def test_a_page_that_is_too_heavy_is_asked_for_in_parts() -> None:
    size = PageSize(25)
    assert size.read(Heavy(25).ask) == (25, ATTEMPTS_WHILE_LARGE)
    assert size.read(Heavy(7).ask) == (5, ATTEMPTS_WHILE_LARGE)
    assert size.read(Heavy(25).ask) == (10, ATTEMPTS_WHILE_LARGE)  # more again
    assert size.read(Heavy(1).ask) == (1, ATTEMPTS)
    assert size.read(Heavy(0).ask, lambda: (0, 0)) == (0, 0)
    with pytest.raises(Unavailable):
        size.read(Heavy(0).ask)


def test_a_short_list_is_read_to_its_end() -> None:
    pages = {None: (["a"], "1"), "1": (["b"], "2"), "2": (["c"], None)}
    assert read_all(lambda position: pages[position]) == ["a", "b", "c"]
    assert read_all(lambda position: pages[position], (["first"], "2")) == ["first", "c"]
    assert read_all(lambda _: ([], None), (["only"], None)) == ["only"]
