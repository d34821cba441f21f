"""The routes of the four DORA metrics of a team, each period by period with its rating, and of the deployments behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any

from fastapi import Depends
from pydantic import Field
from starlette.requests import Request

from leadline.api.agents.asking import Asker
from leadline.api.agents.drilldowns import DrilldownBody, Sorted, behind
from leadline.api.agents.words import Granularity, TeamDays, Words
from leadline.api.answers import new_router
from leadline.api.body import json_body
from leadline.api.caller import LimitedReader
from leadline.exports.insights.cells import Place
from leadline.exports.insights.models import Cell, InsightBody, InsightMetric, InsightRow, InsightTeam
from leadline.exports.insights.request import TOTAL
from leadline.exports.validation import validated
from leadline.json_body import Body, Instant
from leadline.metrics.metric import EFFICIENCY
from leadline.settings.setting import STAGES

router = new_router("agents")

PATH = f"/v2/insights/{EFFICIENCY}"
_WORDS = Words("teamRefId", "dateStart", "dateEnd")


@dataclass(frozen=True)
class DoraMetric:
    """One of the four: its column, that of its rating, those of its stages, and that whose events its drilldown shows."""

    column: str
    rating: str
    stages: Mapping[str, str] = field(default_factory=dict)
    behind: str = ""

    @property
    def columns(self) -> list[str]:
        """All columns that an answer is made of."""
        return [self.column, self.rating, *self.stages.values()]


LEAD_TIME = DoraMetric("LTTC_Mean_Days", "LTTC_Rating", {stage: f"{stage.capitalize()}_Mean_Days" for stage in STAGES})
FREQUENCY = DoraMetric("Deployment_Frequency", "DF_Rating", behind="DF_Deployment_Count")
FAILURE_RATE = DoraMetric("CFR_Percent", "CFR_Rating", behind="CFR_Percent")
RESTORE = DoraMetric("MTTR_Mean_Days", "MTTR_Rating")


# -- what is asked -----------------------------------------------------------------------------------------------------


class DoraRequest(TeamDays):
    """Of which team, when, and in which periods."""

    granularity: Granularity | None = Field(
        None, description="Length of the periods, in any letter case; default `MONTH`."
    )


class DrilldownRequest(DoraRequest, Sorted):
    """Which deployments, and which page of them."""


_METRIC = json_body(DoraRequest)
_DRILLDOWN = json_body(DrilldownRequest)

# -- what is answered --------------------------------------------------------------------------------------------------


class DoraPeriod(Body):
    """A period, or the range as one."""

    label: str
    start: date
    end: date
    value: Cell = Field(description="Null where there is nothing to take it of.")
    count: int = Field(description="Of how many things it is.")
    stages: dict[str, Cell] | None = Field(
        default=None, description="Of lead time: the days of each stage. Absent with other metrics."
    )


class DoraBody(Body):
    """A DORA metric of a team."""

    team_ref_id: int
    team: InsightTeam
    granularity: str = Field(description="`daily`, `weekly`, `monthly`, `quarterly` or `yearly`.")
    periods: list[DoraPeriod]
    page: int = Field(description="Counted from 0.")
    page_size: int
    period_count: int = Field(description="Periods on all pages.")
    total: DoraPeriod = Field(description="The range as one period.")
    rating: str | None = Field(description="Of the range: Elite, High, Medium or Low; null where there is none.")
    metric: str = Field(description="The column of exports that has the same values.")
    title: str = Field(description="What people call it.")
    unit: str
    definition: str
    of: str | None = Field(default=None, description="What `count` counts.")
    data_as_of: Instant = Field(description="When the versions that it is made of were pinned.")

    @classmethod
    def of_answers(cls, metric: DoraMetric, model: DoraRequest, by_period: InsightBody, whole: InsightBody) -> DoraBody:
        """The answer that two insights make, by period and of the range as one."""
        total = _WORDS.first_row(whole)
        assert total.team is not None  # noqa: S101 -- rows are teams
        told = _told(by_period, metric.column)
        return cls(
            team_ref_id=int(total.team.ref_id),
            team=total.team,
            granularity=by_period.request.granularity,
            periods=[_period(metric, row) for row in by_period.rows[model.slice]],
            page=model.page,
            page_size=model.page_size,
            period_count=len(by_period.rows),
            total=_period(metric, total),
            rating=_text(total.values[metric.rating]),
            metric=told.column,
            title=told.title,
            unit=told.unit,
            definition=told.definition,
            of=told.of,
            data_as_of=min(by_period.data_as_of, whole.data_as_of),
        )


def _told(body: InsightBody, column: str) -> InsightMetric:
    return next(metric for metric in body.metrics if metric.column == column)


def _text(cell: Cell) -> str | None:
    return None if cell is None else str(cell)


def _period(metric: DoraMetric, row: InsightRow) -> DoraPeriod:
    assert row.start_date is not None  # noqa: S101 -- so has every row of metrics
    assert row.end_date is not None  # noqa: S101
    stages = {stage: row.values[column] for stage, column in metric.stages.items()}
    return DoraPeriod(
        label=row.period or "",
        start=row.start_date,
        end=row.end_date,
        value=row.values[metric.column],
        count=(row.n or {}).get(metric.column, 0),
        **({"stages": stages} if stages else {}),
    )


# -- routes ------------------------------------------------------------------------------------------------------------


def _add(name: str, metric: DoraMetric, operation: str, title: str) -> None:
    @router.post(f"{PATH}/{name}", operation_id=operation, summary=title, response_description="Period by period.")
    async def dora(
        request: Request, caller: LimitedReader, body: Annotated[dict[str, Any], Depends(_METRIC)]
    ) -> DoraBody:
        model = validated(DoraRequest, body)
        granularity = model.granularity or "monthly"
        asked = [model.asked(word, *metric.columns) for word in (granularity, TOTAL)]
        by_period, whole = await Asker.of(request, caller).insights(EFFICIENCY, *asked, words=_WORDS)
        return DoraBody.of_answers(metric, model, by_period, whole)

    if metric.behind:

        @router.post(
            f"{PATH}/{name}/drilldown",
            operation_id=f"{operation}Drilldown",
            summary=f"The deployments behind it: {title.lower()}",
            response_description="One page of them.",
        )
        async def drilldown(
            request: Request, caller: LimitedReader, body: Annotated[dict[str, Any], Depends(_DRILLDOWN)]
        ) -> DrilldownBody:
            model = validated(DrilldownRequest, body)
            place = Place(metric.behind, row=0)
            return await behind(
                Asker.of(request, caller), EFFICIENCY, model.asked(TOTAL, metric.behind), place, model, _WORDS
            )


_add("leadtime", LEAD_TIME, "getTeamLeadTime", "Lead time for changes of a team")
_add("deploymentFrequency", FREQUENCY, "getTeamDeploymentFrequency", "Deployment frequency of a team")
_add("changeFailureRate", FAILURE_RATE, "getTeamChangeFailureRate", "Change failure rate of a team")
_add("mttr", RESTORE, "getTeamTimeToRestore", "Time to restore of a team")
