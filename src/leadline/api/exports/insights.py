"""The route of a kind's insight: the rows of an export, answered at once as JSON."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from leadline.api.answers import new_router, refusals, text_headers
from leadline.api.caller import LimitedReader
from leadline.api.exports.routes import ExportId, names_of
from leadline.api.insights import Answered
from leadline.api.negotiation import unless_known
from leadline.api.query import (
    Headers,
    HeaderText,
    MayBeAbsent,
    Names,
    Parameters,
    ShortText,
    invalid_parameters,
    once,
    whole,
)
from leadline.errors import Detail
from leadline.exports.export_kind import ExportKind
from leadline.exports.insights.cells import Place
from leadline.exports.insights.models import CellBody, InsightBody
from leadline.exports.insights.request import MOST_ROWS, ONLY_ANSWERED, PREVIOUS, TOTAL
from leadline.exports.models import SPLITS
from leadline.field_types import Day
from leadline.metrics.business_columns import EFFORT_UNITS
from leadline.metrics.relative_range import EXAMPLES
from leadline.metrics.request import AGGREGATIONS, GRANULARITIES, LEADING
from leadline.metrics.sprint_columns import MODES, SPRINT
from leadline.metrics.sprint_request import BY_SPRINT
from leadline.metrics.ticket_request import CALENDARS, ENDS

_LEVELS = [*LEADING, SPRINT]
_GRANULARITIES = list(dict.fromkeys((*GRANULARITIES, *ONLY_ANSWERED)))
_Cursor = Annotated[str, once({"minLength": 1})]
_Day = Annotated[str, once({"format": "date"})]


class ScopeQuery(Parameters):
    """Of whom and when, in which periods and with which statistic: the parameters of a create, one by one."""

    org_tree_name: MayBeAbsent[ShortText] = Field(None, description="An org tree by its name.")
    team_id: MayBeAbsent[ShortText] = Field(None, description="A team by its ref id or key, with all teams below it.")
    date_from: MayBeAbsent[_Day] = Field(None, description="First day (yyyy-MM-dd).")
    date_to: MayBeAbsent[_Day] = Field(None, description="Last day (yyyy-MM-dd), inclusive.")
    period: MayBeAbsent[Annotated[str, once({"examples": list(EXAMPLES)})]] = Field(
        None,
        description="Instead of the two days: a range by its distance from today, as `dateRange.period` of a create.",
    )
    granularity: MayBeAbsent[Annotated[str, once({"enum": _GRANULARITIES})]] = Field(
        None, description=f"Length of the periods, by default `monthly`; `{TOTAL}` takes the range as one."
    )
    aggregation: MayBeAbsent[Annotated[str, once({"enum": list(AGGREGATIONS)})]] = Field(
        None, description="How durations are summarized; default `mean`."
    )

    def asked(self) -> dict[str, Any]:
        """The parameters that were given, by name."""
        return self.model_dump(by_alias=True, exclude_none=True)


class InsightQuery(ScopeQuery):
    """What an insight is of."""

    groups: MayBeAbsent[Names] = Field(
        None, description="Groups of the catalogue, repeated or with commas between them."
    )
    metrics: MayBeAbsent[Names] = Field(
        None, description="Metrics by column or id, repeated or with commas between them."
    )
    aggregation_level: MayBeAbsent[Annotated[str, once({"enum": _LEVELS})]] = Field(
        None, description="What a row is, of the levels of the kind; the default is that of a create."
    )
    level: MayBeAbsent[Annotated[str, once({"enum": _LEVELS})]] = Field(
        None, description="Another name of `aggregationLevel`."
    )
    split_by: MayBeAbsent[Annotated[str, once({"enum": list(SPLITS)})]] = Field(
        None,
        description="`ai`: each row thrice, of what AI tools had part in, of what they had not, and of all, as `AI` in its `key` "
        "says; of the kinds `productivity` and `efficiency`.",
    )
    granularity: MayBeAbsent[Annotated[str, once({"enum": [*_GRANULARITIES, BY_SPRINT]})]] = Field(
        None,
        description=f"Length of the periods, by default `monthly`; `{TOTAL}` takes the range as one, `{BY_SPRINT}` (of the kind "
        "`sprint`) sprints that share their days.",
    )
    computation_mode: MayBeAbsent[Annotated[str, once({"enum": list(MODES)})]] = Field(
        None, description=f"Of the kind `sprint`: what work is counted in; default `{MODES[0]}`."
    )
    effort_unit: MayBeAbsent[Annotated[str, once({"enum": list(EFFORT_UNITS)})]] = Field(
        None, description=f"Of the kind `ba`: what `…_percent` are shares of; default `{EFFORT_UNITS[0]}`."
    )
    statuses: MayBeAbsent[Names] = Field(
        None,
        description="Of the kind `ticket-data`: the statuses whose columns are answered, repeated or with commas between them. "
        "Default: all in which an item was.",
    )
    ends: MayBeAbsent[Annotated[str, once({"enum": list(ENDS)})]] = Field(
        None, description=f"Of the kind `ticket-data`: when the time of an item ends; default `{ENDS[0]}`."
    )
    calendar: MayBeAbsent[Annotated[str, once({"enum": list(CALENDARS)})]] = Field(
        None, description=f"Of the kind `ticket-data`: which time counts; default `{CALENDARS[0]}`."
    )
    tools: MayBeAbsent[Names] = Field(
        None,
        description="Of metrics of the use of AI tools: that of these tools alone, as if of others nothing had been read. Default: "
        "of all.",
    )
    depth: MayBeAbsent[Annotated[int, whole(0, 100)]] = Field(
        None, description="Rows of teams down to this many levels below the scope; 0 is the team alone. Default: all."
    )
    limit: MayBeAbsent[Annotated[int, whole(1, MOST_ROWS)]] = Field(None, description="Rows to answer at most.")
    sort: MayBeAbsent[ShortText] = Field(None, description="A column to sort by; `-` before it for downwards.")
    compare: MayBeAbsent[Annotated[str, once({"enum": [PREVIOUS]})]] = Field(
        None, description="`previous` puts beside each row the values of the range of the same length before."
    )


class CellQuery(InsightQuery):
    """Which cell of an insight, and which page of the rows behind it."""

    column: ShortText = Field(description="The column of the value, as `metrics` of the insight tells it.")
    team: MayBeAbsent[ShortText] = Field(
        None, description="Which row: that of this team, by its ref id; at the level `team`."
    )
    developer: MayBeAbsent[ShortText] = Field(
        None, description="Which row: that of this developer, by email; at the level `developer`."
    )
    service: MayBeAbsent[ShortText] = Field(
        None,
        description="Which row: that of this service, or of this repository where its events name no service; at the level "
        "`service`.",
    )
    sprint: MayBeAbsent[ShortText] = Field(
        None,
        description="Which row of the team: that of this sprint, by its id; at the level `sprint`. Default: the first.",
    )
    start_date: MayBeAbsent[Day] = Field(
        None, description="Which row: that of the period that begins on this day; default: the first."
    )
    cursor: MayBeAbsent[_Cursor] = Field(
        None, description="`next` of the page before; the versions are those of the first."
    )


class ExportCellQuery(Parameters):
    """Which cell of an export, and which page of the rows behind it. What is left out is told only to who may see the export."""

    row: Annotated[int, whole(0, 999_999_999)] = Field(0, description="The data row, counted from 0.")
    column: MayBeAbsent[ShortText] = Field(None, description="The column, as in the file's header; needed.")
    cursor: MayBeAbsent[_Cursor] = Field(None, description="`next` of the page before.")


class KnownHeaders(Headers):
    """What a client says about an answer that it may have already."""

    if_none_match: MayBeAbsent[HeaderText] = Field(
        None, description="Entity tags that the client has.", examples=['"…"']
    )


_HEADERS = text_headers(ETag="Weak validator: the same as long as the request and all that it reads are the same.")
_ANSWER = {"headers": _HEADERS}
UNCHANGED = {"description": "The client has it already.", "headers": _HEADERS}


@cache
def insight_routes(kind: ExportKind) -> APIRouter:
    """The routes of the insight of ``kind``."""
    router = new_router("insights")
    name, _ = names_of(kind)

    @router.get(
        f"/v2/insights/{kind.name}",
        operation_id=f"get{name}Insight",
        summary=f"The {kind.name} rows at once",
        response_model=InsightBody,
        response_description="The rows, what their columns mean, and of how many things each value is.",
        responses={200: _ANSWER, 304: UNCHANGED},
    )
    async def insight(
        request: Request,
        caller: LimitedReader,
        query: Annotated[InsightQuery, Query()],
        headers: Annotated[KnownHeaders, Header()],
    ) -> Response:
        answered = await caller.state.insights.get(request, caller.project, kind.name, query.asked(), caller.access)
        return respond(answered, headers.if_none_match)

    if kind.told_of is None:  # else columns are those of no catalogue, whose rows are not traced
        _add_cells(router, kind)
    return router


def _add_cells(router: APIRouter, kind: ExportKind) -> None:
    name, a_kind = names_of(kind)

    @router.get(
        f"/v2/insights/{kind.name}/cells",
        operation_id=f"get{name}Cell",
        summary=f"The rows behind a value of {kind.name}",
        response_description="The value, and the rows of the fact that it is made of.",
        responses=refusals(404, 410),
    )
    async def insight_cell(request: Request, caller: LimitedReader, query: Annotated[CellQuery, Query()]) -> CellBody:
        place, asked = _place(query), query.asked()
        insights = caller.state.insights
        return await insights.cell(request, caller.project, kind.name, asked, place, caller.access, query.cursor)

    @router.get(
        kind.path + "/{exportId}/cells",
        operation_id=f"get{name}ExportCell",
        summary=f"The rows behind a cell of {a_kind} export",
        response_description="The cell, and the rows of the fact that it is made of, as the export read them.",
        responses=refusals(404, 409, 410),
    )
    async def export_cell(
        request: Request, caller: LimitedReader, export_id: ExportId, query: Annotated[ExportCellQuery, Query()]
    ) -> CellBody:
        place, insights = Place(query.column or "", row=query.row), caller.state.insights
        return await insights.export_cell(
            request, caller.project, kind.name, export_id, place, caller.access, query.cursor
        )


def _place(query: CellQuery) -> Place:
    """Raises ``InvalidRequest`` unless one row is meant."""
    units = [unit for unit in (query.team, query.developer, query.service) if unit is not None]
    if len(units) != 1:
        raise invalid_parameters([Detail("team", "one of team, developer and service says which row is meant")])
    return Place(query.column, unit=units[0], start=query.start_date, sprint=query.sprint)


def respond(answered: Answered, if_none_match: str | None) -> Response:
    """The answer, or that the client has it already."""
    return unless_known(
        answered.digest,
        if_none_match,
        lambda headers: Response(answered.json, headers=headers, media_type="application/json"),
    )
