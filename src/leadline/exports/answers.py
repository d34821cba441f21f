"""What is answered about exports: a model per JSON body, so that answers and the OpenAPI document cannot differ.

A member that is not known (yet) is left out, except ``completedAt``, which is null until the export is finished.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar, Self

from pydantic import Field
from pydantic.alias_generators import to_camel

from leadline.db.jobs import COMPLETED, FAILED, STATES, Export
from leadline.json_body import Body, ErrorDetail, Instant


@dataclass(frozen=True)
class Created:
    """The export of a request; ``reused`` if an earlier identical one serves; ``warnings`` about the body. ``creator`` is the name
    of the key that created an earlier one, if it may be told."""

    export: Export
    reused: bool
    warnings: tuple[str, ...]
    creator: str | None = None


@dataclass(frozen=True)
class Page:
    """One page of exports: ``page`` counts from 0, ``total`` is over all pages."""

    exports: tuple[Export, ...]
    page: int
    limit: int
    total: int


class CreatedBody(Body):
    """An export was created, or an identical one found."""

    export_id: str
    created_at: Instant
    message: str
    warnings: list[str] | None = Field(
        default=None, description="What was ignored in the request, such as unknown keys; absent if nothing was."
    )

    @classmethod
    def of(cls, created: Created, message: str) -> Self:
        """The answer to a create."""
        return cls(message=message, **cls._members(created))

    @classmethod
    def _members(cls, created: Created) -> dict[str, Any]:
        warnings = {"warnings": list(created.warnings)} if created.warnings else {}
        return {"export_id": created.export.id, "created_at": created.export.created_at, **warnings}


class DownloadBody(Body):
    """Where a completed export's file is."""

    url: str = Field(description="Path relative to the base URL.")
    filename: str
    content_type: str


class AskedScope(Body):
    """Of what an export is: of a whole tree, or of a team."""

    org_tree_name: str | None = None
    team_id: str | int | None = None
    org_identifier: str | None = None
    project_identifier: str | None = None


class AskedDays(Body):
    """The days of an export, both inclusive."""

    start: date
    end: date


class ExportBody(Body):
    """One export as it is now."""

    export_id: str
    status: str = Field(json_schema_extra={"enum": list(STATES)})
    created_at: Instant
    completed_at: Instant | None = Field(description="When it was completed, failed or cancelled; null before.")
    download: DownloadBody | None = Field(default=None, description="Only while there is a file.")
    error: str | None = Field(default=None, description="Why it failed.")
    code: str | None = Field(default=None, description="The error's stable code.")
    message: str | None = Field(
        default=None, description="What was refused and what would do, where `error` does not say it."
    )
    details: list[ErrorDetail] | None = None
    progress: float = Field(description="From 0 to 1.", ge=0, le=1)
    created_by: str = Field(description="Id of the API key that created it.")
    started_at: Instant | None = None
    expires_at: Instant | None = Field(default=None, description="Until when the file is kept.")
    row_count: int | None = Field(default=None, description="Data rows in the file.")
    size_bytes: int | None = Field(default=None, description="Size of the file as stored.")
    sha256: str | None = Field(default=None, description="SHA-256 of the file as stored, hexadecimal.")
    data_as_of: Instant | None = Field(default=None, description="When the versions that it reads were pinned.")
    table_versions: dict[str, int] | None = Field(default=None, description="The version of each table that it reads.")
    org_tree_versions: dict[str, int] | None = Field(
        default=None, description="The version of the org tree that it reads."
    )
    definition_version: str | None = Field(
        default=None, description="The version of the metric definitions that it used."
    )
    request: dict[str, Any] = Field(description="The normalized request.")
    scope: AskedScope = Field(description="As it was sent, like the next members; they make the request again.")
    date_range: AskedDays = Field(description="Of a `period` the days that it came to.")
    fact: str | None = Field(default=None, description="Which fact, of an export of facts.")
    metric_groups: list[str] | None = None
    metrics: list[str] | None = None
    metric: list[str] | None = Field(default=None, description="The other name of `metrics`, of an export of sprints.")
    issue_statuses: list[str] | None = Field(
        default=None, description="The statuses asked for, of an export of time in status."
    )
    options: dict[str, str]

    @classmethod
    def of(cls, export: Export, path: str, now: datetime) -> Self:
        """An export whose kind's collection is at ``path``, as of ``now``."""
        members: dict[str, Any] = {
            name: value
            for name in ("started_at", "expires_at", "row_count", "size_bytes", "sha256", "data_as_of")
            if (value := getattr(export, name)) is not None
        }
        if export.state == COMPLETED and not export.expired(now):
            members["download"] = DownloadBody(
                url=f"{path}/{export.id}/download", filename=str(export.filename), content_type=str(export.content_type)
            )
        return cls(
            export_id=export.id,
            status=export.state,
            created_at=export.created_at,
            completed_at=export.completed_at,
            progress=max(0.0, min(1.0, export.progress)),
            created_by=export.created_by,
            request={**export.request, **since_asked(export.request), "compression": export.compression},
            **_asked(export),
            **members,
            **_error_members(export),
            **_pin_members(export.pinned or {}),
        )


OPTIONS = {
    "mode": "computationMode",
    "level": "aggregationLevel",
    "granularity": "granularity",
    "aggregation": "aggregation",
    "format": "format",
    "unit": "effortUnit",
    "ends": "terminalDateColumn",
    "calendar": "calendar",
    "split": "splitBy",
}
"""Options of a create by the members of the normalized request that they became."""


def since_asked(request: Mapping[str, Any]) -> dict[str, str]:
    """What names the versions that a difference starts from, as it was asked for; nothing where all rows were. The versions
    themselves name trees that not everybody sees."""
    return {"since": request["since"]["asked"]} if "since" in request else {}


_WHICH = {word: to_camel(word) for word in ("fact", "metric_groups", "metrics", "metric", "issue_statuses")}
"""Members of a create that say which values are asked for, by what they are called here."""


def _asked(export: Export) -> dict[str, Any]:
    """What was asked for, in the words of who created it; options that they left out as they were taken to be."""
    ours, given = _in_our_words(export), export.given
    if given is None:
        return ours
    said = {name: given[word] for name, word in _WHICH.items() if word in given}
    others = {name: value for name, value in ours.items() if not said or name not in _WHICH}
    return {**others, **said, "options": {**ours["options"], **given.get("options", {})}}


def asked_scope(export: Export) -> AskedScope:
    """Of what an export is, as it was asked for."""
    if export.given is not None:
        return AskedScope.model_validate(export.given["scope"])
    team = export.request.get("team")
    return AskedScope(org_tree_name=export.request["tree"]) if team is None else AskedScope(team_id=str(team))


def _in_our_words(export: Export) -> dict[str, Any]:
    """What was asked for, as it was normalized: of exports whose words an earlier release did not keep."""
    request = export.request
    options = {word: request[name] for name, word in OPTIONS.items() if name in request}
    members: dict[str, Any] = {
        "scope": asked_scope(export),
        "date_range": AskedDays(start=request["start"], end=request["end"]),
        "options": {**options, **since_asked(request), "compression": export.compression},
    }
    if "metrics" in request:
        members |= {"metric_groups": list(request.get("groups", ())), "metrics": list(request["metrics"])}
    if "statuses" in request:
        members["issue_statuses"] = list(request["statuses"])
    return {**members, **({"fact": request["fact"]} if "fact" in request else {})}


def _error_members(export: Export) -> dict[str, Any]:
    if export.state != FAILED:
        return {}
    error = export.error or {}
    members = {"error": error.get("error", "The export failed"), "code": error.get("code", "failed")}
    return {**members, **{name: error[name] for name in ("message", "details") if error.get(name)}}


def _pin_members(pinned: Mapping[str, Any]) -> dict[str, Any]:
    names = {"tables": "table_versions", "trees": "org_tree_versions", "definitions": "definition_version"}
    return {member: pinned[name] for name, member in names.items() if name in pinned}


class ListBody(Body):
    """One page of exports."""

    entry: ClassVar[type[ExportBody]] = ExportBody

    exports: Sequence[ExportBody]
    page: int = Field(description="Counted from 0.")
    limit: int
    total: int = Field(description="Exports on all pages.")

    @classmethod
    def of(cls, page: Page, path: str, now: datetime) -> Self:
        """The answer to a list."""
        exports = [cls.entry.of(export, path, now) for export in page.exports]
        return cls(exports=exports, page=page.page, limit=page.limit, total=page.total)
