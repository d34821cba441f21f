"""Records of Jira, in all their documented variants, as rows; fields found by what they are; addresses and refusals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as some

from leadline.errors import InvalidRequest, LeadlineError, NotFound, Unauthenticated
from leadline.sources.jira.api import Api, message, site
from leadline.sources.jira.fields import field_map, overrides
from leadline.sources.jira.people import People
from leadline.sources.jira.rows import (
    Shapes,
    change_rows,
    former_keys,
    instant,
    issue_rows,
    sprint_row,
    statuses,
)
from leadline.sources.jira.rows import (
    key_of as keys,
)
from leadline.sources.kit.client import Answer, Client, Refused
from leadline.sources.kit.text import Misshapen
from stubs.jira_data import (
    DOING,
    DONE,
    EPIC,
    ESTIMATE,
    FIELDS,
    POINTS,
    REVIEW,
    SPRINT,
    STATUSES,
    TODO,
    custom,
    history,
    issue,
    item,
    key_of,
    moved,
    sprint,
    user,
    when,
)

PLAN = custom("customfield_10060", "Parent Link", "any", "com.atlassian.jpo:jpo-custom-field-parent")


class Users:
    """An API that knows one user of a data center, and counts what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.refuses = False

    def object(self, _path: str, params: Mapping[str, str]) -> dict[str, Any]:
        self.asked.append(params["key"])
        if self.refuses:
            raise Refused("no permission to browse users")
        if params["key"] != key_of("dora"):
            raise NotFound("no such user")
        return user("dora", cloud=False)


def shapes(*, cloud: bool = True, given: Mapping[str, str] | None = None, users: Users | None = None) -> Shapes:
    fields = field_map([*FIELDS, PLAN], given or {})
    people = People(cast("Api", users or Users()), cloud)
    return Shapes(fields, people, "https://jira.example.com", statuses(STATUSES))


def row(*, cloud: bool = True, given: Mapping[str, str] | None = None, **fields: Any) -> dict[str, Any]:
    """The row of an issue with these fields."""
    found = issue("SHOP", 2, cloud=cloud)
    found["fields"].update(fields)
    return issue_rows(found, None, shapes(cloud=cloud, given=given))["work_items"][0]


def changes(*histories: dict[str, Any], cloud: bool = True) -> list[dict[str, Any]]:
    return change_rows("SHOP", "SHOP-2", histories, shapes(cloud=cloud))


# -- values ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-05T12:45:00.123+0200", "2026-01-05T10:45:00.123Z"),
        ("2026-01-05T10:45:00.000Z", "2026-01-05T10:45:00.000Z"),
        ("2026-01-05T10:45:00-08:00", "2026-01-05T18:45:00.000Z"),
        ("2026-01-05", "2026-01-05T00:00:00.000Z"),
        (1767609900123, "2026-01-05T10:45:00.123Z"),
        (1767609900, "2026-01-05T10:45:00.000Z"),
        (None, None),
        ("", None),
    ],
)
def test_instants(value: Any, expected: str | None) -> None:
    assert instant(value) == expected


@pytest.mark.parametrize("value", ["yesterday", True, {"at": 1}, 1e300, []])
def test_what_is_no_instant(value: Any) -> None:
    with pytest.raises(Misshapen):
        instant(value)


@given(
    some.integers(6 * 10**11, 4 * 10**12),
    some.integers(-14 * 60, 14 * 60),
)
def test_the_same_instant_at_any_offset_is_the_same_text(milliseconds: int, offset: int) -> None:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    text = at.astimezone(timezone(timedelta(minutes=offset))).isoformat(timespec="milliseconds")
    assert instant(text[:-3] + text[-2:]) == instant(text) == instant(at.isoformat()) == instant(milliseconds)


@pytest.mark.parametrize(
    ("fields", "points"),
    [
        ({POINTS: 5.0, ESTIMATE: None}, 5.0),
        ({POINTS: None, ESTIMATE: 3}, 3.0),
        ({POINTS: 5, ESTIMATE: 3}, 5.0),
        ({POINTS: 0.0, ESTIMATE: 3}, 0.0),
        ({POINTS: "8", ESTIMATE: None}, 8.0),
        ({POINTS: {"value": "13", "id": "1"}, ESTIMATE: None}, 13.0),
        ({POINTS: "XL", ESTIMATE: None}, None),
        ({POINTS: ["3"], ESTIMATE: 2}, 2.0),
        ({POINTS: -1.0, ESTIMATE: None}, None),
        ({POINTS: "NaN", ESTIMATE: None}, None),
        ({POINTS: True, ESTIMATE: None}, None),
    ],
)
def test_story_points_whatever_type_the_field_has(fields: dict[str, Any], points: float | None) -> None:
    assert row(**fields)["story_points"] == points


@pytest.mark.parametrize(
    ("fields", "parent"),
    [
        ({"parent": {"id": "1", "key": "SHOP-1"}}, "SHOP-1"),
        ({"parent": None, EPIC: "SHOP-9"}, "SHOP-9"),
        ({"parent": {"key": "SHOP-1"}, EPIC: "SHOP-9"}, "SHOP-1"),
        ({"parent": None, "customfield_10060": {"data": {"key": "PLAN-1"}}}, "PLAN-1"),
        ({"parent": None}, None),
    ],
)
def test_parents(fields: dict[str, Any], parent: str | None) -> None:
    assert row(**fields)["parent_key"] == parent


@pytest.mark.parametrize(
    ("status", "category", "completed"),
    [
        (DONE, "done", "2026-01-05T14:10:00.000Z"),
        (DOING, "in_progress", None),  # resolved, but shown as open
        (TODO, "todo", None),
        ({"id": "9", "name": "Odd", "statusCategory": {"key": "undefined"}}, None, "2026-01-05T14:10:00.000Z"),
        ({"id": "9", "name": "Odd"}, None, "2026-01-05T14:10:00.000Z"),
    ],
)
def test_statuses(status: dict[str, Any], category: str | None, completed: str | None) -> None:
    found = row(status=status)
    assert (found["status"], found["status_category"], found["completed_at"]) == (status["name"], category, completed)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"resolution": {"id": "1", "name": "Won't Do"}}, {"resolution": "Won't Do"}),
        ({"resolution": None}, {"resolution": None}),
        ({"timespent": 5400}, {"time_spent_seconds": 5400}),
        ({"timespent": "much"}, {"time_spent_seconds": None}),
        ({SPRINT: [{"id": 7, "name": "A"}, {"id": 9, "name": "B, C"}]}, {"sprints": ["7", "9"]}),
        (
            {SPRINT: ["com.atlassian.greenhopper.service.sprint.Sprint@1f[id=7,rapidViewId=2,name=A]"]},
            {"sprints": ["7"]},
        ),
        ({SPRINT: []}, {"sprints": []}),
        ({SPRINT: "none"}, {"sprints": None}),
    ],
)
def test_resolution_sprints_and_time_spent(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    found = row(**fields)
    assert {name: found[name] for name in expected} == expected


def test_every_key_that_an_issue_had() -> None:
    found = issue("SHOP", 2)
    entries = [
        history(1, 1, None, item("Key", "OLD-7", "WEB-3")),
        history(2, 100, None, item("Key", "WEB-3", "SHOP-2")),
    ]
    assert issue_rows(found, entries, shapes())["work_items"][0]["former_keys"] == ["OLD-7", "WEB-3"]
    assert issue_rows(found, [], shapes())["work_items"][0]["former_keys"] == []
    assert "former_keys" not in issue_rows(found, None, shapes())["work_items"][0]  # what is known of it stays


def test_done_without_a_resolution_is_left_to_the_changes() -> None:
    assert row(resolutiondate=None)["completed_at"] is None


def test_done_again_with_the_old_resolution_is_left_to_the_changes() -> None:
    found = issue("SHOP", 2)
    later = [history(1, 900, None, moved(DONE, DOING)), history(2, 950, None, moved(DOING, DONE))]
    assert issue_rows(found, found["histories"], shapes())["work_items"][0]["completed_at"] is not None
    assert issue_rows(found, [*found["histories"], *later], shapes())["work_items"][0]["completed_at"] is None
    closed = {**DONE, "id": "6", "name": "Closed"}
    known = shapes()
    known.categories = {**known.categories, "6": "done"}
    closing = [history(3, 900, None, moved(DONE, closed))]  # done before, too
    assert issue_rows(found, [*found["histories"], *closing], known)["work_items"][0]["completed_at"] is not None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"assignee": None}, {"assignee": None}),
        ({"assignee": {"accountId": "unknown"}}, {"assignee": None}),
        ({"assignee": {"displayName": "Former user"}}, {"assignee": None}),
        ({"assignee": [{"displayName": "Former user"}, None, user("ben")]}, {"assignee": user("ben")["accountId"]}),
        ({"assignee": []}, {"assignee": None}),
        ({"labels": []}, {"labels": []}),
        ({"labels": None}, {"labels": None}),
        ({"components": [{"id": "1"}]}, {"components": []}),
        ({"priority": None}, {"priority": None}),
        ({"issuetype": {"id": "1", "name": "Bug\x00"}}, {"type": "Bug"}),
        ({"summary": "\ud83d"}, {"title": "?"}),
        ({"summary": ""}, {"title": None}),
    ],
)
def test_values_that_are_not_there(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    found = row(**fields)
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "Done"},
        {"labels": "one"},
        {"assignee": "ada"},
        {"created": "yesterday"},
        {"summary": object},
    ],
)
def test_values_of_another_shape(fields: dict[str, Any]) -> None:
    with pytest.raises(Misshapen):
        row(**fields)


@pytest.mark.parametrize("key", [None, 7, "", "SHOP", "-1", "SHOP-"])
def test_issues_without_a_key(key: Any) -> None:
    with pytest.raises(Misshapen):
        keys({"key": key})


def test_a_data_center_names_users() -> None:
    found = row(cloud=False)
    assert (found["assignee"], found["reporter"]) == ("ada", "ben")


@pytest.mark.parametrize(
    ("given", "fields", "column", "expected"),
    [
        ({"type": "Size"}, {"customfield_10050": {"value": "L"}}, "type", "L"),
        ({"story_points": "customfield_10050"}, {"customfield_10050": {"value": "5"}}, "story_points", 5.0),
        ({"started_at": "Begun"}, {"customfield_10051": "2026-01-04"}, "started_at", "2026-01-04T00:00:00.000Z"),
        ({"assignee": "Size"}, {"customfield_10050": [user("cleo"), user("ada")]}, "assignee", "5b10:cleo"),
        (
            {"completed_at": "Begun"},
            {"customfield_10051": "2026-01-09", "status": DOING},
            "completed_at",
            "2026-01-09T00:00:00.000Z",
        ),
        ({"labels": "Size"}, {"customfield_10050": [{"value": "a"}, {"value": "b"}]}, "labels", ["a", "b"]),
    ],
)
def test_columns_of_other_fields(given: dict[str, str], fields: dict[str, Any], column: str, expected: Any) -> None:
    assert row(given=given, **fields)[column] == expected


# -- fields ------------------------------------------------------------------------------------------------------------


def test_fields_are_found_by_what_they_are() -> None:
    found = field_map(FIELDS, {})
    assert found.columns["story_points"] == (POINTS, ESTIMATE)
    assert found.columns["parent_key"] == ("parent", EPIC)
    assert {"status", "created", "updated", "summary", POINTS, EPIC} <= set(found.asked)
    text = custom(
        "customfield_1", "Story Points", "string", "com.atlassian.jira.plugin.system.customfieldtypes:textfield"
    )
    assert field_map([text], {}).columns["story_points"] == ()
    renamed = custom("customfield_2", "Umfang", "number", "com.pyxis.greenhopper.jira:jsw-story-points")
    assert field_map([renamed], {}).columns["story_points"] == ("customfield_2",)


@pytest.mark.parametrize(
    ("changed", "called"),
    [
        ({"field": "status", "fieldId": "status"}, "status"),
        ({"field": "issuetype"}, "type"),
        ({"field": "Fix Version", "fieldId": "fixVersions"}, "fix_versions"),
        ({"field": "Story Points"}, "story_points"),
        ({"field": "Punkte", "fieldId": ESTIMATE}, "story_points"),
        ({"field": "Sprint"}, "sprint"),
        ({"field": "IssueParentAssociation"}, "parent_key"),
        ({"field": "Epic Link", "fieldId": EPIC}, "parent_key"),
        ({"field": "Key"}, "key"),
        ({"field": "Flagged", "fieldId": "customfield_10021"}, "flagged"),
        ({"field": "description", "fieldId": "description"}, None),
        ({"field": "Rank", "fieldId": "customfield_10019"}, None),
        ({}, None),
    ],
)
def test_what_changes_are_called(changed: dict[str, Any], called: str | None) -> None:
    assert field_map(FIELDS, {}).change(changed) == called


def test_a_change_of_a_field_of_ones_own_is_called_like_its_column() -> None:
    found = field_map(FIELDS, {"story_points": "Size"})
    assert found.change({"field": "Size"}) == "story_points"


@pytest.mark.parametrize("text", ["points", "=Size", "type=", "status=X", "points=Size"])
def test_overrides_that_cannot_be(text: str) -> None:
    with pytest.raises(InvalidRequest):
        overrides([text])


def test_a_field_that_is_not_there() -> None:
    with pytest.raises(InvalidRequest, match=r"no field 'Story Pints' .* 'Story Points'"):
        field_map(FIELDS, {"story_points": "Story Pints"})


# -- changes -----------------------------------------------------------------------------------------------------------


def told(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(row["field"], row["from_value"], row["to_value"]) for row in rows]


def test_statuses_have_what_they_mean() -> None:
    unknown = {"id": "77", "name": "Retired"}
    first, second = changes(
        history(1, 10, user("ada"), moved(TODO, DOING)), history(2, 20, None, moved(DOING, unknown))
    )
    assert (first["from_category"], first["to_category"], first["author"]) == ("todo", "in_progress", "5b10:ada")
    assert (second["to_value"], second["to_category"], second["author"]) == ("Retired", None, None)
    assert first["changed_at"] == "2026-01-05T09:10:00.000Z"


def test_several_items_of_one_field_are_one_row() -> None:
    found = changes(
        history(
            *(1, 10, None),
            *(item("Fix Version", None, ("5", "1.1")), item("Fix Version", ("4", "1.0"), None)),
            item("Fix Version", None, ("6", "2.0")),
        )
    )
    assert told(found) == [("fix_versions", "1.0", "1.1; 2.0")]


def steps(found: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [
        (row["from_value"], row["to_value"], row["from_category"], row["to_category"], row["sequence"]) for row in found
    ]


def test_entries_of_one_instant_are_all_kept_in_the_order_of_their_ids() -> None:
    found = changes(history(12, 10, None, moved(DOING, REVIEW)), history(9, 10, None, moved(TODO, DOING)))
    assert steps(found) == [
        ("To Do", "In Progress", "todo", "in_progress", 0),
        ("In Progress", "In Review", "in_progress", "in_progress", 0),
    ]


def test_what_does_not_tell_its_order_by_itself_has_a_sequence() -> None:
    back_and_forth = [moved(TODO, DOING), moved(DOING, TODO), moved(TODO, DOING)]
    by_entry = changes(*(history(number, 10, None, move) for number, move in enumerate(back_and_forth)))
    assert [(row["to_value"], row["sequence"]) for row in by_entry] == [
        ("In Progress", 0),
        ("To Do", 1),
        ("In Progress", 2),
    ]
    assert steps(changes(history(1, 10, None, *back_and_forth))) == steps(by_entry)
    apart = changes(history(1, 10, None, moved(TODO, DOING)), history(2, 10, None, moved(TODO, REVIEW)))
    assert [row["sequence"] for row in apart] == [0, 1]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (item("assignee", ("5b10:ada", "Ada"), ("5b10:ben", "Ben")), ("assignee", "5b10:ada", "5b10:ben")),
        (item("assignee", ("5b10:ada", "Ada"), (None, None)), ("assignee", "5b10:ada", None)),
        (item("Sprint", ("7", "A, B"), ("7, 8", "A, B, C")), ("sprint", "7", "7; 8")),
        (item("Sprint", ("", ""), ("8", "C")), ("sprint", None, "8")),
        # As Jira shows an issue that was carried over: the closed sprint is still among its sprints.
        (item("Sprint", ("2781", "Week 36"), ("2781, 2807", "Week 36, Week 37")), ("sprint", "2781", "2781; 2807")),
        (item("Story Points", (None, None), (None, "5")), ("story_points", None, "5")),
        (item("labels", "a", "a b"), ("labels", "a", "a b")),
        (item("summary", "NUL \x00", "\ud800"), ("title", "NUL ", "?")),
        (item("priority", ("3", None), ("2", "High")), ("priority", "3", "High")),
    ],
)
def test_values_of_changes(changed: dict[str, Any], expected: tuple[Any, ...]) -> None:
    assert told(changes(history(1, 10, None, changed))) == [expected]


def test_long_texts_are_left_out() -> None:
    assert changes(history(1, 10, None, item("Notes", "a" * 300, "b"), item("description", "a", "b"))) == []


@pytest.mark.parametrize(
    "entry", ["text", {}, {"created": "soon"}, {"created": when(1)}, {"created": when(1), "items": ["x"]}]
)
def test_entries_of_another_shape(entry: Any) -> None:
    with pytest.raises(Misshapen):
        changes(entry)


def test_users_of_a_data_center_are_looked_up_once() -> None:
    users = Users()
    given = shapes(cloud=False, users=users)
    ada, dora, eve = (key_of(name) for name in ("ada", "dora", "eve"))
    entries = [
        history(at, at, user("ada", cloud=False), item("assignee", (ada, "Ada"), (key, "…")))
        for at, key in enumerate([dora, eve, dora, eve], 1)
    ]
    found = change_rows("SHOP", "SHOP-2", entries, given)
    assert [row["to_value"] for row in found] == ["dora", eve, "dora", eve]
    assert {row["from_value"] for row in found} == {"ada"}
    assert users.asked == [dora, eve]
    assert [row["account"] for row in given.people.new()] == ["ada", "dora"]
    assert given.people.new() == []


def test_users_that_may_not_be_looked_up_stay_keys() -> None:
    users = Users()
    users.refuses = True
    people = People(cast("Api", users), is_cloud=False)
    assert [people.of_key("JIRAUSER1"), people.of_key("JIRAUSER2"), people.of_key(None)] == [
        "JIRAUSER1",
        "JIRAUSER2",
        None,
    ]
    assert users.asked == ["JIRAUSER1"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"accountId": "1", "emailAddress": "a@example.com", "displayName": "A"}, ("a@example.com", "A")),
        ({"accountId": "1", "displayName": "A"}, (None, "A")),
        ({"accountId": "1", "emailAddress": "", "displayName": "A"}, (None, "A")),
        ({"accountId": "1", "emailAddress": None, "displayName": None}, None),
    ],
)
def test_what_is_told_of_accounts(given: dict[str, Any], expected: tuple[str | None, str | None] | None) -> None:
    people = People(cast("Api", Users()), is_cloud=True)
    people.account(given)
    assert [(row["email"], row["name"]) for row in people.new()] == ([] if expected is None else [expected])


def test_keys_that_were_left_lately() -> None:
    entries = [
        history(1, 10, None, item("Key", "OLD-7", "WEB-3")),
        history(2, 100, None, item("Key", "WEB-3", "SHOP-2"), item("project", "Web", "Shop")),
        history(3, 101, None, item("Key", "SHOP-2", "SHOP-2"), item("Key", "nonsense", "x")),
    ]
    since = instant(when(50))
    assert since is not None
    assert former_keys({"key": "SHOP-2"}, entries, since) == [{"project": "WEB", "key": "WEB-3"}]


# -- sprints -----------------------------------------------------------------------------------------------------------


def test_sprints() -> None:
    assert sprint_row("Shop", sprint(7, 1)) == {
        "board": "Shop",
        "sprint_id": "7",
        "name": "Sprint 7",
        "state": "closed",
        "start_at": "2026-01-05T08:00:00.000Z",
        "end_at": "2026-01-19T08:00:00.000Z",
        "completed_at": "2026-01-19T09:30:00.000Z",
        "activated_at": "2026-01-05T08:12:30.000Z",
        "goal": "Goal 7",
    }
    planned = sprint_row("Shop", {"id": 9, "state": "future", "name": "Next", "goal": ""})
    assert [planned[name] for name in ("start_at", "completed_at", "activated_at", "goal")] == [None] * 4
    with pytest.raises(Misshapen):
        sprint_row("Shop", {"name": "none"})


# -- addresses and refusals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "host", "base"),
    [
        ("https://example.atlassian.net", "example.atlassian.net", "https://example.atlassian.net"),
        ("example.atlassian.net/jira/your-work", "example.atlassian.net", "https://example.atlassian.net"),
        (
            "https://API.atlassian.com/ex/jira/1a-2b/",
            "api.atlassian.com/ex/jira/1a-2b",
            "https://api.atlassian.com/ex/jira/1a-2b",
        ),
        (
            "https://tools.example.com:8443/jira/secure/x.jspa",
            "tools.example.com:8443/jira",
            "https://tools.example.com:8443/jira",
        ),
        ("http://127.0.0.1:8080/rest/api/2/", "127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_sites(url: str, host: str, base: str) -> None:
    found = site(url)
    assert (found.host, found.base) == (host, base)


@pytest.mark.parametrize("url", ["", "ftp://jira.example.com", "http://jira.example.com", "https://", "https://[::1"])
def test_sites_that_cannot_be(url: str) -> None:
    with pytest.raises(InvalidRequest):
        site(url)


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind", "says"),
    [
        (401, {"x-seraph-loginreason": "AUTHENTICATED_FAILED"}, None, Unauthenticated, "(AUTHENTICATED_FAILED)"),
        (401, {}, {"message": "Client must be authenticated"}, Unauthenticated, "(Client must be authenticated)"),
        (401, {"x-seraph-loginreason": "AUTHENTICATION_DENIED"}, None, Unauthenticated, "CAPTCHA"),
        (403, {"x-authentication-denied-reason": "CAPTCHA_CHALLENGE; login-url=…"}, None, Unauthenticated, "CAPTCHA"),
        (403, {}, {"errorMessages": ["No"], "errors": {}}, Refused, "'Browse projects'"),
        (404, {}, None, NotFound, "may not see it"),
        (400, {}, {"errorMessages": [], "errors": {"jql": "odd"}}, Refused, "(odd)"),
        (410, {}, {"errorMessages": ["The requested API has been removed."]}, Refused, "has been removed"),
    ],
)
def test_refusals(status: int, headers: dict[str, str], body: Any, kind: type[LeadlineError], says: str) -> None:
    with Client(headers={}, tool="Jira") as client:
        api = Api(site("https://jira.example.com"), client, "the variable JIRA_TOKEN")
        found = api.problem(Answer(status, headers, body), "issues")
    assert isinstance(found, kind)
    assert says in found.message


def test_messages_are_one_line() -> None:
    assert message({"errorMessages": ["a\nb"], "errors": {"x": "c"}}) == "a b; c"
    assert message(["text"]) == ""
