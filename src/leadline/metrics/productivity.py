"""The productivity metrics, in the order of the file's columns: declarations and nothing else."""

from __future__ import annotations

from typing import Any

from leadline.metrics.ai import AI_METRICS
from leadline.metrics.commit_days import CommitDays
from leadline.metrics.measures import DEVELOPERS, Commits, PullRequests, WorkItems
from leadline.metrics.metric import DAY_US, HOUR_US, Formula, Metric, Ratio, Statistic, Sum

_PULLS = ("pull_requests",)
_REWORK = ("pull_requests", "pull_request_files")
_ITEMS = ("work_items", "work_item_changes")


def _both(
    column: str, group: str, unit: str, definition: str, sources: tuple[str, ...], formula: Formula, **more: Any
) -> Metric:
    return Metric(column, group, unit, definition, sources, formula, formula, **more)


PRODUCTIVITY_METRICS: tuple[Metric, ...] = (
    Metric(
        "Coding_Days",
        "activity",
        "days",
        "Distinct local dates with at least one credited commit; for a team the sum over its developers divided by those "
        "with at least one commit in the period.",
        ("commits", "pull_request_commits"),
        Sum(CommitDays.coding_days),
        Ratio(CommitDays.coding_days, over=CommitDays.active_developers),
        title="Coding days",
        better="higher",
    ),
    _both(
        "PR_Cycle_Time_Days_Avg",
        "velocity",
        "days",
        "Time from the first commit of a merged pull request to its merge.",
        ("pull_requests", "pull_request_commits", "commits"),
        Statistic(PullRequests.cycle, DAY_US),
        better="lower",
    ),
    *(
        _both(
            f"PR_{name}_Time_Days_Avg",
            "velocity",
            "days",
            definition,
            sources,
            Statistic(measure, DAY_US),
            title=title,
            better="lower",
        )
        for name, title, measure, sources, definition in (
            (
                "Creation",
                "Time to creation",
                PullRequests.creation,
                ("pull_requests", "pull_request_commits", "commits"),
                "First stage of the cycle time: from the first commit of a merged pull request to its being opened (ready for "
                "review, if known).",
            ),
            (
                "First_Review",
                "Time to first review",
                PullRequests.first_comment,
                ("pull_requests", "comments", "reviews"),
                "Second stage of the cycle time: from a merged pull request being opened (ready for review, if known) to the first "
                "comment or review by a human other than the author, at or after that and not after the merge. As all stages, it "
                "is taken over the pull requests that have both its ends.",
            ),
            (
                "Approval",
                "Time to approval",
                PullRequests.approval,
                ("pull_requests", "comments", "reviews"),
                "Third stage of the cycle time: from that first comment or review to the first approval by a human other than the "
                "author, which counts by the same bounds.",
            ),
            (
                "Merge",
                "Time to merge",
                PullRequests.merge,
                ("pull_requests", "reviews"),
                "Last stage of the cycle time: from that first approval to the merge.",
            ),
        )
    ),
    Metric(
        "PR_Velocity",
        "velocity",
        "PRs/developer",
        "Pull requests merged divided by the developers in the team.",
        ("pull_requests", "developers"),
        None,
        Ratio(PullRequests.merged, over=DEVELOPERS, zero=True),
        better="higher",
    ),
    _both(
        "Avg_Time_To_Complete",
        "velocity",
        "days",
        "Time from the creation of a completed work item (or from the start of work, if the profile says so) to its "
        "completion.",
        _ITEMS,
        Statistic(WorkItems.complete, DAY_US),
        title="Time to complete",
        better="lower",
    ),
    _both(
        "PR_Merged",
        "volume",
        "count",
        "Merged pull requests.",
        _PULLS,
        Sum(PullRequests.merged),
        title="Pull requests merged",
        better="higher",
    ),
    *(
        _both(
            f"PR_Merged_{size}",
            "volume",
            "count",
            f"Merged pull requests with {bounds} added and deleted lines (bounds: profile).",
            _REWORK,
            Sum(measure),
            title=f"{size} pull requests merged",
        )
        for size, bounds, measure in (
            ("Small", "fewer than 10", PullRequests.merged_small),
            ("Medium", "10 to 99", PullRequests.merged_medium),
            ("Large", "100 or more", PullRequests.merged_large),
        )
    ),
    *(
        _both(
            f"PR_Merged_{name}",
            "volume",
            "count",
            f"Merged pull requests linked to {linked}; what is what says the work-type rule of the developer's team.",
            ("pull_requests", "pull_request_commits", "commits", "work_items"),
            Sum(measure),
            title=f"Pull requests for {title}",
        )
        for name, title, measure, linked in (
            ("Features", "features", PullRequests.merged_feature, "at least one feature"),
            ("Bugs", "bugs", PullRequests.merged_bug, "at least one bug and no feature"),
            ("Other", "other work", PullRequests.merged_other, "work items, none of them a feature or a bug"),
        )
    ),
    *(
        Metric(
            f"LOC_{name}",
            "volume",
            "lines",
            f"Lines {what} in credited commits.",
            ("commits", "commit_files"),
            Sum(measure),
            None,
            title=f"Lines {what}",
        )
        for name, what, measure in (
            ("Added", "added", Commits.lines_added),
            ("Removed", "removed", Commits.lines_removed),
        )
    ),
    _both(
        "Work_Completed", "volume", "count", "Completed work items.", _ITEMS, Sum(WorkItems.completed), better="higher"
    ),
    *(
        _both(
            f"Work_{name}_Completed",
            "volume",
            "count",
            f"Completed work items that the team's work-type rule calls {what}.",
            _ITEMS,
            Sum(measure),
            title=f"{name} completed" if name != "Other" else "Other work completed",
        )
        for name, measure, what in (
            ("Features", WorkItems.completed_feature, "features"),
            ("Bugs", WorkItems.completed_bug, "bugs"),
            ("Other", WorkItems.completed_other, "neither feature nor bug"),
        )
    ),
    _both(
        "LOC_Refactored",
        "quality",
        "lines",
        "Per file of a merged pull request the smaller of lines added and lines deleted, summed.",
        _REWORK,
        Sum(PullRequests.refactored),
        title="Lines refactored",
    ),
    *(
        _both(
            f"LOC_Refactored_{name}",
            "quality",
            "lines",
            f"Refactored lines in files that last changed {when} before the pull request's first commit; by the age of each "
            "deleted line, if the profile says so.",
            (*_REWORK, "commits", "commit_files"),
            Sum(measure),
            title=f"{name} lines refactored",
        )
        for name, measure, when in (
            ("Recent", PullRequests.refactored_recent, "within the recent window (30 days, profile)"),
            ("Legacy", PullRequests.refactored_legacy, "earlier than the recent window, or at no known time,"),
        )
    ),
    *(
        _both(
            f"Rework_Percent{suffix}",
            "quality",
            "%",
            f"{which} lines in percent of added and deleted lines, over merged pull requests whose files are known.",
            (*_REWORK, "commits", "commit_files") if suffix else _REWORK,
            Ratio(measure, over=PullRequests.file_lines, factor=100),
        )
        for suffix, which, measure in (
            ("", "Refactored", PullRequests.refactored),
            ("_Recent", "Refactored recent", PullRequests.refactored_recent),
            ("_Legacy", "Refactored legacy", PullRequests.refactored_legacy),
        )
    ),
    _both(
        "LOC_New_Work",
        "quality",
        "lines",
        "Lines that replace none: per file of a merged pull request as many as were added more than deleted, summed.",
        _REWORK,
        Sum(PullRequests.new_work),
        title="New lines",
    ),
    _both(
        "New_Work_Percent",
        "quality",
        "%",
        "Lines that replace none in percent of added and deleted lines, over merged pull requests whose files are known.",
        _REWORK,
        Ratio(PullRequests.new_work, over=PullRequests.file_lines, factor=100),
        title="New work",
    ),
    Metric(
        "LOC_Total",
        "quality",
        "lines",
        "Added and deleted lines of all merged pull requests.",
        _REWORK,
        None,
        Sum(PullRequests.lines),
        title="Lines of merged pull requests",
    ),
    _both(
        "PR_Missing_Tickets",
        "quality",
        "count",
        "Merged pull requests linked to no work item.",
        ("pull_requests", "pull_request_commits", "commits", "work_items"),
        Sum(PullRequests.missing_tickets),
        title="Pull requests without a work item",
        better="lower",
    ),
    _both(
        "PR_Without_Review",
        "quality",
        "count",
        "Merged pull requests without a comment or review by a human other than the author from when they were ready for review "
        "(opened, if that is not known) to the merge.",
        ("pull_requests", "comments", "reviews"),
        Sum(PullRequests.without_review),
        title="Pull requests without review",
        better="lower",
    ),
    _both(
        "PR_Reverted_Percent",
        "quality",
        "%",
        "Merged pull requests that were reverted, in percent of merged pull requests; each counts for its own author in the "
        "period of its own merge. A pull request is reverted if one of the same repository that was merged later says so: "
        "by `This reverts commit <sha>` in its body or in the message of its merge commit or of a commit that it lists, the "
        "sha being the other's merge commit or one that the other lists (in full, or at least 7 digits that begin no other "
        "known commit of the repository); or in its body by `Reverts #n`, `Reverts owner/name#n` or `This reverts merge "
        "request !n`. Letter case does not matter. Who reverts a revert makes the revert a reverted pull request; what that "
        "one reverted stays reverted.",
        ("pull_requests", "pull_request_commits", "commits"),
        Ratio(PullRequests.reverted, over=PullRequests.merged, factor=100),
        title="Pull requests reverted",
        better="lower",
    ),
    _both(
        "Review_Comments_Per_PR_Avg",
        "collaboration",
        "count",
        "Comments by humans other than the author, at any time, per merged pull request.",
        ("pull_requests", "comments"),
        Statistic(PullRequests.comments),
        title="Comments per pull request",
    ),
    _both(
        "Review_Time_To_First_Comment_Hrs_Avg",
        "collaboration",
        "hours",
        "Time from a merged pull request being opened (ready for review, if known) to the first comment or review by a "
        "human other than the author; pull requests without one are left out.",
        ("pull_requests", "comments", "reviews"),
        Statistic(PullRequests.first_comment, HOUR_US),
        title="Time to first comment",
        better="lower",
    ),
    *AI_METRICS,
)
