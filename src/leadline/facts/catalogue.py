"""The facts that `leadline facts` shows, as declared: their columns with what they mean, and the instant of their period;
``shown`` has the expressions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

ACCOUNTS = frozenset({"author", "author_email", "assignee", "reviewers"})
"""Columns that name people as their tools do."""
SPRINT_ITEMS = "sprint-items"


@dataclass(frozen=True)
class Open:
    """Which rows of a fact are still open: those whose ``column`` is ``known``, or is not; in ``words``, of them in the plural."""

    column: str
    known: bool
    words: str


@dataclass(frozen=True)
class Number:
    """What a column of numbers means, and the ``unit`` that they are in (None: they only tell things apart)."""

    unit: str | None
    meaning: str


@dataclass(frozen=True)
class Fact:
    """One fact as it is shown: its columns as ``declared``, each with what it means; ``happened`` is the instant of its period,
    ``key`` its natural order. It belongs to a person or, if ``by_team``, to teams. ``open`` says which rows are, where rows can
    be."""

    name: str
    declared: Mapping[str, str | Number]
    happened: str
    key: tuple[str, ...]
    by_team: bool = False
    open: Open | None = None

    @property
    def names_people(self) -> bool:
        """Whether rows name people."""
        return "developer" in self.declared

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its columns, in order."""
        return tuple(self.declared)

    @cached_property
    def definitions(self) -> Mapping[str, str]:
        """What each column means."""
        return {name: said.meaning if isinstance(said, Number) else said for name, said in self.declared.items()}

    @cached_property
    def units(self) -> Mapping[str, str]:
        """The units of its columns of numbers, of those that have one."""
        numbers = {name: said.unit for name, said in self.declared.items() if isinstance(said, Number)}
        return {name: unit for name, unit in numbers.items() if unit is not None}


_DEVELOPER = "The developer it belongs to, by email; empty if it is nobody's."
_TEAM = "The path of the developer's primary team on that day."
_TEAM_ID = "The ref id of that team."
_WHY = "What was left out or cut, and by which rule."
_TEAMS = "The paths of all teams for which it counts."
_TEAM_IDS = "The ref ids of these teams, in the same order."
_BUILD = "The end of the last build of the merge, whatever its status."
_DEPLOYED = "When it was first in production."
_DEPLOYMENT = "The production deployment that carried it first."
_TITLE = "Its title."
_URL = "Its address in its tool, if that is one of the web."
_AI_TOOL = "The AI tool that had part in it; empty for none that is known."
_AI_WHY = "By what that is known."
_SPRINT_WORK = {
    "commit": "Committed, as estimated at the start",
    "creep": "Added while the sprint ran, or by a higher estimate, and still in it at the end",
    "delivered_commit": "Of what was committed: done at the end",
    "missed_commit": "Of what was committed: in it at the end, and not done",
    "removed_commit": "Of what was committed: taken out, or taken off by a lower estimate",
    "delivered_creep": "Of the creep: done at the end",
    "missed_creep": "Of the creep: not done at the end",
}
_LEAD = "The sum of the stages that are switched on and have a value, in seconds."

FACTS: Mapping[str, Fact] = {
    fact.name: fact
    for fact in (
        Fact(
            "pull-requests",
            {
                "repository": "The repository that it is of.",
                "number": Number(None, "Its number in the repository."),
                "author": "The account that opened it.",
                "developer": _DEVELOPER,
                "team": _TEAM,
                "created_at": "When it was opened.",
                "ready_at": "When it was ready for review, if that is known.",
                "first_commit_at": "The author date of the earliest of its listed commits.",
                "first_comment_at": "The first comment or review by another human, from when it was ready to the merge.",
                "approved_at": "The first approval by another human.",
                "merged_at": "When it was merged, which says its period.",
                "merge_commit_sha": "The commit that merged it.",
                "build_finished_at": _BUILD,
                "deployed_at": _DEPLOYED,
                "deployment_id": _DEPLOYMENT,
                "additions": Number("lines", "Lines added, without those left out."),
                "deletions": Number("lines", "Lines deleted, without those left out."),
                "size": "`small`, `medium` or `large` by its lines.",
                "comments": Number("count", "Comments by humans other than the author."),
                "work_items": "The work items that it is linked to.",
                "refactored": Number("lines", "Per file the smaller of lines added and lines deleted, summed."),
                "refactored_recent": Number(
                    "lines",
                    "Those of them in code that last changed within the recent window before: the file, or "
                    "each deleted line, as `rework.method` says.",
                ),
                "new_work": Number(
                    "lines", "Lines added that replace none: per file, as many as were added more than deleted."
                ),
                "cycle_seconds": Number("seconds", "First commit to merge, in seconds."),
                "first_comment_seconds": Number("seconds", "Ready (or created) to the first comment, in seconds."),
                "coding_seconds": Number("seconds", "First commit to ready (or created), in seconds."),
                "review_seconds": Number("seconds", "Ready (or created) to merge, in seconds."),
                "build_seconds": Number("seconds", "Merge to the end of its last build, in seconds."),
                "deploy_seconds": Number("seconds", "End of the build (or the merge) to the deployment, in seconds."),
                "lead_seconds": Number("seconds", _LEAD),
                "why": _WHY,
                "title": _TITLE,
                "url": _URL,
                "reviewers": "The accounts of humans other than the author who reviewed it, by name.",
                "creation_seconds": Number(
                    "seconds",
                    "First commit to ready (or created), in seconds, whatever stages of lead time are switched on.",
                ),
                "approval_seconds": Number(
                    "seconds", "First comment or review to the first approval that was not before it, in seconds."
                ),
                "merge_seconds": Number("seconds", "That approval to the merge, in seconds."),
                "work_type": "`feature`, `bug` or `other` by its work items and the team's rule; empty without work items.",
                "waits_for": "What it waits for: `draft`, `review`, `changes`, `merge`, or merged `deployment`; empty for nothing.",
                "wait_began_at": "When it began to wait for that.",
                "ai_tool": _AI_TOOL,
                "ai_why": _AI_WHY,
                "team_id": _TEAM_ID,
            },
            "merged_at",
            ("repository", "number"),
            open=Open("waits_for", True, "wait for something"),
        ),
        Fact(
            "work-items",
            {
                "project": "The project that it is of.",
                "key": "Its key in the project.",
                "type": "Its type, as its tool calls it.",
                "work_type": "`feature`, `bug` or `other`, by the team's rule.",
                "assignee": "The account that had it when it was completed.",
                "developer": _DEVELOPER,
                "team": _TEAM,
                "created_at": "When it was created.",
                "started_at": "When work on it began: given, or from its changes.",
                "completed_at": "When it was completed, which says its period.",
                "first_commit_at": "The first commit over all of its pull requests.",
                "last_merged_at": "The merge of the one merged last.",
                "build_finished_at": _BUILD,
                "deployed_at": _DEPLOYED,
                "deployment_id": _DEPLOYMENT,
                "pull_requests": "The pull requests that are linked to it, as `repository#number`.",
                "planning_seconds": Number("seconds", "Creation to start, in seconds."),
                "coding_seconds": Number("seconds", "Start to first commit, in seconds."),
                "review_seconds": Number("seconds", "First commit to the last merge, in seconds."),
                "build_seconds": Number("seconds", "Last merge to the end of its build, in seconds."),
                "deploy_seconds": Number("seconds", "End of the build (or the merge) to the deployment, in seconds."),
                "lead_seconds": Number("seconds", _LEAD),
                "complete_seconds": Number(
                    "seconds", "Creation (or start, by `work_items.complete_from`) to completion, in seconds."
                ),
                "why": _WHY,
                "title": _TITLE,
                "url": _URL,
                "team_id": _TEAM_ID,
            },
            "completed_at",
            ("project", "key"),
        ),
        Fact(
            "deployments",
            {
                "deployment_id": "The run; a release goes by `release:`, a merge by `merge:`.",
                "service": "The service it deployed; empty if it names none.",
                "repository": "The repository that was deployed.",
                "environment": "Where to, as its tool says.",
                "production": "Whether that is production.",
                "sha": "The commit that it says it deployed.",
                "finished_at": "When it ended, which says its period.",
                "outcome": "`success` or `failure`; empty if it was cancelled or is still running.",
                "failed_by": "What made it fail: its own run, rollbacks that undid it, or incidents it caused.",
                "commits": "The commits that it carried to production first.",
                "pull_requests": "The pull requests whose merges are among them, as `repository#number`.",
                "teams": _TEAMS,
                "why": "Why it counts in nothing, what made it fail, and by which rule it is whose.",
                "source": "`pipelines`, `releases` or `merges`.",
                "title": "The title of the pull request, the name of the release or version; empty for a run of a pipeline.",
                "url": _URL,
                "team_ids": _TEAM_IDS,
            },
            "finished_at",
            ("deployment_id", "service"),
            by_team=True,
        ),
        Fact(
            "incidents",
            {
                "incident_id": "The incident; a work item goes by `item:`.",
                "service": "The service that it is of.",
                "created_at": "When it began.",
                "resolved_at": "When it was resolved, which says its period.",
                "restore_seconds": Number("seconds", "From its creation to its resolution, in seconds."),
                "deployment_id": "The deployment that it names, else the one by the rule.",
                "teams": _TEAMS,
                "why": "Why it counts in nothing, and by which rule it is whose.",
                "source": "`incidents` of an incident tool, or `work_items`.",
                "title": _TITLE,
                "url": _URL,
                "team_ids": _TEAM_IDS,
            },
            "resolved_at",
            ("incident_id",),
            by_team=True,
            open=Open("resolved_at", False, "are not resolved"),
        ),
        Fact(
            "commits",
            {
                "repository": "The repository that it is of.",
                "sha": "The commit.",
                "author_email": "The address of its author.",
                "developer": _DEVELOPER,
                "team": _TEAM,
                "authored_at": "Its author date, which says its period.",
                "additions": Number("lines", "Lines added, without those left out."),
                "deletions": Number("lines", "Lines deleted, without those left out."),
                "credited": "Whether it counts.",
                "why": "Why it does not count, or counts for nobody; how many lines were left out.",
                "ai_tool": _AI_TOOL,
                "ai_why": _AI_WHY,
                "team_id": _TEAM_ID,
            },
            "authored_at",
            ("repository", "sha"),
        ),
        Fact(
            "status-visits",
            {
                "project": "The project that the work item is of.",
                "key": "The key of the work item in the project.",
                "number": Number(None, "The number of the visit among those of the item, from 0."),
                "status": "The status that it was in, as its tool calls it.",
                "category": "What that status means: `todo`, `in_progress` or `done`.",
                "entered_at": "When it was entered, which says its period: the first one when the item was created.",
                "left_at": "When it was left; empty while it is there.",
                "visit_seconds": Number("seconds", "From entering to leaving, in seconds."),
                "assignee": "The account that had the item when it was completed, or has it.",
                "developer": _DEVELOPER,
                "team": _TEAM,
                "why": _WHY,
                "team_id": _TEAM_ID,
            },
            "entered_at",
            ("project", "key", "number"),
        ),
        Fact(
            "effort",
            {
                "day": "The local day, as `yyyy-MM-dd`.",
                "developer": "The developer whose day it is, by email.",
                "team": _TEAM,
                "project": "The project of the work item; empty for what is linked to none.",
                "key": "The key of the work item.",
                "type": "Its type, as its tool calls it.",
                "title": _TITLE,
                "category": "The category of the work item by the rules of the developer's team, `Uncategorized` or `Unlinked`.",
                "share": Number(
                    "days", "The share of the day, reduced by absence and by how much of a job the developer has."
                ),
                "why": "How the item was touched, and what made the share smaller.",
                "url": _URL,
                "noon_at": "The local noon of the day, which says its period.",
                "team_id": _TEAM_ID,
            },
            "noon_at",
            ("day", "developer", "project", "key"),
        ),
        Fact(
            SPRINT_ITEMS,
            {
                "sprint_id": "The sprint.",
                "sprint": "The name of the sprint.",
                "boards": "The boards that show it.",
                "project": "The project that the item is of.",
                "key": "The item's key in the project.",
                "type": "Its type, as its tool calls it.",
                "title": _TITLE,
                "assignee": "The account that had it at the end of the sprint.",
                "developer": "The developer whose account that is, by email; empty if it is nobody's.",
                "started_at": "When the sprint was started, else planned to.",
                "ended_at": "When the sprint was completed (closed: else planned to end), which says its period.",
                "in_at": "When the item came to the sprint: its start, if it was there.",
                "out_at": "When it was taken out, if it was not there at the end.",
                "committed": "Whether it was there at the start (or soon after, by `sprints.commit_grace_hours`).",
                "done": "Whether it was done at the end, by its status then.",
                "points_at_start": Number("points", "Its estimate when it came to the sprint, in story points."),
                "points_at_end": Number("points", "Its estimate at the end, in story points."),
                **{
                    f"{name}_points": Number("points", f"{words}, in story points.")
                    for name, words in _SPRINT_WORK.items()
                },
                **{
                    f"{name}_tickets": Number("tickets", f"{words}, as a ticket: 0 or 1.")
                    for name, words in _SPRINT_WORK.items()
                },
                "teams": _TEAMS,
                "team_ids": _TEAM_IDS,
                "why": "Why it counts in nothing, what became of it, and by which rule it is whose.",
                "url": _URL,
            },
            "ended_at",
            ("sprint_id", "project", "key"),
            by_team=True,
        ),
    )
}
