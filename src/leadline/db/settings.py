"""Stored settings: checked text per project (and tree) and key; read as a ``Profile``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa

from leadline.db.database import Database
from leadline.db.models import settings
from leadline.errors import LeadlineError, StoreError, first_line
from leadline.lease import Lease
from leadline.settings.profile import SETTINGS, Profile, canonical, check, check_profile, declared

PROJECT = ""
"""The tree name under which the project's own settings are stored."""


def stored(db: Database, project_id: int, tree: str = PROJECT) -> dict[str, str]:
    """The settings set for the project, or for one tree alone, by key."""
    rows = db.rows(
        sa.select(settings.c.key, settings.c.value)
        .where(settings.c.project_id == project_id, settings.c.tree == tree)
        .order_by(settings.c.key)
    )
    return {row.key: row.value for row in rows}


def profile(db: Database, project_id: int, tree: str | None = None) -> Profile:
    """The profile in force for a tree (the project's own when None). Raises ``StoreError`` for what cannot be read."""
    layers = [stored(db, project_id)]
    if tree is not None:
        layers.append(stored(db, project_id, tree))
    try:
        return Profile.of(*layers)
    except (ValueError, LeadlineError) as error:
        raise _unreadable(layers, error) from error


def _unreadable(layers: Sequence[Mapping[str, str]], error: Exception) -> StoreError:
    """What to say of stored settings that this version cannot read: which it is, and what would do."""
    for key, text in (item for layer in layers for item in layer.items()):
        try:
            check(key, text)
        except LeadlineError as refusal:
            return StoreError(
                f"A stored setting cannot be read: {refusal.message}; set or remove it with `leadline settings`"
            )
    return StoreError(f"The stored settings cannot be read: {first_line(error)}")


def in_force(db: Database, project_id: int, tree: str | None = None) -> list[tuple[str, str, str]]:
    """Every setting in force for a tree (the project when None): key, text, and who set it (``project``, ``tree``, or ''
    for the default). Those declared come first, in their order."""
    own = stored(db, project_id)
    of_tree = stored(db, project_id, tree) if tree is not None else {}
    keys = [*SETTINGS, *sorted((set(own) | set(of_tree)) - set(SETTINGS))]
    return [
        (
            key,
            of_tree.get(key, own.get(key, declared(key).default)),
            "tree" if key in of_tree else "project" if key in own else "",
        )
        for key in keys
    ]


def put(db: Database, project_id: int, values: Mapping[str, str], tree: str = PROJECT) -> None:
    """Set all of ``values`` or, if one is refused (``InvalidRequest``), none."""
    change(db, project_id, values, (), tree)


def remove(db: Database, project_id: int, key: str, tree: str = PROJECT) -> None:
    """Take a setting's own value away, unless what is left cannot be (``InvalidRequest``); one not set stays so."""
    change(db, project_id, {}, [key], tree)


def change(
    db: Database,
    project_id: int,
    values: Mapping[str, str],
    removed: Collection[str],
    tree: str,
    *,
    under: Lease | None = None,
) -> None:
    """Set all of ``values`` of one tree and take ``removed`` away in one transaction, or nothing (``InvalidRequest``)."""
    texts = {canonical(key): check(key, text) for key, text in values.items()}
    removed = [canonical(key) for key in removed]
    own = {key: text for key, text in stored(db, project_id, tree).items() if key not in removed}
    below = {} if tree == PROJECT else stored(db, project_id)
    check_profile({**below, **own, **texts})
    rows = [{"project_id": project_id, "tree": tree, "key": key, "value": text} for key, text in texts.items()]
    with db.write(under=under) as connection:
        where = (settings.c.project_id == project_id, settings.c.tree == tree)
        connection.execute(settings.delete().where(*where, settings.c.key.in_([*removed, *texts])))
        if rows:
            connection.execute(settings.insert(), rows)
