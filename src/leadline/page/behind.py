"""Rows of facts as screens show them: what each is called and where it is in its tool, whose it is, what it has of a value, and how
its time passed. Which columns a fact has on a screen is declared in ``FACES``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from leadline.charts.words import number, span_text
from leadline.exports.insights.models import CellRow
from leadline.facts.catalogue import SPRINT_ITEMS

STAGES = ("planning", "coding", "review", "build", "deploy")
"""The stages of lead time, in their order."""
CYCLE = ("creation", "first_comment", "approval", "merge")
"""The stages of a pull request's cycle time, in their order."""
_STAGE_WORDS = {"first_comment": "first review"}
"""What stages are called whose columns are called otherwise."""


@dataclass(frozen=True)
class Column:
    """A column of a fact as a screen shows it. ``form`` says how: `text`, `person`, `list`, `day` (an instant), `flag`, `outcome`
    or `number`; `pulls` and `deployment` link to what it names."""

    name: str
    title: str
    form: str = "text"


@dataclass(frozen=True)
class Face:
    """How a fact is shown: what one row is called, the column that rows are sorted by their name with, the other columns, and the
    durations that its timeline is made of."""

    noun: str
    named_by: str
    columns: tuple[Column, ...]
    stages: tuple[str, ...] = ()


_DEVELOPER = Column("developer", "Developer", "person")
FACES: Mapping[str, Face] = {
    "pull-requests": Face(
        "pull request",
        "title",
        (_DEVELOPER, Column("reviewers", "Reviewers", "list"), Column("merged_at", "Merged", "day")),
        STAGES[1:],
    ),
    "work-items": Face(
        "work item",
        "title",
        (
            Column("type", "Type"),
            _DEVELOPER,
            Column("completed_at", "Completed", "day"),
            Column("pull_requests", "Pull requests", "pulls"),
        ),
        STAGES,
    ),
    "deployments": Face(
        "deployment",
        "service",
        (
            Column("outcome", "Outcome", "outcome"),
            Column("finished_at", "Finished", "day"),
            Column("pull_requests", "Pull requests", "pulls"),
            Column("failed_by", "Failed by", "list"),
        ),
    ),
    "incidents": Face(
        "incident",
        "title",
        (
            Column("service", "Service"),
            Column("created_at", "Began", "day"),
            Column("resolved_at", "Resolved", "day"),
            Column("deployment_id", "Deployment", "deployment"),
        ),
        ("restore",),
    ),
    "commits": Face(
        "commit",
        "repository",
        (
            _DEVELOPER,
            Column("authored_at", "Written", "day"),
            Column("additions", "Added", "number"),
            Column("deletions", "Deleted", "number"),
        ),
    ),
    "status-visits": Face(
        "status visit",
        "status",
        (_DEVELOPER, Column("entered_at", "Entered", "day"), Column("left_at", "Left", "day")),
        ("visit",),
    ),
    "effort": Face(
        "developer day",
        "day",
        (_DEVELOPER, Column("key", "Work item"), Column("category", "Category"), Column("share", "Share", "number")),
    ),
    SPRINT_ITEMS: Face(
        "sprint item",
        "title",
        (
            Column("sprint", "Sprint"),
            _DEVELOPER,
            Column("committed", "Committed", "flag"),
            Column("done", "Done", "flag"),
            Column("points_at_start", "Points at start", "number"),
            Column("points_at_end", "At the end", "number"),
        ),
    ),
}
_NAMES = {
    "pull-requests": "{repository}#{number}",
    "work-items": "{key}",
    "deployments": "{deployment_id}",
    "incidents": "{incident_id}",
    "commits": "{repository}@{sha:.10}",
    "status-visits": "{key}, visit {number}",
    "effort": "{day} {key}",
    SPRINT_ITEMS: "{key} in {sprint}",
}
"""What identifies a row to people."""
_TOLD = frozenset({"title", "url", "why"})


@dataclass(frozen=True)
class Segment:
    """A part of a timeline: a stage from ``start``, as wide as it is long, in percent of the longest row's time."""

    stage: str
    start: float
    width: float
    text: str


@dataclass(frozen=True)
class FactRow:
    """A row of ``fact`` as it is shown. ``value`` is what it has of the value asked for, in words; '' where that is the same for
    all. ``longest`` are the seconds that a whole timeline has, ``stages`` what it is made of (None: as the fact is shown)."""

    fact: str
    row: Mapping[str, Any]
    value: str = ""
    exact: str = ""
    longest: float = 0
    stages: tuple[str, ...] | None = None

    @property
    def face(self) -> Face:
        """How its fact is shown."""
        return FACES[self.fact]

    @property
    def name(self) -> str:
        """What identifies it."""
        known = {name: "" if cell is None else cell for name, cell in self.row.items()}
        return _NAMES[self.fact].format_map(known).strip()

    @property
    def title(self) -> str:
        """What people call it; what identifies it if it has no title."""
        return self.row.get("title") or self.row.get("service") or self.name

    @property
    def url(self) -> str:
        """Its address in its tool, if that is one of the web; else ''."""
        return web_address(self.row.get("url"))

    @property
    def reasons(self) -> list[str]:
        """Its ``why``, sentence by sentence."""
        return [sentence for sentence in (self.row.get("why") or "").split("; ") if sentence]

    @cached_property
    def spans(self) -> list[tuple[str, float]]:
        """The stages that it has a length of, in seconds."""
        stages = self.face.stages if self.stages is None else self.stages
        lengths = ((stage, self.row.get(f"{stage}_seconds")) for stage in stages)
        return [(stage, float(length)) for stage, length in lengths if length is not None]

    @property
    def timeline(self) -> list[Segment]:
        """Its stages side by side."""
        whole, start, segments = self.longest or sum(length for _, length in self.spans) or 1, 0.0, []
        for stage, length in self.spans:
            width = 100 * length / whole
            text = f"{stage_words(stage)} {span_text(length)}"
            segments.append(Segment(stage, round(start, 2), round(width, 2), text))
            start += width
        return segments

    @property
    def timeline_in_words(self) -> str:
        """The same in words."""
        return ", ".join(f"{stage_words(stage)} {span_text(length)}" for stage, length in self.spans)

    @property
    def everything(self) -> list[tuple[str, Any]]:
        """All that is known of it by column, as it is shown."""
        known = ((name, cell) for name, cell in self.row.items() if cell not in (None, [], "") and name not in _TOLD)
        return [(_label(name), in_words(name, cell)) for name, cell in known]


def fact_rows(
    fact: str, rows: list[CellRow], text_of: Callable[[CellRow], str], stages: tuple[str, ...] | None
) -> list[FactRow]:
    """The rows behind a value as they are shown: each with what it has of that in words (``text_of``), and its time by ``stages``
    (None: those of the fact)."""
    measured = [
        FactRow(fact, row.row, text_of(row), "" if row.value is None else str(row.value), stages=stages) for row in rows
    ]
    longest = max((sum(length for _, length in row.spans) for row in measured), default=0)
    return [replace(row, longest=longest) for row in measured]


def stage_words(stage: str) -> str:
    """What a stage is called."""
    return _STAGE_WORDS.get(stage, stage)


def web_address(url: object) -> str:
    """``url`` if it is an address of the web; else ''."""
    text = str(url or "").strip()
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return text if parts.scheme in ("http", "https") and parts.netloc else ""


def _label(name: str) -> str:
    words = name.removesuffix("_at").replace("_seconds", " time").replace("_", " ")
    return words[:1].upper() + words[1:]


def in_words(name: str, cell: Any) -> str:
    """A cell of a fact as people read it."""
    if isinstance(cell, list):
        return ", ".join(map(str, cell))
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if name.endswith("_seconds"):
        return span_text(float(cell))
    if name.endswith("_at"):
        return instant(cell)
    return number(cell) if isinstance(cell, int | float) and name != "number" else str(cell)


def instant(cell: Any) -> str:
    """An instant, of JSON or as it is, as people read it: `3 Mar 2026, 14:05`."""
    at = cell if isinstance(cell, datetime) else datetime.fromisoformat(str(cell))
    return f"{at.day} {at:%b %Y}, {at:%H:%M}"


FILTERS = {"instant": instant, "stage_words": stage_words}
"""The filters of templates that this adds."""
