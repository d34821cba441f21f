"""A GitHub that refuses a part of what is asked: as its schema says what may be null, an error takes what it is part of with it.
Whatever else there is, is read all the same, and what is missing is told in one line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stubs.github import Hub
from stubs.github_data import member, oid, repository, squash
from stubs.server import JSON, Fault, Tool

from .harness import Rows, Syncer
from .scenarios import GITHUB

SCENARIO = GITHUB
BY_TOKEN = "Resource not accessible by personal access token"
LISTS = {"pullRequests": "Pull requests", "releases": "Contents", "deployments": "Deployments"}
OF_PULLS = ("pull_requests", "pull_request_commits", "pull_request_files", "reviews", "comments")
OF_LIST = {"pullRequests": OF_PULLS, "releases": ("releases",), "deployments": ("deployments",)}


@pytest.fixture
def hub(tool: Tool) -> Hub:
    assert isinstance(tool, Hub)
    return tool


def told(sync: Syncer) -> dict[str, str]:
    """What a run leaves out for what it was refused, which makes it incomplete."""
    done = sync()
    assert (done.error, done.document()["state"]) == (None, "incomplete")
    return {skip.what: skip.why for skip in done.result.skipped}


def lacking(rows: Rows, *tables: str) -> Rows:
    """``rows`` without those of tables, or of one repository in a table (``releases acme/shop``)."""
    kept = dict(rows)
    for table in tables:
        name, _, repository = table.partition(" ")
        kept[name] = [row for row in rows[name] if repository and row["repository"] != repository]
    return kept


@pytest.mark.parametrize("refused", LISTS)
def test_a_list_that_is_refused_takes_no_repository_with_it(
    sync: Syncer, hub: Hub, expected: Rows, refused: str
) -> None:
    hub.forbidden = {refused: BY_TOKEN}
    permission = f"{BY_TOKEN} (needs the permission {LISTS[refused]}: read-only)"
    assert told(sync) == {f"{refused} of 3 repositories of acme": permission}
    rows = sync.tables()
    without = lacking(expected, *OF_LIST[refused])
    if refused == "pullRequests":  # nothing lists them
        without["commits"] = rows["commits"]
    assert rows == without
    hub.forbidden = {}
    sync.good()
    assert sync.tables() == expected


def test_every_list_may_be_refused(sync: Syncer, hub: Hub, expected: Rows) -> None:
    hub.forbidden = dict.fromkeys(LISTS, BY_TOKEN)
    assert set(told(sync)) == {f"{refused} of 3 repositories of acme" for refused in LISTS}
    rows = sync.tables()
    assert (rows["repositories"], rows["builds"]) == (expected["repositories"], expected["builds"])


def test_one_repository_may_refuse_what_another_shows(sync: Syncer, hub: Hub, expected: Rows) -> None:
    hub.forbidden = {"acme/shop.releases": BY_TOKEN, "acme/web.deployments": BY_TOKEN}
    assert set(told(sync)) == {"releases of 1 repositories of acme", "deployments of 1 repositories of acme"}
    assert sync.tables() == lacking(expected, "releases acme/shop", "deployments acme/web")


def test_what_single_sign_on_hides_is_named_by_repository_in_one_line(sync: Syncer, hub: Hub, expected: Rows) -> None:
    hub.single_sign_on = {"acme/shop.releases", "acme/web.releases"}
    ((what, why),) = told(sync).items()
    assert what == "releases of acme/shop, acme/web"
    assert why.startswith("Resource protected by organization SAML enforcement.")
    assert why.endswith("(authorize the token for the organization's single sign-on)")
    assert sync.tables() == lacking(expected, "releases")


def test_repositories_that_single_sign_on_hides_whole_are_counted_in_one_line(sync: Syncer, hub: Hub) -> None:
    hub.single_sign_on = {"acme/shop", "acme/empty"}
    assert list(told(sync)) == ["2 repositories of acme"]
    assert [row["repository"] for row in sync.rows("repositories")] == ["acme/web"]
    assert len(sync.rows("pull_requests")) == 3


@pytest.mark.parametrize(
    ("refused", "tables"),
    [
        ("commits", ("pull_request_commits",)),
        ("files", ("pull_request_files",)),
        ("comments", ("reviews", "comments")),
        ("reviews.comments", ("comments",)),
        ("labels", ()),
        ("timelineItems", ()),
        ("mergeCommit", ()),
    ],
)
def test_a_part_that_is_refused_takes_no_pull_request_with_it(
    sync: Syncer, hub: Hub, expected: Rows, refused: str, tables: tuple[str, ...]
) -> None:
    hub.forbidden = {refused: BY_TOKEN}
    part = refused.rpartition(".")[2]
    assert {what for what in told(sync) if "#" not in what} == {
        f"{part} of pull requests of acme/shop",
        f"{part} of pull requests of acme/web",
    }
    rows = sync.tables()
    assert [row["number"] for row in rows["pull_requests"]] == [row["number"] for row in expected["pull_requests"]]
    for table in set(OF_PULLS) - set(tables) - {"pull_requests"}:
        if refused != "comments":
            assert rows[table] == expected[table]


def test_a_part_that_is_refused_later_takes_away_nothing_that_is_there(later: Syncer, hub: Hub, expected: Rows) -> None:
    hub.forbidden = {"reviews.comments": BY_TOKEN}
    hub.owners["acme"][0]["pullRequests"][0]["updatedAt"] = "2026-02-01T00:00:00Z"
    assert told(later)
    assert later.rows("comments") == expected["comments"]


def test_a_member_whose_email_is_refused_keeps_the_name(sync: Syncer, hub: Hub) -> None:
    hub.members = [member(login, f"{login}@acme.test") for login in ("ada", "ben", "cleo")]
    hub.forbidden = {"ben.email": BY_TOKEN}
    sync.good()
    people = [(row["account"], row["email"], row["name"]) for row in sync.rows("tool_accounts")]
    assert people == [
        ("ada", "ada@acme.test", "Ada"),
        ("ben", None, "Ben"),
        ("cleo", "cleo@acme.test", "Cleo"),
    ]


# -- rate limits -------------------------------------------------------------------------------------------------------


def answer(body: dict[str, Any], status: int = 200, **headers: str) -> Fault:
    sent = ((name.replace("_", "-"), value) for name, value in headers.items())
    return Fault(status, (*JSON, *sent), json.dumps(body).encode())


SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
LIMITS = {
    "by type and code": (answer({"errors": [{"type": "RATE_LIMIT", "code": "graphql_rate_limit"}]}), 50, 62),
    "by code": (answer({"data": None, "errors": [{"code": "graphql_rate_limit", "message": "wait"}]}), 50, 62),
    "by its older type": (answer({"errors": [{"type": "RATE_LIMITED", "message": "wait"}]}), 50, 62),
    "secondary, with a time": (answer({"message": SECONDARY, "documentation_url": "…"}, Retry_After="7"), 7, 7),
    "secondary among errors": (answer({"errors": [{"message": SECONDARY}]}, Retry_After="7"), 7, 7),
    "secondary, without a time": (answer({"data": None, "errors": [{"message": SECONDARY}]}), 30, 60),
    "secondary, in part": (
        answer({"data": {"repositoryOwner": None}, "errors": [{"message": SECONDARY}]}, Retry_After="7"),
        7,
        7,
    ),
    "secondary, refused": (answer({"message": SECONDARY}, 403), 30, 60),
    "of the app": (answer({"message": "API rate limit exceeded for installation"}, 403), 30, 60),
}


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("number", [1, 3])
def test_a_rate_limit_however_it_is_told_is_waited_out_and_leaves_nothing_out(
    sync: Syncer, hub: Hub, expected: Rows, limit: str, number: int
) -> None:
    fault, shortest, longest = LIMITS[limit]
    hub.faults = lambda request: fault if request.number == number else None
    sync.good()
    (wait,) = sync.waits
    assert shortest <= wait <= longest
    assert sync.tables() == expected


# -- merges of many arms -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arms", [2, 3, 10, 11, 130])
def test_a_merge_has_all_of_its_parents(sync: Syncer, hub: Hub, arms: int) -> None:
    shop = repository("acme/shop", 1, pulls=2)
    parents = [oid("arm", at) for at in range(arms)]
    shop["history"].append(squash("acme/shop", 3, *parents))
    shop["defaultBranchRef"]["target"] = {"oid": oid("acme/shop", "merge", 3)}
    hub.owners = {"acme": [shop]}
    sync.good()
    (row,) = [row for row in sync.rows("commits") if row["sha"] == oid("acme/shop", "merge", 3)]
    assert row["parents"] == " ".join(parents)


def test_commits_that_an_octopus_landed_as_they_are_are_not_asked_for_again(sync: Syncer, hub: Hub) -> None:
    shop = repository("acme/shop", 1, pulls=1)
    (landed,), (merge,) = shop["pullRequests"], shop["history"]
    arms = [oid("arm", at) for at in range(12)]
    merge["parents"] = landed["mergeCommit"]["parents"] = [{"oid": sha} for sha in (*arms, landed["headRefOid"])]
    hub.owners = {"acme": [shop]}
    sync.good()
    assert [row["sha"] for row in sync.rows("commits")] == [merge["oid"]]
