"""Whose a deployment or an incident is: by the rules in force for a team, else by the repositories its people merge to.

The rule is metrics, "Which team does a deployment, build or incident belong to?". Here units (the teams that rows are
about) are paired with events; a unit has the events of all nodes below it, each once. Events that agree in all that rules
look at share one *owner key*, a number, so that each rule is asked once for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ibis.expr.types import Table, Value

from leadline.derive.expressions import attach, local_day
from leadline.derive.local_time import Offset, RangeOffsets
from leadline.derive.production import DEFAULT_CLASS, ClassNumbers
from leadline.engine import BoundTable, compiled
from leadline.facts.deployments import DEPLOYMENTS, failure_class
from leadline.facts.incidents import INCIDENT_REPOSITORIES, INCIDENTS
from leadline.facts.merge_spans import CLASSES, FALLBACK, MERGE_SPANS, spans_of_units
from leadline.facts.phases import over_time
from leadline.materialize.compiled import CompiledQueryCache
from leadline.materialize.model import Model
from leadline.people.team_rules import (
    TeamRule,
    TeamRules,
    Thing,
    deployment_thing,
    production_of_people,
)
from leadline.people.timeline import Stretch, Timeline
from leadline.people.tree import Node, OrgTree
from leadline.settings.profile import Profile

if TYPE_CHECKING:
    from leadline.engine import Backend
    from leadline.engine.spellings import Spellings

_COUNTED = {"deployments": "production_in", "failures": "failed_in", "incidents": "counted_in"}
"""By kind of events: the classes in which one does count."""
UNIT_RULES = BoundTable("unit_rules", {"of_unit": "int64", "rule": "int64", "how": "string"})
"""The rules in force for the unit or for any node below it, and in words which."""
DATED_UNIT_RULES = BoundTable(
    "dated_unit_rules",
    {"of_unit": "int64", "rule": "int64", "how": "string", "from_us": "int64", "until_us": "int64"},
)
"""As ``UNIT_RULES``, and when, where people move."""
DEVELOPER_CLASSES = BoundTable(
    "developer_classes",
    {"class_developer": "string", "own_class": "int64", "class_from_us": "int64", "class_until_us": "int64"},
)
"""The class of production of each developer, and when; those not listed are of the default one."""


def _matches(kind: str) -> BoundTable:
    return BoundTable(f"{kind}_rules", {"rule": "int64", "owner_key": "int64"})


def needed(kind: str) -> tuple[Model, ...]:
    """The stored tables that ``owned_by_teams`` reads for a kind of events: `deployments`, `failures` (deployments that failed)
    or `incidents`."""
    return (
        (INCIDENTS, INCIDENT_REPOSITORIES, DEPLOYMENTS, MERGE_SPANS)
        if kind == "incidents"
        else (DEPLOYMENTS, MERGE_SPANS)
    )


# -- expressions -------------------------------------------------------------------------------------------------------


def in_period(table: Table, zone: Sequence[Offset], days: BoundTable) -> Table:
    """The rows of ``table`` (happened_us) in range, with their local day and period. ``days`` has of_day and period."""
    if isinstance(zone, RangeOffsets):  # which a reader of files understands before it has read the rest of a row
        table = table.filter(table.happened_us >= zone.since, table.happened_us < zone.before)
    table = table.mutate(day=local_day(table.happened_us, zone))
    periods = days.table()
    return table.inner_join(periods, table.day == periods.of_day)


def by_repositories(kind: str, events: Table, dated: bool = False) -> Table:
    """Distinct (of_unit, event) of the ``events`` that a unit without rules has by its people's merges: of a repository in
    which one of them merged at most `deployments.team_days` before. ``dated``: people move; one's merges are the unit's in which
    the person was on their day, and a unit has nothing on days on which it is not there."""
    had = spans_of_units(dated)
    asking = _in_repositories(kind, events)
    in_span = (asking.asked_us >= had.from_us) & (asking.asked_us <= had.until_us)
    counts = asking.asked_in.contains(had[CLASSES[kind]])
    same = [had.repository == asking.repository, in_span, counts]
    owned = had.inner_join(asking, same).select("of_unit", "event")
    # A deployment has one repository, so none is found twice but by people who count differently, whose teams have rules.
    return owned.distinct() if kind == "incidents" else owned


def by_rules(kind: str, events: Table, dated: bool = False) -> Table:
    """(of_unit, event, how) of the ``events`` that rules in force for a unit, or for a node below it, match; ``dated``: on their
    day."""
    matches = _matches(kind).table()
    matched = (DATED_UNIT_RULES if dated else UNIT_RULES).table().inner_join(matches, "rule").drop("rule")
    asked = events.select("event", "owner_key", asked_us="asked_us" if kind == "incidents" else "happened_us")
    in_force = [asked.asked_us >= matched.from_us, asked.asked_us < matched.until_us] if dated else []
    return matched.inner_join(asked, [matched.owner_key == asked.owner_key, *in_force]).select(
        "of_unit", "event", "how"
    )


def owned_by_teams(kind: str, events: Table, has_team_rules: bool, dated: bool = False) -> Table:
    """Distinct (of_unit, event) of all ``events`` that count for each unit, by repositories and by rules.
    ``has_team_rules`` says whether any rule is in force, ``dated`` whether people move."""
    owned = by_repositories(kind, events, dated)
    if not has_team_rules:
        return owned
    return owned.union(by_rules(kind, events, dated).select("of_unit", "event"), distinct=True)


def _in_repositories(kind: str, events: Table) -> Table:
    """(event, repository, asked_us, asked_in): the repositories of every event, the instant for which it is asked whose it is,
    and the classes in which it counts: what failed under another team's idea of production did not fail here."""
    asked_in = events[_COUNTED[kind]]
    if kind == "incidents":
        asking = events.select("event", "owner_key", "asked_us", asked_in=asked_in)
        return asking.inner_join(INCIDENT_REPOSITORIES.table(), "owner_key").drop("owner_key")
    events = events.filter(events.repository.notnull())
    return events.select("event", "repository", asked_us="happened_us", asked_in=asked_in)


def developer_class(table: Table, instant: Value) -> Table:
    """The rows of ``table`` (developer, class) that are of the class of production that their developer has at the ``instant`` of
    the row (microseconds)."""
    classes = DEVELOPER_CLASSES.table()
    own = [table.developer == classes.class_developer]
    own += [instant >= classes.class_from_us, instant < classes.class_until_us]
    joined = table.left_join(classes, own)
    return joined.filter(joined["class"] == joined.own_class.fill_null(DEFAULT_CLASS)).drop(*DEVELOPER_CLASSES.columns)


# -- binding -----------------------------------------------------------------------------------------------------------


Scope = tuple[OrgTree, Mapping[int, Node], TeamRules]
"""A tree, those of its nodes that are units by their numbers, and its rules."""
BY_DEFAULT = (DEFAULT_CLASS, DEFAULT_CLASS, 0)
"""The classes by which deployments, failures and incidents count where no team says otherwise."""


def bind_classes(engine: Backend, stretches: Timeline, profile: Profile) -> None:
    """Bind ``DEVELOPER_CLASSES``; in several trees the first one with a rule decides."""

    def productions(stretch: Stretch) -> dict[str, tuple[str | None, int]]:
        rules: dict[str, tuple[str | None, int]] = {}
        for tree in stretch.trees:
            rules = {**production_of_people(tree, profile), **rules}
        return rules

    numbers = ClassNumbers(profile)
    in_time = over_time(stretches, productions, profile.zone)
    DEVELOPER_CLASSES.bind(engine, ((email, numbers.of(*state), *times) for email, state, *times in in_time))


def bind_teams(engine: Backend, scopes: Sequence[Scope], profile: Profile) -> None:
    """Bind ``FALLBACK`` and ``UNIT_RULES`` for the units of ``scopes``; rules are numbered through these."""
    without_rules: list[tuple[OrgTree, Mapping[int, int], TeamRules]] = []
    ruled: list[tuple[int, int, str]] = []
    first_rule = 0
    for tree, units, rules in scopes:
        without = {node.ref_id: unit for unit, node in units.items() if node.ref_id not in rules.of_node}
        without_rules.append((tree, without, rules))
        for unit, node in units.items() if rules else ():
            below = tree.subtree(node)
            in_force = rules.within(below)
            ruled += [(unit, first_rule + rule, how(tree, rules, node, rule)) for rule in in_force]
            ruled += [(unit, *claim) for claim in claims(node, below, rules)]
        first_rule += len(rules.rules)
    UNIT_RULES.bind(engine, ruled)
    _bind_fallback(engine, without_rules, profile)


def _bind_fallback(
    engine: Backend, without_rules: Sequence[tuple[OrgTree, Mapping[int, int], TeamRules]], profile: Profile
) -> None:
    """Bind ``FALLBACK`` for those units of trees (numbers by ref id) that have no rule of their own."""

    def rows() -> Iterator[tuple[object, ...]]:
        for tree, number, rules in without_rules:
            yield from ((number[ref_id], *counts) for ref_id, *counts in counting(tree, number, rules, profile))

    if len(without_rules) == 1 and not without_rules[0][2].sources:  # rows that follow from the tree alone
        ((tree, number, _),) = without_rules
        FALLBACK.bind_kept(engine, tree.kept, tuple(number.items()), rows)
    else:
        FALLBACK.bind(engine, rows())


def counting(
    tree: OrgTree, units: Collection[int], rules: TeamRules, profile: Profile
) -> Iterator[tuple[int, str, int, int, int]]:
    """Distinct (ref id, email, classes …) of everyone whom each of ``units`` (ref ids) covers, by what their own team counts."""
    if not rules.sources:
        covered = tree.covered({ref_id: ref_id for ref_id in units})
        yield from ((ref_id, email, *BY_DEFAULT) for email, covering in covered.items() for ref_id in covering)
        return
    numbers = ClassNumbers(profile)
    classes = {}
    for ref_id, sources in rules.sources.items():
        number = numbers.of(None, sources.deployments)
        classes[ref_id] = (number, failure_class(profile, number, sources.incidents), sources.incidents)
    placed = ((ref_id, email, *classes[team]) for ref_id, email, team in tree.places(units))
    yield from dict.fromkeys(placed)


def claims(node: Node, below: Sequence[Node], rules: TeamRules) -> Iterator[tuple[int, str]]:
    """The classes of incidents that nodes claim as their own by the project, as rules that go by negative numbers, and how."""
    for owner in below:
        if (sources := rules.sources_of(owner.ref_id)).claims:
            how = (
                "own rule over projects" if owner.ref_id == node.ref_id else f"rule over projects of {owner.path} below"
            )
            yield _claim(sources.incidents), how


def _claim(incidents: int) -> int:
    return -1 - incidents


def how(tree: OrgTree, rules: TeamRules, node: Node, rule: int) -> str:
    """By which of its rules a unit has a thing, in words."""
    owner = tree.by_ref[rules.rules[rule].node]
    if owner.ref_id == node.ref_id:
        return "own rule"
    return f"rule of {owner.path}" + ("" if rules.of_node.get(node.ref_id) == rule else " below")


def bind_matches(
    engine: Backend, kinds: Iterable[str], rules: Sequence[TeamRule], profile: Profile, spellings: Spellings
) -> None:
    """Bind which owner keys of each kind of events each rule matches; a rule may say any of a repository's names. The stored
    tables of ``needed`` are bound already."""
    numbers = ClassNumbers(profile)
    classes = [numbers.of(rule.environment, rule.deployments) for rule in rules]
    deployments = _deployment_matches(engine, rules, classes, spellings) if rules else []
    for kind in kinds:
        claimed: Iterable[tuple[int, int]] = ()
        if kind == "incidents":
            owners_of_incidents = list(_rows(engine, "incident owners", _incident_owners))
            matches = _incident_matches(owners_of_incidents, rules, deployments, spellings)
            claimed = (
                (_claim(number), row["owner_key"])
                for row in owners_of_incidents
                if row["project"] is not None
                for number in row["counted_in"]
            )
        else:
            failed = [
                failure_class(profile, number, rule.incidents) for number, rule in zip(classes, rules, strict=True)
            ]
            matches = [
                [owner.key for owner in owners if kind == "deployments" or number in owner.failed_in]
                for number, owners in zip(failed, deployments, strict=True)
            ]
        by_rule = ((rule, key) for rule, keys in enumerate(matches) for key in keys)
        _matches(kind).bind(engine, (*by_rule, *claimed))


@dataclass(frozen=True)
class _DeploymentOwner:
    """An owner key of deployments, with what those that share it have in common."""

    key: int
    repository: str | None
    service: str
    failed_in: Sequence[int]


def _deployment_matches(
    engine: Backend, rules: Sequence[TeamRule], classes: Sequence[int], spellings: Spellings
) -> list[list[_DeploymentOwner]]:
    matches: list[list[_DeploymentOwner]] = [[] for _ in rules]
    for row in _rows(engine, "deployment owners", _deployment_owners):
        names = spellings.all_names(row["repository"])
        thing = deployment_thing(names, row["service"], row["pipeline"], row["environment"], row["tags"])
        owner = _DeploymentOwner(row["owner_key"], row["repository"], row["service"], row["failed_in"])
        for matched, rule, number in zip(matches, rules, classes, strict=True):
            if number in row["production_in"] and rule.matches(thing):
                matched.append(owner)
    return matches


def _deployment_owners() -> Table:
    columns = ["owner_key", "repository", "service", "failed_in", "production_in", "pipeline", "environment", "tags"]
    return DEPLOYMENTS.table().select(columns).distinct().order_by("owner_key", "repository", "service")


def _incident_matches(
    owners: Sequence[dict[str, Any]],
    rules: Sequence[TeamRule],
    deployments: Sequence[Sequence[_DeploymentOwner]],
    spellings: Spellings,
) -> list[list[int]]:
    """An incident has a repository and a service alone. For a rule that asks for more, the team must besides deploy that
    service, or from that repository, by the same rule."""
    matches: list[list[int]] = [[] for _ in rules]
    for matched, rule, deployed in zip(matches, rules, deployments, strict=True):
        deploys = {(owner.repository, owner.service) for owner in deployed}
        for row in owners:
            repositories, service = row["repositories"] or [], row["service"]
            if not repositories and not service:
                continue  # belongs to nobody, whatever a rule leaves out
            if rule.incidents not in row["counted_in"]:
                continue
            names = [name for repository in repositories for name in spellings.all_names(repository)]
            thing: Thing = {"repository": names, "service": [service or None]}
            if rule.matches(thing) and (not rule.asks_beyond(thing) or _deploys(deploys, repositories, service)):
                matched.append(row["owner_key"])
    return matches


def _incident_owners() -> Table:
    incidents = INCIDENTS.table().select("owner_key", "service", "project", "counted_in").distinct()
    repositories = INCIDENT_REPOSITORIES.table()
    of_key = repositories.group_by("owner_key").agg(repositories=repositories.repository.collect(distinct=True))
    return attach(incidents, ["owner_key"], of_key).order_by("owner_key")


def _rows(engine: Backend, name: str, expression: Callable[[], Table]) -> Iterator[dict[str, Any]]:
    """The rows of a small query; its text is compiled once in a process."""
    text = CompiledQueryCache().text(name, None, lambda: compiled(expression()))
    yield from engine.arrow(text).to_pylist()


def _deploys(pairs: Iterable[tuple[str | None, str]], repositories: Sequence[str], service: str) -> bool:
    return any(
        (repository in repositories or not repositories) and (not service or name == service)
        for repository, name in pairs
    )
