"""Runs a request: pins what it reads, binds scope and periods to the stored facts, and writes the finished file, which
exists whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from leadline.derive.local_time import Offset
from leadline.errors import Conflict
from leadline.metrics.catalogue import DEFINITIONS, by_ids
from leadline.metrics.request import LEVELS, Cancelled, Control, MetricsRequest, Pins, Produced, RowsRequest
from leadline.people import BEGINNING, tree, trees
from leadline.people.timeline import DATED, Asked, Timeline, asked_of, timeline
from leadline.settings.profile import Profile

if TYPE_CHECKING:
    import pyarrow as pa

    from leadline.engine import Backend
    from leadline.home import Home, Project
    from leadline.materialize.session import Session
    from leadline.people.tree import OrgTree

T = TypeVar("T")
RequestT = TypeVar("RequestT", bound=RowsRequest)

_FACTS_SHARE = 0.7
"""How much of a first run the facts are, for the progress shown."""


def pin(project: Project, tree_name: str) -> Pins:
    """The newest versions of everything that a run over ``tree_name`` reads.

    Pushed rows that wait in the inbox are in no version yet: deliver them first (``ingest.pushed``), at least those for
    ``tables_of`` the request.
    """
    profile = project.profile(tree_name)
    return Pins(
        tables=project.lake.snapshot().versions,
        # All trees, since an account may belong to a developer of any of them.
        trees={summary.name: summary.version for summary in trees(project)},
        definitions=DEFINITIONS,
        settings=profile.texts,
        today=datetime.now(profile.zone).date(),
    )


def tables_of(project: Project, request: MetricsRequest) -> frozenset[str]:
    """The lake's tables that the metrics of ``request`` are computed from, by the settings in force."""
    from leadline.facts.policy import BUILD_POLICY
    from leadline.materialize.session import sources_of
    from leadline.metrics.query import facts_of

    models = [model for fact in facts_of(by_ids(request.metrics), request.level) for model in fact.stored_tables]
    return sources_of(project, project.profile(request.tree), BUILD_POLICY, models)


@dataclass(frozen=True)
class QueryInputs(Generic[RequestT]):
    """What the query of a request is made of: the session (its engine, to bind tables in, and its facts), the org tree
    of the request's scope (``timeline``: those that count on a day from the one given to the range's end; ``tree``: the newest of
    the range), the request itself, the settings in force and the day, all as pinned. ``control`` takes the progress."""

    session: Session
    tree: OrgTree
    timeline: Callable[[date], Timeline]
    request: RequestT
    profile: Profile
    today: date | None
    control: Control


Query = Callable[[QueryInputs[Any]], str]
"""Binds what the rows of a request are computed from and returns the SQL text of the query that gives them."""


def metrics_query(inputs: QueryInputs[MetricsRequest]) -> str:
    """The query of a ``MetricsRequest``: a row per unit (developer or team) and period, a column per metric."""
    from leadline.facts.ownership import MERGES
    from leadline.metrics.binder import bind_owners, bind_scope
    from leadline.metrics.query import facts_of, sql

    session, request, profile = inputs.session, inputs.request, inputs.profile
    facts = facts_of(by_ids(request.metrics), request.level)
    for done, fact in enumerate(facts):
        session.facts.bind(fact.stored_tables)
        inputs.control.progress(_FACTS_SHARE * (done + 1) / len(facts))
    kinds = [fact.team_events for fact in facts if fact.team_events]
    # A deployment is a team's by merges long before it, and a rating asks for any before the period's end.
    since = BEGINNING if kinds else request.start
    scope = bind_scope(session.engine, inputs.timeline(since), request, profile, inputs.today, since)
    if kinds and scope.dated:
        session.facts.bind([MERGES])
    has_team_rules = bool(kinds) and bind_owners(
        session.engine, scope, request, profile, kinds, session.facts.spellings
    )
    shape = (request.metrics, request.level, request.aggregation, scope.zone, has_team_rules)
    return sql(*shape, session.facts.queries, dated=scope.dated)


def asked(pins: Pins) -> Asked:
    """Which trees count in a run on ``pins``."""
    return asked_of(pins.settings.get("people.history", DATED), pins.today)


def timeline_of(project: Project, request: RowsRequest, pins: Pins, since: date) -> Timeline:
    """The trees that count for ``request`` on a day from ``since`` to its end."""
    newest = {request.tree: pins.trees[request.tree]}
    return timeline(project, newest, asked(pins), since, request.end)


class Runner:
    """Runs requests on ``home`` one after another, with an engine kept between them; the bytes are those of ``produce``.

    Use from one thread at a time, and close it (or use it as a context manager).
    """

    def __init__(self, home: Home) -> None:
        from leadline.facts.policy import BUILD_POLICY
        from leadline.materialize.session import Sessions

        self._sessions = Sessions(home, BUILD_POLICY)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back what is kept between runs; another run takes it anew."""
        self._sessions.close()

    def prepare(self) -> Iterator[str]:
        """Do beforehand, in steps that are named, what the first requests of the common shapes would have to wait for."""
        from leadline.metrics.catalogue import select
        from leadline.metrics.query import sql

        for level in LEVELS:
            sql(tuple(column.id for column in select((), (), level)), level, "mean", [Offset(None, 0)])
            yield f"all metrics by {level}"
        self._sessions.prepare()
        yield "engine"

    def produce(
        self,
        project: Project,
        request: RowsRequest,
        pins: Pins,
        path: Path,
        control: Control,
        query: Query = metrics_query,
    ) -> Produced:
        """As ``produce``."""
        from leadline.engine.output import write

        def finish(engine: Backend, text: str) -> int:
            return write(engine, text, path, request.format, control.check)

        return Produced(self._run(project, request, pins, control, query, finish))

    def table(self, project: Project, request: MetricsRequest, pins: Pins, control: Control) -> pa.Table:
        """The rows that ``produce`` would write, in memory; raises what it raises."""
        return self._run(project, request, pins, control, metrics_query, lambda engine, text: engine.arrow(text))

    def _run(
        self,
        project: Project,
        request: RowsRequest,
        pins: Pins,
        control: Control,
        query: Query,
        finish: Callable[[Backend, str], T],
    ) -> T:
        """What ``finish`` makes of the engine and the query of ``request``."""
        if pins.definitions != DEFINITIONS:
            raise Conflict(
                f"This export was made by definitions {pins.definitions}; this leadline has {DEFINITIONS}, "
                "whose numbers may differ: make a new export",
                code="other_definitions",
            )
        from leadline.engine import Interrupted

        profile = Profile.of(pins.settings)
        stretches = cache(partial(timeline_of, project, request, pins))
        in_range = stretches(request.start)
        newest = in_range[-1].tree if in_range else tree(project, request.tree, pins.trees[request.tree])
        opening = self._sessions.open(
            project, pins.tables, pins.trees, profile, before_each=lambda _name: control.check()
        )
        try:
            with opening as opened:
                control.attach(opened)
                inputs = QueryInputs(opened, newest, stretches, request, profile, pins.today, control)
                text = query(inputs)
                finished = finish(opened.engine, opened.engine.remember(text))
        except Interrupted:
            raise Cancelled from None
        control.progress(1.0)
        return finished


def produce(
    project: Project, request: RowsRequest, pins: Pins, path: Path, control: Control, query: Query = metrics_query
) -> Produced:
    """Compute ``request`` on the versions of ``pins`` and write it to ``path`` (gzipped if that ends in ``.gz``).

    ``query`` says what the rows are; by default the metrics that the request names (``metrics_query``).
    Raises ``Conflict`` if the pins are of other definitions, ``StoreError`` if a pinned version is gone, ``Cancelled``
    if ``control`` says so; then ``path`` is not written.
    """
    with Runner(project.home) as runner:
        return runner.produce(project, request, pins, path, control, query)
