"""Reads a lenient request body into a normalized request: the parts that the kinds of exports share.

Every default is filled in, every name is canonical and the scope exists, so that requests meaning the same are equal. What
is wrong is raised as one ``InvalidRequest`` with every finding as a detail; fields that nobody declared become warnings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from leadline.errors import Detail, InvalidRequest
from leadline.exports.files import display_name
from leadline.exports.models import ExportRequest, FileOptions, Scope
from leadline.exports.validation import together, unknown_fields
from leadline.home import Project
from leadline.metrics.request import RowsRequest

PartT = TypeVar("PartT")


@dataclass(frozen=True)
class Parsed:
    """A request, normalized; ``team_key`` is the key of the scope's team, if it has one; ``compression`` is ``gzip`` or
    ``none``; ``filename`` what to call the file."""

    request: RowsRequest
    compression: str
    team_key: str | None
    warnings: tuple[str, ...]
    filename: str


@dataclass(frozen=True)
class ResolvedScope:
    """The scope resolved: a tree, and a node in it by ref id and key unless the whole tree is meant."""

    tree: str
    team: int | None
    team_key: str | None


def parsed(
    project: Project,
    body: Mapping[str, Any],
    model: ExportRequest,
    options: FileOptions | None,
    subject: str,
    part: Callable[[], PartT],
    request: Callable[[ResolvedScope, PartT, str], RowsRequest],
    checks: Sequence[Callable[[], None]] = (),
) -> Parsed:
    """The request of ``model``, which was read from ``body``.

    ``part`` reads what only this kind has, ``checks`` may refuse; what they and the shared fields find wrong is told
    together. ``request`` makes the normalized request of the scope, that part and the file's format. The file is called
    ``subject``, and by the range.
    """
    days = model.date_range
    *_, scope, own, _ = together(
        *checks, lambda: resolved_scope(project, model.scope), part, lambda: check_order(days.start, days.end)
    )
    check_length(project, days.start, days.end, scope.tree)
    options = options or FileOptions.model_validate({})
    file_format = options.format or "csv"
    compression, notes = _compression(file_format, options.compression)
    return Parsed(
        request(scope, own, file_format),
        compression,
        scope.team_key,
        (*unknown_fields(type(model), body), *notes),
        display_name(subject, days.start, days.end, file_format),
    )


def resolved_scope(project: Project, scope: Scope) -> ResolvedScope:
    """Find the scope's team or tree. Raises ``InvalidRequest`` with the seeds' sentences."""
    from leadline import people

    if scope.team_id is not None:
        tree, node = people.find_team(project, scope.team_id, scope.org_tree_name)
        return ResolvedScope(tree.name, node.ref_id, node.key)
    if scope.org_tree_name is None:
        message = "scope.orgTreeName or scope.teamId is required"
        raise InvalidRequest(message, code="missing_scope", details=[Detail("scope", message)])
    return ResolvedScope(people.tree(project, scope.org_tree_name).name, None, None)


def check_one_scope(scope: Scope) -> None:
    """A team or a tree, not both."""
    if scope.team_id is not None and scope.org_tree_name is not None:
        message = "scope.teamId and scope.orgTreeName must not both be given; leave one out"
        raise InvalidRequest(message, code="conflicting_scope", details=[Detail("scope", message)])


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


def _compression(file_format: str, asked: str | None) -> tuple[str, tuple[str, ...]]:
    """The compression in force and what to say about it."""
    if file_format != "parquet":
        return asked or "gzip", ()
    # One value for Parquet whatever was asked for: the bytes sent are the same.
    note = "options.compression: has no effect on parquet, which is compressed inside"
    return "none", (note,) if asked == "gzip" else ()
