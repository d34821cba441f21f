"""The facts that belong to teams, deployments and incidents, as ``leadline facts`` shows them, with the teams and the reasons in
words."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
from ibis.expr.types import StringValue, Table, Value

from leadline.derive.expressions import attach, joined, reasons, with_seconds
from leadline.derive.production import DEFAULT_CLASS
from leadline.engine import BoundTable
from leadline.facts.changes import carried_changes
from leadline.facts.deployment_contents import ANCHORS, CARRIED
from leadline.facts.deployments import DEPLOYMENTS, FAILURES, by_incident
from leadline.facts.incidents import INCIDENTS, incidents_fact
from leadline.facts.ownership import by_repositories, by_rules
from leadline.facts.pull_requests import PR
from leadline.facts.runs import EVENT, FINISHED, runs, with_production
from leadline.settings.event_sources import MERGES, PIPELINES, RELEASES, VERSIONS, WORK_ITEMS
from leadline.settings.profile import Profile

TEAM_PATHS = BoundTable("team_paths", {"of_unit": "int64", "path": "string", "ref_id": "string"})
"""The nodes that deployments and incidents may count for, in order of the tree."""

_FALLBACK_HOW = "repositories its people merged to in the days before"


def deployments(profile: Profile, has_team_rules: bool, dated: bool) -> Table:
    """One row per deployment and service. ``has_team_rules`` says whether any team rule is in force, ``dated`` whether people
    move."""
    teams = _teams("deployments", EVENT, has_team_rules, dated)
    table = attach(runs(), EVENT, FAILURES.table(), _contents(profile), _undone(), teams)
    table = attach(table, ["deployment_id"], ANCHORS.table().select("deployment_id", "note"))
    table = with_production(table)
    finished = table.status.isin(FINISHED)
    by_incident = profile["cfr.source"] == "incidents"
    undone = table.failed_by.notnull()
    broken = table.status == "failure"
    itself = ibis.cases((broken, ibis.array([table.deployment_id])), else_=ibis.literal([], "array<string>"))
    is_production = table.called_production
    counts = table.classes.length() > 0
    is_code = table.source != PIPELINES
    succeeded = counts & (table.status == "success").fill_null(False) & table.finished_at.notnull()
    rolls_back = table.rollback & ~ibis.literal(by_incident) & counts
    first = table.finished_at.min(where=succeeded).over(ibis.window(group_by=["repository", "service"]))
    carries_nothing = succeeded & table.repository.notnull() & table.commits.isnull()
    by_default = table.classes.contains(DEFAULT_CLASS)
    why = reasons(
        (table.source == RELEASES, ibis.literal("the release ") + table.tag),
        (table.source == MERGES, ibis.literal("a merge into ") + table.branch),
        (table.source == VERSIONS, ibis.literal("the version ") + table.tags.join(";")),
        (~is_production, "not production: counts in nothing"),
        (is_production & ~counts, "a run of a pipeline: deployments come from elsewhere (deployments.source)"),
        (counts & ~by_default & ~is_code, "production by an environment rule alone, or by a team's deployments.source"),
        (is_code & ~by_default, "a deployment only by a team's rule deployments.source"),
        (table.status.isnull(), "no status: not finished"),
        (table.status.notnull() & ~finished, table.status + ": counts in nothing"),
        (table.finished_at.isnull(), "no finish known: counts in no period"),
        (table.finished_at < table.started_at, "finished before it started"),
        (table.rollback & ~rolls_back, "a rollback"),
        (rolls_back & broken, "a rollback that failed: undoes nothing"),
        (rolls_back & ~broken & table.undoes.isnull(), "a rollback, of nothing that is known"),
        (rolls_back & ~broken & table.undoes.notnull(), ibis.literal("a rollback, of ") + table.undoes),
        (is_production & broken, "failed: carries nothing"),
        (carries_nothing & (table.finished_at == first), "the first known of its service: carries nothing"),
        (carries_nothing & (table.finished_at > first), "carries nothing new"),
        (broken & is_production & ibis.literal(by_incident), "failed: change failure rate looks at incidents alone"),
        (undone & ibis.literal(by_incident), "failed: it caused incidents"),
        (undone & ~ibis.literal(by_incident), "failed: it was rolled back"),
        (
            undone & ~broken & by_default & ~table.failed_in.contains(DEFAULT_CLASS),
            "failed only for teams with an environment rule or sources of their own",
        ),
        (table.repository.isnull(), "no repository: carries nothing"),
    )
    failed_by = itself.concat(table.failed_by.fill_null(ibis.literal([], "array<string>")))
    return table.mutate(
        production=is_production,
        outcome=ibis.cases((finished & (undone | broken), "failure"), (finished, "success")),
        failed_by=ibis.cases((failed_by.length() > 0, failed_by)),
        why=joined(why, table.note.fill_null(""), _teams_in_words(table, counts & finished)),
    )


def _undone() -> Table:
    """Per run the deployments that failed by it, in words (``undoes``)."""
    failures = FAILURES.table().mutate(by=lambda t: t.failed_by.unnest())
    return failures.group_by(deployment_id="by", service="service").agg(
        undoes=failures.deployment_id.collect(order_by=failures.deployment_id).join(", ")
    )


def _contents(profile: Profile) -> Table:
    """What each run carries for its service: commits, and the pull requests whose merge is among them."""
    carried = CARRIED.table()
    # Under several classes of production a run carries what the first one that knows it says.
    first = carried["class"].min().over(ibis.window(group_by=EVENT))
    carried = carried.mutate(first=first)
    carried = carried.filter(carried["class"] == carried.first)
    shas = carried.group_by(EVENT).agg(commits=carried.sha.collect(order_by=carried.sha))
    contents = carried_changes(carried, profile)
    first = ibis.row_number().over(
        ibis.window(group_by=["service", *PR], order_by=[contents.deployed_at, contents.deployment_id, contents.way])
    )
    contents = contents.mutate(position=first).filter(lambda t: t.position == 0)
    name = contents.repository + "#" + contents.number.cast("string")
    order = [contents.repository, contents.number]
    return attach(shas, EVENT, contents.group_by(EVENT).agg(pull_requests=name.collect(order_by=order)))


def incidents(profile: Profile, has_team_rules: bool, dated: bool) -> Table:
    """One row per incident, as ``deployments``."""
    blamed = by_incident(profile).filter(lambda t: t["class"] == DEFAULT_CLASS)
    blamed = blamed.group_by(incident_id="by").agg(by_rule=blamed.deployment_id.min())
    fact = incidents_fact(profile)
    teams = _teams("incidents", ["incident_id"], has_team_rules, dated)
    table = attach(fact.filter(fact.counted_in.length() > 0), ["incident_id"], teams)
    # One by one: of two parts that come from incidents themselves, ibis takes one's key for the other's.
    table = attach(table, ["incident_id"], blamed)
    resolved = table.resolved_at.notnull()
    named = table.known_deployment
    served = table.service != ""
    why = reasons(
        (table.source == WORK_ITEMS, ibis.literal("a work item of ") + table.project),
        (~table.counted_in.contains(0), "an incident only by a team's rules"),
        (~resolved, "not resolved: counts in no period"),
        (resolved & table.created_at.isnull(), "creation unknown: no time to restore"),
        (table.restore < 0, "resolved before it was created: cut to 0"),
        (
            table.deployment_id.notnull() & ~named,
            ibis.literal("names a deployment that is not known: ") + table.deployment_id,
        ),
        (named, "deployment: the one that it names"),
        (~named & table.by_rule.isnull(), "no production deployment before it is known"),
        (~named & table.by_rule.notnull() & served, "deployment: the latest of its service before it"),
        (~named & table.by_rule.notnull() & ~served, "deployment: the latest of its repository before it"),
    )
    shown = table.mutate(
        why=joined(why, _teams_in_words(table, resolved)),
        service=table.service.nullif(""),
        deployment_id=ibis.cases((named, table.deployment_id), else_=table.by_rule),
    )
    return with_seconds(shown, ("restore",))


def _teams_in_words(table: Table, counts: Value) -> StringValue:
    return ibis.cases(
        (table.how.notnull(), ibis.literal("teams by ") + table.how.join("; by ")),
        (
            counts,
            "no team: nobody merged to its repository in the days before (deployments.team_days), and no rule matches it",
        ),
        else_=ibis.literal(""),
    )


def _teams(kind: str, key: list[str], has_team_rules: bool, dated: bool) -> Table:
    """Per event the teams for which it counts, and in words by which of the rules."""
    events = (DEPLOYMENTS if kind == "deployments" else INCIDENTS).table()
    ways = by_repositories(kind, events, dated).mutate(how=ibis.literal(_FALLBACK_HOW))
    if has_team_rules:
        ways = ways.union(by_rules(kind, events, dated)).distinct()
    return teams_by_ways(events.select("event", *key).inner_join(ways, "event").drop("event"), key)


def teams_by_ways(owned: Table, key: Sequence[str]) -> Table:
    """Per ``key`` of ``owned`` (of_unit, how) the paths and ref ids of its teams, and in words how they have it."""
    paths = TEAM_PATHS.table()
    named = owned.inner_join(paths, "of_unit")
    ways = named.group_by(*key, "how").agg(paths=named.path.collect(order_by=named.of_unit), first=named.of_unit.min())
    in_words = ways.group_by(key).agg(
        # All by one rule need not be listed twice.
        how=ibis.cases(
            (ways.count() == 1, ways.how.collect()),
            else_=(ways.how + ": " + ways.paths.join(", ")).collect(order_by=[ways.first, ways.how]),
        )
    )
    units = owned.select(*key, "of_unit").distinct().inner_join(paths, "of_unit")
    teams = units.group_by(key).agg(
        teams=units.path.collect(order_by=units.of_unit), team_ids=units.ref_id.collect(order_by=units.of_unit)
    )
    return attach(teams, key, in_words)
