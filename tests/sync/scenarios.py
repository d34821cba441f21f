"""Every tool as the tests of all connectors need it: its stub with a little in it, and what is expected of reading it."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta
from typing import Any

from stubs import (
    azure,
    azure_data,
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
    jira_data,
    linear,
    linear_data,
    pagerduty,
)
from stubs.server import PASSING

from .harness import Mistake, Scenario

# -- GitHub ------------------------------------------------------------------------------------------------------------


def small_github() -> github.Hub:
    shop = github_data.repository("acme/shop", 1, pulls=7, releases=2, deployments=3, runs=5)
    web = github_data.repository("acme/web", 2, pulls=3, runs=2)
    return github.Hub({"acme": [shop, web, github_data.repository("acme/empty", 3)]})


def grow_github(hub: github.Hub) -> None:
    hub.owners["acme"][0]["pullRequests"] += [github_data.pull("acme/shop", number) for number in range(8, 61)]


def many_repositories(hub: github.Hub) -> None:
    hub.owners["acme"] += [
        github_data.repository(f"acme/r{number:03}", 100 + number, pulls=1, runs=1) for number in range(97)
    ]


GITHUB = Scenario(
    kind="github",
    small=small_github,
    tables=(
        *("repositories", "pull_requests", "pull_request_commits", "pull_request_files", "reviews", "comments"),
        *("releases", "deployments", "builds", "commits", "tool_accounts"),
    ),
    token=github.TOKEN,
    targets=("acme",),
    passing=github.PASSING,
    mistakes=(
        Mistake("refuses the token from the variable GITHUB_TOKEN (Bad credentials)", "ghp_old"),
        Mistake("No token in the variable GITHUB_TOKEN", ""),
        Mistake("no token: it has spaces", "two words"),
        Mistake("knows no organization or user 'nobody'", github.TOKEN, ("nobody",)),
        Mistake("No repository of acme is called none-*; there are acme/", github.TOKEN, ("acme/none-*",)),
    ),
    limit=(5, 50, 62),
    goes_down=(4, "pull_requests", 1),
    is_overview=lambda request: "repositoryOwner(login" in request.query,
    grow=grow_github,
    least_cuts=8,
    batch=10,
    many=many_repositories,
    nothing_new=("graphql",),
)

# -- GitLab ------------------------------------------------------------------------------------------------------------


def small_gitlab() -> gitlab.Hub:
    shop = gitlab_data.project("acme/shop", 1, merge_requests=7, issues=5, releases=2, deployments=3, pipelines=5)
    web = gitlab_data.project("acme/sub/web", 2, merge_requests=3, pipelines=2)
    return gitlab.Hub(projects=[shop, web, gitlab_data.project("acme/empty", 3)])


def grow_gitlab(hub: gitlab.Hub) -> None:
    shop = hub.projects[0]
    shop["mergeRequests"] += [
        gitlab_data.merge_request("acme/shop", number, commits=1, files=1) for number in range(8, 30)
    ]
    shop["pipelines"] = [gitlab_data.pipeline("acme/shop", number) for number in range(1, 102)]
    shop["deployments"] = [gitlab_data.deployment("acme/shop", number) for number in range(1, 102)]


def many_projects(hub: gitlab.Hub) -> None:
    hub.projects += [
        gitlab_data.project(f"acme/r{number:03}", 100 + number, merge_requests=1, issues=1, pipelines=1)
        for number in range(97)
    ]


GITLAB = Scenario(
    kind="gitlab",
    small=small_gitlab,
    tables=(
        *("repositories", "pull_requests", "pull_request_commits", "pull_request_files", "reviews", "comments"),
        *("work_items", "releases", "deployments", "builds", "tool_accounts"),
    ),
    token=gitlab.TOKEN,
    targets=("acme",),
    # Only GraphQL says in an answer like any other that it timed out.
    passing={name: fault for name, fault in gitlab.PASSING.items() if name != "timed out"},
    mistakes=(
        Mistake("refuses the token from the variable GITLAB_TOKEN (Invalid token)", "glpat-old"),
        Mistake("No token in the variable GITLAB_TOKEN", ""),
        Mistake("no token: it has spaces", "two words"),
        Mistake("knows no group, user or project 'nobody'", gitlab.TOKEN, ("nobody",)),
        Mistake("No project of acme is called none-*; there are acme/", gitlab.TOKEN, ("acme/none-*",)),
    ),
    limit=(5, 50, 62),
    goes_down=(4, "pull_requests", 1),
    is_overview=lambda request: "owner: " in request.query,
    grow=grow_gitlab,
    least_cuts=6,
    batch=40,
    many=many_projects,
    nothing_new=("graphql",),
)

# -- Bitbucket ---------------------------------------------------------------------------------------------------------


def small_bitbucket() -> bitbucket.Hub:
    shop = bitbucket_data.repository("acme/shop", 1, pulls=7, pipelines=5, deployments=3)
    web = bitbucket_data.repository("acme/web", 2, pulls=3, pipelines=2)
    return bitbucket.Hub(repositories=[shop, web, bitbucket_data.repository("acme/empty", 3)])


def grow_bitbucket(hub: bitbucket.Hub) -> None:
    shop = hub.repositories[0]
    shop["_pullrequests"] += [
        bitbucket_data.pull_request("acme/shop", number, commits=1, files=1) for number in range(8, 60)
    ]
    shop["_pipelines"] = [bitbucket_data.pipeline("acme/shop", number) for number in range(1, 202)]
    shop["_deployments"] = [bitbucket_data.deployment("acme/shop", number) for number in range(1, 102)]


def many_bitbucket_repositories(hub: bitbucket.Hub) -> None:
    hub.repositories += [
        bitbucket_data.repository(f"acme/r{number:03}", 100 + number, pulls=1, pipelines=1) for number in range(97)
    ]


BITBUCKET = Scenario(
    kind="bitbucket",
    small=small_bitbucket,
    tables=(
        *("repositories", "pull_requests", "pull_request_commits", "pull_request_files", "reviews", "comments"),
        *("deployments", "builds", "tool_accounts"),
    ),
    token=bitbucket.TOKEN,
    targets=("acme",),
    options={"user": bitbucket.USER},
    mistakes=(
        Mistake("refuses the token from the variable BITBUCKET_TOKEN (Token is invalid", "ATATT3xOld"),
        Mistake("No token in the variable BITBUCKET_TOKEN", ""),
        Mistake("no token: it has spaces", "two words"),
        Mistake("give --user with the email", bitbucket.TOKEN, options={"user": None}),
        Mistake("is nobody's: leave out --user", bitbucket.ACCESS_TOKEN),
        Mistake("has no workspace 'nobody'", bitbucket.TOKEN, ("nobody",)),
        Mistake("has no repository acme/none, or", bitbucket.TOKEN, ("acme/none",)),
        Mistake("No repository of acme is called none-*; there are acme/", bitbucket.TOKEN, ("acme/none-*",)),
    ),
    goes_down=(32, "pull_requests", 1),
    is_overview=lambda request: request.path == "/2.0/repositories/acme",
    grow=grow_bitbucket,
    least_cuts=5,
    batch=40,
    many=many_bitbucket_repositories,
    nothing_new=("acme",),
)

# -- Azure DevOps ------------------------------------------------------------------------------------------------------


def grow_azure(tool: azure.AzureDevOps) -> None:
    tool.pull_requests += [azure_data.pull_request(azure.CART, number) for number in range(20, 90)]
    tool.builds += [azure_data.build(azure.CART, number) for number in range(20, 240)]


def many_azure_repositories(tool: azure.AzureDevOps) -> None:
    for number in range(97):
        repository = azure_data.repository(azure.SHOP, f"r{number:03}")
        tool.repositories.append(repository)
        tool.pull_requests.append(azure_data.pull_request(repository, 200 + number, number))


AZURE = Scenario(
    kind="azure",
    small=azure.small,
    tables=(
        *("repositories", "pull_requests", "pull_request_commits", "pull_request_files", "reviews", "comments"),
        *("builds", "deployments", "tool_accounts"),
    ),
    token=azure.TOKEN,
    targets=("example",),
    passing=azure.PASSING,
    mistakes=(
        Mistake("refuses the token from the variable AZURE_DEVOPS_TOKEN", "old"),
        Mistake("No token in the variable AZURE_DEVOPS_TOKEN", ""),
        Mistake("no token: it has spaces", "two words"),
        Mistake("knows no organization or collection 'nobody'", azure.TOKEN, ("nobody",)),
        Mistake(
            "No repository of example is called shop/none-*; there are Shop/", azure.TOKEN, ("example/Shop/none-*",)
        ),
    ),
    limit=(5, 50, 62),
    goes_down=(31, "pull_requests", 7),
    is_overview=lambda request: request.path.endswith("/git/repositories"),
    grow=grow_azure,
    least_cuts=12,
    most_cuts=12,
    nothing_twice=False,
    batch=40,
    many=many_azure_repositories,
    nothing_new=("repositories", "pullrequests", "pullrequests", "pullrequests", "builds"),
)

# -- Jira --------------------------------------------------------------------------------------------------------------


def grow_jira(tool: jira.Jira) -> None:
    tool.issues += [jira_data.issue("SHOP", number, cloud=tool.cloud) for number in range(8, 20)]


def many_jira_projects(tool: jira.Jira) -> None:
    for number in range(30):
        tool.add(f"P{number}", 1)


JIRA_OVERVIEW = ("/serverInfo", "/myself", "/project", "/project/search", "/field", "/status")


def of_jira(**changes: Any) -> Scenario:
    lacking = "has no project SHAP, or its user lacks the permission 'Browse projects' for it; there is SHOP"
    return Scenario(
        kind="jira",
        tables=("work_items", "work_item_changes", "sprints", "versions", "tool_accounts"),
        token=jira.TOKEN,
        mistakes=(
            Mistake("refuses the token from the variable JIRA_TOKEN", "ATATT3xOld"),
            Mistake("No token in the variable JIRA_TOKEN", ""),
            Mistake("no token: it has spaces", "two words"),
            Mistake(lacking, jira.TOKEN, ("SHAP",)),
        ),
        grow=grow_jira,
        small_pages=("leadline.sources.jira.reading.ISSUES", 3),
        least_cuts=4,
        many=many_jira_projects,
        **changes,
    )


JIRA_CLOUD = of_jira(
    small=jira.small,
    options={"user": jira.USER},
    limit=(5, 0, 62),
    goes_down=(7, "work_items", 7),
    is_overview=lambda request: request.path.endswith(JIRA_OVERVIEW),
    nothing_new=("serverInfo", "myself", "search", "field", "status", "jql"),
)
JIRA_DATA_CENTER = of_jira(
    small=lambda: jira.small(cloud=False),
    goes_down=(6, "work_items", 7),
    nothing_twice=False,
    nothing_new=("serverInfo", "myself", "project", "field", "status", "search"),
)

# -- Linear ------------------------------------------------------------------------------------------------------------


def grow_linear(tool: linear.Linear) -> None:
    tool.issues += [linear_data.issue(linear.ENG, number) for number in range(8, 30)]


def many_linear_teams(tool: linear.Linear) -> None:
    for number in range(3, 33):
        team = linear_data.team(number, f"T{number}")
        tool.teams.append(team)
        tool.issues.append(linear_data.issue(team, 1))


LINEAR = Scenario(
    kind="linear",
    small=linear.small,
    tables=("work_items", "work_item_changes", "sprints", "tool_accounts"),
    token=linear.TOKEN,
    passing=linear.PASSING,
    mistakes=(
        Mistake("refuses the token from the variable LINEAR_TOKEN", "lin_api_old0123456789"),
        Mistake("No token in the variable LINEAR_TOKEN", ""),
        Mistake("no token: it has spaces", "two words"),
        Mistake("has no team ENGG, or the token may not see it; there is ENG", linear.TOKEN, ("ENGG",)),
    ),
    limit=(4, 1, 62),
    goes_down=(3, "work_items", 7),
    is_overview=lambda request: "organization" in request.query,
    grow=grow_linear,
    small_pages=("leadline.sources.linear.issues.ISSUES", 3),
    least_cuts=4,
    many=many_linear_teams,
    nothing_new=("graphql", "graphql"),
)

# -- Jenkins -----------------------------------------------------------------------------------------------------------


def small_jenkins() -> jenkins.Jenkins:
    parameters = {"ENV": "prod", "service": "cart", "rollback": True}
    deep = jenkins.folder("still", jenkins.folder("more", jenkins.job("hidden", 2)))
    return jenkins.Jenkins(
        jobs=[
            jenkins.job("tools", 3),
            jenkins.folder(
                "shop",
                jenkins.multibranch("api", jenkins.job("main", 7), jenkins.job("feature%2Fcart", 2)),
                jenkins.job("deploy-prod", 4, parameters=parameters),
                jenkins.folder("deep", jenkins.folder("er", deep)),
            ),
            jenkins.folder("empty"),
        ]
    )


def grow_jenkins(tool: jenkins.Jenkins) -> None:
    tool.jobs[0] = jenkins.job("tools", 450)


def many_jobs(tool: jenkins.Jenkins) -> None:
    tool.jobs += [jenkins.job(f"job-{number:03}", 1) for number in range(97)]


JENKINS = Scenario(
    kind="jenkins",
    small=small_jenkins,
    tables=("builds", "deployments", "tool_accounts"),
    token=jenkins.TOKEN,
    options={"user": jenkins.USER, "deploys": ("*deploy-prod",)},
    mistakes=(
        Mistake("refuses the token of 'ada' from the variable JENKINS_TOKEN", "old"),
        Mistake("No token of 'ada' in the variable JENKINS_TOKEN", ""),
        Mistake("not whose it is: give --user", jenkins.TOKEN, options={"user": None}),
        Mistake("anonymous needs the permission Overall/Read (hudson.model.Hudson.Read)", "", options={"user": None}),
        Mistake("no token: it has spaces", "two words"),
        Mistake("has no nothing", jenkins.TOKEN, ("nothing",)),
        Mistake("has no job called shop/none*", jenkins.TOKEN, ("shop/none*",)),
    ),
    goes_down=(4, "builds", 1),
    is_overview=lambda request: "/job/" not in request.path,
    grow=grow_jenkins,
    many=many_jobs,
    first_cut=1,
    least_cuts=6,
    nothing_new=("json", "json"),
)

# -- PagerDuty ---------------------------------------------------------------------------------------------------------

DAY = 24 * 60
SERVICES = [pagerduty.service(1, "Shop Cart"), pagerduty.service(2, "Shop Web"), pagerduty.service(3, "Legacy")]


def clock(minutes: float) -> float:
    """What sets the tool's clock to so long after the beginning of its data."""
    return (pagerduty.BEGIN + timedelta(minutes=minutes)).timestamp() - time.time()


def small_pagerduty() -> pagerduty.PagerDuty:
    """Incidents of two years, some of them open."""
    incidents = [
        pagerduty.incident(number, SERVICES[number % 3], number * DAY * 2, ends=None if number % 50 == 7 else 30)
        for number in range(1, 261)
    ]
    return pagerduty.PagerDuty(services=list(SERVICES), incidents=incidents, clock=clock(530 * DAY))


PAGERDUTY = Scenario(
    kind="pagerduty",
    small=small_pagerduty,
    tables=("incidents",),
    token=pagerduty.TOKEN,
    mistakes=(
        Mistake("refuses the token from the variable PAGERDUTY_TOKEN (Invalid API Key)", "old"),
        Mistake("No token in the variable PAGERDUTY_TOKEN", ""),
        Mistake("No service is called Nothing; there are Legacy, Shop Cart, Shop Web", pagerduty.TOKEN, ("Nothing",)),
    ),
    limit=(3, 1, 61),
    goes_down=(4, "incidents", 1),
    is_overview=lambda request: request.path.endswith("/services"),
    first_cut=1,
    least_cuts=6,
    most_cuts=6,
    nothing_twice=False,
    nothing_new=("services", "incidents", "incidents", "incidents"),
    again=6,
)

# -- use of AI tools ---------------------------------------------------------------------------------------------------

NAMES = ("ada", "ben", "cleo")


def days_of(first: str, last: str) -> list[str]:
    """The days from one to another."""
    begun, ended = date.fromisoformat(first), date.fromisoformat(last)
    return [(begun + timedelta(days=number)).isoformat() for number in range((ended - begun).days + 1)]


def clock_at(instant: str) -> float:
    """What sets the tool's clock to an instant."""
    return datetime.fromisoformat(instant).timestamp() - time.time()


NOON = "2026-01-20T12:00:00+00:00"


def small_copilot() -> copilot.Hub:
    """Ten days, on the last two of which nobody used it."""
    used = {day: [copilot.user(day, name) for name in NAMES] for day in days_of("2026-01-11", "2026-01-18")}
    return copilot.Hub(
        seats=[copilot.seat("ada"), copilot.seat("ben", "2026-01-15", "2026-01-19"), copilot.seat("idle")],
        reports={**used, "2026-01-19": [], "2026-01-20": []},
        clock=clock_at(NOON),
    )


def many_users(hub: copilot.Hub) -> None:
    names = [f"user-{number:02}" for number in range(90)]
    hub.seats += [copilot.seat(name) for name in names]
    for day, records in hub.reports.items():
        records += [copilot.user(day, name) for name in names if records]


COPILOT = Scenario(
    kind="copilot",
    small=small_copilot,
    tables=("ai_usage",),
    token=copilot.TOKEN,
    targets=("acme",),
    options={"since": "2026-01-11"},
    # Reports are files, too.
    passing={name: fault for name, fault in PASSING.items() if name not in ("HTML", "half a JSON")},
    mistakes=(
        Mistake("refuses the token from the variable COPILOT_TOKEN (Bad credentials)", "ghp_old"),
        Mistake("No token in the variable COPILOT_TOKEN", ""),
        Mistake("no token: it has spaces", "two words"),
        Mistake("has no /orgs/nobody/copilot/billing/seats, or the token", copilot.TOKEN, ("nobody",)),
    ),
    limit=(5, 50, 62),
    goes_down=(7, "ai_usage", 3),
    is_overview=lambda request: request.path.endswith("/seats"),
    first_cut=1,
    least_cuts=6,
    most_cuts=6,
    nothing_twice=False,
    many=many_users,
    nothing_new=("seats", *("users-1-day", "0", "1") * 4),
    again=6,
)


def small_cursor() -> cursor.Cursor:
    days = days_of("2025-12-15", "2026-01-20")
    return cursor.Cursor(
        members=[cursor.member(name) for name in NAMES],
        use=[cursor.use(day, name, at % 4 * 3) for at, day in enumerate(days) for name in NAMES[:2]],
        spend=[cursor.spent("ada", 1234), cursor.spent("ben", 0)],
        cycle="2026-01-05",
        clock=clock_at(NOON),
    )


def many_members(tool: cursor.Cursor) -> None:
    names = [f"user-{number:02}" for number in range(25)]
    tool.members += [cursor.member(name) for name in names]
    tool.use += [cursor.use(day, name) for day in days_of("2025-12-15", "2026-01-20") for name in names]


CURSOR = Scenario(
    kind="cursor",
    small=small_cursor,
    tables=("ai_usage",),
    token=cursor.TOKEN,
    options={"since": "2025-12-15"},
    mistakes=(
        Mistake("refuses the token from the variable CURSOR_TOKEN (Invalid API key)", "key_old"),
        Mistake("No token in the variable CURSOR_TOKEN", ""),
        Mistake("no token: it has spaces", "two words"),
    ),
    goes_down=(3, "ai_usage", 1),
    is_overview=lambda request: request.path.endswith("/members"),
    first_cut=1,
    least_cuts=3,
    most_cuts=3,
    nothing_twice=False,
    many=many_members,
    nothing_new=("members", "daily-usage-data", "spend", "daily-usage-data"),
    again=8,
)


def small_claude_code() -> claude_code.Anthropic:
    records = {
        day: [
            claude_code.record(day, claude_code.user("ada@example.com"), 2, claude_code.model("opus", 800, 125.5)),
            claude_code.record(day, claude_code.user("ada@example.com"), 1, terminal="tmux"),
            claude_code.record(day, claude_code.api_key("build"), 1, claude_code.model("haiku", 80, 2)),
        ]
        for day in days_of("2026-01-11", "2026-01-20")
    }
    return claude_code.Anthropic(records=records, clock=clock_at(NOON))


def many_actors(tool: claude_code.Anthropic) -> None:
    for day, records in tool.records.items():
        records += [claude_code.record(day, claude_code.user(f"user-{number:03}@example.com")) for number in range(200)]


CLAUDE_CODE = Scenario(
    kind="claude-code",
    small=small_claude_code,
    tables=("ai_usage",),
    token=claude_code.TOKEN,
    options={"since": "2026-01-11"},
    mistakes=(
        Mistake("refuses the token from the variable ANTHROPIC_ADMIN_TOKEN (invalid x-api-key)", "sk-ant-old"),
        Mistake("No token in the variable ANTHROPIC_ADMIN_TOKEN", ""),
        Mistake("no token: it has spaces", "two words"),
    ),
    goes_down=(4, "ai_usage", 4),
    is_overview=lambda request: request.path.endswith("/me"),
    first_cut=1,
    least_cuts=6,
    most_cuts=6,
    nothing_twice=False,
    many=many_actors,
    nothing_new=("me", "claude_code", "claude_code"),
    again=6,
)

# -- files -------------------------------------------------------------------------------------------------------------

HEADER = "incident_id,service,title,severity,created_at,resolved_at\n"


def line(number: int, title: str = "Down") -> str:
    return f"I-{number},cart,{title},high,2026-01-05T10:{number % 60:02}:00Z,2026-01-05T11:00:00Z\n"


def csv(count: int) -> bytes:
    return (HEADER + "".join(map(line, range(1, count + 1)))).encode()


def small_files() -> files.Files:
    return files.Files(files={"/incidents.csv": csv(5)})


def grow_files(tool: files.Files) -> None:
    tool.files["/incidents.csv"] = csv(4_500)


FILES = Scenario(
    kind="files",
    small=small_files,
    tables=("incidents",),
    token="",
    targets=("/incidents.csv",),
    # A file may hold anything: half of one cannot be told from a whole one.
    passing={name: fault for name, fault in PASSING.items() if name not in ("HTML", "half a JSON")},
    login_page="answered a web page instead of incidents.csv",
    is_overview=lambda _: False,
    grow=grow_files,
    least_cuts=2,
    nothing_new=("incidents.csv",),
)

SCENARIOS = {
    "github": GITHUB,
    "gitlab": GITLAB,
    "bitbucket": BITBUCKET,
    "azure": AZURE,
    "jira cloud": JIRA_CLOUD,
    "jira data center": JIRA_DATA_CENTER,
    "linear": LINEAR,
    "jenkins": JENKINS,
    "pagerduty": PAGERDUTY,
    "copilot": COPILOT,
    "cursor": CURSOR,
    "claude-code": CLAUDE_CODE,
    "files": FILES,
}
