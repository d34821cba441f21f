"""Runs a request: pins what it reads, binds scope and periods to the stored facts, and writes the finished file, which
exists whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from leadline.derive.local_time import Offset
from leadline.metrics.catalogue import DEFINITIONS, by_ids, check_definitions
from leadline.metrics.metric import SERVICE
from leadline.metrics.request import (
    LEVELS,
    SHOWN,
    Cancelled,
    Control,
    Earlier,
    MetricsRequest,
    Pins,
    Produced,
    RowsRequest,
)
from leadline.people import BEGINNING, tree, trees
from leadline.people.pseudonyms import hidden_stretch, hidden_tree
from leadline.people.timeline import DATED, Asked, Timeline, asked_of, timeline
from leadline.settings.profile import Profile
from leadline.tracing import span

if TYPE_CHECKING:
    import pyarrow as pa

    from leadline.engine import Backend
    from leadline.home import Home, Project
    from leadline.materialize.session import Session
    from leadline.metrics.binder import BoundScope
    from leadline.metrics.measures import MeasuredFact
    from leadline.people.tree import OrgTree

T = TypeVar("T")
RequestT = TypeVar("RequestT", bound=RowsRequest)

_FACTS_SHARE = 0.7
"""How much of a first run the facts are, for the progress shown."""


def pin(project: Project, tree_name: str | None) -> Pins:
    """The newest versions of everything that a run over ``tree_name`` (None: over all trees) reads.

    Pushed rows that wait in the inbox are in no version yet: deliver them first (``ingest.pushed``), at least those for
    ``tables_of`` the request.
    """
    profile = project.profile(tree_name)
    return Pins(
        tables=project.lake.versions(),
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

    models = [model for fact in _facts(request) for model in fact.stored_tables]
    if request.split:
        from leadline.metrics.split import models as split_models

        models += split_models(_facts(request))
    return sources_of(project, project.profile(request.tree), BUILD_POLICY, models)


def _facts(request: MetricsRequest) -> list[MeasuredFact]:
    """The facts that are read for ``request``: those of its metrics and, at the level of services, those that say which there are,
    so that the rows are the same whatever columns are asked for."""
    from leadline.metrics.query import facts_of
    from leadline.metrics.services import FACTS

    facts = facts_of(by_ids(request.metrics), request.level)
    if request.split:
        from leadline.metrics.split import COUNTED

        facts = list(dict.fromkeys([*facts, COUNTED.fact]))
    return facts if request.level != SERVICE else list(dict.fromkeys([*facts, *FACTS]))


@dataclass(frozen=True)
class QueryInputs(Generic[RequestT]):
    """What the query of a request is made of: the project, the versions that are read of it, the session on these (its engine, to
    bind tables in, and its facts), the org tree of the request's scope (``timeline``: those that count on a day from the one given
    to the range's end; ``tree``: the newest of the range), the request itself, the settings in force and the day, all as pinned.
    ``control`` takes the progress."""

    project: Project
    pins: Pins
    session: Session
    tree: OrgTree
    timeline: Callable[[date], Timeline]
    request: RequestT
    profile: Profile
    today: date | None
    control: Control


Query = Callable[[QueryInputs[Any]], str]
"""Binds what the rows of a request are computed from and returns the SQL text of the query that gives them."""


def metrics_query(
    inputs: QueryInputs[MetricsRequest], *, sized: bool = False, check: Callable[[int], None] = lambda _rows: None
) -> str:
    """The query of a ``MetricsRequest``: a row per unit (developer or team) and period, a column per metric; ``sized``: and one per
    metric that says of how many events its value is. ``check`` hears how many rows there are and may refuse them."""
    from leadline.metrics.query import sql

    bound, request = bind(inputs, check, by_day=sized), inputs.request
    shape = (request.metrics, request.level, request.aggregation, bound.scope.zone, bound.has_team_rules)
    kept = inputs.session.facts.queries
    dated, split, tools = bound.scope.dated, request.split is not None, request.tools
    return sql(*shape, kept, dated=dated, sized=sized, split=split, nested=request.with_range, tools=tools)


@dataclass(frozen=True)
class Bound:
    """What was bound for a request, and whether any team rule is in force."""

    scope: BoundScope
    has_team_rules: bool


def bind(
    inputs: QueryInputs[MetricsRequest], check: Callable[[int], None] = lambda _rows: None, *, by_day: bool = True
) -> Bound:
    """Bind all that the metrics of a request are computed from. ``check`` hears how many rows there are and may refuse them.
    ``by_day``: what is made of the instants of days has an event for each, else one of as many days as are alike."""
    from leadline.facts.merge_spans import MERGES
    from leadline.metrics.binder import bind_owners, bind_scope, bind_services, bind_spans

    session, request, profile = inputs.session, inputs.request, inputs.profile
    facts = _facts(request)
    session.facts.share_out([model for fact in facts for model in fact.stored_tables])
    for done, fact in enumerate(facts):
        session.facts.bind(fact.stored_tables)
        inputs.control.progress(_FACTS_SHARE * (done + 1) / len(facts))
    if request.split:
        from leadline.metrics.split import models as split_models

        session.facts.bind(split_models(facts))
    kinds = [fact.team_events for fact in facts if fact.team_events]
    # A deployment is a team's by merges long before it, and a rating asks for any before the period's end.
    since = BEGINNING if kinds else request.start
    scope = bind_scope(session.engine, inputs.timeline(since), request, profile, inputs.today, since)
    if any(fact.of_spans for fact in facts):
        bind_spans(session.engine, request, profile, inputs.today, None if by_day else scope.stretches)
    if request.level != SERVICE:
        check(scope.rows)
    if kinds and scope.dated:
        session.facts.bind([MERGES])
    has_team_rules = bool(kinds) and bind_owners(
        session.engine, scope, request, profile, kinds, session.facts.spellings
    )
    if request.level == SERVICE:
        scope = bind_services(session.engine, scope, request, has_team_rules, session.facts.queries)
        check(scope.rows)
    return Bound(scope, has_team_rules)


def asked(pins: Pins) -> Asked:
    """Which trees count in a run on ``pins``."""
    return asked_of(pins.settings.get("people.history", DATED), pins.today)


def timeline_of(project: Project, request: RowsRequest, pins: Pins, since: date) -> Timeline:
    """The trees that count for ``request`` on a day from ``since`` to its end, with people named as it says."""
    newest = {request.tree: pins.trees[request.tree]}
    stretches = timeline(project, newest, asked(pins), since, request.end)
    return stretches if request.names == SHOWN else [hidden_stretch(project, stretch) for stretch in stretches]


def _newest_of(project: Project, request: RowsRequest, pins: Pins) -> OrgTree:
    newest = tree(project, request.tree, pins.trees[request.tree])
    return newest if request.names == SHOWN else hidden_tree(project, newest)


@dataclass(frozen=True)
class _Result:
    """The rows of a request as the SQL ``text`` of a query, and what it is made of."""

    inputs: QueryInputs[Any]
    text: str

    @property
    def engine(self) -> Backend:
        """What runs the query."""
        return self.inputs.session.engine

    @property
    def query(self) -> str:
        """A short query with the same rows."""
        return self.engine.remember(self.text)

    def described(self, since: Pins | None) -> dict[str, str]:
        """What a Parquet file of the rows, or of what changed of them ``since``, tells about itself."""
        from leadline.engine.output import columns_of
        from leadline.metrics.described import described

        request, pins = self.inputs.request, self.inputs.pins
        units = request.units_of(columns_of(self.engine, self.query), self.inputs.profile)
        read = self.inputs.session.tables_behind(self.text)
        return described(request.document(), units, pins, read, tree=request.tree, since=since)


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
        earlier: Earlier | None = None,
    ) -> Produced:
        """As ``produce``."""
        from leadline.engine.output import write

        def finish(result: _Result, text: str) -> int:
            told = {} if request.format != "parquet" else result.described(None if earlier is None else earlier.pins)
            return write(result.engine, text, path, request.format, control.check, told)

        with span("produce", leadline_tree=request.tree, leadline_format=request.format) as told:
            run = self._run if earlier is None else partial(self._compared, earlier=earlier)
            rows = run(project, request, pins, control, query, finish)
            told.tell(leadline_rows=rows)
        return Produced(rows)

    def table(
        self, project: Project, request: RowsRequest, pins: Pins, control: Control, query: Query = metrics_query
    ) -> pa.Table:
        """The rows that ``produce`` would write, in memory; raises what it raises."""
        return self._run(project, request, pins, control, query, lambda result, text: result.engine.arrow(text))

    def _run(
        self,
        project: Project,
        request: RowsRequest,
        pins: Pins,
        control: Control,
        query: Query,
        finish: Callable[[_Result, str], T],
    ) -> T:
        """What ``finish`` makes of the result of ``request`` and its query."""
        with self.inputs(project, request, pins, control) as inputs:
            result = _Result(inputs, query(inputs))
            finished = finish(result, result.query)
        control.progress(1.0)
        return finished

    def _compared(
        self,
        project: Project,
        request: RowsRequest,
        pins: Pins,
        control: Control,
        query: Query,
        finish: Callable[[_Result, str], T],
        *,
        earlier: Earlier,
    ) -> T:
        """What ``finish`` makes of the result of ``request`` and the query of what changed since the ``earlier`` versions."""
        from leadline.engine.difference import difference

        with difference(project.temp, earlier.key) as changes:
            with control.part(0, 2):
                if request.tree in earlier.pins.trees:  # else it had no rows
                    stage = lambda result, text: changes.stage(result.engine, text)  # noqa: E731
                    self._run(project, request, earlier.pins, control, query, stage)
            with control.part(1, 2):
                return self._run(
                    project,
                    request,
                    pins,
                    control,
                    query,
                    lambda result, text: finish(result, changes.text(result.engine, text)),
                )

    @contextmanager
    def inputs(
        self, project: Project, request: RequestT, pins: Pins, control: Control
    ) -> Iterator[QueryInputs[RequestT]]:
        """What the query of ``request`` is made of, open meanwhile. Raises what ``produce`` raises."""
        check_definitions(pins.definitions)
        profile = Profile.of(pins.settings)
        stretches = cache(partial(timeline_of, project, request, pins))
        in_range = stretches(request.start)
        newest = in_range[-1].tree if in_range else _newest_of(project, request, pins)
        with self.session(project, pins, profile, control) as opened:
            yield QueryInputs(project, pins, opened, newest, stretches, request, profile, pins.today, control)

    @contextmanager
    def session(self, project: Project, pins: Pins, profile: Profile, control: Control) -> Iterator[Session]:
        """A session on the versions of ``pins``, under the settings ``profile``. Raises ``Cancelled`` if ``control`` says so."""
        from leadline.engine import Interrupted

        opening = self._sessions.open(
            project,
            pins.tables,
            pins.trees,
            profile,
            before_each=lambda _name: control.check(),
            before_computing=control.before_computing,
            sharing=control.sharing,
        )
        try:
            with opening as opened:
                control.attach(opened)
                yield opened
        except Interrupted:
            raise Cancelled from None


def produce(
    project: Project,
    request: RowsRequest,
    pins: Pins,
    path: Path,
    control: Control,
    query: Query = metrics_query,
    earlier: Earlier | None = None,
) -> Produced:
    """Compute ``request`` on the versions of ``pins`` and write it to ``path`` (gzipped if that ends in ``.gz``).

    ``query`` says what the rows are; by default the metrics that the request names (``metrics_query``). With ``earlier`` only rows
    are written that differ from those, with the column ``_change``.
    Raises ``Conflict`` if the pins are of other definitions, ``StoreError`` if a pinned version is gone, ``Cancelled``
    if ``control`` says so; then ``path`` is not written.
    """
    with Runner(project.home) as runner:
        return runner.produce(project, request, pins, path, control, query, earlier)
