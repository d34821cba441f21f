"""What in the settings or the data is probably not meant: team rules that match nothing, instants in the wrong order.

A project comes in; sentences go out, for `leadline status`. Nothing here changes a number: facts say in `why` what such a
row counts for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leadline.engine import Engine
    from leadline.home import Project
    from leadline.people.team_rules import Thing
    from leadline.people.tree import Node, OrgTree
    from leadline.settings.profile import Profile

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
    from leadline.engine import Engine

    snapshot = project.lake.snapshot()
    with Engine(temp_dir=project.temp, memory_limit=project.home.settings.memory_limit) as engine:
        engine.bind_snapshot(snapshot, ["deployments", "work_items", *(table for table, *_ in _ORDER)])
        return [*_rules(project, engine), *_out_of_order(engine)]


def _out_of_order(engine: Engine) -> Iterator[str]:
    for table, first, then, sentence in _ORDER:
        ((rows,),) = engine.execute(f"SELECT count(*) FROM {table} WHERE {then} < {first}")
        if rows:
            yield f"{rows:,} rows of {table} {sentence}"


def _rules(project: Project, engine: Engine) -> Iterator[str]:
    from leadline.people import tree, trees

    known = [tree(project, each.name) for each in trees(project)]
    profiles: list[tuple[Profile, Sequence[OrgTree]]] = [(project.profile(), known)]
    profiles += [(project.profile(each.name), [each]) for each in known]
    things: Sequence[Thing] | None = None
    told: set[str] = set()
    for profile, of_trees in profiles:
        for team, rules in sorted(profile.team_rules.items()):
            things = _things(engine) if things is None else things
            for sentence in _of_team(engine, team, rules, of_trees, things):
                if sentence not in told:
                    told.add(sentence)
                    yield sentence


def _things(engine: Engine) -> Sequence[Thing]:
    from leadline.people.team_rules import deployment_thing

    rows = engine.execute(
        "SELECT DISTINCT repository, unnest(string_split(coalesce(service, ''), ';')), pipeline, environment, "
        "array_to_string(tags, ';') FROM deployments"
    )
    return [deployment_thing(repository, service.strip(), *others) for repository, service, *others in rows]


def _of_team(
    engine: Engine,
    team: str,
    rules: Mapping[str, Any],
    trees: Sequence[OrgTree],
    things: Sequence[Thing],
) -> Iterator[str]:
    from leadline.people.team_rules import PROPERTIES, TeamRule

    if _node(team, trees) is None:
        yield f"team.{team}: no org tree has a team {team!r}"
        return
    sets = {name: filters for name, filters in rules.items() if name in PROPERTIES}
    empty = [
        name for name, filters in sets.items() if not any(TeamRule(0, {name: filters}).matches(each) for each in things)
    ]
    for name in empty:
        yield f"team.{team}.{name} matches no deployment"
    if sets and not empty and not any(TeamRule(0, sets).matches(each) for each in things):
        yield f"team.{team}: no deployment matches all of {', '.join(sorted(sets))}"
    if "project" in rules:
        yield f"team.{team}.project matches nothing: deployments and incidents have no project"
    if "work_type" in rules:
        types = {name for (name,) in engine.execute("SELECT DISTINCT lower(trim(type)) FROM work_items")}
        if unknown := sorted(set(rules["work_type"]) - types):
            yield f"team.{team}.work_type names types that no work item has: {', '.join(unknown)}"


def _node(team: str, trees: Sequence[OrgTree]) -> Node | None:
    return next((node for each in trees if (node := each.find(team)) is not None), None)
