"""What of a project's state follows from its data, trees and settings alone. It is kept beside the computed facts: asked again of
the same, nothing is computed, and no engine is even loaded."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from leadline import __version__
from leadline.atomic_file import whole_file
from leadline.db import settings, sources
from leadline.diagnostics.attribution import AttributionStatus, attribution
from leadline.diagnostics.tables import TableStatus, table_states
from leadline.errors import StoreError
from leadline.json_body import Body
from leadline.people.history import today
from leadline.people.lookup import trees

if TYPE_CHECKING:
    from leadline.facts.account_activity import Account
    from leadline.home import Project
    from leadline.lake import Lake, Snapshot

T = TypeVar("T")

_NO_SUCH = (OSError, ValueError, LookupError, TypeError, AttributeError, ValidationError)
"""What reading a kept state ends in that is damaged or another version's."""

TOP_UNMATCHED = 10


class Unreadable(Body):
    """A part of the state that could not be read."""

    error: str


class AccountStatus(Body):
    """An account whose activity counts for nobody."""

    domain: str
    source: str
    account: str
    total: int


class UnmatchedStatus(Body):
    """How many accounts count for nobody, and those with the most activity."""

    accounts: int
    top: list[AccountStatus]


class OfData(Body):
    """Rows by table, accounts and activity that are nobody's, and what is odd. Parts that cannot be read are ``Unreadable``."""

    tables: list[TableStatus] | Unreadable
    unmatched: UnmatchedStatus | Unreadable
    attribution: list[AttributionStatus] | Unreadable
    oddities: list[str] | Unreadable

    @property
    def is_whole(self) -> bool:
        """Whether every part could be read."""
        return not any(isinstance(part, Unreadable) for part in vars(self).values())


def readable(project: Project, read: Callable[[Project], T]) -> T | Unreadable:
    """What ``read`` finds, or why it cannot be read."""
    try:
        return read(project)
    except StoreError as error:
        return Unreadable(error=error.message)


def of_data(project: Project) -> OfData:
    """What follows from the data of ``project`` as they are now; read again if nothing changed since it was last asked for."""
    project = project.settled()
    try:
        versions = project.lake.versions()
        digest = _digest(project, versions)
        if (known := _kept(project, digest)) is not None:
            return known
        files = _files(project.lake, project.lake.snapshot(versions))
    except StoreError:  # each part says why
        return _computed(project)
    found = _computed(project)
    if found.is_whole:
        _keep(project, digest, files, found)
    return found


def state_digest(project: Project) -> object:
    """What the state of the data follows from, cheap to find: equal as long as that would come out the same. Raises
    ``StoreError``."""
    return _follows_from(project, project.lake.versions())


def _follows_from(project: Project, versions: Mapping[str, int]) -> object:
    known = tuple((summary.name, summary.version) for summary in trees(project))
    configured = tuple(row.name for row in sources.listed(project.db, project.id) if row.configured)
    return tuple(sorted(versions.items())), known, configured, tuple(sorted(project.profile().texts.items()))


def _digest(project: Project, versions: Mapping[str, int]) -> str:
    names = [summary.name for summary in trees(project)]
    # Of trees with dates another may be in force tomorrow; settings of a tree may be odd, too.
    days = [today(project, name).isoformat() for name in names]
    own = [settings.stored(project.db, project.id, name) for name in names]
    said = __version__, _follows_from(project, versions), days, own
    return hashlib.sha256(repr(said).encode()).hexdigest()


def _files(lake: Lake, snapshot: Snapshot) -> dict[str, list[float]]:
    """What the data are read from, logs and files, by path below the lake, each with its size (bytes) and time (s): one that was
    damaged since is read again, and that is seen without the library that reads logs; none where nothing is damaged. Raises
    ``StoreError``."""
    if lake.storage.guarded:
        return {}
    logs = [file for name, version in snapshot.versions.items() for file in lake.log_files(name, version)]
    data = [f"{name}/{file.path.name}" for name in snapshot.versions for file in snapshot.data_files(name)]
    try:
        return {name: _now(lake, name) for name in (*logs, *data)}
    except OSError as error:
        raise StoreError(f"A file of the lake cannot be read: {error}") from error


def _now(lake: Lake, name: str) -> list[float]:
    found = lake.storage.stored(name)
    return [found.size, found.modified]


def _computed(project: Project) -> OfData:
    from leadline.diagnostics.data_quality import oddities
    from leadline.facts.account_activity import accounts

    tables, odd = readable(project, table_states), readable(project, oddities)
    activity = readable(project, accounts)
    if isinstance(activity, Unreadable):
        return OfData(tables=tables, unmatched=activity, attribution=activity, oddities=odd)
    of_nobody = readable(project, lambda of: attribution(of, activity))
    return OfData(tables=tables, unmatched=_unmatched(activity), attribution=of_nobody, oddities=odd)


def _unmatched(accounts: Sequence[Account]) -> UnmatchedStatus:
    unmatched = [account for account in accounts if account.unmatched]
    return UnmatchedStatus(
        accounts=len(unmatched),
        top=[
            AccountStatus(domain=account.domain, source=account.source, account=account.account, total=account.total)
            for account in unmatched[:TOP_UNMATCHED]
        ],
    )


def _file(project: Project) -> Path:
    return project.computed.with_name("state.json")


def _kept(project: Project, digest: str) -> OfData | None:
    try:
        document: dict[str, Any] = json.loads(_file(project).read_bytes())
        files = document["files"].items()
        same = document["digest"] == digest and all(_now(project.lake, name) == was for name, was in files)
        return OfData.model_validate(document["state"]) if same else None
    except _NO_SUCH:  # nothing is lost: it is computed
        return None


def _keep(project: Project, digest: str, files: Mapping[str, list[float]], found: OfData) -> None:
    """Keep it, if that can be: whatever hinders it hinders nobody who asks."""
    file = _file(project)
    text = json.dumps({"digest": digest, "files": files, "state": found.model_dump(mode="json")})
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(file, durable=False) as path:
            path.write_text(text)
