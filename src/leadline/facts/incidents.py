"""The fact `incidents`: one row per incident, how long restoring took, and the repositories it belongs to (metrics, "MTTR"
and the last sentence of "Which team does a deployment, build or incident belong to?").

Durations are whole microseconds, never negative.
"""

from __future__ import annotations

import ibis
from ibis.expr.types import Table

from leadline.derive.expressions import between, not_negative
from leadline.engine.functions import epoch_us
from leadline.facts.item_incidents import incident_events
from leadline.facts.runs import known_deployments, runs
from leadline.materialize.model import Model
from leadline.settings.profile import Profile


def incidents_fact(profile: Profile) -> Table:
    """One row per incident: incident_id, service ('' none), repositories (its own, else its known deployment's), project,
    source, counted_in, title, url, deployment_id, created_at, resolved_at, restore (µs, as it is) and restore_us (never
    negative)."""
    incidents = incident_events(profile)
    deployments = known_deployments().select(named_id="deployment_id", of_deployment="repository")
    joined = incidents.left_join(deployments, incidents.deployment_id == deployments.named_id)
    restore = between(joined.created_at, joined.resolved_at)
    from_deployment = (joined.repositories.length() == 0) & joined.of_deployment.notnull()
    return joined.select(
        "incident_id",
        "deployment_id",
        "created_at",
        "resolved_at",
        "service",
        "project",
        "source",
        "counted_in",
        "title",
        "url",
        known_deployment=joined.named_id.notnull(),
        repositories=ibis.cases((from_deployment, ibis.array([joined.of_deployment])), else_=joined.repositories),
        restore=restore,
        restore_us=not_negative(restore),
    )


def _counted(profile: Profile) -> Table:
    counted = incidents_fact(profile)
    shared = ("repositories", "service", "project", "counted_in")
    return counted.select(
        "incident_id",
        *shared,
        "restore_us",
        event=ibis.row_number().over(ibis.window(order_by="incident_id")),
        owner_key=ibis.dense_rank().over(ibis.window(order_by=[counted[name] for name in shared])),
        asked_us=epoch_us(counted.created_at.fill_null(counted.resolved_at)),
        happened_us=epoch_us(counted.resolved_at),
    )


def _repositories(_profile: Profile) -> Table:
    counted = INCIDENTS.table()
    own = counted.select("owner_key", repository=counted.repositories.unnest()).distinct()
    served = counted.filter((counted.repositories.length() == 0) & (counted.service != ""))
    served = served.select("owner_key", "service").distinct()
    deploys = runs().filter(lambda t: t.repository.notnull()).select("service", "repository").distinct()
    return ibis.union(own, served.inner_join(deploys, "service").select("owner_key", "repository"))


INCIDENTS = Model(
    "incidents",
    {
        "incident_id": "string",
        "service": "string",
        "repositories": "array<string>",
        "project": "string",
        "counted_in": "array<int64>",
        "restore_us": "int64",
        "event": "int64",
        "owner_key": "int64",
        "asked_us": "int64",
        "happened_us": "int64",
    },
    expression=_counted,
)
"""Incidents, open ones without ``happened_us`` and ``restore_us``: metrics count ``resolved_incidents``. ``event`` numbers them,
``owner_key`` their repositories, service and project and the places in ``incident_sources`` of those who call it an incident
(``counted_in``). Whose they are is asked for ``asked_us``, their creation (unknown: their resolution)."""


def resolved_incidents() -> Table:
    """Those of ``INCIDENTS`` that are resolved."""
    return INCIDENTS.table().filter(lambda incidents: incidents.happened_us.notnull())


INCIDENT_REPOSITORIES = Model(
    "incident_repositories", {"owner_key": "int64", "repository": "string"}, expression=_repositories
)
"""The repositories of every owner key: its own, else those that its service deploys from."""
