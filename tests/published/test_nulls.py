"""Whatever may be null by the schema is null: a run still comes to its end, and every record that has its key makes its row."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLType, get_named_type, is_leaf_type

from cli.running import Leadline
from published.graphs import Gone, Schema
from published.test_github import ENV as GITHUB
from published.test_github import schema as github_schema
from published.test_gitlab import ENV as GITLAB
from published.test_gitlab import schema as gitlab_schema
from stubs import github, github_data, gitlab, gitlab_data, linear
from stubs.server import Reply, Request, Tool, serving

KEPT = {("PageInfo", "endCursor")}
"""Without it there is no next page."""
PEOPLE_AND_COMMITS = {
    *("author", "mergedBy", "mergeUser", "creator", "user", "committer"),
    *("mergeCommit", "tagCommit", "commit", "target", "parentTeam", "repository", "labels", "assignees", "approvedBy"),
}
"""Objects beside a record's own values, under which no record has its key."""


def values(kind: str, name: str, of: GraphQLType) -> bool:
    return is_leaf_type(get_named_type(of)) and (kind, name) not in KEPT


def objects(kind: str, name: str, of: GraphQLType) -> bool:
    return kind != "Query" and not is_leaf_type(get_named_type(of)) and name in PEOPLE_AND_COMMITS


def with_nulls(hub: Any, schema: Schema, gone: Gone) -> Tool:
    """``hub``, whose answers to queries have nulls."""
    whole = hub.graphql

    def graphql(request: Request) -> Reply:
        status, headers, body = whole(request)
        query, variables = request.body["query"], request.body.get("variables") or {}
        return status, headers, {**body, "data": schema.without(query, variables, body["data"], gone)}

    hub.graphql = graphql
    return hub  # type: ignore[no-any-return]


@pytest.mark.parametrize("gone", [values, objects])
def test_github(tmp_path: Path, gone: Gone) -> None:
    shop = github_data.repository("acme/shop", 1, pulls=3, releases=2, deployments=2, runs=2)
    hub = github.Hub(owners={"acme": [shop]}, members=[github_data.member("ada")], clock=_clock(github_data.START))
    rows = synced(tmp_path, "github", with_nulls(hub, github_schema(), gone), GITHUB)
    expected = {
        "repositories": 1,
        "pull_requests": 3,
        "pull_request_files": 9,
        "reviews": 6,
        "comments": 12,
        "releases": 2,
        "deployments": 2,
        "builds": 2,
        "tool_accounts": 1,
    }
    assert {table: rows.get(table) for table in expected} == expected


@pytest.mark.parametrize("gone", [values, objects])
def test_gitlab(tmp_path: Path, gone: Gone) -> None:
    shop = gitlab_data.project("acme/shop", 1, merge_requests=3, issues=2, releases=2, deployments=2, pipelines=2)
    hub = gitlab.Hub(projects=[shop], clock=_clock(gitlab_data.START))
    rows = synced(tmp_path, "gitlab", with_nulls(hub, gitlab_schema(), gone), GITLAB)
    expected = {
        "repositories": 1,
        "pull_requests": 3,
        "pull_request_files": 9,
        "reviews": 3,
        "comments": 12,
        "work_items": 2,
        "deployments": 2,
        "builds": 2,
    }
    assert {table: rows.get(table) for table in expected} == expected


@pytest.mark.parametrize(
    "gone", [values, lambda kind, _name, of: kind != "Query" and not is_leaf_type(get_named_type(of))]
)
def test_linear(tmp_path: Path, gone: Gone) -> None:
    tool = with_nulls(linear.small(), Schema(linear.SDL.read_text()), gone)
    rows = synced(tmp_path, "linear", tool, {"LINEAR_TOKEN": linear.TOKEN}, "ENG")
    assert (rows["work_items"], rows["sprints"], rows["tool_accounts"]) == (7, 1, 2)


def _clock(start: Any) -> float:
    return float(start.timestamp() + 8 * 86_400 - time.time())


def synced(folder: Path, kind: str, hub: Tool, secret: dict[str, str], target: str = "acme") -> dict[str, int]:
    """The rows after a run and one more."""
    with serving(hub) as url:
        reads = Leadline(folder / "home", folder)
        for _ in range(2):
            reads("sync", kind, target, "--url", url, env=secret)
    return reads.rows()
