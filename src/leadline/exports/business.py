"""The kind of export for business alignment: what the completed work of teams or developers was for, by categories."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from leadline.exports import metric_rows
from leadline.exports.efficiency import (
    GRANULARITIES,
    EfficiencyCreatedBody,
    EfficiencyExportBody,
    EfficiencyListBody,
    EfficiencyScope,
    check_scope,
)
from leadline.exports.export_kind import Command, ExportKind, Option, Rows
from leadline.exports.models import MOST_NAMES, FileOptions, MetricsExportRequest
from leadline.exports.requests import level_of
from leadline.field_types import Name, one_of
from leadline.home import Project
from leadline.metrics import business_columns
from leadline.metrics.business_columns import DEFAULT_GROUPS, EFFORT_UNITS, GROUPS, SHARE
from leadline.metrics.business_request import LEADING, BusinessRequest
from leadline.metrics.metric import DEVELOPER, TEAM, ExportColumn, unknown
from leadline.metrics.request import KEYS
from leadline.settings.categories import CATEGORIES
from leadline.settings.profile import Profile

if TYPE_CHECKING:
    from leadline.metrics.run import QueryInputs

LEVELS = (TEAM, DEVELOPER)


class BusinessOptions(FileOptions):
    """What a row is, over which periods, and what shares are of. Values are accepted in any letter case."""

    metric_level: Annotated[str, one_of("metricLevel", LEVELS)] | None = Field(
        None,
        description="One row per team and period (`team`, the default), or per developer and period (`developer`).",
    )
    aggregation_level: Annotated[str, one_of("aggregationLevel", LEVELS)] | None = Field(
        None, description="The older name of `metricLevel`."
    )
    granularity: Annotated[str, one_of("granularity", GRANULARITIES)] = Field(description="Length of the periods.")
    effort_unit: Annotated[str, one_of("effortUnit", EFFORT_UNITS)] | None = Field(
        None, description="What `…_percent` are shares of; default `TICKETS`."
    )


class BusinessExportRequest(MetricsExportRequest):
    """A business alignment export; one row per team (or developer) and period. `metricGroups` and `metrics` are merged; both absent
    mean `CATEGORIZED` and `UNCATEGORIZED`."""

    scope: EfficiencyScope
    metric_groups: list[Name] | None = Field(
        None,
        max_length=MOST_NAMES,
        description=f"Any of {', '.join(f'`{group}`' for group in GROUPS)}, in any letter case.",
        examples=[list(DEFAULT_GROUPS)],
    )
    metrics: list[Name] | None = Field(
        None,
        max_length=MOST_NAMES,
        description="Names of columns, in any letter case; `Category_…` names that of every category.",
        examples=[["KTLO_tickets", "Category_percent"]],
    )
    options: BusinessOptions


def _read(model: BusinessExportRequest) -> Callable[..., BusinessRequest]:
    options = model.options
    groups = {_group(name) for name in model.metric_groups or ()}
    names = {name.strip().upper() for name in model.metrics or ()}
    return partial(
        BusinessRequest,
        groups=tuple(sorted(groups or (() if names else DEFAULT_GROUPS))),
        metrics=tuple(sorted(names)),
        level=level_of(options) or TEAM,
        granularity=options.granularity,
        unit=(options.effort_unit or EFFORT_UNITS[0]).upper(),
    )


def _group(name: str) -> str:
    if (group := name.strip().upper()) not in GROUPS:
        raise unknown("metric group", name, list(GROUPS), "metricGroups")
    return group


def _check_columns(project: Project, request: BusinessRequest) -> None:
    """The columns named must be there by the settings in force."""
    categories = project.profile(request.tree)[CATEGORIES]
    business_columns.chosen(categories, request.unit, request.groups, request.metrics)


def _tables(project: Project, request: BusinessRequest) -> Collection[str]:
    from leadline.metrics.business import tables

    return tables(project, request)


def _query(inputs: QueryInputs[BusinessRequest]) -> str:
    from leadline.metrics.business import query

    return query(inputs)


def _sized(inputs: QueryInputs[BusinessRequest], check: Callable[[int], None]) -> str:
    from leadline.metrics.business import query

    return query(inputs, sized=True, check=check)


def _columns(profile: Profile, request: BusinessRequest | None) -> Sequence[ExportColumn]:
    categories = profile[CATEGORIES]
    if request is None:
        unit = EFFORT_UNITS[0]
        return business_columns.described(categories, unit, business_columns.columns_of(categories, unit))
    columns = business_columns.chosen(categories, request.unit, request.groups, request.metrics)
    return business_columns.described(categories, request.unit, columns)


BUSINESS_EXPORT = ExportKind(
    name="ba",
    title="Business alignment",
    about="""What work was for: completed work items by the categories of the settings
([how they are found](../guide/business-alignment.md)). For each category, in their order, there are the columns of the groups asked
for; `Category` stands for its name, in which `&` is `and` and what is neither a letter nor a digit is `_`. What is in no
category is `Uncategorized`. `Team_Id` is the last column.""",
    model=BusinessExportRequest,
    check=check_scope,
    read=_read,
    settle=_check_columns,
    subject=lambda request: f"{request.level}-business-alignment",
    rows=Rows(BusinessRequest.of, _tables, _query, lambda request: KEYS[request.level], _sized),
    leading=LEADING,
    catalogue=business_columns.catalogue,
    columns=_columns,
    shown_first=(SHARE,),
    command=Command(
        "Export what work was for, by categories, to a file.\n\n"
        "Completed work items, their story points and the time logged on them, of\n"
        "each category of the settings (`business.categories` and its rules).",
        (
            (
                "leadline export business-alignment --org-tree Engineering \\",
                "  --period last-quarter -o alignment.csv",
            ),
            (
                "leadline export business-alignment --org-tree Engineering --group share \\",
                "  --effort-unit story_points --period last-month -o -",
            ),
        ),
        (
            metric_rows.groups_option("Metric group; repeatable [default: categorized, uncategorized]."),
            metric_rows.METRICS_OPTION,
            Option("--level", "options.aggregationLevel", "What a row is.", LEVELS, TEAM),
            metric_rows.granularity_option(GRANULARITIES),
            Option(
                "--effort-unit",
                "options.effortUnit",
                "What shares are of.",
                tuple(unit.lower() for unit in EFFORT_UNITS),
                EFFORT_UNITS[0].lower(),
            ),
        ),
        name="business-alignment",
    ),
    instead_of_people=("options.metricLevel", TEAM),
    one_scope=True,
    created="Export job created successfully",
    created_body=EfficiencyCreatedBody,
    export_body=EfficiencyExportBody,
    list_body=EfficiencyListBody,
)
