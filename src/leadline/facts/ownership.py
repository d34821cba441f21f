"""Whose a deployment or an incident is: by the rules in force for a team, else by the repositories its people merge to.

A tree, its rules and the rows' units come in and are bound in the engine; expressions go out that pair units and periods
with places (metrics, "Which team does a deployment, build or incident belong to?"). A place is what rules and
repositories look at, the same for many events; a unit has the places of all nodes below it, each once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
from ibis.expr.types import Table

from leadline.derive.expressions import local_day
from leadline.derive.local_time import Offset
from leadline.derive.production import DEFAULT_CLASS, class_of, is_production_name
from leadline.engine.functions import epoch_us
from leadline.facts.accounts import ACCOUNTS
from leadline.facts.deployments import DEPLOYMENTS
from leadline.facts.incidents import INCIDENT_REPOSITORIES, INCIDENTS
from leadline.facts.pull_requests import authored_pull_requests
from leadline.materialize.model import Model
from leadline.people.team_rules import TeamRule, TeamRules, deployment_thing, environment_rules
from leadline.people.tree import Node, OrgTree
from leadline.settings.profile import Profile

if TYPE_CHECKING:
    from leadline.engine import Engine

FALLBACK = "fallback_members"
"""Bound per run: of_unit, member: the people of each unit without a rule in force."""
UNIT_RULES = "unit_rules"
"""Bound per run: of_unit, rule, how: the rules in force for the unit or for any node below it, and in words which."""
UNIT_REPOSITORIES = "unit_repositories"
"""Within a query: of_unit, period, repository: where the people of each unit without a rule merged in each period."""
DEVELOPER_CLASSES = "developer_classes"
"""Bound per run: class_developer, class; developers not listed are of the default class of production."""


def _merged(_profile: Profile) -> Table:
    pulls = authored_pull_requests()
    merged = pulls.filter(pulls.merged_at.notnull() & pulls.developer.notnull())
    return merged.select("developer", "repository", happened_us=epoch_us(merged.merged_at))


MERGES_BY_DEVELOPER = Model(
    "merged",
    {"developer": "string", "repository": "string", "happened_us": "int64"},
    reads=("pull_requests",),
    expression=_merged,
    needs=(ACCOUNTS,),
)
"""Merges by known developers: by these a team without rules has its repositories."""


def needed(kind: str) -> tuple[Model, ...]:
    """The stored tables that ``placed`` reads for a kind of events: `deployments`, `failures` (deployments that failed)
    or `incidents`."""
    return (
        (INCIDENTS, INCIDENT_REPOSITORIES, DEPLOYMENTS, MERGES_BY_DEVELOPER)
        if kind == "incidents"
        else (DEPLOYMENTS, MERGES_BY_DEVELOPER)
    )


# -- expressions -------------------------------------------------------------------------------------------------------


def in_period(table: Table, zone: Sequence[Offset], days: str) -> Table:
    """The rows of ``table`` (happened_us) in range, with their local day and period. ``days`` is bound per run: of_day,
    period."""
    table = table.mutate(day=local_day(table.happened_us, zone))
    periods = ibis.table({"of_day": "int64", "period": "int64"}, name=days)
    return table.inner_join(periods, table.day == periods.of_day)


def by_repositories(kind: str, merged: Table) -> Table:
    """(of_unit, period, place) of the places in the repositories that a unit without rules merged to in the period.
    ``merged`` has developer, repository and period of every merge."""
    members = ibis.table({"of_unit": "int64", "member": "string"}, name=FALLBACK)
    # Each person's repositories first: they are far fewer than merges, and a large unit has thousands of people.
    theirs = merged.distinct()
    theirs = members.inner_join(theirs, members.member == theirs.developer)
    # By its name the engine knows that deployments and incidents ask for the same, and works it out once.
    theirs = theirs.select("of_unit", "period", "repository").distinct().alias(UNIT_REPOSITORIES)
    found = theirs.inner_join(_repositories(kind), "repository").select("of_unit", "period", "place")
    # A deployment has one repository, so none is found twice.
    return found.distinct() if kind == "incidents" else found


def by_rules(kind: str) -> Table:
    """(of_unit, place, how) of the places that rules in force for a unit, or for a node below it, match."""
    rules = ibis.table({"of_unit": "int64", "rule": "int64", "how": "string"}, name=UNIT_RULES)
    matches = ibis.table({"rule": "int64", "place": "int64"}, name=_matches(kind))
    return rules.inner_join(matches, "rule").select("of_unit", "place", "how")


def placed(kind: str, merged: Table, periods: Table, ruled: bool) -> Table:
    """Distinct (of_unit, period, place) of all that counts for each unit, by repositories and by rules. ``periods`` has
    every period; ``ruled`` says whether any rule is in force."""
    found = by_repositories(kind, merged)
    if not ruled:
        return found
    ours = by_rules(kind).select("of_unit", "place").cross_join(periods.select("period"))
    return found.union(ours.select("of_unit", "period", "place"), distinct=True)


def _repositories(kind: str) -> Table:
    if kind == "incidents":
        return INCIDENT_REPOSITORIES.table()
    table = DEPLOYMENTS.table()
    table = table.filter(table.default_production & table.repository.notnull())
    if kind == "failures":  # what failed under another team's idea of production did not fail here
        table = table.filter(table.failed_in.contains(DEFAULT_CLASS))
    return table.select("place", "repository").distinct()


def _matches(kind: str) -> str:
    return f"{kind}_rules"


def developer_class(table: Table) -> Table:
    """The rows of ``table`` (developer, class) that are of their developer's class of production."""
    classes = ibis.table({"class_developer": "string", "own_class": "int64"}, name=DEVELOPER_CLASSES)
    joined = table.left_join(classes, table.developer == classes.class_developer)
    return joined.filter(joined["class"] == joined.own_class.fill_null(DEFAULT_CLASS)).drop(
        "class_developer", "own_class"
    )


# -- binding -----------------------------------------------------------------------------------------------------------


Scope = tuple[OrgTree, Sequence[Node], TeamRules]
"""A tree, those of its nodes that are units (one and all below it, in preorder), and its rules."""


def bind_classes(engine: Engine, trees: Sequence[OrgTree], profile: Profile) -> None:
    """Bind ``DEVELOPER_CLASSES``; in several trees the first one with a rule decides."""
    rules: dict[str, str] = {}
    for tree in trees:
        rules = {**environment_rules(tree, profile), **rules}
    rows = [(email, class_of(profile, rule)) for email, rule in rules.items()]
    engine.bind_rows(DEVELOPER_CLASSES, {"class_developer": "string", "own_class": "int64"}, rows)


def bind_belonging(engine: Engine, scopes: Sequence[Scope]) -> None:
    """Bind ``FALLBACK`` and ``UNIT_RULES`` for the units of ``scopes``; units and rules are numbered through these."""
    fallback: list[tuple[int, str]] = []
    ruled: list[tuple[int, int, str]] = []
    first_unit = first_rule = 0
    for tree, units, rules in scopes:
        number = {node.ref_id: first_unit + place for place, node in enumerate(units)}
        without = {ref_id for ref_id in number if ref_id not in rules.of_node}
        fallback += [(number[ref_id], email) for ref_id, email in tree.closure(units[0]) if ref_id in without]
        for node in units if rules.rules else ():
            found = rules.within(tree.subtree(node))
            ruled += [(number[node.ref_id], first_rule + each, _how(tree, rules, node, each)) for each in found]
        first_unit += len(units)
        first_rule += len(rules.rules)
    engine.bind_rows(FALLBACK, {"of_unit": "int64", "member": "string"}, fallback)
    engine.bind_rows(UNIT_RULES, {"of_unit": "int64", "rule": "int64", "how": "string"}, ruled)


def _how(tree: OrgTree, rules: TeamRules, node: Node, rule: int) -> str:
    """By which of its rules a unit has a thing, in words."""
    owner = tree.by_ref[rules.rules[rule].node]
    if owner.ref_id == node.ref_id:
        return "own rule"
    return f"rule of {owner.path}" + ("" if rules.of_node.get(node.ref_id) == rule else " below")


def bind_matches(engine: Engine, kinds: Iterable[str], rules: Sequence[TeamRule], profile: Profile) -> None:
    """Bind which places of each kind of events each rule matches. The stored tables of ``needed`` are bound already."""
    deploys = _deployment_matches(engine, rules)
    own = [class_of(profile, rule.environment) for rule in rules]
    for kind in kinds:
        if kind == "incidents":
            matches = _incident_matches(engine, rules, deploys)
        else:
            matches = [
                [each.place for each in found if kind == "deployments" or number in each.failed_in]
                for number, found in zip(own, deploys, strict=True)
            ]
        pairs = [(rule, place) for rule, places in enumerate(matches) for place in places]
        engine.bind_rows(_matches(kind), {"rule": "int64", "place": "int64"}, pairs)


@dataclass(frozen=True)
class _Deployed:
    """A place of deployments: what runs there share."""

    place: int
    repository: str | None
    service: str
    failed_in: Sequence[int]


def _deployment_matches(engine: Engine, rules: Sequence[TeamRule]) -> list[list[_Deployed]]:
    rows = engine.execute(
        "SELECT DISTINCT place, repository, service, failed_in, pipeline, environment, tags "
        f"FROM {DEPLOYMENTS.bound_name} ORDER BY place"
    )
    found: list[list[_Deployed]] = [[] for _ in rules]
    for place, repository, service, failed_in, pipeline, environment, tags in rows:
        thing = deployment_thing(repository, service, pipeline, environment, tags)
        for matches, rule in zip(found, rules, strict=True):
            if _is_production(rule, environment) and rule.matches(thing):
                matches.append(_Deployed(place, repository, service, failed_in))
    return found


def _is_production(rule: TeamRule, environment: str | None) -> bool:
    """A rule with a set over environments says itself what is production."""
    return rule.environment is not None or is_production_name(environment)


def _incident_matches(
    engine: Engine, rules: Sequence[TeamRule], deploys: Sequence[Sequence[_Deployed]]
) -> list[list[int]]:
    """An incident has a repository and a service alone. For a rule that asks for more, the team must besides deploy that
    service, or from that repository, by the same rule."""
    rows = engine.execute(
        "SELECT places.place, any_value(service), list(DISTINCT repositories.repository) "
        f"FROM {INCIDENTS.bound_name} AS places LEFT JOIN {INCIDENT_REPOSITORIES.bound_name} AS repositories "
        "USING (place) GROUP BY places.place ORDER BY places.place"
    )
    found: list[list[int]] = [[] for _ in rules]
    for matches, rule, deployed in zip(found, rules, deploys, strict=True):
        pairs = {(each.repository, each.service) for each in deployed}
        for place, service, repositories in rows:
            known = [each for each in repositories if each is not None]
            if not known and not service:
                continue  # belongs to nobody, whatever a rule leaves out
            thing = {"repository": known, "service": [service or None]}
            if rule.matches(thing) and (not rule.asks_beyond(thing) or _deploys(pairs, known, service)):
                matches.append(place)
    return found


def _deploys(pairs: Iterable[tuple[str | None, str]], repositories: Sequence[str], service: str) -> bool:
    return any(
        (repository in repositories or not repositories) and (not service or name == service)
        for repository, name in pairs
    )
