"""What answers look like: one model per documented JSON body, so that the answers and the OpenAPI document cannot differ.

Rows of the metadata database and of the catalogue come in, bodies go out. Members are camelCase on the wire; a member that
is not known (yet) is left out, except ``completedAt``, which is null until the export is finished.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pydantic import Field

from leadline.exports.answers import Body, ErrorDetail

if TYPE_CHECKING:
    from leadline.metrics.metric import CatalogueEntry


class ErrorBody(Body):
    """Every refusal has this shape."""

    status: str = Field(json_schema_extra={"const": "failed"})
    error: str = Field(description="One plain sentence.")
    code: str = Field(description="Stable and machine-readable.")
    details: list[ErrorDetail] | None = Field(default=None, description="The single findings, where they help.")


class MetricBody(Body):
    """One metric of the catalogue."""

    id: str
    column: str = Field(description="Its name in requests and in the file's header.")
    group: str
    groups: list[str] = Field(description="Every group that brings it, its own first.")
    aliases: list[str] = Field(description="Further names that requests may use.")
    unit: str
    levels: list[str] = Field(description="Aggregation levels that have it.")
    definition: str

    @classmethod
    def of(cls, metric: CatalogueEntry) -> Self:
        """The catalogue's entry."""
        return cls(
            id=metric.id,
            column=metric.column,
            group=metric.group,
            groups=list(metric.groups),
            aliases=list(metric.aliases),
            unit=metric.unit,
            levels=list(metric.levels),
            definition=metric.definition,
        )


class CatalogueBody(Body):
    """The metrics that can be exported, in the order of the file's columns."""

    metrics: list[MetricBody]


class HealthBody(Body):
    """The server answers."""

    status: str = Field(json_schema_extra={"const": "ok"})


class ReadyBody(Body):
    """The server can do its work."""

    status: str = Field(json_schema_extra={"const": "ready"})
    checks: dict[str, str] = Field(description="What was looked at: database, lake, workers.")


class RowErrorBody(Body):
    """One refused value of a pushed row."""

    row: int = Field(description="Position of the row, from 0.")
    field: str = Field(description="Column; empty where the whole row is meant.")
    message: str = Field(description="What is wrong with it, and the value.")


class PushedBody(Body):
    """What became of pushed rows. Those accepted are durably stored and in every export created from now on."""

    accepted: int = Field(description="Rows taken.")
    rejected: int = Field(description="Rows refused; the others were taken all the same.")
    errors: list[RowErrorBody] = Field(description="Why rows were refused: the first 1,000 values.")
    warnings: list[str] | None = Field(default=None, description="Columns left out; absent if none was.")


class RunBody(Body):
    """A run of a pipeline was stored."""

    status: str = Field(json_schema_extra={"const": "accepted"})
    table: str = Field(
        description="The table it became a row of.", json_schema_extra={"enum": ["builds", "deployments"]}
    )
    id: str = Field(description="The row's key; the same run again updates the row.")
    warnings: list[str] | None = Field(default=None, description="Fields that were ignored; absent if none was.")


class WebhookBody(Body):
    """What became of a webhook's delivery."""

    status: str = Field(json_schema_extra={"enum": ["accepted", "ignored"]})
    rows: int | None = Field(default=None, description="Rows taken; absent if it was ignored.")
    reason: str | None = Field(default=None, description="Why it was ignored.")
