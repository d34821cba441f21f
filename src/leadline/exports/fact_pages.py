"""Pages of facts: rows behind the numbers, filtered and in order, at versions that stay the same from page to page."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import Field

from leadline.access import UNLIMITED, Access
from leadline.errors import Detail, InvalidRequest, NotFound
from leadline.exports.cursor import Cursor
from leadline.exports.requests import check_order
from leadline.facts.catalogue import FACTS, Fact
from leadline.facts.filters import Filters, Versions
from leadline.field_types import printable
from leadline.home import Project
from leadline.instants import rfc3339
from leadline.json_body import Body, Instant
from leadline.metrics.request import Control

if TYPE_CHECKING:
    import pyarrow as pa

    from leadline.metrics.run import Runner

MOST_ROWS = 1000
"""Rows of a page."""


class FactColumn(Body):
    """A column of a fact."""

    name: str
    type: str = Field(description="`string`, `integer`, `number`, `boolean`, `instant`, or `list` of strings.")
    definition: str


class FactsBody(Body):
    """A page of a fact."""

    data_as_of: Instant = Field(description="When the versions that it is read at were the newest.")
    kind: str
    columns: list[FactColumn]
    rows: list[dict[str, Any]] = Field(description="By column; by instant, then by key, unless sorted.")
    total: int = Field(description="Rows on all pages.")
    next: str | None = Field(description="The cursor of the next page; null on the last one.")
    table_versions: dict[str, int] = Field(description="The version of each table that it is read at.")


@dataclass(frozen=True)
class FactsRequest:
    """What is asked of a fact: its rows that ``filters`` keep, of these the ``columns``, in the order of the column ``sort`` (None:
    by instant), ``limit`` at once."""

    fact: Fact
    filters: Filters
    columns: tuple[str, ...]
    limit: int
    sort: str | None = None
    descending: bool = False


def fact_named(name: str) -> Fact:
    """The fact called ``name``. Raises ``NotFound``."""
    if name not in FACTS:
        raise NotFound(f"There is no fact {printable(name)[:80]!r}; facts are {', '.join(FACTS)}", code="unknown_fact")
    return FACTS[name]


def facts_request(
    name: str, filters: Filters, columns: Sequence[str], limit: int, sort: str | None = None
) -> FactsRequest:
    """The request of those values; no ``columns`` mean all, ``sort`` is a column, with - before it downwards. Raises ``NotFound``
    for a fact and ``InvalidRequest`` for a column that there is not, or days in the wrong order."""
    fact = fact_named(name)
    if filters.start is not None and filters.end is not None:
        check_order(filters.start, filters.end, ("dateFrom", "dateTo", "dateFrom"))
    chosen = tuple(dict.fromkeys(column.strip().lower() for column in columns)) or fact.columns
    by = None if sort is None else sort.strip().removeprefix("-").lower()
    for field, wanted in (("columns", chosen), ("sort", () if by is None else (by,))):
        if unknown := [column for column in wanted if column not in fact.columns]:
            hint = f"one of {', '.join(fact.columns)}"
            sentence = f"{fact.name} have no column {printable(unknown[0])[:80]!r}; {hint}"
            raise InvalidRequest(sentence, code="unknown_column", details=[Detail(field, hint)])
    return FactsRequest(fact, filters, chosen, limit, by, (sort or "").strip().startswith("-"))


def fact_page(
    runner: Runner, project: Project, request: FactsRequest, at: Cursor, control: Control, access: Access = UNLIMITED
) -> FactsBody:
    """The page of ``request`` that begins at ``at``, of what ``access`` shows. Raises ``InvalidRequest`` for filters that do not
    fit the fact, ``Forbidden`` for what ``access`` does not show, and what a run raises."""
    from leadline.facts.query import page_of
    from leadline.settings.profile import Profile

    pins, profile = at.pins, Profile.of(at.pins.settings)
    versions = Versions(pins.tables, pins.trees, profile, pins.today)
    last = at.offset + request.limit
    with runner.session(project, pins, profile, control) as session:
        order = [] if request.sort is None else [(request.sort, request.descending)]
        table, total = page_of(
            project, session, request.fact, request.filters, versions, access, range(at.offset, last), order
        )
    table = table.select(list(request.columns))
    return FactsBody(
        data_as_of=at.as_of,
        kind=request.fact.name,
        columns=[
            FactColumn(name=field.name, type=_type(field.type), definition=request.fact.definitions[field.name])
            for field in table.schema
        ],
        rows=[plain(row) for row in table.to_pylist()],
        total=total,
        next=replace(at, offset=last).text(project) if last < total else None,
        table_versions=dict(sorted(pins.tables.items())),
    )


def _type(kind: pa.DataType) -> str:
    import pyarrow as pa

    if pa.types.is_list(kind):
        return "list"
    if pa.types.is_timestamp(kind):
        return "instant"
    return {pa.int64(): "integer", pa.float64(): "number", pa.bool_(): "boolean"}.get(kind, "string")


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row of a fact as JSON values."""
    return {name: rfc3339(cell) if isinstance(cell, datetime) else cell for name, cell in row.items()}


def csv_of(page: FactsBody) -> bytes:
    """The page as `leadline facts` writes it."""
    names = [column.name for column in page.columns]
    return csv_text(names, ([row[name] for name in names] for row in page.rows))


def csv_text(names: Sequence[str], rows: Iterable[Iterable[Any]]) -> bytes:
    """Cells of facts under ``names``: UTF-8, RFC 4180, CR LF."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(names)
    writer.writerows(map(_as_text, row) for row in rows)
    return text.getvalue().encode()


def _as_text(cell: Any) -> Any:
    """A cell of a fact as it is written to CSV."""
    from leadline.engine.output import neutralized

    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, list):
        cell = ";".join(cell)
    return neutralized(cell) if isinstance(cell, str) else cell
