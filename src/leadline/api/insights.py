"""Answers insights beside requests, for the routes and for the page: pushed rows are delivered, versions pinned, and what was
answered before on the same versions is not computed again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from leadline.access import UNLIMITED, Access
from leadline.api.report_pool import ReportPool, ReportTimeout
from leadline.errors import Conflict, InvalidRequest
from leadline.exports import service
from leadline.exports.cursor import Cursor
from leadline.exports.export_kind import ExportKind
from leadline.exports.fact_pages import FactsBody, FactsRequest, fact_page
from leadline.exports.insights.cells import Place
from leadline.exports.insights.kept import Answer, Kept, KeptAnswers, digest, digest_of
from leadline.exports.insights.listing import ListedCell, Listing, listed_cell
from leadline.exports.insights.models import CellBody, InsightBody
from leadline.exports.insights.request import InsightRequest, parse_insight
from leadline.exports.insights.together import answers
from leadline.exports.insights.tracing import cell, events_behind, traceable
from leadline.exports.kinds import KINDS
from leadline.exports.service import deliver_and_pin, pin_newest
from leadline.exports.since import since_of, without_since
from leadline.home import Project
from leadline.ingest.pushed import deliver_pushed
from leadline.materialize.model import BeforeComputing
from leadline.metrics.request import Control, PeriodRows, Pins

if TYPE_CHECKING:
    import pyarrow as pa

    from leadline.metrics.run import Runner

MOST_BEHIND = 64 << 20
"""Bytes of events behind values that are kept."""
MOST_PAGE_ROWS = 20_000
"""Rows of facts that are kept, on the pages that were asked for last."""
PageT = TypeVar("PageT", CellBody, FactsBody)
T = TypeVar("T")


@dataclass(frozen=True)
class Answered:
    """An answer that holds at ``as_of``; ``digest`` tells whether it is the same as another."""

    digest: str
    as_of: datetime
    kept: Answer

    @property
    def body(self) -> InsightBody:
        """The answer."""
        return self.kept.body_as_of(self.as_of)

    @property
    def json(self) -> bytes:
        """The answer as JSON."""
        return self.kept.json_as_of(self.as_of)


@dataclass(frozen=True)
class _Pinned:
    insight: InsightRequest
    pins: Pins
    as_of: datetime
    digest: str
    before_computing: BeforeComputing = lambda _table, _rows: None
    anew: bool = False


class _NotReady(Exception):
    """A table that an answer is computed from is not there."""


def _only_ready(_table: str, _rows: Callable[[], int]) -> None:
    raise _NotReady


class Insights:
    """The insights of one server."""

    def __init__(self, pool: ReportPool, now: Callable[[], datetime]) -> None:
        self._pool = pool
        self._now = now
        self._kept = KeptAnswers()
        self._events: Kept[pa.Table] = Kept(MOST_BEHIND)
        self._pages: Kept[Any] = Kept(MOST_PAGE_ROWS)

    async def get(
        self, request: Request, project: Project, kind: str, asked: Mapping[str, Any], access: Access
    ) -> Answered:
        """The answer to the parameters ``asked`` (see ``parse_insight``) of the kind of export called ``kind``, on what is newest,
        within ``access``. Raises ``InvalidRequest``, ``Forbidden``, ``TooManyRows``, ``ReportTimeout``, and ``ClientDisconnect``
        when the client of ``request`` went away."""
        (answered,) = await self.get_all(request, project, kind, [asked], access)
        return answered

    async def get_all(
        self, request: Request, project: Project, kind: str, asked: Sequence[Mapping[str, Any]], access: Access
    ) -> list[Answered]:
        """What ``get`` gives for each of ``asked``, which are of one tree, all on the same versions. What is asked for
        together may be read together."""
        pinned = await run_in_threadpool(self._all_pinned, project, kind, asked, access)
        return await self._answered(request, project, kind, pinned)

    async def _answered(
        self, request: Request | None, project: Project, kind: str, pinned: Sequence[_Pinned]
    ) -> list[Answered]:
        kept = [found for one in pinned if (found := self._late(one)) is not None]
        if len(kept) < len(pinned):
            kept = await self._pool.run(
                request,
                lambda runner, control: self._answers(runner, project, pinned, control),
                late=_too_late(KINDS[kind], self._pool.seconds),
            )
        return [Answered(one.digest, one.as_of, found) for one, found in zip(pinned, kept, strict=True)]

    async def make_ready(
        self,
        project: Project,
        kind: str,
        asked: Sequence[Mapping[str, Any]],
        traced: Sequence[Mapping[str, Any]],
        *,
        anew: bool = False,
    ) -> None:
        """Have what ``get_all`` answers to ``asked``, and the events behind each value that ``traced`` asks for, before anybody
        asks: of what lies in the lake, where all is there that they are computed from. ``anew``: also what is kept, so that all
        that computes is at work by the time that somebody asks for other days. Raises what ``get`` raises."""
        pinned = await run_in_threadpool(self._ahead, project, kind, [*asked, *traced], anew)
        with suppress(_NotReady):
            await self._answered(None, project, kind, pinned[: len(asked)])
            for one in pinned[len(asked) :]:
                await self._events_of(None, project, one, UNLIMITED)

    def _ahead(self, project: Project, kind: str, asked: Sequence[Mapping[str, Any]], anew: bool) -> list[_Pinned]:
        insights = [parse_insight(project, KINDS[kind], one) for one in asked]
        pinned = self._pinned_to(project, insights, pin_newest(project, insights[0].rows.tree), self._now())
        return [replace(one, before_computing=_only_ready, anew=anew) for one in pinned]

    async def events(
        self, request: Request, project: Project, kind: str, asked: Mapping[str, Any], access: Access
    ) -> tuple[str, pa.Table]:
        """All events behind the one value that is ``asked`` for (see ``events_behind``), and a digest that tells whether they are
        the same as others. Raises what ``get`` raises."""
        pinned = await run_in_threadpool(self._pinned, project, kind, asked, access)
        return pinned.digest, await self._events_of(request, project, pinned, access)

    async def behind(
        self, request: Request, project: Project, kind: str, asked: Mapping[str, Any], access: Access
    ) -> tuple[Answered, pa.Table]:
        """The answer to ``asked``, which is one value, and all events behind it. Raises what ``get`` raises."""
        pinned = await run_in_threadpool(self._pinned, project, kind, asked, access)
        (answered,) = await self._answered(request, project, kind, [pinned])
        return answered, await self._events_of(request, project, pinned, access)

    async def _events_of(self, request: Request | None, project: Project, pinned: _Pinned, access: Access) -> pa.Table:
        rows = traceable(pinned.insight.kind, pinned.insight.rows)
        at = Cursor(pinned.pins, pinned.as_of, 0)

        def behind(runner: Runner, control: Control) -> pa.Table:
            control.before_computing = pinned.before_computing
            return events_behind(runner, project, rows, at, control, access)

        return await self._kept_in(
            self._events,
            request,
            pinned.digest,
            behind,
            _too_late(pinned.insight.kind, self._pool.seconds),
            lambda made: int(made.nbytes),
        )

    async def cell(
        self,
        request: Request,
        project: Project,
        kind: str,
        asked: Mapping[str, Any],
        place: Place,
        access: Access,
        cursor: str | None = None,
    ) -> CellBody:
        """The cell at ``place`` of the answer to the parameters ``asked``, and the rows behind it, from ``cursor`` on. Raises what
        ``get`` raises, ``NotFound`` for a row that there is not, and ``VersionsGone``."""
        insight, at = await run_in_threadpool(self._begun, project, kind, asked, access, cursor)
        rows = traceable(insight.kind, insight.rows)
        return await self._traced(request, project, insight.kind, rows, place, at, access)

    async def listed(
        self,
        request: Request,
        project: Project,
        kind: str,
        asked: Mapping[str, Any],
        place: Place,
        access: Access,
        listing: Listing,
        cursor: str | None = None,
        offset: int | None = None,
    ) -> ListedCell:
        """As ``cell``, with the rows that ``listing`` says, in its order; ``cursor`` is one of the same listing. ``offset`` says in
        its place after how many rows the page begins, for who counts pages."""
        insight, at = await run_in_threadpool(self._begun, project, kind, asked, access, cursor)
        at = at if offset is None else replace(at, offset=offset)
        rows = traceable(insight.kind, insight.rows)
        wanted = (rows.document(), str(place), str(listing), at.offset, access.limits, access.names)
        key = digest_of(project, at.pins, "listed", *wanted)
        kept: ListedCell = await self._kept_in(
            self._pages,
            request,
            key,
            lambda runner, control: listed_cell(runner, project, rows, place, at, listing, control, access),
            _too_late(insight.kind, self._pool.seconds),
            lambda made: 1 + len(made.body.rows),
        )
        return replace(kept, body=kept.body.model_copy(update={"data_as_of": at.as_of}))

    async def export_cell(
        self,
        request: Request,
        project: Project,
        kind: str,
        export_id: str,
        place: Place,
        access: Access,
        cursor: str | None = None,
    ) -> CellBody:
        """The cell at ``place`` of an export that ``access`` shows, and the rows behind it, as it read them. Raises ``NotFound`` if
        there is none, ``Conflict`` if it has not begun, and what ``cell`` raises."""
        rows, at = await run_in_threadpool(_exported, project, kind, export_id, access, cursor)
        return await self._traced(request, project, KINDS[kind], rows, place, at, access)

    async def facts(
        self, request: Request, project: Project, asked: FactsRequest, access: Access, cursor: str | None = None
    ) -> FactsBody:
        """A page of rows of a fact, within ``access``: from ``cursor`` on at its versions, else the first on what is newest. Raises
        ``InvalidRequest``, ``Forbidden``, ``VersionsGone``, ``ReportTimeout``, and ``ClientDisconnect``."""
        at = await run_in_threadpool(self._page_of_facts, project, asked, cursor)
        return await self._page(
            request,
            digest_of(project, at.pins, "facts", str(asked), at.offset, access.limits, access.names),
            at,
            lambda runner, control: fact_page(runner, project, asked, at, control, access),
            _facts_late(asked, self._pool.seconds),
        )

    def _page_of_facts(self, project: Project, asked: FactsRequest, cursor: str | None) -> Cursor:
        if cursor is not None:
            return Cursor.of(cursor, project, asked.filters.tree_name)
        as_of = self._now()
        deliver_pushed(project)
        return Cursor(pin_newest(project, asked.filters.tree_name), as_of, 0)

    async def _traced(
        self,
        request: Request,
        project: Project,
        kind: ExportKind,
        rows: PeriodRows,
        place: Place,
        at: Cursor,
        access: Access,
    ) -> CellBody:
        return await self._page(
            request,
            digest_of(project, at.pins, rows.document(), str(place), at.offset, access.limits, access.names),
            at,
            lambda runner, control: cell(runner, project, rows, place, at, control, access),
            _too_late(kind, self._pool.seconds),
        )

    async def _page(
        self, request: Request, key: str, at: Cursor, compute: Callable[[Runner, Control], PageT], late: ReportTimeout
    ) -> PageT:
        """The page that is kept under ``key``, or else the one that ``compute`` makes, to be kept; as it holds for ``at``."""
        page: PageT = await self._kept_in(self._pages, request, key, compute, late, lambda made: 1 + len(made.rows))
        return page.model_copy(update={"data_as_of": at.as_of})

    async def _kept_in(
        self,
        kept: Kept[T],
        request: Request | None,
        key: str,
        compute: Callable[[Runner, Control], T],
        late: ReportTimeout,
        weight: Callable[[T], int],
    ) -> T:
        """What is ``kept`` under ``key``, or else what ``compute`` makes, to be kept."""
        made = kept.get(key)
        if made is None:
            made = await self._pool.run(request, compute, late=late)
            kept.put(key, made, weight(made))
        return made

    def _begun(
        self, project: Project, kind: str, asked: Mapping[str, Any], access: Access, cursor: str | None
    ) -> tuple[InsightRequest, Cursor]:
        """The request, and where its page begins: at the cursor's versions, or at the newest."""
        if cursor is None:
            pinned = self._pinned(project, kind, asked, access)
            return pinned.insight, Cursor(pinned.pins, pinned.as_of, 0)
        insight = parse_insight(project, KINDS[kind], asked, access)
        return insight, Cursor.of(cursor, project, insight.rows.tree)

    def _pinned(self, project: Project, kind: str, asked: Mapping[str, Any], access: Access) -> _Pinned:
        (pinned,) = self._all_pinned(project, kind, [asked], access)
        return pinned

    def _all_pinned(
        self, project: Project, kind: str, asked: Sequence[Mapping[str, Any]], access: Access
    ) -> list[_Pinned]:
        insights = [parse_insight(project, KINDS[kind], one, access) for one in asked]
        as_of = self._now()
        pins = deliver_and_pin(project, KINDS[kind], *(insight.rows for insight in insights))
        return self._pinned_to(project, insights, pins, as_of)

    def _pinned_to(
        self, project: Project, insights: Sequence[InsightRequest], pins: Pins, as_of: datetime
    ) -> list[_Pinned]:
        pinned = [_Pinned(insight, pins, as_of, digest(project, insight, pins)) for insight in insights]
        for one in pinned:
            self._kept.bring(project, one.insight, one.digest)
        return pinned

    def _late(self, one: _Pinned) -> Answer | None:
        """The answer, if this process has it and it is not wanted anew."""
        return None if one.anew else self._kept.late(one.digest)

    def _answers(self, runner: Runner, project: Project, pinned: Sequence[_Pinned], control: Control) -> list[Answer]:
        # Of many who ask for the same at once the first has it computed.
        found = {one.digest: kept for one in pinned if (kept := self._late(one)) is not None}
        new = [one for one in pinned if one.digest not in found]
        if new:
            control.before_computing = new[0].before_computing
            insights = [one.insight for one in new]
            bodies = answers(runner, project, insights, new[0].pins, new[0].as_of, control)
            for one, body in zip(new, bodies, strict=True):
                computed = found[one.digest] = Answer.of(body)
                self._kept.put(project, one.insight, one.digest, computed)
        return [found[one.digest] for one in pinned]


def _exported(
    project: Project, kind: str, export_id: str, access: Access, cursor: str | None
) -> tuple[PeriodRows, Cursor]:
    """The request of an export, and where its page begins."""
    service.get(project, export_id, kind=kind, access=access)  # which refuses, but shows not all that was read
    export = service.get(project, export_id, kind=kind)
    if export.pinned is None:
        raise Conflict(f"Export {export.id} is {export.state} and has read nothing", code=f"export_{export.state}")
    rows = traceable(KINDS[kind], KINDS[kind].rows.request_of(without_since(export.request)))
    if since_of(export.request) is not None:
        raise InvalidRequest("Cells of exports of differences are not traced to rows of facts", code="not_traced")
    offset = 0 if cursor is None else Cursor.of(cursor, project, rows.tree).offset
    return rows, Cursor(Pins.of(export.pinned), export.data_as_of or export.created_at, offset)


def _facts_late(asked: FactsRequest, seconds: float) -> ReportTimeout:
    return ReportTimeout(
        f"The page was not ready within {seconds:g} seconds; ask for one team or fewer days, or for a file with leadline facts "
        f"{asked.fact.name}"
    )


def _too_late(kind: ExportKind, seconds: float) -> ReportTimeout:
    return ReportTimeout(
        f"The answer was not ready within {seconds:g} seconds; ask for an export with POST {kind.path}, which may take its "
        "time, or for one team or fewer days; if facts are being computed for the first time, ask again in a moment"
    )
