"""Rules that say which work items are of a category of work: those of the project or tree, and those that teams have.

Rules are numbered through: what an item fits is stored by these numbers, since it follows from the item alone; whose rules count
depends on the day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from leadline.settings.categories import CATEGORIES, JOIN, OF_CATEGORY, OF_TEAM, PROPERTIES, in_team, stored_form
from leadline.settings.profile import Profile


@dataclass(frozen=True, order=True)
class CategoryRule:
    """The filters of a category: texts by property, of which an item must fit all or, if ``any_will_do``, one."""

    sets: tuple[tuple[str, str], ...]
    any_will_do: bool = False


@dataclass(frozen=True)
class BusinessRules:
    """All ``rules`` in use; the places of those of the project or tree by category, and those of teams by team and category.
    Categories are as keys of settings have them."""

    rules: tuple[CategoryRule, ...]
    of_all: Mapping[str, int]
    of_teams: Mapping[str, Mapping[str, int]]


def business_rules(profile: Profile) -> BusinessRules:
    """The rules that ``profile`` has."""
    of_all = _rules(profile, OF_CATEGORY)
    of_teams = _rules(profile, OF_TEAM)
    rules = tuple(sorted({*of_all.values(), *of_teams.values()}))
    by_team: dict[str, dict[str, int]] = {}
    for name, rule in of_teams.items():
        team, category = in_team(name)
        by_team.setdefault(team, {})[category] = rules.index(rule)
    return BusinessRules(rules, {name: rules.index(rule) for name, rule in of_all.items()}, by_team)


def categories(profile: Profile) -> tuple[str, ...]:
    """The categories in their order, as keys of settings have them."""
    return tuple(map(stored_form, profile[CATEGORIES]))


def _rules(profile: Profile, scope: str) -> dict[str, CategoryRule]:
    """The rule of each name that has any filter."""
    joins = profile.own(scope, JOIN)
    sets: dict[str, list[tuple[str, str]]] = {}
    for name_of_property in PROPERTIES:
        for name, text in profile.own_texts(scope, name_of_property).items():
            sets.setdefault(name, []).append((name_of_property, text))
    return {name: CategoryRule(tuple(filters), joins.get(name) == "any") for name, filters in sets.items()}
