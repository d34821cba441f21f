"""What in the settings or the data is probably not meant; no number changes by it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import ibis
from ibis.expr.types import Table

from leadline.derive import names
from leadline.diagnostics.same_commits import same_commits
from leadline.diagnostics.sprints import LABEL, left_out_sprints, matches_an_item, unmatched_item_rules
from leadline.diagnostics.uncounted_environments import uncounted_environments
from leadline.diagnostics.unmatched_names import unmatched_names
from leadline.engine import Engine
from leadline.engine.spellings import Spellings
from leadline.engine.tables import schema_table
from leadline.facts.code_deployments import ENVIRONMENT
from leadline.home import Project
from leadline.people import tree, trees
from leadline.people.team_rules import PROPERTIES, TeamRule, Thing, deployment_thing
from leadline.people.tree import OrgTree
from leadline.settings.event_sources import INCIDENT_FILTERS, MERGES, VERSIONS, deployment_sources

_ORDER = (
    ("deployments", "started_at", "finished_at", "finished before they started"),
    ("incidents", "created_at", "resolved_at", "were resolved before they were created: time to restore is cut to 0"),
    (
        "work_items",
        "created_at",
        "completed_at",
        "were completed before they were created: negative stages are cut to 0",
    ),
    ("pull_requests", "created_at", "merged_at", "were merged before they were created: negative stages are cut to 0"),
)

_TOLD = 20
"""Names of a kind that are told at most."""


def oddities(project: Project) -> list[str]:
    """A sentence for every oddity, those of the settings first. Raises ``StoreError``."""
    snapshot = project.lake.snapshot()
    further = _of_names(project, snapshot.versions) if snapshot.versions else []
    with Engine.of(project.home) as engine:
        engine.bind_snapshot(snapshot, [*(table for table, *_ in _ORDER), "releases", "versions", "sprints"])
        return [*_rules(project, engine), *_out_of_order(engine), *further]


def _of_names(project: Project, versions: Mapping[str, int]) -> list[str]:
    """What is odd of environments, repositories and services by their names."""
    from leadline.facts.policy import BUILD_POLICY
    from leadline.materialize.session import session

    org_trees = [tree(project, summary.name) for summary in trees(project)]
    profile = project.profile()
    profiles = [profile, *(project.profile(org_tree.name) for org_tree in org_trees)]
    tree_versions = {org_tree.name: org_tree.version for org_tree in org_trees}
    with session(project, versions, tree_versions, profile, BUILD_POLICY) as opened:
        opened.facts.bind_raw(tables=["repositories", "commits", "pull_requests", "deployments"])
        return [
            *unmatched_names(opened, profiles),
            *uncounted_environments(opened, profiles, org_trees),
            *same_commits(opened),
            *_by_case_only(opened.facts.spellings, "repository", "repositories"),
            *_by_case_only(opened.facts.spellings, "service", "services"),
            *left_out_sprints(opened),
        ]


def _by_case_only(spellings: Spellings, column: str, nouns: str) -> list[str]:
    """A sentence for each name that rows write in several letter cases."""
    written: dict[str, set[str]] = {}
    for columns in spellings.replaced.values():
        for text, read in columns.get(column, {}).items():
            pairs = (
                zip(names.services(text), names.services(read), strict=False) if column == "service" else [(text, read)]
            )
            for spelled, shown in pairs:
                if spelled != shown and spelled.lower() == shown.lower():
                    written.setdefault(shown, set()).add(spelled)
    told = [
        f"{nouns} {', '.join([shown, *sorted(others)])} differ in letter case alone: they are one, shown as {shown}"
        for shown, others in sorted(written.items())
    ]
    return told[:_TOLD] + (
        [f"{len(told) - _TOLD:,} more {nouns} are written in several letter cases"] * (len(told) > _TOLD)
    )


def _out_of_order(engine: Engine) -> Iterator[str]:
    for name, first, later, sentence in _ORDER:
        table = schema_table(name)
        disordered = table.filter(table[later] < table[first])
        (rows,) = engine.arrow(disordered.aggregate(rows=disordered.count()))["rows"].to_pylist()
        if rows:
            yield f"{rows:,} rows of {name} {sentence}"


def _rules(project: Project, engine: Engine) -> Iterator[str]:
    org_trees = [tree(project, summary.name) for summary in trees(project)]
    profiles = [
        (project.profile(), org_trees),
        *((project.profile(org_tree.name), [org_tree]) for org_tree in org_trees),
    ]
    rules = [
        (team, team_rules, of_trees)
        for profile, of_trees in profiles
        for team, team_rules in sorted(profile.team_rules.items())
    ]
    sources = {source.source for profile, _ in profiles for source in deployment_sources(profile)}
    things = _things(engine, sources) if rules else []
    sentences = (
        sentence for team, sets, of_trees in rules for sentence in _of_team(engine, team, sets, of_trees, things)
    )
    yield from dict.fromkeys(sentences)


def _things(engine: Engine, sources: Collection[str]) -> Sequence[Thing]:
    """What team rules may name: every service, pipeline, environment and tag that was deployed, by repository; a release's tag, and
    where these are deployments, the labels of merges and the names of versions."""
    table = schema_table("deployments")
    named = table.select(
        "repository",
        "pipeline",
        "environment",
        service=table.service.fill_null("").split(";").unnest(),
        tags=table.tags,
    )
    unknown = {"pipeline": ibis.null("string"), "environment": ibis.literal(ENVIRONMENT), "service": ibis.literal("")}
    releases, pulls = schema_table("releases"), schema_table("pull_requests")
    pulls = pulls.filter(pulls.merged_at.notnull())
    of_code = [
        releases.mutate(tags=ibis.array([releases.tag])),
        *([pulls.mutate(tags=pulls.labels)] if MERGES in sources else []),
        *([_versions()] if VERSIONS in sources else []),
    ]
    parts = [named, *(rows.mutate(**unknown).select(*named.columns) for rows in of_code)]
    return [
        deployment_thing(
            [row["repository"]],
            row["service"].strip(),
            row["pipeline"],
            row["environment"],
            ";".join(row["tags"] or ()),
        )
        for row in engine.arrow(ibis.union(*parts, distinct=True)).to_pylist()
    ]


def _versions() -> Table:
    """A version may be a deployment of any repository."""
    versions, repositories = schema_table("versions"), schema_table("pull_requests").select("repository").distinct()
    released = versions.filter(versions.released_at.notnull()).select(tags=ibis.array([versions.name]))
    return released.cross_join(repositories).union(released.mutate(repository=ibis.null("string")))


def _of_team(
    engine: Engine, team: str, rules: Mapping[str, Any], org_trees: Sequence[OrgTree], things: Sequence[Thing]
) -> Iterator[str]:
    if all(org_tree.find(team) is None for org_tree in org_trees):
        yield f"team.{team}: no org tree has a team {team!r}"
        return
    sets = {name: filters for name, filters in rules.items() if name in PROPERTIES}
    empty = [
        name
        for name, filters in sets.items()
        if not any(TeamRule(0, {name: filters}).matches(thing) for thing in things)
        and not (name == LABEL and matches_an_item(engine, name, filters))
    ]
    for name in empty:
        yield f"team.{team}.{name} matches no deployment"
    if sets and not empty and not any(TeamRule(0, sets).matches(thing) for thing in things):
        yield f"team.{team}: no deployment matches all of {', '.join(sorted(sets))}"
    yield from unmatched_item_rules(engine, team, rules)
    yield from _incident_rules(engine, team, rules)
    if "work_type" in rules:
        table = schema_table("work_items")
        types = engine.arrow(table.select(type=table.type.strip().lower()).distinct())["type"].to_pylist()
        if unknown := sorted(set(rules["work_type"]).difference(types)):
            yield f"team.{team}.work_type names types that no work item has: {', '.join(unknown)}"


def _incident_rules(engine: Engine, team: str, rules: Mapping[str, Any]) -> Iterator[str]:
    """Rules over work items of which none has what they ask for."""
    items = schema_table("work_items")
    for name in INCIDENT_FILTERS:
        if (filters := rules.get(f"incident.{name}")) is None:
            continue
        values = items.labels if name == "label" else ibis.array([items[name]])
        things = engine.arrow(items.select(values=values).distinct())["values"].to_pylist()
        if not any(TeamRule(0, {name: filters}).matches({name: texts or ()}) for texts in things):
            yield f"team.{team}.incident.{name} matches no work item"
