"""What Linear is asked, and how much at once: a query may cost 10,000 points of complexity (0.1 for a value, 1 for an object, a
list as many times as elements are asked for)."""

from __future__ import annotations

LIST = 100
"""Teams, users and cycles of a page."""
KEYS = 250
"""Issues of a page that are asked for their keys alone: the most there can be."""
ISSUES = 50
"""Issues of a page, with their labels and histories."""
HISTORY, LABELS = 20, 10
"""Entries of its history, and labels, that come with an issue."""
MORE = 100
"""Entries of a list of one issue that are asked for by themselves."""

_PAGE = "pageInfo { hasNextPage endCursor }"
_STATE = "{ name type }"
_ENTRY = (
    f"id createdAt actorId fromState {_STATE} toState {_STATE} fromAssigneeId toAssigneeId fromPriority toPriority "
    "fromEstimate toEstimate fromCycleId toCycleId fromTitle toTitle fromTeamId toTeamId"
)
_LABEL = "name parent { name }"
DETAILS = {"labels": (LABELS, _LABEL), "history": (HISTORY, _ENTRY)}
"""An issue's lists: how much of each comes with it, and what of every element."""
_ISSUE = (
    "id identifier title url createdAt updatedAt startedAt completedAt canceledAt trashed priorityLabel estimate "
    f"previousIdentifiers state {_STATE} assignee {{ id }} creator {{ id }} parent {{ identifier }} project {{ name }} "
    "cycle { id }"
)

TEAMS = (
    "query($size: Int!, $after: String) { organization { id name urlKey } "
    f"teams(first: $size, after: $after) {{ {_PAGE} nodes {{ id key name }} }} }}"
)
USERS = (
    "query($size: Int!, $after: String) { "
    f"users(first: $size, after: $after, includeDisabled: true) {{ {_PAGE} nodes {{ id name displayName email }} }} }}"
)
CYCLES = (
    "query($size: Int!, $after: String, $teams: [ID!]!) { "
    "cycles(first: $size, after: $after, filter: { team: { id: { in: $teams } } }, includeArchived: true) "
    f"{{ {_PAGE} nodes {{ id number name startsAt endsAt completedAt team {{ id }} }} }} }}"
)


def issues(*, details: bool, since: bool) -> str:
    """The issues of teams by when they changed, archived ones too, with or without their lists; ``since`` an instant, or all."""
    lists = [f"{name}(first: {size}) {{ {_PAGE} {_nodes(name)} }}" for name, (size, _) in DETAILS.items() if details]
    variables, bound = (", $since: DateTimeOrDuration", ", updatedAt: { gte: $since }") if since else ("", "")
    return (
        f"query($size: Int!, $after: String, $teams: [ID!]!{variables}) {{ issues(first: $size, after: $after, "
        f"orderBy: updatedAt, includeArchived: true, filter: {{ team: {{ id: {{ in: $teams }} }}{bound} }}) "
        f"{{ {_PAGE} nodes {{ {' '.join([_ISSUE, *lists])} }} }} }}"
    )


def more(name: str) -> str:
    """The next page of one list of an issue."""
    return (
        f"query($id: String!, $after: String) {{ issue(id: $id) {{ {name}(first: {MORE}, after: $after) "
        f"{{ {_PAGE} {_nodes(name)} }} }} }}"
    )


def _nodes(name: str) -> str:
    return f"nodes {{ {DETAILS[name][1]} }}"


KEYS_OF_TEAM = (
    "query($size: Int!, $after: String, $teams: [ID!]!) { issues(first: $size, after: $after, includeArchived: true, "
    f"filter: {{ team: {{ id: {{ in: $teams }} }} }}) {{ {_PAGE} nodes {{ identifier trashed }} }} }}"
)
"""The keys of all issues of teams."""
