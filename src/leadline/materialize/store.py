"""The store of computed tables: what metrics read, computed once per state of the data and kept as Parquet.

A folder's name is a digest of all that its rows were computed from, so it is never stale; several processes asking at once
compute it once. It appears whole or not at all: what a killed process leaves is never read. Rows of an earlier state are
kept where nothing they follow from has changed (``incremental``).
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from leadline.engine import EVERYTHING, Within, compiled, within_columns
from leadline.engine.repositories import rows_by_repository
from leadline.errors import LockLost
from leadline.materialize.compiled import CompiledQueryCache, code_digest
from leadline.materialize.dependencies import AskedProfile, Dependencies, Lineage, Lineages
from leadline.materialize.folders import Folders, in_use, share
from leadline.materialize.incremental import NONE, BuildRecord, Differences, Repositories, kept_rows
from leadline.materialize.model import BuildContext, BuildPolicy, Computation, Model
from leadline.schema import TABLES

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from ibis.expr.types import Table

    from leadline.engine import Backend
    from leadline.engine.spellings import Spellings
    from leadline.lake import Snapshot
    from leadline.lease import Lease
    from leadline.settings.profile import Profile

_log = logging.getLogger("leadline.facts")

_BATCH_ROWS = 4_200_000
"""Rows of the policy's ``weighed`` tables that are worked on at a time: what fits in the engine's memory without spilling."""
_TRIES = 3
"""How often a step is begun, if the lock of its state is lost each time."""
_TRIED_STATES = 2
"""Earlier states that are compared with the present one before it is computed from nothing."""


class MaterializationStore:
    """The stored tables of one project at one state of its data.

    ``people`` names the state of the developers (all who are in the org trees), ``bind_people`` binds them in ``engine``;
    ``before_each`` hears of each step that must be computed. ``lock`` and ``turn`` are the project's, across processes. ``queries``
    keeps the texts of queries beside the facts.
    """

    def __init__(
        self,
        folder: Path,
        engine: Backend,
        *,
        queries: CompiledQueryCache,
        policy: BuildPolicy,
        snapshot: Callable[[Mapping[str, int]], Snapshot],
        versions: Mapping[str, int],
        people: Sequence[str],
        bind_people: Callable[[], None],
        profile: Profile,
        lock: Callable[[str], AbstractContextManager[Lease]],
        turn: Callable[[str], AbstractContextManager[None]],
        before_each: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self.queries = queries
        self._folders = Folders(folder)
        self._names_folder = folder.with_name("names")
        self._engine = engine
        self._policy = policy
        self._open_snapshot = snapshot
        self._versions = versions
        self._people = people
        self._bind_people = bind_people
        self._profile = profile
        self._lock = lock
        self._turn = turn
        self._before_each = before_each
        self._raw_within: dict[str, Within] = {}
        self._lineages = Lineages(self.queries, profile)
        self._differences = Differences(engine, snapshot)
        self._fingerprints: dict[str, str] = {}

    @cached_property
    def _snapshot(self) -> Snapshot:
        return self._open_snapshot(self._versions)

    @cached_property
    def spellings(self) -> Spellings:
        """What is read instead of what rows of the lake have."""
        return self._policy.spellings(self._engine, lambda: self._snapshot, self._versions, self._names_folder)

    # -- binding -------------------------------------------------------------------------------------------------------

    def bind(self, models: Iterable[Model], within: Within = EVERYTHING) -> None:
        """Make each stored table queryable in the engine, computing what is not there yet; ``within`` keeps those that
        are read by repository to a range of them."""
        # All are there before any is bound: computing one binds those it depends on anew, some repositories at a time.
        folders = [(model, self._ready(model)) for model in list(models)]
        for model, folder in folders:
            self._engine.bind_files(
                model.bound_name, sorted(folder.glob("*.parquet")), within=_within_of(model, within)
            )

    def bind_raw(self, within: Within = EVERYTHING, tables: Iterable[str] = TABLES) -> None:
        """Make the raw ``tables`` (those with repositories: of the range ``within``) and the people queryable."""
        if not self._raw_within:
            self._bind_people()
            self._bind_tables(TABLES, EVERYTHING)
        self._bind_tables([name for name in tables if self._raw_within[name] != within], within)

    def _bind_tables(self, tables: Iterable[str], within: Within) -> None:
        self._engine.bind_snapshot(self._snapshot, tables, within=within, spellings=self.spellings)
        self._raw_within.update(dict.fromkeys(tables, within))

    # -- which folder --------------------------------------------------------------------------------------------------

    def fingerprint(self, model: Model) -> str:
        """A digest of all that a stored table follows from."""
        return self._fingerprint(self._lineages.lineage(model))

    def _fingerprint(self, lineage: Lineage) -> str:
        if (fingerprint := self._fingerprints.get(lineage.name)) is None:
            state = {
                "config": self._config_digest(lineage),
                "sources": {table: self._versions.get(table) for table in lineage.sources},
                "depends_on": [self._fingerprint(above) for above in lineage.depends_on],
            }
            fingerprint = self._fingerprints[lineage.name] = _digest(state)
        return fingerprint

    def _config_digest(self, follows: Lineage | Dependencies) -> str:
        """A digest of what a stored table follows from beside the lake's and other stored tables."""
        state = {
            "code": code_digest(self._policy.code),
            "people": list(self._people) if follows.people else None,
            "settings": dict(follows.answers),
            "spellings": self.spellings.of_tables(follows.sources),
        }
        return _digest(state)

    def _named(self, model: Model) -> Path:
        return self._folders.named(model.name, self.fingerprint(model))

    def _ready(self, model: Model) -> Path:
        folder = self._named(model)
        if not in_use(folder):
            # A folder's rows follow from its name and it appears whole, so that nothing but work is lost by computing it twice.
            with self._turn(f"facts:{folder.name}"):
                if not in_use(folder):
                    self._compute(model, folder)
        return folder

    # -- computing -----------------------------------------------------------------------------------------------------

    def _compute(self, model: Model, folder: Path) -> None:
        follows = self._lineages.dependencies(model)
        self.bind(follows.depends_on)
        previous, changed = self._previous(model, follows) or (None, NONE)

        def write(unfinished: Path) -> BuildRecord:
            if previous is not None and not changed:
                for file in sorted(previous.glob("*.parquet")):
                    share(file, unfinished / file.name)
            elif model.computation is not None:
                self._run(model, model.computation, follows, unfinished)
            elif previous is not None:
                kept = kept_rows(model, previous, changed)
                self._engine.copy(kept, unfinished / "kept.parquet", "parquet", compression="snappy")
                self._query(model, follows, unfinished, [changed])
            else:
                self._query(model, follows, unfinished, self._batches if model.by_repository else [EVERYTHING])
            return self._record(follows, None if previous is None else previous.name, tuple(sorted(changed)))

        began = time.perf_counter()
        self._folders.fill(folder, write)
        _log.debug("%s: computed in %.2f s", model.name, time.perf_counter() - began)
        self._folders.forget(model.name)

    def _query(self, model: Model, follows: Dependencies, folder: Path, parts: Sequence[Within]) -> None:
        """Write the rows of a step that is a query, a file for each of the ``parts`` that are worked on one by one."""
        state = [dict(follows.answers), dict(model.columns)]
        text = self.queries.text(model.name, state, lambda: compiled_step(model, self._lineages.expression(model)))
        for number, within in enumerate(parts):
            self._before_each(model.name)
            self.bind_raw(within, follows.sources)
            self.bind(follows.depends_on, within)
            # A cache: written and read sooner is worth more than smaller.
            self._engine.copy(text, folder / f"{number:05}.parquet", "parquet", compression="snappy")

    def _run(self, model: Model, computation: Computation, follows: Dependencies, folder: Path) -> None:
        """Write the rows of a step that no query can say; anew, if the lock of its state was lost meanwhile."""
        for _ in range(_TRIES - 1):
            with suppress(LockLost):
                return self._run_once(model, computation, follows, folder)
            for file in folder.iterdir():
                file.unlink()
        return self._run_once(model, computation, follows, folder)

    def _run_once(self, model: Model, computation: Computation, follows: Dependencies, folder: Path) -> None:
        self._before_each(model.name)
        self.bind_raw(tables=computation.sources)
        self.bind(computation.depends_on)
        profile = AskedProfile(self._profile, frozenset(follows.answers))
        # Always taken after the lock of a state of the data, and nothing else is taken under it: no deadlock.
        shared = computation.state or model.name
        with self._lock(f"facts:state-{shared}") as lease:
            state = self._folders.state(shared, lease)
            snapshot = self._snapshot.of(computation.sources)
            readable = frozenset([*computation.sources, *(above.bound_name for above in computation.depends_on)])
            context = BuildContext(
                self._engine,
                profile,
                snapshot,
                folder,
                state,
                readable,
                follows.answers,
                self.queries,
                self.spellings,
            )
            try:
                computation.run(context)
            except Exception:
                lease.require()  # who lost the state may find anything there
                raise
        files = list(folder.glob("*.parquet"))
        for file in files:
            with file.open("rb") as written:
                os.fsync(written.fileno())
        if not files:
            self._engine.copy(_no_rows(model), folder / "00000.parquet", "parquet")

    @cached_property
    def _batches(self) -> list[Within]:
        """Ranges of repositories that together are all, each of about ``_BATCH_ROWS`` rows."""
        if self._weight <= _BATCH_ROWS:
            return [EVERYTHING]
        self.bind_raw(EVERYTHING, self._policy.weighed)
        return batches(rows_by_repository(self._engine, self._policy.weighed), _BATCH_ROWS)

    @cached_property
    def _weight(self) -> int:
        counts = self._snapshot.row_counts()
        return sum(counts.get(name, 0) for name in self._policy.weighed)

    # -- keeping rows of an earlier state ------------------------------------------------------------------------------

    def _record(self, follows: Dependencies, previous: str | None, rebuilt: tuple[str, ...]) -> BuildRecord:
        return BuildRecord(
            self._config_digest(follows),
            {table: self._versions.get(table) for table in follows.sources},
            {above.name: self._named(above).name for above in follows.depends_on},
            previous,
            rebuilt,
        )

    def _previous(self, model: Model, follows: Dependencies) -> tuple[Path, Repositories] | None:
        """A folder of another state whose rows still hold, but for those of the repositories that go with it."""
        config_digest = self._config_digest(follows)
        for folder in self._folders.of_table(model.name)[:_TRIED_STATES]:
            record = BuildRecord.of(folder)
            if record is None or record.config_digest != config_digest or not in_use(folder):
                continue
            changed = self._changed(model, follows, record)
            if changed is None or (changed and not self._is_less(model, changed)):
                continue
            return folder, changed
        return None

    def _changed(self, model: Model, follows: Dependencies, record: BuildRecord) -> Repositories | None:
        """The repositories of which a stored table may have other rows than a folder with ``record``; None: any."""
        changed = NONE
        self.bind_raw()
        for table in follows.sources:
            apart = self._differences.of_table(table, record.sources.get(table), self._versions.get(table))
            if apart is None or (apart and not model.by_repository):
                return None
            changed |= {self.spellings.repository(table, name) for name in apart}
        for above in follows.depends_on:
            before, now = self._folders.called(record.depends_on.get(above.name, "-")), self._named(above)
            # Used from here on, so that nobody deletes it meanwhile.
            apart = self._differences.of_stored(above, before, now) if in_use(before) else None
            if apart is None or (apart and not model.by_repository):
                return None
            changed |= apart
        return changed

    def _is_less(self, model: Model, changed: Repositories) -> bool:
        if not model.by_repository or "repository" not in model.columns or model.computation is not None:
            return False
        if self._weight <= _BATCH_ROWS:
            return True
        self.bind_raw(changed, self._policy.weighed)
        return sum(rows for _, rows in rows_by_repository(self._engine, self._policy.weighed)) <= _BATCH_ROWS


def _digest(state: object) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:20]


def _within_of(model: Model, within: Within) -> Within:
    """The part of a stored table that a step which works on the repositories of ``within`` reads."""
    if model.looked_up is not None or "repository" not in model.columns:
        return EVERYTHING
    return within_columns(within, model.columns)


def batches(sizes: Sequence[tuple[str, int]], most: int) -> list[Within]:
    """Consecutive ranges of the repositories of ``sizes`` (by name, with their rows), each of at most ``most`` rows
    unless one repository alone has more."""
    bounds: list[str] = []
    filled = 0
    for repository, rows in sizes:
        if filled and filled + rows > most:
            bounds.append(repository)
            filled = 0
        filled += rows
    return list(zip([None, *bounds], [*bounds, None], strict=True))


def _no_rows(model: Model) -> Table:
    import ibis

    nothing = ibis.range(0).unnest().name("nothing").as_table()
    return nothing.select(**{name: ibis.null(kind) for name, kind in model.columns.items()})


def compiled_step(model: Model, expression: Table) -> str:
    """The query of a stored table, built as ``expression``, as SQL text with the declared columns."""
    from leadline.engine.functions import to_bigint

    columns = {
        name: to_bigint(expression[name]) if kind == "int64" else expression[name]
        for name, kind in model.columns.items()
    }
    return compiled(expression.select(**columns))
