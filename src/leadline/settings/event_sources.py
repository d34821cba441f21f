"""Where deployments and incidents come from: the settings of a project or tree, and for a team its rules of the same names.

The nearest team that has any of the rules for deployments (or for incidents) decides for itself and for what is below it;
what it leaves open, and every team without any, is as the project or tree says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from leadline.settings.profile import Profile, declared, split_key

DEPLOYMENT_SETTINGS = ("deployments.source", "deployments.branches", "deployments.labels", "releases.tags")
"""Settings of a project or tree, and rules of a team: what is a deployment."""
INCIDENT_SETTINGS = ("incidents.source",)
INCIDENT_FILTERS = ("type", "label", "priority", "project")
"""Properties of a work item by which rules of a team, `incident.<property>`, tell whether it is an incident."""
INCIDENT_RULES = (*INCIDENT_SETTINGS, *(f"incident.{name}" for name in INCIDENT_FILTERS))

PIPELINES, RELEASES, MERGES, VERSIONS, AUTO = "pipelines", "releases", "merges", "versions", "auto"
INCIDENTS, WORK_ITEMS, BOTH = "incidents", "work_items", "both"


@dataclass(frozen=True, order=True)
class DeploymentSource:
    """What is a deployment: the source, and what it leaves open; names and globs that the source does not look at are none.
    No ``branches`` are the default branch."""

    source: str
    branches: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def of_pipelines(self) -> bool:
        """Whether runs of pipelines count."""
        return self.source in (PIPELINES, AUTO)

    @property
    def of_releases(self) -> bool:
        """Whether releases count: all of them, or where there are no runs."""
        return self.source in (RELEASES, AUTO)


@dataclass(frozen=True, order=True)
class IncidentSource:
    """What is an incident: the source, and the texts of filter sets over a work item, by property."""

    source: str
    filters: tuple[tuple[str, str], ...] = ()


def deployment_sources(profile: Profile) -> tuple[DeploymentSource, ...]:
    """All in use: that of the project or tree, then those of teams."""
    whole = _deployment_source(profile, {})
    return (whole, *sorted({_deployment_source(profile, of) for of in _teams(profile, DEPLOYMENT_SETTINGS)} - {whole}))


def incident_sources(profile: Profile) -> tuple[IncidentSource, ...]:
    """All in use: that of the project or tree, then those of teams."""
    whole = _incident_source(profile, {})
    return (whole, *sorted({_incident_source(profile, of) for of in _teams(profile, INCIDENT_RULES)} - {whole}))


def deployment_source_of(profile: Profile, rules: Mapping[str, str]) -> int:
    """The place in ``deployment_sources`` of a team whose texts of these rules are ``rules``."""
    return deployment_sources(profile).index(_deployment_source(profile, rules))


def incident_source_of(profile: Profile, rules: Mapping[str, str]) -> int:
    """The place in ``incident_sources`` of a team whose texts of these rules are ``rules``."""
    return incident_sources(profile).index(_incident_source(profile, rules))


def own_texts(profile: Profile, team: str, names: tuple[str, ...]) -> dict[str, str]:
    """The texts of those rules called ``names`` that ``team.<team>.…`` sets."""
    texts = profile.texts
    return {name: texts[key] for name in names if (key := f"team.{team}.{name}") in texts}


def _teams(profile: Profile, names: tuple[str, ...]) -> list[dict[str, str]]:
    """The texts of the rules called ``names`` of every team that has any."""
    by_team: dict[str, dict[str, str]] = {}
    for key, text in profile.rule_texts(*names).items():
        _, team, name = split_key(key)
        by_team.setdefault(team, {})[name] = text
    return list(by_team.values())


def _deployment_source(profile: Profile, rules: Mapping[str, str]) -> DeploymentSource:
    value = partial(_value, profile, rules)
    source = value("deployments.source")
    if source == MERGES:
        return DeploymentSource(source, value("deployments.branches"), value("deployments.labels"))
    return DeploymentSource(source, tags=value("releases.tags") if source in (RELEASES, AUTO) else ())


def _incident_source(profile: Profile, rules: Mapping[str, str]) -> IncidentSource:
    source = _value(profile, rules, "incidents.source")
    filters = tuple((name, text) for name in INCIDENT_FILTERS if (text := rules.get(f"incident.{name}")) is not None)
    return IncidentSource(source, () if source == INCIDENTS else filters)


def _value(profile: Profile, rules: Mapping[str, str], name: str) -> Any:
    return declared(name).parse(rules[name]) if name in rules else profile[name]
