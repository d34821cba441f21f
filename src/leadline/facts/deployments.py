"""The fact `deployments`: one row per deployment and service, whether it is production, and what made it fail (metrics,
"Deployment frequency" and "Change failure rate").

What a deployment carries is in ``deployment_contents``, whose it is in ``ownership``.
"""

from __future__ import annotations

import ibis
from ibis.expr.types import Table, Value

from leadline.derive.expressions import attach
from leadline.engine.functions import epoch_us
from leadline.facts.item_incidents import incident_events
from leadline.facts.runs import EVENT, FINISHED, known_deployments, production_runs, runs, with_production
from leadline.materialize.model import Model
from leadline.settings.event_sources import incident_sources
from leadline.settings.profile import Profile


def latest_before(rows: Table, group: list[str], chosen: Value, asking: Value, *, same_instant: bool) -> Table:
    """Pairs of ``asking`` rows with the deployment of the last ``chosen`` row before: the rows' ``asks`` and ``deployment_id``.
    ``rows`` has group, us, deployment_id and asks. ``same_instant``: whether one of the same instant is before, too."""
    order = [rows.us, asking.asc() if same_instant else asking.desc(), rows.deployment_id]
    numbered = rows.mutate(
        chosen=chosen, asking=asking, position=ibis.row_number().over(ibis.window(group_by=group, order_by=order))
    )
    before = ibis.rows_window(preceding=(None, 1), group_by=group, order_by=numbered.position)
    looked = numbered.mutate(target=ibis.cases((numbered.chosen, numbered.position)).max().over(before))
    asked = looked.filter(looked.asking & looked.target.notnull()).select(*group, "asks", "target")
    targets = looked.filter(looked.chosen).select(*group, "deployment_id", target="position")
    # Groups may be null (a run without a repository), which must find each other too.
    same = [asked[name].identical_to(targets[name]) for name in group]
    return asked.inner_join(targets, [asked.target == targets.target, *same]).select(
        *(asked[name] for name in group), asked.asks, targets.deployment_id
    )


def _by_rollback() -> Table:
    """Production runs that a successful rollback undid: the latest finished non-rollback run of its repository and
    service before it that is not undone already, whatever that one's outcome; one that ended at the same instant is before it."""
    table = production_runs()
    table = table.filter(~table.rollback | (table.status == "success"))  # a rollback that failed undoes nothing
    group = ["class", "repository", "service"]
    # Runs and rollbacks are brackets: a rollback closes the latest run that is open. With runs as steps up and rollbacks
    # as steps down, never below the ground, those of one level alternate. At one instant runs come first: what a rollback
    # undoes was there before it, to whatever precision the tool tells when both ended.
    order = [table.finished_us, table.rollback.asc(), table.deployment_id]
    so_far = ibis.cumulative_window(group_by=group, order_by=order)
    steps = table.mutate(height=ibis.cases((table.rollback, -1), else_=1).sum().over(so_far))
    lowest = steps.height.min().over(so_far)
    steps = steps.mutate(depth=steps.height - ibis.least(lowest, 0))
    before = steps.depth.lag().over(ibis.window(group_by=group, order_by=order)).fill_null(0)
    steps = steps.mutate(level=ibis.cases((steps.rollback, before), else_=steps.depth))
    rows = steps.filter(steps.level > 0).mutate(us=steps.finished_us, asks=steps.deployment_id)
    undone = latest_before(rows, [*group, "level"], ~rows.rollback, rows.rollback, same_instant=True)
    return undone.select("class", *EVENT, by="asks")


def by_incident(profile: Profile) -> Table:
    """Successful production runs that an incident names or, for an incident that names none we know, that were the
    latest of its service (of its repository, if it has no service) before it: class, deployment_id, service, by (the
    incident) and ``counted_in``, the classes of incidents in which that is one."""
    table = production_runs()
    table = table.filter(table.status == "success")
    incidents = incident_events(profile)
    deployments = known_deployments().select(named_id="deployment_id")
    named = incidents.inner_join(deployments, incidents.deployment_id == deployments.named_id)
    by_name = named.select("incident_id", "deployment_id", "counted_in").inner_join(
        table.select("class", *EVENT), "deployment_id"
    )
    failures = [by_name.select("class", *EVENT, "counted_in", by="incident_id")]
    others = incidents.anti_join(deployments, incidents.deployment_id == deployments.named_id)
    others = others.filter(others.created_at.notnull())
    served = others.service != ""
    classes = table.select("class").distinct()
    for key, asking in (
        ("service", others.filter(served)),
        ("repository", others.filter(~served).mutate(repository=lambda t: t.repositories.unnest())),
    ):
        asked = asking.select(key=asking[key].strip(), us=epoch_us(asking.created_at), asks=asking.incident_id)
        questions = asked.cross_join(classes).select(
            "class", "key", "us", "asks", deployment_id=ibis.null("string"), question=ibis.literal(True)
        )
        answers = table.select(
            "class",
            key=table[key],
            us="finished_us",
            asks=ibis.null("string"),
            deployment_id="deployment_id",
            question=ibis.literal(False),
        )
        both = ibis.union(questions, answers)
        latest = latest_before(both, ["class", "key"], ~both.question, both.question, same_instant=False)
        hit = latest.inner_join(
            table,
            [latest["class"] == table["class"], latest.deployment_id == table.deployment_id, latest.key == table[key]],
        )
        hit = hit.select(latest["class"], latest.deployment_id, table.service, table.finished_us, by=latest.asks)
        # One of several repositories has several answers: the latest of these.
        whole = ibis.window(group_by=["class", "by"], order_by=[hit.finished_us.desc(), hit.deployment_id.desc()])
        hit = hit.mutate(last=hit.deployment_id.first().over(whole)).filter(lambda t: t.last == t.deployment_id)
        counted = asking.select("counted_in", asks=asking.incident_id).distinct()
        hit = hit.inner_join(counted, hit["by"] == counted.asks)
        failures.append(hit.select("class", *EVENT, "counted_in", "by"))
    return ibis.union(*failures)


def failure_class(profile: Profile, number: int, incidents: int) -> int:
    """How ``FAILURES`` numbers what failed in a class of production for those who call an incident what the class ``incidents``
    of incidents says; without incidents all say the same."""
    return number * len(incident_sources(profile)) + incidents if profile["cfr.source"] == "incidents" else number


def _failures(profile: Profile) -> Table:
    if profile["cfr.source"] == "incidents":
        failures = by_incident(profile)
        failures = failures.mutate(of_incidents=failures.counted_in.unnest())
        several = len(incident_sources(profile))
        failures = failures.mutate(**{"class": failures["class"] * several + failures.of_incidents})
    else:
        failures = _by_rollback()
    number = failures["class"]
    return failures.group_by(EVENT).agg(
        failed_by=failures.by.collect(order_by=failures.by, distinct=True),
        failed_in=number.collect(order_by=number, distinct=True),
    )


def _counted(profile: Profile) -> Table:
    """Every finished run that is production in some class, with what metrics count of it."""
    table = runs()
    table = with_production(table.filter(table.status.isin(FINISHED) & table.finished_at.notnull()))
    table = attach(table.filter(table.classes.length() > 0), EVENT, FAILURES.table())
    succeeded = table.status == "success"
    by_incident = profile["cfr.source"] == "incidents"
    undone_in = table.failed_in.fill_null(ibis.literal([], "array<int64>"))
    failed_in = undone_in if by_incident else ibis.cases((succeeded, undone_in), else_=table.classes)
    tagged = bool(profile.rule_texts("tag", "label"))
    table = table.mutate(
        failed_in=failed_in,
        rule_tags=table.tags.join(";") if tagged else ibis.null("string"),
    )
    shared = ["repository", "service", "pipeline", "environment", "rule_tags", "classes", "failed_in"]
    return table.select(
        *EVENT,
        "repository",
        "pipeline",
        "environment",
        "failed_in",
        production_in="classes",
        tags="rule_tags",
        event=ibis.row_number().over(ibis.window(order_by=EVENT)),
        owner_key=ibis.dense_rank().over(ibis.window(order_by=[table[name] for name in shared])),
        happened_us=epoch_us(table.finished_at),
        succeeded=succeeded,
        counted=succeeded if by_incident else ibis.literal(True),
    )


FAILURES = Model(
    "deployment_failures",
    {
        "deployment_id": "string",
        "service": "string",
        "failed_by": "array<string>",
        "failed_in": "array<int64>",
    },
    expression=_failures,
)
"""What made production runs fail beside their own status: ids of rollbacks or of incidents, by `cfr.source`, and the classes in
which they do, as ``failure_class`` numbers them."""

DEPLOYMENTS = Model(
    "deployments",
    {
        "deployment_id": "string",
        "service": "string",
        "repository": "string",
        "pipeline": "string",
        "environment": "string",
        "tags": "string",
        "production_in": "array<int64>",
        "failed_in": "array<int64>",
        "event": "int64",
        "owner_key": "int64",
        "happened_us": "int64",
        "succeeded": "boolean",
        "counted": "boolean",
    },
    expression=_counted,
)
"""Finished production runs per service: what metrics count. ``event`` numbers them, ``owner_key`` what rules look at, where they
count and where they failed; ``production_in`` are the classes of production in which each is a deployment, ``failed_in`` those
in which it failed (``failure_class``); ``tags`` are joined by `;` and null unless a rule looks at them."""
