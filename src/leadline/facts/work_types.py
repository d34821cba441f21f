"""The work type of a work item, or of a pull request by the items that it is linked to: feature, bug or other, by the rule of its
developer's team (metrics, volume group).

Rule 0 is the default, the others are those that teams have. What a pull request is by each of them is stored with it, since it
follows from its items alone; whose rule it is depends on the day.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import ibis
from ibis.expr.types import ArrayValue, StringValue, Table, Value

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
    ruled, types = _with_rule(items, instant), WORK_TYPES.table()
    typed = ruled.left_join(types, [ruled.rule == types.type_rule, ruled.type == types.type_name])
    return typed.mutate(work_type=typed.work_type.fill_null("other"))


def of_linked_items(pulls: Table, instant: Value) -> Table:
    """``pulls`` (developer, work_types as of ``by_each_rule``) with their work_type, by the rule that their developer has at the
    ``instant``; null where nothing is linked."""
    ruled = _with_rule(pulls, instant)
    return ruled.mutate(work_type=ruled.work_types[ruled.rule]).drop("work_types", "rule", "rule_developer")


def _with_rule(events: Table, instant: Value) -> Table:
    rules = DEVELOPER_RULES.table()
    own = [events.developer == rules.rule_developer, instant >= rules.rule_from_us, instant < rules.rule_until_us]
    ruled = events.left_join(rules, own).drop("rule_from_us", "rule_until_us")
    return ruled.mutate(rule=ruled.rule.fill_null(0))


def by_each_rule(types: ArrayValue, profile: Profile) -> ArrayValue:
    """What a pull request is by each rule, if its work items have ``types`` (in lower case; null: it has none): a feature if one of
    them is, else a bug if one is, else other."""
    return ibis.cases((types.notnull(), ibis.array([_by_rule(types, rule) for rule in _rules(profile)])))


def _by_rule(types: ArrayValue, rule: Mapping[str, str]) -> StringValue:
    def has(work_type: str) -> Value:
        names = [name for name, of_name in rule.items() if of_name == work_type]
        return types.filter(lambda name: name.isin(names)).length() > 0

    return ibis.cases(*((has(work_type), work_type) for work_type in ("feature", "bug")), else_="other")


def _rules(profile: Profile) -> list[Mapping[str, str]]:
    """The work type of each type's name, rule by rule."""
    variants = profile.variants("work_type")
    return [DEFAULT_WORK_TYPES if text is None else parse_work_types(text) for text in variants]


def bind_work_types(engine: Backend, stretches: Timeline, profile: Profile) -> None:
    """Rule 0 is the default; every rule that a team has is one, in force for the developers whose primary team it is or is
    nearest above. In several trees the first one with a rule decides."""
    variants = profile.variants("work_type")
    rules = over_time(stretches, lambda stretch: by_developer(stretch.trees, profile, "work_type"), profile.zone)
    DEVELOPER_RULES.bind(engine, ((email, variants.index(text), *times) for email, text, *times in rules))
    types = (
        (number, name, work_type) for number, rule in enumerate(_rules(profile)) for name, work_type in rule.items()
    )
    WORK_TYPES.bind(engine, types)
