"""What is answered about exports of sprints: beside what all exports have, who asked for them and of what team they are by name, as
clients of the documented API read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, PrivateAttr

from leadline.db.jobs import Export
from leadline.exports.answers import (
    AskedDays,
    AskedScope,
    Created,
    CreatedBody,
    DownloadBody,
    ExportBody,
    ListBody,
    asked_scope,
    since_asked,
)
from leadline.exports.files import FORMS
from leadline.json_body import Body
from leadline.metrics.sprint_columns import GROUPS, SPRINT_COLUMNS

if TYPE_CHECKING:
    from leadline.exports.asking import Asking


class Asker(Body):
    """Who asked for an export."""

    user_id: str = Field(description="The id of the API key.")
    name: str | None = Field(default=None, description="The name of the key, where it may be told.")
    email: str | None = None


class NamedScope(AskedScope):
    """Of what an export is, with the name of the team."""

    team_name: str | None = None
    _team: int | None = PrivateAttr(default=None)

    @classmethod
    def named(cls, export: Export) -> Self:
        """Of an export; the name of its team is still to be found."""
        scope = cls(**asked_scope(export).model_dump(exclude_unset=True))
        scope._team = export.request["team"]
        return scope


class SprintMetadata(Body):
    """What was asked for."""

    scope: NamedScope
    date_range: AskedDays
    metric_groups: list[str] = Field(description="The groups all of whose columns are in the export.")
    options: dict[str, str]

    @classmethod
    def of(cls, export: Export) -> Self:
        """Of an export."""
        request, given = export.request, export.given or {}
        return cls(
            scope=NamedScope.named(export),
            date_range=AskedDays(start=request["start"], end=request["end"]),
            metric_groups=given.get("metricGroups") or _whole_groups(request),
            options={
                "computationMode": request["mode"],
                "metricLevel": request["level"],
                "granularity": request["granularity"].upper(),
                "format": request["format"],
                "compression": export.compression,
                **since_asked(request),
                **given.get("options", {}),
            },
        )


def _whole_groups(request: Mapping[str, Any]) -> list[str]:
    of_level = [column for column in SPRINT_COLUMNS if request["level"] in column.levels]
    return [
        group
        for group in GROUPS
        if {column.id for column in of_level if column.group == group} <= set(request["metrics"])
    ]


class SprintCreatedBody(CreatedBody):
    """An export of sprints was created."""

    created_by: Asker
    metadata: SprintMetadata

    @classmethod
    def _members(cls, created: Created) -> dict[str, Any]:
        told = {"created_by": _asker(created.export), "metadata": SprintMetadata.of(created.export)}
        return {**super()._members(created), **told}


class SprintDownloadBody(DownloadBody):
    """Where a completed export's file is, and how large."""

    size_bytes: int = Field(description="Size of the file as stored.")
    compression: str = Field(description="`gzip` or `none`.")


class SprintExportBody(ExportBody):
    """One export of sprints as it is now."""

    created_by: Asker  # type: ignore[assignment]  # an object, as documented clients read it
    scope: NamedScope
    download: SprintDownloadBody | None = Field(default=None, description="Only while there is a file.")
    metadata: SprintMetadata

    @classmethod
    def of(cls, export: Export, path: str, now: datetime) -> Self:
        """An export whose kind's collection is at ``path``, as of ``now``."""
        plain = ExportBody.of(export, path, now)
        metadata = SprintMetadata.of(export)
        members: dict[str, Any] = {name: getattr(plain, name) for name in plain.model_fields_set}
        members |= {"created_by": _asker(export), "scope": metadata.scope, "metadata": metadata}
        if plain.download is not None:
            members["download"] = _download(export, plain.download)
        return cls(**members)


def _asker(export: Export) -> Asker:
    return Asker(user_id=export.created_by, name=None, email=None)


def _download(export: Export, plain: DownloadBody) -> SprintDownloadBody:
    compressed = export.compression == "gzip" and FORMS[export.request["format"]].gzip
    return SprintDownloadBody(
        url=plain.url,
        filename=f"{plain.filename}.gz" if compressed else plain.filename,
        content_type=plain.content_type,
        size_bytes=int(export.size_bytes or 0),
        compression=export.compression,
    )


class SprintListBody(ListBody):
    """One page of exports of sprints."""

    entry: ClassVar[type[ExportBody]] = SprintExportBody

    exports: Sequence[SprintExportBody]


def complete(asking: Asking, body: Body) -> None:
    """Fill in the names of who asked for the exports of ``body`` and of their teams, as far as they may be told."""
    if isinstance(body, SprintListBody):
        for entry in body.exports:
            _fill_in(asking, entry.created_by, entry.scope)
    elif isinstance(body, SprintExportBody):
        _fill_in(asking, body.created_by, body.scope)
    elif isinstance(body, SprintCreatedBody):
        _fill_in(asking, body.created_by, body.metadata.scope)


def _fill_in(asking: Asking, asker: Asker, scope: NamedScope) -> None:
    asker.name = asking.key_name(asker.user_id)
    if scope._team is not None and (name := asking.team_name(scope._team)) is not None:
        scope.team_name = name
