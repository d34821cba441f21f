"""The GraphQL queries that the GitHub connector asks, and the sizes of their pages.

Only texts and numbers: ``github_reading`` asks them, ``github_rows`` knows what their answers mean. A query's price in points
is its connections asked one by one, by 100 (GitHub, "Rate limits and query limits"): a page of 25 pull requests with all
details is seven.
"""

from __future__ import annotations

PULLS, LIST, REPOSITORIES, IDS = 25, 100, 100, 100
"""Pull requests, other things, repositories and ids asked for at once."""

_PAGE = "pageInfo { hasNextPage endCursor }"
_ACTOR = "{ login __typename }"
_COMMIT = "nodes { commit { oid authoredDate committedDate author { user { login } } } }"
_FILE = "nodes { path additions deletions }"
_COMMENT = f"nodes {{ databaseId createdAt updatedAt author {_ACTOR} }}"
_REVIEW = f"nodes {{ id databaseId state submittedAt updatedAt author {_ACTOR} comments(first: 20) {{ {_PAGE} {_COMMENT} }} }}"
_LABEL = "nodes { name }"

DETAILS = {
    "labels": ("first: 20", _LABEL),
    "commits": ("first: 100", _COMMIT),
    "files": ("first: 100", _FILE),
    "comments": ("first: 50", _COMMENT),
    "reviews": ("first: 20", _REVIEW),
}
"""A pull request's lists: how much of each comes with it, and what of every element."""

_PULL = f"""
  id number title body state isDraft createdAt updatedAt mergedAt closedAt url
  additions deletions changedFiles baseRefName headRefName
  author {_ACTOR} mergedBy {_ACTOR} mergeCommit {{ oid }}
  timelineItems(first: 1, itemTypes: [READY_FOR_REVIEW_EVENT]) {{ nodes {{ ... on ReadyForReviewEvent {{ createdAt }} }} }}
"""


def pulls(*, details: bool) -> str:
    """A repository's pull requests, the last updated first, with or without their lists."""
    lists = "".join(f"{name}({size}) {{ {_PAGE} {fields} }} " for name, (size, fields) in DETAILS.items())
    return (
        "query($owner: String!, $name: String!, $size: Int!, $after: String) { repository(owner: $owner, name: $name) { "
        "things: pullRequests(first: $size, after: $after, orderBy: {field: UPDATED_AT, direction: DESC}) "
        f"{{ {_PAGE} nodes {{ {_PULL} {lists if details else ''} }} }} }} }}"
    )


def more(name: str) -> str:
    """The next page of one list of a pull request."""
    size = "first: 50" if name == "reviews" else "first: 100"
    return (
        f"query($id: ID!, $after: String) {{ node(id: $id) {{ ... on PullRequest {{ list: {name}({size}, after: $after) "
        f"{{ {_PAGE} {DETAILS[name][1]} }} }} }} }}"
    )


MORE_REVIEW_COMMENTS = (
    "query($id: ID!, $after: String) { node(id: $id) { ... on PullRequestReview "
    f"{{ list: comments(first: 100, after: $after) {{ {_PAGE} {_COMMENT} }} }} }} }}"
)

_RELEASE = "databaseId tagName name isDraft createdAt publishedAt updatedAt tagCommit { oid }"
_DEPLOYMENT = (
    "id databaseId environment task createdAt updatedAt commitOid creator { login __typename } "
    "statuses(first: 20) { nodes { state createdAt logUrl environmentUrl } }"
)
_NEWEST = "orderBy: {field: CREATED_AT, direction: DESC}"


def _listed(connection: str, fields: str) -> str:
    return (
        "query($owner: String!, $name: String!, $size: Int!, $after: String) { repository(owner: $owner, name: $name) { "
        f"things: {connection}(first: $size, after: $after, {_NEWEST}) {{ {_PAGE} nodes {{ {fields} }} }} }} }}"
    )


RELEASES = _listed("releases", _RELEASE)
DEPLOYMENTS = _listed("deployments", _DEPLOYMENT)
DEPLOYMENTS_BY_ID = f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Deployment {{ {_DEPLOYMENT} }} }} }}"

OVERVIEW = f"""query($login: String!, $size: Int!, $after: String) {{ repositoryOwner(login: $login) {{ login
  repositories(first: $size, after: $after, ownerAffiliations: [OWNER], orderBy: {{field: NAME, direction: ASC}}) {{
    {_PAGE} nodes {{
    databaseId nameWithOwner url pushedAt isEmpty defaultBranchRef {{ name }}
    pullRequests(first: 1, orderBy: {{field: UPDATED_AT, direction: DESC}}) {{ totalCount nodes {{ number updatedAt }} }}
    releases(first: 1, {_NEWEST}) {{ totalCount nodes {{ databaseId updatedAt }} }}
    deployments(first: 1, {_NEWEST}) {{ totalCount nodes {{ databaseId updatedAt }} }}
  }} }} }} }}"""
"""The repositories of an organization or a user, each with the signs by which it is told whether anything is new."""
