"""Computes insights: the rows of the kind's own query, sorted and cut, with what is said of columns and rows beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from leadline.errors import Detail, InvalidRequest, LeadlineError
from leadline.exports.export_kind import ExportKind
from leadline.exports.insights.columns import lead_unit, metrics_of
from leadline.exports.insights.models import (
    AskedBody,
    InsightBody,
    InsightDeveloper,
    InsightRange,
    InsightRow,
    InsightTeam,
    PreviousValues,
)
from leadline.exports.insights.request import MOST_ROWS, TOTAL, InsightRequest, leading_of
from leadline.home import Project
from leadline.metrics.business_request import BusinessRequest
from leadline.metrics.periods import RANGE
from leadline.metrics.request import SPLIT, Control, MetricsRequest, Pins, RowsRequest
from leadline.metrics.sprint_request import SprintRequest
from leadline.settings.profile import Profile

if TYPE_CHECKING:
    import pyarrow as pa

    from leadline.metrics.run import QueryInputs, Runner

MOST_COMPUTED = 250_000
"""Rows that are computed where only the first of them are asked for: a year of months of 20,000 developers."""
_DESCRIBING = frozenset(
    {"Developer", "Email", "Team", "Team_Id", "Team_Hierarchy", "Granularity", "Start_Date", "End_Date"}
)


class TooManyRows(LeadlineError):
    """An insight has more rows than are answered at once."""

    code = "too_many_rows"


def answer(
    runner: Runner, project: Project, insight: InsightRequest, pins: Pins, as_of: datetime, control: Control
) -> InsightBody:
    """The answer to ``insight`` on the versions of ``pins``, which were the newest at ``as_of``. Raises ``TooManyRows``, and
    ``Cancelled`` if ``control`` says so."""
    table = table_of(runner, project, insight, insight.rows, pins, control)
    return answer_of(runner, project, insight, pins, as_of, control, table)


def answer_of(
    runner: Runner,
    project: Project,
    insight: InsightRequest,
    pins: Pins,
    as_of: datetime,
    control: Control,
    table: pa.Table,
) -> InsightBody:
    """The ``answer`` to ``insight``, whose rows are those of ``table``."""
    before = insight.previous and table_of(runner, project, insight, insight.previous, pins, control)
    shown = _sorted(table, insight)
    profile = Profile.of(pins.settings)
    metrics = metrics_of(insight, table.column_names, profile, lead_unit(project, pins))
    names = [metric.column for metric in metrics]
    rows = [_row(insight, names, cells) for cells in _cells(shown)]
    if before is not None:
        _compare(rows, table, before, names)
    optional = {"warnings": list(insight.warnings)} if insight.warnings else {}
    return InsightBody(
        data_as_of=as_of,
        kind=insight.kind.name,
        request=_asked(project, insight, pins),
        table_versions=dict(sorted(pins.tables.items())),
        definitions=pins.definitions,
        metrics=metrics,
        rows=rows,
        total=table.num_rows,
        **optional,
    )


# -- rows --------------------------------------------------------------------------------------------------------------


def table_of(
    runner: Runner, project: Project, insight: InsightRequest, rows: RowsRequest, pins: Pins, control: Control
) -> pa.Table:
    """All rows, in the order of exports."""
    produced = insight.kind.rows
    check = _checking(insight.kind, insight.limit)

    def query(inputs: QueryInputs[Any]) -> str:
        return produced.sized(inputs, check) if produced.sized else produced.query(inputs)

    table = runner.table(project, rows, pins, control, query)
    check(table.num_rows)
    described = insight.kind.described
    return table.rename_columns([described.get(name, name) for name in table.column_names]) if described else table


def _checking(kind: ExportKind, limit: int | None) -> Callable[[int], None]:
    def check(rows: int) -> None:
        if rows > (MOST_ROWS if limit is None else MOST_COMPUTED):
            raise TooManyRows(
                f"The answer would have {rows:,} rows, and at most {MOST_ROWS:,} are answered at once; ask for an export with "
                f"POST {kind.path}, or for fewer days, longer periods, one team or the first rows (sort and limit)"
            )

    return check


def _sorted(table: pa.Table, insight: InsightRequest) -> pa.Table:
    """The rows to show. Where the column leaves it open they are in their own order; those without a value are last."""
    if insight.sort is not None:
        _check_sorted(table, insight.sort)
        import pyarrow as pa
        import pyarrow.compute as pc

        own = table.append_column("own order", pa.array(range(table.num_rows), pa.int64()))
        keys = [(insight.sort, "descending" if insight.descending else "ascending"), ("own order", "ascending")]
        table = own.take(pc.sort_indices(own, sort_keys=keys)).drop_columns(["own order"])
    return table if insight.limit is None else table.slice(0, insight.limit)


def _check_sorted(table: pa.Table, column: str) -> None:
    """A column that is there only where something is known of it may be missing. Raises ``InvalidRequest``."""
    if column not in table.column_names:
        message = f"sort: nothing is known of {column}, so that the answer has no such column"
        raise InvalidRequest(message, code="unknown_column", details=[Detail("sort", message)])


def _cells(table: pa.Table) -> Iterator[Mapping[str, Any]]:
    """The rows by column."""
    columns = table.to_pydict()
    for cells in zip(*columns.values(), strict=True):
        yield dict(zip(columns, cells, strict=True))


def _row(insight: InsightRequest, names: Sequence[str], cells: Mapping[str, Any]) -> InsightRow:
    leading = leading_of(insight.kind, insight.rows)
    members: dict[str, Any] = {}
    if "Developer" in leading:
        members["developer"] = InsightDeveloper(email=cells["Email"], name=cells["Developer"])
    if "Team" in leading:
        members["team"] = _team(cells)
    if "Start_Date" in leading:
        members |= {"period": cells["Granularity"], **_days(cells)}
    if keys := {name: cells[name] for name in leading if name not in _DESCRIBING}:
        members["key"] = keys
    return InsightRow(**members, **_values(names, cells))


def _team(cells: Mapping[str, Any]) -> InsightTeam:
    return InsightTeam(ref_id=cells["Team_Id"], name=cells["Team"], path=cells["Team_Hierarchy"])


def _days(cells: Mapping[str, Any]) -> dict[str, Any]:
    return {name.lower(): cells[name] for name in ("Start_Date", "End_Date")}


def _values(names: Sequence[str], cells: Mapping[str, Any]) -> dict[str, Any]:
    from leadline.metrics.bindings import size_name

    sizes = {name: cells[size_name(name)] for name in names if size_name(name) in cells}
    return {"values": {name: cells[name] for name in names}, **({"n": sizes} if sizes else {})}


def _compare(rows: Sequence[InsightRow], table: pa.Table, before: pa.Table, names: Sequence[str]) -> None:
    """Put beside each of ``rows`` the row of the same developer, team or service (of one that is split the same part) in the period
    before: the first of its range for the first of the range of ``table``, and so on."""
    places: dict[date | None, int] = {start: number for number, start in enumerate(_starts(table))}
    starts = _starts(before)
    earlier = {(*_whose(cells), _days(cells)["start_date"]): cells for cells in _cells(before)}
    for row in rows:
        place = places[row.start_date]
        about = {"Email": row.developer and row.developer.email, "Team_Id": row.team and row.team.ref_id}
        whose = _whose({**about, **(row.key or {})})
        cells = earlier.get((*whose, starts[place])) if place < len(starts) else None
        row.previous = None if cells is None else PreviousValues(**_days(cells), **_values(names, cells))


def _whose(cells: Mapping[str, Any]) -> tuple[str, str, str]:
    """What a row is about: the first of these columns that says it; and which part of it, where it is split."""
    named = ((name, cells.get(name)) for name in ("Email", "Team_Id", "Service", "Repository"))
    return (*next(((name, value) for name, value in named if value), ("", "")), cells.get(SPLIT[0], ""))


def _starts(table: pa.Table) -> list[date]:
    return list(dict.fromkeys(table["Start_Date"].to_pylist()))


# -- what is said of them ----------------------------------------------------------------------------------------------


def _asked(project: Project, insight: InsightRequest, pins: Pins) -> AskedBody:
    rows = insight.rows
    granularity = getattr(rows, "granularity", TOTAL)
    optional: dict[str, Any] = {}
    if insight.previous is not None:
        optional["previous"] = InsightRange(start_date=insight.previous.start, end_date=insight.previous.end)
    if insight.sort is not None:
        optional["sort"] = ("-" if insight.descending else "") + insight.sort
    if insight.limit is not None:
        optional["limit"] = insight.limit
    return AskedBody(
        org_tree_name=rows.tree,
        team=_scope(project, rows, pins),
        start_date=rows.start,
        end_date=rows.end,
        level=getattr(rows, "level", next(iter(insight.kind.leading))),
        granularity=TOTAL if granularity == RANGE else granularity,
        aggregation=getattr(rows, "aggregation", "mean"),
        **optional,
        **_said_by(rows),
    )


def _said_by(rows: RowsRequest) -> dict[str, Any]:
    """What requests of some kinds say beside."""
    if isinstance(rows, MetricsRequest):
        return {"tools": list(rows.tools)} if rows.tools else {}
    if isinstance(rows, SprintRequest):
        return {"computation_mode": rows.mode}
    return {"effort_unit": rows.unit} if isinstance(rows, BusinessRequest) else {}


def _scope(project: Project, rows: RowsRequest, pins: Pins) -> InsightTeam | None:
    if rows.team is None:
        return None
    from leadline.metrics.run import timeline_of

    stretches = timeline_of(project, rows, pins, rows.start)
    for stretch in reversed(stretches):
        if (node := stretch.tree.by_ref.get(rows.team)) is not None:
            return InsightTeam(ref_id=str(node.ref_id), name=node.name, path=node.path)
    return InsightTeam(ref_id=str(rows.team), name=str(rows.team), path="")
