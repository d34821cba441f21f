"""The rows behind a cell as somebody looks at them: in an order of their choice, only those that have some words, and a page at a
time, each page at the versions of the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from leadline.access import UNLIMITED, Access
from leadline.errors import Detail, InvalidRequest
from leadline.exports.cursor import Cursor
from leadline.exports.insights.cells import INSTANT, MEASURED, NOTHING_TRACED, Cells, Found, Place
from leadline.exports.insights.models import CellBody, CellRow
from leadline.exports.insights.tracing import cells_of
from leadline.facts.catalogue import FACTS
from leadline.field_types import shown
from leadline.home import Project
from leadline.metrics.request import Control, PeriodRows
from leadline.settings.profile import Profile

if TYPE_CHECKING:
    import pyarrow as pa

    from leadline.metrics.run import Runner

VALUE = "value"
"""The order by what each row has of the value; rows with the same are in that of their instants."""
MOST_LOOKED_THROUGH = 10_000
"""Rows that are searched, or sorted by a column of the fact."""


@dataclass(frozen=True)
class Listing:
    """At most ``most`` rows that have all ``words`` somewhere, by ``sort``: ``VALUE`` or a column of the fact; upwards unless
    ``descending``."""

    sort: str = VALUE
    descending: bool = True
    words: tuple[str, ...] = ()
    most: int = 50


@dataclass(frozen=True)
class ListedCell:
    """A cell with a page of its rows, after the first ``offset`` of the ``listed`` that have the words. ``before`` is the cursor of
    the page before; None on the first. ``divisor`` is what the value is divided by, where rows have parts of that (``over``)."""

    body: CellBody
    listed: int
    offset: int
    before: str | None
    divisor: float | None = None


def listed_cell(
    runner: Runner,
    project: Project,
    request: PeriodRows,
    place: Place,
    at: Cursor,
    listing: Listing,
    control: Control,
    access: Access = UNLIMITED,
) -> ListedCell:
    """As ``cells.cell``, with the rows that ``listing`` says from ``at`` on. Raises also ``InvalidRequest`` for a column that the
    fact has not, and where there are too many rows to look through (``too_many_rows``)."""
    kind = cells_of(request)
    of_column = kind.of_column(request, place.column, Profile.of(at.pins.settings))
    with runner.inputs(project, of_column, at.pins, control) as inputs:
        cells = kind(project, inputs, at, access)
        found, fact = cells.found(place), cells.fact
        if fact is None:
            return ListedCell(cells.told(found, **NOTHING_TRACED), 0, 0, None)
        return _listed(cells, fact, found, listing)


def _listed(cells: Cells[Any], fact: str, found: Found, listing: Listing) -> ListedCell:
    events = cells.events(found)
    if listing.sort == VALUE and not listing.words:
        page = _by_value(cells, events, listing).slice(min(cells.at.offset, events.num_rows), listing.most)
        rows, listed = cells.rows(page), events.num_rows
    else:
        matching = _looked_through(cells, fact, events, listing)
        rows, listed = matching[cells.at.offset : cells.at.offset + listing.most], len(matching)
    end = cells.at.offset + len(rows)
    following = _cursor(cells, end) if end < listed and rows else None
    before = _cursor(cells, max(0, cells.at.offset - listing.most)) if cells.at.offset else None
    body = cells.told(found, facts=fact, count=events.num_rows, rows=rows, next=following)
    return ListedCell(body, listed, cells.at.offset, before, cells.divisor(events))


def _cursor(cells: Cells[Any], offset: int) -> str:
    return replace(cells.at, offset=offset).text(cells.project)


def _by_value(cells: Cells[Any], events: pa.Table, listing: Listing) -> pa.Table:
    direction = "descending" if listing.descending else "ascending"
    keys = [name for name in events.column_names if name not in cells.not_keys]
    return events.sort_by([(MEASURED, direction), (INSTANT, direction), *((name, "ascending") for name in keys)])


def _looked_through(cells: Cells[Any], fact: str, events: pa.Table, listing: Listing) -> list[CellRow]:
    """All rows that have the words, in order."""
    if listing.sort not in (VALUE, *FACTS[fact].columns):
        hint = f"one of {VALUE}, {', '.join(FACTS[fact].columns)}"
        message = f"{fact} cannot be sorted by {shown(listing.sort)}; {hint}"
        raise InvalidRequest(message, code="unknown_column", details=[Detail("sort", hint)])
    if events.num_rows > MOST_LOOKED_THROUGH:
        raise InvalidRequest(
            f"There are {events.num_rows:,} rows; at most {MOST_LOOKED_THROUGH:,} are searched or sorted by a column. Choose "
            "a team below, or fewer days",
            code="too_many_rows",
        )
    rows = cells.rows(_by_value(cells, events, listing))
    rows = [row for row in rows if _has(row, listing.words)]
    return rows if listing.sort == VALUE else _by_column(rows, listing)


def _by_column(rows: Sequence[CellRow], listing: Listing) -> list[CellRow]:
    """What is unknown is last."""
    known = [row for row in rows if row.row[listing.sort] is not None]
    unknown = [row for row in rows if row.row[listing.sort] is None]
    return [*sorted(known, key=lambda row: _order(row.row[listing.sort]), reverse=listing.descending), *unknown]


def _order(cell: Any) -> Any:
    return cell.casefold() if isinstance(cell, str) else cell


def _has(row: CellRow, words: Sequence[str]) -> bool:
    text = " ".join(str(cell) for cell in row.row.values() if cell is not None).casefold()
    return all(word.casefold() in text for word in words)
