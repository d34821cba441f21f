"""Stored settings: checked text per project (and tree) and key; read as a ``Profile``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa

from leadline.db.database import Database
from leadline.db.models import projects, settings
from leadline.errors import Conflict, Detail, LeadlineError, StoreError, first_line
from leadline.lease import Lease
from leadline.settings.checks import check, check_for_tree, check_profile
from leadline.settings.profile import SETTINGS, Profile, canonical, declared

PROJECT = ""
"""The tree name under which the project's own settings are stored."""


def stored(db: Database, project_id: int, tree: str = PROJECT) -> dict[str, str]:
    """The settings set for the project, or for one tree alone, by key."""
    return {row.key: row.value for row in db.rows(_own(project_id, tree))}


def _own(project_id: int, tree: str) -> sa.Select[str, str]:
    where = (settings.c.project_id == project_id, settings.c.tree == tree)
    return sa.select(settings.c.key, settings.c.value).where(*where).order_by(settings.c.key)


def says(project_id: sa.ColumnElement[int], key: str, value: str) -> sa.ColumnElement[bool]:
    """Whether the project of a row has ``key`` set to ``value``, one of the words that the setting takes in any letter case."""
    own = (settings.c.project_id == project_id, settings.c.tree == PROJECT, settings.c.key == key)
    return sa.exists().where(*own, sa.func.lower(settings.c.value) == value)


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
    known: Mapping[str, str | None] | None = None,
    under: Lease | None = None,
) -> None:
    """Set all of ``values`` of one tree and take ``removed`` away in one transaction, or nothing: ``InvalidRequest`` for what
    cannot be, ``Conflict`` if what is set by now is another than ``known`` (None: nothing) by any of its keys."""
    texts, removed = _checked(values, tree), [canonical(key) for key in removed]
    rows = [{"project_id": project_id, "tree": tree, "key": key, "value": text} for key, text in texts.items()]
    with db.write(under=under) as connection:
        # One change of a project after the other: each is checked against what it leaves.
        connection.execute(sa.select(projects.c.id).where(projects.c.id == project_id).with_for_update(key_share=True))
        _check_left(connection, project_id, texts, removed, tree, known or {})
        where = (settings.c.project_id == project_id, settings.c.tree == tree)
        connection.execute(settings.delete().where(*where, settings.c.key.in_([*removed, *texts])))
        if rows:
            connection.execute(settings.insert(), rows)


def check_change(
    db: Database, project_id: int, values: Mapping[str, str], removed: Collection[str] = (), tree: str = PROJECT
) -> None:
    """Raise what ``change`` would now, and change nothing."""
    texts = _checked(values, tree)
    with db.read() as connection:
        _check_left(connection, project_id, texts, [canonical(key) for key in removed], tree, {})


def _checked(values: Mapping[str, str], tree: str) -> dict[str, str]:
    texts = {canonical(key): check(key, text) for key, text in values.items()}
    if tree != PROJECT:
        for key in texts:
            check_for_tree(key)
    return texts


def _check_left(
    connection: sa.Connection,
    project_id: int,
    texts: Mapping[str, str],
    removed: Collection[str],
    tree: str,
    known: Mapping[str, str | None],
) -> None:
    """Refuse what a change would leave, or a change of what is not as it was ``known``."""
    below, own = ({row.key: row.value for row in connection.execute(_own(project_id, of))} for of in (PROJECT, tree))
    _check_known(own, known)
    kept = {key: text for key, text in own.items() if key not in removed}
    _check_whole({**({} if tree == PROJECT else below), **kept, **texts})


def _check_known(own: Mapping[str, str], known: Mapping[str, str | None]) -> None:
    for key, text in known.items():
        now = own.get(canonical(key))
        if now != text:
            said = "is not set any more" if now is None else f"is set to {now!r} by now"
            raise Conflict(
                f"Somebody else changed {key} meanwhile: it {said}",
                code="setting_changed",
                details=[Detail(key, said)],
            )


def _check_whole(texts: Mapping[str, str]) -> None:
    try:
        check_profile(texts)
    except ValueError as error:
        raise _unreadable([texts], error) from error
