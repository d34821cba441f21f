"""The kinds of sources, declared once: what their commands take, where secrets are looked for, and which module reads a kind."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Option:
    """An option of a kind's commands beyond the common ones. It is kept as texts under ``name``; who sets a source up by questions
    is asked for what is ``asked``."""

    name: str
    metavar: str
    help: str
    many: bool = False
    asked: bool = False


@dataclass(frozen=True)
class Kind:
    """A tool that ``leadline sync NAME`` reads.

    ``metavar`` and ``targets`` tell what is named of it (empty: nothing can be named, the secret says what is read);
    ``target_needed``: at least one must be, ``patterns``: with `*` and the like in it; ``owner_in_names``: what is named begins as
    the names in rows do, not with an owner that they leave out. ``url``: help of ``--url`` (empty: it has none), which must be
    given if ``url_needed``. ``secret``: what its secret is called, ``secret_env`` the variable it is in by default (empty: it takes
    none). ``teams``: it tells who is in which team of a target. ``module`` has ``checked`` and ``connect`` (see ``settings``).
    """

    name: str
    title: str
    about: str
    example: tuple[str, ...]
    metavar: str
    targets: str
    module: str
    url: str = ""
    secret_env: str = ""
    secret: str = "token"  # noqa: S105 - a word
    secret_needed: bool = True
    target_needed: bool = True
    url_needed: bool = False
    patterns: bool = False
    owner_in_names: bool = True
    webhooks: bool = False
    teams: bool = False
    options: tuple[Option, ...] = ()

    @property
    def webhook_env(self) -> str:
        """The variable that a webhook's secret is in by default."""
        return f"{self.name.upper()}_WEBHOOK_SECRET"


DEPLOYS = Option(
    "deploys",
    "PATTERN[=ENVIRONMENT]",
    "Runs of these names are deployments, not builds; their environment [default: none, which counts as production].",
    many=True,
)
"""For tools whose runs may be either."""
SINCE = Option("since", "DAY", "First day to read, as 2026-01-31 [default: 90 days before the first run].")
"""For tools that report their use day by day."""

KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "git",
            "git",
            "Mine git history: commits and their files.",
            ("leadline {} git ./shop",),
            "PATH_OR_URL",
            "Work trees, bare repositories or URLs.",
            "leadline.sources.git.connection",
            secret_needed=False,
            options=(
                Option(
                    "repository", "ORG/REPO", "What to call the repository [default: by its origin, else its folder]."
                ),
            ),
        ),
        Kind(
            "github",
            "GitHub",
            "Pull from GitHub (cloud or Enterprise Server).\n\nPull requests with commits, files, reviews and comments, "
            "releases, deployments, workflow runs, members and teams.",
            ("leadline {} github example", "leadline {} github 'example/web-*'"),
            "ORG[/PATTERN]",
            "Organizations or users.",
            "leadline.sources.github.connection",
            "An Enterprise Server [default: github.com].",
            "GITHUB_TOKEN",
            patterns=True,
            webhooks=True,
            teams=True,
            options=(
                Option("app", "ID", "Sign in as this GitHub App; the token is then its private key (PEM)."),
                DEPLOYS,
            ),
        ),
        Kind(
            "gitlab",
            "GitLab",
            "Pull from GitLab (cloud or self-managed).\n\nMerge requests with commits, diffs, notes and approvals, "
            "pipelines, deployments, releases, issues, iterations.",
            ("leadline {} gitlab example", "leadline {} gitlab 'example/web/*'"),
            "GROUP[/PATTERN]",
            "Groups with their subgroups, or users.",
            "leadline.sources.gitlab.connection",
            "A self-managed server [default: gitlab.com].",
            "GITLAB_TOKEN",
            patterns=True,
            webhooks=True,
            options=(DEPLOYS,),
        ),
        Kind(
            "bitbucket",
            "Bitbucket",
            "Pull from Bitbucket Cloud.\n\nPull requests with commits, files, approvals and comments, pipelines, "
            "deployments.",
            (
                "leadline {} bitbucket example --user a@example.com",
                "leadline {} bitbucket 'example/web-*' --user a@example.com",
            ),
            "WORKSPACE[/PATTERN]",
            "Workspaces, or repositories of them.",
            "leadline.sources.bitbucket.connection",
            "The API at another address, such as a gateway's [default: https://api.bitbucket.org].",
            "BITBUCKET_TOKEN",
            patterns=True,
            webhooks=True,
            options=(
                Option(
                    "user",
                    "EMAIL",
                    "Whose API token it is; without it, an access token of a workspace, project or repository.",
                    asked=True,
                ),
                DEPLOYS,
            ),
        ),
        Kind(
            "azure",
            "Azure DevOps",
            "Pull from Azure DevOps (services or server).\n\nPull requests with commits, files, votes and comments, builds, "
            "deployments to environments and of classic releases.",
            ("leadline {} azure example", "leadline {} azure 'example/Shop/web-*'"),
            "ORG[/PROJECT[/PATTERN]]",
            "Organizations (or collections), their projects or repositories.",
            "leadline.sources.azure.connection",
            "A server of your own, as https://azure.example.com/tfs [default: dev.azure.com].",
            "AZURE_DEVOPS_TOKEN",
            patterns=True,
            owner_in_names=False,
            webhooks=True,
            options=(DEPLOYS,),
        ),
        Kind(
            "jira",
            "Jira",
            "Pull from Jira (cloud or data center).\n\nIssues with their changelogs, versions, boards and sprints.",
            (
                "leadline {} jira --url https://x.atlassian.net --user a@example.com",
                "leadline {} jira SHOP --url https://jira.example.com",
            ),
            "PROJECT",
            "Keys of projects [default: all that are seen].",
            "leadline.sources.jira.connection",
            "The site's address.",
            "JIRA_TOKEN",
            patterns=True,
            target_needed=False,
            url_needed=True,
            options=(
                Option(
                    "user",
                    "USER",
                    "Whose API token (cloud: by email) or password it is; without it, a personal access token.",
                    asked=True,
                ),
                Option(
                    "field",
                    "COLUMN=FIELD",
                    "Take a column from this field (name or id), as story_points='Size'.",
                    many=True,
                ),
            ),
        ),
        Kind(
            "linear",
            "Linear",
            "Pull from Linear.\n\nIssues with their histories, cycles and users.",
            ("leadline {} linear", "leadline {} linear ENG 'WEB*'"),
            "TEAM",
            "Keys of teams [default: all that are seen].",
            "leadline.sources.linear.connection",
            "Another address of the API [default: https://api.linear.app].",
            "LINEAR_TOKEN",
            patterns=True,
            target_needed=False,
        ),
        Kind(
            "jenkins",
            "Jenkins",
            "Pull from Jenkins.\n\nBuilds of jobs in folders and of multibranch projects.",
            (
                "leadline {} jenkins --url https://ci.example.com --user ada",
                "leadline {} jenkins 'shop/*' --url https://ci.example.com",
            ),
            "JOB",
            "Full names of jobs or folders [default: all that are seen].",
            "leadline.sources.jenkins.connection",
            "The server's address.",
            "JENKINS_TOKEN",
            patterns=True,
            secret_needed=False,
            target_needed=False,
            url_needed=True,
            options=(Option("user", "NAME", "Whose API token it is.", asked=True), DEPLOYS),
        ),
        Kind(
            "pagerduty",
            "PagerDuty",
            "Pull from PagerDuty.\n\nIncidents with their services.",
            ("leadline {} pagerduty", "leadline {} pagerduty 'Shop*' --url https://api.eu.pagerduty.com"),
            "SERVICE",
            "Names of services [default: all that are seen].",
            "leadline.sources.pagerduty.connection",
            "The API of another region [default: https://api.pagerduty.com].",
            "PAGERDUTY_TOKEN",
            patterns=True,
            target_needed=False,
        ),
        Kind(
            "copilot",
            "GitHub Copilot",
            "Pull the use of GitHub Copilot.\n\nWhat each user did on each day, and who has a seat.",
            ("leadline {} copilot example", "leadline {} copilot enterprises/example --since 2026-01-01"),
            "ORG",
            "Organizations, or enterprises as enterprises/NAME.",
            "leadline.sources.copilot.connection",
            "A server with data residency, as https://example.ghe.com [default: github.com].",
            "COPILOT_TOKEN",
            options=(SINCE,),
        ),
        Kind(
            "cursor",
            "Cursor",
            "Pull the use of Cursor.\n\nWhat each member of a team did on each day, who has a seat, and what was spent.",
            ("leadline {} cursor", "leadline {} cursor --since 2026-01-01"),
            "",
            "",
            "leadline.sources.cursor.connection",
            "Another address of the Admin API [default: https://api.cursor.com].",
            "CURSOR_TOKEN",
            target_needed=False,
            options=(SINCE,),
        ),
        Kind(
            "claude-code",
            "Claude Code",
            "Pull the use of Claude Code.\n\nWhat each user of an organization did on each day, and what it cost by model.",
            ("leadline {} claude-code", "leadline {} claude-code --since 2026-01-01"),
            "",
            "",
            "leadline.sources.claude_code.connection",
            "Another address of the Admin API [default: https://api.anthropic.com].",
            "ANTHROPIC_ADMIN_TOKEN",
            target_needed=False,
            options=(SINCE,),
        ),
        Kind(
            "files",
            "Files over HTTPS",
            "Pull rows of the documented tables from files over HTTPS.\n\nCSV, JSON lines or Parquet, as `leadline import` "
            "takes them; read again only when they changed.",
            (
                "leadline {} files https://data.example.com/incidents.csv",
                "leadline {} files https://data.example.com/new --table incidents",
            ),
            "URL",
            "Addresses of files named after tables.",
            "leadline.sources.remote_files.connection",
            "",
            "FILES_TOKEN",
            secret_needed=False,
            options=(
                Option("table", "NAME", "Table of the rows [default: by the file's name]."),
                Option(
                    "format", "FORMAT", "csv, csv.gz, jsonl, jsonl.gz, json or parquet [default: by the file's name]."
                ),
                Option(
                    "header", "NAME", "Header that the token is sent in [default: Authorization, as a bearer token]."
                ),
                Option("org-tree", "NAME", "Also put the developers of a CSV file in force as this org tree."),
            ),
        ),
    )
}
"""By name, in the order in which commands list them."""
