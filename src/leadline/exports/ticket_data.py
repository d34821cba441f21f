"""The kind of export for time in status: how long work items were in each status, a row per team and period or per sprint."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from leadline.exports import metric_rows
from leadline.exports.answers import Created, CreatedBody
from leadline.exports.efficiency import (
    UPPER_STATES,
    EfficiencyCreatedBody,
    EfficiencyExportBody,
    EfficiencyListBody,
    EfficiencyScope,
)
from leadline.exports.export_kind import Command, ExportKind, Option, Rows
from leadline.exports.models import MOST_NAMES, ExportRequest, FileOptions
from leadline.exports.requests import check_identifiers, check_levels, level_of
from leadline.field_types import Name, one_of
from leadline.home import Project
from leadline.json_body import Body
from leadline.metrics.metric import TEAM
from leadline.metrics.request import GRANULARITIES
from leadline.metrics.sprint_columns import LEVELS, SPRINT
from leadline.metrics.status_columns import TOTALS, column_name, status_of, told_columns
from leadline.metrics.ticket_request import (
    CALENDARS,
    ENDS,
    RESOLVED,
    TICKET_KEYS,
    TICKET_LEADING,
    TICKET_TRAILING,
    WALL,
    TicketDataRequest,
)

if TYPE_CHECKING:
    from leadline.metrics.run import QueryInputs


class TicketDataOptions(FileOptions):
    """What a row is, over which periods, and how to write. Values are accepted in any letter case."""

    aggregation_level: Annotated[str, one_of("aggregationLevel", LEVELS)] | None = Field(
        None, description="One row per team and period (`team`, the default), or per team and sprint (`sprint`)."
    )
    granularity: Annotated[str, one_of("granularity", GRANULARITIES)] | None = Field(
        None, description="Length of the periods; default `monthly`."
    )
    terminal_date_column: Annotated[str, one_of("terminalDateColumn", ENDS)] | None = Field(
        None,
        description="When the time of an item ends, which says its period: `issue_resolved_at` (default), or "
        "`version_release_date`, the release of the first of its fix versions that was released.",
    )
    metric_level: Annotated[str, one_of("metricLevel", LEVELS)] | None = Field(
        None, description="The newer name of `aggregationLevel`."
    )
    calendar: Annotated[str, one_of("calendar", CALENDARS)] | None = Field(
        None,
        description="Which time counts: all of it (`wall`, the default), or that of Mondays to Fridays (`weekdays`).",
    )


NO_OPTIONS = TicketDataOptions.model_validate({})


class TicketDataExportRequest(ExportRequest):
    """An export of time in status; one row per team and period, or per team and sprint."""

    scope: EfficiencyScope
    issue_statuses: list[Name] | None = Field(
        None,
        max_length=MOST_NAMES,
        description="The statuses to measure, in the order of the columns and in any letter case; absent or empty: every status "
        "in which an item was.",
        examples=[["In Progress", "In Review"]],
    )
    options: TicketDataOptions | None = None


class KeyBody(Body):
    """Who created an export."""

    user_id: str = Field(description="Id of the API key.")
    name: str | None = Field(default=None, description="Name of the key, where it is known.")
    email: str | None = None


class TicketDataReusedBody(CreatedBody):
    """An identical export of time in status is there."""

    status: str = Field(json_schema_extra={"enum": list(UPPER_STATES)})
    created_by: KeyBody

    @classmethod
    def _members(cls, created: Created) -> dict[str, Any]:
        export = created.export
        told = {
            "status": export.state.upper(),
            "created_by": KeyBody(user_id=export.created_by, name=created.creator, email=None),
        }
        return {**super()._members(created), **told}


def _check(project: Project, model: TicketDataExportRequest) -> None:
    """Two names of the level must not differ. Raises ``InvalidRequest``, or ``Forbidden`` for identifiers of another project."""
    check_levels(model.options or NO_OPTIONS)
    check_identifiers(project, model.scope)


def _read(model: TicketDataExportRequest) -> Callable[..., TicketDataRequest]:
    options = model.options or NO_OPTIONS
    return partial(
        TicketDataRequest,
        statuses=tuple(dict.fromkeys(column_name(status) for status in model.issue_statuses or ())),
        level=level_of(options) or TEAM,
        granularity=options.granularity or "monthly",
        ends=options.terminal_date_column or RESOLVED,
        calendar=options.calendar or WALL,
    )


def _tables(project: Project, request: TicketDataRequest) -> Collection[str]:
    from leadline.facts.policy import BUILD_POLICY
    from leadline.materialize.session import sources_of
    from leadline.metrics.time_in_status import needed

    return sources_of(project, project.profile(request.tree), BUILD_POLICY, needed(request))


def _query(inputs: QueryInputs[TicketDataRequest]) -> str:
    from leadline.metrics.time_in_status import time_in_status_query

    return time_in_status_query(inputs)


_DESCRIBED = {
    name: "_".join(word.capitalize() for word in name.split("_"))
    for name in (*TICKET_LEADING[SPRINT], *TICKET_TRAILING)
}
"""What insights call the columns that say what a row is."""


def _bringing(columns: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """The statuses that ``columns`` are of; where they are of none, those of all."""
    statuses = dict.fromkeys(status for column in columns if (status := status_of(column)))
    return {"statuses": [*statuses]} if statuses else {}


TICKET_DATA_EXPORT = ExportKind(
    name="ticket-data",
    title="Time in status",
    about="""Rows are teams, over periods or at the level `sprint` over single sprints. The columns follow from the data:
`granularity`, `team`, `team_hierarchy` (at the level `sprint` also `sprint`, `sprint_id`, `board`), `total_issues`, then
`<status>_hours` of each status, `total_lead_time_hours`, `start_date`, `end_date`, `team_id`, and at last of each status
`<status>_issues`, `<status>_hours_median` and `<status>_hours_p90`. `<status>` is its name in lower case, with `_` for all but
letters and digits; statuses that are called alike then are one. What is measured is told in
[Time in status and flow](../guide/flow.md#time-in-status).

- Items count in the period in which their time ends: in which they were resolved or, by `terminalDateColumn`, released.
- A row of a sprint has the items that were still in it at its end and whose time ended while it ran; its dates are those of the
  sprint. There are rows for sprints that ended in the range and have such items.
- Hours are sums over the items of the row; `total_lead_time_hours` is the sum of those of all statuses of the file. The median and
  the 90th percentile are those of an item's hours, over the items that were in the status.""",
    model=TicketDataExportRequest,
    check=_check,
    read=_read,
    subject=lambda _request: "ticket-data",
    rows=Rows(TicketDataRequest.of, _tables, _query, lambda request: TICKET_KEYS[request.level]),
    leading=TICKET_LEADING,
    catalogue=lambda: (),
    told_of=told_columns,
    brought_by=_bringing,
    described=_DESCRIBED,
    shown_first=tuple(column.id for column in TOTALS.values()),
    command=Command(
        "Export how long work was in each status to a file.",
        (
            (
                "leadline export ticket-data --org-tree Engineering \\",
                "  --period last-quarter -o statuses.csv",
            ),
            (
                "leadline export ticket-data --org-tree Engineering \\",
                '  --status "In Progress,In Review" --granularity weekly \\',
                "  --calendar weekdays --period last-month -o -",
            ),
            (
                "leadline export ticket-data --org-tree Engineering --level sprint \\",
                "  --period last-quarter -o -",
            ),
        ),
        (
            Option(
                "--status",
                "issueStatuses",
                "Status to measure; repeatable [default: all].",
                metavar="NAME",
                many=True,
            ),
            Option("--level", "options.aggregationLevel", "What a row is.", LEVELS, TEAM),
            metric_rows.granularity_option(GRANULARITIES),
            Option("--ends", "options.terminalDateColumn", "When the time of an item ends.", ENDS, RESOLVED),
            Option("--calendar", "options.calendar", "Which time counts.", CALENDARS, WALL),
        ),
    ),
    one_scope=True,
    created="Export job created successfully",
    reused="Duplicate request - returning existing export",
    created_body=EfficiencyCreatedBody,
    reused_body=TicketDataReusedBody,
    export_body=EfficiencyExportBody,
    list_body=EfficiencyListBody,
)
