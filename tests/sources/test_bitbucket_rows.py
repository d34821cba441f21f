"""Recorded shapes of Bitbucket's answers in, rows of the data model out."""

from __future__ import annotations

from typing import Any

import pytest

from leadline.errors import InvalidRequest
from leadline.sources.bitbucket.api import API_TOKEN, headers, server
from leadline.sources.bitbucket.rows import account, pull_request_rows, repository_row
from leadline.sources.bitbucket.runs import deployment_rows, environment_name, pipeline_rows
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.records import Rows
from leadline.sources.kit.text import Misshapen
from stubs.bitbucket_data import (
    BOT,
    OPEN,
    TEAM,
    comment,
    commit,
    deployment,
    environment,
    participant,
    pipeline,
    pull_request,
    repository,
    sha,
    uid,
    update,
    user,
    verdict,
    when,
)

SHOP = "acme/shop"
NOBODY = {"type": "user", "display_name": "Former user", "account_id": "unknown", "nickname": "Former user"}
Node = dict[str, Any]


def rows_of(node: Node, **changes: Any) -> Rows:
    """The rows of what was read of a pull request of the stub."""
    lists = {name: node[f"_{name}"] for name in ("activity", "commits", "files")}
    merged = commit(SHOP, 105, "ben", "merge", 1) if node["state"] == "MERGED" else None
    return pull_request_rows(SHOP, {**node, **lists, "merged": merged, **changes})


def row_of(node: Node, **changes: Any) -> Node:
    (row,) = rows_of(node, **changes)["pull_requests"]
    return row


def test_a_pull_request_with_all_its_lists() -> None:
    rows = rows_of(pull_request(SHOP, 1))
    assert {table: len(found) for table, found in rows.items()} == {
        "pull_requests": 1,
        "pull_request_commits": 2,
        "pull_request_files": 3,
        "reviews": 1,
        "comments": 4,
        "tool_accounts": 3,
    }
    assert rows["pull_requests"] == [
        {
            "repository": SHOP,
            "number": 1,
            "title": "SHOP-1 change",
            "body": "because of SHOP-1 \U0001f680",
            "author": "5b90d99f:ada",
            "state": "merged",
            "draft": False,
            "created_at": "2026-01-05T10:00:00.000Z",
            "ready_at": "2026-01-05T10:05:00.000Z",
            "merged_at": "2026-01-05T10:45:00.000Z",
            "closed_at": "2026-01-05T10:45:00.000Z",
            "merged_by": "5b90d99f:ben",
            "base_branch": "main",
            "head_branch": "SHOP-1-x",
            "merge_commit_sha": sha(SHOP, "merge", 1),
            "additions": 9,
            "deletions": 3,
            "changed_files": 3,
            "url": "https://bitbucket.org/acme/shop/pull-requests/1",
            "source": "bitbucket",
            "updated_at": "2026-01-05T10:50:00.000Z",
        }
    ]
    assert rows["reviews"][0] == {
        "repository": SHOP,
        "number": 1,
        "review_id": "approved-2026-01-05T10:30:00.000000Z",
        "author": "5b90d99f:ben",
        "state": "approved",
        "submitted_at": "2026-01-05T10:30:00.000Z",
        "source": "bitbucket",
        "updated_at": "2026-01-05T10:30:00.000Z",
    }
    assert sorted(row["kind"] for row in rows["comments"]) == ["discussion", "discussion", "review", "review"]
    assert {row["account"]: (row["email"], row["name"]) for row in rows["tool_accounts"]} == {
        "5b90d99f:ada": ("ada@example.com", "Ada"),
        "5b90d99f:ben": (None, "Ben"),
        "5b90d99f:cleo": (None, "Cleo"),
    }


LATER = update(80, "ben", "MERGED", title="retold")
ENDS: dict[str, tuple[Node, tuple[str, str | None, str | None]]] = {
    "merged": ({}, ("merged", when(105), when(105))),
    "merged, then retold": (
        {"_activity": [LATER, update(70, "ben", "MERGED"), update(60, "ada")]},
        ("merged", when(70), when(70)),
    ),
    "declined": ({"state": "DECLINED", "_activity": [update(70, "ben", "DECLINED")]}, ("closed", None, when(70))),
    "superseded": ({"state": "SUPERSEDED", "_activity": [update(70, "ben", "SUPERSEDED")]}, ("closed", None, when(70))),
    "declined, opened again and declined": (
        {
            "state": "DECLINED",
            "_activity": [update(90, "ben", "DECLINED"), update(80, "ada", "OPEN"), update(70, "ben", "DECLINED")],
        },
        ("closed", None, when(90)),
    ),
    "merged, imported without its activity": ({"_activity": []}, ("merged", when(105), when(105))),
    "declined, imported without its activity": ({"state": "DECLINED", "_activity": []}, ("closed", None, None)),
    "open": (OPEN, ("open", None, None)),
}


@pytest.mark.parametrize("name", ENDS)
def test_when_it_ended_is_told_by_its_activity(name: str) -> None:
    changes, (state, merged, closed) = ENDS[name]
    row = row_of({**pull_request(SHOP, 1), **changes})
    instants = [text and text.replace(".000000+00:00", ".000Z") for text in (merged, closed)]
    assert [row["state"], row["merged_at"], row["closed_at"]] == [state, *instants]
    assert (row["merged_by"] is None) is (state != "merged")


DRAFTS: dict[str, tuple[list[Node], str | None]] = {
    "never a draft": ([update(60, "ada")], None),
    "a draft still": ([update(60, "ada", draft=True)], None),
    "flipped": (
        [update(60, "ada", draft=True), update(65, "ada", changes={"draft": {"old": True, "new": False}})],
        when(65),
    ),
    "flipped, told as it was after": ([update(60, "ada", draft=True), update(65, "ada", draft=False)], when(65)),
    "flipped twice": (
        [
            update(60, "ada", changes={"draft": {"old": True, "new": False}}),
            update(62, "ada", changes={"draft": {"old": False, "new": True}}),
            update(65, "ada", changes={"draft": {"old": True, "new": False}}),
        ],
        when(60),
    ),
    "before drafts were there": ([{"update": {"state": "OPEN", "date": when(60)}}], None),
}


@pytest.mark.parametrize("name", DRAFTS)
def test_when_it_became_ready_for_review(name: str) -> None:
    updates, expected = DRAFTS[name]
    ready = row_of({**pull_request(SHOP, 1), **OPEN, "_activity": updates[::-1]})["ready_at"]
    assert ready == (expected and expected.replace(".000000+00:00", ".000Z"))


def verdicts(*entries: Node, **standing: str | None) -> list[tuple[str, str]]:
    """Who has which verdict; ``standing``: the state of those who take part."""
    participants = [participant(who, state) for who, state in standing.items()] if standing else None
    node = {**pull_request(SHOP, 1), "_activity": list(entries)[::-1]}
    found = rows_of(node, participants=participants)["reviews"]
    return [(str(row["author"]).partition(":")[2], row["state"]) for row in found]


def test_verdicts_that_stand_and_that_do_not() -> None:
    first, second = verdict("approval", 10, "ben"), verdict("approval", 20, "ben")
    asked = verdict("changes_requested", 15, "ben")
    assert verdicts(first, ben="approved") == [("ben", "approved")]
    assert verdicts(first, ben=None) == [("ben", "dismissed")]
    assert verdicts(first) == [("ben", "approved")]  # nobody tells what stands
    assert verdicts(first, cleo="approved") == [("ben", "approved")]
    assert verdicts(first, asked, ben="changes_requested") == [("ben", "approved"), ("ben", "changes_requested")]
    assert verdicts(first, asked, second, ben=None)[-1] == ("ben", "dismissed")
    assert [state for _, state in verdicts(first, asked, second, ben=None)] == [
        "approved",
        "changes_requested",
        "dismissed",
    ]


def test_ids_of_reviews_tell_instants_apart_and_name_nobody() -> None:
    dates = ("2026-01-05T10:30:00.000001+00:00", "2026-01-05T10:30:00.000002+00:00", "2026-01-05T12:30:00.000002+02:00")
    entries = [{"approval": {"date": date, "user": user("ben")}} for date in dates]
    ids = [row["review_id"] for row in rows_of({**pull_request(SHOP, 1), "_activity": entries})["reviews"]]
    assert ids == [f"approved-2026-01-05T10:30:00.00000{digit}Z" for digit in (1, 2, 2)]


def test_comments_that_are_not_said() -> None:
    entries = [
        comment(1, 10, "ben"),
        comment(2, 11, "ben", deleted=True),
        comment(3, 12, "ben", pending=True),
        comment(4, 13, "ben", user=None),
    ]
    rows = rows_of({**pull_request(SHOP, 1), "_activity": entries})["comments"]
    assert [(row["comment_id"], row["author"]) for row in rows] == [("1", "5b90d99f:ben"), ("4", None)]


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (user("ada"), "5b90d99f:ada"),
        ({"type": "user", "uuid": "{1-2}", "display_name": "Ada"}, "1-2"),
        ({"display_name": "Ada", "account_id": "5b"}, "5b"),
        (None, None),
        (NOBODY, None),
        ({"type": "user", "display_name": "Ada"}, None),
        (BOT, "Renovate[bot]"),
        (TEAM, "acme[bot]"),
    ],
)
def test_accounts(shown: Node | None, expected: str | None) -> None:
    assert account(shown) == expected


def test_lists_that_could_not_be_read_give_no_key() -> None:
    rows = rows_of(pull_request(SHOP, 1), activity=None, commits=None, files=None, merged=None)
    assert set(rows) == {"pull_requests", "tool_accounts"}
    (row,) = rows["pull_requests"]
    assert [row[name] for name in ("merged_at", "additions", "changed_files", "merge_commit_sha")] == [None] * 4


def test_files_by_where_they_are_after() -> None:
    old, new = {"type": "commit_file", "path": "a"}, {"type": "commit_file", "path": "b"}
    node = pull_request(SHOP, 1)
    node["_files"] = [
        {"type": "diffstat", "status": "renamed", "lines_added": 0, "lines_removed": 0, "old": old, "new": new},
        {"type": "diffstat", "status": "removed", "lines_added": 0, "lines_removed": 9, "old": old, "new": None},
        {
            "type": "diffstat",
            "status": "added",
            "lines_added": 4,
            "lines_removed": 0,
            "old": None,
            "new": {**new, "path": "c"},
        },
    ]
    rows = rows_of(node)
    assert [row["path"] for row in rows["pull_request_files"]] == ["b", "a", "c"]
    assert (row_of(node)["additions"], row_of(node)["deletions"], row_of(node)["changed_files"]) == (4, 9, 3)


def test_what_is_of_another_shape_is_named() -> None:
    for changes, where in (
        ({"author": "ada"}, "author"),
        ({"activity": "none"}, "activity"),
        ({"activity": [{"approval": {"date": None, "user": None}}]}, "date of a review"),
        ({"commits": [{"author": 7}]}, "author"),
    ):
        with pytest.raises(Misshapen, match=where):
            rows_of(pull_request(SHOP, 1), **changes)


def test_a_repository() -> None:
    node = repository(SHOP, 1)
    assert repository_row(node) == {
        "repository": SHOP,
        "url": "https://bitbucket.org/acme/shop",
        "default_branch": "main",
    }
    assert repository_row({**node, "mainbranch": None})["default_branch"] is None


# -- pipelines and deployments -----------------------------------------------------------------------------------------


def built(node: Node, *rules: str) -> tuple[str, Node]:
    rows = pipeline_rows(SHOP, "1-2", node, "bitbucket", DeployRules.parsed(rules))
    ((table, (row,)),) = ((name, found) for name, found in rows.items() if name != "tool_accounts")
    return table, row


def test_a_pipeline() -> None:
    assert built(pipeline(SHOP, 7)) == (
        "builds",
        {
            "build_id": "bitbucket:1-2/7",
            "repository": SHOP,
            "sha": sha(SHOP, "merge", 7),
            "pipeline": "main",
            "branch": "main",
            "status": "successful",
            "started_at": "2026-01-05T16:46:00.000Z",
            "finished_at": "2026-01-05T16:56:00.000Z",
            "url": "https://bitbucket.org/acme/shop/pipelines/results/7",
            "updated_at": "2026-01-05T16:56:00.000Z",
        },
    )


@pytest.mark.parametrize(
    ("node", "status", "ended"),
    [
        (pipeline(SHOP, 1, "ERROR"), "error", True),
        (pipeline(SHOP, 1, "STOPPED"), "stopped", True),
        (pipeline(SHOP, 1, "EXPIRED"), "expired", True),
        (pipeline(SHOP, 1, None), "running", False),
        (pipeline(SHOP, 1, None, stage="PAUSED"), "paused", False),
        (pipeline(SHOP, 1, None, state={"type": "pipeline_state_pending", "name": "PENDING"}), "pending", False),
        (pipeline(SHOP, 1, None, state=None), None, False),
    ],
)
def test_what_became_of_a_pipeline(node: Node, status: str | None, ended: bool) -> None:
    row = built(node)[1]
    assert (row["status"], row["finished_at"] is not None) == (status, ended)


def test_a_pipeline_that_ended_before_it_began() -> None:
    """As Bitbucket tells of some that it could not start."""
    row = built(
        pipeline(SHOP, 1, "ERROR", created_on="2026-01-05T09:09:50.315151Z", completed_on="2026-01-05T09:09:50.299351Z")
    )[1]
    assert (row["started_at"], row["finished_at"]) == ("2026-01-05T09:09:50.315Z", "2026-01-05T09:09:50.315Z")


CUSTOM = {"type": "pipeline_ref_target", "ref_name": "main", "selector": {"type": "custom", "pattern": "deploy-live"}}
PULL = {
    "type": "pipeline_pullrequest_target",
    "source": "SHOP-1-x",
    "selector": {"type": "pull-requests", "pattern": "**"},
    "commit": {"hash": "a" * 40},
}
TARGETS: list[tuple[Node, str, str | None]] = [
    (CUSTOM, "deploy-live", "main"),
    (PULL, "**", "SHOP-1-x"),
    ({"type": "pipeline_commit_target", "selector": {"type": "default"}}, "default", None),
    ({}, "default", None),
]


@pytest.mark.parametrize(("target", "name", "branch"), TARGETS)
def test_what_a_pipeline_is_called(target: Node, name: str, branch: str | None) -> None:
    row = built(pipeline(SHOP, 1, target=target))[1]
    assert (row["pipeline"], row["branch"]) == (name, branch)


@pytest.mark.parametrize("rule", ["deploy-*=live", "Push=live", "main=live"])
@pytest.mark.parametrize(
    ("result", "status"), [("SUCCESSFUL", "success"), ("ERROR", "failure"), ("STOPPED", "cancelled"), (None, "running")]
)
def test_a_pipeline_that_deploys_by_rule(rule: str, result: str | None, status: str) -> None:
    table, row = built(pipeline(SHOP, 1, result, target=CUSTOM), "nothing", rule)
    assert (table, row["environment"], row["status"]) == ("deployments", "live", status)
    assert (row["finished_at"] is None) is (result is None)
    assert row["triggered_by"] == "5b90d99f:ada"


ENVIRONMENTS = {uid("env", name).strip("{}"): environment(name) for name in ("Production", "Staging", "eu-west")}


def deployed(node: Node) -> Node:
    (row,) = deployment_rows(SHOP, node, "bitbucket", ENVIRONMENTS)["deployments"]
    return row


def test_a_deployment() -> None:
    assert deployed(deployment(SHOP, 1)) == {
        "deployment_id": f"bitbucket:{uid(SHOP, 'deployment', 1, 'Production').strip('{}')}",
        "repository": SHOP,
        "environment": "Production",
        "sha": sha(SHOP, "merge", 1),
        "pipeline": None,
        "status": "success",
        "started_at": "2026-01-05T10:50:00.000Z",
        "finished_at": "2026-01-05T10:53:00.000Z",
        "triggered_by": None,
        "url": "https://bitbucket.org/acme/shop/addon/pipelines/home#!/results/1",
        "source": "bitbucket",
        "updated_at": "2026-01-05T10:53:00.000Z",
    }


@pytest.mark.parametrize(
    ("result", "status"),
    [("SUCCESSFUL", "success"), ("FAILED", "failure"), ("STOPPED", "cancelled"), (None, "running")],
)
def test_what_became_of_a_deployment(result: str | None, status: str) -> None:
    row = deployed(deployment(SHOP, 1, result))
    assert (row["status"], row["finished_at"] is None) == (status, result is None)


def test_a_deployment_as_the_description_spells_it() -> None:
    node = deployment(SHOP, 1)
    state = {
        "name": "COMPLETED",
        "status": {"name": "FAILED"},
        "deployer": user("ben"),
        "start_date": "2026-01-05T10:50:00Z",
        "completion_date": "2026-01-05T10:53:00Z",
    }
    row = deployed({**node, "state": state})
    assert (row["status"], row["started_at"], row["finished_at"], row["triggered_by"]) == (
        "failure",
        "2026-01-05T10:50:00.000Z",
        "2026-01-05T10:53:00.000Z",
        "5b90d99f:ben",
    )


def test_a_deployment_that_has_not_begun_is_none() -> None:
    assert deployment_rows(SHOP, deployment(SHOP, 1, ""), "bitbucket", ENVIRONMENTS) == {}


@pytest.mark.parametrize(
    ("shown", "name"),
    [
        ({"uuid": uid("env", "Staging")}, "Staging"),
        ({"uuid": uid("env", "eu-west")}, "eu-west (Production)"),
        ({"uuid": "{7f}"}, "7f"),
        ({"uuid": "{7f}", "name": "Live", "environment_type": {"name": "Production"}}, "Live (Production)"),
        ({"uuid": "{7f}", "name": "Live"}, "Live"),
        ({}, None),
    ],
)
def test_environments_are_called_so_that_it_shows_what_they_are(shown: Node, name: str | None) -> None:
    assert environment_name(shown, ENVIRONMENTS) == name


# -- addresses and tokens ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", [None, "bitbucket.org", "https://api.bitbucket.org/2.0", "https://www.bitbucket.org/acme"]
)
def test_bitbuckets_own_addresses(url: str | None) -> None:
    at = server(url)
    assert (at.host, at.base, at.is_cloud) == ("bitbucket.org", "https://api.bitbucket.org/2.0", True)


def test_another_address() -> None:
    at = server("https://gateway.example.com/bitbucket/2.0/")
    assert (at.host, at.base) == ("gateway.example.com/bitbucket", "https://gateway.example.com/bitbucket/2.0")


def test_tokens_of_people_and_of_nobody() -> None:
    assert headers(None, "secret")["Authorization"] == "Bearer secret"
    assert headers("a@example.com", "secret")["Authorization"] == "Basic YUBleGFtcGxlLmNvbTpzZWNyZXQ="
    with pytest.raises(InvalidRequest, match="give --user"):
        headers(None, f"{API_TOKEN}3x")
    with pytest.raises(InvalidRequest, match="leave out --user"):
        headers("a@example.com", "ATCTT3x")
