"""A stub of every tool that sources are read from, with a little in it, and the words and secret that reach it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from stubs import (
    azure,
    bitbucket,
    bitbucket_data,
    claude_code,
    copilot,
    cursor,
    files,
    github,
    github_data,
    gitlab,
    gitlab_data,
    jenkins,
    jira,
    linear,
    pagerduty,
    server,
)


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
def github_reached() -> Iterator[Reached]:
    shop = github_data.repository("example/web-shop", 1, pulls=3, deployments=1, runs=2)
    hub = github.Hub({"example": [shop], "other": [github_data.repository("other/web-shop", 2, pulls=1)]})
    with server.serving(hub) as url:
        yield Reached(("example",), ("--url", url), "GITHUB_TOKEN", github.TOKEN, "pull_requests", 3)


@contextmanager
def gitlab_reached() -> Iterator[Reached]:
    hub = gitlab.Hub(projects=[gitlab_data.project("example/web/shop", 1, merge_requests=3, issues=2, pipelines=1)])
    with server.serving(hub) as url:
        yield Reached(("example",), ("--url", url), "GITLAB_TOKEN", gitlab.TOKEN, "pull_requests", 3)


@contextmanager
def bitbucket_reached() -> Iterator[Reached]:
    hub = bitbucket.Hub(repositories=[bitbucket_data.repository("example/web-shop", 1, pulls=3, pipelines=1)])
    with server.serving(hub) as url:
        options = ("--url", url, "--user", bitbucket.USER)
        yield Reached(("example",), options, "BITBUCKET_TOKEN", bitbucket.TOKEN, "pull_requests", 3)


@contextmanager
def azure_reached() -> Iterator[Reached]:
    with server.serving(azure.small()) as url:
        yield Reached(("example/Shop/cart",), ("--url", url), "AZURE_DEVOPS_TOKEN", azure.TOKEN, "pull_requests", 7)


@contextmanager
def jira_reached() -> Iterator[Reached]:
    with server.serving(jira.small()) as url:
        options = ("--url", url, "--user", jira.USER)
        yield Reached(("SHOP",), options, "JIRA_TOKEN", jira.TOKEN, "work_items", 7)


@contextmanager
def linear_reached() -> Iterator[Reached]:
    with server.serving(linear.small()) as url:
        yield Reached(("ENG",), ("--url", url), "LINEAR_TOKEN", linear.TOKEN, "work_items", 7)


@contextmanager
def jenkins_reached() -> Iterator[Reached]:
    tool = jenkins.Jenkins(jobs=[jenkins.folder("shop", jenkins.job("build", 3))])
    with server.serving(tool) as url:
        options = ("--url", url, "--user", jenkins.USER)
        yield Reached(("shop/*",), options, "JENKINS_TOKEN", jenkins.TOKEN, "builds", 3)


@contextmanager
def pagerduty_reached() -> Iterator[Reached]:
    service = pagerduty.service(1, "Shop")
    tool = pagerduty.PagerDuty(
        services=[service], incidents=[pagerduty.incident(number, service, number) for number in range(1, 4)]
    )
    with server.serving(tool) as url:
        yield Reached(("Shop*",), ("--url", url), "PAGERDUTY_TOKEN", pagerduty.TOKEN, "incidents", 3)


@contextmanager
def copilot_reached() -> Iterator[Reached]:
    """Two days of one who has a seat, of which none is reported yet."""
    owners = ("orgs/example", "enterprises/example")
    with server.serving(copilot.Hub(owners=owners, seats=[copilot.seat("ada")])) as url:
        options = ("--url", url, "--since", yesterday())
        yield Reached(("example",), options, "COPILOT_TOKEN", copilot.TOKEN, "ai_usage", 2)


@contextmanager
def cursor_reached() -> Iterator[Reached]:
    tool = cursor.Cursor(members=[cursor.member("ada")], use=[cursor.use(yesterday(), "ada")], cycle=yesterday())
    with server.serving(tool) as url:
        yield Reached((), ("--url", url, "--since", yesterday()), "CURSOR_TOKEN", cursor.TOKEN, "ai_usage", 2)


@contextmanager
def claude_code_reached() -> Iterator[Reached]:
    models = [claude_code.model(name, 80, 2) for name in ("opus", "haiku")]
    record = claude_code.record(yesterday(), claude_code.user("ada@example.com"), 2, *models)
    with server.serving(claude_code.Anthropic(records={yesterday(): [record]})) as url:
        options = ("--url", url, "--since", yesterday())
        yield Reached((), options, "ANTHROPIC_ADMIN_TOKEN", claude_code.TOKEN, "ai_usage", 3)


def yesterday() -> str:
    """By the clock of the tools, which is right."""
    return (datetime.now(UTC).date() - timedelta(days=1)).isoformat()


@contextmanager
def files_reached() -> Iterator[Reached]:
    content = b"incident_id,service,created_at\n1,shop,2026-01-05T10:00:00Z\n2,shop,2026-01-06T10:00:00Z\n"
    tool = files.Files(
        files={"/incidents.csv": content, "/new": content},
        types={"/new": "text/csv"},
        token=f"Bearer {files.TOKEN}",
    )
    with server.serving(tool) as url:
        yield Reached((f"{url}/incidents.csv",), (), "FILES_TOKEN", files.TOKEN, "incidents", 2)


EVERY: dict[str, Callable[[], Any]] = {
    "github": github_reached,
    "gitlab": gitlab_reached,
    "bitbucket": bitbucket_reached,
    "azure": azure_reached,
    "jira": jira_reached,
    "linear": linear_reached,
    "jenkins": jenkins_reached,
    "pagerduty": pagerduty_reached,
    "copilot": copilot_reached,
    "cursor": cursor_reached,
    "claude-code": claude_code_reached,
    "files": files_reached,
}
"""By kind of source."""
