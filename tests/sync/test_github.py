"""GitHub through the frame into the lake: whole, resumed, incremental, one run at a time, whatever goes wrong on the way."""

from __future__ import annotations

import copy
import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leadline.db import sources as source_rows
from leadline.engine import Engine
from leadline.home import Home, Project
from leadline.schema import TABLES
from leadline.sources.kit.settings import SourceSettings, checked
from leadline.sync.run import SyncRun
from leadline.sync.source import SourceResult, run_source
from stubs.github import PASSING, TOKEN, Hub
from stubs.github_data import comment, deployment, pull, release, repository, review, run, user, when
from stubs.server import TRUNCATED, Fault, Request, serving

PULLED = (
    *("repositories", "pull_requests", "pull_request_commits", "pull_request_files", "reviews", "comments"),
    *("releases", "deployments", "builds", "commits", "tool_accounts"),
)


def small_hub() -> Hub:
    shop = repository("acme/shop", 1, pulls=7, releases=2, deployments=3, runs=5)
    web = repository("acme/web", 2, pulls=3, runs=2)
    return Hub({"acme": [shop, web, repository("acme/empty", 3)]})


class Puller:
    """Syncs a hub into a project, and looks at what is there."""

    def __init__(self, project: Project, hub: Hub, url: str) -> None:
        self.project, self.hub, self.url = project, hub, url
        self.waits: list[float] = []

    def pull(self, **changes: Any) -> SyncRun:
        return replace(SyncRun(self.project), **changes)

    def __call__(self, *targets: str, token: str = TOKEN, **changes: Any) -> SourceResult:
        (settings,) = checked(SourceSettings("github", targets=targets or ("acme",), url=self.url))
        return run_source(
            self.pull(**changes),
            settings,
            environ={"GITHUB_TOKEN": token},
            wait=self.waits.append,
            chance=lambda: 0.5,
        )

    def good(self, *targets: str, **changes: Any) -> SourceResult:
        done = self(*targets, **changes)
        assert done.error is None, done.error
        assert done.result.skipped == ()
        return done

    def calls(self) -> int:
        before = len(self.hub.requests)
        self.good()
        return len(self.hub.requests) - before

    def tables(self, names: Sequence[str] = PULLED) -> dict[str, list[dict[str, Any]]]:
        return contents(self.project, names)


def contents(project: Project, names: Sequence[str] = PULLED) -> dict[str, list[dict[str, Any]]]:
    found = {}
    with Engine(temp_dir=project.temp) as engine:
        engine.bind_snapshot(project.lake.snapshot(), names)
        for name in names:
            columns = ", ".join(
                f'CAST("{column.name}" AS VARCHAR) AS "{column.name}"' for column in TABLES[name].columns
            )
            key = ", ".join(f'"{column}"' for column in TABLES[name].key)
            found[name] = engine.arrow(f"SELECT {columns} FROM {name} ORDER BY {key}").to_pylist()
    for row in found.get("builds", []) + found.get("deployments", []):
        for column in ("build_id", "deployment_id"):
            if column in row:
                row[column] = re.sub(r"^127\.0\.0\.1:\d+:", "stub:", row[column])  # every server has its own port
    return found


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Hub, str]]:
    """One server for all tests: ids and cursors bear its address."""
    hub = small_hub()
    with serving(hub) as url:
        yield hub, url


@pytest.fixture
def hub(served: tuple[Hub, str]) -> Hub:
    """What the server holds, as it was in the beginning."""
    served[0].__dict__.update(small_hub().__dict__)
    return served[0]


@pytest.fixture
def puller(project: Project, hub: Hub, served: tuple[Hub, str]) -> Puller:
    return Puller(project, hub, served[1])


@pytest.fixture(scope="module")
def synced(
    served: tuple[Hub, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, list[dict[str, Any]]]]:
    """A home after an undisturbed sync of the small hub, and what is in it."""
    folder = tmp_path_factory.mktemp("synced")
    served[0].__dict__.update(small_hub().__dict__)
    with Home.open(folder) as home:
        puller = Puller(home.project(), *served)
        puller.good()
        return folder, puller.tables()


@pytest.fixture
def expected(synced: tuple[Path, dict[str, list[dict[str, Any]]]]) -> dict[str, list[dict[str, Any]]]:
    """What an undisturbed sync of the small hub brings."""
    return synced[1]


@pytest.fixture
def later(synced: tuple[Path, Any], served: tuple[Hub, str], tmp_path: Path, hub: Hub) -> Iterator[Puller]:
    """As ``puller``, after a first sync."""
    shutil.copytree(synced[0], tmp_path / "later")
    with Home.open(tmp_path / "later") as home:
        yield Puller(home.project(), hub, served[1])


def test_everything_there_is(puller: Puller) -> None:
    done = puller.good()
    rows = puller.tables()
    assert {name: len(found) for name, found in rows.items()} == {
        "repositories": 3,
        "pull_requests": 10,
        "pull_request_commits": 20,
        "pull_request_files": 30,
        "reviews": 20,
        "comments": 40,
        "releases": 2,
        "deployments": 3,
        "builds": 7,
        "commits": 20 + 10,  # those that were squashed, and what became of them
        "tool_accounts": 0,  # of a user nobody is a member
    }
    assert done.result.records == 10 + 2 + 3 + 7 + 10
    first = rows["pull_requests"][0]
    assert (first["repository"], first["state"], first["merged_at"]) == (
        "acme/shop",
        "merged",
        "2026-01-05 10:45:00+00",
    )
    assert rows["deployments"][0]["status"] == "success"
    (row,) = source_rows.listed(puller.project.db, puller.project.id)
    assert row.outcome is not None
    assert (row.outcome["state"], row.succeeded_at is not None, row.configured) == ("done", True, False)


def test_nothing_new_is_one_call_for_a_hundred_repositories(puller: Puller, hub: Hub) -> None:
    hub.owners["acme"] += [repository(f"acme/r{at:03}", 100 + at, pulls=1, runs=1) for at in range(97)]
    puller.good()
    versions = puller.project.lake.snapshot().versions
    assert puller.calls() == 1
    assert puller.project.lake.snapshot().versions == versions


def test_only_what_is_new_is_read(later: Puller, hub: Hub) -> None:
    shop = hub.owners["acme"][0]
    shop["pullRequests"].append(pull("acme/shop", 8))
    shop["pullRequests"][0]["title"] = "retold"
    shop["pullRequests"][0]["updatedAt"] = when(9000)
    done = later.good()
    counts = done.result.tables["pull_requests"]
    assert (counts.added, counts.updated) == (1, 1)
    # The overview, pull requests and their commits, and builds, since something was pushed.
    assert done.result.figures.calls == 4
    assert {row["title"] for row in later.tables(["pull_requests"])["pull_requests"]} >= {"retold", "SHOP-8 change"}


def test_what_vanished_from_a_pull_request_is_taken_away(later: Puller, hub: Hub) -> None:
    first, second = hub.owners["acme"][0]["pullRequests"][:2]
    del first["commits"][0], first["files"][1:], first["comments"][0], first["reviews"][1]
    first["reviews"][0]["comments"] = []
    first["updatedAt"] = when(9000)
    second["comments"], second["updatedAt"] = [], when(9001)
    done = later.good()
    assert {name: counts.removed for name, counts in done.result.tables.items() if counts.removed} == {
        "pull_request_commits": 1,
        "pull_request_files": 2,
        "reviews": 1,
        "comments": 3 + 2,
    }
    rows = later.tables(["comments", "reviews"])
    of_first = [row for row in rows["comments"] if (row["repository"], row["number"]) == ("acme/shop", "1")]
    assert [row["kind"] for row in of_first] == ["discussion"]
    assert len(rows["reviews"]) == 19


def test_long_lists_are_read_to_their_ends(puller: Puller, hub: Hub) -> None:
    large = pull("acme/shop", 8, commits=260, files=3000, reviews=45, comments=130, labels=25)
    large["reviews"][3]["comments"] = [comment(900_000 + at, "ben", 500) for at in range(230)]
    hub.owners["acme"][0]["pullRequests"].append(large)
    puller.good()
    rows = puller.tables()
    of_it = {name: sum(row.get("number") == "8" for row in found) for name, found in rows.items()}
    assert of_it["pull_request_commits"] == 260
    assert of_it["pull_request_files"] == 3000
    assert of_it["reviews"] == 45
    assert of_it["comments"] == 130 + 44 + 230
    (row,) = [row for row in rows["pull_requests"] if row["number"] == "8"]
    assert row["labels"].count("label ") == 25


def test_calls_per_pull_request(puller: Puller, hub: Hub) -> None:
    hub.owners["acme"][0]["pullRequests"] = [pull("acme/shop", at) for at in range(1, 201)]
    for at in range(0, 200, 20):
        hub.owners["acme"][0]["pullRequests"][at] = pull("acme/shop", at + 1, commits=150, files=350)
    done = puller.good()
    assert done.result.figures.calls / 203 <= 1.2


# -- interruptions -----------------------------------------------------------------------------------------------------


def after_pages(number: int, told: list[int]) -> Callable[[str, int], None]:
    """Progress that cuts the run at its page ``number``, and keeps in ``told`` how many records were delivered."""
    pages = iter(range(1, 1000))

    def cut(_subject: str, records: int) -> None:
        told.append(records)
        if next(pages) >= number:
            raise KeyboardInterrupt

    return cut


def test_cut_after_any_page_and_resumed(puller: Puller, hub: Hub, expected: dict[str, Any]) -> None:
    """Every page is a checkpoint: the run is cut right after it was delivered, again and again until it gets through."""
    hub.owners["acme"][0]["pullRequests"] += [pull("acme/shop", at) for at in range(8, 61)]
    straight = Puller(puller.project.home.project("default", "straight", create=True), hub, puller.url)
    records = straight.good().result.records
    want = straight.tables()
    cuts = delivered = 0
    while True:
        told: list[int] = []
        try:
            puller.good(progress=after_pages(2 + cuts % 2, told), rows_at_a_time=1)
            break
        except KeyboardInterrupt:
            cuts += 1
            assert cuts < 60
        finally:
            delivered += told[-1]
    assert puller.tables() == want
    assert cuts >= 8
    assert delivered == records  # nothing was delivered a second time
    assert want["builds"] == expected["builds"]


def test_cut_between_delivery_and_cursor(
    puller: Puller, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from leadline.db import cursors

    stored = cursors.put_all
    calls = 0

    def cut(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if calls % 2:
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
    puller.good()
    assert puller.tables() == expected


def test_what_comes_while_a_backfill_is_cut(puller: Puller, hub: Hub) -> None:
    shop = hub.owners["acme"][0]
    shop["pullRequests"] += [pull("acme/shop", at) for at in range(8, 61)]
    shop["runs"] = [run("acme/shop", at) for at in range(1, 251)]
    for wanted in (30, 60 + 2 + 3 + 110):  # in the middle of the pull requests, then of the runs

        def cut(_subject: str, records: int, wanted: int = wanted) -> None:
            if records >= wanted:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            puller.good(progress=cut, rows_at_a_time=1)
        shop["runs"].append(run("acme/shop", 300 + wanted))
        if wanted == 30:
            shop["pullRequests"].append(pull("acme/shop", 61))
        shop["pushedAt"] = when(wanted * 600)
    puller.good()
    puller.good()
    rows = puller.tables(["pull_requests", "builds"])
    assert sum(row["repository"] == "acme/shop" for row in rows["pull_requests"]) == 61
    assert sum(row["repository"] == "acme/shop" for row in rows["builds"]) == 252
    assert puller.calls() == 1


def test_a_cursor_the_server_forgot(puller: Puller, hub: Hub) -> None:
    hub.owners["acme"][0]["pullRequests"] += [pull("acme/shop", at) for at in range(8, 61)]

    def cut(_subject: str, records: int) -> None:
        if records >= 25:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        puller.good(progress=cut, rows_at_a_time=1)

    def forget(request: Request) -> Fault | None:
        if request.variables.get("after") and "things: pullRequests" in request.query and not forgotten:
            forgotten.append(request)
            body = b'{"data": null, "errors": [{"type": "X", "message": "`y` does not appear to be a valid cursor."}]}'
            return Fault(200, (("Content-Type", "application/json"),), body)
        return None

    forgotten: list[Request] = []
    hub.faults = forget
    puller.good()
    assert forgotten
    assert len(puller.tables(["pull_requests"])["pull_requests"]) == 63


def test_two_at_once(puller: Puller, hub: Hub, expected: dict[str, Any]) -> None:
    hub.latency = 0.01
    done: list[SourceResult] = []
    threads = [
        threading.Thread(target=lambda: done.append(Puller(puller.project, hub, puller.url).good())) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert puller.tables() == expected
    assert sorted(each.result.records for each in done) == [0, 32]


# -- troubles ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PASSING)
def test_a_passing_fault_at_every_request(puller: Puller, hub: Hub, expected: dict[str, Any], name: str) -> None:
    spoilt: set[tuple[str, str]] = set()

    def once(request: Request) -> Fault | None:
        asked = (request.path, request.query + str(request.variables))
        return None if asked in spoilt else (spoilt.add(asked) or PASSING[name])

    hub.faults = once
    done = puller.good()
    assert puller.tables() == expected
    assert len(hub.requests) == 2 * len(spoilt)
    assert len(puller.waits) == len(spoilt)
    assert sum(puller.waits) == pytest.approx(done.result.figures.waited)
    if name == "429":
        assert set(puller.waits) == {3.0}


def test_limits_by_the_servers_clock(puller: Puller, hub: Hub) -> None:
    hub.clock = -7 * 86_400  # this machine's clock is a week ahead, or the server's behind
    hub.limit = 5
    puller.good()
    assert puller.waits
    assert all(50 <= seconds <= 62 for seconds in puller.waits)


def test_graphql_rate_limit_in_an_answer_of_200(puller: Puller, hub: Hub) -> None:
    body = b'{"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}'
    limited = Fault(200, (("Content-Type", "application/json"),), body)
    hub.faults = lambda request: limited if request.number == 2 else None
    puller.good()
    assert len(puller.waits) == 1
    assert 50 <= puller.waits[0] <= 62


def test_a_page_too_heavy_for_the_server_is_read_in_parts(puller: Puller, hub: Hub, expected: dict[str, Any]) -> None:
    timeout = Fault(504)
    hub.faults = lambda request: (
        timeout if request.variables.get("size", 0) > 5 and "commits(" in request.query else None
    )
    puller.good()
    assert puller.tables() == expected


def test_a_pull_request_too_heavy_by_itself_is_read_list_by_list(
    puller: Puller, hub: Hub, expected: dict[str, Any]
) -> None:
    hub.faults = lambda request: Fault(504) if "commits(" in request.query and "things" in request.query else None
    puller.good()
    assert puller.tables() == expected


def test_an_answer_that_lacks_elements_is_no_answer(puller: Puller, hub: Hub, expected: dict[str, Any]) -> None:
    """Half an answer would look as if the missing pull requests did not exist."""

    def in_part(request: Request) -> Fault | None:
        if "things: pullRequests" not in request.query or request.variables["size"] <= 5:
            return None
        error = {
            "type": "RESOURCE_LIMITS_EXCEEDED",
            "path": ["repository", "things", "nodes", 0],
            "message": "too much",
        }
        things = {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": [None]}
        body = {"data": {"repository": {"things": things}}, "errors": [error]}
        return Fault(200, (("Content-Type", "application/json"),), json.dumps(body).encode())

    hub.faults = in_part
    puller.good()
    assert puller.tables() == expected
    assert puller.waits == []


def test_a_list_refused_for_good_is_left_out_and_told(puller: Puller, hub: Hub, expected: dict[str, Any]) -> None:
    hub.forbidden = {"files": "Resource not accessible by personal access token"}
    done = puller()
    assert done.error is None
    assert {each.what for each in done.result.skipped} == {
        "files of pull requests of acme/shop",
        "files of pull requests of acme/web",
    }
    rows = puller.tables()
    assert rows["pull_request_files"] == []
    assert rows["pull_requests"] == expected["pull_requests"]


def test_a_record_of_another_shape_is_left_out_and_the_rest_is_taken(puller: Puller, hub: Hub) -> None:
    shop = hub.owners["acme"][0]
    shop["releases"][0]["tagCommit"] = "v1"
    shop["deployments"][1]["creator"] = 7
    done = puller()
    assert done.error is None
    numbers = [shop["releases"][0]["databaseId"], shop["deployments"][1]["databaseId"]]
    assert [each.what for each in done.result.skipped] == [
        f"release {numbers[0]} of acme/shop",
        f"deployment {numbers[1]} of acme/shop",
    ]
    rows = puller.tables()
    assert len(rows["releases"]) == len(shop["releases"]) - 1
    assert len(rows["deployments"]) == len(shop["deployments"]) - 1
    assert len(rows["builds"]) == 7


def test_deployments_and_runs_that_the_token_may_not_see(puller: Puller, hub: Hub, expected: dict[str, Any]) -> None:
    hub.forbidden = {
        "deployments": "Resource not accessible by personal access token",
        "runs": "Resource not accessible",
    }
    done = puller()
    assert done.error is None
    told = {each.what: each.why for each in done.result.skipped}
    said = "Resource not accessible by personal access token (needs the permission Deployments: read-only)"
    assert told["deployments of 3 repositories of acme"] == said
    assert "actions=read" in told["builds of acme/shop"]
    rows = puller.tables()
    assert (rows["deployments"], rows["builds"]) == ([], [])
    assert rows["reviews"] == expected["reviews"]
    hub.forbidden = {}
    hub.owners["acme"][0]["pushedAt"] = when(99_000)
    puller.good()
    assert len(puller.tables()["deployments"]) == 3


def test_a_server_that_goes_down_keeps_what_was_delivered(puller: Puller, hub: Hub, expected: dict[str, Any]) -> None:
    hub.faults = lambda request: TRUNCATED if request.number > 4 else None
    done = puller()
    assert done.error is not None
    assert "could not be read in 6 attempts" in done.error.message
    assert len(puller.tables()["pull_requests"]) > 0
    (row,) = source_rows.listed(puller.project.db, puller.project.id)
    assert row.outcome is not None
    assert (row.outcome["state"], row.succeeded_at) == ("failed", None)
    hub.faults = lambda _: None
    puller.good()
    assert puller.tables() == expected


@pytest.mark.parametrize(
    ("token", "targets", "says"),
    [
        ("ghp_old", ["acme"], "refuses the token from the variable GITHUB_TOKEN (Bad credentials)"),
        ("", ["acme"], "No token in the variable GITHUB_TOKEN"),
        ("two words", ["acme"], "no token: it has spaces"),
        (TOKEN, ["nobody"], "knows no organization or user 'nobody'"),
        (TOKEN, ["acme/none-*"], "No repository of acme is called none-*; there are acme/"),
    ],
)
def test_what_cannot_be_is_named(puller: Puller, token: str, targets: list[str], says: str) -> None:
    done = puller(*targets, token=token)
    assert done.error is not None
    assert says in done.error.message
    assert token == "" or token not in str(done.document())
    assert puller.tables()["pull_requests"] == []


def test_a_missing_scope_is_named(puller: Puller, hub: Hub) -> None:
    body = b'{"message": "Must have admin rights"}'
    headers = (("X-Accepted-OAuth-Scopes", "repo"), ("X-OAuth-Scopes", "gist"), ("Content-Type", "application/json"))
    hub.faults = lambda _: Fault(403, headers, body)
    done = puller()
    assert done.error is not None
    assert "needs one of the scopes repo; it has gist" in done.error.message


def test_a_login_page_is_named(puller: Puller, hub: Hub) -> None:
    hub.faults = lambda _: PASSING["HTML"]
    done = puller()
    assert done.error is not None
    assert "text/html instead of JSON" in done.error.message


def test_odd_values(puller: Puller, hub: Hub) -> None:
    pulls = hub.owners["acme"][0]["pullRequests"]
    pulls[0]["title"] = "NUL \x00 and half \ud800 and \U0001f9d1‍\U0001f680"
    pulls[1]["additions"] = "many"
    pulls[2]["commits"] = [{"commit": "a text"}]
    pulls[3]["author"] = None
    pulls[4]["author"] = {"login": "renovate", "__typename": "Bot"}
    done = puller()
    assert done.error is None
    assert [each.what for each in done.result.skipped] == ["acme/shop#3", "pull_requests acme/shop 2"]
    rows = {row["number"]: row for row in puller.tables()["pull_requests"] if row["repository"] == "acme/shop"}
    assert set(rows) == {"1", "4", "5", "6", "7"}
    assert rows["1"]["title"] == "NUL  and half ? and \U0001f9d1‍\U0001f680"
    assert rows["4"]["author"] is None
    assert rows["5"]["author"] == "renovate[bot]"


# -- what changes later ------------------------------------------------------------------------------------------------


def test_a_deployment_that_ends_later(puller: Puller, hub: Hub) -> None:
    shop = hub.owners["acme"][0]
    hub.clock = -(puller_now() - at(250))
    shop["deployments"][0] = deployment("acme/shop", 1, "IN_PROGRESS")
    puller.good()
    first = next(row for row in puller.tables()["deployments"] if row["status"] == "running")
    assert first["finished_at"] is None
    shop["deployments"][0] = deployment("acme/shop", 1, "IN_PROGRESS", "FAILURE")
    puller.good()
    (row,) = [row for row in puller.tables()["deployments"] if row["deployment_id"] == first["deployment_id"]]
    assert (row["status"], row["finished_at"]) == ("failure", "2026-01-05 10:12:00+00")
    assert puller.calls() <= 4


def test_a_run_that_ends_later(puller: Puller, hub: Hub) -> None:
    shop = hub.owners["acme"][0]
    hub.clock = -(puller_now() - at(1000))
    shop["runs"][4] = run("acme/shop", 5, "in_progress")
    puller.good()
    assert [row["status"] for row in puller.tables()["builds"]].count("in_progress") == 1
    assert puller.calls() == 2
    assert hub.not_modified == 1
    shop["runs"][4] = run("acme/shop", 5)
    puller.good()
    assert {row["status"] for row in puller.tables()["builds"]} == {"success"}


def test_more_runs_than_a_search_gives(puller: Puller, hub: Hub) -> None:
    hub.owners["acme"][1]["runs"] = [run("acme/web", at) for at in range(1, 1251)]
    for each in hub.owners["acme"][1]["runs"][300:620]:
        each["created_at"] = when(300 * 60)  # more than pages of one second
    puller.good()
    assert sum(row["repository"] == "acme/web" for row in puller.tables()["builds"]) == 1250


def test_a_new_release(later: Puller, hub: Hub) -> None:
    hub.owners["acme"][0]["releases"] += [release("acme/shop", 3), {**release("acme/shop", 4), "isDraft": True}]
    later.good()
    assert [row["tag"] for row in later.tables()["releases"]] == ["v1", "v2", "v3"]


def test_a_renamed_repository(later: Puller, hub: Hub) -> None:
    renamed = repository("acme/store", 1, pulls=7, releases=2, deployments=3, runs=5)
    hub.owners["acme"][0] = copy.deepcopy(renamed)
    later.good()
    rows = later.tables()
    for name in ("repositories", "pull_requests", "reviews", "comments", "releases"):
        assert {row["repository"] for row in rows[name]} <= {"acme/store", "acme/web", "acme/empty"}
    assert len(rows["pull_requests"]) == 10


def test_names_that_were_swapped(later: Puller, hub: Hub) -> None:
    hub.owners["acme"][0] = repository("acme/web", 1, pulls=7, releases=2)
    hub.owners["acme"][1] = repository("acme/shop", 2, pulls=3)
    later.good()
    rows = later.tables()["pull_requests"]
    assert [row["repository"] for row in rows] == ["acme/shop"] * 3 + ["acme/web"] * 7


def test_a_draft_made_ready_and_a_dismissed_review(puller: Puller, hub: Hub) -> None:
    first = hub.owners["acme"][0]["pullRequests"][0]
    first.update(isDraft=True, timelineItems=[], state="OPEN", mergedAt=None, closedAt=None, mergeCommit=None)
    puller.good()
    first.update(isDraft=False, timelineItems=[{"createdAt": when(70)}], updatedAt=when(9000))
    first["reviews"][0] = {**review("acme/shop", 1, 0, 80), "state": "DISMISSED", "updatedAt": when(9000)}
    first["mergedBy"] = user("cleo")
    puller.good()
    rows = puller.tables()
    assert (rows["pull_requests"][0]["ready_at"], rows["pull_requests"][0]["state"]) == (
        "2026-01-05 10:10:00+00",
        "open",
    )
    assert rows["reviews"][0]["state"] == "dismissed"


def puller_now() -> float:
    import time

    return time.time()


def at(minutes: float) -> float:
    """The instant ``minutes`` after the beginning of the data, in seconds."""
    from datetime import datetime

    return datetime.fromisoformat(when(minutes)).timestamp()
