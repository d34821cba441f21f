"""Tools that tell values: a metric of a team, period by period, and one value with the rows behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, ClassVar

from pydantic import Field

from leadline.agents.tool import Aggregation, Offset, Scope, Tool, ToolAnswer, UpTo200
from leadline.api.agents.asking import Asker
from leadline.api.agents.words import Granularity
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
from leadline.metrics.catalogue import catalogue_of, named
from leadline.metrics.metric import DEVELOPER, INSIGHTS, PRODUCTIVITY, TEAM, Metric, MetricColumn
from leadline.metrics.request import AGGREGATIONS

_SCOPE, _TEAMS, _DEVELOPERS = "scope", "teams", "developers"
MetricName = Annotated[str, Name]


@dataclass(frozen=True)
class Asked:
    """A metric as it is asked for: ``name`` may say a statistic, others follow ``aggregation``."""

    metric: Metric
    name: str
    aggregation: str

    @classmethod
    def of(cls, name: str, aggregation: str | None) -> Asked:
        """The metric called ``name``. Raises ``InvalidRequest`` with the nearest names."""
        every = [metric for kind in INSIGHTS for metric in catalogue_of(kind)]
        return cls(named(name, every), name, aggregation or AGGREGATIONS[0])

    @property
    def column(self) -> str:
        """What its column is called."""
        return MetricColumn.named(self.metric, self.name, self.aggregation).name(self.aggregation)

    @property
    def kind(self) -> str:
        """The insight that has it."""
        return self.metric.insight

    def parameters(self, scope: Mapping[str, Any], level: str = TEAM) -> dict[str, Any]:
        """The parameters of the insight of the metric alone."""
        levels = {"level": level} if self.kind == PRODUCTIVITY or level != TEAM else {}
        return {**scope, **levels, "metrics": [self.name], "aggregation": self.aggregation}

    def whole(self, scope: Mapping[str, Any]) -> dict[str, Any]:
        """Those of its one value of a team, or of an org tree, over all days."""
        return {**self.parameters(scope), "granularity": TOTAL, "depth": 0}


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


class GetMetric(Scope):
    """Which metric, of whom, when, in which periods."""

    metric: Name = Field(description="Its column (see list_metrics), in any letter case.", examples=["LTTC_Mean_Days"])
    by: Annotated[str, one_of("by", (_SCOPE, _TEAMS, _DEVELOPERS))] | None = Field(
        None,
        description="What has a row: the team or org tree itself (default), it and the teams right below it, or its developers.",
    )
    granularity: Granularity | None = Field(None, description="Length of the periods; none: the range as one.")
    aggregation: Aggregation | None = Field(None, description="How durations are summarized; default `mean`.")
    compare: Annotated[str, one_of("compare", (PREVIOUS,))] | None = Field(
        None, description="`previous` puts beside each row the same of the range of the same length before."
    )


class EarlierValue(Body):
    """The value of the range before."""

    start_date: date
    end_date: date
    value: Cell
    n: int


class MetricRow(Body):
    """A value of a team or developer in a period."""

    team: InsightTeam | None = None
    developer: InsightDeveloper | None = None
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
    asked = Asked.of(wanted.metric, wanted.aggregation)
    level = DEVELOPER if wanted.by == _DEVELOPERS else TEAM
    rows = {**asked.parameters(wanted.asked(), level), "granularity": wanted.granularity or TOTAL}
    rows |= {} if level == DEVELOPER else {"depth": 1 if wanted.by == _TEAMS else 0}
    rows |= {"compare": wanted.compare} if wanted.compare else {}
    whole = [asked.whole(wanted.asked())] if asked.metric.formula(TEAM) is not None else []
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


class ExplainCell(Scope):
    """Which value, and which of the rows behind it."""

    metric: Name = Field(description="Its column (see list_metrics), in any letter case.", examples=["CFR_Percent"])
    developer: Name | None = Field(
        None, description="The value of this developer of the team or org tree, by email, in place of the whole's."
    )
    granularity: Granularity | None = Field(None, description="Length of the periods; none: the range as one.")
    start_date: Day | None = Field(None, description="The first day of the value's period; default: the first period.")
    aggregation: Aggregation | None = Field(None, description="How durations are summarized; default `mean`.")
    offset: Offset = Field(0, description="After how many rows the answer begins.")
    limit: UpTo200 = Field(50, description="Rows to answer at most.")


class ExplainedCell(Told):
    """A value, and the rows behind it, those with the greatest part first."""

    entries: ClassVar[str] = "rows"

    aggregation: str = Field(
        description="How the value is made of the rows' own: `sum`, `count`, `ratio`, `mean`, `median`, `p90`, `p95`, `rating` or "
        "`overall`."
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
    asked = Asked.of(wanted.metric, wanted.aggregation)
    scope = {**wanted.asked(), "granularity": wanted.granularity or TOTAL}
    found = await behind(asker, asked, scope, wanted.developer, wanted.start_date, (wanted.offset, wanted.limit))
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
    developer: str | None,
    start: date | None,
    page: tuple[int, int],
) -> ListedCell:
    """The value of a team, of an org tree or of one ``developer`` there in the period that begins on ``start``, with the rows
    behind it: as many as ``page`` says after its offset, those with the greatest part first."""
    offset, most = page
    level = TEAM if developer is None else DEVELOPER
    parameters = {**scope, **asked.parameters(scope, level)} | ({"depth": 0} if developer is None else {})
    unit = developer
    if unit is None:
        (body,) = await asker.insights(asked.kind, parameters)
        unit = body.rows[0].team.ref_id if body.rows and body.rows[0].team else ""
    return await asker.state.insights.listed(
        asker.request,
        asker.project,
        asked.kind,
        parameters,
        Place(asked.column, unit=unit, start=start),
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
