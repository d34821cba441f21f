"""Which sources a team uses and for what, as the API reads and changes it (vendor docs, "Copy team integration settings"). They are
configured sources, each with a type, kept as one of the team's settings, ``team.<key or ref id>.integrations``. People see by them
where a team's data comes from; nothing is filtered by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leadline.db import settings as stored
from leadline.db import sources
from leadline.errors import Detail, InvalidRequest
from leadline.home import Project
from leadline.people.team_settings import changing, spellings, store
from leadline.people.tree import Node, OrgTree
from leadline.people.violations import shown
from leadline.settings.rules import INTEGRATION_TYPES, integrations_text, parse_integrations

RULE = "integrations"
PROPERTIES = ("integrationId", "integrationName", "type", "kind")
_SPELLED = {"ITSM": "IM"}
"""Further words for a type: that of the filters' groups."""


@dataclass(frozen=True)
class Integration:
    """A configured source that a team uses; ``kind`` is its tool, ``type`` one of ``INTEGRATION_TYPES``."""

    id: int
    name: str
    kind: str
    type: str


@dataclass(frozen=True)
class _Asked:
    """An entry of a request: a source, and a type to use it for, or None to take it away."""

    name: str
    type: str | None


def team_integrations(project: Project, tree: OrgTree, node: Node) -> tuple[Integration, ...]:
    """The team's own, by type and name. A source that is removed is not among them; configured again, it is."""
    configured = _configured(project)
    used = _used(project, tree, node)
    return tuple(
        Integration(configured[name].id, name, configured[name].kind, kind)
        for kind, names in used.items()
        for name in sorted(names)
        if name in configured
    )


def tree_integrations(project: Project, tree: OrgTree) -> tuple[Integration, ...]:
    """Those of all teams of ``tree``, each once, by type and name."""
    used = {used for node in tree.nodes for used in team_integrations(project, tree, node)}
    kinds = list(INTEGRATION_TYPES)
    return tuple(sorted(used, key=lambda one: (kinds.index(one.type), one.name)))


def change_team_integrations(
    project: Project, tree: OrgTree, node: Node, body: Mapping[str, Any]
) -> tuple[Integration, ...]:
    """Merge a request's ``integrations``: each is added under its type, one of the type null is taken away altogether,
    others stay. Gives what holds then. Raises ``InvalidRequest`` with everything refused, ``Conflict`` as ``store``."""
    refused = [
        Detail(shown(name)[1:-1], "unknown property; a body has integrations")
        for name in body
        if name != "integrations"
    ]
    asked = _asked(body.get("integrations"), _configured(project), refused)
    if refused:
        first = f"{refused[0].field}: {refused[0].message}"
        raise InvalidRequest(f"Invalid integrations: {first}", code="invalid_integrations", details=refused)
    if asked:
        removed_names = {entry.name for entry in asked if entry.type is None}
        with changing(project, tree) as lease:
            used = _used(project, tree, node)
            merged = {
                kind: dict.fromkeys(
                    [name for name in used.get(kind, ()) if name not in removed_names]
                    + [entry.name for entry in asked if entry.type == kind]
                )
                for kind in INTEGRATION_TYPES
            }
            store(project, tree, node, {RULE: integrations_text(merged)}, lease)
    return team_integrations(project, tree, node)


def _configured(project: Project) -> dict[str, sources.SourceRow]:
    return {row.name: row for row in sources.listed(project.db, project.id, configured=True)}


def _used(project: Project, tree: OrgTree, node: Node) -> Mapping[str, Sequence[str]]:
    """Names of sources by type, as the settings have them: removed ones, too."""
    texts = stored.profile(project.db, project.id, tree.name).texts
    in_force = [texts[key] for spelling in spellings(node) if (key := f"team.{spelling}.{RULE}") in texts]
    return parse_integrations(in_force[0]) if in_force else {}


def _asked(value: Any, configured: Mapping[str, sources.SourceRow], refused: list[Detail]) -> list[_Asked]:
    if not isinstance(value, list):
        refused.append(Detail("integrations", "a list of objects with integrationId or integrationName, and type"))
        return []
    asked: list[_Asked] = []
    for position, entry in enumerate(value):
        parsed = _entry(entry, f"integrations[{position}]", configured, refused)
        if parsed is None:
            continue
        if any(earlier.name == parsed.name and (earlier.type is None) != (parsed.type is None) for earlier in asked):
            refused.append(Detail(f"integrations[{position}].type", "it is both used and taken away; keep one"))
        asked.append(parsed)
    return asked


def _entry(entry: Any, where: str, configured: Mapping[str, sources.SourceRow], refused: list[Detail]) -> _Asked | None:
    if not isinstance(entry, dict):
        refused.append(Detail(where, f"an object with {', '.join(PROPERTIES)}"))
        return None
    before = len(refused)
    refused += [
        Detail(f"{where}.{shown(name)[1:-1]}", f"unknown property; one of {', '.join(PROPERTIES)}")
        for name in entry
        if name not in PROPERTIES
    ]
    source = _source(entry, where, configured, refused)
    spelled = entry.get("type")
    word = spelled.strip().upper() if isinstance(spelled, str) else ""
    kind = _SPELLED.get(word, word)
    if "type" not in entry or (spelled is not None and kind not in INTEGRATION_TYPES):
        refused.append(Detail(f"{where}.type", f"one of {', '.join(INTEGRATION_TYPES)}, or null to take it away"))
    elif spelled is not None and source is not None and ("," in source.name or ";" in source.name):
        refused.append(Detail(f"{where}.integrationName", "add the source again under a name without , and ;"))
    if source is None or len(refused) > before:
        return None
    return _Asked(source.name, None if spelled is None else kind)


def _source(
    entry: Mapping[str, Any], where: str, configured: Mapping[str, sources.SourceRow], refused: list[Detail]
) -> sources.SourceRow | None:
    number, name = entry.get("integrationId"), entry.get("integrationName")
    would_do = f"one of {', '.join(configured)}" if configured else "add a source first: `leadline sources add`"
    if number is None and name is None:
        refused.append(Detail(f"{where}.integrationId", "an id or an integrationName is needed"))
        return None
    by_name = configured.get(name) if isinstance(name, str) else None
    # True is a whole number to Python, and 3.0 equals 3.
    numbers = {row.id: row for row in configured.values()}
    by_number = numbers.get(number) if isinstance(number, int) and not isinstance(number, bool) else None
    if name is not None and by_name is None:
        refused.append(Detail(f"{where}.integrationName", f"no such source; {would_do}"))
    elif number is not None and by_number is None:
        refused.append(Detail(f"{where}.integrationId", f"no such source; {would_do}"))
    elif by_name is not None and by_number is not None and by_name != by_number:
        refused.append(Detail(f"{where}.integrationId", f"that is {by_number.name}, not {by_name.name}; keep one"))
    else:
        return by_name or by_number
    return None
