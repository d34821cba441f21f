"""The screen Facts: the rows behind a value, where every card, bar and cell of the other screens leads. Who clicks on finds one row
with all that is known of it, and the tool that it is from."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from leadline.errors import InvalidRequest, NotFound
from leadline.exports.fact_pages import csv_text
from leadline.exports.insights.listing import VALUE, ListedCell, Listing
from leadline.exports.kinds import KINDS
from leadline.facts.catalogue import FACTS
from leadline.page.behind import CYCLE, FACES, STAGES, fact_rows
from leadline.page.behind_kinds import behind_of
from leadline.page.counted_in import SHARE, WORK
from leadline.page.days_of_data import without_data_of
from leadline.page.fact_links import FactLinks
from leadline.page.figures import Figure
from leadline.page.looked_behind import Behind
from leadline.page.one_fact import Keyed, facts_keyed, titles_of
from leadline.page.screen import PageRoute, Screen, new_router
from leadline.page.view import view_of
from leadline.page.visit import LimitedReader, Visit

router = new_router()

PER_PAGE = 50
MOST_IN_FILE = 20_000
"""Rows that are downloaded at once."""


@router.get("/facts")
async def facts(visit: LimitedReader, q: Annotated[str, Query()] = "", sort: Annotated[str, Query()] = "") -> Response:
    """The value and a page of its rows."""
    view = await run_in_threadpool(view_of, visit)
    if view is None:
        return visit.html("no_tree.html", title="Facts")
    behind = behind_of(visit, view.checked(WORK.parameter, SHARE.parameter))
    try:
        behind, listed = await _in_order(visit, behind, q, sort)
    except (NotFound, InvalidRequest) as error:
        return _page(visit, behind, q=q, refused=error, listed=None)
    behind = behind.with_names(row.row for row in listed.body.rows)
    nothing = None if listed.body.count else await without_data_of(visit, behind.view)
    return _page(visit, behind, q=q, refused=None, without_data=nothing, **_shown(behind, listed))


def _page(visit: Visit, behind: Behind, **context: Any) -> Response:
    return visit.html("facts.html", title="Facts", view=behind.view, behind=behind, **context)


async def _in_order(visit: Visit, behind: Behind, q: str, sort: str) -> tuple[Behind, ListedCell]:
    """A page of the rows by ``sort``. Where they have no such column, or the address names no page of them, that is told in the
    view, and is as if it were not there."""
    try:
        return behind, await _listed(visit, behind, _listing(q, sort, PER_PAGE))
    except InvalidRequest as error:
        wrong = {detail.field for detail in error.details}
        if sort and "sort" in wrong:
            return await _in_order(visit, _without(behind, error.message, "sort"), q, "")
        if "cursor" not in wrong or "cursor" not in behind.view.query:
            raise
        problem = (
            f"The address says {behind.view.query['cursor'][:40]!r}, which is no page of these rows; this is the first"
        )
        return await _in_order(visit, _without(behind, problem, "cursor"), q, sort)


def _without(behind: Behind, problem: str, name: str) -> Behind:
    return replace(behind, view=behind.view.without(problem, name))


async def rows_as_csv(
    visit: LimitedReader, q: Annotated[str, Query()] = "", sort: Annotated[str, Query()] = ""
) -> Response:
    """Just these rows, as CSV."""
    view = await run_in_threadpool(view_of, visit)
    if view is None:
        raise NotFound("There is no org tree, and so there are no rows")
    behind = behind_of(visit, view.checked(WORK.parameter, SHARE.parameter))
    behind.view.understood()
    listed = await _listed(visit, behind, _listing(q, sort, MOST_IN_FILE))
    if listed.body.next is not None:
        raise InvalidRequest(
            f"There are {listed.listed:,} rows, and at most {MOST_IN_FILE:,} come as a download: choose a team below or fewer "
            f"days, or write them all with leadline facts {listed.body.facts}",
            code="too_many_rows",
        )
    name = f"{behind.name}-{view.start}-{view.end}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(await run_in_threadpool(_csv, listed), headers=headers, media_type="text/csv; charset=utf-8")


router.add_api_route("/facts/rows.csv", rows_as_csv, route_class_override=PageRoute)


@router.get("/facts/row")
async def one_row(visit: LimitedReader, fact: Annotated[str, Query()] = "") -> Response:
    """All that is known of one thing: the row of ``fact`` whose key the address says."""
    view = await run_in_threadpool(view_of, visit)
    if view is None:
        return visit.html("no_tree.html", title="Facts")
    if fact not in FACTS:
        raise NotFound(f"There is no such fact; facts are {', '.join(FACTS)}")
    rows = await run_in_threadpool(facts_keyed, visit, view, Keyed.of(fact, view.query))
    behind = behind_of(visit, view).with_names(row.row for row in rows)
    titles = await run_in_threadpool(titles_of, visit, view, rows)
    context: dict[str, Any] = {"view": view, "behind": behind, "rows": rows, "titles": titles, "links": FactLinks(view)}
    return visit.html("fact.html", title=rows[0].title, **context)


def _listing(q: str, sort: str, most: int) -> Listing:
    column = sort.removeprefix("-").strip() or VALUE
    return Listing(column, sort.startswith("-") or not sort, tuple(q.split()), most)


async def _listed(visit: Visit, behind: Behind, listing: Listing) -> ListedCell:
    cursor = behind.view.query.get("cursor") if listing.most == PER_PAGE else None
    return await visit.state.insights.listed(
        *(visit.request, visit.project, behind.kind, behind.asked, behind.place, visit.access),
        listing,
        cursor,
    )


def _shown(behind: Behind, listed: ListedCell) -> dict[str, Any]:
    """What the template shows of a page of rows."""
    body = listed.body
    rows = [] if body.facts is None else fact_rows(body.facts, body.rows, behind.text_of, behind.stages)
    return {
        "listed": listed,
        "body": body,
        "figure": _figure(behind, listed),
        "face": FACES.get(body.facts or ""),
        "rows": rows,
        "value_title": behind.value_title(body.facts, body.metric.title),
        "stages": [
            stage
            for stage in (*STAGES, *CYCLE, "restore")
            if any(stage == span[0] for row in rows for span in row.spans)
        ],
        "links": FactLinks(behind.view),
        "kind": KINDS[behind.kind],
    }


def _figure(behind: Behind, listed: ListedCell) -> Figure:
    body = listed.body
    return Figure(behind.entry, behind.name, body.metric.title, body.value, body.n, body.metric.of or "", per="period")


def _csv(listed: ListedCell) -> bytes:
    """The rows with the columns of their fact, and what each has of the value."""
    columns = () if listed.body.facts is None else FACTS[listed.body.facts].columns
    rows = ([*(row.row[name] for name in columns), row.value, row.over] for row in listed.body.rows)
    return csv_text([*columns, VALUE, "over"], rows)


SCREEN = Screen("/facts", "Facts", "Insights", "facts", router)
