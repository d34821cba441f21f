"""Which environments are production: by default from the name, else by the environment rule of a team.

Every distinct environment rule is a class of its own (class 0 is the default), so that what a team calls production is
judged once for all teams with the same rule.
"""

from __future__ import annotations

import re

from leadline.settings.profile import Profile
from leadline.settings.rules import Filter, parse_filters

DEFAULT_CLASS = 0

_WORDS = re.compile(r"[^\W_]+")
_PRODUCTION = re.compile(r"(prod|prd|production|live)[0-9]*")
_NEGATED = {"non", "not", "pre", "preprod", "like", "staging", "stage", "test", "dev", "qa", "uat"}


def is_production_name(environment: str | None) -> bool:
    """The default (metrics, "Deployment frequency"): no environment, or a name with the whole word prod, prd, production or
    live (digits may follow), unless a word of ``_NEGATED`` is in it, or `no` stands directly before that word: `no-prod` is
    none, `prod-no` is Norway's."""
    if not (environment or "").strip():
        return True
    words = _WORDS.findall((environment or "").lower())
    pairs = zip(["", *words], words, strict=False)
    named = [before != "no" for before, word in pairs if _PRODUCTION.fullmatch(word)]
    return bool(named) and all(named) and _NEGATED.isdisjoint(words)


def classes(profile: Profile) -> tuple[str | None, ...]:
    """The environment rules in use, by class: None for the default, then every distinct rule's text, sorted."""
    return (None, *sorted(set(profile.rule_texts("environment").values())))


def class_of(profile: Profile, rule: str | None) -> int:
    """The class of an environment rule's text; None is the default's."""
    return classes(profile).index(rule)


def is_production(environment: str | None, rule: str | None) -> bool:
    """Whether an environment is production under a rule's text (None: the default)."""
    if rule is None:
        return is_production_name(environment)
    filters: tuple[Filter, ...] = parse_filters(rule)
    return all(rule_filter.holds([environment]) for rule_filter in filters)
