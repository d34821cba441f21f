"""Deployments of whatever source, one row per deployment and service: runs of pipelines, releases, merges and versions of
the tracker; and which of them are production for whom."""

from __future__ import annotations

import ibis
from ibis.expr.types import Table

from leadline.engine import schema_table
from leadline.engine.functions import INSTANT, epoch_us
from leadline.facts.code_deployments import CODE_DEPLOYMENTS, ENVIRONMENT
from leadline.facts.production import ENVIRONMENTS
from leadline.settings.event_sources import PIPELINES

EVENT = ["deployment_id", "service"]
FINISHED = ("success", "failure")


def runs() -> Table:
    """One row per deployment and service: what is known of it. A cell may name several services, separated by `;`: one run
    deploys them all. None is the service ''. ``source`` is `pipelines`, `releases`, `merges` or `versions`; all but the
    first have ``code_classes``, the classes of production in which they are deployments."""
    table = schema_table("deployments")
    cell = table.service.fill_null("")
    several = table.mutate(
        service=cell.split(";").unnest(),
        none=cell.replace(";", "").strip() == "",
        rollback=table.rollback.fill_null(False),
    )
    named = several.mutate(service=several.service.strip())
    of_pipelines = named.filter(named.none | (named.service != "")).distinct()
    unknown = {
        "source": ibis.literal(PIPELINES),
        "code_classes": ibis.null("array<int64>"),
        "branch": ibis.null("string"),
        "tag": ibis.null("string"),
        "title": ibis.null("string"),
    }
    code = CODE_DEPLOYMENTS.table()
    of_code = code.mutate(
        service=ibis.literal(""),
        environment=ibis.literal(ENVIRONMENT),
        pipeline=ibis.null("string"),
        status=ibis.literal("success"),
        rollback=ibis.literal(False),
        started_at=ibis.null(INSTANT),
    ).rename(code_classes="classes")
    columns = (
        *("deployment_id", "service", "repository", "environment", "sha", "pipeline", "status", "rollback"),
        *("started_at", "finished_at", "tags", "url", *unknown),
    )
    return of_pipelines.mutate(**unknown).select(*columns).union(of_code.select(*columns))


def production_runs() -> Table:
    """Finished production runs, once per class of production: class, deployment_id, service, repository, status,
    rollback, finished_us."""
    table = runs()
    finished = table.filter(table.status.isin(FINISHED) & table.finished_at.notnull())
    finished = finished.mutate(finished_us=epoch_us(finished.finished_at))
    columns = ("class", *EVENT, "repository", "status", "rollback", "finished_us")
    environments = ENVIRONMENTS.table().filter(lambda t: t.counts)
    environments = environments.select("class", of_environment=lambda t: t.environment.fill_null(""))
    of_pipelines = finished.filter(finished.code_classes.isnull())
    joined = of_pipelines.inner_join(
        environments, of_pipelines.environment.fill_null("") == environments.of_environment
    )
    of_code = finished.filter(finished.code_classes.notnull())
    return joined.select(*columns).union(of_code.mutate(**{"class": of_code.code_classes.unnest()}).select(*columns))


def with_production(table: Table) -> Table:
    """``runs`` with ``classes``, those of production in which each is a deployment, and ``called_production``, whether any
    calls its environment so, whatever it counts."""
    environments = ENVIRONMENTS.table()
    number = environments["class"]
    production = environments.group_by(of_environment=environments.environment.fill_null("")).agg(
        in_classes=number.collect(order_by=number, where=environments.counts)
    )
    joined = table.left_join(production, table.environment.fill_null("") == production.of_environment)
    is_code = joined.code_classes.notnull()
    classes = ibis.cases((is_code, joined.code_classes), else_=joined.in_classes)
    return joined.mutate(
        classes=classes.fill_null(ibis.literal([], "array<int64>")),
        called_production=is_code | joined.of_environment.notnull(),
    ).drop("in_classes", "of_environment", "code_classes")


def known_deployments() -> Table:
    """The ids of all deployments, with the repository of each."""
    of_pipelines = schema_table("deployments").select("deployment_id", "repository")
    return of_pipelines.union(CODE_DEPLOYMENTS.table().select("deployment_id", "repository"))
