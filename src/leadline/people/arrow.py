"""Everybody of org trees as an Arrow table, for the engine to bind and facts to join with."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa

from leadline.db import trees as rows
from leadline.errors import StoreError
from leadline.home import Project
from leadline.people.lookup import history, summary
from leadline.people.serialization import people_in

PEOPLE_SCHEMA = pa.schema([("email", pa.string()), ("full_name", pa.string())])


def people(everybody: Iterable[tuple[str, str]]) -> pa.Table:
    """Everybody (email and full name) once, those without a team too, by email; the first full name holds."""
    names: dict[str, str] = {}
    for email, full_name in everybody:
        names.setdefault(email, full_name)
    emails = sorted(names)
    return pa.table([emails, [names[email] for email in emails]], schema=PEOPLE_SCHEMA)


_MOST_KEPT = 4
_kept: OrderedDict[tuple[str, ...], pa.Table] = OrderedDict()
_guard = threading.Lock()


def people_of(project: Project, tree_versions: Mapping[str, int]) -> pa.Table:
    """``people`` of ``everybody``, read once as long as it is asked for: a year of a large organization has a dozen long lists.
    Raises ``StoreError`` if a version is gone."""
    key = tuple(everybody_digest(project, tree_versions))
    with _guard:
        if (kept := _kept.get(key)) is not None:
            _kept.move_to_end(key)
            return kept
    table = people(everybody(project, tree_versions))
    with _guard:
        _kept[key] = table
        while len(_kept) > _MOST_KEPT:
            _kept.popitem(last=False)
    return table


def everybody(project: Project, tree_versions: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Email and full name of all who were, are or will be in the trees as of these versions, somebody perhaps several times; what a
    later day says comes first. Who left stays who they are: their events count on the days when they were here. Raises
    ``StoreError`` if a version is gone."""
    for name in sorted(tree_versions):
        tree_id = summary(project, name).id
        for entry in reversed(history(project, name, tree_versions[name])):
            document = rows.document(project.db, tree_id, entry.version)
            if document is None:
                raise StoreError(f"Version {entry.version} of org tree {name!r} is gone from the metadata database")
            yield from people_in(document)


def everybody_digest(project: Project, tree_versions: Mapping[str, int]) -> list[str]:
    """What states of the trees with the same people have in common, in whatever teams these are."""
    entries = (
        entry for name in sorted(tree_versions) for entry in reversed(history(project, name, tree_versions[name]))
    )
    return list(dict.fromkeys(entry.people for entry in entries))
