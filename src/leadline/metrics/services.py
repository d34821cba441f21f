"""Services as what rows are about: the deployments and incidents that count for a team, taken apart by the service they are of.

What names no service is taken by its repository, so that the rows of a team have each of its events once and add up to it. An
incident of several repositories, or of none, is a row without either name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
from ibis.expr.types import StringValue, Table

from leadline.derive.local_time import Offset
from leadline.engine import BoundTable, compiled
from leadline.facts.ownership import in_period, owned_by_teams
from leadline.materialize.compiled import CompiledQueryCache
from leadline.metrics.bindings import DAYS
from leadline.metrics.measures import Deployments, Incidents, MeasuredFact
from leadline.metrics.offset_marks import offset_marks, with_offsets

if TYPE_CHECKING:
    from leadline.engine import Backend

SERVICES = BoundTable("services", {"of_service": "int64", "service_name": "string", "only_repository": "string"})
"""The services that rows are about, by number; ``only_repository`` names what has no service."""
SCOPE_UNITS = BoundTable("scope_units", {"scope_unit": "int64"})
"""The numbers of the team whose services they are."""
FACTS = (Deployments.FACT, Incidents.FACT)
"""The facts whose events say which services there are."""
_KEY = ["service_name", "only_repository"]


@dataclass(frozen=True)
class Service:
    """What a row is about: a service, else the repository that its events are of ('' where neither is known). ``repositories`` are
    those that the service is deployed from."""

    name: str
    repository: str
    repositories: tuple[str, ...]

    @property
    def label(self) -> str:
        """What it is called."""
        return self.name or self.repository

    @property
    def shown(self) -> dict[str, str]:
        """Its leading columns."""
        return {"Service": self.name, "Repository": self.repository or ";".join(self.repositories)}


def by_service(events: Table, owned: Table) -> Table:
    """``owned`` (of_unit, event; as of ``owned_by_teams``) with the services of the team as units."""
    services, scope = SERVICES.table(), SCOPE_UNITS.table()
    of_scope = owned.semi_join(scope, owned.of_unit == scope.scope_unit).select("event").distinct()
    named = _named(events).select("event", *_KEY).inner_join(of_scope, "event")
    return named.inner_join(services, _KEY).select("event", of_unit="of_service")


def find_services(
    engine: Backend, zone: Sequence[Offset], has_team_rules: bool, dated: bool, queries: CompiledQueryCache
) -> list[Service]:
    """The services of the team in ``SCOPE_UNITS`` that have an event of ``FACTS`` in range, by name; what has none comes last. All
    that whose events are is asked for is bound already."""
    shape = [len(zone), has_team_rules, dated]
    text = queries.text("services", shape, lambda: compiled(_found(offset_marks(zone), has_team_rules, dated)))
    services = [
        Service(row["service_name"], row["only_repository"], tuple(row["repositories"] or ()))
        for row in engine.arrow(with_offsets(text, zone)).to_pylist()
    ]
    return sorted(services, key=lambda service: (not service.label, service.label.casefold(), service.label))


def _found(zone: Sequence[Offset], has_team_rules: bool, dated: bool) -> Table:
    rows = ibis.union(*(_in_scope(fact, zone, has_team_rules, dated) for fact in FACTS))
    return rows.group_by(_KEY).agg(repositories=rows.repository.collect(distinct=True, order_by=rows.repository))


def _in_scope(fact: MeasuredFact, zone: Sequence[Offset], has_team_rules: bool, dated: bool) -> Table:
    """What the events of a fact in range that are the team's are of, with the repository of deployments: each combination once."""
    in_range = in_period(fact.events.table(), zone, DAYS)
    owned, scope = owned_by_teams(fact.team_events, in_range, has_team_rules, dated), SCOPE_UNITS.table()
    of_scope = owned.semi_join(scope, owned.of_unit == scope.scope_unit)
    named = _named(in_range).semi_join(of_scope, "event")
    deployed_from = ibis.null("string") if _of_incidents(named) else named.repository
    return named.select(*_KEY, repository=deployed_from).distinct()


def _named(events: Table) -> Table:
    """``events`` with the service that each is of, or else its repository ('' none)."""
    lone = ibis.cases((events.service == "", _only(events).fill_null("")), else_="")
    return events.mutate(service_name=events.service, only_repository=lone)


def _of_incidents(events: Table) -> bool:
    return "repositories" in events.columns


def _only(events: Table) -> StringValue:
    """The repository of each event, if it is one alone."""
    if _of_incidents(events):
        return ibis.cases((events.repositories.length() == 1, events.repositories[0]))
    return events.repository
