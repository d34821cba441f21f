"""The store of computed tables: what metrics read, computed once per state of the data and kept as Parquet.

A folder's name is a digest of all that its rows were computed from, so it is never stale; several processes asking at once
compute it once. It appears whole or not at all: what a killed process leaves is never read. Rows of an earlier state are
kept where nothing they follow from has changed (``incremental``).
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from leadline.engine import EVERYTHING, Within
from leadline.engine.repositories import rows_by_repository
from leadline.errors import LockLost
from leadline.materialize.compiled import CompiledQueryCache
from leadline.materialize.dependencies import PEOPLE, AskedProfile, Dependencies, Lineages
from leadline.materialize.earlier_states import EarlierStates
from leadline.materialize.fingerprints import Fingerprints
from leadline.materialize.folders import Folders, delete, in_use, put_together, share
from leadline.materialize.incremental import NONE, BuildRecord, Differences, Repositories, kept_rows
from leadline.materialize.model import BeforeComputing, BuildContext, BuildPolicy, Computation, Model, only_model
from leadline.materialize.ranges import Piece, Ranges, Work, model_of
from leadline.materialize.sharing import Sharing, Tables, compute_shared, is_much
from leadline.materialize.steps import DuckSteps, StepInputs, Steps, compiled_step, require_file, rows_of, within_of
from leadline.schema import TABLES

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from leadline.engine import Backend
    from leadline.engine.spellings import Spellings
    from leadline.lake import Snapshot
    from leadline.lease import Lease
    from leadline.materialize.published import PublishedTables
    from leadline.settings.profile import Profile

_log = logging.getLogger("leadline.facts")

_HERE = "leadline"
_TRIES = 3
"""How often a step is begun, if the lock of its state is lost each time."""


class MaterializationStore:
    """The stored tables of one project at one state of its data.

    ``people`` names the state of the developers (all who are in the org trees), ``people_rows`` gives them;
    ``before_each`` hears of each step that must be computed, ``before_computing`` of each table that is not there. ``lock`` and
    ``turn`` are the project's, across processes. ``queries`` keeps the texts of queries beside the facts. ``steps`` compute what is
    a query (None: on ``engine``). ``sharing``: other workers compute with this one (None: nobody does). ``published``: tables of
    other machines (None: they lie in this folder).
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
        people_rows: Callable[[], pa.Table],
        profile: Profile,
        lock: Callable[[str], AbstractContextManager[Lease]],
        turn: Callable[[str], AbstractContextManager[None]],
        before_each: Callable[[str], None] = lambda _name: None,
        before_computing: BeforeComputing = lambda _name, _rows: None,
        steps: Steps | None = None,
        sharing: Sharing | None = None,
        published: PublishedTables | None = None,
    ) -> None:
        self.queries = queries
        self._folders = Folders(folder)
        self._names_folder = folder.with_name("names")
        self._engine = engine
        self._policy = policy
        self._open_snapshot = snapshot
        self._versions = versions
        self._people = people
        self._people_rows = people_rows
        self._profile = profile
        self._lock = lock
        self._turn = turn
        self._before_each = before_each
        self._before_computing = before_computing
        self._steps = steps or DuckSteps(engine)
        self._sharing = sharing
        self._published = published
        self._raw_within: dict[str, Within] = {}
        self._asked: dict[Model, Within] = {}
        self._asked_raw: dict[str, Within] = {}
        self._pieces_of: dict[Model, Sequence[Piece]] = {}
        self._is_disturbed = False
        self._lineages = Lineages(self.queries, profile)
        self._ranges = Ranges(engine.limits, lambda: self._rows_of(policy.weighed), self._sizes)
        self._fingerprints = Fingerprints(versions, people, policy.code, lambda: self.spellings)
        self._earlier = EarlierStates(
            self._folders,
            Differences(engine, snapshot),
            self._fingerprints,
            versions,
            named=self._named,
            spellings=lambda: self.spellings,
            is_little=self._is_little,
            others=self._others,
        )

    @cached_property
    def _snapshot(self) -> Snapshot:
        return self._open_snapshot(self._versions)

    @cached_property
    def spellings(self) -> Spellings:
        """What is read instead of what rows of the lake have."""
        return self._policy.spellings(self._engine, lambda: self._snapshot, self._versions, self._names_folder)

    def interrupt(self) -> None:
        """Stop what is computed elsewhere than in the engine, for good, from any thread."""
        self._steps.interrupt()

    # -- binding -------------------------------------------------------------------------------------------------------

    @property
    def sources(self) -> frozenset[str]:
        """The lake's tables that the stored tables bound so far follow from in the end."""
        return frozenset[str]().union(*(self._lineages.lineage(model).all_sources() for model in self._asked))

    def bind(self, models: Iterable[Model], within: Within = EVERYTHING) -> None:
        """Make each stored table queryable in the engine, computing what is not there yet; ``within`` keeps those that
        are read by repository to a range of them. What was bound before stays as it is."""
        models = list(models)
        self.share_out(models)
        self._bind(models, within)
        if self._is_disturbed:
            self._restore()
        self._asked.update(dict.fromkeys(models, within))

    def share_out(self, models: Sequence[Model]) -> None:
        """Have those of ``models`` that are not there computed by all who share the work, if there is much of it."""
        if self._sharing is not None:
            compute_shared(models, self._shared_tables, self._sharing)

    def help_with(self, names: Sequence[str]) -> None:
        """Compute what is not there of the folders ``names``, as far as nobody else does and it is of this state of the data."""
        models = [model for name in names if (model := only_model(name.rpartition("-")[0])) is not None]
        self.share_out([model for model in models if self._named(model).name in names])

    @cached_property
    def _shared_tables(self) -> Tables:
        return Tables(
            depends_on=lambda model: self._lineages.dependencies(model).depends_on,
            rows=lambda model: self._rows_of(self._lineages.dependencies(model).sources),
            pieces=self._pieces,
            there=lambda work: any(self._is_there(each, newest=False) for each in {model_of(work), work}),
            folder=self._named,
            compute=self._compute_missing,
        )

    def bind_raw(self, within: Within = EVERYTHING, tables: Iterable[str] = TABLES) -> None:
        """Make the raw ``tables`` (those with repositories: of the range ``within``) and the people queryable."""
        tables = list(tables)
        self._bind_raw(within, tables)
        self._asked_raw.update(dict.fromkeys(tables, within))

    def _bind(self, models: Iterable[Model], within: Within = EVERYTHING) -> None:
        # All are there before any is bound: computing one binds those it depends on anew, some repositories at a time.
        folders = [(model, self._ready(model)) for model in list(models)]
        for model, folder in folders:
            self._engine.bind_files(model.bound_name, sorted(folder.glob("*.parquet")), within=within_of(model, within))

    def _restore(self) -> None:
        """Bind what was asked for as it was asked for, after steps were computed, which bind what they read."""
        for model, within in self._asked.items():
            self._bind([model], within)
        for table, within in self._asked_raw.items():
            self._bind_raw(within, [table])
        self._is_disturbed = False

    def _bind_raw(self, within: Within = EVERYTHING, tables: Iterable[str] = TABLES) -> None:
        if not self._raw_within:
            self._engine.bind_arrow(PEOPLE, self._people_rows())
            self._bind_tables(TABLES, EVERYTHING)
        self._bind_tables([name for name in tables if self._raw_within[name] != within], within)

    def _bind_tables(self, tables: Iterable[str], within: Within) -> None:
        self._engine.bind_snapshot(self._snapshot, tables, within=within, spellings=self.spellings)
        self._raw_within.update(dict.fromkeys(tables, within))

    # -- which folder --------------------------------------------------------------------------------------------------

    def fingerprint(self, model: Model) -> str:
        """A digest of all that a stored table follows from."""
        return self._fingerprints.of(self._lineages.lineage(model))

    def _named(self, work: Work) -> Path:
        return self._folders.named(work.name, self.fingerprint(model_of(work)))

    def _ready(self, model: Model) -> Path:
        folder = self._named(model)
        if not in_use(folder):
            # A folder's rows follow from its name and it appears whole, so that nothing but work is lost by computing it twice.
            with self._turn(f"facts:{folder.name}"):
                self._compute_missing(model)
        return folder

    def _is_there(self, work: Work, *, newest: bool) -> bool:
        """Whether a table, or a piece of it, is on this machine, or was brought from another that has published it."""
        folder, others = self._named(work), self._others(model_of(work))
        if in_use(folder) or others is None:
            return in_use(folder)
        # Who helps with a piece does not put the table together.
        is_seen = isinstance(work, Piece) and self._sharing is not None and self._sharing.helps
        return others.has(folder.name, newest=newest) if is_seen else others.bring(folder, newest=newest)

    def _others(self, model: Model) -> PublishedTables | None:
        """The tables of other machines, if this one follows from so many rows that it is not sooner computed than sent."""
        much = self._published is not None and is_much(self._rows_of(self._lineages.lineage(model).all_sources()))
        return self._published if much else None

    def _compute_missing(self, work: Work) -> None:
        if not self._is_there(work, newest=True):
            folder = self._named(work)
            self._compute(work, folder)
            if (others := self._others(model_of(work))) is not None:
                others.publish(folder, self._files_of_pieces(work))
            for piece in self._pieces_of.get(work, ()) if isinstance(work, Model) else ():
                delete(self._named(piece))

    # -- in pieces -----------------------------------------------------------------------------------------------------

    def _pieces(self, model: Model) -> Sequence[Piece]:
        """In which pieces workers share a table, all that it follows from being there; none, if it is little, or if it keeps rows
        of an earlier state."""
        if model not in self._pieces_of:
            follows = self._lineages.dependencies(model)
            apart = model.computation is None and self._steps.in_pieces(self._inputs(model, follows, EVERYTHING))
            pieces = self._ranges.pieces(model) if apart else []
            self._pieces_of[model] = pieces if pieces and self._kept_of(model, follows) is None else ()
        return self._pieces_of[model]

    def _files_of_pieces(self, work: Work) -> dict[str, Path]:
        """The files that a table has if it is put together of its pieces; none, if one of these is not there."""
        folders = [self._named(piece) for piece in self._pieces_of.get(work, ())] if isinstance(work, Model) else []
        files = [file for folder in folders for file in sorted(folder.glob("*.parquet"))]
        return {f"{number:05}.parquet": file for number, file in enumerate(files)} if all(map(in_use, folders)) else {}

    # -- computing -----------------------------------------------------------------------------------------------------

    def _compute(self, work: Work, folder: Path) -> None:
        model, within = model_of(work), work.within if isinstance(work, Piece) else EVERYTHING
        follows = self._lineages.dependencies(model)
        self._bind(follows.depends_on)
        self._before_computing(model.name, lambda: self._rows_read(follows, within))
        previous, changed = (within == EVERYTHING and self._kept_of(model, follows)) or (None, NONE)
        self._is_disturbed = True
        began = time.perf_counter()

        def write(unfinished: Path) -> BuildRecord:
            computed_by, earlier = _HERE, 0.0
            if previous is not None and not changed:
                for file in sorted(previous.glob("*.parquet")):
                    share(file, unfinished / file.name)
            elif model.computation is not None:
                self._run(model, model.computation, follows, unfinished)
            elif previous is not None:
                kept = kept_rows(model, previous, changed)
                self._engine.copy(kept, unfinished / "kept.parquet", "parquet", compression="snappy")
                computed_by = self._query(model, follows, unfinished, changed)
            elif files := self._files_of_pieces(work):
                computed_by, earlier = put_together(files, unfinished)
            else:
                computed_by = self._query(model, follows, unfinished, within)
            require_file(self._engine, model, unfinished)
            record = self._earlier.record(follows, None if previous is None else previous.name, tuple(sorted(changed)))
            seconds = round(earlier + time.perf_counter() - began, 3)
            worker = self._sharing.worker if self._sharing else ""
            return replace(record, computed_by=computed_by, seconds=seconds, worker=worker)

        self._folders.fill(folder, write)
        record = BuildRecord.of(folder)
        by = record.computed_by if record else _HERE
        _log.debug("%s: computed by %s in %.2f s", work.name, by, time.perf_counter() - began)
        self._folders.forget(model.name)

    def _query(self, model: Model, follows: Dependencies, folder: Path, within: Within = EVERYTHING) -> str:
        """Write the rows of a step that is a query; returns who computed them."""
        state = [dict(follows.answers), dict(model.columns)]

        def query(dialect: str) -> str:
            texts = self.queries.in_dialect(dialect)
            return texts.text(
                model.name, state, lambda: compiled_step(model, self._lineages.expression(model), dialect)
            )

        def parts() -> list[Within]:
            return self._ranges.batches(within) if model.by_repository else [within]

        return self._steps.write(model, query, self._inputs(model, follows, within), folder, parts)

    def _inputs(self, model: Model, follows: Dependencies, within: Within) -> StepInputs:
        def bind(part: Within) -> None:
            self._bind_raw(part, follows.sources)
            self._bind(follows.depends_on, part)

        return StepInputs(
            snapshot=self._snapshot,
            sources=follows.sources,
            spellings=self.spellings,
            stored={above: self._named(above) for above in follows.depends_on},
            people=(PEOPLE, self._people_rows) if follows.people else None,
            bind=bind,
            check=lambda: self._before_each(model.name),
            rows=lambda: self._rows_read(follows, within),
            within=within,
        )

    def _rows_of(self, tables: Iterable[str]) -> int:
        counts = self._snapshot.row_counts()
        return sum(counts.get(table, 0) for table in tables)

    def _rows_read(self, follows: Dependencies, within: Within) -> int:
        """How many rows a step reads, at most."""
        rows = self._rows_of(follows.sources)
        rows += sum(rows_of(self._named(above)) for above in follows.depends_on)
        return rows if within == EVERYTHING else min(rows, self._ranges.most_rows)

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
        self._bind_raw(tables=computation.sources)
        self._bind(computation.depends_on)
        profile = AskedProfile(self._profile, frozenset(follows.answers))
        # Always taken after the lock of a state of the data, and nothing else is taken under it: no deadlock.
        shared = computation.state or model.name
        with self._lock(f"facts:state-{shared}") as lease:
            state = self._folders.state(shared, lease)
            snapshot = self._snapshot.of(computation.sources)
            readable = frozenset([*computation.sources, *(above.bound_name for above in computation.depends_on)])
            context = BuildContext(
                self._engine, profile, snapshot, folder, state, readable, follows.answers, self.queries, self.spellings
            )
            try:
                computation.run(context)
            except Exception:
                lease.require()  # who lost the state may find anything there
                raise
        for file in folder.glob("*.parquet"):
            with file.open("rb") as written:
                os.fsync(written.fileno())

    def _kept_of(self, model: Model, follows: Dependencies) -> tuple[Path, Repositories] | None:
        """The folder of an earlier state whose rows are kept, but for those of the repositories that go with it."""
        self._is_disturbed = True
        self._bind_raw()
        return self._earlier.of(model, follows)

    def _is_little(self, changed: Repositories) -> bool:
        """Whether the rows of some repositories are worked on at once."""
        if self._rows_of(self._policy.weighed) <= self._ranges.most_rows:
            return True
        return sum(rows for _, rows in self._sizes(changed)) <= self._ranges.most_rows

    def _sizes(self, within: Within = EVERYTHING) -> list[tuple[str, int]]:
        """The rows that are weighed, by repository."""
        self._is_disturbed = True
        self._bind_raw(within, self._policy.weighed)
        return rows_by_repository(self._engine, self._policy.weighed)
