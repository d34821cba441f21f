"""Jira's records (REST 2 or 3) as rows: issues with their changes, and sprints. Nothing is guessed: what a record lacks stays
unknown, and a record that is not of the documented shape raises ``Misshapen``."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from leadline.instants import rfc3339
from leadline.sources.jira.fields import FieldMap
from leadline.sources.jira.people import SOURCE, People
from leadline.sources.kit.page import Row
from leadline.sources.kit.records import Node, Rows, inner
from leadline.sources.kit.text import Misshapen, clean

CATEGORIES = {"new": "todo", "indeterminate": "in_progress", "done": "done"}
"""Jira's keys of status categories; ``undefined`` is none."""
LONGEST_VALUE = 255
"""Longer values of fields that are no columns are texts, which nobody counts; their changes are left out."""
_LISTS = ("labels", "components", "fix_versions", "sprints")
_PEOPLE = ("assignee", "reporter")
_INSTANTS = ("created_at", "started_at", "completed_at")
_SPRINT_ID = re.compile(r"[\[,]id=(\d+)[,\]]")
_MILLISECONDS_FROM = 1e11
"""Epochs above this are in milliseconds, others in seconds."""


@dataclass
class Shapes:
    """What is needed to read records of one site. ``categories``: of statuses, by id; ``web``: the address of its pages."""

    fields: FieldMap
    people: People
    web: str
    categories: Mapping[str, str] = field(default_factory=dict)


def instant(value: Any) -> str | None:
    """A time as Jira writes it (with any offset, or as an epoch) in UTC; None for none. Raises ``Misshapen`` for nonsense."""
    if value is None or value == "":
        return None
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            moment = datetime.fromtimestamp(value / 1000 if value > _MILLISECONDS_FROM else value, UTC)
        else:
            moment = datetime.fromisoformat(value)
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise Misshapen(f"{str(value)[:40]!r} is no time") from error
    return rfc3339(moment, milliseconds=True)


def key_of(issue: Node) -> tuple[str, str]:
    """Project and key of an issue. Raises ``Misshapen`` if it has none."""
    key = issue.get("key")
    project, dash, number = key.rpartition("-") if isinstance(key, str) else ("", "", "")
    if not project or not number:
        raise Misshapen(f"its key is {str(key)[:40]!r}")
    return project, f"{project}{dash}{number}"


def issue_rows(issue: Node, histories: Sequence[Node] | None, shapes: Shapes) -> Rows:
    """An issue with its changes; ``histories`` is None if they could not be read."""
    project, key = key_of(issue)
    row = _work_item(project, key, issue, shapes)
    if histories is None:
        return {"work_items": [row]}
    changes = change_rows(project, key, histories, shapes)
    row["former_keys"] = [former["key"] for former in former_keys(issue, histories)]
    if _done_again(row, changes):
        row["completed_at"] = None
    return {"work_items": [row], "work_item_changes": changes}


def _work_item(project: str, key: str, issue: Node, shapes: Shapes) -> Row:
    fields = inner(issue, "fields")
    if fields is None:
        raise Misshapen("it has no fields")
    status = inner(fields, "status") or {}
    category = _category(status)
    shown = clean(_text(status.get("name"), "status"))
    row: Row = {"project": project, "key": key, "status": shown, "status_category": category}
    for column, ids in shapes.fields.columns.items():
        values = (_value(column, fields.get(name), name, shapes) for name in ids)
        row[column] = next((value for value in values if value not in (None, [])), None)
    for column in _LISTS:
        if row[column] is None:
            is_there = any(isinstance(fields.get(name), list) for name in shapes.fields.columns[column])
            row[column] = [] if is_there else None
    if category not in (None, "done") and shapes.fields.columns["completed_at"] == ("resolutiondate",):
        row["completed_at"] = None  # resolved by name only: Jira shows it as open
    updated = instant(fields.get("updated"))
    return {**row, "url": f"{shapes.web}/browse/{key}", "source": SOURCE, "updated_at": updated}


def _value(column: str, value: Any, name: str, shapes: Shapes) -> Any:
    """What a field says for a column; None for nothing."""
    if value is None:
        return None
    if column in _READERS:
        return _READERS[column](value)
    if column in _PEOPLE:
        # The first who is somebody: of a deleted user nothing is known.
        return clean(next(filter(None, map(shapes.people.account, _users(value, name))), None))
    return clean(_texts(value, name) if column in _LISTS else _text(value, name))


def _users(value: Any, name: str) -> list[Node]:
    """The users in a field, which may hold several."""
    users = [user for user in value if user is not None] if isinstance(value, list) else [value]
    for user in users:
        if not isinstance(user, dict):
            raise Misshapen(f"{name} is no user but {str(user)[:40]!r}")
    return users


def _text(value: Any, name: str) -> str | None:
    """A text of whatever a field holds: a text, a number, or an object with a name."""
    if isinstance(value, dict):
        value = next((value[part] for part in ("name", "value", "displayName", "key") if value.get(part)), None)
    if isinstance(value, list):
        value = "; ".join(filter(None, (_text(item, name) for item in value)))
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, int | float):
        return str(value)
    raise Misshapen(f"{name} is {str(value)[:40]!r}")


def _texts(value: Any, name: str) -> list[str]:
    if not isinstance(value, list):
        raise Misshapen(f"{name} is no list but {str(value)[:40]!r}")
    return [text for item in value if (text := _text(item, name))]


def _sprints(value: Any) -> list[str] | None:
    """Ids of sprints, which Jira lists as objects, or as texts that tell them between brackets."""
    if not isinstance(value, list):
        return None
    ids = (item.get("id") if isinstance(item, dict) else _SPRINT_ID.search(str(item)) for item in value)
    return [found[1] if isinstance(found, re.Match) else str(found) for found in ids if found is not None]


def _parent(value: Any) -> str | None:
    """The key of a parent: Jira's own has it as a key, an epic's link as a text, a plan's as data of an issue."""
    if isinstance(value, dict):
        value = value.get("key") or (value.get("data") or {}).get("key")
    return value if isinstance(value, str) and value else None


def _number(value: Any) -> float | None:
    """A number however a field holds it; None for none, and for sizes that are no numbers."""
    if isinstance(value, dict):
        value = value.get("value")
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _seconds(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


_READERS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(_INSTANTS, instant),
    "story_points": _number,
    "time_spent_seconds": _seconds,
    "sprints": lambda value: clean(_sprints(value)),
    "parent_key": lambda value: clean(_parent(value)),
}
"""What a field's value is for columns that are no plain texts."""


# -- changes -----------------------------------------------------------------------------------------------------------


def change_rows(project: str, key: str, histories: Sequence[Node], shapes: Shapes) -> list[Row]:
    """One row for what an entry says of a field, in order of time."""
    made: dict[tuple[str, str], list[Row]] = {}
    people = shapes.people
    for created, entry in sorted(((_created(entry), entry) for entry in histories), key=_in_order):
        items = entry.get("items")
        if not isinstance(items, list):
            raise Misshapen("an entry of its history has no items")
        shared = {"project": project, "key": key, "changed_at": created, "source": SOURCE}
        author = clean(people.account(inner(entry, "author")))
        for name, items_of_field in _by_field(items, shapes.fields):
            row = {**shared, "field": name, **_change(name, items_of_field, shapes), "sequence": 0, "author": author}
            made.setdefault((created, name), []).append(row)
    for rows in made.values():
        if not _is_chain(rows):
            for sequence, row in enumerate(rows):
                row["sequence"] = sequence
    return [row for rows in made.values() for row in rows]


def _is_chain(rows: Sequence[Row]) -> bool:
    """Whether changes of one instant tell their order by themselves: one leads to where the next starts, and nowhere twice. Their
    sequence stays 0 then, which is what rows have that were stored before there was one."""
    values = [rows[0]["from_value"], *(row["to_value"] for row in rows)]
    joined = all(row["to_value"] == following["from_value"] for row, following in pairwise(rows))
    return len(rows) == 1 or (joined and len(set(values)) == len(values))


def _created(entry: Any) -> str:
    created = instant(entry.get("created")) if isinstance(entry, dict) else None
    if created is None:
        raise Misshapen("an entry of its history has no time")
    return created


def _in_order(entry: tuple[str, Node]) -> tuple[str, int]:
    created, node = entry
    number = str(node.get("id"))
    return created, int(number) if number.isdigit() else 0


def _by_field(items: Iterable[Any], fields: FieldMap) -> Iterator[tuple[str, list[Node]]]:
    """What an entry's items say, by field: an item of a status says it alone, of other fields an item may be one value of many."""
    by_field: dict[str, list[Node]] = {}
    for item in items:
        if not isinstance(item, dict):
            raise Misshapen("an entry of its history has an item that is no object")
        if (name := fields.change(item)) is None or not (name == "sprint" or _short(item)):
            continue  # names of all sprints that it was in may be long; of these the ids are kept
        if name == "status":
            yield name, [item]
        else:
            by_field.setdefault(name, []).append(item)
    yield from by_field.items()


def _short(item: Node) -> bool:
    texts = (item.get("fromString"), item.get("toString"))
    return all(len(text) <= LONGEST_VALUE for text in texts if isinstance(text, str))


def _change(name: str, items: Sequence[Node], shapes: Shapes) -> Row:
    """Values before and after, and what they mean if they are statuses."""
    change: Row = {}
    for side in ("from", "to"):
        if name == "status":
            (item,) = items
            value, category = _text_of_side(item, side), shapes.categories.get(str(item.get(side)))
        else:
            values = [value for item in items if (value := _shown(name, item, side, shapes.people))]
            value, category = "; ".join(dict.fromkeys(values)), None
        change |= {f"{side}_value": clean(value) or None, f"{side}_category": category}
    return change


def _shown(name: str, item: Node, side: str, people: People) -> str | None:
    """A value as it is compared: users as accounts, sprints by their ids, whatever else as Jira shows it."""
    raw = item.get(side)
    if name in _PEOPLE:
        return people.of_key(raw) if isinstance(raw, str) else None
    if name == "sprint" and isinstance(raw, str):
        return "; ".join(filter(None, (sprint.strip() for sprint in raw.split(","))))
    return _text_of_side(item, side)


def _text_of_side(item: Node, side: str) -> str | None:
    shown, raw = item.get(f"{side}String"), item.get(side)
    value = raw if shown is None or shown == "" else shown
    return None if value is None or value == "" else str(value)


def _done_again(row: Row, changes: Sequence[Row]) -> bool:
    """Whether it was done once more after it was resolved: the resolution was kept while it was worked on."""
    resolved = row.get("completed_at")
    return resolved is not None and any(
        change["field"] == "status"
        and change["to_category"] == "done"
        and change["from_category"] in ("todo", "in_progress")
        and change["changed_at"][:19] > str(resolved)[:19]
        for change in changes
    )


def former_keys(issue: Node, histories: Sequence[Node], since: str = "") -> list[Row]:
    """The keys that an issue was moved away from since an instant, as keys of work items. Under older ones there may be others: a
    project made later may have the same key, and issues of its own under it."""
    keys: dict[str, None] = {}
    for entry in histories:
        for item in entry["items"]:
            is_key = "key" in (str(item.get("field")).lower(), str(item.get("fieldId")).lower())
            if is_key and _created(entry) >= since:
                keys[str(item.get("fromString") or item.get("from") or "")] = None
    now = str(issue.get("key"))
    return [
        {"project": project, "key": key}
        for key in keys
        if key != now and (project := key.rpartition("-")[0]) and key.rpartition("-")[2].isdigit()
    ]


def statuses(listed: Any) -> dict[str, str]:
    """What statuses mean, by id, of the list of them."""
    found = (status for status in (listed if isinstance(listed, list) else ()) if isinstance(status, dict))
    meanings = {str(status.get("id")): _category(status) for status in found}
    return {identity: category for identity, category in meanings.items() if category is not None}


def _category(status: Node) -> str | None:
    return CATEGORIES.get(str((inner(status, "statusCategory") or {}).get("key")))


def version_row(project: str, version: Node, web: str) -> Row:
    """A version of a project of the site whose pages are at ``web``. Jira tells the day of a release and no time: noon, UTC, is
    that day nearly everywhere. Raises ``Misshapen`` if it has no name, or a day that is none."""
    name = clean(_text(version.get("name"), "name"))
    if not name:
        raise Misshapen("a version has no name")
    day = version.get("releaseDate") if version.get("released") is True else None
    identity = str(version.get("id") or "")
    return {
        "project": project,
        "name": name,
        "released_at": None if not day else instant(f"{str(day)[:10]}T12:00Z"),
        "url": f"{web}/projects/{project}/versions/{identity}" if identity.isdigit() else None,
    }


def sprint_row(board: str, sprint: Node) -> Row:
    """A sprint of a board. Raises ``Misshapen`` if it has no id."""
    identity = sprint.get("id")
    if identity is None or isinstance(identity, dict | list):
        raise Misshapen("a sprint has no id")
    return {
        "board": board,
        "sprint_id": str(identity),
        "name": clean(_text(sprint.get("name"), "name")),
        "state": clean(_text(sprint.get("state"), "state")),
        "start_at": instant(sprint.get("startDate")),
        "end_at": instant(sprint.get("endDate")),
        "completed_at": instant(sprint.get("completeDate")),
        "activated_at": instant(sprint.get("activatedDate")),
        "goal": clean(_text(sprint.get("goal"), "goal")) or None,
    }
