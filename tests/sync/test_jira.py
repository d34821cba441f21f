"""Jira through the frame into the lake: whole, resumed, incremental, one run at a time, whatever goes wrong on the way."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from leadline.db import sources as source_rows
from leadline.errors import InvalidRequest
from leadline.sources.jira import reading as jira_reading
from leadline.sources.jira import streams as jira_streams
from leadline.sources.kit.settings import SourceSettings, checked
from leadline.sources.kit.streams import MAX_FAILED_STREAMS
from stubs.jira import USER, Jira
from stubs.jira_data import DOING, DONE, POINTS, board, history, issue, item, key_of, moved, sprint, user, version, when
from stubs.server import JSON, TRUNCATED, Fault, Request, Tool

from .harness import Rows, Scenario, Syncer, after_pages
from .scenarios import JIRA_CLOUD, JIRA_DATA_CENTER, JIRA_OVERVIEW

CLOUD = pytest.mark.parametrize("scenario", [JIRA_CLOUD], ids=["cloud"], indirect=True, scope="module")
DATA_CENTER = pytest.mark.parametrize("scenario", [JIRA_DATA_CENTER], ids=["center"], indirect=True, scope="module")


@pytest.fixture(scope="module", params=[JIRA_CLOUD, JIRA_DATA_CENTER], ids=["cloud", "center"])
def scenario(request: pytest.FixtureRequest) -> Scenario:
    made: Scenario = request.param
    return made


@pytest.fixture
def jira(tool: Tool) -> Jira:
    assert isinstance(tool, Jira)
    return tool


def items(sync: Syncer) -> dict[str, dict[str, Any]]:
    """The work items by their keys."""
    return {row["key"]: row for row in sync.rows("work_items")}


def changes(sync: Syncer, key: str) -> list[dict[str, Any]]:
    """The changes of one work item."""
    return [row for row in sync.rows("work_item_changes") if row["key"] == key]


def test_everything_there_is(sync: Syncer, jira: Jira) -> None:
    done = sync.good()
    rows = sync.tables()
    assert {name: len(found) for name, found in rows.items()} == {
        "work_items": 10,
        "work_item_changes": 10 * 6,
        "sprints": 2,
        "versions": 2,
        "tool_accounts": 2,
    }
    assert done.result.records == 10 + 2 + 2
    ada = "5b10:ada" if jira.cloud else "ada"
    assert rows["work_items"][1] == {
        "project": "SHOP",
        "key": "SHOP-2",
        "type": "Story",
        "title": "Change 2 \U0001f680",
        "status": "Done",
        "status_category": "done",
        "priority": "Medium",
        "assignee": ada,
        "reporter": "5b10:ben" if jira.cloud else "ben",
        "story_points": "3.0",
        "created_at": "2026-01-05 13:00:00+00",
        "started_at": None,
        "completed_at": "2026-01-05 14:10:00+00",
        "parent_key": "SHOP-1",
        "labels": "[shop, web]",
        "components": "[Checkout]",
        "fix_versions": "[1.0]",
        "url": "https://jira.example.com/browse/SHOP-2",
        "resolution": None,
        "former_keys": None,
        "sprints": None,
        "time_spent_seconds": None,
        "source": "jira",
        "updated_at": "2026-01-05 14:10:00+00",
    }
    changed = {(row["changed_at"][11:16], row["field"]): row for row in changes(sync, "SHOP-2")}
    assert changed["13:10", "assignee"]["to_value"] == ada
    started = changed["13:20", "status"]
    assert (started["from_category"], started["to_category"], started["author"]) == ("todo", "in_progress", ada)
    assert changed["13:20", "sprint"]["to_value"] == "7"
    assert rows["tool_accounts"][0] == {
        "source": "jira",
        "account": ada,
        "email": "ada@example.com",
        "name": "Ada Example",
        "updated_at": None,
    }
    assert [(row["board"], row["state"]) for row in rows["sprints"]] == [
        ("SHOP board", "closed"),
        ("SHOP board", "active"),
    ]
    (row,) = source_rows.listed(sync.project.db, sync.project.id)
    assert row.outcome is not None
    assert (row.outcome["state"], row.succeeded_at is not None) == ("done", True)


def test_only_what_is_new_is_read(sync: Syncer, jira: Jira) -> None:
    sync.good()
    jira.issues.append(issue("SHOP", 8, cloud=jira.cloud))
    jira.issues[-1]["fields"]["updated"] = when(60 * 24 * 30 + 1)
    jira.touch("WEB-1", 60 * 24 * 30, moved(DONE, DOING), status=DOING, resolutiondate=None)
    done = sync.good()
    counts = done.result.tables["work_items"]
    assert (counts.added, counts.updated, counts.removed) == (1, 1, 0)
    assert (items(sync)["WEB-1"]["status"], items(sync)["WEB-1"]["completed_at"]) == ("In Progress", None)
    assert len(changes(sync, "WEB-1")) == 7
    again = sync.good()
    assert again.result.records == 0
    assert again.result.tables == {}
    # One of the lag's time is found again; what is known of it is not brought anew.
    jira.touch("WEB-2", 60 * 24 * 30 - 1, item("priority", "Low", "High"), priority={"name": "High"})
    assert sync.good().result.records == 1
    assert items(sync)["WEB-2"]["priority"] == "High"


def test_more_changes_at_once_than_are_remembered_are_not_read_for_ever(
    sync: Syncer, jira: Jira, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jira_streams, "REMEMBERED", 3)
    sync.good()
    for number in range(1, 6):
        jira.touch(f"SHOP-{number}", 60 * 24 * 30 - 1, item("priority", "Low", "High"), priority={"name": "High"})
    assert sync.good().result.records == 5
    jira.clock += 600
    sync.good()
    assert sync.good().result.records == 0
    jira.touch("SHOP-7", 60 * 24 * 30 + 12, item("priority", "Low", "High"))
    assert sync.good().result.records == 1


def test_a_new_project_is_read_from_its_beginning(sync: Syncer, jira: Jira) -> None:
    sync.good()
    jira.add("NEW", 5)
    assert sync.good().result.tables["work_items"].added == 5
    assert sync.good().result.records == 0


def test_only_the_projects_wanted(sync: Syncer, jira: Jira) -> None:
    jira.boards.append(board(2, "WEB", [sprint(9, 2)]))
    sync.good("we*")
    assert set(items(sync)) == {"WEB-1", "WEB-2", "WEB-3"}
    assert {row["board"] for row in sync.tables(["sprints"])["sprints"]} == {"WEB board"}
    sync.good()
    assert len(items(sync)) == 10


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jira_reading, "ISSUES", 3)


@pytest.mark.parametrize("per_minute", [1, 40, 1000])
@pytest.mark.usefixtures("small_pages")
def test_many_pages(sync: Syncer, jira: Jira, per_minute: int) -> None:
    """Also of issues that were all made in the same minute."""
    jira.issues = jira.issues[:1]
    del jira.projects["WEB"]
    for number in range(2, 92):
        made = copy.deepcopy(issue("SHOP", number, cloud=jira.cloud))
        made["fields"]["created"] = when(number // per_minute)
        jira.issues.append(made)
    sync.good()
    assert len(items(sync)) == 91
    searches = [request for request in jira.requests if request.path.endswith(("/search/jql", "api/2/search"))]
    assert len(searches) == 31 + 1  # the last one: what changed meanwhile


# -- interruptions -----------------------------------------------------------------------------------------------------


@CLOUD
@pytest.mark.usefixtures("small_pages")
def test_a_token_that_the_server_forgot(sync: Syncer, jira: Jira) -> None:
    jira.issues += [issue("SHOP", number) for number in range(8, 25)]
    with pytest.raises(KeyboardInterrupt):
        sync.good(progress=after_pages(2), rows_at_a_time=1)
    forgotten: list[Request] = []

    def forget(request: Request) -> Fault | None:
        if not forgotten and (request.body or {}).get("nextPageToken"):
            forgotten.append(request)
            return Fault(400, JSON, b'{"errorMessages": ["token expired"]}')
        return None

    jira.faults = forget
    sync.good()
    assert forgotten
    assert len(items(sync)) == 24 + 3


@DATA_CENTER
def test_issues_that_leave_the_list_while_it_is_read(sync: Syncer, jira: Jira) -> None:
    """Data center counts: what is deleted or moved away makes the others move up."""
    jira.issues = [issue("SHOP", number, cloud=False) for number in range(1, 351)]
    for each in jira.issues:
        each["fields"]["created"] = when(0)

    deleted = iter([[], ["SHOP-3"], ["SHOP-150", "SHOP-20"]])

    def delete(request: Request) -> None:
        if request.path == "/rest/api/2/search":
            gone = next(deleted, [])
            jira.issues[:] = [each for each in jira.issues if each["key"] not in gone]

    jira.before = delete
    sync.good("SHOP")
    assert len(jira.issues) == 347
    assert {each["key"] for each in jira.issues} <= set(items(sync))


# -- troubles ----------------------------------------------------------------------------------------------------------


@DATA_CENTER
def test_limits_that_only_a_refusal_tells_of(sync: Syncer, jira: Jira) -> None:
    jira.limit = 5
    jira.faults = lambda request: Fault(429, (("Retry-After", "7"),)) if request.number == 6 else None
    sync.good()
    assert sync.waits == [7.0]


def test_troubles_with_one_project_keep_nobody_from_the_others(sync: Syncer, jira: Jira) -> None:
    of_shop = f"project = {jira.projects['SHOP']} "
    jira.faults = lambda each: TRUNCATED if str((each.body or {}).get("jql")).startswith(of_shop) else None
    done = sync()
    assert (done.error, done.document()["state"]) == (None, "incomplete")
    assert [stream.what for stream in done.result.failed] == ["issues of SHOP"]
    assert {key[:3] for key in items(sync)} == {"WEB"}
    jira.faults = lambda _: None
    sync.good()
    assert len(items(sync)) == 10


@DATA_CENTER
def test_a_server_that_answers_only_its_overview_is_asked_no_more_for_more_projects(sync: Syncer, jira: Jira) -> None:
    """Each list is asked for in ever smaller parts before it has failed."""
    jira.faults = lambda request: None if request.path.endswith(JIRA_OVERVIEW) else Fault(502)
    for _ in range(2):
        before = len(jira.requests)
        done = sync()
        assert "502" in str(done.error)
        assert len(done.result.failed) == MAX_FAILED_STREAMS
        assert len(jira.requests) - before < 60
        for number in range(30):
            jira.add(f"P{number}", 1)


@DATA_CENTER
def test_a_page_too_heavy_for_the_server_is_read_in_parts(sync: Syncer, jira: Jira, expected: Rows) -> None:
    timeout = Fault(504)
    jira.faults = lambda each: timeout if (each.body or {}).get("maxResults", 0) > 3 else None
    sync.good()
    assert sync.tables() == expected


@DATA_CENTER
def test_a_history_too_heavy_for_the_server_is_left_out(sync: Syncer, jira: Jira) -> None:
    jira.faults = lambda each: Fault(504) if (each.body or {}).get("expand") == ["changelog"] else None
    done = sync("WEB")
    assert done.error is None
    assert [skip.what for skip in done.result.skipped] == [f"changes of WEB-{number}" for number in (1, 2, 3)]
    assert len(items(sync)) == 3


def test_long_histories(sync: Syncer, jira: Jira) -> None:
    jira.issues.append(issue("SHOP", 8, cloud=jira.cloud, edits=5000))
    if not jira.cloud:  # some versions cut what is embedded
        jira.issues[-1]["told"] = jira.issues[-1]["histories"][-100:]
    sync.good()
    assert len(changes(sync, "SHOP-8")) == 5000 + 6


@CLOUD
def test_histories_refused_together_are_read_one_by_one(sync: Syncer, jira: Jira, expected: Rows) -> None:
    jira.refused["/rest/api/3/changelog/bulkfetch"] = (400, {}, {"errorMessages": ["too much"]})
    sync.good()
    assert sync.tables() == expected
    jira.touch("WEB-1", 60 * 24 * 30, moved(DONE, DOING))
    jira.refused[f"/rest/api/3/issue/{jira.issue('WEB-1')['id']}/changelog"] = (403, {}, {"errorMessages": ["no"]})
    done = sync()
    assert [skip.what for skip in done.result.skipped] == [f"changes of the issue {jira.issue('WEB-1')['id']}"]
    assert len(changes(sync, "WEB-1")) == 6


def test_no_project_seen_names_the_permission(sync: Syncer, jira: Jira) -> None:
    jira.projects.clear()
    done = sync()
    assert done.error is not None
    assert "'Browse projects'" in done.error.message


def test_a_captcha_is_named(sync: Syncer, jira: Jira) -> None:
    reason = (
        ("X-Seraph-LoginReason", "AUTHENTICATION_DENIED"),
        ("X-Authentication-Denied-Reason", "CAPTCHA_CHALLENGE"),
    )
    jira.faults = lambda _: Fault(403, reason, b"<html>")
    done = sync()
    assert done.error is not None
    assert "CAPTCHA" in done.error.message


def test_boards_that_may_not_be_seen_are_left_out_and_told(sync: Syncer, jira: Jira, expected: Rows) -> None:
    jira.refused["/rest/agile/1.0/board"] = (403, {"Retry-After": "0"}, {"errorMessages": ["no licence"]})
    done = sync()
    assert done.error is None
    (told,) = done.result.skipped
    assert (told.what, "no licence" in told.why) == ("boards", True)
    assert sync.tables()["work_items"] == expected["work_items"]


def test_odd_values(sync: Syncer, jira: Jira) -> None:
    fields = {number: jira.issue(f"SHOP-{number}")["fields"] for number in range(1, 8)}
    fields[1]["summary"] = "NUL \x00 and half \ud800 and \U0001f9d1‍\U0001f680"
    fields[2]["labels"] = "no list"
    fields[3][POINTS] = {"value": "8"}
    fields[4]["assignee"] = None
    fields[5]["status"] = "a text"
    fields[6]["components"] = None
    fields[6]["priority"] = 4
    jira.issue("SHOP-7")["histories"][0].pop("author")
    jira.issue("WEB-1")["fields"] = None
    jira.issue("WEB-2")["histories"].append("a text")
    jira.issue("WEB-3")["histories"][0]["created"] = "yesterday"
    done = sync()
    assert done.error is None
    told = {skip.what for skip in done.result.skipped}
    assert {"SHOP-2", "SHOP-5", "WEB-1", "WEB-3"} <= told
    rows = items(sync)
    assert set(rows) == {"SHOP-1", "SHOP-3", "SHOP-4", "SHOP-6", "SHOP-7", "WEB-2"}
    assert rows["SHOP-1"]["title"] == "NUL  and half ? and \U0001f9d1‍\U0001f680"
    assert rows["SHOP-3"]["story_points"] == "8.0"
    assert (rows["SHOP-4"]["assignee"], rows["SHOP-6"]["priority"]) == (None, "4")
    assert [row["author"] for row in changes(sync, "SHOP-7") if row["field"] == "assignee"] == [None]


# -- what changes later ------------------------------------------------------------------------------------------------


def test_a_moved_issue(sync: Syncer, jira: Jira) -> None:
    sync.good()
    gone = jira.touch(
        "SHOP-3", 60 * 24 * 30, item("Key", "SHOP-3", "WEB-4"), item("project", ("1", "Shop"), ("2", "Web"))
    )
    gone["key"] = "WEB-4"
    sync.good()
    assert {"SHOP-3", "WEB-4"} & set(items(sync)) == {"WEB-4"}
    assert changes(sync, "SHOP-3") == []
    assert {row["field"] for row in changes(sync, "WEB-4")} >= {"key", "project", "status"}
    assert len(items(sync)) == 10


def test_deleted_issues_are_found_once_a_day(sync: Syncer, jira: Jira) -> None:
    sync.good()
    jira.issues[:] = [each for each in jira.issues if each["key"] not in ("SHOP-2", "WEB-3")]
    sync.good()
    assert len(items(sync)) == 10
    jira.clock += 86_400
    done = sync.good()
    assert set(items(sync)) == {*(f"SHOP-{number}" for number in (1, 3, 4, 5, 6, 7)), "WEB-1", "WEB-2"}
    assert done.result.tables["work_items"].removed == 2
    assert (changes(sync, "SHOP-2"), len(changes(sync, "SHOP-1"))) == ([], 6)
    assert sync.calls() == 6


def test_deleted_and_moved_and_new_in_one_batch(sync: Syncer, jira: Jira) -> None:
    sync.good()
    jira.issues[:] = [each for each in jira.issues if each["key"] != "SHOP-2"]
    jira.touch("SHOP-3", 60 * 24 * 30, item("Key", "SHOP-3", "WEB-4"))["key"] = "WEB-4"
    jira.issues.append(issue("SHOP", 8, cloud=jira.cloud))
    jira.issues[-1]["fields"]["updated"] = when(60 * 24 * 30)
    jira.clock += 86_400
    sync.good()
    assert set(items(sync)) == {
        *(f"SHOP-{number}" for number in (1, 4, 5, 6, 7, 8)),
        *(f"WEB-{at}" for at in range(1, 5)),
    }
    assert {row["key"] for row in sync.tables()["work_item_changes"]} == set(items(sync))


def test_an_empty_answer_takes_nothing_away(sync: Syncer, jira: Jira) -> None:
    sync.good()
    jira.issues.clear()  # as while the index is built
    jira.clock += 86_400
    sync.good()
    assert len(items(sync)) == 10


def test_a_renamed_project(sync: Syncer, jira: Jira) -> None:
    sync.good()
    jira.projects = {"STORE" if key == "SHOP" else key: identity for key, identity in jira.projects.items()}
    for each in jira.issues:
        each["key"] = each["key"].replace("SHOP", "STORE")
    sync.good()
    rows = items(sync)
    assert len(rows) == 10
    assert {row["project"] for row in rows.values()} == {"STORE", "WEB"}
    assert {row["project"] for row in sync.tables()["work_item_changes"]} == {"STORE", "WEB"}


def test_an_issue_of_times_to_come_hides_nothing(sync: Syncer, jira: Jira) -> None:
    jira.issue("WEB-3")["fields"]["updated"] = when(60 * 24 * 3000)
    sync.good()
    jira.touch("WEB-1", 60 * 24 * 30 - 2, item("priority", "Medium", "High"), priority={"name": "High"})
    sync.good()
    assert items(sync)["WEB-1"]["priority"] == "High"


def test_versions_once_a_day(sync: Syncer, jira: Jira) -> None:
    """Their days are those of Jira, whose releases have no time; what is not there any more is taken away."""

    def told() -> list[tuple[str, str, str | None]]:
        rows = sync.tables(["versions"])["versions"]
        return sorted((row["project"], row["name"], row["released_at"]) for row in rows)

    sync.good()
    pages = [row["url"] for row in sync.tables(["versions"])["versions"]]
    assert sorted(pages) == [f"https://jira.example.com/projects/SHOP/versions/{number}" for number in (1, 2)]
    assert told() == [("SHOP", "1.0", "2026-01-30 12:00:00+00"), ("SHOP", "1.1", None)]
    planned = version(4, "planned", "2026-05-01", released=False)
    jira.versions["SHOP"] = [version(2, "1.1", "2026-02-03"), version(3, "odd", "soon"), planned]
    sync.good()
    assert told()[1] == ("SHOP", "1.1", None)
    jira.clock += 86_400
    done = sync()
    assert told() == [("SHOP", "1.1", "2026-02-03 12:00:00+00"), ("SHOP", "planned", None)]
    assert [one.what for one in done.result.skipped] == ["version odd of SHOP"]


def test_sprints_once_a_day(sync: Syncer, jira: Jira) -> None:
    jira.boards.append(board(2, "WEB", [], "kanban"))
    jira.boards.append(board(3, "WEB", [], "simple"))
    sync.good()
    jira.boards[0]["sprints"][1] = sprint(8, 1)
    jira.boards[0]["name"] = "Checkout"
    sync.good()
    assert {row["state"] for row in sync.tables()["sprints"]} == {"closed", "active"}
    jira.clock += 86_400
    sync.good()
    assert [(row["board"], row["state"]) for row in sync.tables()["sprints"]] == [("Checkout", "closed")] * 2


def test_fields_of_ones_own(sync: Syncer, jira: Jira) -> None:
    fields = jira.issue("SHOP-1")["fields"]
    fields["customfield_10050"], fields["customfield_10051"] = {"value": "13"}, "2026-01-04"
    sync.good(field=["story_points=Size", "started_at=customfield_10051"])
    row = items(sync)["SHOP-1"]
    assert (row["story_points"], row["started_at"]) == ("13.0", "2026-01-04 00:00:00+00")
    done = sync(field=["story_points=Sizes"])
    assert done.error is not None
    assert "no field 'Sizes' that the token may see; there is 'Size'" in done.error.message


@DATA_CENTER
def test_users_of_a_data_center_are_known_by_their_names(sync: Syncer, jira: Jira) -> None:
    jira.users.append(user("dora", cloud=False))
    first, second = jira.issue("SHOP-1"), jira.issue("SHOP-2")
    first["histories"].insert(
        0, history(1, 1, None, item("assignee", (key_of("dora"), "Dora"), (key_of("eve"), "Eve")))
    )
    second["histories"].insert(0, history(1, 1, None, item("assignee", (key_of("eve"), "Eve"), (key_of("ada"), "Ada"))))
    sync.good()
    assert [request.params["key"] for request in jira.requests if request.path.endswith("/user")] == [
        key_of("dora"),
        key_of("eve"),
    ]
    values = [(row["from_value"], row["to_value"]) for row in changes(sync, "SHOP-1") if row["field"] == "assignee"]
    assert values[0] == ("dora", key_of("eve"))  # eve was deleted
    accounts = {row["account"]: row["email"] for row in sync.tables()["tool_accounts"]}
    assert accounts["dora"] == "dora@example.com"


# -- settings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"url": "http://jira.example.com"}, "--url cannot be"),
        ({"url": "https://me:secret@jira.example.com"}, "must not hold a user"),
        ({"url": "https://example.atlassian.net"}, "give --user"),
        ({"targets": ("two words",)}, "names no project"),
        ({"options": {"field": ("points",)}}, "write COLUMN=FIELD"),
        ({"options": {"field": ("points=Size",)}}, "with a column of type"),
        ({"options": {"field": ("type=A", "type=B")}}, "names type twice"),
    ],
)
def test_settings_that_cannot_be(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidRequest, match=says) as refused:
        checked(SourceSettings("jira", **{"url": "https://jira.example.com", **changes}))
    assert "secret" not in refused.value.message


@pytest.mark.parametrize(
    ("url", "targets", "name"),
    [
        ("https://example.atlassian.net/jira/software/projects/SHOP/boards/1", (), "jira:example.atlassian.net"),
        ("jira.example.com/jira/browse/SHOP-1", ("shop", "SHOP", "web*"), "jira:jira.example.com/jira:shop+web*"),
    ],
)
def test_names(url: str, targets: tuple[str, ...], name: str) -> None:
    (found,) = checked(SourceSettings("jira", url=url, targets=targets, options={"user": (USER,)}))
    assert found.name == name


def test_check(sync: Syncer, jira: Jira) -> None:
    jira.fields = jira.fields[:3]
    jira.refused["/rest/agile/1.0/board"] = (404, {}, None)
    with sync.connected() as source:
        found = source.check()
    assert (found.things, found.owner, found.noun) == (("SHOP", "WEB"), "Bot Example", "projects")
    assert [one.what for one in found.hidden] == ["boards and sprints", "story points"]
    assert len(jira.requests) == 5
