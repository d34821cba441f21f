"""What an export of differences starts from, ``options.since``: the versions that an earlier export of the same kind read, or those
that were the newest at an instant."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from leadline.access import UNLIMITED, Access
from leadline.db import jobs, trees
from leadline.errors import Conflict, Detail, InvalidRequest, NotFound, VersionsGone
from leadline.exports.visibility import visible
from leadline.field_types import shown
from leadline.home import Project
from leadline.instants import instant_of
from leadline.metrics.catalogue import DEFINITIONS, check_definitions
from leadline.metrics.request import Pins, Since
from leadline.people import history

FIELD = "options.since"


def resolved(project: Project, kind: str, asked: str, tree: str | None, access: Access = UNLIMITED) -> Since:
    """The versions that ``asked`` names, for rows of ``kind`` under the settings of a tree, or of the project. Raises
    ``InvalidRequest`` for what names nothing, ``Conflict`` for an export that is not completed or of other definitions, and
    ``VersionsGone`` for what is kept no longer."""
    text = asked.strip()
    try:
        moment = instant_of(text)
    except ValueError:
        pins = _of_export(project, kind, text, access)
    else:
        pins = _at(project, moment, tree)
    return Since(text, pins)


def check_kept(project: Project, pins: Pins) -> None:
    """Raises ``VersionsGone`` if what ``pins`` name is kept no longer."""
    try:
        project.lake.snapshot(pins.tables)
        _check_trees(project, pins.trees)
    except VersionsGone as error:
        raise gone(error) from error


def gone(error: VersionsGone) -> VersionsGone:
    """The same of what a difference starts from, with what would do."""
    would_do = "export all rows, and go on from that"
    return VersionsGone(f"{error.message}; {would_do}", details=[Detail(FIELD, would_do)])


def since_of(document: Mapping[str, Any]) -> Since | None:
    """What the stored request of a difference starts from; None for all rows."""
    return Since.of(document["since"]) if "since" in document else None


def without_since(document: Mapping[str, Any]) -> dict[str, Any]:
    """The stored request as if all its rows were asked for."""
    return {name: value for name, value in document.items() if name != "since"}


def _of_export(project: Project, kind: str, text: str, access: Access) -> Pins:
    would_do = f"the exportId of a completed {kind} export, or an instant such as 2026-11-01T06:00:00Z"
    try:
        export = visible(project, text, access)
    except NotFound as error:
        raise InvalidRequest(
            f"Invalid since: {shown(text)} names no export that there is, and no instant; it must be {would_do}",
            code="invalid_since",
            details=[Detail(FIELD, would_do)],
        ) from error
    if export.kind != kind:
        raise InvalidRequest(
            f"Invalid since: {export.id} is of the kind {export.kind}; it must be {would_do}",
            code="invalid_since",
            details=[Detail(FIELD, would_do)],
        )
    if export.state != jobs.COMPLETED or export.pinned is None:
        raise Conflict(
            f"Export {export.id} is {export.state}; rows can be compared with those of a completed one",
            code=f"export_{export.state}",
            details=[Detail(FIELD, would_do)],
        )
    pins = Pins.of(export.pinned)
    check_definitions(pins.definitions)
    check_kept(project, pins)
    return pins


def _at(project: Project, moment: datetime, tree: str | None) -> Pins:
    """What was the newest at an instant, by the settings and definitions in force now."""
    from leadline.lake.history import versions_at

    if moment > datetime.now(UTC):
        would_do = "an instant that is over"
        raise InvalidRequest(
            f"Invalid since: it must be {would_do}", code="invalid_since", details=[Detail(FIELD, would_do)]
        )
    profile = project.profile(tree)
    try:
        tables = versions_at(project.lake, moment)
    except VersionsGone as error:
        raise gone(error) from error
    pins = Pins(tables, _trees_at(project, moment), DEFINITIONS, profile.texts, moment.astimezone(profile.zone).date())
    check_kept(project, pins)
    return pins


def _trees_at(project: Project, moment: datetime) -> dict[str, int]:
    """The newest version of each tree at an instant, of those that there were then."""
    known = {
        row.name: [version.version for version in trees.versions(project.db, row.id) if version.created_at <= moment]
        for row in project.org_trees()
    }
    return {name: max(versions) for name, versions in known.items() if versions}


def _check_trees(project: Project, versions: Mapping[str, int]) -> None:
    ids = {row.name: row.id for row in project.org_trees()}
    for name, version in versions.items():
        if name not in ids:
            raise VersionsGone(f"Org tree {name!r} was removed")
        kept = {row.version for row in trees.with_content(project.db, ids[name])}
        if lost := [entry.version for entry in history(project, name, version) if entry.version not in kept]:
            raise VersionsGone(f"Version {lost[0]} of org tree {name!r} is gone from the metadata database")
