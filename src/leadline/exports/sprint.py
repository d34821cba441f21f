"""The kind of export for sprints: what was committed to, crept in and was delivered, a row per team and period or per sprint."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from leadline.errors import Detail, Forbidden
from leadline.exports import metric_rows
from leadline.exports.export_kind import Command, ExportKind, Option, Rows
from leadline.exports.models import MOST_NAMES, ExportRequest, FileOptions, Scope
from leadline.exports.requests import check_levels, level_of
from leadline.exports.sprint_answers import SprintCreatedBody, SprintExportBody, SprintListBody, complete
from leadline.field_types import Name, TeamId, one_of
from leadline.home import Project
from leadline.metrics.metric import TEAM
from leadline.metrics.sprint_columns import (
    GROUPS,
    LEVELS,
    MODES,
    SPRINT_COLUMNS,
    STORY_POINTS,
    SprintColumn,
    by_ids,
    select,
)
from leadline.metrics.sprint_request import GRANULARITIES, SPRINT_KEYS, SPRINT_LEADING, SprintRequest
from leadline.settings.profile import Profile

if TYPE_CHECKING:
    from leadline.metrics.run import QueryInputs


class SprintScope(Scope):
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


class SprintOptions(FileOptions):
    """What a row is, over which periods, in what is counted, and how to write. Values are accepted in any letter case."""

    computation_mode: Annotated[str, one_of("computationMode", MODES)] | None = Field(
        None, description="What work is counted in: `STORY_POINTS` (default) or `TICKETS`."
    )
    metric_level: Annotated[str, one_of("metricLevel", LEVELS)] | None = Field(
        None, description="One row per team and period (`team`, the default), or per team and sprint (`sprint`)."
    )
    aggregation_level: Annotated[str, one_of("aggregationLevel", LEVELS)] | None = Field(
        None, description="Another name of `metricLevel`."
    )
    granularity: Annotated[str, one_of("granularity", GRANULARITIES)] = Field(
        description="Length of the periods; `SPRINT`: sprints that share their first and last day are one."
    )


class SprintExportRequest(ExportRequest):
    """An export of sprints that ended in the range. `metricGroups`, `metrics` and `metric` are merged; all absent or empty mean all
    columns."""

    scope: SprintScope
    metric_groups: list[Name] | None = Field(
        None,
        max_length=MOST_NAMES,
        description=f"Any of {', '.join(f'`{group}`' for group in GROUPS)}, in any letter case.",
        examples=[["work", "delivery", "analysis"]],
    )
    metrics: list[Name] | None = metric_rows.metrics_field("Sprint_Commit", "Total_Work_Delivered")
    metric: list[Name] | None = Field(None, max_length=MOST_NAMES, description="Another name of `metrics`.")
    options: SprintOptions


def _check(project: Project, model: SprintExportRequest) -> None:
    """Identifiers repeated in the scope must be the key's own; two names of the level must not differ. Raises ``Forbidden`` or
    ``InvalidRequest``."""
    check_levels(model.options)
    named = {"orgIdentifier": model.scope.org_identifier, "projectIdentifier": model.scope.project_identifier}
    own = {"orgIdentifier": project.organization, "projectIdentifier": project.name}
    # One left empty counts as missing, as in the query.
    if wrong := [name for name, value in named.items() if value and value != own[name]]:
        message = "is not the one that this API key belongs to"
        raise Forbidden("Insufficient permissions", details=[Detail(f"scope.{name}", message) for name in wrong])


def _read(model: SprintExportRequest) -> Callable[..., SprintRequest]:
    options = model.options
    level = level_of(options) or TEAM
    columns = select(model.metric_groups or (), [*(model.metrics or ()), *(model.metric or ())], level)
    return partial(
        SprintRequest,
        metrics=tuple(column.id for column in columns),
        level=level,
        granularity=options.granularity.lower(),
        mode=(options.computation_mode or STORY_POINTS).upper(),
    )


def _tables(project: Project, request: SprintRequest) -> Collection[str]:
    from leadline.facts.item_ownership import needed
    from leadline.facts.policy import BUILD_POLICY
    from leadline.materialize.session import sources_of

    return sources_of(project, project.profile(request.tree), BUILD_POLICY, needed)


def _query(inputs: QueryInputs[SprintRequest]) -> str:
    from leadline.metrics.sprint_query import sprint_query

    return sprint_query(inputs)


def _sized(inputs: QueryInputs[SprintRequest], check: Callable[[int], None]) -> str:
    from leadline.metrics.sprint_query import sprint_query

    return sprint_query(inputs, sized=True, check=check)


def _columns(_profile: Profile, request: SprintRequest | None) -> Sequence[SprintColumn]:
    return SPRINT_COLUMNS if request is None else by_ids(request.metrics)


def _lower(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.lower() for name in names)


SPRINT_EXPORT = ExportKind(
    name="sprint",
    title="Sprints",
    about="""Rows are teams, over periods or (`SPRINT`) over sprints that share their first and last day, or at the level `sprint`
teams and single sprints. A sprint counts in the period in which it ended; one that has not ended counts nowhere. What an item was
at its start and at its end follows from its history; [Sprints](../guide/sprints.md) tells how, with an example.

- `STORY_POINTS` counts items by their estimates, `TICKETS` each as 1.
- `Sprint_Commit` = `Delivered_Commit` + `Missed_Commit` + `Removed_Commit`; `Sprint_Creep` = `Delivered_Creep` + `Missed_Creep`.
- A ratio over nothing is empty.""",
    model=SprintExportRequest,
    check=_check,
    read=_read,
    subject=lambda _request: "sprint-insights",
    named_scope=True,
    rows=Rows(SprintRequest.of, _tables, _query, lambda request: SPRINT_KEYS[request.level], _sized),
    leading=SPRINT_LEADING,
    catalogue=lambda: SPRINT_COLUMNS,
    columns=_columns,
    shown_first=("SPRINT_COMMIT", "TOTAL_WORK_DELIVERED"),
    command=Command(
        "Export what sprints planned and delivered to a file.\n\n"
        "Commitment, creep, delivery, churn and predictability of the sprints that\n"
        "ended in the range, in story points or tickets.",
        (
            (
                "leadline export sprint --org-tree Engineering \\",
                "  --period last-quarter -o sprints.csv",
            ),
            (
                "leadline export sprint --org-tree Engineering --level sprint \\",
                "  --granularity sprint --mode tickets --period last-quarter -o -",
            ),
        ),
        (
            metric_rows.groups_option("Metric group; repeatable [default: all metrics]."),
            metric_rows.METRICS_OPTION,
            Option("--level", "options.aggregationLevel", "What a row is.", LEVELS, TEAM),
            metric_rows.granularity_option(GRANULARITIES),
            Option(
                "--mode", "options.computationMode", "What work is counted in.", _lower(MODES), STORY_POINTS.lower()
            ),
        ),
    ),
    one_scope=True,
    also_called=("sprints",),
    complete=complete,
    created_body=SprintCreatedBody,
    export_body=SprintExportBody,
    list_body=SprintListBody,
)
