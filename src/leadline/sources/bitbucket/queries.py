"""What the Bitbucket connector asks for: sizes of pages, and the paths of lists with their filters and orders.

Only texts and numbers: ``streams`` and its like ask them, ``rows`` knows what the answers mean. What is beside a documented
list is asked for as a partial response (``fields=+…``), which leaves it out where it is not known.
"""

from __future__ import annotations

from datetime import UTC, datetime

from leadline.sources.bitbucket.api import path_of

REPOSITORIES, PULL_REQUESTS, ACTIVITY, FILES, LIST = 100, 25, 50, 500, 100
"""Repositories, pull requests, entries of an activity, changed files, and other things on a page. A page of pull requests is a
checkpoint: each of them is four calls more."""

_STATES = ("OPEN", "MERGED", "DECLINED", "SUPERSEDED")
"""Without them only open ones are listed."""
_ANY_STATE = " OR ".join(f'state = "{state}"' for state in _STATES)


def repositories(workspace: str) -> str:
    """The repositories of a workspace in an order that stays: in no order, some are on two pages and others on none."""
    return path_of("repositories", workspace, pagelen=str(REPOSITORIES), sort="created_on")


def pull_requests(repository: str, since: str | None, until: str | None, page: int) -> str:
    """Pull requests that were updated between these instants, both included, the last of them first."""
    params: dict[str, str | tuple[str, ...]] = {"state": _STATES, "sort": "-updated_on", "pagelen": str(PULL_REQUESTS)}
    params |= {"fields": "+values.participants", "page": str(page)}
    bounds = [
        f"updated_on {sign} {_instant(text)}" for sign, text in ((">=", since), ("<=", until)) if text is not None
    ]
    if bounds:
        # Beside a query the parameter of states may count for nothing.
        params["q"] = " AND ".join([*bounds, f"({_ANY_STATE})"])
    return of_repository(repository, "pullrequests", **params)


def _instant(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="microseconds")


def activity(repository: str, number: object) -> str:
    """The activity of a pull request: updates, approvals, changes requested and comments."""
    return of_repository(repository, "pullrequests", str(number), "activity", pagelen=str(ACTIVITY))


def commits(repository: str, number: object) -> str:
    """The commits of a pull request."""
    return of_repository(repository, "pullrequests", str(number), "commits", pagelen=str(LIST))


def commit(repository: str, sha: str) -> str:
    """A commit by the beginning of its sha."""
    return of_repository(repository, "commit", sha)


def pipelines(repository: str) -> str:
    """Pipelines, the newest first."""
    return of_repository(repository, "pipelines", sort="-created_on", pagelen=str(LIST))


def deployments(repository: str, *, newest_first: bool) -> str:
    """Deployments. Their order is not documented; whoever asks for the newest first has to see whether they are."""
    order = {"sort": "-state.started_on"} if newest_first else {}
    return of_repository(repository, "deployments", pagelen=str(LIST), **order)


def environments(repository: str) -> str:
    """The environments that deployments name by their ids."""
    return of_repository(repository, "environments", pagelen=str(LIST))


def of_repository(repository: str, *parts: str, **params: str | tuple[str, ...]) -> str:
    """The path of something of ``repository`` (``workspace/name``)."""
    workspace, _, name = repository.partition("/")
    return path_of("repositories", workspace, name, *parts, **params)
