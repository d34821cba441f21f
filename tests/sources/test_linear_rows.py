"""Linear's issues, cycles and users in their documented shapes, and the rows that become of them."""

from __future__ import annotations

from typing import Any

import pytest

from leadline.errors import InvalidRequest
from leadline.sources.kit.settings import SourceSettings, checked
from leadline.sources.kit.text import Misshapen
from leadline.sources.linear.api import headers
from leadline.sources.linear.rows import account_row, cycle_row, issue_rows, moved_from, type_of
from stubs.linear import ENG
from stubs.linear_data import (
    ADA,
    BEN,
    CANCELED,
    DOING,
    DONE,
    DUPLICATE,
    TODO,
    Node,
    cycle,
    entry,
    issue,
    label,
    moved,
    when,
)


def made(**changes: Any) -> Node:
    """An issue as it is answered: its lists as connections."""
    node = issue(ENG, 12, 0, **changes)
    return {**node, "labels": {"nodes": node["labels"]}, "history": {"nodes": node["history"]}}


def item(**changes: Any) -> dict[str, Any]:
    (row,) = issue_rows(made(**changes))["work_items"]
    return row


def test_an_issue() -> None:
    assert item() == {
        "project": "ENG",
        "key": "ENG-12",
        "type": "Bug",
        "title": "Change 12 \U0001f680",
        "status": "Done",
        "status_category": "done",
        "priority": "Medium",
        "assignee": "user-ada",
        "reporter": "user-ben",
        "story_points": 3.0,
        "created_at": "2026-01-05T09:00:00.000Z",
        "started_at": "2026-01-05T09:10:00.000Z",
        "completed_at": "2026-01-05T09:30:00.000Z",
        "parent_key": None,
        "labels": ["Bug", "web"],
        "components": ["Checkout"],
        "url": "https://linear.app/acme/issue/ENG-12",
        "resolution": "Done",
        "former_keys": [],
        "sprints": [],
        "source": "linear",
        "updated_at": "2026-01-05T09:30:00.000Z",
    }


@pytest.mark.parametrize(
    ("change", "column", "value"),
    [
        ({"state": DOING}, "status_category", "in_progress"),
        ({"state": DOING}, "completed_at", None),  # done before, and begun anew
        ({"state": DOING}, "resolution", None),
        ({"state": CANCELED, "canceledAt": when(7)}, "completed_at", "2026-01-05T09:07:00.000Z"),
        ({"state": CANCELED}, "resolution", "Won't Do"),
        ({"state": DUPLICATE, "canceledAt": when(7)}, "resolution", "Duplicate"),
        ({"state": {"name": "Inbox", "type": "triage"}}, "status_category", "todo"),
        ({"state": {"name": "New", "type": "something new"}}, "status_category", None),
        ({"assignee": None}, "assignee", None),
        ({"creator": None}, "reporter", None),  # by an integration, or by a user who was deleted
        ({"parent": {"identifier": "ENG-3"}}, "parent_key", "ENG-3"),
        ({"project": None}, "components", []),
        ({"cycle": {"id": "c1"}}, "sprints", ["c1"]),
        ({"estimate": None}, "story_points", None),
        ({"previousIdentifiers": ["OPS-4", "ENG-12"]}, "former_keys", ["OPS-4"]),
        ({"title": "a\x00b\ud800"}, "title", "ab?"),
    ],
)
def test_what_becomes_of_an_issue(change: dict[str, Any], column: str, value: Any) -> None:
    assert item(**change)[column] == value


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        ([], "Issue"),
        ([label("web")], "Issue"),
        ([label("feature"), label("BUG")], "BUG"),
        ([label("Bug"), label("Outage", "Type")], "Outage"),
        ([label("Bug"), label("Payments", "Area")], "Bug"),
        ([label("Incident"), label("Bug")], "Incident"),
    ],
)
def test_labels_say_the_type(labels: list[Node], kind: str) -> None:
    assert type_of(labels) == kind


def test_an_issue_in_the_trash_has_no_rows() -> None:
    assert issue_rows(made(trashed=True)) == {}


def test_lists_that_could_not_be_read_are_unknown() -> None:
    rows = issue_rows({**made(), "history": None, "labels": None})
    assert "work_item_changes" not in rows
    assert (rows["work_items"][0]["labels"], rows["work_items"][0]["type"]) == (None, None)


def changes(*history: Node) -> list[tuple[Any, ...]]:
    rows = issue_rows(made(history=list(history)))["work_item_changes"]
    columns = ("changed_at", "field", "from_value", "to_value", "from_category", "to_category", "sequence", "author")
    return [tuple(row.get(column) for column in columns) for row in rows]


def test_a_history_is_in_order_of_time() -> None:
    at, later = "2026-01-05T09:01:00.000Z", "2026-01-05T09:02:00.000Z"
    found = changes(
        moved("b", 2, DOING, DONE, by=None),
        moved("a", 1, TODO, DOING, fromEstimate=None, toEstimate=2.0, toAssigneeId=BEN["id"]),
        entry("c", 2, fromPriority=2.0, toPriority=0.0, fromCycleId="c1", toCycleId=None),
    )
    assert found == [
        (at, "status", "Todo", "In Progress", "todo", "in_progress", 0, "user-ada"),
        (at, "assignee", None, "user-ben", None, None, 0, "user-ada"),
        (at, "story_points", None, "2", None, None, 0, "user-ada"),
        (later, "status", "In Progress", "Done", "in_progress", "done", 0, None),
        (later, "priority", "High", "No priority", None, None, 0, "user-ada"),
        (later, "sprint", "c1", None, None, None, 0, "user-ada"),
    ]


def test_changes_of_one_instant_keep_their_order() -> None:
    found = changes(moved("b", 1, DOING, TODO), moved("a", 1, TODO, DOING), moved("c", 1, TODO, DOING))
    assert [(change[3], change[6]) for change in found] == [("In Progress", 0), ("Todo", 1), ("In Progress", 2)]


def test_keys_are_given_up_when_an_issue_moves() -> None:
    history = {"nodes": [entry("m", 10, fromTeamId="team-2", toTeamId="team-1")]}
    node = {**made(previousIdentifiers=["WEB-3"]), "history": history}
    assert moved_from(node, "2026-01-05T09:05:00Z") == [{"project": "WEB", "key": "WEB-3"}]
    assert moved_from(node, "2026-01-05T09:15:00Z") == []


@pytest.mark.parametrize(
    "change",
    [
        {"identifier": "ENG"},
        {"identifier": None},
        {"createdAt": "yesterday"},
        {"state": "Done"},
        {"previousIdentifiers": "ENG-1"},
        {"history": [entry("a", 1, createdAt=None)]},
        {"history": ["moved"]},
        {"history": [entry("a", 1, toState="Done")]},
    ],
)
def test_another_shape_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Misshapen):
        issue_rows(made(**change))


def test_a_cycle() -> None:
    now = "2026-01-10T00:00:00Z"
    row = cycle_row("ENG", cycle(3, ENG, 0), now)
    assert (row["board"], row["name"], row["state"], row["completed_at"]) == ("ENG", "Cycle 3", "active", None)
    assert (row["start_at"], row["end_at"]) == ("2026-01-05T09:00:00.000Z", "2026-01-19T09:00:00.000Z")
    assert cycle_row("ENG", cycle(4, ENG, 14), now)["state"] == "future"
    assert cycle_row("ENG", {**cycle(2, ENG, -14, completed=True), "name": "Launch"}, now)["name"] == "Launch"
    assert cycle_row("ENG", cycle(2, ENG, -14, completed=True), now)["state"] == "closed"


def test_a_user() -> None:
    assert account_row(ADA) == {
        "source": "linear",
        "account": "user-ada",
        "email": "ada@example.com",
        "name": "Ada Example",
    }
    assert account_row({**ADA, "email": "no address", "name": ""})["name"] == "ada"
    with pytest.raises(Misshapen):
        account_row({"email": "ada@example.com"})


def test_api_keys_and_tokens_of_apps_are_sent_as_each_wants() -> None:
    assert headers("lin_api_1")["Authorization"] == "lin_api_1"
    assert headers("lin_oauth_1")["Authorization"] == "Bearer lin_oauth_1"


@pytest.mark.parametrize(
    ("targets", "url", "name"),
    [
        ((), None, "linear"),
        (("eng", "ENG"), None, "linear:eng"),
        (("WEB*",), "http://127.0.0.1:8080/graphql", "linear:127.0.0.1:8080:web*"),
    ],
)
def test_names(targets: tuple[str, ...], url: str | None, name: str) -> None:
    (source,) = checked(SourceSettings("linear", targets=targets, url=url))
    assert source.name == name


def test_no_team() -> None:
    with pytest.raises(InvalidRequest, match="'A TEAM' names no team; write its key, as ENG"):
        checked(SourceSettings("linear", targets=("a team",)))
