"""The export requests as declared: one pydantic model per kind of export, made of shared parts.

What the models allow is what ``requests`` accepts, and OpenAPI is generated from them. A further kind of export is a
model with its own ``options`` and groups. Fields may be null, which is as if they were left out; fields that are not
declared are accepted, ignored and reported.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from leadline.exports.fields import Day, Name, OneOf, TeamId, TreeName
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


class ProductivityOptions(RequestPart):
    """How to aggregate and write. Values are accepted in any letter case."""

    aggregation: Annotated[str, OneOf("aggregation", AGGREGATIONS)] | None = Field(
        None, description="How durations are summarized; default `mean`."
    )
    aggregation_level: Annotated[str, OneOf("aggregationLevel", LEVELS)] | None = Field(
        None, description="One row per developer or per team and period; default `developer`."
    )
    metric_level: Annotated[str, OneOf("metricLevel", LEVELS)] | None = Field(
        None, description="The newer name of `aggregationLevel`."
    )
    granularity: Annotated[str, OneOf("granularity", GRANULARITIES)] | None = Field(
        None, description="Length of the periods; default `monthly`."
    )
    format: Annotated[str, OneOf("format", FORMATS)] | None = Field(None, description="File format; default `csv`.")
    compression: Annotated[str, OneOf("compression", COMPRESSIONS)] | None = Field(
        None,
        description="`gzip` (default): sent gzipped unless the client rules it out; `none`: always sent plain. "
        "Parquet is compressed inside and sent as it is.",
    )


class ProductivityExportRequest(RequestPart):
    """A productivity export. `metricGroups` and `metrics` are merged; both absent or empty mean all metrics."""

    scope: Scope
    date_range: DateRange
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
