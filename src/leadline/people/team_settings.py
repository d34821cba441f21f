"""The filter rules of one team, as the API reads and changes them: stored settings on one side, documented filters on the other
(vendor docs, "Copy team integration settings"). A rule belongs to the project's settings of that tree, ``team.<key or ref
id>.<rule>``; here it is written under the node's key, or its ref id if it has none."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from leadline.db import settings as stored
from leadline.errors import Conflict, Detail, InvalidRequest
from leadline.home import Project
from leadline.lease import Lease
from leadline.people.tree import Node, OrgTree
from leadline.people.violations import shown
from leadline.settings.profile import GOALS, TEAM_RULES
from leadline.settings.rules import Filter, parse_filters

RULES = {name: rule for name, rule in TEAM_RULES.items() if name not in ("integrations", GOALS)}
"""The rules that something follows from. Which sources a team uses has an address of its own (``team_integrations``)."""

FILTER_KEYS = {
    "repository": ("SCM", "REPO_ID"),
    "service": ("CD", "SERVICE"),
    "pipeline": ("CD", "PIPELINE"),
    "environment": ("CD", "ENVIRONMENT"),
    "tag": ("CD", "TAG"),
    "project": ("ITSM", "PROJECT"),
    "label": ("ITSM", "LABEL"),
}
"""Group and filter key of each rule that consists of filters."""

OPERATORS = {
    "equals": "IN",
    "not equals": "NOT_IN",
    "contains": "CONTAINS",
    "not contains": "NOT_CONTAINS",
    "starts with": "STARTS_WITH",
    "ends with": "ENDS_WITH",
}

WITHOUT_MEANING = ("categories", "insightConfigs", "metricsUsingDeveloperFilters")
"""Documented members that nothing here is filtered by."""


@dataclass(frozen=True)
class TeamFilters:
    """A team's own rules, as text by rule and as filters by rule."""

    rules: Mapping[str, str]
    filters: Mapping[str, tuple[Filter, ...]]


def team_filters(project: Project, tree: OrgTree, node: Node) -> TeamFilters:
    """The rules that the settings give to ``node`` itself; those of teams above it also hold where it has none."""
    texts = stored.profile(project.db, project.id, tree.name).texts
    rules = {}
    for name in RULES:
        for spelling in spellings(node):
            if (text := texts.get(f"team.{spelling}.{name}")) is not None:
                rules[name] = text
                break
    return TeamFilters(rules, {name: parse_filters(text) for name, text in rules.items() if name in FILTER_KEYS})


def change_team_filters(
    project: Project, tree: OrgTree, node: Node, body: Mapping[str, Any]
) -> tuple[TeamFilters, tuple[str, ...]]:
    """Merge ``rules`` and ``groupedFilters`` of a request: each rule named replaces the one there, others stay, one without text or
    values is taken away. Gives what holds then, and warnings. Raises ``InvalidRequest`` with everything refused, ``Conflict`` for
    taking away what is set for the whole project."""
    refused: list[Detail] = []
    allowed = ("groupedFilters", "rules", *WITHOUT_MEANING)
    refused += [
        Detail(shown(name)[1:-1], f"unknown property; a body has {', '.join(allowed)}")
        for name in body
        if name not in allowed
    ]
    wanted = {**_grouped(body.get("groupedFilters"), refused)}
    for name, text in _rules(body.get("rules"), refused).items():
        if wanted.get(name, text) != text:
            refused.append(Detail(f"rules.{name}", "it is also among groupedFilters, differently; keep one"))
        wanted[name] = text
    _check(wanted, refused)
    if refused:
        first = f"{refused[0].field}: {refused[0].message}"
        raise InvalidRequest(f"Invalid filters: {first}", code="invalid_filters", details=refused)
    with changing(project, tree) as lease:
        store(project, tree, node, wanted, lease)
    warnings = tuple(f"{name}: ignored, nothing here is filtered by it" for name in WITHOUT_MEANING if body.get(name))
    return team_filters(project, tree, node), warnings


def changing(project: Project, tree: OrgTree) -> AbstractContextManager[Lease]:
    """Hold the settings of a tree against other changes of teams."""
    return project.lock(f"settings:{tree.name}")


def spellings(node: Node) -> tuple[str, ...]:
    """What settings may call the node, the one that wins first."""
    return (str(node.ref_id),) if node.key is None else (node.key, str(node.ref_id))


def store(project: Project, tree: OrgTree, node: Node, wanted: Mapping[str, str], lease: Lease) -> None:
    """Put the rules of ``wanted`` (text by name) in force for a team; an empty one is taken away. Raises ``Conflict`` for taking
    away what is set for the whole project, ``LockLost`` if somebody else changes the settings by now."""
    names = spellings(node)
    removed = [f"team.{spelling}.{name}" for name in wanted for spelling in names]
    for_all = stored.stored(project.db, project.id)
    if stuck := [key for key in removed if key in for_all and not wanted[key.rpartition(".")[2]]]:
        raise Conflict(
            f"{stuck[0]} is set for the whole project; take it away there with `leadline settings`",
            code="project_setting",
        )
    values = {f"team.{names[0]}.{name}": text for name, text in wanted.items() if text}
    stored.change(project.db, project.id, values, removed, tree.name, under=lease)


def _check(wanted: Mapping[str, str], refused: list[Detail]) -> None:
    for name, text in wanted.items():
        try:
            if text:
                RULES[name].parse(text)
        except ValueError as error:
            refused.append(Detail(f"rules.{name}", f"{shown(text)} is refused; it must be {error}"))


def _rules(value: Any, refused: list[Detail]) -> dict[str, str]:
    rules: dict[str, str] = {}
    if value is not None and not isinstance(value, dict):
        refused.append(Detail("rules", "an object of rules as text"))
        return rules
    for name, text in (value or {}).items():
        if name not in RULES:
            refused.append(Detail(f"rules.{name[:80]}", f"unknown property; one of {', '.join(RULES)}"))
        elif text is not None and not isinstance(text, str):
            refused.append(Detail(f"rules.{name}", "a text such as `equals a, b`, or null to take it away"))
        else:
            rules[name] = (text or "").strip()
    return rules


def _grouped(value: Any, refused: list[Detail]) -> dict[str, str]:
    """The rules that ``groupedFilters`` spell, as text; which group a filter is in does not matter."""
    parts: dict[str, list[str]] = {}
    groups = {} if value is None else value
    if not isinstance(groups, dict) or not all(isinstance(entry, list) for entry in groups.values()):
        refused.append(Detail("groupedFilters", "an object of lists of filters"))
        return {}
    for group, filters in groups.items():
        for position, entry in enumerate(filters):
            where = f"groupedFilters.{group[:80]}[{position}]"
            parsed = _filter(entry, where, refused)
            if parsed is not None:
                name, text = parsed
                parts.setdefault(name, []).extend([text] if text else [])
    return {name: "; ".join(texts) for name, texts in parts.items()}


def _filter(entry: Any, where: str, refused: list[Detail]) -> tuple[str, str] | None:
    if not isinstance(entry, dict):
        refused.append(Detail(where, "an object with filterKey, operator, values"))
        return None
    name = _choice(entry.get("filterKey"), {key: name for name, (_, key) in FILTER_KEYS.items()}, tuple(FILTER_KEYS))
    operator = _choice(entry.get("operator", "IN"), {word: name for name, word in OPERATORS.items()}, tuple(OPERATORS))
    values = entry.get("values")
    if name is None:
        would_do = ", ".join(key for _, key in FILTER_KEYS.values())
        refused.append(Detail(f"{where}.filterKey", f"unknown property; one of {would_do}"))
    if operator is None:
        refused.append(Detail(f"{where}.operator", f"one of {', '.join(OPERATORS.values())}"))
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        refused.append(Detail(f"{where}.values", "a list of texts; an empty one takes the filter away"))
    elif any("," in value or ";" in value or not value.strip() for value in values):
        refused.append(Detail(f"{where}.values", "texts that are not empty and have no , or ; in them"))
    elif name is not None and operator is not None:
        return name, f"{operator} {', '.join(value.strip() for value in values)}" if values else ""
    return None


def _choice(value: Any, words: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    """The name that ``value`` spells, by its documented word or itself, in any letter case."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    if (name := words.get(text.upper())) is not None:
        return name
    plain = text.lower().replace("_", " ")
    return plain if plain in names else None
