"""What in the settings or the data is probably not meant; no number changes by it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from leadline.engine import Engine
from leadline.engine.tables import schema_table
from leadline.home import Project
from leadline.people import tree, trees
from leadline.people.team_rules import PROPERTIES, TeamRule, Thing, deployment_thing
from leadline.people.tree import OrgTree

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


def oddities(project: Project) -> list[str]:
    """A sentence for every oddity, those of the settings first. Raises ``StoreError``."""
    snapshot = project.lake.snapshot()
    shared = _same_commits(project) if snapshot.versions else []
    with Engine(temp_dir=project.temp, memory_limit=project.home.settings.memory_limit) as engine:
        engine.bind_snapshot(snapshot, [table for table, *_ in _ORDER])
        return [*_rules(project, engine), *_out_of_order(engine), *shared]


def _out_of_order(engine: Engine) -> Iterator[str]:
    for name, first, later, sentence in _ORDER:
        table = schema_table(name)
        disordered = table.filter(table[later] < table[first])
        (rows,) = engine.arrow(disordered.aggregate(rows=disordered.count()))["rows"].to_pylist()
        if rows:
            yield f"{rows:,} rows of {name} {sentence}"


def _same_commits(project: Project) -> list[str]:
    """Pairs of repositories with commits in common: one that was renamed, or a fork."""
    from leadline.facts.commits import SHARED
    from leadline.facts.policy import BUILD_POLICY
    from leadline.materialize.session import session

    versions = project.lake.snapshot().versions
    tree_versions = {summary.name: summary.version for summary in trees(project)}
    with session(project, versions, tree_versions, project.profile(), BUILD_POLICY) as opened:
        opened.facts.bind([SHARED])
        opened.facts.bind_raw(tables=["commits"])
        shared = SHARED.table()
        pairs = shared.filter(shared.repository != shared.first_repository)
        pairs = pairs.group_by("first_repository", "repository").agg(common=lambda t: t.count())
        commits = schema_table("commits")
        sizes = commits.group_by("repository").agg(rows=lambda t: t.count())
        rows = opened.engine.arrow(pairs.order_by("first_repository", "repository")).to_pylist()
        if not rows:
            return []
        counts = dict(zip(*opened.engine.arrow(sizes).to_pydict().values(), strict=True))
    return [_in_common(row["first_repository"], row["repository"], row["common"], counts) for row in rows]


def _in_common(one: str, other: str, common: int, counts: Mapping[str, int]) -> str:
    whole = next((name for name in (one, other) if counts[name] == common), None)
    some = f"{common:,} commit{'s' if common > 1 else ''}"
    how = some if whole is None else f"all {some} of {whole}"
    return (
        f"{one} and {other} have {how} in common: a fork, or one repository that was renamed; if so, list the old name as "
        "`former_names` of the new one in the table repositories"
    )


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
    things = _things(engine) if rules else []
    sentences = (
        sentence for team, sets, of_trees in rules for sentence in _of_team(engine, team, sets, of_trees, things)
    )
    yield from dict.fromkeys(sentences)


def _things(engine: Engine) -> Sequence[Thing]:
    """What team rules may name: every service, pipeline, environment and tag that was deployed, by repository."""
    table = schema_table("deployments")
    named = table.select(
        "repository",
        "pipeline",
        "environment",
        service=table.service.fill_null("").split(";").unnest(),
        tags=table.tags,
    )
    return [
        deployment_thing(
            [row["repository"]],
            row["service"].strip(),
            row["pipeline"],
            row["environment"],
            ";".join(row["tags"] or ()),
        )
        for row in engine.arrow(named.distinct()).to_pylist()
    ]


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
    ]
    for name in empty:
        yield f"team.{team}.{name} matches no deployment"
    if sets and not empty and not any(TeamRule(0, sets).matches(thing) for thing in things):
        yield f"team.{team}: no deployment matches all of {', '.join(sorted(sets))}"
    if "project" in rules:
        yield f"team.{team}.project matches nothing: deployments and incidents have no project"
    if "work_type" in rules:
        table = schema_table("work_items")
        types = engine.arrow(table.select(type=table.type.strip().lower()).distinct())["type"].to_pylist()
        if unknown := sorted(set(rules["work_type"]).difference(types)):
            yield f"team.{team}.work_type names types that no work item has: {', '.join(unknown)}"
