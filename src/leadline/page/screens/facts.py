"""The screen Facts: the rows behind a value, where every card, bar and cell of the other screens leads. Who clicks on finds one row
with all that is known of it, and the tool that it is from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any

from fastapi import Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from leadline.errors import InvalidRequest, NotFound
from leadline.exports.fact_pages import csv_text
from leadline.exports.insights.cells import Place
from leadline.exports.insights.listing import VALUE, ListedCell, Listing
from leadline.exports.kinds import KINDS
from leadline.facts.catalogue import FACTS
from leadline.metrics.catalogue import catalogue_of, named
from leadline.metrics.metric import (
    DEVELOPER,
    INSIGHTS,
    PRODUCTIVITY,
    SERVICE,
    TEAM,
    Metric,
    MetricColumn,
    Overall,
    Value,
    things_of,
    values_of,
)
from leadline.page.behind import CYCLE, FACES, STAGES, fact_rows
from leadline.page.boards import asked_of
from leadline.page.fact_links import OF_A_ROW, FactLinks
from leadline.page.figures import Figure
from leadline.page.offers import by_groups, metrics_at
from leadline.page.one_fact import Keyed, facts_keyed
from leadline.page.screen import PageRoute, Screen, new_router
from leadline.page.view import View, view_of
from leadline.page.visit import LimitedReader, Visit
from leadline.page.words import capitalize_first

router = new_router()

PER_PAGE = 50
MOST_IN_FILE = 20_000
"""Rows that are downloaded at once."""
DEFAULT = "PR_Merged"
"""The value whose rows are shown where the address names none."""


@dataclass(frozen=True)
class Behind:
    """What the address asks for: the rows behind ``column`` of the view's team, or of a ``developer`` in it, or of one of its
    services (``service``: its name, or that of the repository)."""

    view: View
    column: MetricColumn
    developer: str | None
    service: str | None = None

    @property
    def metric(self) -> Metric:
        """The metric."""
        return self.column.metric

    @property
    def level(self) -> str:
        """At which level the cell is."""
        return DEVELOPER if self.developer else SERVICE if self.service else TEAM

    @cached_property
    def name(self) -> str:
        """What the column is called in the file."""
        return self.column.name(self.view.aggregation)

    @property
    def asked(self) -> dict[str, Any]:
        """The parameters of the insight that has the cell as one of its rows."""
        asked = {**asked_of(self.view), "granularity": "total", "metrics": [self.column.id]}
        if self.level == SERVICE or self.metric.insight == PRODUCTIVITY:
            asked["level"] = self.level
        return {**asked, "depth": 0} if self.level == TEAM else asked

    @property
    def place(self) -> Place:
        """Where the cell is in that."""
        return Place(self.name, unit=self.developer or self.service or str(self.view.team.ref_id))

    @property
    def who(self) -> str:
        """Whose value it is, in words."""
        return self.person(self.developer) if self.developer else self.service or self.view.team.name

    def person(self, email: str) -> str:
        """What somebody is called."""
        return self.view.person(email)

    @property
    def crumbs(self) -> list[tuple[str, str]]:
        """From the root of the tree to whose value it is: the rows of each."""
        path = [
            (team.name, self.rows_link(team=team.ref_id, collectionId=None, developer=None, of_service=None))
            for team in self.view.team_path
        ]
        return path if self.level == TEAM else [*path, (self.who, self.rows_link())]

    def rows_link(self, **changes: object) -> str:
        """The rows of this view, or of another."""
        return self.view.link("/facts", **{**OF_A_ROW, "cursor": None, **changes})

    def person_link(self, email: str) -> str:
        """The rows of one developer behind the same column; '' where it is one of teams alone."""
        if self.developer or self.metric.insight != PRODUCTIVITY or self.metric.developer is None:
            return ""
        return self.view.link(developer=email, cursor=None)

    @property
    def choices(self) -> list[tuple[str, list[Metric]]]:
        """The metrics that can be looked behind at this level, by groups."""
        return by_groups(metric for metric in metrics_at(self.level) if metric.kind != "overall")


@router.get("/facts")
async def facts(visit: LimitedReader, q: Annotated[str, Query()] = "", sort: Annotated[str, Query()] = "") -> Response:
    """The value and a page of its rows."""
    view = await run_in_threadpool(view_of, visit)
    if view is None:
        return visit.html("no_tree.html", title="Facts")
    behind = _behind(view)
    context: dict[str, Any] = {"view": behind.view, "behind": behind, "q": q, "title": "Facts"}
    try:
        listed = await _listed(visit, behind, _listing(q, sort, PER_PAGE))
    except (NotFound, InvalidRequest) as error:
        return visit.html("facts.html", **context, refused=error, listed=None)
    return visit.html("facts.html", **context, refused=None, **_shown(behind, listed))


async def rows_as_csv(
    visit: LimitedReader, q: Annotated[str, Query()] = "", sort: Annotated[str, Query()] = ""
) -> Response:
    """Just these rows, as CSV."""
    view = await run_in_threadpool(view_of, visit)
    if view is None:
        raise NotFound("There is no org tree, and so there are no rows")
    behind = _behind(view)
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
    context: dict[str, Any] = {"view": view, "behind": _behind(view), "rows": rows, "links": FactLinks(view)}
    return visit.html("fact.html", title=rows[0].title, **context)


def _behind(view: View) -> Behind:
    """What the address asks for; of a column that there is not it says so, and shows another."""
    asked = view.query.get("column", DEFAULT)
    entries = [metric for insight in INSIGHTS for metric in catalogue_of(insight)]
    try:
        metric = named(asked, entries)
    except InvalidRequest as error:
        asked, metric = DEFAULT, named(DEFAULT, entries)
        view = replace(view, problems=(*view.problems, error.message))
    column = MetricColumn.named(metric, asked, view.aggregation)
    return Behind(view, column, view.query.get("developer"), view.query.get("of_service"))


def _listing(q: str, sort: str, most: int) -> Listing:
    column = sort.removeprefix("-").strip() or VALUE
    return Listing(column, sort.startswith("-") or not sort, tuple(q.split()), most)


async def _listed(visit: Visit, behind: Behind, listing: Listing) -> ListedCell:
    cursor = behind.view.query.get("cursor") if listing.most == PER_PAGE else None
    return await visit.state.insights.listed(
        *(visit.request, visit.project, behind.metric.insight, behind.asked, behind.place, visit.access),
        listing,
        cursor,
    )


def _shown(behind: Behind, listed: ListedCell) -> dict[str, Any]:
    """What the template shows of a page of rows."""
    body, value = listed.body, _value(behind)
    rows = [] if value is None or body.facts is None else fact_rows(body.facts, body.rows, behind.metric, value)
    return {
        "listed": listed,
        "body": body,
        "figure": _figure(behind, listed),
        "face": FACES.get(body.facts or ""),
        "rows": rows,
        "value_title": _value_title(value, listed),
        "stages": [
            stage
            for stage in (*STAGES, *CYCLE, "restore")
            if any(stage == span[0] for row in rows for span in row.spans)
        ],
        "links": FactLinks(behind.view),
        "kind": KINDS[behind.metric.insight],
    }


def _value(behind: Behind) -> Value | None:
    formula = behind.metric.formula(behind.level)
    return None if formula is None or isinstance(formula, Overall) else values_of(formula)[0]


def _value_title(value: Value | None, listed: ListedCell) -> str:
    if value is not None and value.measure.flag:
        unit = "pull_requests" if listed.body.facts == "pull-requests" else "work_items"
        return capitalize_first(value.measure.things(unit))
    return listed.body.metric.title


def _figure(behind: Behind, listed: ListedCell) -> Figure:
    body = listed.body
    formula = behind.metric.formula(behind.level)
    things = body.metric.of or ("" if formula is None else things_of(formula, "work_items"))
    return Figure(behind.metric, behind.name, body.metric.title, body.value, body.n, things, per="period")


def _csv(listed: ListedCell) -> bytes:
    """The rows with the columns of their fact, and what each has of the value."""
    columns = () if listed.body.facts is None else FACTS[listed.body.facts].columns
    rows = ([*(row.row[name] for name in columns), row.value, row.over] for row in listed.body.rows)
    return csv_text([*columns, VALUE, "over"], rows)


SCREEN = Screen("/facts", "Facts", "Insights", "facts", router)
