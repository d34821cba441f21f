"""What the routes of pushes take and answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from leadline.api.answers import RowErrorBody
from leadline.api.body import RequestPart
from leadline.api.query import MayBeAbsent
from leadline.json_body import Body

MAX_ROWS = 10_000
"""Most rows of a push."""

Row = Annotated[dict[str, Any], Field(description="A row: the table's columns by name; lists as arrays.")]
Rows = Annotated[list[Row], Field(max_length=MAX_ROWS)]
Line = Annotated[str, Field(description="One row a line.")]


class WrappedRows(BaseModel):
    """Rows of a table, as the one member of an object."""

    model_config = ConfigDict(extra="forbid")

    rows: Rows


class PushedBody(Body):
    """What became of pushed rows. Those accepted are durably stored and in every export created from now on."""

    accepted: int = Field(description="Rows taken.")
    rejected: int = Field(description="Rows refused; the others were taken all the same.")
    errors: list[RowErrorBody] = Field(description="Why rows were refused: the first 1,000 values.")
    repeated: int | None = Field(
        default=None,
        description="Rows whose key a row before has, too, with other content: all are taken, in order; absent if there is none.",
    )
    warnings: list[str] | None = Field(
        default=None,
        description="Columns left out, and an example of a repeated key; absent if there is nothing to say.",
    )


class RunRequest(RequestPart):
    """A run of a pipeline, as the documented plug-ins send it. ``leadline.sources.custom_cicd`` reads it."""

    model_config = ConfigDict(alias_generator=None)

    pipeline: MayBeAbsent[str] = Field(None, description="Name of the job; or `job_name`. One is required.")
    job_name: MayBeAbsent[str] = None
    job_full_name: str
    qualified_name: MayBeAbsent[str] = Field(None, description="Or `job_normalized_full_name`. One is required.")
    job_normalized_full_name: MayBeAbsent[str] = None
    instance_name: str
    instance_guid: str
    start_time: int = Field(ge=1, description="Milliseconds since 1970.")
    duration: int = Field(ge=0, description="Milliseconds.")
    result: str = Field(description="`SUCCESS`, `FAILURE`, …, in any letter case.")
    execution_id: str | None = Field(None, description="Id of the run.")
    build_number: int | None = Field(None, description="Required without `execution_id`.")
    user_id: str | None = None
    repo_url: str | None = None
    scm_commit_ids: list[str] | None = None
    branch_name: str | None = None
    project_name: str | None = None
    instance_url: str | None = None
    web_url: str | None = None
    job_run: dict[str, Any] | None = None
    job_run_params: list[dict[str, Any]] | None = None
    ci: bool | None = Field(None, description="A build.")
    cd: bool | None = Field(None, description="A deployment.")
    cfr_status: bool | None = Field(None, description="The deployment failed in production.")
    artifacts: list[Any] | None = None
    trigger_chain: list[Any] | None = None
    themes: list[Any] | None = None


class RunBody(Body):
    """A run of a pipeline was stored."""

    status: Literal["accepted"]
    table: str = Field(
        description="The table it became a row of.", json_schema_extra={"enum": ["builds", "deployments"]}
    )
    id: str = Field(description="The row's key; the same run again updates the row.")
    warnings: list[str] | None = Field(default=None, description="Fields that were ignored; absent if none was.")
