"""What a screen of insights shows: the figures of a team and of those directly below it, with those of the range before, and the
same over time. Every number is one that ``GET /v2/insights/{kind}`` answers; nothing is computed anew."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool

from leadline.api.insights import Answered
from leadline.charts.columns import BUSINESS, declared
from leadline.charts.goals import goals_of_answer
from leadline.charts.picture import STEPS
from leadline.charts.words import range_text
from leadline.diagnostics.days_of_data import WithoutData
from leadline.exports.insights.models import InsightBody, InsightMetric, InsightRow
from leadline.metrics.goals import Goals, goal_of
from leadline.metrics.metric import INSIGHTS, CatalogueEntry, ExportColumn
from leadline.metrics.request import SPLIT
from leadline.metrics.sprint_columns import SPRINT, in_work_unit
from leadline.metrics.sprint_request import BY_SPRINT
from leadline.page.choices import OF_A_VIEW
from leadline.page.counted_in import OF_FIGURES
from leadline.page.days_of_data import without_data_of
from leadline.page.figures import Figure, ShownGoal
from leadline.page.parameters import order_by
from leadline.page.view import View
from leadline.page.visit import Visit
from leadline.people.tree import Node

OneT = TypeVar("OneT")
OtherT = TypeVar("OtherT")

PART, ALL = SPLIT[0], "all"
"""The column that says which part a row that is split is of, and what it says of all: the rows behind a part are not told."""
PARTS = {"assisted": "With AI", "none": "Without", ALL: "All"}
"""The parts that rows are split into, and how they are headed."""
TRACED = (*INSIGHTS, SPRINT, BUSINESS)
"""The insights behind whose values rows are shown."""
NAME = "name"
"""What the address calls the column of names, in ``sort``."""


COMPARED: Mapping[str, Any] = {"granularity": "total", "compare": "previous", "depth": 1}
"""What the totals of a screen are asked for beside its view."""


@dataclass(frozen=True)
class Line:
    """One row of an answer, with its figures by the ids of metrics."""

    row: InsightRow
    figures: Mapping[str, Figure]

    def __getitem__(self, metric_id: str) -> Figure:
        return self.figures[metric_id]

    @property
    def key(self) -> str:
        """Whose row it is."""
        return key_of(self.row)

    @property
    def name(self) -> str:
        """What they are called."""
        return self.row.developer.name if self.row.developer else self.row.team.name if self.row.team else self.key


@dataclass(frozen=True)
class Board:
    """The answers that a screen is made of. ``totals`` has a row for the team and for each below it, ``series`` has
    one for each of them and each period. ``today`` is the last day that anything is known of, ``goals``
    are those of the team; ``digest`` tells whether the series are the same as those of another board. ``without_data`` says so
    where nothing at all is known of these days."""

    view: View
    totals: InsightBody
    series: InsightBody
    today: date
    goals: Goals
    digest: str = ""
    without_data: WithoutData | None = None

    @cached_property
    def own(self) -> Line:
        """The figures of the team itself; unknown ones where it was not there in these days."""
        key = str(self.view.team.ref_id)
        there = (line for line in self._totals if line.key == key)
        return next(there, Line(InsightRow(values={}), self.figures_of(key)))

    def figures_of(self, key: str) -> Mapping[str, Figure]:
        """The figures of who has this ``key``; of somebody of whom there is no row, unknown ones."""
        found = next((line.figures for line in self._totals if line.key == key), None)
        return (
            found if found is not None else {metric.id: unknown(self.totals, metric) for metric in self.totals.metrics}
        )

    def goal(self, metric_id: str) -> ShownGoal | None:
        """The goal of a metric of the team, and whether it is met."""
        figure = self.own[metric_id]
        goal = goal_of(self.goals, figure.column)
        return None if goal is None else ShownGoal.of(goal, figure)

    @property
    def days_before(self) -> str:
        """The range before, in words."""
        before = self.totals.request.previous
        return range_text(before.start_date, before.end_date) if before else ""

    @cached_property
    def below(self) -> list[Line]:
        """Those below the team, in the order that the address asks for; what is unknown is last."""
        lines = [line for line in self._totals if line.key != str(self.view.team.ref_id)]
        return in_order(lines, self.view.query.get("sort", NAME))

    def over_time(self, metric_id: str, key: str | None = None) -> list[Figure]:
        """A metric of the team, or of who has this ``key``, period after period."""
        metric = next(metric for metric in self.series.metrics if metric.id == metric_id)
        return [_figure(self.view, self.series, metric, row) for row in self._rows_of(key)]

    @property
    def rows(self) -> Sequence[InsightRow]:
        """The team's own rows over time."""
        return self._rows_of(None)

    def _rows_of(self, key: str | None) -> Sequence[InsightRow]:
        return self._by_key.get(key or str(self.view.team.ref_id), ())

    @cached_property
    def _by_key(self) -> Mapping[str, list[InsightRow]]:
        rows: dict[str, list[InsightRow]] = {}
        for row in self.series.rows:
            rows.setdefault(key_of(row), []).append(row)
        return rows

    @cached_property
    def _totals(self) -> list[Line]:
        return lines_of(self.view, self.totals)


async def board_of(
    visit: Visit, view: View, kind: str, *, totals: Sequence[str], series: Sequence[str], **more: Any
) -> Board:
    """The board of ``view`` with these metrics; its own view says what of the address is none of them to sort by. Raises what
    ``Insights.get`` raises."""
    asked = both_asked(asked_of(view), totals, series, more)
    insights = visit.state.insights
    whole, periods = await insights.get_all(visit.request, visit.project, kind, asked, visit.access)
    today = visit.now.astimezone(visit.project.profile(view.tree.name).zone).date()
    goals = await run_in_threadpool(goals_of_answer, visit.project, whole.body)
    nothing = None if has_numbers(whole.body.rows) else await without_data_of(visit, view)
    view = view.checked(order_by([NAME, *(metric.id for metric in whole.body.metrics)]))
    return Board(view, whole.body, periods.body, today, goals, periods.digest, nothing)


def both_asked(
    scope: Mapping[str, Any], totals: Sequence[str], series: Sequence[str], more: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """What a board of ``scope`` (see ``asked_of``) asks for: its totals, and the same over time."""
    return [
        {**scope, "metrics": list(totals), **COMPARED, **more},
        {**scope, "metrics": list(series), "depth": 1, **more},
    ]


def has_numbers(rows: Iterable[InsightRow]) -> bool:
    """Whether any value of ``rows`` is a number that is not 0: else there may be no data of their days."""
    return any(isinstance(value, int | float) and value for row in rows for value in row.values.values())


async def side_by_side(one: Awaitable[OneT], other: Awaitable[OtherT]) -> tuple[OneT, OtherT]:
    """What both bring. Where one fails, the other is not waited for but given up."""
    both = asyncio.ensure_future(one), asyncio.ensure_future(other)
    try:
        brought, too = await asyncio.gather(*both)
        return brought, too
    finally:
        for task in both:
            task.cancel()


async def ask(visit: Visit, view: View, kind: str, metrics: Sequence[str], **more: Any) -> InsightBody:
    """The insight of ``view`` for ``metrics``; ``more`` are further parameters, or others than those of the view."""
    return (await answered(visit, view, kind, metrics, **more)).body


async def answered(visit: Visit, view: View, kind: str, metrics: Sequence[str], **more: Any) -> Answered:
    """As ``ask``, with the digest of the answer."""
    asked = {**asked_of(view), "metrics": list(metrics), **more}
    return await visit.state.insights.get(visit.request, visit.project, kind, asked, visit.access)


def asked_of(view: View) -> dict[str, Any]:
    """``view`` as the parameters of an insight."""
    return scope_of(view.team, (view.start, view.end), view.granularity, view.aggregation)


def scope_of(team: Node, days: tuple[date, date], granularity: str, aggregation: str) -> dict[str, Any]:
    """What a view is of, as the parameters of an insight."""
    start, end = days
    return {
        "teamId": str(team.ref_id),
        "dateFrom": start.isoformat(),
        "dateTo": end.isoformat(),
        "granularity": granularity,
        "aggregation": aggregation,
    }


def lines_of(view: View, body: InsightBody) -> list[Line]:
    """The rows of an answer to ``view`` with their figures."""
    return [Line(row, {metric.id: _figure(view, body, metric, row) for metric in body.metrics}) for row in body.rows]


def in_order(lines: Sequence[Line], sort: str) -> list[Line]:
    """``lines`` by the metric ``sort`` (`-` before it: downwards), else by name."""
    down, column = sort.startswith("-"), sort.removeprefix("-").upper()
    named = sorted(lines, key=lambda line: line.name.casefold())
    if not lines or column not in lines[0].figures:
        return named[::-1] if down else named
    known = [line for line in named if isinstance(line[column].value, int | float)]
    unknown = [line for line in named if not isinstance(line[column].value, int | float)]
    return [*sorted(known, key=lambda line: float(line[column].value or 0), reverse=down), *unknown]


def unknown(body: InsightBody, metric: InsightMetric) -> Figure:
    """The figure of which nothing is known."""
    return Figure(entry_of(body, metric), metric.column, metric.title, None, better=metric.better or "")


def entry_of(body: InsightBody, metric: InsightMetric) -> CatalogueEntry:
    """What ``metric`` of an answer is in the catalogue; its unit is the one that the answer was asked in."""
    mode = body.request.computation_mode
    if mode:
        return in_work_unit(declared(metric.id), mode)
    if body.kind in INSIGHTS:
        return declared(metric.id)
    return ExportColumn(metric.column, metric.group, metric.unit, metric.definition, (), title=metric.title)


def key_of(row: InsightRow) -> str:
    """Whose ``row`` it is: the team's ref id, the developer's email, or the service."""
    if row.developer:
        return row.developer.email
    return str(row.team.ref_id) if row.team else service_of(row)


def service_of(row: InsightRow) -> str:
    """The service that a row is about, or else the repository; '' where neither is known."""
    key = row.key or {}
    return str(key.get("Service") or key.get("Repository") or "")


def has_rows_behind(body: InsightBody) -> bool:
    """Whether the rows behind values of an answer are shown. Sprints that share their days are one row; the rows of these days are
    of others that ended in them, too, and so would not be those of the value."""
    return body.kind in TRACED and (body.request.granularity != BY_SPRINT or body.request.level == SPRINT)


def _figure(view: View, body: InsightBody, metric: InsightMetric, row: InsightRow) -> Figure:
    who: dict[str, object] = {"team": row.team.ref_id} if row.team else {}
    if row.developer:
        who = {"developer": row.developer.email}
    elif not row.team:
        who = {"of_service": service_of(row)}
    if body.request.level == SPRINT:
        who["of_sprint"] = (row.key or {})["Sprint_Id"]
    is_traced = has_rows_behind(body) and (row.key or {}).get(PART, ALL) == ALL
    behind = partial(rows_link, view, body.kind, metric.column, start=row.start_date, end=row.end_date, **who)
    return Figure(
        metric=entry_of(body, metric),
        column=metric.column,
        title=metric.title,
        value=row.values[metric.column],
        count=(row.n or {}).get(metric.column),
        things=metric.of or "",
        before=None if row.previous is None else row.previous.values[metric.column],
        better=metric.better or "",
        per=STEPS[body.request.granularity],
        behind=behind if is_traced else None,
    )


def rows_link(view: View, kind: str, column: str, *, start: object, end: object, **who: object) -> str:
    """The address of the rows behind a value of ``column``: of the team, developer or service named, from ``start`` to ``end``."""
    days = {"period": None, "from_": start, "to": end}
    of_screen = {name: None for name in view.query if name not in (*OF_A_VIEW, *OF_FIGURES)}
    return view.link("/facts", **{**of_screen, "kind": kind, "column": column, **days, **who})
