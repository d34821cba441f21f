"""A session on one state of a project's data: an engine with the pinned tables and people bound, and the fact store.

Who opens many sessions one after another keeps the engine between them, since opening one costs more than a small query.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from leadline.engine import DUCKDB, Backend, Engine
from leadline.engine.connect import ConnectEngine
from leadline.engine.sql_text import tables_read
from leadline.materialize.compiled import CompiledQueryCache
from leadline.materialize.dependencies import Lineages
from leadline.materialize.model import BeforeComputing, BuildPolicy, Model
from leadline.materialize.published import PublishedTables
from leadline.materialize.steps import ConnectSteps, DuckSteps, SharedSteps, Steps
from leadline.materialize.store import MaterializationStore
from leadline.people.arrow import everybody_digest, people_of
from leadline.schema import TABLES

if TYPE_CHECKING:
    from leadline.home import Home, Project
    from leadline.materialize.sharing import Sharing
    from leadline.settings.profile import Profile

LONGEST_KEPT_SECONDS = 2.0
"""An engine that a session used for longer is not kept: beside such work opening one costs nothing, and what memory it
took goes back to the system."""


class Session:
    """An engine on pinned data and the store that binds facts in it. ``interrupt`` stops it from another thread, and
    does nothing once the session is over: the engine may serve another by then."""

    def __init__(self, engine: Backend, facts: MaterializationStore) -> None:
        self.engine = engine
        self.facts = facts
        self._over = False
        self._guard = threading.Lock()

    def interrupt(self) -> None:
        """Stop what runs in the session, for good."""
        with self._guard:
            if not self._over:
                self.engine.interrupt()
                self.facts.interrupt()

    def tables_behind(self, query: str) -> frozenset[str]:
        """The lake's tables that the rows of ``query`` follow from in the end, whatever else is bound by now."""
        return self.facts.sources | (tables_read(query) & TABLES.keys())

    def end(self) -> None:
        """No interruption reaches the engine from here on."""
        with self._guard:
            self._over = True


class Sessions:
    """Opens sessions on ``home`` by a ``policy``, one after another, on an engine that is kept as long as all goes well.

    Use from one thread at a time, and close it (or use it as a context manager). A session sees nothing of those before
    it: what they bound stays only where it is the very same state of the same project.
    """

    def __init__(self, home: Home, policy: BuildPolicy) -> None:
        self._home = home
        self._policy = policy
        self._engine: Engine | None = None
        self._state: object = None
        self._cluster: ConnectSteps | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the engine and its memory go; the next session opens another."""
        self._close_engine()
        cluster, self._cluster = self._cluster, None
        if cluster is not None:
            cluster.close()

    def _close_engine(self) -> None:
        engine, self._engine, self._state = self._engine, None, None
        if engine is not None:
            engine.close()

    def _steps(self, engine: Engine) -> Steps:
        """Who computes steps: the engine, and the cluster if there is one, on which a session is kept from one to the next."""
        settings = self._home.settings
        if settings.cluster is None:
            return DuckSteps(engine)
        self._cluster = self._cluster or ConnectSteps(ConnectEngine(settings.cluster))
        return SharedSteps(DuckSteps(engine), self._cluster, settings.cluster_from_rows)

    @contextmanager
    def open(
        self,
        project: Project,
        tables: Mapping[str, int],
        tree_versions: Mapping[str, int],
        profile: Profile,
        *,
        before_each: Callable[[str], None] = lambda _name: None,
        before_computing: BeforeComputing = lambda _name, _rows: None,
        sharing: Sharing | None = None,
    ) -> Iterator[Session]:
        """Open a session on the given Delta versions and org tree versions; ``before_each`` hears of every fact that
        must be computed first, ``before_computing`` and ``sharing`` as of any store. Raises ``StoreError`` if a version is gone."""
        state = (project.folder, dict(tables), dict(tree_versions), dict(profile.texts))
        engine = self._ready(state)

        store = MaterializationStore(
            project.computed,
            engine,
            queries=query_cache(project.home, self._policy, engine.dialect),
            policy=self._policy,
            snapshot=project.lake.snapshot,
            versions=tables,
            people=everybody_digest(project, tree_versions),
            people_rows=lambda: people_of(project, tree_versions),
            profile=profile,
            lock=project.lock,
            turn=project.turn,
            before_each=before_each,
            before_computing=before_computing,
            sharing=sharing,
            steps=self._steps(engine),
            published=PublishedTables.of(project),
        )
        opened = Session(engine, store)
        began = time.monotonic()
        whole = False
        try:
            yield opened
            whole = not engine.stopped
        finally:
            opened.end()
            # One that failed may be in any state, and one that was stopped stays so.
            if not whole:
                self.close()
            elif time.monotonic() - began > LONGEST_KEPT_SECONDS:
                self._close_engine()

    def prepare(self) -> None:
        """Open the engine that the next session will use, if none is kept."""
        self._ready(None)

    def _ready(self, state: object) -> Engine:
        """The kept engine, empty unless it was last used for the same ``state``; or a new one."""
        if self._engine is None:
            self._engine = Engine.of(self._home)
        elif self._state != state:
            self._state = None  # of no state until it is empty
            self._engine.unbind()
        self._state = state
        return self._engine


@contextmanager
def session(
    project: Project, tables: Mapping[str, int], tree_versions: Mapping[str, int], profile: Profile, policy: BuildPolicy
) -> Iterator[Session]:
    """One session as ``Sessions.open`` opens it, on an engine of its own."""
    with Sessions(project.home, policy) as sessions, sessions.open(project, tables, tree_versions, profile) as opened:
        yield opened


def query_cache(home: Home, policy: BuildPolicy, dialect: str = DUCKDB) -> CompiledQueryCache:
    """The compiled texts of all projects of ``home``."""
    return CompiledQueryCache(home.cache / "queries", policy.query_code, dialect)


def sources_of(project: Project, profile: Profile, policy: BuildPolicy, models: Iterable[Model]) -> frozenset[str]:
    """The lake's tables that the rows of ``models`` follow from in the end."""
    lineages = Lineages(query_cache(project.home, policy), profile)
    return frozenset[str]().union(*(lineages.lineage(model).all_sources() for model in models))
