"""Reads a lenient request body into a normalized request.

A JSON object (as parsed) and the project come in; a ``Parsed`` goes out in which every default is filled in, every name
is canonical and the scope exists, so that requests meaning the same are equal. What is wrong is raised as one
``InvalidRequest`` with every finding as a detail; fields that nobody declared become warnings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from leadline.errors import Detail, Forbidden, InvalidRequest
from leadline.exports.models import (
    EfficiencyExportRequest,
    EfficiencyScope,
    ExportRequest,
    Options,
    ProductivityExportRequest,
    ProductivityOptions,
    Scope,
)
from leadline.exports.validation import missing, together, unknown_fields, validated
from leadline.home import Project
from leadline.metrics.request import MetricsRequest


@dataclass(frozen=True)
class Parsed:
    """A request, normalized; ``team_key`` is the key of the scope's team, if it has one; ``compression`` is ``gzip`` or
    ``none``; ``subject`` is what the file is called after its level."""

    request: MetricsRequest
    compression: str
    team_key: str | None
    warnings: tuple[str, ...]
    subject: str = "insights"


def parse(project: Project, body: Mapping[str, Any], kind: str) -> Parsed:
    """The request of an export of ``kind`` (a key of ``KINDS``) for ``project``. Raises ``InvalidRequest``, or
    ``Forbidden`` if it names another project."""
    return KINDS[kind](project, body)


def parse_productivity(project: Project, body: Mapping[str, Any]) -> tuple[MetricsRequest, tuple[str, ...]]:
    """A productivity request and the warnings about its body. Raises ``InvalidRequest``."""
    parsed = parse(project, body, "productivity")
    return parsed.request, parsed.warnings


def _productivity(project: Project, body: Mapping[str, Any]) -> Parsed:
    model = validated(ProductivityExportRequest, body)
    options = model.options or ProductivityOptions.model_validate({})
    shape = _Shape("productivity", level_of(options), options.granularity or "monthly")
    return _parsed(project, body, model, options, shape)


def _efficiency(project: Project, body: Mapping[str, Any]) -> Parsed:
    model = validated(EfficiencyExportRequest, body)
    check_tenant(project, model.scope)
    shape = _Shape("efficiency", "team", model.options.granularity, subject="efficiency")
    return _parsed(
        project, body, model, model.options, shape, lambda: check_one_scope(model.scope), lambda: check_some(model)
    )


KINDS: Mapping[str, Callable[[Project, Mapping[str, Any]], Parsed]] = {
    "productivity": _productivity,
    "efficiency": _efficiency,
}
"""The kinds of exports there are, each with what reads its bodies."""


# -- parts that kinds share --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Shape:
    """What a kind decides of a request: its insight, the level and the granularity."""

    insight: str
    level: str
    granularity: str
    subject: str = "insights"


def _parsed(
    project: Project,
    body: Mapping[str, Any],
    model: ExportRequest,
    options: Options,
    shape: _Shape,
    *checks: Callable[[], None],
) -> Parsed:
    """The request of ``model``, normalized; ``checks`` are those of the kind itself."""
    days = model.date_range
    *_, place, metrics, _ = together(
        *checks,
        lambda: place_of(project, model.scope),
        lambda: metrics_of(model.metric_groups or (), model.metrics or (), shape.level, shape.insight),
        lambda: check_order(days.start, days.end),
    )
    check_length(project, days.start, days.end, place.tree)
    request = MetricsRequest(
        tree=place.tree,
        team=place.team,
        start=days.start,
        end=days.end,
        metrics=metrics,
        level=shape.level,
        granularity=shape.granularity,
        aggregation=options.aggregation or "mean",
        format=options.format or "csv",
    )
    compression, notes = compression_of(request, options.compression)
    return Parsed(request, compression, place.team_key, (*unknown_fields(type(model), body), *notes), shape.subject)


def level_of(options: ProductivityOptions) -> str:
    """The level by whichever of its two names was given; ``developer`` by default."""
    given = {level for level in (options.aggregation_level, options.metric_level) if level is not None}
    if len(given) > 1:
        message = (
            f"options.aggregationLevel ({options.aggregation_level}) and options.metricLevel ({options.metric_level}) "
            "are the same option and must not differ"
        )
        raise InvalidRequest(message, code="conflicting_levels", details=[Detail("options.metricLevel", message)])
    return given.pop() if given else "developer"


def metrics_of(
    groups: Sequence[str], names: Sequence[str], level: str, insight: str = "productivity"
) -> tuple[str, ...]:
    """Catalogue ids, in catalogue order, of ``groups`` and ``names`` merged; all of the level if both are empty."""
    from leadline.metrics import catalogue

    return tuple(metric.id for metric in catalogue.select(groups, names, level, insight))


@dataclass(frozen=True)
class Place:
    """The scope resolved: a tree, and a node in it by ref id and key unless the whole tree is meant."""

    tree: str
    team: int | None
    team_key: str | None


def place_of(project: Project, scope: Scope) -> Place:
    """Find the scope's team or tree. Raises ``InvalidRequest`` with the seeds' sentences."""
    from leadline import people

    if scope.team_id is not None:
        tree, node = people.find_team(project, scope.team_id, scope.org_tree_name)
        return Place(tree.name, node.ref_id, node.key)
    if scope.org_tree_name is None:
        message = "scope.orgTreeName or scope.teamId is required"
        raise InvalidRequest(message, code="missing_scope", details=[Detail("scope", message)])
    return Place(people.tree(project, scope.org_tree_name).name, None, None)


def check_one_scope(scope: Scope) -> None:
    """A team or a tree, not both."""
    if scope.team_id is not None and scope.org_tree_name is not None:
        message = "scope.teamId and scope.orgTreeName must not both be given; leave one out"
        raise InvalidRequest(message, code="conflicting_scope", details=[Detail("scope", message)])


def check_some(model: ExportRequest) -> None:
    """At least one group or metric must be asked for."""
    if not model.metric_groups and not model.metrics:
        refused = missing("metricGroups")
        refused.message = "metricGroups (or metrics) is required"
        raise refused


def check_tenant(project: Project, scope: EfficiencyScope) -> None:
    """Identifiers repeated in the scope must be the key's own, as in the query. Raises ``Forbidden``."""
    given = {"orgIdentifier": scope.org_identifier, "projectIdentifier": scope.project_identifier}
    own = {"orgIdentifier": project.organization, "projectIdentifier": project.name}
    # One left empty counts as missing, as in the query.
    if wrong := [name for name, value in given.items() if value and value != own[name]]:
        message = "is not the one that this API key belongs to"
        raise Forbidden("Insufficient permissions", details=[Detail(f"scope.{name}", message) for name in wrong])


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


def compression_of(request: MetricsRequest, given: str | None) -> tuple[str, tuple[str, ...]]:
    """The compression in force and what to say about it."""
    if request.format != "parquet":
        return given or "gzip", ()
    # One value for Parquet whatever was asked for: the bytes sent are the same.
    note = "options.compression: has no effect on parquet, which is compressed inside"
    return "none", (note,) if given == "gzip" else ()
