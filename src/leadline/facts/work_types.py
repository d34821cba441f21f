"""The work type of a work item: feature, bug or other, by the rule of its developer's team (metrics, volume group)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ibis.expr.types import Table, Value

from leadline.engine import BoundTable
from leadline.facts.phases import instants
from leadline.people.team_rules import own_rules
from leadline.people.timeline import Stretch, Timeline, spans_of
from leadline.people.tree import OrgTree
from leadline.settings.profile import Profile
from leadline.settings.rules import DEFAULT_WORK_TYPES

if TYPE_CHECKING:
    from leadline.engine import Backend

WORK_TYPES = BoundTable("work_types", {"type_rule": "int64", "type_name": "string", "work_type": "string"})
"""What each rule calls a type; names are in lower case."""
DEVELOPER_RULES = BoundTable(
    "developer_rules",
    {"rule_developer": "string", "rule": "int64", "rule_from_us": "int64", "rule_until_us": "int64"},
)
"""The rule of each developer, and when; those not listed follow rule 0, the default."""


def with_work_type(items: Table, instant: Value) -> Table:
    """``items`` (developer, type in lower case) with their work_type, by the rule that their developer has at the ``instant`` of
    the item (microseconds)."""
    rules, types = DEVELOPER_RULES.table(), WORK_TYPES.table()
    own = [items.developer == rules.rule_developer, instant >= rules.rule_from_us, instant < rules.rule_until_us]
    ruled = items.left_join(rules, own).drop("rule_from_us", "rule_until_us")
    ruled = ruled.mutate(rule=ruled.rule.fill_null(0))
    typed = ruled.left_join(types, [ruled.rule == types.type_rule, ruled.type == types.type_name])
    return typed.mutate(work_type=typed.work_type.fill_null("other"))


def bind_work_types(engine: Backend, stretches: Timeline, profile: Profile) -> None:
    """Rule 0 is the default; every team with a rule of its own gives one, in force for the developers whose primary
    team it is or is nearest above. In several trees the first one decides."""
    rules: list[Mapping[str, str]] = [DEFAULT_WORK_TYPES]
    numbers: dict[tuple[int, str | None], int] = {}

    def ruled(stretch: Stretch) -> dict[str, int]:
        own: dict[str, int] = {}
        for tree in stretch.trees:
            of_node = _of_node(tree, profile, rules, numbers)
            for developer in tree.developers.values():
                if developer.team is not None:
                    own.setdefault(developer.email, of_node[developer.team])
        return {email: rule for email, rule in own.items() if rule}

    DEVELOPER_RULES.bind(
        engine,
        [
            (email, span.state, *instants(span.start, span.end, profile.zone))
            for email, spans in spans_of(stretches, ruled).items()
            for span in spans
        ],
    )
    types = ((number, name, work_type) for number, rule in enumerate(rules) for name, work_type in rule.items())
    WORK_TYPES.bind(engine, types)


def _of_node(
    tree: OrgTree, profile: Profile, rules: list[Mapping[str, str]], numbers: dict[tuple[int, str | None], int]
) -> dict[int, int]:
    of_node: dict[int, int] = {}
    for node in tree.nodes:  # preorder: a parent comes first
        own: Mapping[str, str] | None = own_rules(profile, node).get("work_type")
        if own is not None:
            # A node's own rule follows from its ref id and its key.
            number = numbers.setdefault((node.ref_id, node.key), len(rules))
            if number == len(rules):
                rules.append(own)
            of_node[node.ref_id] = number
        else:
            of_node[node.ref_id] = of_node.get(node.parent, 0) if node.parent is not None else 0
    return of_node
