"""What a connector hands over: pages of rows, each with the cursor that is true once its rows are in the lake.

Nothing comes in; the shapes that connectors make and ``leadline.ingest.pulling`` takes go out. A connector yields pages in
the order in which it reads them; whoever takes them may stop after any page and go on from its cursor later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Row = dict[str, Any]
"""Column → text, number, boolean, list of texts or None, as JSON has them."""

State = dict[str, Any]
"""A cursor's value: anything JSON can hold."""


@dataclass(frozen=True)
class Skipped:
    """One thing that the tool refused for good, or that could not be understood: what it is, and why it is left out."""

    what: str
    why: str


@dataclass(frozen=True)
class Page:
    """Rows by table, with what they mean.

    ``whole``: by table, the parents (some of the natural key's columns) of which ``rows`` has everything there is: other
    rows of theirs in the lake are gone at the tool. ``gone``: repositories that are called something else by now.
    ``cursors``: by name, how far the reading is with this page; None takes a cursor away. ``records``: things of the tool
    in it, for progress.
    """

    subject: str
    rows: Mapping[str, list[Row]] = field(default_factory=dict)
    whole: Mapping[str, list[Row]] = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    cursors: Mapping[str, State | None] = field(default_factory=dict)
    records: int = 0
    skipped: tuple[Skipped, ...] = ()


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

    def pages(self, cursors: Mapping[str, State]) -> Iterator[Page]:
        """Everything that is new since ``cursors``. Raises ``LeadlineError`` when the tool cannot be read any further."""
        ...

    def figures(self) -> Figures:
        """What the reading has cost so far."""
        ...


@dataclass(frozen=True)
class Figures:
    """Calls made, seconds waited for rate limits and before another try, and the tool's time at its last answer (RFC 3339)."""

    calls: int
    waited: float
    tool_time: str | None
