"""The charts of how people work: pull requests, cycle time, work completed, rework, review."""

from __future__ import annotations

from leadline.charts import forms
from leadline.charts.chart import Chart, Events, Periods, Series
from leadline.charts.single import bar_chart, line_chart

_SIZES = tuple(
    Series(f"PR_MERGED_{size}".upper(), size, role)
    for size, role in (("Small", "first"), ("Medium", "second"), ("Large", "third"))
)
_PULLS_FOR = (
    Series("PR_MERGED_FEATURES", "For features", "first"),
    Series("PR_MERGED_BUGS", "For bugs", "second"),
    Series("PR_MERGED_OTHER", "For other work", "third"),
    Series("PR_MISSING_TICKETS", "No work item", "fourth"),
)
_TYPES = (
    Series("WORK_FEATURES_COMPLETED", "Features", "first"),
    Series("WORK_BUGS_COMPLETED", "Bugs", "second"),
    Series("WORK_OTHER_COMPLETED", "Other", "third"),
)
_REWORK = (
    Series("REWORK_PERCENT_RECENT", "Recent", "first"),
    Series("REWORK_PERCENT_LEGACY", "Legacy", "second"),
    Series("NEW_WORK_PERCENT", "New work", "third"),
)
_CYCLE = "PR_CYCLE_TIME_DAYS_AVG"
_STAGES = tuple(
    Series(f"PR_{stage}_TIME_DAYS_AVG".upper().replace(" ", "_"), stage, role)
    for stage, role in (
        ("Creation", "coding"),
        ("First review", "planning"),
        ("Approval", "review"),
        ("Merge", "deploy"),
    )
)
_WHOLE = Series(_CYCLE, "Cycle time", "ink")


PRODUCTIVITY_CHARTS = (
    Chart(
        "pull-requests-by-size",
        "Pull requests merged, by size",
        "Merged pull requests of each period by how many lines they changed; many small ones are easier to review.",
        Periods(_SIZES),
        forms.stacked(_SIZES),
    ),
    Chart(
        "pull-requests-by-work-type",
        "Pull requests merged, by work type",
        "Merged pull requests of each period by the work items that they are linked to: for a feature if one of them is one, else "
        "for a bug if one is one.",
        Periods(_PULLS_FOR),
        forms.stacked(_PULLS_FOR),
    ),
    line_chart(
        "pr-velocity",
        "PR velocity",
        "Merged pull requests per developer of the team in each period.",
        "PR_VELOCITY",
    ),
    line_chart(
        "cycle-time",
        "Cycle time",
        "From the first commit of a pull request to its merge, over those merged in the period.",
        _CYCLE,
    ),
    Chart(
        "cycle-time-stages",
        "Cycle time by stage",
        "Each bar is the mean time that pull requests spent from the first commit to the opening, then to the first review, to the "
        "approval and to the merge; the tick is their whole cycle time, the number above how many were merged. A stage is "
        "taken over those that have both its ends, so that a bar need not end at the tick.",
        Periods(_STAGES, _WHOLE, Series("PR_MERGED", "Merged")),
        forms.stacked(_STAGES, _WHOLE, counted=True),
    ),
    Chart(
        "cycle-time-scatter",
        "Cycle time of single pull requests",
        "Each dot is a merged pull request (of very many the newest), at the time of its merge; the higher, the longer from "
        "its first commit. The dashed line is the cycle time. Twice as long is everywhere as far up.",
        Events(_CYCLE),
        forms.dots(),
    ),
    Chart(
        "cycle-time-histogram",
        "How long pull requests took",
        "How many of the merged pull requests took how long from the first commit to the merge.",
        Events(_CYCLE, (4, 8, 24, 48, 72, 120, 168, 336)),
        forms.classes(),
    ),
    Chart(
        "work-completed",
        "Work completed, by type",
        "Work items completed in each period, by what the team's rule calls them.",
        Periods(_TYPES),
        forms.stacked(_TYPES),
    ),
    bar_chart(
        "coding-days",
        "Coding days",
        "Days with at least one commit, per developer who committed in the period.",
        "CODING_DAYS",
    ),
    Chart(
        "rework",
        "Rework",
        "Of every hundred changed lines how many rewrote code that changed shortly before (recent) or older code (legacy), and how "
        "many are new work; the others were deleted.",
        Periods(_REWORK),
        forms.stacked(_REWORK),
    ),
    line_chart(
        "comments-per-pr",
        "Comments per pull request",
        "Comments by humans other than the author, per merged pull request.",
        "REVIEW_COMMENTS_PER_PR_AVG",
    ),
    line_chart(
        "time-to-first-comment",
        "Time to first comment",
        "From the opening of a pull request to the first comment or review by somebody else.",
        "REVIEW_TIME_TO_FIRST_COMMENT_HRS_AVG",
    ),
    bar_chart(
        "unlinked-pull-requests",
        "Pull requests without a work item",
        "Merged pull requests of each period that are linked to no work item.",
        "PR_MISSING_TICKETS",
    ),
)
