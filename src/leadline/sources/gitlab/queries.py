"""The GraphQL queries that the GitLab connector asks, and the sizes of their pages.

Only texts and numbers: ``streams`` and its like ask them, ``rows`` knows what their answers mean. A field ``name?`` is left
out, with what is asked of it, for servers that do not know it. A query's complexity must be 250 at most (GitLab, "GraphQL API,
limits"): every field is one or two, and a connection adds one per cent for each element asked for. 20 merge requests with all
details are about 130.
"""

from __future__ import annotations

PROJECTS, MERGE_REQUESTS, LIST = 100, 20, 100
"""Projects, merge requests with their details, and other things asked for at once."""

_PAGE = "pageInfo { hasNextPage endCursor }"
_USER = "{ username name publicEmail? }"

DETAILS = {
    "labels": "nodes { title }",
    "assignees": f"nodes {_USER}",
    "approvedBy": f"nodes {_USER}",
    "commits": f"nodes {{ sha authoredDate committedDate? author {_USER} }}",
    "notes": f"nodes {{ id body system createdAt updatedAt author {_USER} }}",
}
"""A merge request's lists, and what of every element. The first 100 come with it."""

_MERGE_REQUEST = f"""
  iid title description state draft createdAt updatedAt mergedAt closedAt? webUrl targetBranch sourceBranch
  mergeCommitSha diffHeadSha author {_USER} mergeUser {_USER}
"""
_DIFF = "diffStats { path additions deletions }"
_VARIABLES = "$path: ID!, $size: Int!, $after: String"


def _listed(arguments: str, fields: str, variables: str = _VARIABLES) -> str:
    connection, _, rest = arguments.partition("(")
    return (
        f"query({variables}) {{ project(fullPath: $path) {{ things: {connection}(first: $size, after: $after, {rest} "
        f"{{ {_PAGE} nodes {{ {fields} }} }} }} }}"
    )


def merge_requests(*, details: bool) -> str:
    """A project's merge requests that were updated since ``$since``, the newest first, with or without their lists."""
    lists = "".join(f"{name}(first: 100) {{ {_PAGE} {fields} }} " for name, fields in DETAILS.items()) + _DIFF
    return _listed(
        "mergeRequests(updatedAfter: $since, sort: CREATED_DESC)",
        f"{_MERGE_REQUEST} {lists if details else ''}",
        f"{_VARIABLES}, $since: Time",
    )


def more(name: str) -> str:
    """The next page of one list of a merge request."""
    return (
        "query($path: ID!, $iid: String!, $after: String) { project(fullPath: $path) { mergeRequest(iid: $iid) { "
        f"list: {name}(first: 100, after: $after) {{ {_PAGE} {DETAILS[name]} }} }} }} }}"
    )


DIFF = f"query($path: ID!, $iid: String!) {{ project(fullPath: $path) {{ mergeRequest(iid: $iid) {{ {_DIFF} }} }} }}"
"""The files of one merge request; GitLab gives them all at once."""

ISSUES = _listed(
    "issues(updatedAfter: $since, sort: CREATED_DESC)",
    "iid title type state createdAt updatedAt closedAt webUrl weight? totalTimeSpent? moved iteration? { id } author "
    f"{_USER} assignees(first: 20) {{ nodes {_USER} }} labels(first: 100) {{ nodes {{ title }} }}",
    f"{_VARIABLES}, $since: Time",
)
PIPELINES = _listed(
    "pipelines(updatedAfter: $since)",
    f"id name? sha ref? source? status createdAt updatedAt startedAt finishedAt path user {_USER}",
    f"{_VARIABLES}, $since: Time",
)
RELEASES = _listed(
    "releases(sort: CREATED_DESC)", "tagName name createdAt releasedAt commit { sha } links? { selfUrl }"
)

NUMBERS = {
    "mergeRequests": _listed("mergeRequests(sort: CREATED_DESC)", "iid"),
    "issues": _listed("issues(sort: CREATED_DESC)", "iid"),
    "releases": _listed("releases(sort: CREATED_DESC)", "tagName"),
}
"""Only what tells the things of a list apart: which of them are still there."""

_NEWEST = "(first: 1, sort: UPDATED_DESC) { count nodes { iid updatedAt } }"
_BRANCH = "repository { rootRef }"
_PROJECT = f"""id fullPath webUrl maxAccessLevel? {{ integerValue }} mergeRequests{_NEWEST} issues{_NEWEST}
  releases(first: 1, sort: CREATED_DESC) {{ count nodes {{ tagName createdAt }} }}
  pipelines(first: 1, updatedAfter: $since) {{ nodes {{ id updatedAt }} }}"""


def overview(kind: str, *, branches: bool) -> str:
    """The projects of a ``group`` with its subgroups or of a ``namespace`` (a user's), or the one project of that path.

    Each has what tells whether anything is new in it: the newest merge request, issue and release, and whether a pipeline
    moved since ``$since``; and its default branch if ``branches``, which is what git is asked for.
    """
    fields = f"{_PROJECT} {_BRANCH if branches else ''}"
    return (
        "query($path: ID!, $size: Int!, $after: String, $since: Time) { "
        f"owner: {kind}(fullPath: $path) {{ fullPath projects(first: $size, after: $after, includeSubgroups: true) "
        f"{{ {_PAGE} nodes {{ {fields} }} }} }} project(fullPath: $path) {{ {fields} }} }}"
    )
