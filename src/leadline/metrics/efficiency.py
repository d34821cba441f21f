"""The efficiency (DORA) metrics, in the order of the file's columns: declarations and nothing else. Rows are teams."""

from __future__ import annotations

from typing import Any

from leadline.metrics.measures import (
    PERIOD_DAYS,
    UNIT_DAYS,
    Associations,
    Deployments,
    Failures,
    Incidents,
    Lead,
    Measure,
)
from leadline.metrics.metric import DAY_US, EFFICIENCY, Count, Formula, Metric, Overall, Rating, Ratio, Statistic, Sum

_ITEMS = ("work_items", "work_item_changes")
_WORK = (*_ITEMS, "pull_requests", "pull_request_commits", "commits")
_STAGES: tuple[tuple[str, Measure, str, tuple[str, ...]], ...] = (
    ("Planning", Lead.planning, "a work item being created and work on it starting", ()),
    (
        "Coding",
        Lead.coding,
        "work on a work item starting and its first commit (pull requests: the first commit and the opening)",
        (),
    ),
    ("Review", Lead.review, "the first commit and the last merge (pull requests: the opening and the merge)", ()),
    ("Build", Lead.build, "the merge and the end of its last build", ("builds",)),
    (
        "Deploy",
        Lead.deploy,
        "the end of the build (or the merge) and the first successful production deployment with the merge",
        ("builds", "deployments", "releases"),
    ),
)
_LEAD = Statistic(Lead.lead, DAY_US)
_LEAD_RATING = Rating(_LEAD, "lead_time")
_PER_DAY = Ratio(Deployments.succeeded, over=PERIOD_DAYS, zero=True)
_FREQUENCY = Rating(_PER_DAY, "deployment_frequency", most=True, known=Deployments.FACT)
_FAILURE = Ratio(Failures.deployments, over=Deployments.finished, factor=100)
_RESTORE = Statistic(Incidents.restore, DAY_US)
_RATED = (
    ("LTTC", "lead time for changes", (*_WORK, "builds", "deployments", "releases"), _LEAD_RATING),
    ("DF", "deployment frequency", ("deployments", "releases"), _FREQUENCY),
    (
        "CFR",
        "change failure rate",
        ("deployments", "releases", "incidents", "work_items"),
        Rating(_FAILURE, "change_failure_rate"),
    ),
    ("MTTR", "time to restore", ("incidents", "work_items"), Rating(_RESTORE, "time_to_restore")),
)


def overall(lead_time: Rating) -> Overall:
    """The overall rating with that of lead time as given."""
    return Overall((lead_time, *(rating for _, _, _, rating in _RATED if rating is not _LEAD_RATING)))


_SUMMARY = ("summary",)


def _dora(
    column: str, group: str, unit: str, definition: str, sources: tuple[str, ...], formula: Formula, **more: Any
) -> Metric:
    return Metric(column, group, unit, definition, sources, None, formula, insight=EFFICIENCY, **more)


EFFICIENCY_METRICS: tuple[Metric, ...] = (
    *(
        _dora(
            f"{stage}_Mean_Days",
            "lttc",
            "days",
            f"Time between {between}.",
            (*_WORK, *sources),
            Statistic(measure, DAY_US),
            aliases=(stage.upper(),),
            title=f"{stage} time",
            better="lower",
        )
        for stage, measure, between, sources in _STAGES
    ),
    _dora(
        "LTTC_Mean_Days",
        "lttc",
        "days",
        "Lead time for changes: the sum of the enabled stages that have a value, over work completed in the period.",
        (*_WORK, "builds", "deployments", "releases"),
        _LEAD,
        also_in=_SUMMARY,
        aliases=("LTTC",),
        title="Lead time for changes",
        better="lower",
    ),
    _dora("Total_Work_Items", "work_items", "count", "Completed work items.", _ITEMS, Sum(Associations.completed)),
    _dora(
        "PR_Associations",
        "work_items",
        "count",
        "Completed work items with at least one linked pull request.",
        _WORK,
        Sum(Associations.linked),
        title="Work items with a pull request",
    ),
    _dora(
        "Percentage_PR_Associated",
        "work_items",
        "%",
        "Completed work items with at least one linked pull request, in percent of all.",
        _WORK,
        Ratio(Associations.linked, over=Associations.completed, factor=100),
        title="Share of work items with a pull request",
        better="higher",
    ),
    *(
        _dora(
            f"{stage}_Items",
            "lttc_items",
            "count",
            f"How many units of work {stage}_Mean_Days is taken of.",
            (*_WORK, *sources),
            Count(measure),
        )
        for stage, measure, _, sources in _STAGES
    ),
    _dora(
        "LTTC_Items",
        "lttc_items",
        "count",
        "How many units of work LTTC_Mean_Days is taken of.",
        (*_WORK, "builds", "deployments", "releases"),
        Count(Lead.lead),
        title="Items of lead time",
    ),
    _dora(
        "DF_Deployment_Count",
        "df",
        "count",
        "Successful production deployments; a run that deploys several services counts once for each.",
        ("deployments", "releases"),
        Sum(Deployments.succeeded),
        also_in=_SUMMARY,
        aliases=("DF", "DEPLOYMENT_COUNT"),
        title="Deployments",
        better="higher",
    ),
    _dora(
        "Deployment_Frequency",
        "df",
        "deployments/unit",
        "Successful production deployments per unit of granularity (20 by weeks: 20 per week), also where the period is cut "
        "or not over yet.",
        ("deployments", "releases"),
        Ratio(Deployments.succeeded, over=PERIOD_DAYS, factor=UNIT_DAYS, zero=True),
        better="higher",
    ),
    _dora(
        "Total_Success",
        "cfr",
        "count",
        "Production deployments that did not fail.",
        ("deployments", "releases", "incidents", "work_items"),
        Sum(Deployments.finished, less=Failures.deployments),
        title="Deployments that did not fail",
    ),
    _dora(
        "Total_Failures",
        "cfr",
        "count",
        "Production deployments that failed, were rolled back or caused an incident (by the setting cfr.source).",
        ("deployments", "releases", "incidents", "work_items"),
        Sum(Failures.deployments),
        title="Deployments that failed",
        better="lower",
    ),
    _dora(
        "CFR_Percent",
        "cfr",
        "%",
        "Change failure rate: failed production deployments in percent of all that finished.",
        ("deployments", "releases", "incidents", "work_items"),
        _FAILURE,
        also_in=_SUMMARY,
        aliases=("CFR",),
        title="Change failure rate",
        better="lower",
    ),
    _dora(
        "MTTR_Mean_Days",
        "mttr",
        "days",
        "Time to restore: from an incident's creation to its resolution, over incidents resolved in the period.",
        ("incidents", "work_items"),
        _RESTORE,
        also_in=_SUMMARY,
        aliases=("MTTR",),
        title="Time to restore",
        better="lower",
    ),
    _dora(
        "Incident_Count",
        "mttr",
        "count",
        "Incidents resolved in the period.",
        ("incidents", "work_items"),
        Sum(Incidents.resolved),
        title="Incidents resolved",
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
            title=f"Rating of {what}",
        )
        for name, what, sources, rating in _RATED
    ),
    _dora(
        "Overall_Rating",
        "rating",
        "rating",
        "The rounded mean of the four ratings, over those that have a value; half rounds down. Empty with fewer than two.",
        tuple(dict.fromkeys(source for _, _, sources, _ in _RATED for source in sources)),
        overall(_LEAD_RATING),
        also_in=_SUMMARY,
    ),
)
