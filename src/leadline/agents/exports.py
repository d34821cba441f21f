"""Tools that make files: an export is created, and asked for until it is completed."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from starlette.concurrency import run_in_threadpool

from leadline.agents.tool import Aggregation, Arguments, Scope, Tool, ToolAnswer
from leadline.api.agents.asking import Asker
from leadline.db.jobs import Export
from leadline.errors import NotFound
from leadline.exports import service
from leadline.exports.answers import DownloadBody
from leadline.exports.insights.request import body_of
from leadline.exports.kinds import KINDS
from leadline.facts.catalogue import FACTS
from leadline.field_types import Name, one_of, printable
from leadline.json_body import Instant
from leadline.metrics.request import FORMATS, GRANULARITIES

_FACTS = "facts"


class CreateExport(Scope):
    """What to export. What a kind does not take is named in `warnings`."""

    kind: Annotated[str, one_of("kind", tuple(KINDS))] = Field(description="What is exported.")
    fact: Annotated[str, one_of("fact", tuple(FACTS))] | None = Field(
        None, description="Of the kind `facts`: which one."
    )
    groups: list[Name] | None = Field(None, max_length=100, description="Groups of metrics.")
    metrics: list[Name] | None = Field(None, max_length=1000, description="Metrics by their columns.")
    level: Name | None = Field(None, description="What a row is: `developer` or `team`, as the kind has it.")
    granularity: Annotated[str, one_of("granularity", GRANULARITIES)] | None = Field(
        None, description="Length of the periods."
    )
    aggregation: Aggregation | None = Field(None, description="How durations are summarized; default `mean`.")
    format: Annotated[str, one_of("format", FORMATS)] | None = Field(None, description="Default `csv`.")

    def body(self) -> dict[str, Any]:
        """The body of the create that asks for the same."""
        said = {
            "groups": self.groups,
            "metrics": self.metrics,
            "level": self.level,
            "granularity": self.granularity,
            "aggregation": self.aggregation,
        }
        body = body_of({**self.asked(), **said}, self.format)
        return body if self.fact is None else {"fact": self.fact, **body}


class ExportAnswer(ToolAnswer):
    """An export as it is now."""

    export_id: str
    kind: str
    status: str = Field(description="`queued`, `processing`, `completed`, `failed` or `cancelled`.")
    created_at: Instant
    completed_at: Instant | None
    row_count: int | None = None
    size_bytes: int | None = None
    sha256: str | None = None
    download: DownloadBody | None = Field(
        default=None, description="Where its file is, below the server's address; absent until it is completed."
    )
    data_as_of: Instant | None = Field(default=None, description="Of which data it is; absent until it has begun.")
    error: str | None = Field(default=None, description="Why it failed.")
    reused: bool | None = Field(default=None, description="Whether an identical export was there already.")
    warnings: list[str] | None = None

    @classmethod
    def of(cls, asker: Asker, export: Export) -> ExportAnswer:
        """An export, as its kind tells it."""
        kind = KINDS[export.kind]
        told = kind.export_body.of(export, kind.path, asker.state.now())
        members = ("row_count", "size_bytes", "sha256", "download", "data_as_of", "error")
        known = {name: value for name in members if (value := getattr(told, name, None)) is not None}
        return cls(
            export_id=export.id,
            kind=export.kind,
            status=export.state,
            created_at=export.created_at,
            completed_at=export.completed_at,
            **known,
        )


async def _create_export(asker: Asker, wanted: CreateExport) -> ExportAnswer:
    created = await run_in_threadpool(
        lambda: service.create(
            asker.project,
            wanted.body(),
            kind=wanted.kind,
            created_by=asker.name,
            now=asker.state.now(),
            access=asker.access,
        )
    )
    asker.exported()
    answer = ExportAnswer.of(asker, created.export)
    answer.reused = created.reused
    if created.warnings:
        answer.warnings = list(created.warnings)
    return answer


CREATE_EXPORT = Tool(
    "create_export",
    "Create an export",
    "Creates a file of metrics or facts, or finds the identical one; get_export tells when it is completed. For large answers.",
    CreateExport,
    ExportAnswer,
    _create_export,
    reads=False,
)


class GetExport(Arguments):
    """Which export."""

    export_id: Name = Field(description="The exportId that create_export answered.")


async def _get_export(asker: Asker, wanted: GetExport) -> ExportAnswer:
    return ExportAnswer.of(asker, await run_in_threadpool(_found, asker, wanted.export_id))


def _found(asker: Asker, export_id: str) -> Export:
    for kind in KINDS:
        try:
            return service.get(asker.project, export_id, kind=kind, access=asker.access)
        except NotFound:
            continue
    raise NotFound(f"There is no export {printable(export_id)[:80]!r}", code="unknown_export")


GET_EXPORT = Tool(
    "get_export",
    "Get an export",
    "Answers whether an export is completed, and where its file is.",
    GetExport,
    ExportAnswer,
    _get_export,
)
