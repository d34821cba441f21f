"""What a connector hands to ``leadline.sync.run``: pages of rows, each with the cursor that is true once its rows are in the lake.

A connector yields pages in the order in which it reads them; whoever takes them may stop after any page and go on from its
cursor later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from leadline.sources.kit.cursor import Cursor, Stored

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]
"""Column → text, number, boolean, list of texts or None, as JSON has them."""


_TEXT_OF_ROW = 4096


def text_size(row: Row) -> int:
    """Characters in the texts of a row."""
    return sum(
        len(value) if isinstance(value, str) else sum(map(len, value)) if isinstance(value, list) else 0
        for value in row.values()
    )


class RowOfFile(Row):
    """A row that stands at a ``place`` of a file (``work_items.csv, line 7``), which names it if it is refused."""

    def __init__(self, place: str, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.place = place


@dataclass(frozen=True)
class Skipped:
    """One thing that the tool refused for good, or that could not be understood: what it is, and why it is left out.

    ``gap``: it is a list, or a part of one, that the tool has and did not give, so that what was read is incomplete; not a single
    record that makes no sense, or a list that there is not.
    """

    what: str
    why: str
    gap: bool = False


@dataclass(frozen=True)
class Developers:
    """Everybody there is, as a CSV file for ``leadline org load``: put in force as the org tree ``tree``."""

    tree: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class TypedRows:
    """Many rows of ``table`` as an Arrow record batch of its column types; columns that are missing are unknown.

    ``replace``: they take the place of rows with the same key even in a table whose rows never change by themselves.
    ``counted``: whether a run tells of them; not of what only describes the source.
    """

    table: str
    batch: pa.RecordBatch
    replace: bool = False
    counted: bool = True


@dataclass(frozen=True)
class Vanished:
    """Rows that the tool does not have any more, told by one column of ``table``'s key.

    Of the rows with the values of ``where``, those go whose value is among the rows of ``values`` (a table of this column), or
    if ``listed_remain``, those whose value is not. Rows of ``details`` (tables whose key begins with that of ``table``) go with
    them.
    """

    table: str
    details: tuple[str, ...]
    where: Mapping[str, str]
    values: pa.Table
    listed_remain: bool


@dataclass(frozen=True)
class Page:
    """Rows by table, with what they mean.

    ``complete_parents``: by table, the parents (some of the natural key's columns) of which everything there is, is here:
    other rows of theirs in the lake are deleted at the tool. What is here are ``rows``, and those whose keys are
    ``still_present`` (the whole key, or some of its columns, as a parent's): they are still there, but not brought anew. So a
    parent of which nothing is here is deleted itself. ``renamed_away``: names that repositories gave up; their rows go.
    ``cursors``: by name, how far the reading is with this page; None takes a cursor away. ``records``: things of the tool
    in it, for progress; ``expected``: how many there will be of the ``subject`` in this run, where that was asked for and can be
    known. ``skipped``: what is left out; ``failed``: streams that could not be read this time, as the
    tool was in trouble. ``of_file``: it is of the file that ``subject`` names, which was not read whole if a row is refused.

    For what is brought as a whole or not at all, however large: ``typed_rows`` wait on disk while pages are ``unfinished``, and
    come into the lake with the first page that is not; then what has ``vanished`` goes. ``cursors_before`` are stored before
    the first of these rows is written.
    """

    subject: str
    rows: Mapping[str, list[Row]] = field(default_factory=dict)
    complete_parents: Mapping[str, list[Row]] = field(default_factory=dict)
    still_present: Mapping[str, list[Row]] = field(default_factory=dict)
    renamed_away: tuple[str, ...] = ()
    cursors: Mapping[str, Cursor | None] = field(default_factory=dict)
    records: int = 0
    expected: int | None = None
    skipped: tuple[Skipped, ...] = ()
    failed: tuple[Skipped, ...] = ()
    of_file: bool = False
    developers: Developers | None = None
    typed_rows: tuple[TypedRows, ...] = ()
    unfinished: bool = False
    vanished: tuple[Vanished, ...] = ()
    cursors_before: Mapping[str, Cursor] = field(default_factory=dict)

    @property
    def text(self) -> int:
        """Characters in its rows."""
        return sum(text_size(row) for rows in self.rows.values() for row in rows)

    @property
    def weight(self) -> int:
        """Rows that it counts as: one at least, as it still has its cursor; with long texts, as many as take the same memory."""
        return max(1, sum(map(len, self.rows.values())), self.text // _TEXT_OF_ROW)


@dataclass(frozen=True)
class ConnectionReport:
    """What a connection may see, found without reading it: ``things`` by name, which are ``noun`` (plural) of ``owner`` at
    ``host``; and ``hidden``, what it may not."""

    host: str
    owner: str
    noun: str
    things: tuple[str, ...]
    hidden: tuple[Skipped, ...] = ()


@dataclass(frozen=True)
class RunContext:
    """What the project holds when a run of a source begins.

    ``cursors``: those of the source's kind, by name. ``git_repositories``: names (``owner/name``) of the repositories whose
    history is read by git; git's rows are the better ones, so no tool brings commits of these. ``has_commits``: the lake has a
    table of commits. ``other_kinds``: sources of other kinds have been read, too. ``counts``: somebody wants to know beforehand how
    many records there will be. ``line_ages``: a setting asks how old the lines are that commits delete.
    """

    cursors: Mapping[str, Stored] = field(default_factory=dict)
    git_repositories: Set[str] = frozenset()
    has_commits: bool = False
    other_kinds: bool = False
    counts: bool = False
    line_ages: bool = False


class Source(Protocol):
    """A connector for one account at one tool."""

    @property
    def kind(self) -> str:
        """The tool: what ``source`` says in its rows, and whose cursors it keeps."""
        ...

    @property
    def lock(self) -> str:
        """Name of the lock that one run at a time holds."""
        ...

    def pages(self, context: RunContext) -> Iterator[Page]:
        """Everything that is new since the cursors of ``context``.

        Raises ``LeadlineError`` when the tool cannot be read any further.
        """
        ...

    def check(self) -> ConnectionReport:
        """What the secret may see. Raises ``LeadlineError`` as ``pages`` does."""
        ...

    def call_stats(self) -> CallStats:
        """What the reading has cost so far."""
        ...


@dataclass(frozen=True)
class CallStats:
    """Calls made, seconds waited for rate limits and before another try, and the tool's time at its last answer (RFC 3339)."""

    calls: int
    waited: float
    tool_time: str | None
