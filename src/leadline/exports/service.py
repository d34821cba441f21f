"""What can be done with the exports of a project: create (or reuse), get, list, cancel, and find the stored file."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from leadline.access import UNLIMITED, Access
from leadline.db import export_list, jobs, keys
from leadline.db.export_list import ListFilter
from leadline.db.jobs import Export
from leadline.errors import Conflict, Detail, NotFound
from leadline.exports.answers import Created, Page
from leadline.exports.export_kind import ExportKind
from leadline.exports.files import FORMS, is_kept, on_this_machine
from leadline.exports.kinds import parse
from leadline.exports.requests import Parsed
from leadline.exports.visibility import as_seen, visible, visible_to
from leadline.exports.wakeup import wake
from leadline.field_types import storable
from leadline.home import Project
from leadline.ingest.pushed import deliver_pushed
from leadline.metrics.request import HIDDEN, Pins, RowsRequest, Since

Pin = Callable[[Project, str], Pins]


def pin_newest(project: Project, tree: str | None) -> Pins:
    """The versions a run on ``tree`` (None: on whatever tree) would read now."""
    from leadline.metrics.run import pin

    return pin(project, tree)


def deliver_and_pin(project: Project, kind: ExportKind, *requests: RowsRequest) -> Pins:
    """The versions that runs of ``requests``, which are of one tree, would read now, after the pushed rows that they read were
    delivered."""
    deliver_pushed(project, lambda: {table for request in requests for table in kind.rows.tables(project, request)})
    return pin_newest(project, requests[0].tree)


def create(
    project: Project,
    body: Mapping[str, Any],
    *,
    kind: str,
    created_by: str,
    now: datetime,
    fresh: bool = False,
    pin: Pin = pin_newest,
    access: Access = UNLIMITED,
    export_id: str | None = None,
) -> Created:
    """Queue the export that ``body`` asks for, or find the identical one that will do (http-api, "Productivity
    exports"). Identical means equal after normalization. ``fresh`` never reuses. ``export_id`` is that of a new one, which nothing
    else has. Raises ``InvalidRequest`` for what is wrong with the body, ``Forbidden`` for what ``access`` does not show."""
    parsed = parse(project, body, kind, access)
    new = _row(project, parsed, kind=kind, created_by=created_by, now=now, export_id=export_id or new_id())
    usable: Callable[[Export], bool] = (lambda _: False) if fresh else _usable(project, parsed.request, now, pin)
    export, reused = jobs.create(project.db, new, usable)
    if not reused:
        wake(project.home.path)
    creator = _creator(project, export, created_by, access) if reused else None
    return Created(export, reused, parsed.warnings, creator)


def _creator(project: Project, export: Export, asking: str, access: Access) -> str | None:
    """The name of the key that created ``export``; who may not know others' is told their own alone."""
    if not access.keys_of_others and export.created_by != asking:
        return None
    return next((key.name for key in keys.listed(project.db, project.id) if key.id == export.created_by), None)


def new_id() -> str:
    """An id of an export: no two are alike."""
    return f"exp_{secrets.token_hex(10)}"


def _row(project: Project, parsed: Parsed, *, kind: str, created_by: str, now: datetime, export_id: str) -> Export:
    request = parsed.request
    return Export(
        id=export_id,
        project_id=project.id,
        kind=kind,
        state=jobs.QUEUED,
        request={**request.document(), **({} if parsed.since is None else {"since": parsed.since.document()})},
        request_hash=request_hash(kind, request, parsed.compression, parsed.since),
        compression=parsed.compression,
        team_id=None if request.team is None else str(request.team),
        team_key=parsed.team_key if storable(parsed.team_key or "") else None,
        created_by=created_by,
        of_people=request.of_people,
        names_hidden=request.names == HIDDEN,
        created_at=now,
        filename=parsed.filename,
        given=parsed.words,
        content_type=FORMS[request.format].content_type,
    )


def request_hash(kind: str, request: RowsRequest, compression: str, since: Since | None = None) -> str:
    """What tells identical requests: SHA-256 (hex) of the normalized request and what else shapes the answer: of a difference the
    versions that it starts from, whatever named them."""
    document = {"kind": kind, "compression": compression, **request.document()}
    if since is not None:
        document["since"] = since.pins.document()
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _usable(project: Project, request: RowsRequest, now: datetime, pin: Pin) -> Callable[[Export], bool]:
    """Whether an earlier identical export may stand in for a new one, by the project's settings."""
    profile = project.profile(request.tree)
    if profile["exports.reuse"] == "unchanged":
        deliver_pushed(project)
        current = pin(project, request.tree).document()

        def fits(earlier: Export) -> bool:
            # One not begun yet will read what is newest when it begins, which includes all there is now.
            return earlier.pinned is None or dict(earlier.pinned) == current
    else:
        oldest = now - timedelta(minutes=profile["exports.reuse_minutes"])

        def fits(earlier: Export) -> bool:
            return earlier.state != jobs.COMPLETED or earlier.created_at > oldest

    return lambda earlier: fits(earlier) and (earlier.state != jobs.COMPLETED or _has_file(project, earlier, now))


def _has_file(project: Project, export: Export, now: datetime) -> bool:
    return not export.expired(now) and export.file is not None and is_kept(project.files, export.file)


def get(project: Project, export_id: str, *, kind: str | None = None, access: Access = UNLIMITED) -> Export:
    """One export of the project. Raises ``NotFound``, the same for another project's and for one that ``access`` does not show as
    for one that never was."""
    return as_seen(project, access, visible(project, export_id, access, kind))


def listed(project: Project, kind: str | None, wanted: ListFilter, access: Access = UNLIMITED) -> Page:
    """The project's exports of ``kind`` (None: of all) that ``wanted`` asks for and ``access`` shows."""
    if not all(storable(text) for text in (wanted.team_id, wanted.created_by) if text is not None):
        return Page((), wanted.page, wanted.limit, 0)  # what no row can hold is not asked for
    exports, total = export_list.listed(project.db, project.id, kind, wanted, visible_to(project, access))
    seen = tuple(as_seen(project, access, export) for export in exports)
    return Page(seen, wanted.page, wanted.limit, total)


def cancel(project: Project, export_id: str, *, kind: str, now: datetime, access: Access = UNLIMITED) -> Export:
    """Cancel an export: a queued one never runs, a running one stops and leaves no file. Raises ``NotFound``, or
    ``Conflict`` when it is finished (cancelled is finished, too)."""
    get(project, export_id, kind=kind, access=access)
    changed = jobs.cancel(project.db, project.id, export_id, kind, now)
    export = get(project, export_id, kind=kind, access=access)
    if not changed:
        raise Conflict(
            f"Export {export.id} is already {export.state}; only a queued or processing export can be cancelled",
            code=f"export_{export.state}",
        )
    return export


@dataclass(frozen=True)
class StoredFile:
    """A completed export's file. ``sha256`` and ``size`` are of the file as stored; ``gzip`` says that it is gzipped,
    ``content_type`` what is inside; ``plain`` that the request asked for it without compression."""

    path: Path
    sha256: str
    size: int
    filename: str
    content_type: str
    gzip: bool
    plain: bool
    completed_at: datetime


def stored_file(
    project: Project, export_id: str, *, kind: str, now: datetime | None = None, access: Access = UNLIMITED
) -> StoredFile:
    """The file of a completed export. Raises ``NotFound`` when there is no such export or its file is kept no longer,
    and ``Conflict`` when it is not ready, failed (with its error) or cancelled."""
    export = get(project, export_id, kind=kind, access=access)
    if export.state == jobs.FAILED:
        error = dict(export.error or {})
        details = [Detail(str(item["field"]), str(item["message"])) for item in error.get("details", ())]
        raise Conflict(
            str(error.get("message") or error.get("error", f"Export {export.id} failed")),
            code=str(error.get("code", "failed")),
            details=details,
        )
    if export.state != jobs.COMPLETED:
        hint = "it has no file" if export.state == jobs.CANCELLED else "poll it until it is completed"
        raise Conflict(f"Export {export.id} is {export.state}; {hint}", code=f"export_{export.state}")
    gone = NotFound(f"The file of export {export.id} expired; create the export again", code="export_expired")
    if not _has_file(project, export, now or datetime.now(UTC)):
        raise gone
    try:
        path = on_this_machine(project.files, str(export.file), int(export.size_bytes or 0))
    except FileNotFoundError:
        raise gone from None
    return StoredFile(
        path=path,
        sha256=str(export.sha256),
        size=int(export.size_bytes or 0),
        filename=str(export.filename),
        content_type=str(export.content_type),
        gzip=FORMS[export.request["format"]].gzip,
        plain=export.compression == "none",
        completed_at=export.completed_at or export.created_at,
    )
