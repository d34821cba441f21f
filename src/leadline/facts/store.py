"""The store of facts: what metrics read of each fact, computed once per state of the data and kept as Parquet.

The versions a run is pinned to and the profile come in; paths of finished Parquet files go out. A file's name is a
digest of all that it was computed from, so it is never stale; several processes asking at once compute it once.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from ibis.expr.types import Table

    from leadline.engine import Engine
    from leadline.settings.profile import Profile

ACCOUNTS = "accounts"
"""The derived accounts, which every fact needs; bound under the name that ``derive.accounts`` gives them."""

_KEPT_FILES = 4
_KEPT_SECONDS = 6 * 3600


@dataclass(frozen=True)
class Stored:
    """One stored table: ``reads`` are the lake's tables, ``needs`` the stored tables and ``settings`` the profile keys
    that it follows from, ``columns`` what it has."""

    name: str
    reads: tuple[str, ...]
    needs: tuple[str, ...]
    settings: tuple[str, ...]
    columns: Mapping[str, str]
    expression: Callable[[Profile], Table]

    @property
    def bound_name(self) -> str:
        """The name under which its rows are bound in an engine."""
        return self.name if self.name == ACCOUNTS else f"stored_{self.name}"

    def table(self) -> Table:
        """Its rows as an unbound table."""
        import ibis

        return ibis.table(dict(self.columns), name=self.bound_name)


def _accounts(profile: Profile) -> Table:
    from leadline.derive.accounts import accounts

    return accounts(bots=profile["bots"])


def _commits(_profile: Profile) -> Table:
    from leadline.derive.expressions import epoch_us
    from leadline.facts.commits import commits_fact

    fact = commits_fact()
    counted = fact.filter(fact.credited & fact.developer.notnull() & fact.authored_at.notnull())
    return counted.select("developer", "additions", "deletions", happened_us=epoch_us(counted.authored_at))


def _pull_requests(profile: Profile) -> Table:
    from leadline.derive.expressions import epoch_us
    from leadline.facts.pull_requests import pull_requests_fact

    fact = pull_requests_fact(profile)
    counted = fact.filter(fact.merged_at.notnull() & fact.developer.notnull())
    return counted.select(
        "developer",
        "size",
        "lines",
        "file_lines",
        "refactored",
        "refactored_recent",
        "comments",
        "cycle_us",
        "first_comment_us",
        unlinked=counted.links.isnull(),
        happened_us=epoch_us(counted.merged_at),
    )


def _work_items(profile: Profile) -> Table:
    from leadline.derive.expressions import epoch_us
    from leadline.facts.work_items import work_items_fact

    fact = work_items_fact(profile)
    counted = fact.filter(fact.completed_at.notnull() & fact.developer.notnull())
    return counted.select(
        "developer",
        "complete_us",
        type=counted.type.strip().lower(),
        happened_us=epoch_us(counted.completed_at),
    )


_EVENT = {"developer": "string", "happened_us": "int64"}

STORED: dict[str, Stored] = {
    stored.name: stored
    for stored in (
        Stored(
            ACCOUNTS,
            (
                "commits",
                "pull_requests",
                "pull_request_commits",
                "reviews",
                "comments",
                "work_items",
                "work_item_changes",
                "developers",
                "identities",
            ),
            (),
            ("bots",),
            {
                "domain": "string",
                "source": "string",
                "account": "string",
                "developer": "string",
                "reason": "string",
                "bot": "boolean",
            },
            _accounts,
        ),
        Stored(
            "commits",
            ("commits", "commit_files", "pull_requests", "pull_request_commits"),
            (ACCOUNTS,),
            (),
            {**_EVENT, "additions": "int64", "deletions": "int64"},
            _commits,
        ),
        Stored(
            "pull_requests",
            (
                "pull_requests",
                "pull_request_commits",
                "pull_request_files",
                "reviews",
                "comments",
                "commits",
                "commit_files",
                "work_items",
            ),
            (ACCOUNTS,),
            ("pr_size.small", "pr_size.medium", "rework.window_days", "rework.method"),
            {
                **_EVENT,
                "size": "string",
                "lines": "int64",
                "file_lines": "int64",
                "refactored": "int64",
                "refactored_recent": "int64",
                "comments": "int64",
                "cycle_us": "int64",
                "first_comment_us": "int64",
                "unlinked": "boolean",
            },
            _pull_requests,
        ),
        Stored(
            "work_items",
            ("work_items", "work_item_changes"),
            (ACCOUNTS,),
            ("work_items.complete_from",),
            {**_EVENT, "type": "string", "complete_us": "int64"},
            _work_items,
        ),
    )
}


class FactStore:
    """The stored tables of one project at one state of its data.

    ``people`` names the state of the developers (the versions of the org trees). ``before_compute`` binds the raw tables
    and the people in ``engine``, once and only if a stored table must be computed; ``before_each`` hears of each that
    must. ``lock`` is the project's lock across processes.
    """

    def __init__(
        self,
        folder: Path,
        engine: Engine,
        *,
        versions: Mapping[str, int],
        people: Mapping[str, int],
        profile: Profile,
        lock: Callable[[str], AbstractContextManager[None]],
        before_compute: Callable[[], None],
        before_each: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._folder = folder
        self._engine = engine
        self._versions = versions
        self._people = people
        self._profile = profile
        self._lock = lock
        self._before_compute = before_compute
        self._before_each = before_each
        self._raw_bound = False

    def bind(self, names: Iterable[str]) -> None:
        """Make each stored table queryable in the engine, computing what is not there yet."""
        for name in names:
            self._engine.bind_parquet(STORED[name].bound_name, [self._file(name)], None)

    def bind_raw(self) -> None:
        """Make the raw tables and the people queryable in the engine."""
        if not self._raw_bound:
            self._before_compute()
            self._raw_bound = True

    def _file(self, name: str) -> Path:
        path = self._folder / f"{name}-{self.fingerprint(name)}.parquet"
        if not self._fresh(path):
            with self._lock(f"facts:{path.name}"):
                if not self._fresh(path):
                    self._compute(name, path)
        return path

    def _compute(self, name: str, path: Path) -> None:
        stored = STORED[name]
        from leadline.derive.expressions import to_bigint

        self.bind_raw()
        self.bind(stored.needs)
        self._before_each(name)
        query = stored.expression(self._profile)
        columns = {
            name: to_bigint(query[name]) if kind == "int64" else query[name] for name, kind in stored.columns.items()
        }
        self._engine.copy(query.select(**columns), path, "parquet")
        self._forget(name)

    @staticmethod
    def _fresh(path: Path) -> bool:
        try:
            os.utime(path)
        except FileNotFoundError:
            return False
        return True

    def _forget(self, name: str) -> None:
        """Delete files of former states that nobody has used for hours."""
        files = sorted(self._folder.glob(f"{name}-*.parquet"), key=lambda file: file.stat().st_mtime, reverse=True)
        for file in files[_KEPT_FILES:]:
            if time.time() - file.stat().st_mtime > _KEPT_SECONDS:
                file.unlink(missing_ok=True)

    def fingerprint(self, name: str) -> str:
        """A digest of all that the stored table ``name`` follows from."""
        stored = STORED[name]
        state = {
            "code": _code_digest(),
            "tables": {table: self._versions.get(table) for table in stored.reads},
            "needs": [self.fingerprint(each) for each in stored.needs],
            "people": dict(self._people) if name == ACCOUNTS else None,
            "settings": {key: self._profile.texts[key] for key in stored.settings},
        }
        return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:20]


@cache
def _code_digest() -> str:
    """A digest of the code that the stored tables follow from: a new release computes them anew."""
    import duckdb

    digest = hashlib.sha256(duckdb.__version__.encode())
    package = Path(__file__).parent.parent
    for folder in ("schema", "derive", "facts"):
        for file in sorted((package / folder).glob("*.py")):
            digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()
