"""Which of a Jira's fields the columns of work items are taken from, and what its changes of fields are called. Custom fields are
found by what they are (their schema) and by the names that Jira itself gives them; ``--field COLUMN=FIELD`` names others."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from leadline.errors import InvalidRequest, Unusable
from leadline.sources.kit.records import Node

SYSTEM: Mapping[str, tuple[str, ...]] = {
    "type": ("issuetype",),
    "title": ("summary",),
    "priority": ("priority",),
    "assignee": ("assignee",),
    "reporter": ("reporter",),
    "created_at": ("created",),
    "started_at": (),
    "completed_at": ("resolutiondate",),
    "labels": ("labels",),
    "components": ("components",),
    "fix_versions": ("fixVersions",),
    "parent_key": ("parent",),
    "story_points": (),
    "resolution": ("resolution",),
    "sprints": (),
    "time_spent_seconds": ("timespent",),
}
"""Columns that a field can be named for, with the fields that they are taken from otherwise."""
ALWAYS = ("status", "created", "updated")
"""Fields that are read whatever the columns are taken from."""

_GREENHOPPER = "com.pyxis.greenhopper.jira:"
STORY_POINTS_TYPE = f"{_GREENHOPPER}jsw-story-points"
STORY_POINTS_NAMES = ("story points", "story point estimate")
SPRINT_TYPE = f"{_GREENHOPPER}gh-sprint"
PARENT_TYPES = (f"{_GREENHOPPER}gh-epic-link", "com.atlassian.jpo:jpo-custom-field-parent")
"""Fields of epics and of plans' parents, where ``parent`` has subtasks' only."""

CHANGES = {
    "issuetype": "type",
    "summary": "title",
    "fixversions": "fix_versions",
    "fix version": "fix_versions",
    "component": "components",
    "parent": "parent_key",
    "epic link": "parent_key",
    "parent link": "parent_key",
    "issueparentassociation": "parent_key",
    "story points": "story_points",
    "story point estimate": "story_points",
    "issuekey": "key",
}
"""Changes of fields that are columns are called like the column; others as Jira calls the field, in lower case."""
LEFT_OUT = frozenset(
    (
        *("description", "environment", "comment", "attachment", "link", "remoteissuelink", "rank", "workflow"),
        *("worklogid", "worklogtimespent", "timespent", "timeestimate", "timeoriginalestimate", "aggregatetimespent"),
        *("epic child", "parent child", "remoteworkitemlink", "remotelink"),
    )
)
"""Fields whose changes say nothing of the way of an issue: long texts, files, time sheets, order, and links seen from afar."""


@dataclass(frozen=True)
class FieldMap:
    """``columns``: ids of the fields of each column, of which the first that is set counts. ``changes``: what a change is
    called, by the id or the name (lower case) of its field."""

    columns: Mapping[str, tuple[str, ...]]
    changes: Mapping[str, str]

    @property
    def asked(self) -> list[str]:
        """Ids of all fields that are read."""
        return list(dict.fromkeys([*ALWAYS, *(field for ids in self.columns.values() for field in ids)]))

    def change(self, item: Node) -> str | None:
        """What the change ``item`` is called; None if it is left out."""
        identity, name = item.get("fieldId"), item.get("field")
        for field in (identity, name):
            if isinstance(field, str) and (called := self.changes.get(field.lower())) is not None:
                return called
        lower = str(name or identity or "").strip().lower()
        return None if not lower or lower in LEFT_OUT else lower


def overrides(texts: Iterable[str]) -> dict[str, str]:
    """Column → field, of texts ``COLUMN=FIELD``. Raises ``InvalidRequest`` for what is none."""
    fields: dict[str, str] = {}
    for text in texts:
        column, equals, field = (part.strip() for part in text.partition("="))
        if not equals or not field or column not in SYSTEM:
            raise InvalidRequest(
                f"--field cannot be {text[:80]!r}; write COLUMN=FIELD with a column of {', '.join(SYSTEM)}"
            )
        if column in fields:
            raise InvalidRequest(f"--field names {column} twice")
        fields[column] = field
    return fields


def field_map(fields: Sequence[Node], overridden: Mapping[str, str]) -> FieldMap:
    """Where the columns are taken from at a site that has ``fields``; those ``overridden``, from the fields named there. Raises
    ``Unusable`` for a field that is not there."""
    columns = dict(SYSTEM)
    columns["story_points"] = _story_points(fields)
    columns["parent_key"] = ("parent", *_of_type(fields, *PARENT_TYPES))
    columns["sprints"] = _of_type(fields, SPRINT_TYPE)
    for column, name in overridden.items():
        columns[column] = _named(fields, name)
    changes = dict(CHANGES)
    for column, ids in columns.items():
        changes |= {field.lower(): column for field in ids}
    for column in overridden:
        # Old entries have no id of their field, only its name.
        names = {str(field.get("name", "")).lower() for field in fields if field.get("id") in columns[column]}
        changes |= dict.fromkeys(names - {""}, column)
    changes |= {field.lower(): "sprint" for field in _of_type(fields, SPRINT_TYPE)}
    untold = ("created_at", "started_at", "completed_at", "time_spent_seconds")
    return FieldMap(columns, {name: called for name, called in changes.items() if called not in untold})


def _story_points(fields: Sequence[Node]) -> tuple[str, ...]:
    """Fields of story points: by name, in the order of names, then those of the type made for them."""
    numbers = [field for field in fields if _schema(field).get("type") == "number"]
    by_name = [str(field.get("id")) for name in STORY_POINTS_NAMES for field in numbers if name in _names(field)]
    return tuple(dict.fromkeys([*by_name, *_of_type(fields, STORY_POINTS_TYPE)]))


def _names(field: Node) -> set[str]:
    return {str(field.get(spelled, "")).strip().lower() for spelled in ("name", "untranslatedName")}


def _of_type(fields: Sequence[Node], *types: str) -> tuple[str, ...]:
    return tuple(str(field.get("id")) for kind in types for field in fields if _schema(field).get("custom") == kind)


def _schema(field: Node) -> Node:
    schema = field.get("schema")
    return schema if isinstance(schema, dict) else {}


def _named(fields: Sequence[Node], name: str) -> tuple[str, ...]:
    """Ids of the fields called ``name``: the one with that id, else all with that name."""
    if any(field.get("id") == name for field in fields):
        return (name,)
    ids = tuple(str(field.get("id")) for field in fields if str(field.get("name", "")).lower() == name.lower())
    if not ids:
        names = {str(field.get("name", "")).lower(): f"{field.get('name')!r}" for field in fields}
        near = [names[lower] for lower in difflib.get_close_matches(name.lower(), names, 3)]
        raise Unusable(
            f"Jira has no field {name!r} that the token may see" + (f"; there is {', '.join(near)}" if near else "")
        )
    return ids
