"""One thing that a fact has a row of, found by its key, within what whoever looks may see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Self

from leadline.errors import NotFound
from leadline.facts.catalogue import FACTS, Fact
from leadline.facts.query import Filters, fact_rows
from leadline.page.behind import FACES, FactRow
from leadline.page.view import View
from leadline.page.visit import Visit

if TYPE_CHECKING:
    from ibis.expr.types import BooleanValue, Table

MOST = 20
"""Rows that are shown of a key in part: a deployment has one for each of its services."""
_SAID_AS: Mapping[str, str] = {"developer": "whose"}
"""What columns of keys are called in addresses where that name says something else: of whom a value is."""
_ANY_IF_ABSENT = frozenset({"service"})
"""What an address may leave out of a key: the rows may have anything there."""
_NONE_IF_ABSENT: Mapping[str, frozenset[str]] = {"effort": frozenset({"project", "key"})}
"""What it leaves out where rows have nothing there."""


@dataclass(frozen=True)
class Keyed:
    """The rows of ``fact`` whose columns are as ``key`` says (None: they have nothing there). ``day`` is theirs, if they are of
    days."""

    fact: Fact
    key: Mapping[str, str | int | None]
    day: date | None = None

    @classmethod
    def of(cls, fact: str, query: Mapping[str, str]) -> Self:
        """What an address asks for. Raises ``NotFound`` where it says no key."""
        declared = FACTS[fact]
        key: dict[str, str | int | None] = dict.fromkeys(_NONE_IF_ABSENT.get(fact, ()))
        for name in declared.key:
            text = query.get(said_as(name))
            if text is None and name not in key and name not in _ANY_IF_ABSENT:
                raise NotFound(f"The address must say which of the {fact} is meant: its {' and '.join(declared.key)}")
            if text is not None:
                key[name] = _number(text) if name == "number" else text
        return cls(declared, key, _day(query["day"]) if "day" in key else None)

    def conditions(self, rows: Table) -> list[BooleanValue]:
        """What makes ``rows`` those."""
        return [
            rows[name].fill_null("") == "" if value is None else rows[name] == value for name, value in self.key.items()
        ]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotFound("A day is written as 2026-01-31") from None


def facts_keyed(visit: Visit, view: View, keyed: Keyed) -> list[FactRow]:
    """The rows, as they are shown. Raises ``NotFound`` if there are none to see."""
    filters = _seen(visit, view)
    if keyed.day is not None:
        filters = replace(filters, tree_name=view.tree.name, start=keyed.day, end=keyed.day)
    with fact_rows(visit.project, keyed.fact.name, filters, visit.access) as facts:
        table = facts.expression()
        rows = facts.engine.arrow(table.filter(keyed.conditions(table)).limit(MOST)).to_pylist()
    if not rows:
        raise NotFound(f"There is no such {FACES[keyed.fact.name].noun}")
    return [FactRow(keyed.fact.name, row) for row in rows]


def _seen(visit: Visit, view: View) -> Filters:
    """What keeps the rows that whoever looks may see."""
    limited = visit.access.teams is not None
    return Filters(tree_name=view.tree.name, team=str(view.team.ref_id)) if limited else Filters()


def titles_of(visit: Visit, view: View, rows: Iterable[FactRow]) -> Mapping[str, str]:
    """What the pull requests that ``rows`` name as `repository#number` are called, of those that may be seen."""
    names = {name for row in rows for name in row.row.get("pull_requests") or ()}
    if not names:
        return {}
    repositories, numbers = zip(*(name.rsplit("#", 1) for name in names), strict=True)
    with fact_rows(visit.project, "pull-requests", _seen(visit, view), visit.access) as facts:
        pulls = facts.expression().select("repository", "number", "title")
        asked = pulls.repository.isin(sorted({*repositories})) & pulls.number.isin(sorted({*map(int, numbers)}))
        found = facts.engine.arrow(pulls.filter(asked, pulls.title.notnull())).to_pylist()
    titles = {f"{row['repository']}#{row['number']}": row["title"] for row in found}
    return {name: titles[name] for name in names & titles.keys()}


def key_query(fact: str, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """The key of a row, as an address says it; None where who it is of is not shown, so that it cannot be named."""
    if row.get("developer") is None and "developer" in FACTS[fact].key:
        return None
    return {said_as(name): row[name] for name in FACTS[fact].key}


def said_as(column: str) -> str:
    """What an address calls a column of a key."""
    return _SAID_AS.get(column, column)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        raise NotFound("A pull request has a number")
    return int(text)
