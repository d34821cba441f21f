"""The facts that `leadline facts` shows, as declared: their documented columns, and the instant of their period;
``shown`` has the expressions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Fact:
    """One fact as it is shown: ``happened`` is the instant of its period, ``key`` its natural order. It belongs to a
    person or, if ``by_team``, to teams."""

    name: str
    columns: tuple[str, ...]
    happened: str
    key: tuple[str, ...]
    by_team: bool = False


FACTS: Mapping[str, Fact] = {
    fact.name: fact
    for fact in (
        Fact(
            "pull-requests",
            (
                "repository",
                "number",
                "author",
                "developer",
                "team",
                "created_at",
                "ready_at",
                "first_commit_at",
                "first_comment_at",
                "approved_at",
                "merged_at",
                "merge_commit_sha",
                "build_finished_at",
                "deployed_at",
                "deployment_id",
                "additions",
                "deletions",
                "size",
                "comments",
                "work_items",
                "refactored",
                "refactored_recent",
                "cycle_seconds",
                "first_comment_seconds",
                "coding_seconds",
                "review_seconds",
                "build_seconds",
                "deploy_seconds",
                "lead_seconds",
                "why",
            ),
            "merged_at",
            ("repository", "number"),
        ),
        Fact(
            "work-items",
            (
                "project",
                "key",
                "type",
                "work_type",
                "assignee",
                "developer",
                "team",
                "created_at",
                "started_at",
                "completed_at",
                "first_commit_at",
                "last_merged_at",
                "build_finished_at",
                "deployed_at",
                "deployment_id",
                "pull_requests",
                "planning_seconds",
                "coding_seconds",
                "review_seconds",
                "build_seconds",
                "deploy_seconds",
                "lead_seconds",
                "complete_seconds",
                "why",
            ),
            "completed_at",
            ("project", "key"),
        ),
        Fact(
            "deployments",
            (
                "deployment_id",
                "service",
                "repository",
                "environment",
                "production",
                "sha",
                "finished_at",
                "outcome",
                "failed_by",
                "commits",
                "pull_requests",
                "teams",
                "why",
                "source",
            ),
            "finished_at",
            ("deployment_id", "service"),
            by_team=True,
        ),
        Fact(
            "incidents",
            (
                "incident_id",
                "service",
                "created_at",
                "resolved_at",
                "restore_seconds",
                "deployment_id",
                "teams",
                "why",
                "source",
            ),
            "resolved_at",
            ("incident_id",),
            by_team=True,
        ),
        Fact(
            "commits",
            (
                "repository",
                "sha",
                "author_email",
                "developer",
                "team",
                "authored_at",
                "additions",
                "deletions",
                "credited",
                "why",
            ),
            "authored_at",
            ("repository", "sha"),
        ),
    )
}
