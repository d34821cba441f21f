"""The state of a project: rows per table, org trees, unmatched accounts, exports, sources, repositories and disk.

Only members whose names say disk, bytes, size or time change while nothing is written.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from leadline.db import cursors, inbox, jobs, outbox, schedules, sources, webhooks
from leadline.db.export_list import ListFilter, listed
from leadline.db.inbox import TableBacklog
from leadline.db.sources import SourceRow
from leadline.diagnostics.attribution import AttributionStatus
from leadline.diagnostics.of_data import UnmatchedStatus, Unreadable, of_data, readable
from leadline.diagnostics.tables import TableStatus
from leadline.errors import StoreError
from leadline.home import Project
from leadline.ingest.pushed import deliver_pushed
from leadline.json_body import Body, Instant
from leadline.sync.timing import is_requested, next_run, run_lock, under_way


class BacklogStatus(Body):
    """Pushed rows of a table that are not in it: since when, and why if they were kept aside."""

    table: str
    rows: int
    oldest: Instant
    reason: str | None = None


class InboxStatus(Body):
    """Pushed rows that are not in the tables. They wait only if they cannot be delivered now (``error``)."""

    error: str | None = None
    waiting: list[BacklogStatus]
    refused: list[BacklogStatus]


class TreeStatus(Body):
    """An org tree at its newest version."""

    org_tree_name: str
    version: int
    teams: int
    developers: int


class NewestExport(Body):
    """The newest completed export of a kind, with the versions that it read."""

    export_id: str
    kind: str
    completed_at: Instant | None
    data_as_of: Instant | None
    rows: int | None
    tables: dict[str, int] | None
    trees: dict[str, int] | None
    definitions: str | None


class ExportsStatus(Body):
    """Exports by state, and the newest completed one of each kind that has any."""

    states: dict[str, int]
    newest_completed: list[NewestExport]


class SourceStatus(Body):
    """A tool that is read, with its last run. A run that was killed is `interrupted`, until the next. `requestedAt`: since when a
    run waits that somebody asked for."""

    name: str
    kind: str
    configured: bool
    state: str
    started_at: Instant | None
    succeeded_at: Instant | None
    lag_time_seconds: int | None
    next_run_at: Instant | None
    requested_at: Instant | None
    rows: dict[str, int]
    skipped_count: int
    skipped: list[dict[str, Any]]
    failed_count: int
    failed: list[dict[str, Any]]
    error: str | None


class ScheduleStatus(Body):
    """A schedule of exports, with what became of its last run."""

    id: str
    name: str
    enabled: bool
    next_run_at: Instant | None
    last_state: str | None
    last_due_at: Instant | None
    late: bool
    error: str | None


class WebhookStatus(Body):
    """An endpoint that is told of events. One that is `paused` is sent nothing until a test of it succeeds."""

    id: str
    state: str
    waiting: int
    paused_at: Instant | None
    error: str | None


class RepositoryStatus(Body):
    """A repository that is read by git."""

    source: str
    repository: str
    synced_at: Instant


class DiskStatus(Body):
    """Bytes of a part of the home."""

    part: str
    bytes: int


class ComputedStatus(Body):
    """How many of the stored tables that are kept ``by`` has computed (DuckDB, a cluster, or leadline itself), and in what time."""

    by: str
    tables: int
    time_seconds: float


class CheckStatus(Body):
    """Whether all that is stored is sound, and a sentence per fault; ``repaired``: one for everything that was mended before."""

    good: bool
    findings: list[str]
    repaired: list[str] | None = None


class Status(Body):
    """The state of a project. Parts that read the lake are ``Unreadable`` where it is damaged; ``computed`` is there where a
    cluster is set."""

    home: str
    database: str
    organization: str
    project: str
    inbox: InboxStatus
    tables: list[TableStatus] | Unreadable
    org_trees: list[TreeStatus] | Unreadable
    unmatched: UnmatchedStatus | Unreadable
    attribution: list[AttributionStatus] | Unreadable
    exports: ExportsStatus | Unreadable
    oddities: list[str] | Unreadable
    sources: list[SourceStatus] | Unreadable
    schedules: list[ScheduleStatus]
    webhooks: list[WebhookStatus]
    repositories: list[RepositoryStatus]
    disk: list[DiskStatus]
    computed: list[ComputedStatus] | None = None
    check: CheckStatus | None = None


def status(
    project: Project,
    *,
    check: bool = False,
    repair: bool = False,
    now: datetime | None = None,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Status:
    """The state of ``project``; with ``check``, whether the whole home is sound, too, after what can be mended was (``repair``).
    What cannot be read says why. ``progress`` is told how many of how many steps of the check are done."""
    mended: dict[str, Any] = {}
    if repair:
        from leadline.diagnostics.repair import repair as repair_home

        mended = {"repaired": repair_home(project.home)}
    faults: list[str] = []
    checked: dict[str, Any] = {}
    if check:
        from leadline.diagnostics.integrity import findings

        faults = findings(project.home, progress)
        checked = {"check": CheckStatus(good=not faults, findings=faults, **mended)}
    inbox_state = _inbox(project, deliver=not faults)
    found = of_data(project)
    return Status(
        home=str(project.home.path),
        database="sqlite" if project.db.is_sqlite else "postgresql",
        organization=project.organization,
        project=project.name,
        inbox=inbox_state,
        tables=found.tables,
        org_trees=readable(project, _trees),
        unmatched=found.unmatched,
        attribution=found.attribution,
        exports=readable(project, _exports),
        oddities=found.oddities,
        sources=readable(project, lambda of: source_states(of, now or datetime.now(UTC))),
        schedules=_schedules(project),
        webhooks=_webhooks(project),
        repositories=_repositories(project),
        disk=_disk(project),
        **_computed(project),
        **checked,
    )


def unreadable(state: Status) -> list[str]:
    """Why parts of ``state`` could not be read, each reason once; [] if all could."""
    parts = (getattr(state, name) for name in type(state).model_fields)
    return list(dict.fromkeys(part.error for part in parts if isinstance(part, Unreadable)))


def _inbox(project: Project, *, deliver: bool) -> InboxStatus:
    error: dict[str, Any] = {}
    try:
        if deliver:
            deliver_pushed(project)
    except StoreError as failure:
        error = {"error": failure.message}
    return InboxStatus(
        waiting=[_backlog(row) for row in inbox.waiting(project.db, project.id)],
        refused=[_backlog(row) for row in inbox.refused(project.db, project.id)],
        **error,
    )


def _computed(project: Project) -> dict[str, Any]:
    """Nothing, unless a cluster computes, too."""
    if project.home.settings.cluster is None:
        return {}
    from leadline.materialize.computed_by import computed_by

    found = computed_by([project.computed])
    return {"computed": [ComputedStatus(by=row.who, tables=row.tables, time_seconds=row.seconds) for row in found]}


def _backlog(row: TableBacklog) -> BacklogStatus:
    reason: dict[str, Any] = {} if row.reason is None else {"reason": row.reason}
    return BacklogStatus(table=row.table, rows=row.rows, oldest=row.oldest, **reason)


def _trees(project: Project) -> list[TreeStatus]:
    from leadline.people import tree, trees

    org_trees = [tree(project, summary.name) for summary in trees(project)]
    return [
        TreeStatus(
            org_tree_name=org_tree.name,
            version=org_tree.version,
            teams=len(org_tree.nodes),
            developers=len(org_tree.people(org_tree.root)),
        )
        for org_tree in org_trees
    ]


def _exports(project: Project) -> ExportsStatus:
    newest_first = ListFilter(status=jobs.COMPLETED, limit=1, sort_by="completedAt")
    newest = [listed(project.db, project.id, kind, newest_first)[0] for kind in jobs.kinds(project.db, project.id)]
    return ExportsStatus(
        states=jobs.counts(project.db, project.id),
        newest_completed=[_newest(export) for exports in newest for export in exports],
    )


def _newest(export: jobs.Export) -> NewestExport:
    pinned: Mapping[str, Any] = export.pinned or {}
    return NewestExport(
        export_id=export.id,
        kind=export.kind,
        completed_at=export.completed_at,
        data_as_of=export.data_as_of,
        rows=export.row_count,
        tables=pinned.get("tables"),
        trees=pinned.get("trees"),
        definitions=pinned.get("definitions"),
    )


def source_states(project: Project, now: datetime) -> list[SourceStatus]:
    """Every source by name, also those that were read once without being added. Raises ``StoreError``."""
    return [source_state(project, row, now) for row in sources.listed(project.db, project.id)]


def source_state(project: Project, row: SourceRow, now: datetime) -> SourceStatus:
    """The state of one source. Raises ``StoreError`` for what leadline did not write."""
    try:
        return _source(project, row, now)
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise StoreError(f"What is stored of the source {row.name!r} cannot be read: {error}") from error


def _source(project: Project, row: SourceRow, now: datetime) -> SourceStatus:
    outcome = row.outcome or {}
    state = str(outcome.get("state", "never run"))
    if under_way(row):
        state = "interrupted" if project.is_free(run_lock(row.name)) else "running"
    return SourceStatus(
        name=row.name,
        kind=row.kind,
        configured=row.configured,
        state=state,
        started_at=row.started_at,
        succeeded_at=row.succeeded_at,
        lag_time_seconds=None if row.succeeded_at is None else max(0, int((now - row.succeeded_at).total_seconds())),
        next_run_at=next_run(row),
        requested_at=row.requested_at if is_requested(row) else None,
        rows={name: counts["added"] + counts["updated"] for name, counts in outcome.get("tables", {}).items()},
        skipped_count=outcome.get("skippedCount", 0),
        skipped=outcome.get("skipped", []),
        failed_count=outcome.get("failedCount", 0),
        failed=outcome.get("failed", []),
        error=outcome.get("error", {}).get("error"),
    )


def _schedules(project: Project) -> list[ScheduleStatus]:
    last = schedules.last_runs(project.db, project.id)
    return [_schedule(row, last.get(row.id)) for row in schedules.listed(project.db, project.id)]


def _schedule(schedule: schedules.Schedule, run: schedules.Run | None) -> ScheduleStatus:
    error = None if run is None else run.error
    return ScheduleStatus(
        id=schedule.id,
        name=schedule.name,
        enabled=schedule.enabled,
        next_run_at=schedule.next_at,
        last_state=None if run is None else run.state,
        last_due_at=None if run is None else run.due_at,
        late=run is not None and run.late,
        error=None if error is None else str(error.get("message") or error.get("error")),
    )


def _webhooks(project: Project) -> list[WebhookStatus]:
    waiting = outbox.counts(project.db, project.id)
    return [
        WebhookStatus(
            id=webhook.id,
            state="active" if webhook.paused_at is None else "paused",
            waiting=waiting.get(webhook.id, 0),
            paused_at=webhook.paused_at,
            error=webhook.error,
        )
        for webhook in webhooks.listed(project.db, project.id)
    ]


def _repositories(project: Project) -> list[RepositoryStatus]:
    return [
        RepositoryStatus(source=source, repository=name, synced_at=updated_at)
        for source, name, updated_at in cursors.listed(project.db, project.id)
        if source == "git"  # others tell of the demo, and of the lists that a source reads
    ]


def _disk(project: Project) -> list[DiskStatus]:
    """Bytes by part of the home; parts of the project are named by their folder."""
    home = project.home.path
    parts = {"database": [home / "leadline.db", home / "leadline.db-wal", home / "leadline.db-shm"]}
    if project.folder.is_dir():
        parts.update({entry.name: [entry] for entry in sorted(project.folder.iterdir())})
    parts["unfinished work"] = [project.temp]
    return [DiskStatus(part=part, bytes=sum(map(_size, paths))) for part, paths in parts.items()]


def _size(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; those that vanish meanwhile count nothing."""
    try:
        if not path.is_dir():
            return path.stat().st_size
        with os.scandir(path) as entries:
            return sum(
                _size(Path(entry.path))
                if entry.is_dir(follow_symlinks=False)
                else entry.stat(follow_symlinks=False).st_size
                for entry in entries
            )
    except FileNotFoundError:
        return 0
