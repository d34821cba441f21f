"""The routes of AI coding assistants: who uses them, how much, and what is else where they had part in the work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from leadline.api.agents.asking import Asker
from leadline.api.agents.assistant_bodies import (
    ACTIVE_USERS,
    AssistantBreakdownBody,
    AssistantPart,
    AssistantPeriodsBody,
    AssistantRequest,
    AssistantSplitBody,
    AssistantSummaryBody,
    BreakdownRequest,
    MetricTypeRequest,
    SeriesRequest,
    period_of,
    row_of,
    said_of,
)
from leadline.api.agents.words import Words
from leadline.api.answers import new_router
from leadline.api.body import json_body
from leadline.api.caller import LimitedReader
from leadline.errors import Detail, InvalidRequest
from leadline.exports.insights.models import InsightBody, InsightRow
from leadline.exports.insights.request import PREVIOUS, TOTAL
from leadline.exports.validation import validated
from leadline.metrics.metric import DEVELOPER, PRODUCTIVITY, TEAM

router = new_router("agents")

PATH = "/v2/insights/coding-assistant"
_WORDS = Words("teamRefId", "startDate", "endDate")

ADOPTION = ("AI_Adoption_Percent", "AI_Licensed", "AI_Active_Days")
USAGE = ("AI_Active_Days", "AI_Lines_Suggested", "AI_Lines_Accepted", "AI_Acceptance_Percent", "AI_Cost")
PULL_REQUESTS = ("PR_Merged", "PR_Velocity", "PR_Cycle_Time_Days_Avg")
REWORK = ("LOC_Refactored", "Rework_Percent", "Rework_Percent_Recent", "Rework_Percent_Legacy")
NOT_BY_TOOL = (
    "integrationType: pull requests are told apart by whether any AI tool had part in them, not by which; these are of all "
    "tools"
)


@dataclass(frozen=True)
class _Use:
    """A request about the use of tools, with whoever asks it."""

    asker: Asker
    model: AssistantRequest

    def asked(self, granularity: str, columns: Sequence[str], **more: Any) -> dict[str, Any]:
        """The parameters of the insight that has the ``columns`` of the team or org tree alone. Raises ``InvalidRequest``."""
        model = self.model
        days = {"dateFrom": model.start_date.isoformat(), "dateTo": model.end_date.isoformat()}
        scope = self.asker.whole("teamRefId") if model.team_ref_id is None else {"teamId": model.team_ref_id}
        shape = {"metrics": list(columns), "granularity": granularity, "level": TEAM, "depth": 0}
        tools = {} if model.tools is None else {"tools": model.tools}
        return {**scope, **days, **shape, **tools, **more}

    async def insights(self, *asked: Mapping[str, Any]) -> list[InsightBody]:
        """The answers to all that is asked."""
        return await self.asker.insights(PRODUCTIVITY, *asked, words=_WORDS)

    async def periods(self, granularity: str, columns: Sequence[str]) -> AssistantPeriodsBody:
        """The columns, period by period."""
        words = (granularity, TOTAL)
        asked = [await run_in_threadpool(self.asked, word, columns) for word in words]
        by_period, whole = await self.insights(*asked)
        model, total = self.model, _WORDS.first_row(whole)
        return AssistantPeriodsBody(
            **said_of(model, total, by_period, whole),
            granularity=by_period.request.granularity,
            periods=[period_of(row) for row in by_period.rows[model.slice]],
            page=model.page,
            page_size=model.page_size,
            period_count=len(by_period.rows),
            total=period_of(total),
        )

    async def summary(self, columns: Sequence[str]) -> AssistantSummaryBody:
        """The columns over all days, beside the days before, and of each tool that is named."""
        named = self.model.named_tools
        asked = [await run_in_threadpool(self.asked, TOTAL, columns, compare=PREVIOUS)]
        asked += [{**asked[0], "tools": [tool]} for tool in named]
        whole, *by_tool = await self.insights(*asked)
        row = _WORDS.first_row(whole)
        return AssistantSummaryBody(
            **said_of(self.model, row, whole),
            total=period_of(row),
            previous=None if row.previous is None else period_of(row, row.previous),
            by_tool={tool: period_of(body.rows[0]) for tool, body in zip(named, by_tool, strict=True)},
        )

    async def breakdown(self, columns: Sequence[str], model: BreakdownRequest, default: str) -> AssistantBreakdownBody:
        """The columns over all days of each team right below, or of each developer."""
        of_developers = (model.group_by or default).upper() == DEVELOPER.upper()
        level = {"level": DEVELOPER, "depth": None} if of_developers else {"depth": 1}
        asked = await run_in_threadpool(self.asked, TOTAL, _at(columns, of_developers))
        whole, rows = await self.insights(asked, {**asked, **level})
        own = _WORDS.first_row(whole)
        listed = [row for row in rows.rows if of_developers or row.team != own.team]
        return AssistantBreakdownBody(
            **said_of(model, own, whole),
            group_by=DEVELOPER.upper() if of_developers else TEAM.upper(),
            content=[row_of(row) for row in listed[model.slice]],
            page=model.page,
            page_size=model.page_size,
            total=len(listed),
        )

    async def split(self, columns: Sequence[str]) -> AssistantSplitBody:
        """The columns of what AI tools had part in, of the rest, and of all."""
        asked = await run_in_threadpool(self.asked, TOTAL, columns, splitBy="ai")
        asked.pop("tools", None)
        (answer,) = await self.insights(asked)
        notes: dict[str, Any] = {} if self.model.tools is None else {"warnings": [NOT_BY_TOOL]}
        said = {**said_of(self.model, _WORDS.first_row(answer), answer), "tools": None}
        return AssistantSplitBody(**said, parts={_part(row): _values(row) for row in answer.rows}, **notes)


def _at(columns: Sequence[str], of_developers: bool) -> list[str]:
    """Those of the columns that there are at the level."""
    of_teams = ("AI_Adoption_Percent", "AI_Licensed")
    return [column for column in columns if not of_developers or column not in of_teams]


def _part(row: InsightRow) -> str:
    assert row.key is not None  # noqa: S101 -- so has every part
    return str(row.key["AI"])


def _values(row: InsightRow) -> AssistantPart:
    assert row.key is not None  # noqa: S101
    return AssistantPart(values=row.values, small=bool(row.key["Small"]))


# -- routes ------------------------------------------------------------------------------------------------------------

_SERIES, _METRIC_TYPE, _BREAKDOWN, _WHOLE = (
    json_body(model) for model in (SeriesRequest, MetricTypeRequest, BreakdownRequest, AssistantRequest)
)
_PERIODS = "Period by period."


@router.post(f"{PATH}/adoptions", operation_id="getAssistantAdoption", response_description=_PERIODS)
async def adoption(
    request: Request, caller: LimitedReader, body: Annotated[dict[str, Any], Depends(_SERIES)]
) -> AssistantPeriodsBody:
    """Who uses AI tools, period by period."""
    model = validated(SeriesRequest, body)
    return await _Use(Asker.of(request, caller), model).periods(model.granularity or "monthly", ADOPTION)


@router.post(f"{PATH}/usage/metrics", operation_id="getAssistantUsage", response_description=_PERIODS)
async def usage(
    request: Request, caller: LimitedReader, body: Annotated[dict[str, Any], Depends(_METRIC_TYPE)]
) -> AssistantPeriodsBody:
    """How much AI tools are used, period by period."""
    model = validated(MetricTypeRequest, body)
    use = _Use(Asker.of(request, caller), model)
    if not model.is_of_users:
        return await use.periods(model.granularity or "monthly", model.columns or USAGE)
    if model.granularity not in (None, "daily"):
        message = f"{ACTIVE_USERS} are told by day"
        raise InvalidRequest(message, code="unsupported_granularity", details=[Detail("granularity", "DAILY")])
    return (await use.periods("daily", ADOPTION[:1])).of_users()


def _add_whole(group: str, columns: Sequence[str], default: str, title: str) -> None:
    @router.post(
        f"{PATH}/{group}/summary",
        operation_id=f"getAssistant{title}Summary",
        summary=f"{title} of AI tools over all days",
        response_description="The range as one, beside the one before.",
    )
    async def summary(
        request: Request, caller: LimitedReader, body: Annotated[dict[str, Any], Depends(_WHOLE)]
    ) -> AssistantSummaryBody:
        return await _Use(Asker.of(request, caller), validated(AssistantRequest, body)).summary(columns)

    @router.post(
        f"{PATH}/{group}/breakdown",
        operation_id=f"getAssistant{title}Breakdown",
        summary=f"{title} of AI tools by team or developer",
        response_description="One page of them.",
    )
    async def breakdown(
        request: Request, caller: LimitedReader, body: Annotated[dict[str, Any], Depends(_BREAKDOWN)]
    ) -> AssistantBreakdownBody:
        model = validated(BreakdownRequest, body)
        return await _Use(Asker.of(request, caller), model).breakdown(columns, model, default)


def _add_split(name: str, columns: Sequence[str], operation: str, title: str) -> None:
    @router.post(
        f"{PATH}/{name}/summary",
        operation_id=operation,
        summary=title,
        response_description="Of what AI tools had part in, of the rest, and of all.",
    )
    async def split(
        request: Request, caller: LimitedReader, body: Annotated[dict[str, Any], Depends(_WHOLE)]
    ) -> AssistantSplitBody:
        return await _Use(Asker.of(request, caller), validated(AssistantRequest, body)).split(columns)


_add_whole("adoptions", ADOPTION, TEAM, "Adoption")
_add_whole("usage", USAGE, DEVELOPER, "Usage")
_add_split("pr-velocity", PULL_REQUESTS, "getAssistantVelocity", "Pull requests with and without AI tools")
_add_split("rework", REWORK, "getAssistantRework", "Rework with and without AI tools")
