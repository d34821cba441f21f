"""The requests as declared: one pydantic model per kind of export, and that of reports, made of shared parts.

What the models allow is what ``requests`` and ``reports`` accept, and OpenAPI is generated from them. A further kind of
export is a model with its own ``options`` and groups. Fields may be null, which is as if they were left out; fields that
are not declared are accepted, ignored and reported.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from leadline.field_types import Day, Name, TeamId, TreeName, one_of
from leadline.metrics.request import AGGREGATIONS, FORMATS, GRANULARITIES, LEVELS

COMPRESSIONS = ("gzip", "none")
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


class Options(RequestPart):
    """What every kind of export has to say how to aggregate and write. Values are accepted in any letter case."""

    aggregation: Annotated[str, one_of("aggregation", AGGREGATIONS)] | None = Field(
        None, description="How durations are summarized; default `mean`."
    )
    format: Annotated[str, one_of("format", FORMATS)] | None = Field(None, description="File format; default `csv`.")
    compression: Annotated[str, one_of("compression", COMPRESSIONS)] | None = Field(
        None,
        description="`gzip` (default): sent gzipped unless the client rules it out; `none`: always sent plain. "
        "Parquet is compressed inside and sent as it is.",
    )


class ExportRequest(RequestPart):
    """What every kind of export has: what, when, and which metrics. `metricGroups` and `metrics` are merged."""

    scope: Scope
    date_range: DateRange
    metric_groups: list[Name] | None = Field(None, max_length=MOST_NAMES)
    metrics: list[Name] | None = Field(None, max_length=MOST_NAMES)


# -- productivity ------------------------------------------------------------------------------------------------------


class ProductivityOptions(Options):
    """How to aggregate and write. Values are accepted in any letter case."""

    aggregation_level: Annotated[str, one_of("aggregationLevel", LEVELS)] | None = Field(
        None, description="One row per developer or per team and period; default `developer`."
    )
    metric_level: Annotated[str, one_of("metricLevel", LEVELS)] | None = Field(
        None, description="The newer name of `aggregationLevel`."
    )
    granularity: Annotated[str, one_of("granularity", GRANULARITIES)] | None = Field(
        None, description="Length of the periods; default `monthly`."
    )


class ProductivityExportRequest(ExportRequest):
    """A productivity export. `metricGroups` and `metrics` are merged; both absent or empty mean all metrics."""

    metric_groups: list[Name] | None = Field(
        None,
        max_length=MOST_NAMES,
        description="Any of `activity`, `velocity`, `volume`, `quality`, `collaboration`, in any letter case.",
        examples=[["activity", "velocity"]],
    )
    metrics: list[Name] | None = Field(
        None,
        max_length=MOST_NAMES,
        description="Names from the catalogue, in any letter case.",
        examples=[["PR_Merged", "Work_Completed"]],
    )
    options: ProductivityOptions | None = None


# -- efficiency --------------------------------------------------------------------------------------------------------


class EfficiencyScope(Scope):
    """What to export: a team with all teams below it, or an org tree; one of the two, not both."""

    team_id: TeamId | None = Field(
        None, description="A team by its numeric ref id or its key.", examples=["456", "team_abc123"]
    )
    org_identifier: Name | None = Field(
        None, description="The organization that the API key belongs to; may repeat the query parameter."
    )
    project_identifier: Name | None = Field(
        None, description="The project that the API key belongs to; may repeat the query parameter."
    )


class EfficiencyOptions(Options):
    """Over which periods, and how to aggregate and write. Values are accepted in any letter case."""

    granularity: Annotated[str, one_of("granularity", ("WEEKLY", "MONTHLY", "QUARTERLY"))] = Field(
        description="Length of the periods."
    )


class EfficiencyExportRequest(ExportRequest):
    """An efficiency (DORA) export; one row per team and period. `metricGroups` and `metrics` are merged; at least one of
    the two is needed."""

    scope: EfficiencyScope
    metric_groups: list[Name] | None = Field(
        None,
        max_length=MOST_NAMES,
        description="Any of `lttc`, `work_items`, `df` (or `deployment_frequency`), `cfr`, `mttr`, `rating`, `summary`, "
        "in any letter case.",
        examples=[["lttc", "df", "mttr", "cfr"]],
    )
    metrics: list[Name] | None = Field(
        None,
        max_length=MOST_NAMES,
        description="Names from the catalogue, in any letter case.",
        examples=[["LTTC_Mean_Days", "DF_Deployment_Count"]],
    )
    options: EfficiencyOptions


# -- reports -----------------------------------------------------------------------------------------------------------


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
