"""A stub of every tool that sources are read from, with a little in it, and the words and secret that reach it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import files_stub
import github_data
import github_stub
import gitlab_data
import gitlab_stub
import jenkins_stub
import jira_stub
import pagerduty_stub
import tool_stub


@dataclass(frozen=True)
class Reached:
    """A tool that answers: what to name of it, its options, where the secret is looked for, the secret, and the rows that
    one reading brings of some table."""

    targets: tuple[str, ...]
    options: tuple[str, ...]
    variable: str
    secret: str
    table: str
    rows: int


@contextmanager
def github() -> Iterator[Reached]:
    shop = github_data.repository("example/web-shop", 1, pulls=3, deployments=1, runs=2)
    hub = github_stub.Hub({"example": [shop], "other": [github_data.repository("other/web-shop", 2, pulls=1)]})
    with github_stub.serving(hub) as url:
        yield Reached(("example",), ("--url", url), "GITHUB_TOKEN", github_stub.TOKEN, "pull_requests", 3)


@contextmanager
def gitlab() -> Iterator[Reached]:
    hub = gitlab_stub.Hub(
        projects=[gitlab_data.project("example/web/shop", 1, merge_requests=3, issues=2, pipelines=1)]
    )
    with tool_stub.serving(hub) as url:
        yield Reached(("example",), ("--url", url), "GITLAB_TOKEN", gitlab_stub.TOKEN, "pull_requests", 3)


@contextmanager
def jira() -> Iterator[Reached]:
    with tool_stub.serving(jira_stub.small()) as url:
        options = ("--url", url, "--user", jira_stub.USER)
        yield Reached(("SHOP",), options, "JIRA_TOKEN", jira_stub.TOKEN, "work_items", 7)


@contextmanager
def jenkins() -> Iterator[Reached]:
    tool = jenkins_stub.Jenkins(jobs=[jenkins_stub.folder("shop", jenkins_stub.job("build", 3))])
    with tool_stub.serving(tool) as url:
        options = ("--url", url, "--user", jenkins_stub.USER)
        yield Reached(("shop/*",), options, "JENKINS_TOKEN", jenkins_stub.TOKEN, "builds", 3)


@contextmanager
def pagerduty() -> Iterator[Reached]:
    service = pagerduty_stub.service(1, "Shop")
    tool = pagerduty_stub.PagerDuty(
        services=[service], incidents=[pagerduty_stub.incident(number, service, number) for number in range(1, 4)]
    )
    with tool_stub.serving(tool) as url:
        yield Reached(("Shop*",), ("--url", url), "PAGERDUTY_TOKEN", pagerduty_stub.TOKEN, "incidents", 3)


@contextmanager
def files() -> Iterator[Reached]:
    content = b"incident_id,service,created_at\n1,shop,2026-01-05T10:00:00Z\n2,shop,2026-01-06T10:00:00Z\n"
    tool = files_stub.Files(
        files={"/incidents.csv": content, "/new": content},
        types={"/new": "text/csv"},
        token=f"Bearer {files_stub.TOKEN}",
    )
    with tool_stub.serving(tool) as url:
        yield Reached((f"{url}/incidents.csv",), (), "FILES_TOKEN", files_stub.TOKEN, "incidents", 2)


EVERY: dict[str, Callable[[], Any]] = {
    each.__name__: each for each in (github, gitlab, jira, jenkins, pagerduty, files)
}
"""By kind of source."""
