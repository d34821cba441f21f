"""What Azure DevOps is asked for, and how much at once."""

from __future__ import annotations

from typing import Any

PULL_REQUESTS = 25
"""Pull requests of a page: each is asked for its details."""
LIST = 100
"""Pull requests of a page that only tells which there are, builds, and deployments."""
COMMITS, CHANGES = 500, 2000
"""Commits and changed files of a page."""
BRIEF = 400
"""Characters of a description that lists show."""

REPOSITORIES = "/_apis/git/repositories"


def pull_requests_of_repository(project: str, repository: str) -> str:
    """The path of the pull requests of a repository."""
    return f"/{project}/_apis/git/repositories/{repository}/pullrequests"


def pull_requests_of_project(project: str) -> str:
    """The path of the pull requests of all repositories of a project."""
    return f"/{project}/_apis/git/pullrequests"


def all_of_them(skip: int) -> dict[str, Any]:
    """Which pull requests: all, the newest first, less the first ``skip``."""
    return {"searchCriteria.status": "all", "$top": PULL_REQUESTS, "$skip": skip}


def active(skip: int) -> dict[str, Any]:
    """Which pull requests: those that are open."""
    return {"searchCriteria.status": "active", "$top": LIST, "$skip": skip}


def closed(status: str, since: str, skip: int) -> dict[str, Any]:
    """Which pull requests: those that became ``completed`` or ``abandoned`` since an instant."""
    return {
        "searchCriteria.status": status,
        "searchCriteria.queryTimeRangeType": "closed",
        "searchCriteria.minTime": since,
        "$top": LIST,
        "$skip": skip,
    }


def builds(project: str) -> str:
    """The path of the builds of a project."""
    return f"/{project}/_apis/build/builds"


def finished(since: str | None, token: str | None) -> dict[str, Any]:
    """Which builds: those that finished since an instant, the oldest first."""
    params: dict[str, Any] = {"statusFilter": "completed", "queryOrder": "finishTimeAscending", "$top": LIST}
    return params | ({"minTime": since} if since else {}) | ({"continuationToken": token} if token else {})


def release_deployments(project: str) -> str:
    """The path of the deployments of classic releases."""
    return f"/{project}/_apis/release/deployments"


def modified(since: str | None, token: str | None) -> dict[str, Any]:
    """Which deployments: those that changed since an instant, the oldest first."""
    params: dict[str, Any] = {"queryOrder": "ascending", "$top": LIST}
    return params | ({"minModifiedTime": since} if since else {}) | ({"continuationToken": token} if token else {})


def environments(project: str) -> str:
    """The path of the environments of a project."""
    return f"/{project}/_apis/pipelines/environments"


def records(project: str, environment: str) -> str:
    """The path of the deployments to an environment."""
    return f"{environments(project)}/{environment}/environmentdeploymentrecords"
