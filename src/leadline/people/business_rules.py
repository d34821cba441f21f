"""Whose rules of categories count: for each developer those of the primary team."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from leadline.people.tree import Node, OrgTree
from leadline.settings.business import BusinessRules

RulesByRank = tuple[int | None, ...]
"""The place of the rule of each category, in their order; None where it has none."""


def rules_by_rank(rules: BusinessRules, categories: Sequence[str], of_team: Mapping[str, int]) -> RulesByRank:
    """Those of the team ``of_team`` and, where it has none, of all."""
    return tuple(of_team.get(category, rules.of_all.get(category)) for category in categories)


def rules_of_people(
    trees: Sequence[OrgTree], rules: BusinessRules, categories: Sequence[str]
) -> dict[str, RulesByRank]:
    """The rules in force for each developer whose primary team, or a team above it, has any of its own, by email: for each category
    those of the nearest team with any for it. In several trees the first one with any decides."""
    of_people: dict[str, RulesByRank] = {}
    for tree in trees if rules.of_teams else ():
        of_node = _of_nodes(tree, rules)
        for developer in tree.developers.values():
            if developer.team is not None and (own := of_node[developer.team]):
                of_people.setdefault(developer.email, rules_by_rank(rules, categories, own))
    return of_people


def _of_nodes(tree: OrgTree, rules: BusinessRules) -> dict[int, Mapping[str, int]]:
    """The rules that teams have, in force for each node by category."""
    of_node: dict[int, Mapping[str, int]] = {}
    for node in tree.nodes:  # preorder: a parent comes first
        above = {} if node.parent is None else of_node[node.parent]
        of_node[node.ref_id] = {**above, **_own(node, rules)}
    return of_node


def _own(node: Node, rules: BusinessRules) -> Mapping[str, int]:
    """By its key or its ref id; a key's win."""
    by_key = {} if node.key is None else rules.of_teams.get(node.key, {})
    return {**rules.of_teams.get(str(node.ref_id), {}), **by_key}
