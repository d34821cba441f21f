"""What is a deployment to production for whom: by default from the environment's name, else by the environment rule of a team;
and from which source.

Every environment rule with every source of deployments is a class of its own (class 0 is what the project or tree says), so
that what teams call production is judged once for all that say the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from leadline.settings.event_sources import DeploymentSource, deployment_sources
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


@dataclass(frozen=True)
class ProductionClass:
    """One class: the text of its environment rule (None: the default), and where its deployments come from."""

    environment: str | None
    source: DeploymentSource


def classes(profile: Profile) -> tuple[ProductionClass, ...]:
    """The classes in use: those of the default rule first, then by the text of the rule; within, by source."""
    rules = profile.variants("environment")
    sources = deployment_sources(profile)
    return tuple(ProductionClass(rule, source) for rule in rules for source in sources)


class ClassNumbers:
    """Numbers the ``classes`` of a profile."""

    def __init__(self, profile: Profile) -> None:
        self._sources = deployment_sources(profile)
        self._numbers = {of_class: number for number, of_class in enumerate(classes(profile))}

    def of(self, rule: str | None, source: int = 0) -> int:
        """The class of an environment rule's text (None: the default) and of a place in ``deployment_sources``."""
        return self._numbers[ProductionClass(rule, self._sources[source])]


def is_production(environment: str | None, rule: str | None) -> bool:
    """Whether an environment is production under a rule's text (None: the default)."""
    if rule is None:
        return is_production_name(environment)
    filters: tuple[Filter, ...] = parse_filters(rule)
    return all(rule_filter.holds([environment]) for rule_filter in filters)
