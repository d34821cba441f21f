"""What requests have in common: the scope resolved, the range and the options checked, and the normalized request.

In it every default is filled in and every name is canonical, so that requests meaning the same are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Protocol

from leadline.errors import Detail, Forbidden, InvalidRequest
from leadline.exports.models import DateRange, MetricsExportRequest, RelativeDateRange, Scope
from leadline.exports.validation import missing
from leadline.home import Project
from leadline.metrics.request import RowsRequest, Since

if TYPE_CHECKING:
    from leadline.people.access import VisibleTrees
    from leadline.people.tree import Node, OrgTree


@dataclass(frozen=True)
class Parsed:
    """A request, normalized; ``team_key`` is the key of the scope's team, if it has one; ``compression`` is ``gzip`` or ``none``;
    ``filename`` what to call the file; ``words`` is what was asked for as it was sent; ``since`` from what a difference starts
    (None: all rows are asked for)."""

    request: RowsRequest
    compression: str
    team_key: str | None
    warnings: tuple[str, ...]
    filename: str
    words: Mapping[str, Any]
    since: Since | None = None


class Identifying(Protocol):
    """A scope that may repeat the identifiers of the query."""

    @property
    def org_identifier(self) -> str | None:
        """The organization's."""

    @property
    def project_identifier(self) -> str | None:
        """The project's."""


def check_identifiers(project: Project, scope: Identifying) -> None:
    """Identifiers repeated in the scope must be the key's own, as in the query. Raises ``Forbidden``."""
    named = {"orgIdentifier": scope.org_identifier, "projectIdentifier": scope.project_identifier}
    own = {"orgIdentifier": project.organization, "projectIdentifier": project.name}
    # One left empty counts as missing, as in the query.
    if wrong := [name for name, value in named.items() if value and value != own[name]]:
        message = "is not the one that this API key belongs to"
        raise Forbidden("Insufficient permissions", details=[Detail(f"scope.{name}", message) for name in wrong])


def resolved_scope(
    visible: VisibleTrees, scope: Scope, asked: DateRange | RelativeDateRange
) -> tuple[str, Node | None]:
    """The scope's tree, and its team unless the whole tree is meant: as it is in the range or, if it is not there then, today.
    Raises ``InvalidRequest``, or ``Forbidden`` as ``VisibleTrees.scope``."""
    project = visible.project
    if scope.team_id is not None:
        among = trees_between(project, scope.org_tree_name, lambda tree: _days(project, asked, tree))
        tree, node = visible.find_team(scope.team_id, scope.org_tree_name, among=among)
        return tree.name, node
    if (only := visible.scope(scope.org_tree_name)) is not None:
        return only
    if scope.org_tree_name is None:
        message = "scope.orgTreeName or scope.teamId is required"
        raise InvalidRequest(message, code="missing_scope", details=[Detail("scope", message)])
    return visible.summary(scope.org_tree_name).name, None


def trees_between(project: Project, name: str | None, range_of: Callable[[str], tuple[date, date]]) -> list[OrgTree]:
    """The trees that count between the two days that ``range_of`` says for a tree's name, the newest of each name first: all of the
    project, or those called ``name``."""
    from leadline.people import trees
    from leadline.people.history import today
    from leadline.people.timeline import asked_of, timeline

    between = []
    for known in trees(project):
        if name in (None, known.name):
            start, end = range_of(known.name)
            asked = asked_of(project.profile(known.name)["people.history"], today(project, known.name))
            stretches = timeline(project, {known.name: known.version}, asked, start, end)
            between += [stretch.tree for stretch in reversed(stretches)]
    return between


def check_one_scope(scope: Scope) -> None:
    """A team or a tree, not both."""
    if scope.team_id is not None and scope.org_tree_name is not None:
        message = "scope.teamId and scope.orgTreeName must not both be given; leave one out"
        raise InvalidRequest(message, code="conflicting_scope", details=[Detail("scope", message)])


def check_some(model: MetricsExportRequest) -> None:
    """At least one group or metric must be asked for."""
    if not model.metric_groups and not model.metrics:
        refused = missing("metricGroups")
        refused.message = "metricGroups (or metrics) is required"
        raise refused


class Levels(Protocol):
    """Options that say what a row is, under either name."""

    @property
    def aggregation_level(self) -> str | None:
        """The older name."""

    @property
    def metric_level(self) -> str | None:
        """The newer name."""


def level_of(options: Levels) -> str | None:
    """The level that is asked for, if one is."""
    return options.aggregation_level or options.metric_level


def check_levels(options: Levels) -> None:
    """Both names must not say two levels."""
    if len({options.aggregation_level, options.metric_level} - {None}) > 1:
        message = (
            f"options.aggregationLevel ({options.aggregation_level}) and options.metricLevel ({options.metric_level}) "
            "are the same option and must not differ"
        )
        raise InvalidRequest(message, code="conflicting_levels", details=[Detail("options.metricLevel", message)])


def resolved_range(project: Project, asked: DateRange | RelativeDateRange, tree: str) -> tuple[date, date]:
    """The first and last day asked for; today is that of the tree's time zone. Raises ``InvalidRequest`` for too many days."""
    start, end = _days(project, asked, tree)
    check_length(project, start, end, tree)
    return start, end


def _days(project: Project, asked: DateRange | RelativeDateRange, tree: str) -> tuple[date, date]:
    if isinstance(asked, RelativeDateRange):
        return asked.relative.days(datetime.now(project.profile(tree).zone).date())
    return asked.start, asked.end


def check_range(asked: DateRange | RelativeDateRange) -> None:
    """Days must be in their order."""
    if isinstance(asked, DateRange):
        check_order(asked.start, asked.end)


def check_order(
    start: date, end: date, names: tuple[str, str, str] = ("dateRange.start", "dateRange.end", "dateRange")
) -> None:
    """``start`` must not be after ``end``; ``names`` are the fields' and that of both together."""
    if start > end:
        first, last, both = names
        message = f"{first} ({start}) must not be after {last} ({end})"
        raise InvalidRequest(message, code="invalid_date_range", details=[Detail(both, message)])


def check_length(project: Project, start: date, end: date, tree: str, both: str = "dateRange") -> None:
    """The range must be no longer than ``exports.max_range_days`` in force for the tree."""
    days, most = (end - start).days + 1, project.profile(tree)["exports.max_range_days"]
    if days > most:
        message = f"{both} has {days} days; at most {most} are allowed (setting exports.max_range_days)"
        raise InvalidRequest(message, code="date_range_too_long", details=[Detail(both, message)])


def compression_of(file_format: str, asked: str | None) -> tuple[str, tuple[str, ...]]:
    """The compression in force and what to say about it."""
    if file_format != "parquet":
        return asked or "gzip", ()
    # One value for Parquet whatever was asked for: the bytes sent are the same.
    note = "options.compression: has no effect on parquet, which is compressed inside"
    return "none", (note,) if asked == "gzip" else ()
