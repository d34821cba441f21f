"""Puts pseudonyms in place of people who are forgotten in all versions of org trees, and in uploads of developers as they are
stored. A version never changes: another one takes its place on the same days, and what it said is gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from leadline.db import developer_uploads as uploads
from leadline.db import trees as rows
from leadline.home import Project
from leadline.lease import Lease
from leadline.people.forgotten import Forgotten
from leadline.people.forgotten_people import identity_without, list_without, tree_without
from leadline.people.serialization import digest, from_document, people_digest, to_document


def count_in_tree(project: Project, known: rows.TreeRow, forgotten: Forgotten) -> int:
    """How many versions of a tree name somebody who is forgotten."""
    return len(_changed(project, known, forgotten))


def forget_in_tree(project: Project, known: rows.TreeRow, forgotten: Forgotten) -> int:
    """Put pseudonyms in their place in every version of a tree, in one transaction; how many versions were replaced."""
    with rows.lock(project.db, project.id, known.name) as lease:
        changed = _changed(project, known, forgotten)
        stored = [row for row in rows.versions(project.db, known.id) if row.version in changed]
        in_force = [row for row in rows.in_order(rows.with_content(project.db, known.id)) if row.version in changed]
        identities = _identities(project, known, forgotten)
        if changed or identities:
            _replace(project, known, lease, stored, in_force, changed, identities)
    return len(changed)


def _changed(project: Project, known: rows.TreeRow, forgotten: Forgotten) -> dict[int, dict[str, Any]]:
    """The documents without them, by the number of the version that names them."""
    changed = {}
    for row in rows.with_content(project.db, known.id):
        if (document := rows.document(project.db, known.id, row.version)) is not None:
            tree = from_document(document, tree_id=known.id, name=known.name, version=row.version)
            if (without := tree_without(forgotten, tree)) is not tree:
                changed[row.version] = to_document(without)
    return changed


def _identities(project: Project, known: rows.TreeRow, forgotten: Forgotten) -> dict[int, str]:
    """What nodes go by from now on, by ref id, where that changes."""
    refs = rows.refs(project.db, known.id)
    renamed = {ref_id: identity_without(forgotten, identity) for identity, ref_id in refs.items()}
    return {refs[old]: renamed[refs[old]] for old in refs if renamed[refs[old]] not in refs}


def _replace(
    project: Project,
    known: rows.TreeRow,
    lease: Lease,
    stored: list[rows.VersionRow],
    in_force: list[rows.VersionRow],
    changed: dict[int, dict[str, Any]],
    identities: dict[int, str],
) -> None:
    with project.db.write(under=lease) as connection:
        writer = rows.TreeWriter(connection, project.id, known.name)
        numbers: dict[int, int] = {}
        for row in sorted(in_force, key=lambda row: row.version):
            content, number = changed[row.version], writer.next_version()
            new = replace(row, version=number, content_hash=digest(content), people_hash=people_digest(content))
            writer.put(new, content)
            numbers[row.version] = number
        if in_force:
            writer.announce(new, datetime.now(UTC))
        rows.drop_content(connection, known.id, [row.version for row in stored])
        uploads.renumber(connection, project.id, known.name, numbers)
        writer.rename(identities)


def count_in_uploads(project: Project, forgotten: Forgotten) -> int:
    """How many uploads that are stored name somebody who is forgotten."""
    with project.db.read() as connection:
        return len(_uploads(connection, project, forgotten))


def forget_in_uploads(project: Project, forgotten: Forgotten) -> int:
    """Put pseudonyms in their place in uploads as they are stored; how many were changed."""
    with project.db.write() as connection:
        changed = _uploads(connection, project, forgotten)
        for upload_id, content in changed.items():
            uploads.put_content(connection, upload_id, content)
    return len(changed)


def _uploads(connection: sa.Connection, project: Project, forgotten: Forgotten) -> dict[str, str]:
    changed = {}
    for upload in uploads.with_content(connection, project.id):
        text = upload.content or ""
        if (content := list_without(forgotten, text, upload.mappings)) != text:
            changed[upload.id] = content
    return changed
