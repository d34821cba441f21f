"""Tools that tell values: a metric of a team, period by period, and one value with the rows behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Annotated, Any, ClassVar

from pydantic import Field
from starlette.concurrency import run_in_threadpool

from leadline.agents.metric_names import Asked
from leadline.agents.tool import Aggregation, Offset, Scope, Tool, ToolAnswer, UpTo200
from leadline.api.agents.asking import Asker
from leadline.api.agents.words import Granularity
from leadline.errors import Detail, InvalidRequest
from leadline.exports.insights.cells import Place
from leadline.exports.insights.listing import ListedCell, Listing
from leadline.exports.insights.models import (
    Cell,
    CellRow,
    InsightBody,
    InsightDeveloper,
    InsightMetric,
    InsightRow,
    InsightTeam,
    PreviousValues,
)
from leadline.exports.insights.request import PREVIOUS, TOTAL
from leadline.field_types import Day, Name, one_of
from leadline.json_body import Body, Instant
from leadline.metrics.business_columns import EFFORT_UNITS
from leadline.metrics.metric import DEVELOPER, TEAM
from leadline.metrics.sprint_columns import MODES, SPRINT

_SCOPE, _TEAMS, _DEVELOPERS, _SPRINTS = "scope", "teams", "developers", "sprints"
_LEVELS = {_DEVELOPERS: DEVELOPER, _SPRINTS: SPRINT}


class Asking(Scope):
    """Of whom, when, and how what is asked for is taken."""

    aggregation: Aggregation | None = Field(None, description="How durations are summarized; default `mean`.")
    computation_mode: Annotated[str, one_of("computationMode", MODES)] | None = Field(
        None, description="Of metrics of sprints: what work is counted in; default `STORY_POINTS`."
    )
    effort_unit: Annotated[str, one_of("effortUnit", EFFORT_UNITS)] | None = Field(
        None, description="Of business alignment: what `…_percent` are shares of; default `TICKETS`."
    )

    def of(self, asker: Asker, name: str) -> Asked:
        """The metric called ``name`` as it is asked for. Raises ``InvalidRequest`` with the nearest names."""
        said = {"computationMode": self.computation_mode, "effortUnit": self.effort_unit}
        return Asked.of(asker, name, self.aggregation, {key: word for key, word in said.items() if word is not None})


class Told(ToolAnswer):
    """A value with what it means."""

    metric: str = Field(description="The column of exports that has the same values.")
    title: str
    unit: str
    definition: str
    of: str | None = Field(default=None, description="What `n` counts.")
    better: str | None = Field(description="Whether `higher` or `lower` values are better; null where neither is.")
    value: Cell = Field(description="Null where there is nothing to take it of.")
    n: int | None = Field(description="Of how many events it is.")
    data_as_of: Instant


def said_of(metric: InsightMetric) -> dict[str, Any]:
    """What an answer says of its metric."""
    return {
        "metric": metric.column,
        "title": metric.title,
        "unit": metric.unit,
        "definition": metric.definition,
        "of": metric.of,
        "better": metric.better,
    }


class GetMetric(Asking):
    """Which metric, of whom, when, in which periods."""

    metric: Name = Field(description="Its column (see list_metrics), in any letter case.", examples=["LTTC_Mean_Days"])
    by: Annotated[str, one_of("by", (_SCOPE, _TEAMS, _DEVELOPERS, _SPRINTS))] | None = Field(
        None,
        description="What has a row: the team or org tree itself (default), it and the teams right below it, its developers or, of "
        "metrics of sprints, each sprint of it.",
    )
    granularity: Granularity | None = Field(None, description="Length of the periods; none: the range as one.")
    compare: Annotated[str, one_of("compare", (PREVIOUS,))] | None = Field(
        None, description="`previous` puts beside each row the same of the range of the same length before."
    )


class EarlierValue(Body):
    """The value of the range before."""

    start_date: date
    end_date: date
    value: Cell
    n: int


class SprintOfRow(Body):
    """A sprint."""

    id: str
    name: str
    board: str = Field(description="The boards that show it.")


class MetricRow(Body):
    """A value of a team or developer in a period, or of a team in a sprint."""

    team: InsightTeam | None = None
    developer: InsightDeveloper | None = None
    sprint: SprintOfRow | None = None
    period: str
    start_date: date
    end_date: date
    value: Cell
    n: int
    previous: EarlierValue | None = None

    @classmethod
    def of(cls, row: InsightRow, column: str) -> MetricRow:
        """The row of an insight."""
        assert row.period is not None  # noqa: S101 -- so have all rows of metrics
        assert row.start_date is not None  # noqa: S101
        assert row.end_date is not None  # noqa: S101
        members: dict[str, Any] = {
            "team": row.team,
            "developer": row.developer,
            "sprint": row.key and _sprint(row.key),
            "previous": row.previous and _earlier(row.previous, column),
        }
        return cls(
            period=row.period,
            start_date=row.start_date,
            end_date=row.end_date,
            value=row.values[column],
            n=(row.n or {})[column],
            **{name: member for name, member in members.items() if member is not None},
        )


def _sprint(key: Mapping[str, Cell]) -> SprintOfRow:
    return SprintOfRow(id=str(key["Sprint_Id"]), name=str(key["Sprint"]), board=str(key["Board"]))


def _earlier(previous: PreviousValues, column: str) -> EarlierValue:
    return EarlierValue(
        start_date=previous.start_date,
        end_date=previous.end_date,
        value=previous.values[column],
        n=(previous.n or {})[column],
    )


class MetricValues(Told):
    """A metric: the value of the whole team or org tree over all days, and rows."""

    entries: ClassVar[str] = "rows"

    org_tree_name: str
    team: InsightTeam | None = Field(description="Null for a whole org tree.")
    start_date: date
    end_date: date
    aggregation: str
    granularity: str
    rows: list[MetricRow]
    total: int = Field(description="Rows there are.")
    warnings: list[str] | None = None


async def _get_metric(asker: Asker, wanted: GetMetric) -> MetricValues:
    asked = await run_in_threadpool(wanted.of, asker, wanted.metric)
    level = _LEVELS.get(wanted.by or "", TEAM)
    if level == SPRINT:
        _check_of_sprints(asked, "by")
    rows = {**asked.parameters(wanted.asked(), level), "granularity": wanted.granularity or TOTAL}
    rows |= {} if level == DEVELOPER else {"depth": 1 if wanted.by == _TEAMS else 0}
    rows |= {"compare": wanted.compare} if wanted.compare else {}
    whole = [asked.whole(wanted.asked())] if asked.of_teams else []
    body, *wholes = await asker.insights(asked.kind, rows, *whole)
    value, n = value_of(wholes[0], asked.column) if wholes else (None, None)
    warnings: dict[str, Any] = {"warnings": body.warnings} if body.warnings else {}
    return MetricValues(
        **said_of(body.metrics[0]),
        value=value,
        n=n,
        data_as_of=min(one.data_as_of for one in (body, *wholes)),
        org_tree_name=body.request.org_tree_name,
        team=body.request.team,
        start_date=body.request.start_date,
        end_date=body.request.end_date,
        aggregation=body.request.aggregation,
        granularity=body.request.granularity,
        rows=[MetricRow.of(row, asked.column) for row in body.rows],
        total=body.total,
        **warnings,
    )


def _check_of_sprints(asked: Asked, argument: str) -> None:
    if SPRINT not in asked.entry.levels:
        message = f"{asked.column} is of no single sprint"
        raise InvalidRequest(
            message, code="unsupported_level", details=[Detail(argument, "only of metrics of sprints")]
        )


def value_of(whole: InsightBody, column: str) -> tuple[Cell, int]:
    """The one value of an answer, and of how many events it is; nothing where the team was not there in these days."""
    if not whole.rows:
        return None, 0
    return whole.rows[0].values[column], (whole.rows[0].n or {})[column]


GET_METRIC = Tool(
    "get_metric",
    "Get a metric",
    "Answers the value of a metric for a team (or an org tree) over some days, and rows by period, by team below or by developer.",
    GetMetric,
    MetricValues,
    _get_metric,
)

# -- the rows behind a value -------------------------------------------------------------------------------------------


class ExplainCell(Asking):
    """Which value, and which of the rows behind it."""

    metric: Name = Field(description="Its column (see list_metrics), in any letter case.", examples=["CFR_Percent"])
    developer: Name | None = Field(
        None, description="The value of this developer of the team or org tree, by email, in place of the whole's."
    )
    granularity: Granularity | None = Field(None, description="Length of the periods; none: the range as one.")
    start_date: Day | None = Field(None, description="The first day of the value's period; default: the first period.")
    sprint: Name | None = Field(
        None,
        description="The value of this sprint of the team, by its id (see get_metric by sprints); of metrics of sprints.",
    )
    offset: Offset = Field(0, description="After how many rows the answer begins.")
    limit: UpTo200 = Field(50, description="Rows to answer at most.")


class ExplainedCell(Told):
    """A value, and the rows behind it, those with the greatest part first."""

    entries: ClassVar[str] = "rows"

    aggregation: str = Field(
        description="How the value is made of the rows' own: `sum`, `count`, `ratio`, `mean`, `median`, `p90`, `p95`, `rating`, "
        "`overall`, or of sprints `per_sprint` or `deviation`."
    )
    facts: str | None = Field(
        description="The fact that has the rows (see list_facts); null for what is not made of rows."
    )
    untraced: str | None = Field(default=None, description="Why there are no rows; absent where there may be.")
    rows: list[CellRow]
    total: int = Field(description="Rows behind the value.")
    offset: int = Field(
        description="After how many rows these begin; those after them begin at `offset` + how many are here."
    )


async def _explain_cell(asker: Asker, wanted: ExplainCell) -> ExplainedCell:
    asked = await run_in_threadpool(wanted.of, asker, wanted.metric)
    if wanted.sprint is not None:
        _check_of_sprints(asked, "sprint")
    scope = {**wanted.asked(), "granularity": wanted.granularity or TOTAL}
    place = Place(asked.column, unit=wanted.developer, start=wanted.start_date, sprint=wanted.sprint)
    found = await behind(asker, asked, scope, place, (wanted.offset, wanted.limit))
    body = found.body
    untraced: dict[str, Any] = {} if body.untraced is None else {"untraced": body.untraced}
    return ExplainedCell(
        **said_of(body.metric),
        value=body.value,
        n=body.n,
        data_as_of=body.data_as_of,
        aggregation=body.aggregation,
        facts=body.facts,
        rows=body.rows,
        total=body.count,
        offset=wanted.offset,
        **untraced,
    )


async def behind(
    asker: Asker,
    asked: Asked,
    scope: Mapping[str, Any],
    place: Place,
    page: tuple[int, int],
) -> ListedCell:
    """The value of a team or of an org tree or, if ``place`` says one, of a developer or sprint of it, with the rows behind it: as
    many as ``page`` says after its offset, those with the greatest part first."""
    offset, most = page
    unit = place.unit
    level = (TEAM if place.sprint is None else SPRINT) if unit is None else DEVELOPER
    parameters = {**scope, **asked.parameters(scope, level)} | ({"depth": 0} if unit is None else {})
    if unit is None:
        (body,) = await asker.insights(asked.kind, parameters)
        unit = body.rows[0].team.ref_id if body.rows and body.rows[0].team else ""
    return await asker.state.insights.listed(
        asker.request,
        asker.project,
        asked.kind,
        parameters,
        replace(place, unit=unit),
        asker.access,
        Listing(most=most),
        offset=offset,
    )


EXPLAIN_CELL = Tool(
    "explain_cell",
    "Explain a value",
    "Answers one value of a metric with the rows that it is made of (pull requests, work items, deployments and so on).",
    ExplainCell,
    ExplainedCell,
    _explain_cell,
)
