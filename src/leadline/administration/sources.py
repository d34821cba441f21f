"""The sources of a project as they are shown, tried, run and removed by those who run it, wherever they are. No secret is ever
shown, only where it lies."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from pydantic import Field

from leadline.administration.remote_sources import in_members
from leadline.db import sources
from leadline.db.sources import SourceRow
from leadline.diagnostics.status import SourceStatus, source_state
from leadline.errors import Conflict, LeadlineError, StoreError
from leadline.home import Project
from leadline.json_body import Body, Instant
from leadline.sources.kit.intervals import interval_text
from leadline.sources.kit.kinds import KINDS
from leadline.sources.kit.settings import SourceSettings
from leadline.sync import configured
from leadline.sync.configured import ConfiguredSource

PATIENCE_SECONDS = 15.0
"""How long a try waits for a tool that is in trouble, while somebody waits for the answer."""


class SourceShown(SourceStatus):
    """A source: what it reads, how often, where its secrets lie, and what became of its last run."""

    id: int
    targets: list[str]
    url: str | None
    options: dict[str, list[str]]
    token: str | None = Field(description="Where its token lies; null for a kind that has none.")
    webhook_secret: str | None = Field(description="Where the secret of its webhooks lies; null where it takes none.")
    every: str = Field(description="How often it is run; `off`: only when somebody asks.")
    created_at: Instant


class HiddenThing(Body):
    """What a connection may not see, and why."""

    what: str
    why: str


class ConnectionShown(Body):
    """How a try of a connection went, and what it sees. Nothing is read."""

    works: bool
    error: str | None = Field(default=None, description="Why it does not work.")
    server: str | None = None
    owner: str | None = Field(default=None, description="Whose things they are.")
    noun: str | None = Field(default=None, description="What the things are.")
    seen: list[str] = Field(default=[], description="The things that can be read.")
    hidden: list[HiddenThing] = Field(default=[], description="What cannot, and why.")


def listed(project: Project, now: datetime) -> list[SourceShown]:
    """Every source by name, also those that were read once without being added."""
    return [shown(project, row, now) for row in sources.listed(project.db, project.id)]


def one(project: Project, number: int, now: datetime) -> SourceShown:
    """The source of that id. Raises ``NotFound``."""
    return shown(project, sources.numbered(project.db, project.id, number), now)


def shown(project: Project, row: SourceRow, now: datetime) -> SourceShown:
    """What is shown of a source. Raises ``StoreError`` for what leadline did not write."""
    stored, state = row.settings, source_state(project, row, now)
    settings = SourceSettings.restored(row.kind, row.name, _USUAL | stored) if row.kind in KINDS else None
    has_token = settings is not None and settings.declared.secret_env
    webhook_secret = settings.webhook_secret if settings is not None else None
    return SourceShown(
        **{name: getattr(state, name) for name in SourceStatus.model_fields} | _said(state),
        id=row.id,
        targets=stored.get("targets", []),
        url=stored.get("url"),
        options=stored.get("options", {}),
        token=settings.secret_place.text if settings is not None and has_token else None,
        webhook_secret=None if webhook_secret is None else webhook_secret.text,
        every=interval_text(stored.get("every", 0)),
        created_at=row.created_at,
    )


def _said(state: SourceStatus) -> dict[str, Any]:
    """What a run said, in the words of who asks here."""
    kind = KINDS.get(state.kind)
    reasons = {
        name: [part | {"why": in_members(str(part.get("why", "")), kind)} for part in getattr(state, name)]
        for name in ("skipped", "failed")
    }
    return {**reasons, "error": None if state.error is None else in_members(state.error, kind)}


_USUAL: dict[str, Any] = {"targets": (), "every": 0}
"""Of settings that a source may lack which was not added."""


def ask_to_run(project: Project, number: int, now: datetime) -> SourceShown:
    """Have a source run by whoever serves the home, as soon as may be; one that is at work goes on. Raises ``NotFound``, and
    ``Conflict`` for one that was only read once."""
    configured.ask_to_run(project, _configured(project, number), now)
    return one(project, number, now)


def try_connection(project: Project, number: int, **client: Any) -> ConnectionShown:
    """How the connection of a source works now. Raises ``NotFound``, and ``Conflict`` for one that was only read once."""
    row = _configured(project, number)
    try:
        settings = ConfiguredSource.of(row).settings
        seen = configured.try_connection(project, settings, waiting=_impatient(PATIENCE_SECONDS), **client)
    except LeadlineError as error:
        return ConnectionShown(works=False, error=in_members(error.message, KINDS.get(row.kind)))
    return ConnectionShown(
        works=True,
        server=seen.host,
        owner=seen.owner or None,
        noun=seen.noun,
        seen=list(seen.things),
        hidden=[HiddenThing(what=thing.what, why=in_members(thing.why, KINDS[row.kind])) for thing in seen.hidden],
    )


def remove(project: Project, number: int) -> None:
    """Forget a source; what it brought stays. Raises ``NotFound``."""
    sources.remove(project.db, project.id, sources.numbered(project.db, project.id, number).name)


def _configured(project: Project, number: int) -> SourceRow:
    row = sources.numbered(project.db, project.id, number)
    if not row.configured:
        raise Conflict(f"The source {row.name!r} was read once and never added; add it first", code="source_not_added")
    return row


def _impatient(seconds: float) -> Callable[[float, str], None]:
    """A ``waiting`` that gives up, by a ``StoreError``, what would not be there in so many ``seconds``."""
    deadline = time.monotonic() + seconds

    def waiting(pause: float, why: str) -> None:
        if time.monotonic() + pause > deadline:
            raise StoreError(f"{why}; a run would wait longer")

    return waiting
