"""Team rules in a tree: which rule is in force for each node, and which things a rule calls the team's own. By the documentation of
metrics, "Which team does a deployment, build or incident belong to?". A thing is a mapping of its properties to its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from leadline.people.tree import Node, OrgTree
from leadline.settings.event_sources import (
    DEPLOYMENT_SETTINGS,
    INCIDENT_RULES,
    INCIDENTS,
    deployment_source_of,
    incident_source_of,
    incident_sources,
    own_texts,
)
from leadline.settings.profile import Profile
from leadline.settings.rules import Filter

PROPERTIES = ("repository", "service", "pipeline", "environment", "tag", "label")
"""What filter sets may look at. A deployment has nothing that a set over projects could be held against."""
ITEM_PROPERTIES = ("project", "label", "board")
"""What filter sets may look at of a work item in a sprint."""

Thing = Mapping[str, Sequence[str | None]]


def deployment_thing(
    repository: Sequence[str | None],
    service: str | None,
    pipeline: str | None,
    environment: str | None,
    tags: str | None,
) -> Thing:
    """What filter sets see of a deployment of one service; ``repository`` has all names of its repository, ``tags`` are
    joined by `;` and answer for labels too."""
    listed = tags.split(";") if tags else []
    return {
        "repository": repository,
        "service": [service or None],
        "pipeline": [pipeline],
        "environment": [environment],
        "tag": listed,
        "label": listed,
    }


@dataclass(frozen=True)
class TeamRule:
    """The filter sets of one team, by property; all must match. ``node`` is the ref id of the team that has them,
    ``environment`` the text of its set over environments, which says what is production for it; ``deployments`` and
    ``incidents`` say from where these come, for the teams that the rule is in force for."""

    node: int
    sets: Mapping[str, tuple[Filter, ...]]
    environment: str | None = None
    deployments: int = 0
    incidents: int = 0

    def matches(self, thing: Thing) -> bool:
        """Whether every set whose property ``thing`` has matches it."""
        return all(
            all(condition.holds(thing[name]) for condition in filters)
            for name, filters in self.sets.items()
            if name in thing
        )

    def asks_beyond(self, thing: Thing) -> bool:
        """Whether it has a set over a property that ``thing`` does not have."""
        return any(name not in thing for name in self.sets)


@dataclass(frozen=True)
class EventSources:
    """From where the deployments and the incidents of a node come: places in ``deployment_sources`` and
    ``incident_sources``. ``claims``: the incidents are its own by its rule over their project."""

    deployments: int = 0
    incidents: int = 0
    claims: bool = False


@dataclass(frozen=True)
class TeamRules:
    """The rules of a tree; ``of_node`` is the place in ``rules`` of the one in force for a node: its own, else its
    nearest ancestor's. A node without any is not in it. ``sources`` are those of every node, by ref id; it is empty if all
    have those of the tree."""

    rules: tuple[TeamRule, ...]
    of_node: Mapping[int, int]
    sources: Mapping[int, EventSources] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.rules or self.sources)

    def sources_of(self, node: int) -> EventSources:
        """Those of a node, by its ref id."""
        return self.sources.get(node, EventSources())

    def within(self, nodes: Sequence[Node]) -> list[int]:
        """The rules in force for any of ``nodes``, in order."""
        return sorted({self.of_node[node.ref_id] for node in nodes if node.ref_id in self.of_node})


def own_rules(profile: Profile, node: Node) -> dict[str, Any]:
    """The rules that settings give to a node by its key or its ref id; a key's win."""
    rules: dict[str, Any] = {}
    for name in (str(node.ref_id), node.key):
        rules.update(profile.team_rules.get(name, {}) if name is not None else {})
    return rules


def team_rules(tree: OrgTree, profile: Profile) -> TeamRules:
    """The filter rules of ``tree`` under ``profile``, and from where its nodes' deployments and incidents come."""
    rules: list[TeamRule] = []
    of_node: dict[int, int] = {}
    sources = _event_sources(tree, profile)
    for node in tree.nodes if profile.team_rules else ():  # preorder: a parent comes first
        sets = {name: filters for name, filters in own_rules(profile, node).items() if name in PROPERTIES}
        of_events = sources.get(node.ref_id, EventSources())
        if sets:
            rules.append(TeamRule(node.ref_id, sets, _own_text(profile, node, "environment")))
        elif node.parent is not None and node.parent in of_node:
            of_node[node.ref_id] = of_node[node.parent]
            rule = rules[of_node[node.ref_id]]
            if (rule.deployments, rule.incidents) == (of_events.deployments, of_events.incidents):
                continue
            rules.append(rule)
        else:
            continue
        rules[-1] = replace(rules[-1], deployments=of_events.deployments, incidents=of_events.incidents)
        of_node[node.ref_id] = len(rules) - 1
    return TeamRules(tuple(rules), of_node, sources)


def item_rules(tree: OrgTree, profile: Profile) -> TeamRules:
    """The filter rules of ``tree`` over work items in sprints."""
    rules: list[TeamRule] = []
    of_node: dict[int, int] = {}
    for node in tree.nodes:  # preorder: a parent comes first
        sets = {name: filters for name, filters in own_rules(profile, node).items() if name in ITEM_PROPERTIES}
        if sets:
            of_node[node.ref_id] = len(rules)
            rules.append(TeamRule(node.ref_id, sets))
        elif node.parent is not None and node.parent in of_node:
            of_node[node.ref_id] = of_node[node.parent]
    return TeamRules(tuple(rules), of_node)


def _event_sources(tree: OrgTree, profile: Profile) -> dict[int, EventSources]:
    """The sources of every node, if any team has rules over them: its own, else its parent's."""
    if not profile.rule_texts(*DEPLOYMENT_SETTINGS, *INCIDENT_RULES):
        return {}
    sources: dict[int, EventSources] = {}
    for node in tree.nodes:
        above = EventSources() if node.parent is None else replace(sources[node.parent], claims=False)
        if texts := _own_texts(profile, node, DEPLOYMENT_SETTINGS):
            above = replace(above, deployments=deployment_source_of(profile, texts))
        if texts := _own_texts(profile, node, INCIDENT_RULES):
            number = incident_source_of(profile, texts)
            of_items = incident_sources(profile)[number].source != INCIDENTS
            above = replace(above, incidents=number, claims=of_items and "incident.project" in texts)
        sources[node.ref_id] = above
    return sources


def _own_texts(profile: Profile, node: Node, names: tuple[str, ...]) -> dict[str, str]:
    """The texts of those rules that settings give to a node by its key or, if that has none of them, by its ref id."""
    by_key = own_texts(profile, node.key, names) if node.key is not None else {}
    return by_key or own_texts(profile, str(node.ref_id), names)


def production_of_people(tree: OrgTree, profile: Profile) -> dict[str, tuple[str | None, int]]:
    """For each developer whose primary team has an environment rule or sources of its own in force, by email: the rule's text
    and the place of the source of deployments."""
    rules = team_rules(tree, profile)
    found: dict[str, tuple[str | None, int]] = {}
    for developer in tree.developers.values() if rules else ():
        if developer.team is None:
            continue
        rule = rules.of_node.get(developer.team)
        text = None if rule is None else rules.rules[rule].environment
        source = rules.sources_of(developer.team).deployments
        if text is not None or source:
            found[developer.email] = (text, source)
    return found


def by_developer(trees: Sequence[OrgTree], profile: Profile, rule: str) -> dict[str, str]:
    """The text of a rule or setting in force for each developer's primary team, by email: the team's own, else that of the nearest
    team above it that has one; others have none. In several trees the first one with any decides."""
    texts: dict[str, str] = {}
    for tree in trees if profile.rule_texts(rule) else ():
        of_node: dict[int, str] = {}
        for node in tree.nodes:  # preorder: a parent comes first
            own = _own_text(profile, node, rule)
            above = None if node.parent is None else of_node.get(node.parent)
            if (text := above if own is None else own) is not None:
                of_node[node.ref_id] = text
        for developer in tree.developers.values():
            if developer.team in of_node:
                texts.setdefault(developer.email, of_node[developer.team])
    return texts


def _own_text(profile: Profile, node: Node, rule: str) -> str | None:
    for name in (node.key, str(node.ref_id)):
        if name is not None and (text := profile.texts.get(f"team.{name}.{rule}")) is not None:
            return text
    return None
