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
from leadline.api.agents.words import AnyDay, Granularity, Paged, Words
from leadline.api.answers import new_router
from leadline.api.body import json_body
from leadline.api.caller import Caller, LimitedReader
from leadline.errors import Detail, Forbidden, InvalidRequest
from leadline.exports.insights.cells import Place
from leadline.exports.insights.listing import VALUE, Listing
from leadline.exports.insights.models import Cell, InsightBody, InsightMetric, InsightRow, InsightTeam
from leadline.exports.insights.request import TOTAL
from leadline.exports.validation import validated
from leadline.field_types import Field as Checked
from leadline.field_types import TeamId, refusal, shown
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


class TeamDays(Paged):
    """Of which team, and when."""

    team_ref_id: TeamId | None = Field(
        None,
        description="A team by its ref id (as a number or as text) or its key, with all teams below it. A key that is limited to "
        "one team may leave it out.",
        examples=[123, "456"],
    )
    date_start: AnyDay = Field(
        description="First day (yyyy-MM-dd or MM/DD/YYYY).", examples=["2026-01-01", "01/01/2026"]
    )
    date_end: AnyDay = Field(description="Last day, inclusive.", examples=["2026-03-31", "03/31/2026"])

    def asked(self, granularity: str, *columns: str) -> dict[str, Any]:
        """The parameters of the insight that has the ``columns`` of the team alone."""
        days = {"dateFrom": self.date_start.isoformat(), "dateTo": self.date_end.isoformat()}
        team = {} if self.team_ref_id is None else {"teamId": self.team_ref_id}
        return {**team, **days, "metrics": list(columns), "granularity": granularity, "depth": 0}


class DoraRequest(TeamDays):
    """Of which team, when, and in which periods."""

    granularity: Granularity | None = Field(
        None, description="Length of the periods, in any letter case; default `MONTH`."
    )


def _sort_option(value: Any) -> tuple[str, bool]:
    """The column, and whether downwards."""
    if isinstance(value, Mapping):
        members = {str(name).lower(): text for name, text in value.items()}
        column = next((members[name] for name in ("field", "column", "sortby", "key") if name in members), None)
        direction = next((members[name] for name in ("direction", "order", "sortorder") if name in members), "asc")
        value = f"{column} {direction}" if isinstance(column, str) else None
    if not isinstance(value, str) or not value.strip():
        raise refusal("wrong_type", 'must be a column such as "-finished_at", or {"field", "direction"}')
    column, _, direction = value.strip().removeprefix("-").partition(" ")
    downwards = value.strip().startswith("-") or direction.strip().lower() in ("desc", "descending")
    if direction.strip().lower() not in ("", "asc", "ascending", "desc", "descending"):
        raise refusal("wrong_type", f"must go asc or desc, not {shown(direction)}")
    return column.lower(), downwards


class DrilldownRequest(DoraRequest):
    """Which deployments, and which page of them."""

    sort_option: (
        Annotated[
            tuple[str, bool],
            Checked(
                _sort_option,
                {
                    "anyOf": [
                        {"type": "string", "minLength": 1},
                        {
                            "type": "object",
                            "properties": {"field": {"type": "string"}, "direction": {"enum": ["asc", "desc"]}},
                            "required": ["field"],
                        },
                    ]
                },
            ),
        ]
        | None
    ) = Field(
        None,
        description="A column of the fact to sort by, `-` before it for downwards, or its `field` and `direction`. Default: what "
        "failed first, then the newest.",
    )

    @property
    def listing(self) -> Listing:
        """In which order, and how many at once."""
        column, downwards = self.sort_option or (VALUE, True)
        return Listing(column, downwards, most=self.page_size)


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
        (total,) = whole.rows
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


class DrilldownBody(Body):
    """One page of the deployments behind a value."""

    content: list[dict[str, Any]] = Field(description="Rows of the fact `deployments`, by column.")
    page: int = Field(description="Counted from 0.")
    page_size: int
    total: int = Field(description="Deployments on all pages.")
    data_as_of: Instant


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
            return await _behind(request, caller, metric, validated(DrilldownRequest, body))


async def _behind(request: Request, caller: Caller, metric: DoraMetric, model: DrilldownRequest) -> DrilldownBody:
    asked, listing = model.asked(TOTAL, metric.behind), model.listing
    place, offset = Place(metric.behind, row=0), model.page * model.page_size
    try:
        found = await caller.state.insights.listed(
            request, caller.project, EFFICIENCY, asked, place, caller.access, listing, offset=offset
        )
    except (InvalidRequest, Forbidden) as error:
        worded = _WORDS.of(error)
        details = [Detail("sortOption" if one.field == "sort" else one.field, one.message) for one in worded.details]
        raise type(worded)(worded.message, code=worded.code, details=details) from None
    return DrilldownBody(
        content=[row.row for row in found.body.rows],
        page=model.page,
        page_size=model.page_size,
        total=found.body.count,
        data_as_of=found.body.data_as_of,
    )


_add("leadtime", LEAD_TIME, "getTeamLeadTime", "Lead time for changes of a team")
_add("deploymentFrequency", FREQUENCY, "getTeamDeploymentFrequency", "Deployment frequency of a team")
_add("changeFailureRate", FAILURE_RATE, "getTeamChangeFailureRate", "Change failure rate of a team")
_add("mttr", RESTORE, "getTeamTimeToRestore", "Time to restore of a team")
