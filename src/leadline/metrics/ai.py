"""The metrics of AI tools: what they had part in, and how much they were used. They must be asked for."""

from __future__ import annotations

from leadline.metrics.measures import DEVELOPERS, AiCommits, AiPullRequests, AiUsage
from leadline.metrics.metric import Basis, Formula, Known, Metric, Ratio, Scaled, Sum

_GROUP = "ai"
_PULLS = ("pull_requests", "pull_request_commits", "commits", "commit_ai")
_COMMITS = ("commits", "commit_files", "pull_request_commits", "commit_ai")
_USAGE = ("ai_usage", "identities", "developers")
_MARK = "a mark of an AI tool (told of it, in a trailer or footer, or by its account)"
_UNREAD = "Empty in periods of which no tool's report has it."


def _both(column: str, unit: str, definition: str, sources: tuple[str, ...], formula: Formula, title: str) -> Metric:
    return Metric(column, _GROUP, unit, definition, sources, formula, formula, title=title)


def _team(column: str, unit: str, definition: str, sources: tuple[str, ...], formula: Formula, title: str) -> Metric:
    return Metric(column, _GROUP, unit, definition, sources, None, formula, title=title)


AI_METRICS: tuple[Metric, ...] = (
    _both(
        "PR_AI_Assisted",
        "count",
        f"Merged pull requests of which a listed commit, the merge commit or the description has {_MARK}, or whose author is an "
        "agent.",
        _PULLS,
        Sum(AiPullRequests.assisted),
        "AI-assisted pull requests",
    ),
    _both(
        "PR_AI_Percent",
        "%",
        "AI-assisted pull requests in percent of merged pull requests.",
        _PULLS,
        Ratio(AiPullRequests.assisted, over=AiPullRequests.merged, factor=100),
        "Pull requests AI-assisted",
    ),
    _both(
        "Commits_AI_Percent",
        "%",
        f"Credited commits with {_MARK} in percent of credited commits.",
        _COMMITS,
        Ratio(AiCommits.marked, over=AiCommits.commits, factor=100),
        "Commits AI-assisted",
    ),
    _both(
        "LOC_Added_AI",
        "lines",
        "Lines added by AI tools in credited commits: as many as are known of a commit (no more than it adds), else all that a "
        "commit with a mark adds, which is an upper bound; `Code_AI_Basis` says which.",
        _COMMITS,
        Sum(AiCommits.lines_ai),
        "Lines added by AI",
    ),
    _both(
        "Code_AI_Percent",
        "%",
        "Lines added by AI tools (`LOC_Added_AI`) in percent of lines added in credited commits.",
        _COMMITS,
        Ratio(AiCommits.lines_ai, over=AiCommits.lines_added, factor=100),
        "Code by AI",
    ),
    _both(
        "Code_AI_Basis",
        "word",
        "What `LOC_Added_AI` is of: `commits` if of a marked commit no lines are known, so that all of them count; else `lines`; "
        "empty if nothing is marked and of no commit lines are known.",
        _COMMITS,
        Basis(Sum(AiCommits.untold), Sum(AiCommits.told)),
        "Basis of code by AI",
    ),
    _both(
        "AI_Active_Days",
        "days",
        f"Distinct days on which an AI tool was used; for a team the sum over its developers. {_UNREAD}",
        _USAGE,
        Known(Sum(AiUsage.active_days), by=AiUsage.active_people),
        "Active days of AI tools",
    ),
    *(
        _both(
            f"AI_Lines_{name}",
            "lines",
            f"Lines that AI tools offered{what}. {_UNREAD}",
            _USAGE,
            Known(Sum(measure), by=measure),
            f"Lines {name.lower()} by AI tools" if name == "Suggested" else "Lines accepted of AI tools",
        )
        for name, what, measure in (
            ("Suggested", "", AiUsage.lines_suggested),
            ("Accepted", " and that were accepted", AiUsage.lines_accepted),
        )
    ),
    _both(
        "AI_Acceptance_Percent",
        "%",
        "Accepted suggestions in percent of suggestions, of the days of use for which a tool reports both.",
        _USAGE,
        Ratio(AiUsage.accepted, over=AiUsage.offered, factor=100),
        "Suggestions accepted",
    ),
    _both(
        "AI_Cost",
        "currency",
        f"Cost of AI tools in the currency of the setting `ai.currency`; other currencies are left out. {_UNREAD}",
        _USAGE,
        Known(Scaled(AiUsage.cost, 1_000_000), by=AiUsage.cost),
        "Cost of AI tools",
    ),
    _team(
        "AI_Adoption_Percent",
        "%",
        f"Developers with at least one active day of an AI tool in percent of the developers in the team. {_UNREAD}",
        _USAGE,
        Known(Ratio(AiUsage.active_people, over=DEVELOPERS, factor=100), by=AiUsage.active_people),
        "Adoption of AI tools",
    ),
    _team(
        "AI_Licensed",
        "count",
        f"Developers who had a licence of an AI tool. {_UNREAD}",
        _USAGE,
        Known(Sum(AiUsage.licensed_people), by=AiUsage.licensed_people),
        "Licensed developers",
    ),
    _team(
        "PR_Merged_By_Agents",
        "count",
        "Merged pull requests whose author is an AI agent; whose they are says `ai.agent_prs`.",
        ("pull_requests", "pull_request_commits", "commits"),
        Sum(AiPullRequests.by_agents),
        "Pull requests of agents",
    ),
)
