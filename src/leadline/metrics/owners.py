"""Whose events are, as the query of a request sees it: of people by who is in a unit, of teams by the rules of ownership, of
services by those of their team."""

from __future__ import annotations

from dataclasses import dataclass

from ibis.expr.types import Table

from leadline.facts.ownership import owned_by_teams
from leadline.metrics.bindings import DATED_MEMBERS, MEMBERS, PLACES
from leadline.metrics.measures import MeasuredFact
from leadline.metrics.services import by_service


@dataclass(frozen=True)
class Ownership:
    """Whose events are: whether any team rule is in force, and whether people move (``dated``). ``by_service``: of the services of
    a team (see ``services``)."""

    has_team_rules: bool = False
    dated: bool = False
    by_service: bool = False


NO_RULES = Ownership()
"""Where no team has a rule and nobody moves."""


def units_of_events(fact: MeasuredFact, events: Table, of_teams: Ownership) -> Table:
    """Whose the ``events`` of a fact are that are of teams: of_unit and event."""
    owned = owned_by_teams(fact.team_events, events, of_teams.has_team_rules, of_teams.dated)
    return by_service(events, owned) if of_teams.by_service else owned


def with_place(table: Table, person: str, instant: str, *, dated: bool) -> Table:
    """The rows of ``table`` of whose ``person`` (a column of emails) is in any unit at the ``instant`` (microseconds), with the
    `place` where, and the number of the `person`. ``dated``: people move."""
    if dated:
        members = DATED_MEMBERS.table()
        within = [table[instant] >= members.since_us, table[instant] < members.before_us]
    else:
        members, within = MEMBERS.table(), []
    joined = table.inner_join(members, [table[person] == members.member, *within])
    return joined.select(*(joined[name] for name in table.columns), place=joined.in_place, person=joined.person)


def in_units(events: Table) -> Table:
    """``events`` that are in a place once for each unit that has it, which is in `of_unit`."""
    return events.inner_join(PLACES.table(), "place")


def developers(*, dated: bool) -> Table:
    """Everybody who is in any unit at any time, once: the email as `developer`, and the `place`."""
    members = (DATED_MEMBERS if dated else MEMBERS).table()
    return members.select(developer="member", place="in_place").distinct()
