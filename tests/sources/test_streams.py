"""One rule for all tools: which stream is read, what becomes of one that cannot be, and when a run is given up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from leadline.errors import NotFound, StoreError, Unauthenticated
from leadline.sources.kit.client import Refused, Unavailable
from leadline.sources.kit.cursor import Cursor, Part
from leadline.sources.kit.page import Page, Skipped
from leadline.sources.kit.streams import Stream, StreamReader
from leadline.sources.kit.text import Misshapen


@dataclass
class Tool:
    """A client that counts its answers."""

    answers: int = 0

    def answer(self) -> None:
        self.answers += 1

    def trouble(self) -> None:
        raise Unavailable("it answered 502")

    def refusal(self) -> None:
        raise Refused("no permission")

    def silence(self) -> None:
        """A page that is made without a call."""


@dataclass(frozen=True)
class Count(Cursor):
    seen: int = 0


class Counting(Stream[Count]):
    """Reads ``steps``, one page each, unless the tool shows as many as are known."""

    cursor = Count

    def __init__(self, name: str, *steps: Callable[[], None]) -> None:
        super().__init__("acme", name, name)
        self.steps = steps

    def due(self, cursor: Count) -> bool:
        return cursor.seen < len(self.steps)

    def read(self, cursor: Count) -> Iterator[Page]:
        for seen in range(cursor.seen, len(self.steps)):
            self.steps[seen]()
            yield self.page({"releases": [{"tag": self.name}]}, Count(seen + 1))


def read(tool: Tool, *streams: Counting, cursors: dict[str, Any] | None = None) -> tuple[list[Page], StreamReader]:
    reader = StreamReader(cursors or {}, tool)
    return list(reader.pages(streams)), reader


def test_streams_are_read_that_have_something_new() -> None:
    tool = Tool()
    pages, reader = read(
        tool, Counting("a", tool.answer, tool.answer), Counting("b", tool.answer), cursors={"b": {"seen": 1}}
    )
    assert [page.cursors for page in pages] == [{"a": Count(1)}, {"a": Count(2)}]
    assert reader.cursors.get("a", Count) == Count(2)
    assert reader.cursors.get("c", Count) == Count()


@pytest.mark.parametrize("error", [Refused("no"), NotFound("no"), Misshapen("no")])
def test_a_refused_stream_is_left_out_and_the_rest_is_read(error: Exception) -> None:
    tool = Tool()

    def refuse() -> None:
        raise error

    pages, reader = read(tool, *(Counting(f"a{number}", refuse) for number in range(9)), Counting("b", tool.answer))
    gap = not isinstance(error, NotFound)
    assert [page.skipped for page in pages] == [*((Skipped(f"a{number}", "no", gap),) for number in range(9)), ()]
    assert len(reader.left_out) == 9
    assert reader.failed == []


def test_a_stream_that_fails_is_named_and_the_rest_is_read() -> None:
    tool = Tool()
    pages, reader = read(
        tool, Counting("a", tool.answer, tool.trouble), Counting("b", tool.trouble), Counting("c", tool.answer)
    )
    assert [page.failed for page in pages if page.failed] == [
        (Skipped("a", "it answered 502"),),
        (Skipped("b", "it answered 502"),),
    ]
    assert reader.cursors.get("a", Count) == Count(1)
    assert reader.cursors.get("c", Count) == Count(1)


def test_only_an_answer_shows_that_the_tool_is_there() -> None:
    """Streams that fail are counted past pages that were made without a call, and past streams in which nothing is new."""
    tool = Tool()
    streams = [Counting(f"{number}", tool.silence if number % 2 else tool.trouble) for number in range(1000)]
    made = iter(StreamReader({}, tool).pages(stream for stream in streams))
    pages: list[Page] = []
    with pytest.raises(Unavailable):
        pages.extend(made)
    assert sum(len(page.failed) for page in pages) <= 3
    with pytest.raises(Unavailable):
        read(tool, *(Counting(f"{number}", tool.trouble) for number in range(3)))


def test_an_answer_in_between_begins_the_count_anew() -> None:
    tool = Tool()
    streams = [Counting(f"{number}", tool.answer if number % 3 == 2 else tool.trouble) for number in range(30)]
    _, reader = read(tool, *streams)
    assert len(reader.failed) == 20


def test_a_run_of_which_every_stream_failed_is_a_failure() -> None:
    tool = Tool()
    with pytest.raises(Unavailable):
        read(tool, Counting("a", tool.answer, tool.trouble), Counting("b", tool.answer, tool.trouble))
    with pytest.raises(Unavailable):
        read(tool, Counting("a", tool.trouble))
    with pytest.raises(Unavailable):
        read(tool, Counting("a", tool.trouble), Counting("b", tool.silence))  # no stream was answered
    read(tool, Counting("a", tool.trouble), Counting("b", tool.refusal))
    read(tool, Counting("b", tool.silence))


def test_what_is_wrong_for_all_streams_ends_the_run() -> None:
    tool = Tool()

    def expired() -> None:
        raise Unauthenticated("the token has expired")

    with pytest.raises(Unauthenticated):
        read(tool, Counting("a", expired), Counting("b", tool.answer))


# -- cursors -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place(Part):
    page: int = 1


@dataclass(frozen=True)
class Renamed(Cursor):
    """Version 1 said ``top``, and had its page beside it."""

    VERSION = 2

    newest: str | None = None
    place: Place | None = None
    names: tuple[str, ...] = ()
    sizes: dict[str, int] = field(default_factory=dict)

    @classmethod
    def upgraded(cls, stored: dict[str, Any], version: int) -> dict[str, Any]:
        assert version == 1
        return {"newest": stored["top"], "place": {"page": stored["page"]}}


def test_cursors_are_stored_as_json() -> None:
    cursor = Renamed("2026", Place(7), ("a", "b"), {"a": 1})
    stored = cursor.stored()
    assert stored == {"version": 2, "newest": "2026", "place": {"page": 7}, "names": ["a", "b"], "sizes": {"a": 1}}
    assert Renamed.restored(stored) == cursor
    assert Renamed().stored() == {"version": 2}
    assert (Count(3).stored(), Count().stored()) == ({"seen": 3}, {})


def test_cursors_of_an_earlier_version_are_read() -> None:
    assert Renamed.restored({"top": "2025", "page": 4}) == Renamed("2025", Place(4))
    assert Count.restored({"seen": 2}) == Count(2)
    assert Count.restored(None) == Count()


@pytest.mark.parametrize(
    ("of", "stored"),
    [
        (Count, {"sean": 2}),
        (Count, {"seen": "many"}),
        (Renamed, {"version": 2, "place": {"pace": 1}}),
        (Renamed, {"version": 3}),
        (Count, {"version": 2, "seen": 1}),
    ],
)
def test_what_is_no_such_cursor_is_refused(of: type[Cursor], stored: dict[str, Any]) -> None:
    with pytest.raises(StoreError):
        of.restored(stored)
