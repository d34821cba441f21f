"""The metrics of reports (http-api, "Legacy reports"), as data: each is a cell of the catalogue over the whole range, or
two of them divided, per unit of time where it is a rate.

``chosen`` picks the metrics that a request asks for. ``REPORT_COMPONENTS`` are what the division needs
and no export shows; they are computed by the same query as the catalogue's metrics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from leadline.metrics.commit_days import CommitDays
from leadline.metrics.efficiency import overall
from leadline.metrics.measures import Lead, PullRequests
from leadline.metrics.metric import DAY_US, DEVELOPER, TEAM, Formula, Metric, Rating, Statistic, Sum, unknown

PEOPLE = "people"
"""As a divisor: the distinct developers of the team."""


def _part(column: str, unit: str, definition: str, source: str, formula: Formula) -> Metric:
    return Metric(column, "reports", unit, definition, (source,), formula, formula)


_DELIVERY = Statistic(Lead.delivery, DAY_US)
_DELIVERY_RATING = Rating(_DELIVERY, "lead_time")

REPORT_COMPONENTS: tuple[Metric, ...] = (
    _part(
        "Report_Coding_Days", "days", "Coding days, summed over the developers.", "commits", Sum(CommitDays.coding_days)
    ),
    _part(
        "Report_Active_Developers",
        "count",
        "Developers with at least one credited commit.",
        "commits",
        Sum(CommitDays.active_developers),
    ),
    _part(
        "Report_Lines",
        "lines",
        "Added and deleted lines of merged pull requests.",
        "pull_requests",
        Sum(PullRequests.lines),
    ),
    _part(
        "Report_First_Comment",
        "days",
        "Time to the first comment or review.",
        "pull_requests",
        Statistic(PullRequests.first_comment, DAY_US),
    ),
    _part("Report_Lead_Time", "days", "Time from the first commit to the deployment.", "deployments", _DELIVERY),
    _part("Report_LTTC_Rating", "rating", "The rating of Report_Lead_Time.", "deployments", _DELIVERY_RATING),
    _part(
        "Report_Overall_Rating",
        "rating",
        "The overall rating, with that of Report_Lead_Time.",
        "deployments",
        overall(_DELIVERY_RATING),
    ),
)
_OF_STAGES = {
    "REPORT_LEAD_TIME": "LTTC_MEAN_DAYS",
    "REPORT_LTTC_RATING": "LTTC_RATING",
    "REPORT_OVERALL_RATING": "OVERALL_RATING",
}
"""What stands for a part where the setting reports.lead_time is `stages`."""


@dataclass(frozen=True)
class ReportMetric:
    """One column: ``value`` is the id of a metric or part. If there is ``over`` (a part's id, or ``PEOPLE``), it is
    divided by that: over nothing empty or, if ``zero``, 0. ``per_unit`` divides by the units of time in the range.
    ``rating`` is the id of the metric that rates it."""

    name: str
    unit: str
    definition: str
    value: str
    over: str | None = None
    per_unit: bool = False
    zero: bool = False
    rating: str | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """The metrics and parts that it is made of, its rating's too."""
        return tuple(
            metric_id
            for metric_id in (self.value, self.over, self.rating)
            if metric_id is not None and metric_id != PEOPLE
        )

    def under(self, lead_time: str) -> ReportMetric:
        """As it is computed where the setting reports.lead_time is ``lead_time``."""
        if lead_time != "stages":
            return self
        rating = self.rating and _OF_STAGES.get(self.rating, self.rating)
        return replace(self, value=_OF_STAGES.get(self.value, self.value), rating=rating)


@dataclass(frozen=True)
class Section:
    """The part of a report that one field of its request asks for; ``export`` is the kind of export that has the same
    numbers."""

    field: str
    level: str
    export: str
    metrics: tuple[ReportMetric, ...]


_EFFICIENCY = (
    ReportMetric(
        "LEAD_TIME_FOR_CHANGES",
        "days",
        "time from the first commit to the production deployment, over the work completed in the range that has both (setting "
        "reports.lead_time: `stages` for the sum of the stages, as in exports)",
        "REPORT_LEAD_TIME",
        rating="REPORT_LTTC_RATING",
    ),
    ReportMetric(
        "DEPLOYMENT_FREQUENCY",
        "deployments per unit",
        "successful production deployments",
        "DF_DEPLOYMENT_COUNT",
        per_unit=True,
        rating="DF_RATING",
    ),
    ReportMetric(
        "CHANGE_FAILURE_RATE",
        "%",
        "failed production deployments in percent of all that finished",
        "CFR_PERCENT",
        rating="CFR_RATING",
    ),
    ReportMetric(
        "MEAN_TIME_TO_RESTORE",
        "days",
        "time from an incident's creation to its resolution, over incidents resolved in the range",
        "MTTR_MEAN_DAYS",
        rating="MTTR_RATING",
    ),
    ReportMetric("OVERALL_DORA", "rating", "the rounded mean of the four ratings", "REPORT_OVERALL_RATING"),
)

_SHARED = (
    ReportMetric(
        "TIME_TO_FIRST_COMMENT",
        "days",
        "mean time from a merged pull request being opened to its first comment or review",
        "REPORT_FIRST_COMMENT",
    ),
    ReportMetric(
        "NUMBER_OF_COMMENTS_PER_PR", "count", "mean comments per merged pull request", "REVIEW_COMMENTS_PER_PR_AVG"
    ),
    ReportMetric(
        "AVG_TIME_TO_COMPLETE", "days", "mean time in which completed work items were completed", "AVG_TIME_TO_COMPLETE"
    ),
)

_PRODUCTIVITY = (
    ReportMetric(
        "PR_VELOCITY_PER_DEV",
        "lines per developer and unit",
        "added and deleted lines of merged pull requests, by the developers of the team",
        "REPORT_LINES",
        over=PEOPLE,
        per_unit=True,
        zero=True,
    ),
    ReportMetric(
        "CODING_DAYS_PER_DEV",
        "days per developer and unit",
        "coding days, by the developers with at least one commit in the range",
        "REPORT_CODING_DAYS",
        over="REPORT_ACTIVE_DEVELOPERS",
        per_unit=True,
    ),
    ReportMetric(
        "WORKTYPE_COMPLETED_PER_DEV",
        "work items per developer and unit",
        "completed work items, by the developers of the team",
        "WORK_COMPLETED",
        over=PEOPLE,
        per_unit=True,
        zero=True,
    ),
    *_SHARED,
)

_CONTRIBUTORS = (
    ReportMetric(
        "PR_VELOCITY",
        "lines per unit",
        "added and deleted lines of the developer's merged pull requests",
        "REPORT_LINES",
        per_unit=True,
    ),
    ReportMetric("CODING_DAYS", "days per unit", "the developer's coding days", "REPORT_CODING_DAYS", per_unit=True),
    ReportMetric(
        "WORK_TYPE_COMPLETED",
        "work items per unit",
        "work items the developer completed",
        "WORK_COMPLETED",
        per_unit=True,
    ),
    *_SHARED,
    ReportMetric(
        "NO_OF_PRS_WITH_MISSING_TICKETS", "count", "merged pull requests linked to no work item", "PR_MISSING_TICKETS"
    ),
)

SECTIONS: Mapping[str, Section] = {
    section.field: section
    for section in (
        Section("efficiency", TEAM, "efficiency", _EFFICIENCY),
        Section("productivity", TEAM, "productivity", _PRODUCTIVITY),
        Section("productivityContributors", DEVELOPER, "productivity", _CONTRIBUTORS),
    )
}
"""The sections a report may have, in the order of their columns."""


def chosen(section: Section, names: Sequence[str]) -> tuple[ReportMetric, ...]:
    """The section's metrics called ``names`` (any case) in the declared order; all without any.

    Raises ``InvalidRequest`` (``unknown_metric``) with the nearest names.
    """
    metrics = {metric.name: metric for metric in section.metrics}
    wanted = set()
    for name in names:
        upper = name.strip().upper()
        if upper not in metrics:
            raise unknown("metric", name, list(metrics), f"{section.field}.metrics")
        wanted.add(upper)
    return tuple(metric for name, metric in metrics.items() if not wanted or name in wanted)
