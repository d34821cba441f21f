"""The efficiency (DORA) metrics, in the order of the file's columns: declarations and nothing else. Rows are teams."""

from __future__ import annotations

from typing import Any

from leadline.metrics.metric import DAY_US, EFFICIENCY, Formula, Metric, Overall, Rating, Ratio, Statistic, Sum

_ITEMS = ("work_items", "work_item_changes")
_STAGES = {
    "planning": "a work item being created and work on it starting",
    "coding": "work on a work item starting and its first commit (pull requests: the first commit and the opening)",
    "review": "the first commit and the last merge (pull requests: the opening and the merge)",
    "build": "the merge and the end of its last build",
    "deploy": "the end of the build (or the merge) and the first successful production deployment with the merge",
}
_WORK = (*_ITEMS, "pull_requests", "pull_request_commits", "commits")
_LEAD = Statistic("lead.lead", DAY_US)
_FREQUENCY = Ratio("deployments.succeeded", over="period.days", zero=True)
_FAILURE = Ratio("failures.deployments", over="deployments.finished", factor=100)
_RESTORE = Statistic("incidents.restore", DAY_US)
_RATED = (
    ("LTTC", "lead time for changes", (*_WORK, "builds", "deployments"), Rating(_LEAD, "lead_time")),
    ("DF", "deployment frequency", ("deployments",), Rating(_FREQUENCY, "deployment_frequency", most=True)),
    ("CFR", "change failure rate", ("deployments", "incidents"), Rating(_FAILURE, "change_failure_rate")),
    ("MTTR", "time to restore", ("incidents",), Rating(_RESTORE, "time_to_restore")),
)
_SUMMARY = ("summary",)


def _dora(
    column: str, group: str, unit: str, definition: str, sources: tuple[str, ...], formula: Formula, **more: Any
) -> Metric:
    return Metric(column, group, unit, definition, sources, None, formula, insight=EFFICIENCY, **more)


EFFICIENCY_METRICS: tuple[Metric, ...] = (
    *(
        _dora(
            f"{stage.capitalize()}_Mean_Days",
            "lttc",
            "days",
            f"Time between {between}.",
            (*_WORK, *{"build": ("builds",), "deploy": ("builds", "deployments")}.get(stage, ())),
            Statistic(f"lead.{stage}", DAY_US),
            aliases=(stage.upper(),),
        )
        for stage, between in _STAGES.items()
    ),
    _dora(
        "LTTC_Mean_Days",
        "lttc",
        "days",
        "Lead time for changes: the sum of the enabled stages that have a value, over work completed in the period.",
        (*_WORK, "builds", "deployments"),
        _LEAD,
        also_in=_SUMMARY,
        aliases=("LTTC",),
    ),
    _dora("Total_Work_Items", "work_items", "count", "Completed work items.", _ITEMS, Sum("associations.completed")),
    _dora(
        "PR_Associations",
        "work_items",
        "count",
        "Completed work items with at least one linked pull request.",
        _WORK,
        Sum("associations.linked"),
    ),
    _dora(
        "Percentage_PR_Associated",
        "work_items",
        "%",
        "Completed work items with at least one linked pull request, in percent of all.",
        _WORK,
        Ratio("associations.linked", over="associations.completed", factor=100),
    ),
    _dora(
        "DF_Deployment_Count",
        "df",
        "count",
        "Successful production deployments; a run that deploys several services counts once for each.",
        ("deployments",),
        Sum("deployments.succeeded"),
        also_in=_SUMMARY,
        aliases=("DF", "DEPLOYMENT_COUNT"),
    ),
    _dora(
        "Deployment_Frequency",
        "df",
        "deployments/day",
        "Successful production deployments per day of the period.",
        ("deployments",),
        _FREQUENCY,
    ),
    _dora(
        "Total_Success",
        "cfr",
        "count",
        "Production deployments that did not fail.",
        ("deployments", "incidents"),
        Sum("deployments.finished", less="failures.deployments"),
    ),
    _dora(
        "Total_Failures",
        "cfr",
        "count",
        "Production deployments that failed, were rolled back or caused an incident (by the setting cfr.source).",
        ("deployments", "incidents"),
        Sum("failures.deployments"),
    ),
    _dora(
        "CFR_Percent",
        "cfr",
        "%",
        "Change failure rate: failed production deployments in percent of all that finished.",
        ("deployments", "incidents"),
        _FAILURE,
        also_in=_SUMMARY,
        aliases=("CFR",),
    ),
    _dora(
        "MTTR_Mean_Days",
        "mttr",
        "days",
        "Time to restore: from an incident's creation to its resolution, over incidents resolved in the period.",
        ("incidents",),
        _RESTORE,
        also_in=_SUMMARY,
        aliases=("MTTR",),
    ),
    _dora(
        "Incident_Count",
        "mttr",
        "count",
        "Incidents resolved in the period.",
        ("incidents",),
        Sum("incidents.resolved"),
    ),
    *(
        _dora(
            f"{name}_Rating",
            "rating",
            "rating",
            f"Elite, High, Medium or Low by the {what} (bounds: settings ratings.{rating.bands}).",
            sources,
            rating,
            also_in=_SUMMARY,
        )
        for name, what, sources, rating in _RATED
    ),
    _dora(
        "Overall_Rating",
        "rating",
        "rating",
        "The rounded mean of the four ratings, over those that have a value; half rounds down.",
        tuple(dict.fromkeys(source for _, _, sources, _ in _RATED for source in sources)),
        Overall(tuple(rating for _, _, _, rating in _RATED)),
        also_in=_SUMMARY,
    ),
)
