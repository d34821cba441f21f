"""Team rules in a tree: which rule is in force for each node, and which things a rule calls the team's own. By the documentation of
metrics, "Which team does a deployment, build or incident belong to?". A thing is a mapping of its properties to its values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leadline.people.tree import Node, OrgTree
from leadline.settings.profile import Profile
from leadline.settings.rules import Filter

PROPERTIES = ("repository", "service", "pipeline", "environment", "tag", "label")
"""What filter sets may look at. A deployment has nothing that a set over projects could be held against."""

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
    ``environment`` the text of its set over environments, which says what is production for it."""

    node: int
    sets: Mapping[str, tuple[Filter, ...]]
    environment: str | None = None

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
class TeamRules:
    """The rules of a tree; ``of_node`` is the place in ``rules`` of the one in force for a node: its own, else its
    nearest ancestor's. A node without any is not in it."""

    rules: tuple[TeamRule, ...]
    of_node: Mapping[int, int]

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
    """The filter rules of ``tree`` under ``profile``."""
    rules: list[TeamRule] = []
    of_node: dict[int, int] = {}
    for node in tree.nodes:  # preorder: a parent comes first
        sets = {name: filters for name, filters in own_rules(profile, node).items() if name in PROPERTIES}
        if sets:
            rules.append(TeamRule(node.ref_id, sets, _environment_text(profile, node)))
            of_node[node.ref_id] = len(rules) - 1
        elif node.parent is not None and node.parent in of_node:
            of_node[node.ref_id] = of_node[node.parent]
    return TeamRules(tuple(rules), of_node)


def environment_rules(tree: OrgTree, profile: Profile) -> dict[str, str]:
    """The text of the environment rule in force for each developer's primary team, by email; others have none."""
    rules = team_rules(tree, profile)
    texts = {}
    for developer in tree.developers.values():
        rule = rules.of_node.get(developer.team) if developer.team is not None else None
        if rule is not None and (text := rules.rules[rule].environment) is not None:
            texts[developer.email] = text
    return texts


def _environment_text(profile: Profile, node: Node) -> str | None:
    for name in (node.key, str(node.ref_id)):
        if name is not None and (text := profile.texts.get(f"team.{name}.environment")) is not None:
            return text
    return None
