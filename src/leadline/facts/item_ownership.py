"""Whose the items of sprints are (further exports, A, "Whose"): of each node by the rules in force for it, else by who had them at
the end, if that is one of the node's own people. A unit has the items of all nodes below it, each once.

All that a unit has holds from an instant on, before another: trees and people change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import ibis
from ibis.expr.types import Table

from leadline.engine import BoundTable, compiled
from leadline.facts.ownership import how
from leadline.facts.ownership_over_time import Spans, prolong
from leadline.facts.phases import instants
from leadline.facts.sprints import SPRINT_ITEMS, SPRINTS
from leadline.materialize.compiled import CompiledQueryCache
from leadline.people.membership import tops
from leadline.people.team_rules import TeamRule, item_rules
from leadline.people.timeline import Timeline
from leadline.settings.profile import Profile

if TYPE_CHECKING:
    from leadline.engine import Backend
    from leadline.engine.spellings import Spellings

ITEM_PEOPLE = BoundTable(
    "item_people", {"of_unit": "int64", "item_developer": "string", "from_us": "int64", "until_us": "int64"}
)
"""Whose items each unit has because they are assigned to them, and when."""
ITEM_RULES = BoundTable(
    "item_rules", {"of_unit": "int64", "rule": "int64", "how": "string", "from_us": "int64", "until_us": "int64"}
)
"""By which rules each unit has items, in words and when."""
ITEM_MATCHES = BoundTable("item_matches", {"rule": "int64", "owner_key": "int64"})
"""Which rule matches which items."""
BY_ASSIGNEE = "who had it at the end of the sprint"

needed = (SPRINTS, SPRINT_ITEMS)
"""The stored tables that are read."""


def owned_items(events: Table) -> Table:
    """(of_unit, event, how) of ``events`` (rows of ``SPRINT_ITEMS``), once for each way in which a unit has one."""
    assigned, ruled = _assigned(events), _ruled(events)
    assigned = assigned.mutate(how=ibis.literal(BY_ASSIGNEE)).select(*ruled.columns)
    return assigned.union(ruled, distinct=True)


def units_of_items(events: Table) -> Table:
    """Distinct (of_unit, event) of ``events``, which have at least what tells their owner: developer, owner_key, happened_us."""
    return _assigned(events).union(_ruled(events).drop("how"), distinct=True)


def _assigned(events: Table) -> Table:
    people = ITEM_PEOPLE.table()
    mine = [
        events.developer == people.item_developer,
        events.happened_us >= people.from_us,
        events.happened_us < people.until_us,
    ]
    return events.inner_join(people, mine).select("of_unit", "event")


def _ruled(events: Table) -> Table:
    rules = ITEM_RULES.table().inner_join(ITEM_MATCHES.table(), "rule").drop("rule").rename(rule_owner_key="owner_key")
    in_force = [
        events.owner_key == rules.rule_owner_key,
        events.happened_us >= rules.from_us,
        events.happened_us < rules.until_us,
    ]
    return events.inner_join(rules, in_force).select("of_unit", "event", "how")


def has_item_rules(stretches: Timeline, scope: int | None, profile: Profile) -> bool:
    """Whether any node has a rule over items. Without one each unit has the items of its own people."""
    return any(item_rules(tree, profile) for stretch in stretches for tree, _top in tops(stretch, scope))


def bind_item_owners(
    engine: Backend,
    stretches: Timeline,
    scope: int | None,
    units: Mapping[int, int],
    profile: Profile,
    spellings: Spellings,
) -> None:
    """Bind what ``owned_items`` reads, for ``units``, numbers by the ref ids of nodes at or below ``scope`` (None: of all trees).
    The stored tables that are ``needed`` are bound already."""
    rules: dict[tuple[int, str | None], TeamRule] = {}
    people: Spans = {}
    ruled: Spans = {}
    for stretch in stretches:
        days = instants(stretch.start, stretch.end, profile.zone)
        for tree, top in tops(stretch, scope):
            of_tree = item_rules(tree, profile)
            # A node's own rule follows from its ref id and its key.
            keys = [(rule.node, tree.by_ref[rule.node].key) for rule in of_tree.rules]
            rules.update(zip(keys, of_tree.rules, strict=True))
            places = {key: at for at, key in enumerate(rules)}
            below = {node.ref_id for node in tree.subtree(top) if node.ref_id in units}
            for ref_id, email, team in tree.places(below):
                if team not in of_tree.of_node:
                    prolong(people, (units[ref_id], email), days)
            for node in tree.subtree(top) if of_tree else ():
                for rule in of_tree.within(tree.subtree(node)) if node.ref_id in units else ():
                    prolong(ruled, (units[node.ref_id], places[keys[rule]], how(tree, of_tree, node, rule)), days)
    ITEM_PEOPLE.bind(engine, _rows(people))
    ITEM_RULES.bind(engine, _rows(ruled))
    ITEM_MATCHES.bind(engine, _matches(engine, list(rules.values()), spellings))


def _rows(spans: Spans) -> Iterable[Sequence[object]]:
    return ((*row, *times) for row, several in spans.items() for times in dict.fromkeys(several))


def _matches(engine: Backend, rules: Sequence[TeamRule], spellings: Spellings) -> list[tuple[int, int]]:
    if not rules:
        return []
    text = CompiledQueryCache().text("item owners", None, lambda: compiled(_owners()))
    return [
        (number, row["owner_key"])
        for row in engine.arrow(text).to_pylist()
        for number, rule in enumerate(rules)
        if rule.matches(
            {
                "project": spellings.all_names(row["project"]),
                "label": row["labels"] or (),
                "board": row["boards"] or (),
            }
        )
    ]


def _owners() -> Table:
    items, sprints = SPRINT_ITEMS.table(), SPRINTS.table().select("sprint_id", "boards")
    return items.inner_join(sprints, "sprint_id").select("owner_key", "project", "labels", "boards").distinct()
