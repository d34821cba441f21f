"""Whose events are, as the query of a request sees it: of people by who is in a unit, of teams by the rules of ownership, of
services by those of their team."""

from __future__ import annotations

from dataclasses import dataclass

from ibis.expr.types import Table

from leadline.facts.ownership import owned_by_teams
from leadline.metrics.bindings import DATED_MEMBERS, MEMBERS
from leadline.metrics.measures import MeasuredFact
from leadline.metrics.services import by_service


@dataclass(frozen=True)
class Ownership:
    """Whose events are: whether any team rule is in force, and whether people move (``dated``). ``by_service``: of the services of
    a team (see ``services``)."""

    has_team_rules: bool = False
    dated: bool = False
    by_service: bool = False

    def keys(self, fact: MeasuredFact) -> list[str]:
        """The columns that say whose an event of ``fact`` is: a person in one phase, or the event itself."""
        return ["owner", "phase"] if self.dated and not fact.team_events else ["owner"]


NO_RULES = Ownership()
"""Where no team has a rule and nobody moves."""


def owners_of(fact: MeasuredFact, in_range: Table, of_teams: Ownership) -> Table:
    """Whose events count for each unit: of_unit and owner, with the phase if people move."""
    if not fact.team_events:
        return (DATED_MEMBERS if of_teams.dated else MEMBERS).table().rename(owner="member")
    owned = owned_by_teams(fact.team_events, in_range, of_teams.has_team_rules, of_teams.dated)
    owned = by_service(in_range, owned) if of_teams.by_service else owned
    return owned.rename(owner="event")
