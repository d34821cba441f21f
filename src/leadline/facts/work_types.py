"""The work type of a work item: feature, bug or other, by the rule of its developer's team (metrics, volume group)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ibis.expr.types import Table

from leadline.engine import BoundTable
from leadline.people.team_rules import own_rules
from leadline.people.tree import OrgTree
from leadline.settings.profile import Profile
from leadline.settings.rules import DEFAULT_WORK_TYPES

if TYPE_CHECKING:
    from leadline.engine import Backend

WORK_TYPES = BoundTable("work_types", {"type_rule": "int64", "type_name": "string", "work_type": "string"})
"""What each rule calls a type; names are in lower case."""
DEVELOPER_RULES = BoundTable("developer_rules", {"rule_developer": "string", "rule": "int64"})
"""The rule of each developer; those not listed follow rule 0, the default."""


def with_work_type(items: Table) -> Table:
    """``items`` (developer, type in lower case) with their work_type."""
    rules, types = DEVELOPER_RULES.table(), WORK_TYPES.table()
    ruled = items.left_join(rules, items.developer == rules.rule_developer)
    ruled = ruled.mutate(rule=ruled.rule.fill_null(0))
    typed = ruled.left_join(types, [ruled.rule == types.type_rule, ruled.type == types.type_name])
    return typed.mutate(work_type=typed.work_type.fill_null("other"))


def bind_work_types(engine: Backend, trees: Sequence[OrgTree], profile: Profile) -> None:
    """Rule 0 is the default; every team with a rule of its own gives one, in force for the developers whose primary
    team it is or is nearest above. In several trees the first one decides."""
    rules: list[Mapping[str, str]] = [DEFAULT_WORK_TYPES]
    ruled: dict[str, int] = {}
    for tree in trees:
        of_node = _of_node(tree, profile, rules)
        for developer in tree.developers.values():
            if developer.team is not None:
                ruled.setdefault(developer.email, of_node[developer.team])
    DEVELOPER_RULES.bind(engine, ((email, rule) for email, rule in ruled.items() if rule))
    types = ((number, name, work_type) for number, rule in enumerate(rules) for name, work_type in rule.items())
    WORK_TYPES.bind(engine, types)


def _of_node(tree: OrgTree, profile: Profile, rules: list[Mapping[str, str]]) -> dict[int, int]:
    of_node: dict[int, int] = {}
    for node in tree.nodes:  # preorder: a parent comes first
        own: Mapping[str, str] | None = own_rules(profile, node).get("work_type")
        if own is not None:
            rules.append(own)
            of_node[node.ref_id] = len(rules) - 1
        else:
            of_node[node.ref_id] = of_node.get(node.parent, 0) if node.parent is not None else 0
    return of_node
