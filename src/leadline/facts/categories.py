"""The category of work of a work item, by the rules in force for whoever it is asked for.

Which rules an item fits is stored, and from which items it takes its category; which rules are in force is bound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
from ibis.expr.types import ArrayValue, BooleanValue, Table, Value

from leadline.derive.completion import ITEM
from leadline.derive.expressions import attach
from leadline.derive.filter_sets import OF_ITEMS, holds
from leadline.derive.former_keys import mention_of, without_former
from leadline.derive.links import known_items
from leadline.engine import BoundTable, schema_table
from leadline.facts.former_keys import FORMER_KEYS
from leadline.facts.phases import over_time
from leadline.materialize.model import BuildContext, Computation, Model
from leadline.people.business_rules import RulesByRank, rules_by_rank, rules_of_people
from leadline.people.timeline import Timeline
from leadline.settings.business import CategoryRule, business_rules, categories
from leadline.settings.categories import HIERARCHY
from leadline.settings.profile import Profile
from leadline.settings.rules import parse_filters

if TYPE_CHECKING:
    from leadline.engine import Backend

EPIC = "epic"
"""The type of an Epic, in lower case."""
_MOST_CATEGORIES = 10**6
"""More than there can be."""

RULESETS = BoundTable("rulesets", dict.fromkeys(("of_ruleset", "rank", "rule"), "int64"))
"""The rule of each category, by its rank, in each set of rules; set 0 are those of the project or tree."""
DEVELOPER_RULESETS = BoundTable(
    "developer_rulesets",
    {"ruled_developer": "string", "ruleset": "int64", "ruled_from_us": "int64", "ruled_until_us": "int64"},
)
"""The set of rules of each developer, and when; those not listed follow set 0."""


def with_ruleset(events: Table, instant: Value) -> Table:
    """``events`` (developer) with the set of rules that their developer has at the ``instant`` of the event (microseconds)."""
    rules = DEVELOPER_RULESETS.table()
    own = [events.developer == rules.ruled_developer, instant >= rules.ruled_from_us, instant < rules.ruled_until_us]
    ruled = events.left_join(rules, own).drop("ruled_developer", "ruled_from_us", "ruled_until_us")
    return ruled.mutate(ruleset=ruled.ruleset.fill_null(0))


def with_category(events: Table, hierarchy: str) -> Table:
    """``events`` (project, key, ruleset) with the rank of their item's category under their set of rules; null: it is in none."""
    if hierarchy == "none":
        return _with_own_category(events)
    asked = events.filter(events.key.notnull()).select(*ITEM, "ruleset").distinct()
    ranked = _ranked(_sources(asked, hierarchy))
    found = ranked.group_by(*ITEM, "ruleset").agg(first=(ranked.place * _MOST_CATEGORIES + ranked.rank).min())
    found = found.select(
        of_project="project", of_key="key", of_rules="ruleset", category=found.first % _MOST_CATEGORIES
    )
    same = [events.project == found.of_project, events.key == found.of_key, events.ruleset == found.of_rules]
    return events.left_join(found, same).drop("of_project", "of_key", "of_rules")


def _with_own_category(events: Table) -> Table:
    """As ``with_category``, of the item alone. There are few combinations of rules that items fit: each is judged once."""
    fits, rules = FITS.table(), RULESETS.table()
    combinations = fits.select("rules").distinct()
    ranked = combinations.mutate(rule=combinations.rules.unnest()).inner_join(rules, "rule")
    ranked = ranked.group_by(ranked_rules="rules", of_ruleset="of_ruleset").agg(category=ranked["rank"].min())
    fitting = attach(events, ITEM, fits)
    same = [fitting.rules == ranked.ranked_rules, fitting.ruleset == ranked.of_ruleset]
    return fitting.left_join(ranked, same).drop("rules", "ranked_rules", "of_ruleset")


def _sources(asked: Table, hierarchy: str) -> Table:
    """From which items each takes its category, in the order of ``place``."""
    own = asked.mutate(from_project=asked.project, from_key=asked.key, place=ibis.literal(0, "int64"))
    above = ABOVE.table()
    taken = asked.inner_join(above, ITEM).select(*own.columns)
    # Below an Epic the item's own rules do not matter.
    return (own.anti_join(above, ITEM) if hierarchy == EPIC else own).union(taken)


def _ranked(sources: Table) -> Table:
    """The ranks of the categories whose rules the sources fit."""
    fits, rules = FITS.table(), RULESETS.table()
    fits = fits.select(fit_project="project", fit_key="key", fit_rule=fits.rules.unnest())
    fitting = sources.inner_join(fits, [sources.from_project == fits.fit_project, sources.from_key == fits.fit_key])
    return fitting.inner_join(rules, [fitting.ruleset == rules.of_ruleset, fitting.fit_rule == rules.rule])


# -- stored ------------------------------------------------------------------------------------------------------------


def _fits(profile: Profile) -> Table:
    items = without_former(schema_table("work_items"), FORMER_KEYS.table())
    rules = business_rules(profile).rules
    fitting: ArrayValue = ibis.literal([], "array<int64>")
    if rules:
        numbers = [ibis.cases((_fit(items, rule), ibis.literal(number, "int64"))) for number, rule in enumerate(rules)]
        fitting = ibis.array(numbers).filter(lambda number: number.notnull())
    fits = items.select(*ITEM, rules=fitting)
    return fits.filter(fits.rules.length() > 0)


def _fit(items: Table, rule: CategoryRule) -> BooleanValue:
    sets = [
        ibis.and_(*(holds(condition, OF_ITEMS[name](items)) for condition in parse_filters(text)))
        for name, text in rule.sets
    ]
    return ibis.or_(*sets) if rule.any_will_do else ibis.and_(*sets)


def _parents() -> Table:
    """The parent of each item that names one there is, by its present or a former key; of several that are called so the one of its
    own project, else the first by name. What names itself has none."""
    former = FORMER_KEYS.table()
    items = without_former(schema_table("work_items"), former)
    named = items.filter(items.parent_key.strip() != "")
    named = named.select(*ITEM, parent_mention=mention_of(named.project, named.parent_key.strip()))
    known = known_items(former)
    known = known.select("item_mention", parent_project="project", parent_key="key")
    pairs = named.inner_join(known, named.parent_mention == known.item_mention)
    order = [pairs.parent_project != pairs.project, pairs.parent_project, pairs.parent_key]
    pairs = pairs.mutate(choice=ibis.row_number().over(group_by=ITEM, order_by=order))
    itself = (pairs.parent_project == pairs.project) & (pairs.parent_key == pairs.key)
    return pairs.filter((pairs.choice == 0) & ~itself).select(*PARENTS.columns)


def _epics() -> Table:
    items = schema_table("work_items")
    return items.filter(items.type.strip().lower() == EPIC).select(*ITEM)


def _above(context: BuildContext) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    hierarchy = context.profile[HIERARCHY]
    parents = {}
    epics = set()
    if hierarchy != "none":
        rows = context.engine.arrow(context.sql("item_parents", None, PARENTS.table)).to_pylist()
        parents = {(row["project"], row["key"]): (row["parent_project"], row["parent_key"]) for row in rows}
    if hierarchy == EPIC:
        rows = context.engine.arrow(context.sql("epics", None, _epics)).to_pylist()
        epics = {(row["project"], row["key"]) for row in rows}
    taken = [
        (*item, *source, place)
        for item in parents
        for place, source in enumerate(_taken(item, parents, epics, hierarchy), start=1)
    ]
    columns = zip(*taken, strict=True) if taken else ([] for _ in ABOVE.columns)
    kinds = [pa.int64() if kind == "int64" else pa.string() for kind in ABOVE.columns.values()]
    arrays = [pa.array(list(column), kind) for column, kind in zip(columns, kinds, strict=True)]
    pq.write_table(pa.table(dict(zip(ABOVE.columns, arrays, strict=True))), context.folder / "above.parquet")


Item = tuple[str, str]


def _taken(item: Item, parents: dict[Item, Item], epics: set[Item], hierarchy: str) -> list[Item]:
    """The items above ``item`` of which it takes its category, the nearest first; a circle ends the search."""
    if hierarchy == "children":
        return [parents[item]]
    if hierarchy == EPIC and item in epics:
        return []
    met, above = {item}, []
    while (next_one := parents.get(item)) is not None and next_one not in met:
        met.add(next_one)
        above.append(next_one)
        item = next_one
    return [one for one in above if one in epics][:1] if hierarchy == EPIC else above


FITS = Model("category_fits", {**dict.fromkeys(ITEM, "string"), "rules": "array<int64>"}, expression=_fits)
"""The rules that each item fits, by their places in ``business_rules``; items that fit none are left out."""
PARENTS = Model(
    "item_parents",
    dict.fromkeys((*ITEM, "parent_project", "parent_key"), "string"),
    expression=lambda _profile: _parents(),
)
ABOVE = Model(
    "category_sources",
    {**dict.fromkeys((*ITEM, "from_project", "from_key"), "string"), "place": "int64"},
    computation=Computation(_above, sources=("work_items",), depends_on=(PARENTS,), settings=(HIERARCHY,)),
)
"""From which items above an item takes its category, by ``business.hierarchy``, in the order of ``place``."""
CATEGORY_STEPS = (FITS, ABOVE)
"""What ``with_category`` reads."""


# -- bound -------------------------------------------------------------------------------------------------------------


def bind_categories(engine: Backend, stretches: Timeline, profile: Profile) -> None:
    """Bind which rules count for whom: those that teams have for the developers whose primary team it is or is nearest above."""
    rules, ranks = business_rules(profile), categories(profile)
    sets: dict[RulesByRank, int] = {rules_by_rank(rules, ranks, {}): 0}
    in_time = list(over_time(stretches, lambda stretch: rules_of_people(stretch.trees, rules, ranks), profile.zone))
    for _, own, *_ in in_time:
        sets.setdefault(own, len(sets))
    DEVELOPER_RULESETS.bind(engine, ((email, sets[own], *times) for email, own, *times in in_time))
    ranked = ((number, rank, rule) for own, number in sets.items() for rank, rule in enumerate(own))
    RULESETS.bind(engine, (row for row in ranked if row[2] is not None))
