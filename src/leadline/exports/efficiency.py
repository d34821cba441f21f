"""The kind of export for efficiency: the DORA metrics of teams, a row per team and period."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field

from leadline.db.jobs import STATES, Export
from leadline.exports import metric_rows
from leadline.exports.answers import Created, CreatedBody, ExportBody, ListBody
from leadline.exports.export_kind import Command, ExportKind, Option
from leadline.exports.models import MetricsExportRequest, Scope, SplitOptions
from leadline.exports.requests import check_identifiers, check_levels, level_of
from leadline.field_types import Name, TeamId, one_of
from leadline.home import Project
from leadline.metrics.catalogue import catalogue_of
from leadline.metrics.metric import EFFICIENCY, SERVICE, TEAM
from leadline.metrics.request import LEADING

LEVELS = (TEAM, SERVICE)
GRANULARITIES = ("WEEKLY", "MONTHLY", "QUARTERLY")
UPPER_STATES = tuple(state.upper() for state in STATES)
"""Status words as efficiency exports write them."""


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


class EfficiencyOptions(SplitOptions):
    """What a row is, over which periods, and how to aggregate and write. Values are accepted in any letter case."""

    metric_level: Annotated[str, one_of("metricLevel", LEVELS)] | None = Field(
        None,
        description="One row per team and period (`team`, the default), or per service of the scope and period (`service`): of "
        "deployments and incidents alone; what names no service is taken by its repository.",
    )
    aggregation_level: Annotated[str, one_of("aggregationLevel", LEVELS)] | None = Field(
        None, description="The older name of `metricLevel`."
    )
    granularity: Annotated[str, one_of("granularity", GRANULARITIES)] = Field(description="Length of the periods.")


class EfficiencyExportRequest(MetricsExportRequest):
    """An efficiency (DORA) export; one row per team (or service) and period. `metricGroups` and `metrics` are merged; at least
    one of the two is needed."""

    scope: EfficiencyScope
    metric_groups: list[Name] | None = metric_rows.groups_field(EFFICIENCY, "lttc", "df", "mttr", "cfr")
    metrics: list[Name] | None = metric_rows.metrics_field("LTTC_Mean_Days", "DF_Deployment_Count")
    options: EfficiencyOptions


class EfficiencyCreatedBody(CreatedBody):
    """An efficiency export was created."""

    status: str = Field(json_schema_extra={"enum": list(UPPER_STATES)})

    @classmethod
    def _members(cls, created: Created) -> dict[str, Any]:
        return {**super()._members(created), "status": created.export.state.upper()}


class EfficiencyExportBody(ExportBody):
    """One efficiency export as it is now."""

    status: str = Field(json_schema_extra={"enum": list(UPPER_STATES)})
    download_url: str | None = Field(default=None, description="As `download.url`; only while there is a file.")

    @classmethod
    def of(cls, export: Export, path: str, now: datetime) -> Self:
        """An export whose kind's collection is at ``path``, as of ``now``."""
        body = super().of(export, path, now)
        body.status = body.status.upper()
        if body.download is not None:
            body.download_url = body.download.url
        return body


class EfficiencyListBody(ListBody):
    """One page of efficiency exports."""

    entry: ClassVar[type[ExportBody]] = EfficiencyExportBody

    exports: Sequence[EfficiencyExportBody]


def check_scope(project: Project, model: Any) -> None:
    """Two names of the level must not differ, identifiers must be the key's own. Raises ``InvalidRequest`` or ``Forbidden``."""
    check_levels(model.options)
    check_identifiers(project, model.scope)


EFFICIENCY_EXPORT = ExportKind(
    name=EFFICIENCY,
    title="Efficiency (DORA)",
    about="""Rows are teams; at the level `service` they are the services of the team asked for, of which each deployment and
incident counts once, so that they add up to it; what names no service is taken by its repository. Which change a deployment
carries and whose a deployment is, is told in [DORA metrics](../guide/dora.md).

- A lead time counts in the period in which its work item was completed (its pull request merged), a deployment in that of
  its finish, an incident in that of its resolution.
- A statistic's name says which one it is: `LTTC_Mean_Days`, `LTTC_P90_Days`.""",
    model=EfficiencyExportRequest,
    check=check_scope,
    read=lambda model: metric_rows.metrics_request(
        model, model.options, EFFICIENCY, level_of(model.options) or TEAM, model.options.granularity
    ),
    notes=metric_rows.metrics_notes(EFFICIENCY),
    subject=lambda request: f"{request.level}-efficiency",
    rows=metric_rows.METRIC_ROWS,
    leading={level: LEADING[level] for level in LEVELS},
    catalogue=lambda: catalogue_of(EFFICIENCY),
    shown_first=("LTTC_MEAN_DAYS", "CFR_PERCENT"),
    command=Command(
        "Export the DORA metrics of teams to a file.\n\n"
        "Lead time for changes, deployment frequency, change failure rate, time to\n"
        "restore, their ratings. Needs a group or a metric.",
        (
            (
                "leadline export efficiency --org-tree Engineering --group summary \\",
                "  --period last-quarter -o dora.csv",
            ),
            (
                "leadline export efficiency --org-tree Engineering --group lttc,df \\",
                "  --granularity weekly --period last-month -o -",
            ),
        ),
        (
            metric_rows.groups_option("Metric group; repeatable."),
            metric_rows.METRICS_OPTION,
            Option("--level", "options.aggregationLevel", "What a row is.", LEVELS, TEAM),
            metric_rows.granularity_option(GRANULARITIES),
            metric_rows.AGGREGATION_OPTION,
            metric_rows.SPLIT_OPTION,
        ),
    ),
    one_scope=True,
    needs_columns=True,
    created="Export job created successfully",
    created_body=EfficiencyCreatedBody,
    export_body=EfficiencyExportBody,
    list_body=EfficiencyListBody,
)
