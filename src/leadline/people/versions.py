"""Versions of the developers list: a CSV is uploaded, reviewed, given its field mapping, and put in force (vendor docs), from a
day. Until there is a tree, saving the mapping puts the upload in force; after that, activating does. An upload that was reviewed
before the tree's newest version came is not put in force: somebody changed the developers in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from leadline.db import developer_uploads as uploads
from leadline.db import trees as rows
from leadline.db.developer_uploads import Upload
from leadline.errors import Conflict, InvalidInput, NotFound
from leadline.home import Project
from leadline.lease import Lease
from leadline.people.csv_file import peek
from leadline.people.csv_rows import decoded
from leadline.people.default_tree import chosen_name, chosen_tree, not_set_up
from leadline.people.error_types import documented
from leadline.people.fields import proposed, remapped
from leadline.people.forgotten import forgotten_of
from leadline.people.forgotten_people import list_without
from leadline.people.lookup import history, in_force
from leadline.people.review import Review, reviewed
from leadline.people.store import put_in_force
from leadline.people.violations import Violations

_LONGEST_FILENAME = 255


@dataclass(frozen=True)
class Version:
    """An upload, what it says (None when its text was dropped), whether it is in force today, and the first day on which it is or
    will be or was (None: on none)."""

    upload: Upload
    review: Review | None
    active: bool
    start: date | None = None


def upload(
    project: Project,
    data: bytes,
    filename: str,
    *,
    tree_name: str | None,
    again: bool = False,
    upload_id: str,
    created_by: str,
    now: datetime,
) -> Version:
    """Keep a developers CSV as a draft with a proposed mapping; columns that had one before keep it. With ``again`` the tree must
    be in force already (``PreconditionFailed``). Raises ``InvalidInput`` for a file that cannot be read or has no rows, in which
    case nothing is kept."""
    name = chosen_tree(project, tree_name).name if again else chosen_name(project, tree_name)
    filename = filename[:_LONGEST_FILENAME] or "developers.csv"
    before = in_force(project, name)
    try:
        text = _text(data, filename)
        titles, _ = peek(data, Violations(filename), 1)
        mapping = proposed(titles, uploads.newest_mappings(project.db, project.id, name))
        text = list_without(forgotten_of(project), text, mapping)
        data = text.encode()
        review = reviewed(data, filename, mapping, name, before)
    except InvalidInput as error:
        raise documented(error) from None
    if review.error is not None and any(finding.error_type == "EMPTY_CSV" for finding in review.findings):
        raise documented(review.error)
    kept = Upload(
        id=upload_id,
        project_id=project.id,
        tree=name,
        filename=filename,
        content=text,
        mappings=mapping,
        base_version=newest_version(project, name),
        tree_version=None,
        created_by=created_by,
        created_at=now,
    )
    uploads.insert(project.db, kept)
    return Version(kept, review, active=False)


def version(project: Project, upload_id: str) -> Version:
    """An upload as it is now, reviewed anew. Raises ``NotFound``."""
    return _version(project, _stored(project, upload_id))


def preview(project: Project, upload_id: str, fields: Mapping[str, str]) -> Version:
    """A draft as it would be if its columns had the ``fields`` named by their titles; nothing is kept. Raises ``NotFound``,
    ``InvalidRequest`` for an impossible mapping, ``Conflict`` if the upload was put in force before."""
    stored = _stored(project, upload_id)
    if stored.tree_version is not None:
        raise _used(stored)
    newest = newest_version(project, stored.tree)
    return _version(project, replace(stored, mappings=remapped(stored.mappings, fields), base_version=newest))


@dataclass(frozen=True)
class Seen:
    """That somebody looked at what a draft changes while this was the tree's newest version (None: there was none)."""

    version: int | None


def map_fields(
    project: Project,
    upload_id: str,
    fields: Mapping[str, str],
    *,
    now: datetime,
    save: bool = False,
    since: date | None = None,
    seen: Seen | None = None,
) -> Version:
    """Give columns the ``fields`` named by their titles; the rest of the mapping stays. Where there is no tree yet, or with
    ``save``, the upload is put in force as well, from ``since`` as of ``store.load_org``. Raises ``InvalidRequest`` for an
    impossible mapping, ``InvalidInput`` with all that is wrong with the file under it, ``Conflict`` if the upload was put in force
    before, or if the tree is no longer as somebody has ``seen`` it."""
    stored = _stored(project, upload_id)
    with rows.lock(project.db, project.id, stored.tree) as lease:
        stored = _stored(project, upload_id)
        if stored.tree_version is not None:
            raise _used(stored)
        if seen is not None and seen.version != newest_version(project, stored.tree):
            raise _stale(stored)
        before = in_force(project, stored.tree)
        mapped = replace(stored, mappings=remapped(stored.mappings, fields))
        review = _good(project, mapped)
        if before is None or save:
            return _put_in_force(project, mapped, review, now, lease, since)
        newest = newest_version(project, stored.tree)
        uploads.review(project.db, mapped.id, mapped.mappings, newest, under=lease)
        return Version(replace(mapped, base_version=newest), review, active=False)


def activate(project: Project, upload_id: str, *, now: datetime, since: date | None = None) -> Version:
    """Put an upload in force from ``since`` as of ``store.load_org``; one that is in force stays so. Raises ``PreconditionFailed``
    while no developers were saved, ``Conflict`` if the tree has changed since the upload was reviewed or another took its place,
    ``InvalidInput`` with all that is wrong with the file."""
    stored = _stored(project, upload_id)
    with rows.lock(project.db, project.id, stored.tree) as lease:
        stored = _stored(project, upload_id)
        before = in_force(project, stored.tree)
        if before is None:
            raise not_set_up()
        if stored.tree_version is not None:
            if stored.tree_version == before.version and since is None:
                return _version(project, stored)
            raise _used(stored)
        if stored.base_version != newest_version(project, stored.tree):
            raise _stale(stored)
        return _put_in_force(project, stored, _good(project, stored), now, lease, since)


def drafts(project: Project) -> list[Upload]:
    """The uploads of the project that wait to be put in force, the newest first; their texts are left out."""
    return uploads.drafts(project.db, project.id)


def newest_version(project: Project, name: str) -> int | None:
    """The newest version of the tree ``name``; None if there is no such tree."""
    stored = rows.listed(project.db, project.id, name)
    return stored[0].newest_version if stored else None


def _put_in_force(
    project: Project, stored: Upload, review: Review, now: datetime, lease: Lease, since: date | None
) -> Version:
    assert review.draft is not None  # noqa: S101 -- ``_good`` raises if there is none
    loaded = put_in_force(
        project,
        stored.tree,
        review.draft,
        now,
        lease,
        since=since,
        also=lambda connection, number: uploads.activated(connection, stored, stored.mappings, number, now),
    )
    used = replace(stored, tree_version=loaded.version, activated_at=now)
    return Version(used, review, _is_active(project, used), loaded.start)


def _good(project: Project, stored: Upload) -> Review:
    review = _review(project, stored)
    if review is None:
        raise _used(stored)
    if review.error is not None:
        raise documented(review.error)
    return review


def _version(project: Project, stored: Upload) -> Version:
    entries = history(project, stored.tree) if stored.tree_version is not None else ()
    start = next((entry.start for entry in entries if entry.version == stored.tree_version), None)
    return Version(stored, _review(project, stored), _is_active(project, stored), start)


def _is_active(project: Project, stored: Upload) -> bool:
    before = in_force(project, stored.tree)
    return before is not None and stored.tree_version == before.version


def _review(project: Project, stored: Upload) -> Review | None:
    if stored.content is None:
        return None
    before = in_force(project, stored.tree)
    return reviewed(stored.content.encode(), stored.filename, stored.mappings, stored.tree, before)


def _stored(project: Project, upload_id: str) -> Upload:
    stored = uploads.find(project.db, project.id, upload_id)
    if stored is None:
        raise NotFound(f"There is no version {upload_id[:80]!r} of the developers", code="unknown_version")
    return stored


def _used(stored: Upload) -> Conflict:
    return Conflict(
        f"Version {stored.id} was put in force before; upload the file again to change something", code="version_used"
    )


def _stale(stored: Upload) -> Conflict:
    return Conflict(
        f'The developers of "{stored.tree}" were changed after this file was reviewed; review it again by saving its '
        "field mappings, or upload it again",
        code="stale_version",
    )


def _text(data: bytes, filename: str) -> str:
    violations = Violations(filename)
    if not data.strip():
        violations.add(0, filename, "EMPTY_FILE: there is nothing in it")
        violations.check()
    text = decoded(data, violations)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        violations.row(line, "INVALID_TEXT: it contains a NUL character; remove it")
        violations.check()
    return text
