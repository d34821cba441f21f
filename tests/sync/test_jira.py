"""Jira through the frame into the lake: whole, resumed, incremental, one run at a time, whatever goes wrong on the way."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from leadline.db import sources as source_rows
from leadline.engine import Engine
from leadline.errors import InvalidRequest
from leadline.home import Home, Project
from leadline.schema import TABLES
from leadline.sources.jira import reading as jira_reading
from leadline.sources.jira import source as jira_source
from leadline.sources.kit.settings import SourceSettings, checked, connected
from leadline.sync.run import SyncRun
from leadline.sync.source import SourceResult, run_source
from stubs.jira import TOKEN, USER, Jira, small
from stubs.jira_data import DOING, DONE, POINTS, board, history, issue, item, key_of, moved, sprint, user, when
from stubs.server import PASSING, TRUNCATED, Fault, Request, serving

PULLED = ("work_items", "work_item_changes", "sprints", "tool_accounts")
BOTH = pytest.mark.parametrize("cloud", [True, False], ids=["cloud", "center"])


class Puller:
    """Syncs a Jira into a project, and looks at what is there."""

    def __init__(self, project: Project, jira: Jira, url: str) -> None:
        self.project, self.jira, self.url = project, jira, url
        self.waits: list[float] = []

    def settings(self, *targets: str, fields: Sequence[str] = ()) -> SourceSettings:
        options: dict[str, tuple[str, ...]] = {"user": (USER,)} if self.jira.cloud else {}
        if fields:
            options["field"] = tuple(fields)
        (found,) = checked(SourceSettings("jira", targets=targets, url=self.url, options=options))
        return found

    def __call__(self, *targets: str, token: str = TOKEN, fields: Sequence[str] = (), **changes: Any) -> SourceResult:
        pull = SyncRun(self.project)
        return run_source(
            replace(pull, **changes),
            self.settings(*targets, fields=fields),
            environ={"JIRA_TOKEN": token},
            wait=self.waits.append,
            chance=lambda: 0.5,
        )

    def good(self, *targets: str, **changes: Any) -> SourceResult:
        done = self(*targets, **changes)
        assert done.error is None, done.error
        assert done.result.skipped == ()
        return done

    def asked(self, *targets: str, **changes: Any) -> list[str]:
        """Paths asked for by a sync."""
        before = len(self.jira.requests)
        self.good(*targets, **changes)
        return [each.path for each in self.jira.requests[before:]]

    def tables(self, names: Sequence[str] = PULLED) -> dict[str, list[dict[str, Any]]]:
        return contents(self.project, names)

    def items(self) -> dict[str, dict[str, Any]]:
        return {row["key"]: row for row in self.tables(["work_items"])["work_items"]}

    def changes(self, key: str) -> list[dict[str, Any]]:
        return [row for row in self.tables(["work_item_changes"])["work_item_changes"] if row["key"] == key]


def contents(project: Project, names: Sequence[str] = PULLED) -> dict[str, list[dict[str, Any]]]:
    found = {}
    with Engine(temp_dir=project.temp) as engine:
        engine.bind_snapshot(project.lake.snapshot(), names)
        for name in names:
            columns = ", ".join(f'CAST("{each.name}" AS VARCHAR) AS "{each.name}"' for each in TABLES[name].columns)
            key = ", ".join(f'"{column}"' for column in TABLES[name].key)
            found[name] = engine.arrow(f"SELECT {columns} FROM {name} ORDER BY {key}").to_pylist()
    return found


@pytest.fixture(params=[True, False], ids=["cloud", "center"])
def jira(request: pytest.FixtureRequest) -> Jira:
    return small(cloud=request.param)


@pytest.fixture
def puller(project: Project, jira: Jira) -> Iterator[Puller]:
    with serving(jira) as url:
        yield Puller(project, jira, url)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, dict[str, list[dict[str, Any]]]]:
    """What an undisturbed sync of the small Jira brings, by whether it is cloud."""
    found = {}
    for cloud in (True, False):
        jira = small(cloud=cloud)
        with serving(jira) as url, Home.open(tmp_path_factory.mktemp("expected")) as home:
            puller = Puller(home.project(), jira, url)
            puller.good()
            found[cloud] = puller.tables()
    return found


def test_everything_there_is(puller: Puller, jira: Jira) -> None:
    done = puller.good()
    rows = puller.tables()
    assert {name: len(found) for name, found in rows.items()} == {
        "work_items": 10,
        "work_item_changes": 10 * 6,
        "sprints": 2,
        "tool_accounts": 2,
    }
    assert done.result.records == 10 + 2
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
        "source": "jira",
        "updated_at": "2026-01-05 14:10:00+00",
    }
    changes = {(row["changed_at"][11:16], row["field"]): row for row in puller.changes("SHOP-2")}
    assert changes["13:10", "assignee"]["to_value"] == ada
    started = changes["13:20", "status"]
    assert (started["from_category"], started["to_category"], started["author"]) == ("todo", "in_progress", ada)
    assert changes["13:20", "sprint"]["to_value"] == "7"
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
    (row,) = source_rows.listed(puller.project.db, puller.project.id)
    assert row.outcome is not None
    assert (row.outcome["state"], row.succeeded_at is not None) == ("done", True)


def test_nothing_new_costs_six_calls_however_many_projects(puller: Puller, jira: Jira) -> None:
    for number in range(30):
        jira.add(f"P{number}", 1)
    puller.good()
    versions = puller.project.lake.snapshot().versions
    assert [path.rpartition("/")[2] for path in puller.asked()] == [
        *("serverInfo", "myself", "search" if jira.cloud else "project", "field", "status"),
        "jql" if jira.cloud else "search",
    ]
    assert puller.project.lake.snapshot().versions == versions


def test_only_what_is_new_is_read(puller: Puller, jira: Jira) -> None:
    puller.good()
    jira.issues.append(issue("SHOP", 8, cloud=jira.cloud))
    jira.issues[-1]["fields"]["updated"] = when(60 * 24 * 30 + 1)
    jira.touch("WEB-1", 60 * 24 * 30, moved(DONE, DOING), status=DOING, resolutiondate=None)
    done = puller.good()
    counts = done.result.tables["work_items"]
    assert (counts.added, counts.updated, counts.removed) == (1, 1, 0)
    assert (puller.items()["WEB-1"]["status"], puller.items()["WEB-1"]["completed_at"]) == ("In Progress", None)
    assert len(puller.changes("WEB-1")) == 7
    again = puller.good()
    assert again.result.records == 0
    assert again.result.tables == {}
    # One of the lag's time is found again; what is known of it is not brought anew.
    jira.touch("WEB-2", 60 * 24 * 30 - 1, item("priority", "Low", "High"), priority={"name": "High"})
    assert puller.good().result.records == 1
    assert puller.items()["WEB-2"]["priority"] == "High"


def test_more_changes_at_once_than_are_remembered_are_not_read_for_ever(
    puller: Puller, jira: Jira, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jira_source, "KNOWN", 3)
    puller.good()
    for number in range(1, 6):
        jira.touch(f"SHOP-{number}", 60 * 24 * 30 - 1, item("priority", "Low", "High"), priority={"name": "High"})
    assert puller.good().result.records == 5
    jira.clock += 600
    puller.good()
    assert puller.good().result.records == 0
    jira.touch("SHOP-7", 60 * 24 * 30 + 12, item("priority", "Low", "High"))
    assert puller.good().result.records == 1


def test_a_new_project_is_read_from_its_beginning(puller: Puller, jira: Jira) -> None:
    puller.good()
    jira.add("NEW", 5)
    assert puller.good().result.tables["work_items"].added == 5
    assert puller.good().result.records == 0


def test_only_the_projects_wanted(puller: Puller, jira: Jira) -> None:
    jira.boards.append(board(2, "WEB", [sprint(9, 2)]))
    puller.good("we*")
    assert set(puller.items()) == {"WEB-1", "WEB-2", "WEB-3"}
    assert {row["board"] for row in puller.tables(["sprints"])["sprints"]} == {"WEB board"}
    puller.good()
    assert len(puller.items()) == 10


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jira_reading, "ISSUES", 3)


@pytest.mark.parametrize("per_minute", [1, 40, 1000])
@pytest.mark.usefixtures("small_pages")
def test_many_pages(puller: Puller, jira: Jira, per_minute: int) -> None:
    """Also of issues that were all made in the same minute."""
    jira.issues = jira.issues[:1]
    del jira.projects["WEB"]
    for number in range(2, 92):
        made = copy.deepcopy(issue("SHOP", number, cloud=jira.cloud))
        made["fields"]["created"] = when(number // per_minute)
        jira.issues.append(made)
    puller.good()
    assert len(puller.items()) == 91
    searches = [each for each in jira.requests if each.path.endswith(("/search/jql", "api/2/search"))]
    assert len(searches) == 31 + 1  # the last one: what changed meanwhile


# -- interruptions -----------------------------------------------------------------------------------------------------


def after_pages(number: int) -> Callable[[str, int], None]:
    pages = iter(range(1, 1000))

    def cut(_subject: str, _records: int) -> None:
        if next(pages) >= number:
            raise KeyboardInterrupt

    return cut


@pytest.mark.usefixtures("small_pages")
def test_cut_after_any_page_and_resumed(puller: Puller, jira: Jira) -> None:
    jira.issues += [issue("SHOP", number, cloud=jira.cloud) for number in range(8, 20)]
    straight = Puller(puller.project.home.project("default", "straight", create=True), jira, puller.url)
    straight.good()
    want = straight.tables()
    jira.requests.clear()
    cuts = 0
    while True:
        try:
            puller.good(progress=after_pages(2 + cuts % 2), rows_at_a_time=1)
            break
        except KeyboardInterrupt:
            cuts += 1
            assert cuts < 40
    assert puller.tables() == want
    assert cuts >= 4


def test_cut_between_delivery_and_cursor(
    puller: Puller, jira: Jira, expected: dict[bool, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from leadline.db import cursors

    stored = cursors.put_all
    calls = 0

    def cut(*arguments: Any) -> None:
        nonlocal calls
        calls += bool(arguments[3])
        if arguments[3] and calls % 2:
            raise KeyboardInterrupt
        stored(*arguments)

    for _ in range(60):
        with monkeypatch.context() as patched:
            patched.setattr(cursors, "put_all", cut)
            try:
                puller.good(rows_at_a_time=1)
                break
            except KeyboardInterrupt:
                continue
    assert calls > 4
    puller.good()
    assert puller.tables() == expected[jira.cloud]


@pytest.mark.usefixtures("small_pages")
def test_a_token_that_the_server_forgot(project: Project) -> None:
    jira = small()
    jira.issues += [issue("SHOP", number) for number in range(8, 25)]
    with serving(jira) as url:
        puller = Puller(project, jira, url)
        with pytest.raises(KeyboardInterrupt):
            puller.good(progress=after_pages(2), rows_at_a_time=1)
        forgotten: list[Request] = []

        def forget(request: Request) -> Fault | None:
            if not forgotten and (request.body or {}).get("nextPageToken"):
                forgotten.append(request)
                return Fault(400, (("Content-Type", "application/json"),), b'{"errorMessages": ["token expired"]}')
            return None

        jira.faults = forget
        puller.good()
        assert forgotten
        assert len(puller.items()) == 24 + 3


def test_issues_that_leave_the_list_while_it_is_read(project: Project) -> None:
    """Data center counts: what is deleted or moved away makes the others move up."""
    jira = small(cloud=False)
    jira.issues = [issue("SHOP", number, cloud=False) for number in range(1, 351)]
    for each in jira.issues:
        each["fields"]["created"] = when(0)

    deleted = iter([[], ["SHOP-3"], ["SHOP-150", "SHOP-20"]])

    def delete(request: Request) -> None:
        if request.path == "/rest/api/2/search":
            gone = next(deleted, [])
            jira.issues[:] = [each for each in jira.issues if each["key"] not in gone]

    jira.before = delete
    with serving(jira) as url:
        puller = Puller(project, jira, url)
        puller.good("SHOP")
        assert len(jira.issues) == 347
        assert {each["key"] for each in jira.issues} <= set(puller.items())


def test_two_at_once(project: Project, jira: Jira, expected: dict[bool, Any]) -> None:
    jira.latency = 0.01
    with serving(jira) as url:
        done: list[SourceResult] = []
        threads = [threading.Thread(target=lambda: done.append(Puller(project, jira, url).good())) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    assert contents(project) == expected[jira.cloud]
    assert sorted(each.result.records for each in done) == [0, 12]


# -- troubles ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PASSING)
def test_a_passing_fault_at_every_request(puller: Puller, jira: Jira, expected: dict[bool, Any], name: str) -> None:
    spoilt: set[str] = set()

    def once(request: Request) -> Fault | None:
        return None if request.asked in spoilt else (spoilt.add(request.asked) or PASSING[name])

    jira.faults = once
    done = puller.good()
    assert puller.tables() == expected[jira.cloud]
    assert len(jira.requests) == 2 * len(spoilt)
    assert len(puller.waits) == len(spoilt)
    assert sum(puller.waits) == pytest.approx(done.result.figures.waited)


@BOTH
def test_limits_by_the_servers_clock(project: Project, cloud: bool) -> None:
    jira = small(cloud=cloud)
    jira.limit = 5
    refusals = 0

    def refuse(request: Request) -> Fault | None:
        nonlocal refusals
        if not cloud and request.number > jira.limit and not refusals:
            refusals += 1
            return Fault(429, (("Retry-After", "7"),), b"")
        return None

    jira.faults = refuse
    with serving(jira) as url:
        puller = Puller(project, jira, url)
        puller.good()
        assert puller.waits
        assert all(0 < seconds <= 62 for seconds in puller.waits)
        assert cloud or puller.waits == [7.0]


def test_troubles_with_one_project_keep_nobody_from_the_others(puller: Puller, jira: Jira) -> None:
    of_shop = f"project = {jira.projects['SHOP']} "
    jira.faults = lambda each: TRUNCATED if str((each.body or {}).get("jql")).startswith(of_shop) else None
    done = puller()
    assert done.error is not None
    assert {key[:3] for key in puller.items()} == {"WEB"}
    jira.faults = lambda _: None
    puller.good()
    assert len(puller.items()) == 10


def test_a_page_too_heavy_for_the_server_is_read_in_parts(project: Project, expected: dict[bool, Any]) -> None:
    jira = small(cloud=False)
    timeout = Fault(504)
    jira.faults = lambda each: timeout if (each.body or {}).get("maxResults", 0) > 3 else None
    with serving(jira) as url:
        puller = Puller(project, jira, url)
        puller.good()
        assert puller.tables() == expected[False]


def test_a_history_too_heavy_for_the_server_is_left_out(project: Project) -> None:
    jira = small(cloud=False)
    jira.faults = lambda each: Fault(504) if (each.body or {}).get("expand") == ["changelog"] else None
    with serving(jira) as url:
        puller = Puller(project, jira, url)
        done = puller("WEB")
        assert done.error is None
        assert [each.what for each in done.result.skipped] == [f"changes of WEB-{number}" for number in (1, 2, 3)]
        assert len(puller.items()) == 3


def test_long_histories(puller: Puller, jira: Jira) -> None:
    jira.issues.append(issue("SHOP", 8, cloud=jira.cloud, edits=5000))
    if not jira.cloud:  # some versions cut what is embedded
        jira.issues[-1]["told"] = jira.issues[-1]["histories"][-100:]
    puller.good()
    assert len(puller.changes("SHOP-8")) == 5000 + 6


def test_histories_refused_together_are_read_one_by_one(project: Project, expected: dict[bool, Any]) -> None:
    jira = small()
    jira.refused["/rest/api/3/changelog/bulkfetch"] = (400, {}, {"errorMessages": ["too much"]})
    with serving(jira) as url:
        puller = Puller(project, jira, url)
        puller.good()
        assert puller.tables() == expected[True]
        jira.touch("WEB-1", 60 * 24 * 30, moved(DONE, DOING))
        jira.refused[f"/rest/api/3/issue/{jira.issue('WEB-1')['id']}/changelog"] = (403, {}, {"errorMessages": ["no"]})
        done = puller()
        assert [each.what for each in done.result.skipped] == [f"changes of the issue {jira.issue('WEB-1')['id']}"]
        assert len(puller.changes("WEB-1")) == 6


def test_a_server_that_goes_down_keeps_what_was_delivered(
    puller: Puller, jira: Jira, expected: dict[bool, Any]
) -> None:
    jira.faults = lambda request: TRUNCATED if request.number > 7 else None
    done = puller()
    assert done.error is not None
    assert "could not be read in" in done.error.message
    assert len(puller.items()) >= 7
    jira.faults = lambda _: None
    puller.good()
    assert puller.tables() == expected[jira.cloud]


@pytest.mark.parametrize(
    ("token", "targets", "says"),
    [
        ("ATATT3xOld", [], "refuses the token from the variable JIRA_TOKEN"),
        ("", [], "No token in the variable JIRA_TOKEN"),
        ("two words", [], "no token: it has spaces"),
        (
            TOKEN,
            ["SHAP"],
            "has no project SHAP, or its user lacks the permission 'Browse projects' for it; there is SHOP",
        ),
    ],
)
def test_what_cannot_be_is_named(puller: Puller, token: str, targets: list[str], says: str) -> None:
    done = puller(*targets, token=token)
    assert done.error is not None
    assert says in done.error.message
    assert token == "" or token not in str(done.document())
    assert puller.items() == {}


def test_no_project_seen_names_the_permission(puller: Puller, jira: Jira) -> None:
    jira.projects.clear()
    done = puller()
    assert done.error is not None
    assert "'Browse projects'" in done.error.message


def test_a_captcha_is_named(puller: Puller, jira: Jira) -> None:
    reason = (
        ("X-Seraph-LoginReason", "AUTHENTICATION_DENIED"),
        ("X-Authentication-Denied-Reason", "CAPTCHA_CHALLENGE"),
    )
    jira.faults = lambda _: Fault(403, reason, b"<html>")
    done = puller()
    assert done.error is not None
    assert "CAPTCHA" in done.error.message


def test_a_login_page_is_named(puller: Puller, jira: Jira) -> None:
    jira.faults = lambda _: PASSING["HTML"]
    done = puller()
    assert done.error is not None
    assert "text/html instead of JSON" in done.error.message


def test_boards_that_may_not_be_seen_are_left_out_and_told(
    puller: Puller, jira: Jira, expected: dict[bool, Any]
) -> None:
    jira.refused["/rest/agile/1.0/board"] = (403, {"Retry-After": "0"}, {"errorMessages": ["no licence"]})
    done = puller()
    assert done.error is None
    (told,) = done.result.skipped
    assert (told.what, "no licence" in told.why) == ("boards", True)
    assert puller.tables()["work_items"] == expected[jira.cloud]["work_items"]


def test_odd_values(puller: Puller, jira: Jira) -> None:
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
    done = puller()
    assert done.error is None
    told = {each.what for each in done.result.skipped}
    assert {"SHOP-2", "SHOP-5", "WEB-1", "WEB-3"} <= told
    rows = puller.items()
    assert set(rows) == {"SHOP-1", "SHOP-3", "SHOP-4", "SHOP-6", "SHOP-7", "WEB-2"}
    assert rows["SHOP-1"]["title"] == "NUL  and half ? and \U0001f9d1‍\U0001f680"
    assert rows["SHOP-3"]["story_points"] == "8.0"
    assert (rows["SHOP-4"]["assignee"], rows["SHOP-6"]["priority"]) == (None, "4")
    assert [row["author"] for row in puller.changes("SHOP-7") if row["field"] == "assignee"] == [None]


# -- what changes later ------------------------------------------------------------------------------------------------


def test_a_moved_issue(puller: Puller, jira: Jira) -> None:
    puller.good()
    gone = jira.touch(
        "SHOP-3", 60 * 24 * 30, item("Key", "SHOP-3", "WEB-4"), item("project", ("1", "Shop"), ("2", "Web"))
    )
    gone["key"] = "WEB-4"
    puller.good()
    assert {"SHOP-3", "WEB-4"} & set(puller.items()) == {"WEB-4"}
    assert puller.changes("SHOP-3") == []
    assert {row["field"] for row in puller.changes("WEB-4")} >= {"key", "project", "status"}
    assert len(puller.items()) == 10


def test_deleted_issues_are_found_once_a_day(puller: Puller, jira: Jira) -> None:
    puller.good()
    jira.issues[:] = [each for each in jira.issues if each["key"] not in ("SHOP-2", "WEB-3")]
    puller.good()
    assert len(puller.items()) == 10
    jira.clock += 86_400
    done = puller.good()
    assert set(puller.items()) == {*(f"SHOP-{number}" for number in (1, 3, 4, 5, 6, 7)), "WEB-1", "WEB-2"}
    assert done.result.tables["work_items"].removed == 2
    assert (puller.changes("SHOP-2"), len(puller.changes("SHOP-1"))) == ([], 6)
    assert len(puller.asked()) == 6


def test_deleted_and_moved_and_new_in_one_batch(puller: Puller, jira: Jira) -> None:
    puller.good()
    jira.issues[:] = [each for each in jira.issues if each["key"] != "SHOP-2"]
    jira.touch("SHOP-3", 60 * 24 * 30, item("Key", "SHOP-3", "WEB-4"))["key"] = "WEB-4"
    jira.issues.append(issue("SHOP", 8, cloud=jira.cloud))
    jira.issues[-1]["fields"]["updated"] = when(60 * 24 * 30)
    jira.clock += 86_400
    puller.good()
    assert set(puller.items()) == {
        *(f"SHOP-{number}" for number in (1, 4, 5, 6, 7, 8)),
        *(f"WEB-{at}" for at in range(1, 5)),
    }
    assert {row["key"] for row in puller.tables()["work_item_changes"]} == set(puller.items())


def test_an_empty_answer_takes_nothing_away(puller: Puller, jira: Jira) -> None:
    puller.good()
    jira.issues.clear()  # as while the index is built
    jira.clock += 86_400
    puller.good()
    assert len(puller.items()) == 10


def test_a_renamed_project(puller: Puller, jira: Jira) -> None:
    puller.good()
    jira.projects = {"STORE" if key == "SHOP" else key: identity for key, identity in jira.projects.items()}
    for each in jira.issues:
        each["key"] = each["key"].replace("SHOP", "STORE")
    puller.good()
    rows = puller.items()
    assert len(rows) == 10
    assert {row["project"] for row in rows.values()} == {"STORE", "WEB"}
    assert {row["project"] for row in puller.tables()["work_item_changes"]} == {"STORE", "WEB"}


def test_an_issue_of_times_to_come_hides_nothing(puller: Puller, jira: Jira) -> None:
    jira.issue("WEB-3")["fields"]["updated"] = when(60 * 24 * 3000)
    puller.good()
    jira.touch("WEB-1", 60 * 24 * 30 - 2, item("priority", "Medium", "High"), priority={"name": "High"})
    puller.good()
    assert puller.items()["WEB-1"]["priority"] == "High"


def test_sprints_once_a_day(puller: Puller, jira: Jira) -> None:
    jira.boards.append(board(2, "WEB", [], "kanban"))
    jira.boards.append(board(3, "WEB", [], "simple"))
    puller.good()
    jira.boards[0]["sprints"][1] = sprint(8, 1)
    jira.boards[0]["name"] = "Checkout"
    puller.good()
    assert {row["state"] for row in puller.tables()["sprints"]} == {"closed", "active"}
    jira.clock += 86_400
    puller.good()
    assert [(row["board"], row["state"]) for row in puller.tables()["sprints"]] == [("Checkout", "closed")] * 2


def test_fields_of_ones_own(puller: Puller, jira: Jira) -> None:
    fields = jira.issue("SHOP-1")["fields"]
    fields["customfield_10050"], fields["customfield_10051"] = {"value": "13"}, "2026-01-04"
    puller.good(fields=["story_points=Size", "started_at=customfield_10051"])
    row = puller.items()["SHOP-1"]
    assert (row["story_points"], row["started_at"]) == ("13.0", "2026-01-04 00:00:00+00")
    done = puller(fields=["story_points=Sizes"])
    assert done.error is not None
    assert "no field 'Sizes' that the token may see; there is 'Size'" in done.error.message


def test_users_of_a_data_center_are_known_by_their_names(project: Project) -> None:
    jira = small(cloud=False)
    jira.users.append(user("dora", cloud=False))
    first, second = jira.issue("SHOP-1"), jira.issue("SHOP-2")
    first["histories"].insert(
        0, history(1, 1, None, item("assignee", (key_of("dora"), "Dora"), (key_of("eve"), "Eve")))
    )
    second["histories"].insert(0, history(1, 1, None, item("assignee", (key_of("eve"), "Eve"), (key_of("ada"), "Ada"))))
    with serving(jira) as url:
        puller = Puller(project, jira, url)
        puller.good()
        assert [each.params["key"] for each in jira.requests if each.path.endswith("/user")] == [
            key_of("dora"),
            key_of("eve"),
        ]
        values = [
            (row["from_value"], row["to_value"]) for row in puller.changes("SHOP-1") if row["field"] == "assignee"
        ]
        assert values[0] == ("dora", key_of("eve"))  # eve was deleted
        accounts = {row["account"]: row["email"] for row in puller.tables()["tool_accounts"]}
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


def test_check(puller: Puller, jira: Jira) -> None:
    jira.fields = jira.fields[:3]
    jira.refused["/rest/agile/1.0/board"] = (404, {}, None)
    with connected(puller.settings(), environ={"JIRA_TOKEN": TOKEN}) as source:
        found = source.check()
    assert (found.things, found.owner, found.noun) == (("SHOP", "WEB"), "Bot Example", "projects")
    assert [each.what for each in found.hidden] == ["boards and sprints", "story points"]
    assert len(jira.requests) == 5
