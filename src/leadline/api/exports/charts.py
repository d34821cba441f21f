"""The routes of charts: which there are, and one as a picture, a page or its specification with data."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Path, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from leadline.api.answers import new_router, refusals, text_headers
from leadline.api.caller import LimitedReader
from leadline.api.charts import ChartFile, Look
from leadline.api.exports.insights import UNCHANGED, KnownHeaders, ScopeQuery
from leadline.api.negotiation import unless_known
from leadline.api.query import MayBeAbsent, choice, whole
from leadline.charts.catalogue import CHARTS, chart_named
from leadline.charts.document import CONTENT_TYPES, WIDTH, WIDTHS
from leadline.charts.theme import THEMES
from leadline.errors import NotFound
from leadline.json_body import Body

router = new_router("charts")


class ChartBody(Body):
    """A chart that there is."""

    name: str
    title: str
    reading: str = Field(description="How it is read, in a sentence.")
    insight: str = Field(description="The kind of export that has its numbers.")
    metrics: list[str] = Field(description="The ids of the metrics that it shows.")


class ChartsBody(Body):
    """All charts."""

    charts: list[ChartBody]


class ChartQuery(ScopeQuery):
    """Of whom and when, and how it is drawn."""

    theme: MayBeAbsent[Annotated[str, choice(*THEMES)]] = Field(None, description="Default `light`.")
    width: MayBeAbsent[Annotated[int, whole(*WIDTHS)]] = Field(
        None, description=f"Width in pixels; default {WIDTH}. A PNG has twice as many, for sharp screens."
    )
    trend: MayBeAbsent[Annotated[str, choice("true", "false")]] = Field(
        None, description="Whether to draw the line of least squares; default `false`."
    )

    def look(self, form: str) -> Look:
        """How to draw it."""
        return Look(form, self.theme or "light", self.width or WIDTH, self.trend == "true")


@router.get("/v2/charts", response_description="All charts, in the order in which screens show them.")
def list_charts(caller: LimitedReader) -> ChartsBody:  # noqa: ARG001 - a caller there must be
    """Charts that there are."""
    listed = [
        ChartBody(
            name=chart.name,
            title=chart.title,
            reading=chart.reading,
            insight=chart.insight,
            metrics=list(chart.metrics),
        )
        for chart in CHARTS.values()
    ]
    return ChartsBody(charts=listed)


_HEADERS = text_headers(ETag="Weak validator: the same as long as the chart and all that it reads are the same.")
_TEXT = {"schema": {"type": "string"}}
_ANSWER = {
    "description": "The chart.",
    "headers": _HEADERS,
    "content": {
        media_type.partition(";")[0]: {"schema": {"type": "object"}} if form == "json" else _TEXT
        for form, media_type in CONTENT_TYPES.items()
    },
}


@router.get(
    "/v2/charts/{name}.{form}",
    operation_id="getChart",
    response_class=Response,
    responses={200: _ANSWER, 304: UNCHANGED, **refusals(404, 501)},
)
async def chart(
    request: Request,
    caller: LimitedReader,
    name: Annotated[str, Path(description="One of the names that `GET /v2/charts` lists.")],
    form: Annotated[str, Path(description="The form of the answer.", json_schema_extra={"enum": [*CONTENT_TYPES]})],
    query: Annotated[ChartQuery, Query()],
    headers: Annotated[KnownHeaders, Header()],
) -> Response:
    """One chart."""
    wanted = chart_named(name)
    if form not in CONTENT_TYPES:
        raise NotFound(f"Charts have no form {form[:40]!r}; they are {', '.join(CONTENT_TYPES)}", code="unknown_format")
    look, access = query.look(form), caller.access
    file = await caller.state.charts.get(request, caller.project, wanted, query.asked(), look, access)
    return respond(file, name, form, headers.if_none_match)


def respond(file: ChartFile, name: str, form: str, if_none_match: str | None) -> Response:
    """The chart, or that the client has it already. A page of its own is a file to keep: its styles stand in it, which pages of
    this server may not have."""
    told = {"Content-Type": CONTENT_TYPES[form]}
    if form == "html":
        told["Content-Disposition"] = f'attachment; filename="{name}.html"'
    return unless_known(file.digest, if_none_match, lambda headers: Response(file.content, headers={**headers, **told}))
