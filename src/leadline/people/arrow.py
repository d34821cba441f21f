"""Everybody of org trees as an Arrow table, for the engine to bind and facts to join with."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from leadline.people.tree import OrgTree

PEOPLE_SCHEMA = pa.schema([("email", pa.string()), ("full_name", pa.string())])


def people(trees: Iterable[OrgTree]) -> pa.Table:
    """Everybody of the given trees once (those without a team too), by email; the first tree's full name holds."""
    names: dict[str, str] = {}
    for tree in trees:
        for developer in tree.developers.values():
            names.setdefault(developer.email, developer.full_name)
    emails = sorted(names)
    return pa.table([emails, [names[email] for email in emails]], schema=PEOPLE_SCHEMA)
