"""How a long list of a tool is read: page by page, from where it was left, whole however long, in pages that the server bears."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Generic, Self, TypeVar

from leadline.instants import earlier
from leadline.sources.kit.client import ATTEMPTS, Lasting, Refused, Unavailable
from leadline.sources.kit.cursor import Cursor, Part

ATTEMPTS_WHILE_LARGE = 2
"""How often a page is asked for that could be asked for in smaller parts."""

Node = TypeVar("Node")
Listed = tuple[list[Node], str | None]
"""Records of one page, and the tool's position of the next (None: there is none)."""
Ask = Callable[[str | None, str | None], Listed[Node]]
"""Asks for the page at a position (None: the first), of what is not older than an instant, where the tool can be asked so."""


def read_all(ask: Callable[[str | None], Listed[Node]], first: Listed[Node] | None = None) -> list[Node]:
    """All records of a list, which is short. ``ask`` gives the page at a position; ``first`` is the first page, if it is there."""
    nodes, position = first or ask(None)
    while position is not None:
        further, position = ask(position)
        nodes += further
    return nodes


@dataclass(frozen=True)
class Backfill(Part):
    """A reading under way. ``position``: the tool's position of the next page; ``until``: what is older is known already (None:
    nothing is); ``newest``: the watermark once it has come to its end; ``change_token``: what was shown of the list when the
    reading began, where the tool shows something that changes with the list."""

    position: str | None = None
    until: str | None = None
    newest: str | None = None
    change_token: list[Any] | None = None


@dataclass(frozen=True)
class ListCursor(Cursor):
    """How far a list was read. ``watermark``: the newest instant up to which all of it has been read."""

    watermark: str | None = None
    backfill: Backfill | None = None


L = TypeVar("L", bound=ListCursor)


@dataclass(frozen=True)
class Step(Generic[Node]):
    """One page of a walk: its records, and how far the list is read with them. ``change_token``: that of its reading."""

    nodes: list[Node]
    watermark: str | None
    backfill: Backfill | None
    change_token: list[Any] | None

    @property
    def ended(self) -> bool:
        """Whether the reading has come to its end."""
        return self.backfill is None

    def moved(self, cursor: L) -> L:
        """``cursor``, moved on behind this page."""
        return replace(cursor, watermark=self.watermark, backfill=self.backfill)


def walk(
    cursor: ListCursor,
    ask: Ask[Node],
    *,
    until: Callable[[str | None], str | None],
    instant: Callable[[Node], str | None] | None = None,
    begun: Callable[[], str] | None = None,
    change_token: list[Any] | None = None,
    known_too: bool = False,
) -> Iterator[Step[Node]]:
    """Reads a list from where ``cursor`` stands, page by page. Raises what ``ask`` raises.

    ``until`` makes, of the watermark, the instant down to which is read: mostly ``before`` it by a lag, for what is not shown
    at once. ``instant`` is that of a record, for lists that are shown the newest first: the reading ends at the first page with
    one older than ``until``, and older ones are left out (unless ``known_too``); None for lists that ``ask`` bounds itself.
    ``begun`` gives the tool's time, which becomes the watermark; None: the newest ``instant`` met does.

    What changes while a list is read is met by the next reading. Where an earlier run's reading is gone on with, that next one
    follows at once, unless ``change_token`` shows that nothing has changed since.
    """
    watermark, backfill = cursor.watermark, cursor.backfill
    while True:
        resumed = backfill is not None
        if backfill is None:
            newest = begun() if begun is not None else None
            backfill = Backfill(None, until(watermark), newest, change_token)
        for step in _read(ask, backfill, watermark, instant, known_too=known_too, resumed=resumed):
            yield step
        if not resumed or (change_token is not None and step.change_token == change_token):
            return
        watermark, backfill = step.watermark, None


def before(lag: timedelta) -> Callable[[str | None], str | None]:
    """The ``until`` of lists that are read down to the watermark less ``lag``."""
    return lambda watermark: earlier(watermark, lag) if watermark else None


def _read(
    ask: Ask[Node],
    backfill: Backfill,
    watermark: str | None,
    instant: Callable[[Node], str | None] | None,
    *,
    known_too: bool,
    resumed: bool,
) -> Iterator[Step[Node]]:
    """One reading, from ``backfill`` to its end."""
    while True:
        try:
            nodes, position = ask(backfill.position, backfill.until)
        except Refused as error:
            if not resumed or backfill.position is None or "cursor" not in error.message.lower():
                raise
            # The server does not know its position any more (an upgrade, a restore): from the first page again.
            backfill, resumed = replace(backfill, position=None), False
            continue
        resumed = False
        newest, is_known = backfill.newest, [False] * len(nodes)
        if instant is not None:
            instants = [instant(node) for node in nodes]
            is_known = [bool(backfill.until and at and at < backfill.until) for at in instants]
            newest = newest or max((at for at in instants if at), default=None)
        fresh = nodes if known_too else [node for node, old in zip(nodes, is_known, strict=True) if not old]
        token = backfill.change_token
        if position is None or any(is_known):
            yield Step(fresh, newest or watermark, None, token)
            return
        backfill = replace(backfill, position=position, newest=newest)
        yield Step(fresh, watermark, backfill, token)


@dataclass(frozen=True)
class NumberedPage:
    """A position in a list by instants whose pages the tool numbers from a bound on: numbers shift while things come in, bounds
    do not. So the next page is the first one from the last instant met; only where a page is all of one instant it is the
    next number."""

    bound: str | None = None
    number: int = 1

    @classmethod
    def at(cls, position: str | None) -> Self:
        """The page that ``str`` of it gave; None: the first of all."""
        bound, _, number = (position or "").rpartition(" ")
        return cls(bound or None, int(number or 1))

    def __str__(self) -> str:
        return f"{self.bound or ''} {self.number}"

    def next_from(self, bound: str | None, *, passed: bool) -> Self:
        """The page to go on with, which begins at ``bound``, or is the next number if that has been ``passed``."""
        return replace(self, number=self.number + 1) if passed else replace(self, bound=bound, number=1)


Answered = TypeVar("Answered")


class InPart(Unavailable):
    """An answer had gaps, which would look as if nothing was there; asked for less, the rest may be whole."""


@dataclass
class PageSize:
    """How many things are asked for at once: fewer after a page that was too heavy for the server, then more again."""

    largest: int
    smallest: int = 1
    fewer: int = 5
    """A page that was too heavy is asked for again with so many times fewer things."""
    more: int = 2
    size: int = 0

    def __post_init__(self) -> None:
        self.size = self.size or self.largest

    @property
    def attempts(self) -> int:
        """How often a page of this size is asked for."""
        return ATTEMPTS if self.size <= self.smallest else ATTEMPTS_WHILE_LARGE

    def shrink(self, smallest: int = 1) -> None:
        """Ask for fewer things from now on."""
        self.size = max(smallest, self.size // self.fewer)

    def grow(self) -> None:
        """Ask for more things from now on."""
        self.size = min(self.largest, self.size * self.more)

    def read(self, ask: Callable[[int, int], Answered], lighter: Callable[[], Answered] | None = None) -> Answered:
        """What ``ask(size, attempts)`` gives in the end; what ``lighter`` does, where even the smallest page is too heavy.

        Raises ``Unavailable`` if there is nothing lighter to ask for or it would not help, and what ``ask`` raises else."""
        while True:
            try:
                answered = ask(self.size, self.attempts)
            except Lasting:
                raise
            except Unavailable:
                if self.size > self.smallest:
                    self.shrink(self.smallest)
                    continue
                if lighter is None:
                    raise
                return lighter()
            self.grow()
            return answered
