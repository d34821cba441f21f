"""The GraphQL queries that the GitHub connector asks, and the sizes of their pages.

Only texts and numbers: ``streams`` and its like ask them, ``rows`` knows what their answers mean. A query's price in points
is its connections asked one by one, by 100 (GitHub, "Rate limits and query limits"): a page of 25 pull requests with all
details is seven, a hundred commits with their parents are one (asked for with the pull requests, they would be 25 a page).
"""

from __future__ import annotations

from collections.abc import Collection

PULLS, LIST, REPOSITORIES, IDS, COMMITS = 25, 100, 100, 100, 100
"""Pull requests, other things, repositories, ids and commits asked for at once."""

_PAGE = "pageInfo { hasNextPage endCursor }"
_ACTOR = "{ login __typename }"
_COMMIT = "nodes { commit { id oid authoredDate committedDate author { user { login } } } }"
_FILE = "nodes { path additions deletions }"
_COMMENT = f"nodes {{ url createdAt updatedAt author {_ACTOR} }}"
_REVIEW_COMMENTS = f"comments(first: 20) {{ {_PAGE} {_COMMENT} }}"
_REVIEW = f"nodes {{ id url state submittedAt updatedAt author {_ACTOR} {_REVIEW_COMMENTS} }}"
_LABEL = "nodes { name }"

DETAILS = {
    "labels": ("first: 20", _LABEL),
    "assignees": ("first: 20", f"nodes {_ACTOR}"),
    "commits": ("first: 100", _COMMIT),
    "files": ("first: 100", _FILE),
    "comments": ("first: 50", _COMMENT),
    "reviews": ("first: 20", _REVIEW),
}
"""A pull request's lists: how much of each comes with it, and what of every element."""

_PARENTS = f"parents(first: 10) {{ {_PAGE} nodes {{ oid }} }}"
_PULL = f"""
  id number title body state isDraft createdAt updatedAt mergedAt closedAt url
  additions deletions changedFiles baseRefName headRefName headRefOid
  author {_ACTOR} mergedBy {_ACTOR} mergeCommit {{ id oid {_PARENTS} }}
"""
_READY = "timelineItems(first: 1, itemTypes: [READY_FOR_REVIEW_EVENT]) { nodes { ... on ReadyForReviewEvent { createdAt } } }"
PARTS = frozenset({"assignees", "commits", "comments", "reviews.comments", "timelineItems"})
"""Parts of a pull request that cannot be null where they are refused: then it is there only if they are not asked for."""


def _whole_commit(*, lines: bool) -> str:
    return f"id oid message authoredDate committedDate author {{ name email }} committer {{ email }} {_PARENTS}" + (
        " additions deletions" if lines else ""
    )


MORE_PARENTS = (
    "query($id: ID!, $after: String) { node(id: $id) { ... on Commit "
    f"{{ list: parents(first: 100, after: $after) {{ {_PAGE} nodes {{ oid }} }} }} }} }}"
)
"""The next parents of a commit: an octopus may have any number of arms."""


def _detail(name: str, without: Collection[str]) -> str:
    """What is asked of every element of a list of a pull request."""
    fields = DETAILS[name][1]
    return fields.replace(_REVIEW_COMMENTS, "") if f"{name}.comments" in without else fields


def pulls(*, details: bool, commits: bool = False, without: Collection[str] = ()) -> str:
    """A repository's pull requests, the last updated first, with or without their lists; and commits by their ids.

    ``without``: which of ``PARTS`` are left out."""
    names = [name for name in DETAILS if details and name not in without]
    lists = [f"{name}({DETAILS[name][0]}) {{ {_PAGE} {_detail(name, without)} }}" for name in names]
    fields = " ".join([_PULL, *([] if "timelineItems" in without else [_READY]), *lists])
    return (
        f"query($owner: String!, $name: String!, $size: Int!, $after: String{', $ids: [ID!]!' if commits else ''}) "
        "{ repository(owner: $owner, name: $name) { "
        "things: pullRequests(first: $size, after: $after, orderBy: {field: UPDATED_AT, direction: DESC}) "
        f"{{ {_PAGE} nodes {{ {fields} }} }} }} "
        f"{f'nodes(ids: $ids) {{ ... on Commit {{ {_whole_commit(lines=True)} }} }}' if commits else ''} }}"
    )


def more(name: str, *, without: Collection[str] = ()) -> str:
    """The next page of one list of a pull request."""
    size = "first: 50" if name == "reviews" else "first: 100"
    return (
        f"query($id: ID!, $after: String) {{ node(id: $id) {{ ... on PullRequest {{ list: {name}({size}, after: $after) "
        f"{{ {_PAGE} {_detail(name, without)} }} }} }} }}"
    )


MORE_REVIEW_COMMENTS = (
    "query($id: ID!, $after: String) { node(id: $id) { ... on PullRequestReview "
    f"{{ list: comments(first: 100, after: $after) {{ {_PAGE} {_COMMENT} }} }} }} }}"
)


def history(*, lines: bool) -> str:
    """Everything that a commit comes after, itself first, by commit date; with or without the lines of each."""
    return (
        "query($owner: String!, $name: String!, $head: GitObjectID!, $size: Int!, $after: String) "
        "{ repository(owner: $owner, name: $name) { object(oid: $head) { ... on Commit { "
        f"things: history(first: $size, after: $after) {{ {_PAGE} nodes {{ {_whole_commit(lines=lines)} }} }} }} }} }} }}"
    )


def commits(*, lines: bool) -> str:
    """Commits by their ids."""
    return f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Commit {{ {_whole_commit(lines=lines)} }} }} }}"


_RELEASE = "databaseId tagName name isDraft isPrerelease createdAt publishedAt updatedAt url tagCommit { oid }"
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

LISTS = {
    "pullRequests": "first: 1, orderBy: {field: UPDATED_AT, direction: DESC}) { totalCount nodes { number updatedAt } }",
    "releases": f"first: 1, {_NEWEST}) {{ totalCount nodes {{ databaseId updatedAt }} }}",
    "deployments": f"first: 10, {_NEWEST}) {{ totalCount nodes {{ databaseId createdAt updatedAt }} }}",
}
"""The lists of a repository, and what is asked of each: how long it is, and what is newest in it. Deployments are in the order in
which they were made, and the outcome of one may change when it is not the newest any more."""


def overview(*, lists: bool) -> str:
    """The repositories of an organization or a user, each with the signs by which it is told whether anything is new; or without
    those of its lists."""
    signs = " ".join(f"{name}({asked}" for name, asked in LISTS.items()) if lists else ""
    return f"""query($login: String!, $size: Int!, $after: String) {{ repositoryOwner(login: $login) {{ login __typename
  repositories(first: $size, after: $after, ownerAffiliations: [OWNER], orderBy: {{field: NAME, direction: ASC}}) {{
    {_PAGE} nodes {{
    id databaseId nameWithOwner url pushedAt isEmpty defaultBranchRef {{ name target {{ oid }} }} {signs}
  }} }} }} }}"""


OVERVIEW_OF_LIST = {
    name: f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Repository {{ id {name}({asked} }} }} }}"
    for name, asked in LISTS.items()
}
"""The same of one list alone, of repositories by their ids."""


def members(*, emails: bool) -> str:
    """The members of an organization, with or without what a token needs more for."""
    more = "email organizationVerifiedDomainEmails(login: $login)" if emails else ""
    return (
        "query($login: String!, $size: Int!, $after: String) { organization(login: $login) { "
        f"things: membersWithRole(first: $size, after: $after) {{ {_PAGE} nodes {{ login name {more} }} }} }} }}"
    )


_MEMBERS = f"{{ {_PAGE} edges {{ role node {{ login }} }} }}"


def teams(*, people: bool) -> str:
    """The teams of an organization: which are above which, or who is in them and in none below."""
    fields = f"members(first: 100, membership: IMMEDIATE) {_MEMBERS}" if people else "name parentTeam { slug }"
    return (
        "query($login: String!, $size: Int!, $after: String) { organization(login: $login) { "
        f"things: teams(first: $size, after: $after) {{ {_PAGE} nodes {{ slug {fields} }} }} }} }}"
    )


MORE_TEAM_MEMBERS = (
    "query($login: String!, $slug: String!, $after: String) { organization(login: $login) { team(slug: $slug) { "
    f"things: members(first: 100, membership: IMMEDIATE, after: $after) {_MEMBERS} }} }} }}"
)
