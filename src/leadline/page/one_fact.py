"""One thing that a fact has a row of, found by its key, within what whoever looks may see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from leadline.errors import NotFound
from leadline.facts.catalogue import FACTS, Fact
from leadline.facts.query import Filters, fact_rows
from leadline.page.behind import FACES, FactRow
from leadline.page.view import View
from leadline.page.visit import Visit

MOST = 20
"""Rows that are shown of a key in part: a deployment has one for each of its services."""
_MAY_BE_ABSENT = frozenset({"service"})


@dataclass(frozen=True)
class Keyed:
    """The rows of ``fact`` whose columns are as ``key`` says."""

    fact: Fact
    key: Mapping[str, str | int]

    @classmethod
    def of(cls, fact: str, query: Mapping[str, str]) -> Self:
        """What an address asks for. Raises ``NotFound`` where it says no key."""
        declared = FACTS[fact]
        key: dict[str, str | int] = {}
        for name in declared.key:
            text = query.get(name)
            if text is None and name not in _MAY_BE_ABSENT:
                raise NotFound(f"The address must say which of the {fact} is meant: its {' and '.join(declared.key)}")
            if text is not None:
                key[name] = _number(text) if name == "number" else text
        return cls(declared, key)


def facts_keyed(visit: Visit, view: View, keyed: Keyed) -> list[FactRow]:
    """The rows, as they are shown. Raises ``NotFound`` if there are none to see."""
    limited = visit.access.teams is not None
    filters = Filters(tree_name=view.tree.name, team=str(view.team.ref_id)) if limited else Filters()
    with fact_rows(visit.project, keyed.fact.name, filters, visit.access) as facts:
        table = facts.table
        found = table.filter([table[name] == value for name, value in keyed.key.items()])
        rows = facts.engine.arrow(found.limit(MOST)).to_pylist()
    if not rows:
        raise NotFound(f"There is no such {FACES[keyed.fact.name].noun}")
    return [FactRow(keyed.fact.name, row) for row in rows]


def key_query(fact: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """The key of a row, as an address says it."""
    return {name: row[name] for name in FACTS[fact].key}


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        raise NotFound("A pull request has a number")
    return int(text)
