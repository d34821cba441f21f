"""The store of facts: what metrics read of each fact, computed once per state of the data and kept as Parquet.

The versions a run is pinned to and the profile come in; stored tables bound in an engine go out. A folder's name is a
digest of all that its rows were computed from, so it is never stale; several processes asking at once compute it once.
It appears whole or not at all: what a killed process leaves is never read. Rows of a former state are kept where nothing
they follow from has changed (``former``).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from leadline.atomic_file import make_durable
from leadline.engine import EVERYTHING, Within, compiled
from leadline.materialize.compiled import CompiledQueryCache, code_digest
from leadline.materialize.incremental import NONE, BuildRecord, Differences, Repositories, kept_rows
from leadline.materialize.model import BuildContext, Model
from leadline.schema import TABLES

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from ibis.expr.types import Table

    from leadline.engine import Engine
    from leadline.lake import Snapshot
    from leadline.settings.profile import Profile

_CODE = ("schema", "settings", "people", "engine", "derive", "facts")
"""The packages that the rows of stored tables follow from: a new release computes them anew."""
_STATE = "state-"
"""How the folders begin that steps keep between computations."""
_KEPT_STATES = 4
_KEPT_SECONDS = 6 * 3600

_BATCH_ROWS = 4_200_000
"""Rows of ``_WEIGHED`` that are worked on at a time: what fits in the engine's memory without spilling."""
_WEIGHED = ("commits", "commit_files", "pull_requests", "pull_request_commits")

_TRIED_STATES = 2
"""Former states that are compared with the present one before it is computed from nothing."""


class MaterializationStore:
    """The stored tables of one project at one state of its data.

    ``people`` names the state of the developers (the versions of the org trees). ``bind_raw`` binds the raw tables, within
    a range of repositories, and the people in ``engine``; ``before_each`` hears of each step that must be computed.
    ``lock`` is the project's lock across processes. ``queries`` keeps the texts of queries beside the facts.
    """

    def __init__(
        self,
        folder: Path,
        engine: Engine,
        *,
        snapshot: Callable[[Mapping[str, int]], Snapshot],
        versions: Mapping[str, int],
        people: Mapping[str, int],
        bind_people: Callable[[], None],
        profile: Profile,
        lock: Callable[[str], AbstractContextManager[None]],
        before_each: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self.queries = CompiledQueryCache(folder.with_name("queries"))
        self._folder = folder
        self._engine = engine
        self._open_snapshot = snapshot
        self._versions = versions
        self._people = people
        self._bind_people = bind_people
        self._profile = profile
        self._lock = lock
        self._before_each = before_each
        self._raw_within: dict[str, Within] = {}
        self._differences = Differences(engine, snapshot)
        self._fingerprints: dict[Model, str] = {}

    @cached_property
    def _snapshot(self) -> Snapshot:
        return self._open_snapshot(self._versions)

    def bind(self, tables: Iterable[Model], within: Within = EVERYTHING) -> None:
        """Make each stored table queryable in the engine, computing what is not there yet; ``within`` keeps those that
        are read by repository to a range of them."""
        # All are there before any is bound: computing one binds those it needs anew, some repositories at a time.
        folders = [(stored, self._ready(stored)) for stored in list(tables)]
        for stored, folder in folders:
            files = sorted(folder.glob("*.parquet"))
            self._engine.bind_parquet(stored.bound_name, files, within=_within_of(stored, within))

    def _ready(self, stored: Model) -> Path:
        """The folder of a stored table, computed if it is not there yet."""
        folder = self._named(stored)
        if not _touched(folder):
            with self._lock(f"facts:{folder.name}"):
                if not _touched(folder):
                    self._compute(stored, folder)
        return folder

    def _named(self, stored: Model) -> Path:
        """Where a stored table is at this state of the data, or will be."""
        return self._folder / f"{stored.name}-{self.fingerprint(stored)}"

    def bind_raw(self, within: Within = EVERYTHING, tables: Iterable[str] = TABLES) -> None:
        """Make the raw ``tables`` (those with repositories: of the range ``within``) and the people queryable."""
        if not self._raw_within:
            self._bind_people()
            self._bind_tables(TABLES, EVERYTHING)
        self._bind_tables([name for name in tables if self._raw_within[name] != within], within)

    def _bind_tables(self, tables: Iterable[str], within: Within) -> None:
        self._engine.bind_snapshot(self._snapshot, tables, within=within)
        self._raw_within.update(dict.fromkeys(tables, within))

    def _compute(self, stored: Model, folder: Path) -> None:
        self.bind(stored.needs)
        unfinished = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
        unfinished.mkdir(parents=True)
        former, changed = self._former(stored) or (None, NONE)
        try:
            if former is not None and not changed:
                for file in sorted(former.glob("*.parquet")):
                    _share(file, unfinished / file.name)
            elif stored.compute is not None:
                self._work(stored, stored.compute, unfinished)
            elif former is not None:
                self._engine.copy(
                    kept_rows(stored, former, changed), unfinished / "kept.parquet", "parquet", compression="snappy"
                )
                self._query(stored, unfinished, [changed])
            else:
                self._query(stored, unfinished, self._batches if stored.by_repository else [EVERYTHING])
            name = None if former is None else former.name
            self._record(stored, name, tuple(sorted(changed))).write(unfinished)
            unfinished.rename(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        self._forget(stored.name)

    def _record(self, stored: Model, former: str | None = None, changed: tuple[str, ...] = ()) -> BuildRecord:
        """What a stored table is computed from now."""
        return BuildRecord(
            self._base(stored),
            {table: self._versions.get(table) for table in stored.reads},
            {each.name: self._named(each).name for each in stored.needs},
            former,
            changed,
        )

    def _former(self, stored: Model) -> tuple[Path, Repositories] | None:
        """A folder of another state whose rows still hold, but for those of the repositories that go with it."""
        base = self._base(stored)
        for folder in self._states(stored.name)[:_TRIED_STATES]:
            record = BuildRecord.of(folder)
            if record is None or record.base != base or not _touched(folder):
                continue
            changed = self._changed(stored, record)
            if changed is None or (changed and not self._is_less(stored, changed)):
                continue
            return folder, changed
        return None

    def _changed(self, stored: Model, record: BuildRecord) -> Repositories | None:
        """The repositories of which a stored table may have other rows than a folder with ``record``; None: any."""
        found = NONE
        self.bind_raw()
        for table in stored.reads:
            apart = self._differences.of_table(table, record.tables.get(table), self._versions.get(table))
            if apart is None or (apart and not stored.by_repository):
                return None
            found |= apart
        for need in stored.needs:
            before, now = self._folder / record.needs.get(need.name, "-"), self._named(need)
            # Used from here on, so that nobody deletes it meanwhile.
            apart = self._differences.of_stored(need, before, now) if _touched(before) else None
            if apart is None or (apart and not stored.by_repository):
                return None
            found |= apart
        return found

    def _is_less(self, stored: Model, changed: Repositories) -> bool:
        """Whether the repositories ``changed`` are few enough to be worked on at once."""
        if not stored.by_repository or "repository" not in stored.columns or stored.compute is not None:
            return False
        counts = self._snapshot.row_counts()
        if sum(counts.get(name, 0) for name in _WEIGHED) <= _BATCH_ROWS:
            return True
        self.bind_raw(changed, _WEIGHED)
        each = " + ".join(f"(SELECT count(*) FROM {name})" for name in _WEIGHED)
        ((rows,),) = self._engine.execute(f"SELECT {each}")
        return int(rows) <= _BATCH_ROWS

    def _query(self, stored: Model, folder: Path, parts: Sequence[Within]) -> None:
        """Write the rows of a step that is a query, a file for each of the ``parts`` that are worked on one by one."""
        state = [self._texts(stored), dict(stored.columns)]
        text = self.queries.text(stored.name, state, lambda: compiled_step(stored, self._profile))
        for number, within in enumerate(parts):
            self._before_each(stored.name)
            self.bind_raw(within, stored.reads)
            self.bind(stored.needs, within)
            # A cache: written and read sooner is worth more than smaller.
            self._engine.copy(text, folder / f"{number:05}.parquet", "parquet", compression="snappy")

    def _work(self, stored: Model, compute: Callable[[BuildContext], None], folder: Path) -> None:
        """Have a step that is no query write its rows."""
        self._before_each(stored.name)
        self.bind_raw()
        self.bind(stored.needs)
        state = self._folder / f"{_STATE}{stored.state or stored.name}"
        # Always taken after the lock of a state of the data, and nothing else is taken under it: no deadlock.
        with self._lock(f"facts:{state.name}"):
            state.mkdir(exist_ok=True)
            compute(BuildContext(self._engine, self._profile, self._snapshot, folder, state))
        files = list(folder.glob("*.parquet"))
        for file in files:
            make_durable(file)
        if not files:
            self._engine.copy(_no_rows(stored), folder / "00000.parquet", "parquet")

    @cached_property
    def _batches(self) -> list[Within]:
        """Ranges of repositories that together are all, each of about ``_BATCH_ROWS`` rows."""
        counts = self._snapshot.row_counts()
        if sum(counts.get(name, 0) for name in _WEIGHED) <= _BATCH_ROWS:
            return [EVERYTHING]
        self.bind_raw(EVERYTHING, _WEIGHED)
        each = " UNION ALL ".join(f"SELECT repository, count(*) AS n FROM {name} GROUP BY 1" for name in _WEIGHED)
        sizes = self._engine.execute(f"SELECT repository, sum(n) FROM ({each}) GROUP BY 1 ORDER BY 1")
        return batches([(repository, int(rows)) for repository, rows in sizes], _BATCH_ROWS)

    def _forget(self, name: str) -> None:
        """Delete former states that nobody has used for hours, and what killed processes left unfinished."""
        old = time.time() - _KEPT_SECONDS
        for folder in [*self._states(name)[_KEPT_STATES:], *self._folder.glob(f".{name}-*")]:
            with suppress(FileNotFoundError):  # finished, or deleted by somebody else, at this moment
                if folder.stat().st_mtime < old:
                    shutil.rmtree(folder, ignore_errors=True)

    def _states(self, name: str) -> list[Path]:
        """The folders of a stored table, the last used first."""
        found = []
        for folder in self._folder.glob(f"{name}-*"):
            with suppress(FileNotFoundError):  # deleted at this moment
                found.append((folder.stat().st_mtime, folder))
        return [folder for _, folder in sorted(found, reverse=True)]

    def _texts(self, stored: Model) -> dict[str, str]:
        """The profile's texts that a stored table follows from: its settings and the team rules it reads."""
        settings = {key: self._profile.texts[key] for key in stored.settings}
        return {**settings, **self._profile.rule_texts(*stored.rules)}

    def fingerprint(self, stored: Model) -> str:
        """A digest of all that a stored table follows from."""
        if (known := self._fingerprints.get(stored)) is None:
            state = {
                "base": self._base(stored),
                "tables": {table: self._versions.get(table) for table in stored.reads},
                "needs": [self.fingerprint(each) for each in stored.needs],
            }
            known = self._fingerprints[stored] = _digest(state)
        return known

    def _base(self, stored: Model) -> str:
        """A digest of what a stored table follows from beside the lake's and other stored tables."""
        state = {
            "code": code_digest(_CODE),
            "people": dict(self._people) if stored.people else None,
            "settings": self._texts(stored),
        }
        return _digest(state)


def _digest(state: object) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:20]


def _within_of(stored: Model, within: Within) -> Within:
    """The part of a stored table that a step which works on the repositories of ``within`` reads."""
    return EVERYTHING if stored.whole or "repository" not in stored.columns else within


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


def _touched(folder: Path) -> bool:
    """Whether ``folder`` exists; its time says that it is in use."""
    try:
        os.utime(folder)
    except FileNotFoundError:
        return False
    return True


def _share(file: Path, target: Path) -> None:
    """Put ``file`` at ``target``, too; it takes no room twice where the disk can share it."""
    try:
        os.link(file, target)
    except OSError:
        shutil.copyfile(file, target)


def _no_rows(stored: Model) -> Table:
    """An empty table with the declared columns."""
    import ibis

    nothing = ibis.range(0).unnest().name("nothing").as_table()
    return nothing.select(**{name: ibis.null(kind) for name, kind in stored.columns.items()})


def compiled_step(stored: Model, profile: Profile) -> str:
    """The query of a stored table as SQL text."""
    from leadline.engine.functions import to_bigint

    if stored.expression is None:
        raise AssertionError(f"{stored.name} has neither an expression nor a computation")
    query = stored.expression(profile)
    columns = {
        name: to_bigint(query[name]) if kind == "int64" else query[name] for name, kind in stored.columns.items()
    }
    return compiled(query.select(**columns))
