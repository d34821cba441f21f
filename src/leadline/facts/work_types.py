"""The work type of a work item: feature, bug or other, by the rule of its developer's team (metrics, volume group)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ibis.expr.types import Table, Value

from leadline.engine import BoundTable
from leadline.facts.phases import over_time
from leadline.people.team_rules import by_developer
from leadline.people.timeline import Timeline
from leadline.settings.profile import Profile
from leadline.settings.rules import DEFAULT_WORK_TYPES, parse_work_types

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
    """Rule 0 is the default; every rule that a team has is one, in force for the developers whose primary team it is or is
    nearest above. In several trees the first one with a rule decides."""
    variants = profile.variants("work_type")
    rules = over_time(stretches, lambda stretch: by_developer(stretch.trees, profile, "work_type"), profile.zone)
    DEVELOPER_RULES.bind(engine, ((email, variants.index(text), *times) for email, text, *times in rules))
    parsed = [DEFAULT_WORK_TYPES if text is None else parse_work_types(text) for text in variants]
    types = ((number, name, work_type) for number, rule in enumerate(parsed) for name, work_type in rule.items())
    WORK_TYPES.bind(engine, types)
