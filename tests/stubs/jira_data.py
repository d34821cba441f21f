"""Issues for the Jira stub: made by rule, so that every number in them can be told without looking.

Records have the documented shapes: of cloud (accounts by id) and of data center (by name and key), with times at an offset.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
ZONE = timezone(timedelta(hours=2))
"""Jira writes times in the zone of its settings."""

TODO = {"id": "10000", "name": "To Do", "statusCategory": {"id": 2, "key": "new", "name": "To Do"}}
DOING = {"id": "3", "name": "In Progress", "statusCategory": {"id": 4, "key": "indeterminate", "name": "In Progress"}}
REVIEW = {
    "id": "10100",
    "name": "In Review",
    "statusCategory": {"id": 4, "key": "indeterminate", "name": "In Progress"},
}
DONE = {"id": "10002", "name": "Done", "statusCategory": {"id": 3, "key": "done", "name": "Done"}}
STATUSES = [TODO, DOING, REVIEW, DONE]

POINTS, ESTIMATE, SPRINT, EPIC = "customfield_10002", "customfield_10016", "customfield_10020", "customfield_10014"


def custom(identity: str, name: str, kind: str, schema: str) -> dict[str, Any]:
    return {"id": identity, "name": name, "custom": True, "schema": {"type": kind, "custom": schema}}


FIELDS = [
    {"id": "summary", "name": "Summary", "custom": False, "schema": {"type": "string", "system": "summary"}},
    {"id": "labels", "name": "Labels", "custom": False, "schema": {"type": "array", "items": "string"}},
    {"id": "thumbnail", "name": "Images", "custom": False},
    custom(POINTS, "Story Points", "number", "com.atlassian.jira.plugin.system.customfieldtypes:float"),
    custom(ESTIMATE, "Story point estimate", "number", "com.pyxis.greenhopper.jira:jsw-story-points"),
    custom(SPRINT, "Sprint", "array", "com.pyxis.greenhopper.jira:gh-sprint"),
    custom(EPIC, "Epic Link", "any", "com.pyxis.greenhopper.jira:gh-epic-link"),
    custom("customfield_10050", "Size", "option", "com.atlassian.jira.plugin.system.customfieldtypes:select"),
    custom("customfield_10051", "Begun", "date", "com.atlassian.jira.plugin.system.customfieldtypes:datepicker"),
]


def when(minutes: float) -> str:
    """As Jira writes a time."""
    text = (START + timedelta(minutes=minutes)).astimezone(ZONE).isoformat(timespec="milliseconds")
    return text[:-3] + text[-2:]


def user(name: str, *, cloud: bool = True) -> dict[str, Any]:
    told = {"displayName": f"{name.title()} Example", "emailAddress": f"{name}@example.com", "active": True}
    if cloud:
        return {"accountId": f"5b10:{name}", "accountType": "atlassian", **told}
    return {"name": name, "key": key_of(name), **told}


def key_of(name: str) -> str:
    """A data center's key of a user, which is not the name."""
    return f"JIRAUSER{10_000 + sum(map(ord, name))}"


def item(field: str, before: Any, after: Any, **more: Any) -> dict[str, Any]:
    """A changed field; ``before`` and ``after`` are (id, text), or a text."""
    (was, was_text), (now, now_text) = (
        value if isinstance(value, tuple) else (None, value) for value in (before, after)
    )
    found = {"field": field, "fieldtype": "jira", "from": was, "fromString": was_text, "to": now, "toString": now_text}
    return {**found, **more}


def moved(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """A change of status."""
    return item("status", (before["id"], before["name"]), (after["id"], after["name"]), fieldId="status")


def history(identity: int, minutes: float, author: dict[str, Any] | None, *items: dict[str, Any]) -> dict[str, Any]:
    found = {"id": str(identity), "created": when(minutes), "items": list(items)}
    return found if author is None else {**found, "author": author}


def issue(project: str, number: int, *, cloud: bool = True, edits: int = 0) -> dict[str, Any]:
    """A story of two hours after the one before: taken by ada, worked on, reviewed and done. ``edits``: further changes."""
    identity = sum(ord(letter) * 31**at for at, letter in enumerate(project)) % 1000 * 100_000 + number
    begun = number * 120.0
    ada, ben = user("ada", cloud=cloud), user("ben", cloud=cloud)
    account = ada.get("accountId") or ada["key"]
    histories = [
        history(identity * 10, begun + 10, ben, item("assignee", (None, None), (account, ada["displayName"]))),
        history(
            identity * 10 + 1, begun + 20, ada, moved(TODO, DOING), item(SPRINT_FIELD, ("", ""), ("7", "Sprint 1"))
        ),
        history(identity * 10 + 2, begun + 50, ada, moved(DOING, REVIEW)),
        history(
            *(identity * 10 + 3, begun + 70, ben),
            *(moved(REVIEW, DONE), item("resolution", (None, None), ("1", "Done"))),
        ),
    ]
    histories += [
        history(identity * 10_000 + at, begun + 20 + at / 600, ben, item("Flagged", "", f"{at}", fieldtype="custom"))
        for at in range(edits)
    ]
    return {
        "id": str(identity),
        "key": f"{project}-{number}",
        "fields": {
            "project": {"key": project},
            "summary": f"Change {number} \U0001f680",
            "issuetype": {"id": "10001", "name": "Story" if number % 3 else "Bug"},
            "status": DONE,
            "priority": {"id": "3", "name": "Medium"},
            "assignee": ada,
            "reporter": ben,
            "labels": ["shop", "web"],
            "components": [{"id": "1", "name": "Checkout"}],
            "fixVersions": [{"id": "2", "name": "1.0"}],
            "created": when(begun),
            "updated": when(begun + 70 + edits / 600),
            "resolutiondate": when(begun + 70),
            "parent": {"id": "1", "key": f"{project}-1"} if number > 1 else None,
            POINTS: float(number % 5) if number % 2 else None,
            ESTIMATE: None if number % 2 else 3.0,
            EPIC: None,
        },
        "histories": histories,
    }


SPRINT_FIELD = "Sprint"


def issues(project: str, count: int, *, cloud: bool = True, edits: int = 0) -> list[dict[str, Any]]:
    return [issue(project, number, cloud=cloud, edits=edits) for number in range(1, count + 1)]


def sprint(number: int, board: int, state: str = "closed") -> dict[str, Any]:
    return {
        "id": number,
        "name": f"Sprint {number}",
        "state": state,
        "originBoardId": board,
        "startDate": "2026-01-05T08:00:00.000Z",
        "endDate": "2026-01-19T08:00:00.000Z",
        **({} if state == "future" else {"activatedDate": "2026-01-05T08:12:30.000Z"}),
        "goal": f"Goal {number}",
        **({"completeDate": "2026-01-19T09:30:00.000Z"} if state == "closed" else {}),
    }


def version(number: int, name: str, day: str | None = None, *, released: bool = True) -> dict[str, Any]:
    return {
        "self": f"https://jira.example.com/rest/api/2/version/{number}",
        "id": str(number),
        "name": name,
        "archived": False,
        "released": released,
        **({} if day is None else {"releaseDate": day}),
        "projectId": 10_000,
    }


def board(number: int, project: str, sprints: list[dict[str, Any]], kind: str = "scrum") -> dict[str, Any]:
    location = {"projectKey": project}
    return {"id": number, "name": f"{project} board", "type": kind, "location": location, "sprints": sprints}
