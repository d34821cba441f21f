"""Requests as declared: the parts that kinds of exports share, and the request of reports.

Null is as if the field was left out; fields that are not declared are accepted, ignored and reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, model_validator
from pydantic.alias_generators import to_camel

from leadline.field_types import Day, Name, TeamId, TreeName, one_of, refusal, shown
from leadline.field_types import Field as Checked
from leadline.metrics.relative_range import EXAMPLES, MOST, RelativeDays, RelativeRange
from leadline.metrics.request import AGGREGATIONS, FORMATS

COMPRESSIONS = ("gzip", "none")
SPLITS = ("ai",)
"""By what rows of metrics can be split."""
MOST_NAMES = 1000


class RequestPart(BaseModel):
    """A JSON object with camelCase keys."""

    model_config = ConfigDict(extra="allow", alias_generator=to_camel, strict=True, frozen=True)


class Scope(RequestPart):
    """What to export: an org tree, or one team of it with all teams below. At least one of the two is needed."""

    org_tree_name: TreeName | None = Field(None, description="An org tree by its name.", examples=["Engineering"])
    team_id: TeamId | None = Field(
        None,
        description="A team by its numeric ref id or its key; alone, or with the tree it belongs to.",
        examples=["456", "team_abc123"],
    )


class DateRange(RequestPart):
    """The days to export, both inclusive."""

    start: Day = Field(description="First day (yyyy-MM-dd).", examples=["2024-01-01"])
    end: Day = Field(description="Last day (yyyy-MM-dd).", examples=["2024-12-31"])


def _count(value: Any) -> int:
    if type(value) is not int or not 1 <= value <= MOST["day"]:
        raise refusal("wrong_type", f"must be a whole number from 1 on, not {shown(value)}")
    return value


class RelativeDateRange(RequestPart):
    """The days to export by their distance from today, in the project's time zone."""

    period: RelativeDays = Field(
        description="Whole days, ISO weeks, calendar months, quarters or years that are over (`last-month`, `last-4-weeks`), or "
        "the one that is not, up to today (`this-quarter`). In any letter case; `previous` is `last`, `month-to-date` is "
        "`this-month`.",
        examples=list(EXAMPLES),
    )
    count: Annotated[int, Checked(_count, {"type": "integer", "minimum": 1})] | None = Field(
        None, description="How many of them, of one that is over: `last-month` and 3 are `last-3-months`; 1 by default."
    )

    @model_validator(mode="after")
    def _can_be_counted(self) -> RelativeDateRange:
        if self.count is not None and self.period.several(self.count) is None:
            raise refusal(
                "invalid_period",
                f"Invalid count: {self.count}; one period that is over can be counted, up to ten years",
            )
        return self

    @property
    def relative(self) -> RelativeRange:
        """The range that is meant."""
        return self.period.several(self.count or 1) or self.period


def _days_or_period(value: Any) -> DateRange | RelativeDateRange:
    # Not tried one after the other, whose findings would be those of both.
    if not isinstance(value, Mapping) or value.get("period") is None:
        return DateRange.model_validate(value)
    if said := [name for name in ("start", "end") if value.get(name) is not None]:
        sentence = f"dateRange.period cannot be combined with {' and '.join(said)}; leave one out"
        raise refusal("conflicting_date_range", sentence)
    return RelativeDateRange.model_validate(value)


DaysOrPeriod = Annotated[
    DateRange | RelativeDateRange,
    PlainValidator(_days_or_period, json_schema_input_type=DateRange | RelativeDateRange),
]
"""A range by its days, or by its distance from today."""


class AggregationOption(RequestPart):
    """How durations are summarized."""

    aggregation: Annotated[str, one_of("aggregation", AGGREGATIONS)] | None = Field(
        None, description="How durations are summarized; default `mean`."
    )


class FileOptions(RequestPart):
    """How every kind of export writes its file. Values are accepted in any letter case."""

    format: Annotated[str, one_of("format", FORMATS)] | None = Field(None, description="File format; default `csv`.")
    compression: Annotated[str, one_of("compression", COMPRESSIONS)] | None = Field(
        None,
        description="`gzip` (default): sent gzipped unless the client rules it out; `none`: always sent plain. "
        "Parquet is compressed inside and sent as it is.",
    )
    since: Name | None = Field(
        None,
        description="Only rows that differ from those on earlier versions, with the last column `_change` (`insert`, `update`, "
        "`delete`): the versions that a completed export of the same kind read, by its `exportId`, or those that were the newest "
        "at an instant (RFC 3339).",
        examples=["exp_d21c673a23b28710783d", "2026-11-01T06:00:00Z"],
    )


class MetricOptions(FileOptions, AggregationOption):
    """How exports of metrics aggregate and write. Values are accepted in any letter case."""


class SplitOptions(MetricOptions):
    """How exports of metrics whose rows can be split aggregate and write. Values are accepted in any letter case."""

    split_by: Annotated[str, one_of("splitBy", SPLITS)] | None = Field(
        None,
        description="`ai`: each row thrice, with a column `AI`: of what AI tools had part in (`assisted`), of what they had not "
        "(`none`), and of `all`; `Small` is true for fewer than 5 merged pull requests. Not at the level `service`.",
    )


class ExportRequest(RequestPart):
    """What every kind of export has: of whom, and when. The kind adds ``options``, a ``FileOptions``, which may be
    absent."""

    scope: Scope
    date_range: DaysOrPeriod


class MetricsExportRequest(ExportRequest):
    """What exports of metrics have: `metricGroups` and `metrics` are merged."""

    metric_groups: list[Name] | None = Field(None, max_length=MOST_NAMES)
    metrics: list[Name] | None = Field(None, max_length=MOST_NAMES)


class ReportMetrics(RequestPart):
    """Which metrics a report shows."""

    metrics: list[Name] = Field(
        max_length=MOST_NAMES,
        description="Names of the report's metrics, in any letter case; an empty list means all.",
        examples=[["PR_VELOCITY_PER_DEV", "CODING_DAYS_PER_DEV"]],
    )


class ReportEfficiency(ReportMetrics):
    """Which efficiency metrics a report shows, and which statistic of them."""

    metrics: list[Name] = Field(
        max_length=MOST_NAMES,
        description="Names of the report's metrics, in any letter case; an empty list means all.",
        examples=[["LEAD_TIME_FOR_CHANGES", "DEPLOYMENT_FREQUENCY"]],
    )
    calculation_type: Annotated[str, one_of("calculationType", tuple(name.upper() for name in AGGREGATIONS))] | None = (
        Field(None, description="How durations are summarized; default `MEAN`.")
    )


class ReportRequest(RequestPart):
    """A report over a range of days as a whole: one row per team or, with `productivityContributors`, per developer. At
    least one of `efficiency`, `productivity` and `productivityContributors` is needed; the last stands alone."""

    date_start: Day = Field(description="First day (yyyy-MM-dd).", examples=["2024-01-01"])
    date_end: Day = Field(description="Last day (yyyy-MM-dd), inclusive.", examples=["2024-12-31"])
    team_ref_id: TeamId | None = Field(
        None,
        description="A team by its ref id or key, with all teams below it. Without it and without `collectionId` the "
        "report has every team of the project.",
        examples=[123],
    )
    collection_id: TeamId | None = Field(None, description="Another name of `teamRefId`.", examples=["123"])
    granularity: Annotated[str, one_of("granularity", ("daily", "weekly", "monthly"))] | None = Field(
        None, description="The unit of time that rates are per; default `weekly`."
    )
    efficiency: ReportEfficiency | None = None
    productivity: ReportMetrics | None = None
    productivity_contributors: ReportMetrics | None = None
    include_ratings: bool | None = Field(
        None, description="Adds a column with the rating after each metric that is rated."
    )
