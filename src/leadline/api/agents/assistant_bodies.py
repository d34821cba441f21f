"""What is asked of the use of AI coding assistants, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Self

from pydantic import Field

from leadline.api.agents.words import AnyDay, Granularity, Paged
from leadline.exports.insights.models import (
    Cell,
    InsightBody,
    InsightDeveloper,
    InsightMetric,
    InsightRow,
    InsightTeam,
    PreviousValues,
)
from leadline.field_types import Name, TeamId, one_of
from leadline.json_body import Body, Instant
from leadline.metrics.metric import DEVELOPER, TEAM
from leadline.metrics.tools import names_of

EVERY_TOOL = "all_assistants"
ALL_OF_THE_VENDOR = ("cursor", "windsurf")
"""What the vendor's server names if all tools are meant: those that there are for it."""
MOST_TOOLS = 10
ACTIVE_USERS = "DAILY_ACTIVE_USERS"
METRIC_TYPES: Mapping[str, str] = {
    "LINESSUGGESTED": "AI_Lines_Suggested",
    "LINESACCEPTED": "AI_Lines_Accepted",
    "ACCEPTANCERATEPERCENTAGE": "AI_Acceptance_Percent",
}
"""The columns by the names of metrics, in upper case."""
_METRIC_NAMES = ("linesSuggested", "linesAccepted", "acceptanceRatePercentage", ACTIVE_USERS)

# -- what is asked -----------------------------------------------------------------------------------------------------


class AssistantRequest(Paged):
    """Of which team, when, and which tools."""

    team_ref_id: TeamId | None = Field(
        None,
        description="A team by its ref id (as a number or as text) or its key, with all teams below it. None: the only org tree, "
        "or the team that the key is limited to.",
        examples=[123, "456"],
    )
    start_date: AnyDay = Field(
        description="First day (yyyy-MM-dd or MM/DD/YYYY).", examples=["2026-01-01", "01/01/2026"]
    )
    end_date: AnyDay = Field(description="Last day, inclusive.", examples=["2026-03-31", "03/31/2026"])
    integration_type: list[Name] | None = Field(
        None,
        max_length=MOST_TOOLS,
        description=f"The tools whose use is meant; none, `{EVERY_TOOL}` or `{'` and `'.join(ALL_OF_THE_VENDOR)}` together: all.",
        examples=[["cursor"]],
    )

    @property
    def named_tools(self) -> tuple[str, ...]:
        """The tools that are named."""
        return tuple(tool for tool in names_of(self.integration_type or ()) if tool != EVERY_TOOL)

    @property
    def tools(self) -> list[str] | None:
        """Those whose use alone is meant; None for all."""
        every = EVERY_TOOL in names_of(self.integration_type or ())
        return None if every or self.named_tools in ((), ALL_OF_THE_VENDOR) else list(self.named_tools)


class SeriesRequest(AssistantRequest):
    """Of which team, when, in which periods, and which tools."""

    granularity: Granularity | None = Field(
        None, description="Length of the periods, in any letter case; default `MONTH`."
    )


class MetricTypeRequest(SeriesRequest):
    """Which metric; none: all."""

    metric_type: Annotated[str, one_of("metricType", _METRIC_NAMES)] | None = Field(
        None, description=f"One metric, in any letter case; `{ACTIVE_USERS}` by day."
    )

    @property
    def is_of_users(self) -> bool:
        """Whether the metric is how many people used a tool on a day."""
        return (self.metric_type or "").upper() == ACTIVE_USERS

    @property
    def columns(self) -> list[str]:
        """The column of the metric."""
        return [METRIC_TYPES[self.metric_type.upper()]] if self.metric_type else []


class BreakdownRequest(AssistantRequest):
    """By what, and which page."""

    group_by: Annotated[str, one_of("groupBy", (TEAM.upper(), DEVELOPER.upper()))] | None = Field(
        None, description="`TEAM`: the teams right below (default of adoption); `DEVELOPER`: people (default of usage)."
    )


# -- what is answered --------------------------------------------------------------------------------------------------


class AssistantValues(Body):
    """Values by column, and of how many things each is."""

    values: dict[str, Cell] = Field(description="Null where no tool was read that tells it.")
    counts: dict[str, int] = Field(description="By column, of how many things the value is (see `of` of the metric).")


class AssistantPeriod(AssistantValues):
    """A period, or the range as one."""

    label: str
    start: date
    end: date


class AssistantRow(AssistantValues):
    """A team or a developer."""

    team: InsightTeam | None = None
    developer: InsightDeveloper | None = None


class AssistantPart(Body):
    """A part of the work."""

    values: dict[str, Cell]
    small: bool = Field(description="Whether it has fewer than five merged pull requests.")


class AssistantBody(Body):
    """Of which team and tools, and what the values mean."""

    team_ref_id: int
    team: InsightTeam
    tools: list[str] | None = Field(description="The tools whose use alone is counted; null for all.")
    metrics: list[InsightMetric]
    data_as_of: Instant


class AssistantPeriodsBody(AssistantBody):
    """Values period by period."""

    granularity: str = Field(description="`daily`, `weekly`, `monthly`, `quarterly` or `yearly`.")
    periods: list[AssistantPeriod]
    page: int = Field(description="Counted from 0.")
    page_size: int
    period_count: int = Field(description="Periods on all pages.")
    total: AssistantPeriod = Field(description="The range as one period.")

    def of_users(self) -> Self:
        """The same by the number of users whom the share of the one column is of."""
        for period in (*self.periods, self.total):
            ((column, value),) = period.values.items()
            users = None if value is None else period.counts[column]
            period.values, period.counts = {ACTIVE_USERS: users}, {ACTIVE_USERS: users or 0}
        return self


class AssistantSummaryBody(AssistantBody):
    """Values over all days."""

    total: AssistantPeriod
    previous: AssistantPeriod | None = Field(description="The range of the same length before.")
    by_tool: dict[str, AssistantPeriod] = Field(description="Of each tool that was named, by name.")


class AssistantBreakdownBody(AssistantBody):
    """Values over all days by team or developer."""

    group_by: str
    content: list[AssistantRow]
    page: int = Field(description="Counted from 0.")
    page_size: int
    total: int = Field(description="Teams or developers on all pages.")


class AssistantSplitBody(AssistantBody):
    """Values of what AI tools had part in (`assisted`), of the rest (`none`), and of `all`."""

    parts: dict[str, AssistantPart]
    warnings: list[str] | None = Field(default=None, description="What is to be said of the request.")


def said_of(model: AssistantRequest, first: InsightRow, *bodies: InsightBody) -> dict[str, Any]:
    """What all answers say of insights about one team, which ``first`` is a row of."""
    team = first.team
    assert team is not None  # noqa: S101 -- rows are teams
    return {
        "team_ref_id": int(team.ref_id),
        "team": team,
        "tools": model.tools,
        "metrics": list(bodies[0].metrics),
        "data_as_of": min(body.data_as_of for body in bodies),
    }


def period_of(row: InsightRow, values: PreviousValues | None = None) -> AssistantPeriod:
    """The period of a row, or the one before."""
    told = row if values is None else values
    assert told.start_date is not None  # noqa: S101 -- so has every row of metrics
    assert told.end_date is not None  # noqa: S101
    label = row.period or "" if values is None else f"{told.start_date}/{told.end_date}"
    return AssistantPeriod(
        label=label, start=told.start_date, end=told.end_date, values=dict(told.values), counts=dict(told.n or {})
    )


def row_of(row: InsightRow) -> AssistantRow:
    """A row of a breakdown."""
    whose: dict[str, Any] = {"developer": row.developer} if row.developer else {"team": row.team}
    return AssistantRow(**whose, values=row.values, counts=row.n or {})
