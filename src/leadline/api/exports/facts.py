"""The route of facts: the rows behind the numbers, page by page, as JSON or CSV."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Header, Path, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from leadline.api.answers import NO_STORE, Json, new_router, refusals, text_headers
from leadline.api.caller import LimitedReader
from leadline.api.negotiation import prefers_csv
from leadline.api.query import Headers, HeaderText, MayBeAbsent, Names, Parameters, ShortText, choice, once, whole
from leadline.errors import Detail, InvalidRequest
from leadline.exports.fact_pages import MOST_ROWS, FactsBody, csv_of, facts_request
from leadline.facts.catalogue import FACTS
from leadline.facts.filters import Filters
from leadline.field_types import Day
from leadline.home import Project
from leadline.metrics.relative_range import EXAMPLES, RelativeDays

router = new_router("facts")

NEXT, TOTAL = "Leadline-Next", "Leadline-Total"
"""Headers of a page in CSV: the cursor of the next one, absent on the last, and how many rows all have."""

FactKind = Annotated[
    str,
    Path(alias="kind", min_length=1, description="Which fact.", json_schema_extra={"examples": list(FACTS)}),
]


class FactsQuery(Parameters):
    """Which rows of a fact, and which page of them."""

    org_tree_name: MayBeAbsent[ShortText] = Field(None, description="Only what counts for this org tree.")
    team_id: MayBeAbsent[ShortText] = Field(
        None, description="Only what counts for this team and those below it, by ref id or key."
    )
    developer: MayBeAbsent[ShortText] = Field(
        None, description="Only this developer's, by email; not of facts that belong to teams."
    )
    date_from: MayBeAbsent[Day] = Field(None, description="Only from this day on, by the fact's own instant.")
    date_to: MayBeAbsent[Day] = Field(None, description="Only to this day, inclusive.")
    period: MayBeAbsent[RelativeDays] = Field(
        None,
        description="Instead of the two days: a range by its distance from today, as `dateRange.period` of a create.",
        examples=list(EXAMPLES),
    )
    open: MayBeAbsent[Annotated[str, choice("true", "false")]] = Field(
        None,
        description="Whether to keep only what is open: pull requests that wait for something, incidents that are not resolved.",
    )
    columns: MayBeAbsent[Names] = Field(None, description="Only these columns, in this order; default: all.")
    sort: MayBeAbsent[ShortText] = Field(
        None, description="A column to sort by; `-` before it for downwards. Default: the fact's instant."
    )
    limit: Annotated[int, whole(1, MOST_ROWS)] = Field(100, description="Rows on a page.")
    cursor: MayBeAbsent[Annotated[str, once({"minLength": 1})]] = Field(
        None, description="`next` of the page before, with the same other parameters."
    )

    def filters(self, project: Project) -> Filters:
        """What to keep; today is that of the tree's time zone. Raises ``InvalidRequest`` for days that are said twice."""
        start, end = self.date_from, self.date_to
        if self.period is not None:
            if said := [name for name, day in (("dateFrom", start), ("dateTo", end)) if day is not None]:
                sentence = f"period cannot be combined with {' and '.join(said)}; leave one out"
                raise InvalidRequest(sentence, code="conflicting_date_range", details=[Detail("period", sentence)])
            start, end = self.period.days(datetime.now(project.profile(self.org_tree_name).zone).date())
        return Filters(start, end, self.org_tree_name, self.team_id, self.developer, self.open == "true")


class AcceptHeaders(Headers):
    """What a client takes."""

    accept: MayBeAbsent[HeaderText] = Field(
        None, description="`text/csv` gives the page as CSV.", examples=["text/csv"]
    )


_ANSWER = {
    "description": "A page of rows.",
    "content": {"text/csv": {"schema": {"type": "string"}}},
    "headers": text_headers(
        Leadline_Next="Of CSV: the cursor of the next page; absent on the last one.",
        Leadline_Total="Of CSV: rows on all pages.",
    ),
}


@router.get(
    "/v2/facts/{kind}",
    operation_id="listFacts",
    response_model=FactsBody,
    responses={200: _ANSWER, **refusals(404, 410)},
)
async def list_facts(
    request: Request,
    caller: LimitedReader,
    kind: FactKind,
    query: Annotated[FactsQuery, Query()],
    headers: Annotated[AcceptHeaders, Header()],
) -> Response:
    """The rows of a fact."""
    asked = facts_request(kind, query.filters(caller.project), query.columns or (), query.limit, query.sort)
    page = await caller.state.insights.facts(request, caller.project, asked, caller.access, query.cursor)
    if not prefers_csv([headers.accept or ""]):
        return Json(page)
    following = {} if page.next is None else {NEXT: page.next}
    return Response(csv_of(page), headers={**NO_STORE, TOTAL: str(page.total), **following}, media_type="text/csv")
