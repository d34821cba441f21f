"""Azure DevOps through the frame into the lake: whole, resumed, incremental, renamed, refused in part, and what goes wrong on the
way."""

from __future__ import annotations

import time
from typing import Any

import pytest

from stubs.azure import CART, ENTRA, SHOP, SIGN_IN, WEB, AzureDevOps
from stubs.azure_data import (
    START,
    build,
    comment,
    commit,
    opened,
    published,
    pull_request,
    record,
    repository,
    thread,
    vote,
    when,
)
from stubs.server import SERVER_ERROR

from .harness import Syncer, after_pages
from .scenarios import AZURE

SCENARIO = AZURE
LATER = 30 * 24 * 60
"""Minutes after the beginning of the data at which the tests change something."""


@pytest.fixture
def tool(tool: AzureDevOps) -> AzureDevOps:
    """The tool, whose clock is a month after its data."""
    tool.clock = START.timestamp() + (LATER - 30) * 60 - time.time()
    return tool


def pass_by(tool: AzureDevOps, minutes: float) -> None:
    tool.clock += minutes * 60


def pulls(sync: Syncer) -> dict[int, dict[str, Any]]:
    return {int(row["number"]): row for row in sync.rows("pull_requests")}


def test_everything_there_is(sync: Syncer) -> None:
    done = sync.good()
    assert {name: len(rows) for name, rows in sync.tables().items()} == {
        "repositories": 3,
        "pull_requests": 10,
        "pull_request_commits": 20,
        "pull_request_files": 20,
        "reviews": 10,
        "comments": 30,
        "builds": 5,
        "deployments": 3 + 2,
        "tool_accounts": 2,
    }
    # Repositories; the lists of three, four calls for each pull request; builds; environments, one's records; releases.
    assert done.result.call_stats.calls == 1 + 3 + 4 * 10 + 1 + 2 + 1
    deployed, first = sync.rows("deployments")[0], sync.rows("builds")[0]
    assert (deployed["repository"], deployed["environment"], deployed["sha"]) == (
        "Shop/cart",
        "production",
        first["sha"],
    )


def test_calls_per_pull_request(sync: Syncer, tool: AzureDevOps) -> None:
    tool.pull_requests = [pull_request(CART, number, number) for number in range(1, 101)]
    tool.builds = [build(CART, number, number) for number in range(1, 1_001)]
    tool.environments, tool.deployments = [], []
    # Repositories; environments; classic releases; the empty lists of two repositories and the last one of the third.
    assert sync.good().result.call_stats.calls == 4 * 100 + 100 // 25 + 1_000 // 100 + 3 + 2 + 1
    pass_by(tool, 60)
    assert sync.good().result.call_stats.calls == 1 + 4


def test_tokens_of_entra(sync: Syncer) -> None:
    sync.good(token=ENTRA)
    assert len(pulls(sync)) == 10


def test_only_what_is_new_is_read(sync: Syncer, tool: AzureDevOps) -> None:
    sync.good()
    pass_by(tool, 60)
    tool.pull_requests.append(pull_request(CART, 11, LATER - 20))
    tool.builds.append(build(CART, 6, LATER))
    requests = sync.requests()
    details = [request.path for request in requests if "/pullrequests/" in request.path]
    assert len(details) == 4
    assert all("/11/" in path for path in details)
    assert len(pulls(sync)) == 11
    assert len(sync.rows("builds")) == 6
    pass_by(tool, 60)
    again = sync.good()
    assert (again.result.records, again.result.tables) == (0, {})


def test_an_open_pull_request_is_read_until_it_is_closed(sync: Syncer, tool: AzureDevOps) -> None:
    node = opened(WEB, 11, LATER - 60, isDraft=True)
    tool.pull_requests.append(node)
    sync.good()
    assert (pulls(sync)[11]["state"], pulls(sync)[11]["draft"]) == ("open", "true")
    # Nothing new: its threads alone are looked at.
    assert [request.path.rpartition("/")[2] for request in sync.requests() if "/11" in request.path] == ["threads"]
    node["_threads"].append(thread(900, LATER, None, comment(1, LATER, node["createdBy"])))
    node["_threads"].append(published(901, LATER + 1))
    node["isDraft"] = False
    sync.good()
    assert pulls(sync)[11]["ready_at"] is not None
    assert len([row for row in sync.rows("comments") if row["number"] == "11"]) == 4
    pass_by(tool, 120)
    node.update(status="completed", closedDate=when(LATER + 30), closedBy=node["createdBy"])
    sync.good()
    assert (pulls(sync)[11]["state"], pulls(sync)[11]["merged_at"] is not None) == ("merged", True)
    pass_by(tool, 60)
    assert not any("/11" in request.path for request in sync.requests())


def test_a_deleted_comment_and_a_forced_push(sync: Syncer, tool: AzureDevOps) -> None:
    node = opened(WEB, 11, LATER - 60)
    tool.pull_requests.append(node)
    sync.good()
    node["_threads"] = [*node["_threads"][:1], vote(902, LATER, node["createdBy"], -5)]
    node["_commits"] = [commit(WEB, 99, LATER)]
    node["_files"] = ["/new.py"]
    sync.good()
    of = {table: [row for row in sync.rows(table) if row["number"] == "11"] for table in ("comments", "reviews")}
    assert (len(of["comments"]), [row["state"] for row in of["reviews"]]) == (0, ["changes_requested"])
    assert [row["path"] for row in sync.rows("pull_request_files") if row["number"] == "11"] == ["new.py"]
    assert len([row for row in sync.rows("pull_request_commits") if row["number"] == "11"]) == 1


def test_a_run_that_is_killed_goes_on(sync: Syncer, tool: AzureDevOps) -> None:
    tool.pull_requests += [pull_request(CART, number) for number in range(20, 80)]
    with pytest.raises(KeyboardInterrupt):
        sync(progress=after_pages(2), rows_at_a_time=1)
    found = len(pulls(sync))
    assert 0 < found < 70
    before = len(tool.requests)
    sync.good()
    assert len(pulls(sync)) == 70
    lists = [request for request in tool.requests[before:] if "searchCriteria.status=all" in request.url]
    assert lists[0].params["$skip"] == "25"


def test_long_lists_are_read_to_their_ends(sync: Syncer, tool: AzureDevOps) -> None:
    tool.pages = 2
    node = pull_request(CART, 11, description="x" * 500)
    node["_commits"] = [commit(CART, 11, minutes) for minutes in range(7)]
    node["_files"] = [f"/f{number}" for number in range(5)]
    tool.pull_requests.append(node)
    sync.good()
    assert len(sync.rows("builds")) == 5
    assert len(pulls(sync)[11]["body"]) == 500
    assert len([row for row in sync.rows("pull_request_commits") if row["number"] == "11"]) == 7
    assert pulls(sync)[11]["changed_files"] == "5"
    assert len(sync.rows("deployments")) == 5


def test_a_continuation_that_is_forgotten_begins_again(sync: Syncer, tool: AzureDevOps) -> None:
    tool.pages = 2
    tool.faults = lambda request: SERVER_ERROR if request.params.get("continuationToken") == "at-4" else None
    assert sync().document()["state"] == "incomplete"
    tool.faults, tool.pages, tool.tokens = (lambda _: None), 100, frozenset()
    sync.good()
    assert len(sync.rows("builds")) == 5


def test_a_repository_that_is_renamed(sync: Syncer, tool: AzureDevOps) -> None:
    sync.good()
    tool.repositories[0] = {**CART, "name": "basket"}
    sync.good()
    assert {row["repository"] for row in pulls(sync).values()} == {"Shop/basket", "Shop/web-shop"}
    assert {row["repository"] for row in sync.rows("builds")} == {"Shop/basket"}
    assert {row["repository"] for row in sync.rows("deployments")} == {"Shop/basket", "Shop/web-shop"}
    assert len(pulls(sync)) == 10
    (row,) = [row for row in sync.rows("repositories") if row["repository"] == "Shop/basket"]
    assert row["former_names"] == "[Shop/cart]"


def test_a_refused_repository_is_in_nobodys_way(sync: Syncer, tool: AzureDevOps) -> None:
    tool.refused = frozenset({"cart"})
    done = sync()
    assert done.error is None
    assert done.document()["state"] == "incomplete"
    (skipped,) = [skipped for skipped in done.result.skipped if skipped.gap]
    assert skipped.what == "pull requests of Shop/cart"
    assert "TF401019" in skipped.why
    assert "needs the scope Code (Read)" in skipped.why
    assert {row["repository"] for row in pulls(sync).values()} == {"Shop/web-shop"}
    tool.refused = frozenset()
    sync.good()
    assert len(pulls(sync)) == 10


def test_a_disabled_repository_is_told_and_keeps_what_was_read(sync: Syncer, tool: AzureDevOps) -> None:
    sync.good()
    tool.repositories[0] = {**CART, "isDisabled": True}
    done = sync()
    assert done.document()["state"] == "done"
    assert [(skipped.what, skipped.why) for skipped in done.result.skipped] == [
        ("pull requests of Shop/cart", "the repository is disabled")
    ]
    assert len(pulls(sync)) == 10


def test_a_repository_that_fails_is_in_nobodys_way(sync: Syncer, tool: AzureDevOps) -> None:
    sync.good()
    pass_by(tool, 60)
    tool.pull_requests += [pull_request(CART, 11, LATER - 20), pull_request(WEB, 12, LATER - 20)]
    tool.faults = lambda request: SERVER_ERROR if "/11/" in request.path else None
    done = sync()
    assert {failed.what for failed in done.result.failed} == {"pull requests of Shop/cart"}
    assert (12 in pulls(sync), 11 in pulls(sync)) == (True, False)
    tool.faults = lambda _: None
    pass_by(tool, 600)
    sync.good()
    assert 11 in pulls(sync)


def test_a_missing_scope_is_named(sync: Syncer, tool: AzureDevOps) -> None:
    tool.scopes = frozenset({"code", "build"})
    done = sync()
    assert done.document()["state"] == "incomplete"
    why = {skipped.what: skipped.why for skipped in done.result.skipped}
    assert "needs the scope Release (Read)" in why["classic deployments of Shop"]
    assert "needs the scope Environment (Read & manage)" in why["environments of Shop"]
    with sync.connected() as source:
        hidden = {skipped.what: skipped.why for skipped in source.check().hidden}
    assert set(hidden) == {"environments of Shop/cart", "classic deployments of Shop/cart"}
    tool.scopes = frozenset({"build"})
    assert "lack the scope Code (Read)" in str(sync().error)


def test_a_page_to_sign_in_is_a_wrong_token(sync: Syncer, tool: AzureDevOps) -> None:
    tool.faults = lambda _: SIGN_IN
    done = sync()
    assert "refuses the token from the variable AZURE_DEVOPS_TOKEN (its answer is the page to sign in)" in str(
        done.error
    )
    assert len(tool.requests) == 1


def test_some_of_the_repositories(sync: Syncer, tool: AzureDevOps) -> None:
    tool.repositories.append(repository({**SHOP, "id": CART["id"], "name": "Ops"}, "cart"))
    sync.good("example/Shop/web-*")
    assert {row["repository"] for row in sync.rows("repositories")} == {"Shop/web-shop"}
    assert sync.rows("builds") == []
    sync.good("example/Shop")
    assert len(sync.rows("builds")) == 5


def test_a_deployment_that_ends_later(sync: Syncer, tool: AzureDevOps) -> None:
    ran = build(CART, 6, LATER - 40)
    tool.builds.append(ran)
    going = record(9, ran, LATER - 35, result=None, finishTime=None)
    tool.environments[0]["_records"].append(going)
    sync.good()
    going.update(result="failed", finishTime=when(LATER))
    pass_by(tool, 60)
    tool.builds.append(build(WEB, 7, LATER))
    sync.good()
    (row,) = [row for row in sync.rows("deployments") if row["deployment_id"].endswith("environment/9")]
    assert row["status"] == "failure"
