"""What a metrics run is asked for and what it is pinned to: the shapes that exports, the API and the command line share.

``MetricsRequest`` is a normalized request (every default filled in, names canonical); ``Pins`` names the versions of all
that it reads, so that the same request on the same pins gives the same bytes; ``Control`` carries progress out and
cancellation in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from leadline.materialize.sharing import Sharing
    from leadline.settings.profile import Profile

FORMATS = ("csv", "parquet", "jsonl")
LEADING = {
    "developer": ("Granularity", "Start_Date", "End_Date", "Developer", "Email", "Team", "Team_Hierarchy"),
    "team": ("Granularity", "Start_Date", "End_Date", "Team", "Team_Id", "Team_Hierarchy"),
    "service": ("Granularity", "Start_Date", "End_Date", "Service", "Repository"),
}
"""The first columns of a row by its level, which say what the row is about."""
TRAILING: Mapping[str, tuple[str, ...]] = {"developer": ("Team_Id",)}
"""The last columns of a row by its level, which say more of what the row is about."""
KEYS: Mapping[str, tuple[str, ...]] = {
    "developer": ("Start_Date", "Email"),
    "team": ("Start_Date", "Team_Id"),
    "service": ("Start_Date", "Service", "Repository"),
}
"""The columns that tell rows of a request apart, by level: the period and whose it is, whatever they are called."""
SPLIT = ("AI", "Small")
"""The columns after the leading ones of a row that is split by AI: which part it is, and whether it has few pull requests."""
LEVELS = ("developer", "team")
"""The levels of metrics of people."""
AGGREGATIONS = ("mean", "median", "p90", "p95")
GRANULARITIES = ("daily", "weekly", "monthly", "quarterly")
SHOWN, HIDDEN = "shown", "hidden"
"""Whether people are shown by their names and addresses, or by pseudonyms."""


class RowsRequest(Protocol):
    """What every normalized request says, whatever its rows are. Requests that mean the same are equal."""

    @property
    def tree(self) -> str:
        """The org tree's name."""

    @property
    def team(self) -> int | None:
        """The team's ref id within the tree; None for the whole tree."""

    @property
    def start(self) -> date:
        """The first day."""

    @property
    def end(self) -> date:
        """The last day, inclusive."""

    @property
    def format(self) -> str:
        """The file's format, one of ``FORMATS``."""

    @property
    def names(self) -> str:
        """``SHOWN`` or ``HIDDEN``: how people are named."""

    @property
    def of_people(self) -> bool:
        """Whether rows are of single people, or name them."""

    def units_of(self, columns: Collection[str], profile: Profile) -> dict[str, str]:
        """The units of those of the ``columns`` of the rows that have one, under the settings ``profile``."""

    def document(self) -> dict[str, Any]:
        """As a JSON object with at least ``tree`` and ``format``. Equal requests have equal documents."""


@runtime_checkable
class PeriodRows(RowsRequest, Protocol):
    """A request whose rows are of somebody in periods, for which answers can have other periods than files."""

    @property
    def level(self) -> str:
        """Whose the rows are."""

    @property
    def granularity(self) -> str:
        """How long periods are."""

    @property
    def depth(self) -> int | None:
        """Down to how many levels below the scope teams have rows; None: all of them."""

    @property
    def of_periods(self) -> bool:
        """Whether each row is of a period of the range, so that there is one before it."""


def with_changes(request: RowsRequest, **changes: Any) -> RowsRequest:
    """``request`` with other values in some of its fields."""
    assert is_dataclass(request)  # noqa: S101 -- so are all requests of kinds that are answered at once
    assert not isinstance(request, type)  # noqa: S101
    return replace(request, **changes)


def among(columns: Collection[str], units: Mapping[str, str]) -> dict[str, str]:
    """Those of the ``units`` that are of one of the ``columns``."""
    return {column: unit for column, unit in units.items() if column in columns}


@dataclass(frozen=True)
class MetricsRequest:
    """A normalized request for metrics. ``team`` is a ref id within ``tree``, None for the whole tree; both dates are inclusive;
    ``metrics`` are catalogue ids in catalogue order. ``depth`` is down to how many levels below the scope teams have rows (None:
    all of them). ``split`` is `ai` where each row is wanted of what AI tools had part in, of the rest, and of all. ``with_range``:
    the rows of the whole range are wanted, too, after those of its periods. Use of AI tools is that of ``tools``, by name and in
    their order; none: of all."""

    tree: str
    team: int | None
    start: date
    end: date
    metrics: tuple[str, ...]
    level: str = "developer"
    granularity: str = "monthly"
    aggregation: str = "mean"
    format: str = "csv"
    names: str = SHOWN
    depth: int | None = None
    split: str | None = None
    with_range: bool = False
    tools: tuple[str, ...] = ()

    @property
    def of_people(self) -> bool:
        """Whether rows are of single developers."""
        return self.level == "developer"

    @property
    def of_periods(self) -> bool:
        """Every row is of a period."""
        return True

    def units_of(self, columns: Collection[str], _profile: Profile) -> dict[str, str]:
        """As the catalogue says."""
        from leadline.metrics.catalogue import by_ids

        units = {column.name(self.aggregation): column.metric.unit for column in by_ids(self.metrics)}
        return among(columns, units)

    def document(self) -> dict[str, Any]:
        """As a JSON object; ``of`` reads it back. Equal requests have equal documents."""
        dates = {"start": self.start.isoformat(), "end": self.end.isoformat()}
        document = {**asdict(self), **dates, "metrics": list(self.metrics)}
        if self.names == SHOWN:  # as in documents of before names could be hidden
            del document["names"]
        if self.depth is None:  # as in documents of exports, which do not say it
            del document["depth"]
        if self.split is None:  # as in documents of before rows could be split
            del document["split"]
        if not self.with_range:  # as in documents of exports, which have no such rows
            del document["with_range"]
        if self.tools:
            document["tools"] = list(self.tools)
        else:  # as in documents of exports, which do not say it
            del document["tools"]
        return document

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> MetricsRequest:
        """The request that ``document`` was made of."""
        return cls(
            **{
                **document,
                "start": date.fromisoformat(document["start"]),
                "end": date.fromisoformat(document["end"]),
                "metrics": tuple(document["metrics"]),
                "tools": tuple(document.get("tools", ())),
            }
        )


@dataclass(frozen=True)
class Pins:
    """The versions a run reads: Delta version per table, org tree version by tree name, the definitions' version and the
    settings in force (canonical text by key); and the day it is made, in the project's time zone (None: after all days)."""

    tables: Mapping[str, int]
    trees: Mapping[str, int]
    definitions: str
    settings: Mapping[str, str]
    today: date | None = None

    def document(self) -> dict[str, Any]:
        """As a JSON object; ``of`` reads it back."""
        return {
            "tables": dict(sorted(self.tables.items())),
            "trees": dict(sorted(self.trees.items())),
            "definitions": self.definitions,
            "settings": dict(sorted(self.settings.items())),
            "today": self.today and self.today.isoformat(),
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Pins:
        """The pins that ``document`` was made of."""
        today = document.get("today")
        return cls(**{**document, "today": today and date.fromisoformat(today)})


@dataclass(frozen=True)
class Since:
    """What a difference is taken from: versions, as they were ``asked`` for (an export's id, an instant, a file)."""

    asked: str
    pins: Pins

    def document(self) -> dict[str, Any]:
        """As a JSON object; ``of`` reads it back."""
        return {"asked": self.asked, "pins": self.pins.document()}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Since:
        """What ``document`` was made of."""
        return cls(document["asked"], Pins.of(document["pins"]))


@dataclass(frozen=True)
class Earlier:
    """What a run compares its rows with: those of the same request on ``pins``, found again by their cells in ``key``."""

    pins: Pins
    key: tuple[str, ...]


class Interruptible(Protocol):
    """Something whose running query can be stopped from another thread."""

    def interrupt(self) -> None:
        """Stop it."""


@dataclass
class Control:
    """The wire between a run and whoever started it: ``progress`` is called with 0–1, ``before_computing`` with each stored table
    that is not there and a count of the rows to be read for it, and may raise to leave it; ``sharing`` shares out what is to be
    computed; ``cancel`` (from any thread) stops the run, which then raises ``Cancelled`` and leaves no file."""

    progress: Callable[[float], None] = lambda _fraction: None
    before_computing: Callable[[str, Callable[[], int]], None] = lambda _table, _rows: None
    sharing: Sharing | None = None
    cancelled: bool = False
    _running: list[Interruptible] = field(default_factory=list)

    def attach(self, running: Interruptible) -> None:
        """Let ``cancel`` reach ``running`` too."""
        self._running.append(running)
        self.check()

    def check(self) -> None:
        """Raise ``Cancelled`` if so; called between queries."""
        if self.cancelled:
            raise Cancelled

    @contextmanager
    def part(self, done: int, of: int) -> Iterator[None]:
        """What runs in the block is one of ``of`` equal parts, the one after ``done`` of them; its progress is that part's."""
        whole = self.progress
        self.progress = lambda fraction: whole((done + fraction) / of)
        try:
            yield
        finally:
            self.progress = whole

    def cancel(self) -> None:
        """Stop the run."""
        self.cancelled = True
        for running in self._running:
            running.interrupt()


class Cancelled(Exception):
    """The run was cancelled through its ``Control``; nothing was written."""


@dataclass(frozen=True)
class Produced:
    """What a run wrote: the number of data rows (without header)."""

    rows: int
