"""How each route is described: what goes into the OpenAPI document for it, and nothing else.

The kind's declaration comes in, keyword arguments for FastAPI's route decorators go out. Parameters are read
by our own code (they are lenient in ways a schema cannot say), so they are described here from the same declarations.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from starlette.responses import Response

from leadline.api.listing import PARAMETERS
from leadline.api.models import (
    CatalogueBody,
    ErrorBody,
    HealthBody,
    PushedBody,
    ReadyBody,
    RunBody,
    WebhookBody,
)
from leadline.exports.answers import CreatedBody
from leadline.exports.export_kind import ExportKind
from leadline.exports.models import ReportRequest
from leadline.schema import TABLES

SECURITY: list[dict[str, list[str]]] = [{"SeiApiKey": []}, {"ApiKey": []}, {"XApiKey": []}, {"Bearer": []}]
SECURITY_SCHEMES: dict[str, dict[str, str]] = {
    "SeiApiKey": {"type": "apiKey", "in": "header", "name": "SEI_API_KEY"},
    "ApiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "authorization",
        "description": "`ApiKey <key>`; the scheme word in any letter case.",
    },
    "XApiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "Bearer": {"type": "http", "scheme": "bearer"},
}

_REFUSALS = {
    400: "The request is wrong; the sentence and the details say where.",
    401: "Missing or invalid API key.",
    403: "Insufficient permissions: the key's role or its project does not allow this.",
    404: "There is no such export, table, version, org tree, team or developer in the key's project.",
    409: "What is there is not in a state that allows this.",
    412: "No developers are saved yet: upload a list and save it first.",
    413: "The body is too large.",
    415: "The body is not declared as a type that is taken, or not in UTF-8.",
    416: "The range lies outside the file.",
    429: "The key made more requests than it may.",
    500: "A fault of the server; the sentence names the entry in its log.",
    503: "The server cannot reach what it stores.",
}

_EXPORT_ID = {
    "name": "exportId",
    "in": "path",
    "required": True,
    "description": "As the create answer names it.",
    "schema": {"type": "string", "minLength": 1},
}


def create(kind: ExportKind) -> dict[str, Any]:
    """A kind's create route."""
    fresh = _header("Cache-Control", "`no-cache` makes a new export whatever is there to reuse.", "no-cache")
    extra = {
        "parameters": [*identifiers(required=True), fresh],
        "requestBody": _body(kind.model, "reported as `warnings`"),
    }
    answers = {
        202: json_answer(kind.created_body, "A new export was queued."),
        200: json_answer(CreatedBody, "An identical export is there and will do."),
    }
    summary = f"Create {_a(kind)} export"
    return route(_operation("create", kind), summary, answers, (400, 401, 403, 413, 415), extra, status=202)


def _operation(verb: str, kind: ExportKind, what: str = "Export") -> str:
    return f"{verb}{_camel(kind.name)}{what}"


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))


def _a(kind: ExportKind) -> str:
    """The kind's name after its article."""
    return f"{'an' if kind.name[0] in 'aeiou' else 'a'} {kind.name}"


def listed(kind: ExportKind) -> dict[str, Any]:
    """A kind's list route."""
    parameters = [
        {
            "name": parameter.name,
            "in": "query",
            "required": False,
            "description": parameter.doc,
            "schema": dict(parameter.schema),
        }
        for parameter in PARAMETERS
    ]
    extra = {"parameters": [*identifiers(), *parameters]}
    answers = {200: json_answer(kind.list_body, "One page of exports.")}
    operation = _operation("list", kind, "Exports")
    return route(operation, f"List {kind.name} exports", answers, (400, 401, 403), extra)


def poll(kind: ExportKind) -> dict[str, Any]:
    """A kind's poll route."""
    extra = {"parameters": [_EXPORT_ID, *identifiers()]}
    answers = {200: json_answer(kind.export_body, "The export as it is now.")}
    return route(_operation("get", kind), f"Poll {_a(kind)} export", answers, (400, 401, 403, 404), extra)


def cancel(kind: ExportKind, verb: str) -> dict[str, Any]:
    """A kind's cancel route; ``verb`` tells its two spellings apart."""
    extra = {"parameters": [_EXPORT_ID, *identifiers()]}
    answers = {200: json_answer(kind.export_body, "The export, now cancelled.")}
    summary = f"Cancel {_a(kind)} export"
    return route(_operation(verb, kind), summary, answers, (400, 401, 403, 404, 409), extra)


def download(kind: ExportKind, *, head: bool = False) -> dict[str, Any]:
    """A kind's download route."""
    text = {"schema": {"type": "string"}}
    media = {
        "text/csv": text,
        "application/x-ndjson": text,
        "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
    }
    headers = {
        name: {"schema": {"type": "string"}, "description": doc}
        for name, doc in (
            ("ETag", "Strong validator of these bytes."),
            ("Content-Disposition", "The file's name."),
            ("Accept-Ranges", "`bytes`."),
            ("Vary", "`Accept-Encoding`."),
        )
    }
    parameters = [
        _EXPORT_ID,
        *identifiers(),
        _header("Accept-Encoding", "Text is sent gzipped unless this rules gzip out.", "gzip"),
        _header("If-None-Match", "Entity tags that the client has.", '"…"'),
        *(() if head else (_header("Range", "One range of bytes.", "bytes=0-1023"),)),
        *(() if head else (_header("If-Range", "The entity tag that `Range` is about.", '"…"'),)),
    ]
    answers: dict[int, dict[str, Any]] = {200: {"description": "The file.", "content": media, "headers": headers}}
    if not head:
        ranged = {**headers, "Content-Range": {"schema": {"type": "string"}, "description": "Which bytes."}}
        answers[206] = {"description": "The range asked for.", "content": media, "headers": ranged}
    answers[304] = {"description": "The client has it already."}
    refusals = (400, 401, 403, 404, 409) if head else (400, 401, 403, 404, 409, 416)
    verb, what = ("head", "The headers of") if head else ("download", "Download")
    summary = f"{what} {_a(kind)} export's file"
    return route(_operation(verb, kind), summary, answers, refusals, {"parameters": parameters})


def catalogue(kind: ExportKind) -> dict[str, Any]:
    """The route of a kind's catalogue."""
    answers = {200: json_answer(CatalogueBody, "Every metric, in the order of the file's columns.")}
    extra = {"parameters": identifiers()}
    operation = _operation("list", kind, "Metrics")
    return route(operation, f"List the {kind.name} metrics", answers, (400, 401, 403), extra)


def report() -> dict[str, Any]:
    """The route of reports."""
    given = {
        "name": "format",
        "in": "query",
        "required": False,
        "description": "The only format there is.",
        "schema": {"type": "string", "enum": ["csv"], "default": "csv"},
    }
    extra = {
        "parameters": [given, *identifiers()],
        "requestBody": _body(ReportRequest, "told in the answer's header `Leadline-Warnings`"),
    }
    headers = {
        name: {"schema": {"type": "string"}, "description": doc}
        for name, doc in (
            ("Content-Disposition", "The file's name."),
            ("Leadline-Warnings", "What was ignored in the request, as a JSON array; absent if nothing was."),
        )
    }
    answer = {
        "description": "The report.",
        "content": {"text/csv": {"schema": {"type": "string"}}},
        "headers": headers,
    }
    summary = "Report on teams or developers"
    described = route("createTeamReport", summary, {200: answer}, (400, 401, 403, 413, 415), extra)
    described["responses"][503]["description"] += " Or the report took too long: the sentence names the export to make."
    return described


_ROWS: dict[str, Any] = {
    "type": "array",
    "maxItems": 10_000,
    "items": {"type": "object", "description": "A row: the table's columns by name; lists as arrays."},
}
_RUN: dict[str, Any] = {
    "type": "object",
    "required": ["job_full_name", "instance_name", "instance_guid", "start_time", "duration", "result"],
    "properties": {
        "pipeline": {"type": "string", "description": "Name of the job; or `job_name`. One is required."},
        "job_name": {"type": "string"},
        "job_full_name": {"type": "string"},
        "qualified_name": {"type": "string", "description": "Or `job_normalized_full_name`. One is required."},
        "job_normalized_full_name": {"type": "string"},
        "instance_name": {"type": "string"},
        "instance_guid": {"type": "string"},
        "start_time": {"type": "integer", "minimum": 1, "description": "Milliseconds since 1970."},
        "duration": {"type": "integer", "minimum": 0, "description": "Milliseconds."},
        "result": {"type": "string", "description": "`SUCCESS`, `FAILURE`, …, in any letter case."},
        "execution_id": {"type": ["string", "null"], "description": "Id of the run."},
        "build_number": {"type": ["integer", "null"], "description": "Required without `execution_id`."},
        "user_id": {"type": ["string", "null"]},
        "repo_url": {"type": ["string", "null"]},
        "scm_commit_ids": {"type": ["array", "null"], "items": {"type": "string"}},
        "branch_name": {"type": ["string", "null"]},
        "project_name": {"type": ["string", "null"]},
        "instance_url": {"type": ["string", "null"]},
        "web_url": {"type": ["string", "null"]},
        "job_run": {"type": ["object", "null"]},
        "job_run_params": {"type": ["array", "null"], "items": {"type": "object"}},
        "ci": {"type": ["boolean", "null"], "description": "A build."},
        "cd": {"type": ["boolean", "null"], "description": "A deployment."},
        "cfr_status": {"type": ["boolean", "null"], "description": "The deployment failed in production."},
        "artifacts": {"type": ["array", "null"]},
        "trigger_chain": {"type": ["array", "null"]},
        "themes": {"type": ["array", "null"]},
    },
}


def push() -> dict[str, Any]:
    """The route that takes rows of a table."""
    table = {
        "name": "table",
        "in": "path",
        "required": True,
        "description": "A table of the data model.",
        "schema": {"type": "string", "enum": list(TABLES)},
    }
    wrapped = {"type": "object", "required": ["rows"], "properties": {"rows": _ROWS}, "additionalProperties": False}
    extra = {
        "parameters": [table, *identifiers()],
        "requestBody": {
            "required": True,
            "description": "At most 10,000 rows in 16 MiB. Columns that the table has not are left out and told.",
            "content": {
                "application/json": {"schema": {"oneOf": [_ROWS, wrapped]}},
                "application/x-ndjson": {"schema": {"type": "string", "description": "One row a line."}},
            },
        },
    }
    answers = {202: json_answer(PushedBody, "The good rows are durably stored; refused ones are told one by one.")}
    summary = "Push rows of a table"
    return route("pushRows", summary, answers, (400, 401, 403, 404, 413, 415), extra, status=202)


def custom_cicd() -> dict[str, Any]:
    """The route that takes runs of pipelines."""
    extra = {
        "parameters": identifiers(),
        "requestBody": {
            "required": True,
            "description": "JSON; comments and trailing commas (JSON5) are accepted.",
            "content": {"application/json": {"schema": _RUN}},
        },
    }
    answers = {202: json_answer(RunBody, "The run is durably stored.")}
    summary = "Push a run of a CI/CD pipeline"
    return route("pushCicdRun", summary, answers, (400, 401, 403, 413, 415), extra, status=202)


def webhook() -> dict[str, Any]:
    """The route that takes webhooks."""
    text = {"type": "string"}
    tenants = [
        {"name": name, "in": "query", "required": False, "description": doc, "schema": {**text, "default": "default"}}
        for name, doc in (("organization", "The source's organization."), ("project", "The source's project."))
    ]
    source = {"name": "source", "in": "path", "required": True, "description": "Name of a source.", "schema": text}
    headers = [
        _header("X-GitHub-Event", "GitHub: what happened.", "pull_request"),
        _header("X-Hub-Signature-256", "GitHub: HMAC with SHA-256 of the body.", "sha256=" + "0" * 64),
        _header("X-Gitlab-Token", "GitLab: the secret.", "secret"),
        _header("webhook-signature", "GitLab: HMAC with SHA-256 of id, time and body.", "v1,…"),
    ]
    event = {"schema": {"type": "object"}}
    form = {"schema": {"type": "object", "properties": {"payload": text}}}
    extra = {
        "parameters": [source, *tenants, *headers],
        "requestBody": {
            "required": True,
            "description": "The event, as the tool sends it.",
            "content": {"application/json": event, "application/x-www-form-urlencoded": form},
        },
    }
    answers = {
        202: json_answer(WebhookBody, "What the event says is durably stored."),
        200: json_answer(WebhookBody, "The event says nothing that is stored."),
    }
    found = route(
        "takeWebhook",
        "Take an event of GitHub or GitLab",
        answers,
        (400, 413, 415),
        extra,
        status=202,
        open_to_all=True,
    )
    refused = "There is no such webhook, or its signature is missing or wrong."
    found["responses"][401] = json_answer(ErrorBody, refused)
    found["responses"][404] = json_answer(ErrorBody, "No source can have this name.")
    return found


def health() -> dict[str, Any]:
    """The liveness route."""
    return route("health", "Whether the server answers", {200: json_answer(HealthBody, "It does.")}, open_to_all=True)


def readiness() -> dict[str, Any]:
    """The readiness route."""
    answers = {200: json_answer(ReadyBody, "Database, lake and workers are usable.")}
    return route("ready", "Whether the server can do its work", answers, open_to_all=True)


def figures() -> dict[str, Any]:
    """The Prometheus route."""
    text = {"description": "Prometheus' text format.", "content": {"text/plain": {"schema": {"type": "string"}}}}
    return route("metrics", "Figures for Prometheus", {200: text}, open_to_all=True)


def document() -> dict[str, Any]:
    """The route of the OpenAPI document itself."""
    answer = {"description": "OpenAPI 3.1.", "content": {"application/json": {"schema": {"type": "object"}}}}
    return route("openapi", "This document", {200: answer}, open_to_all=True)


def route(
    operation: str,
    summary: str,
    answers: dict[int, dict[str, Any]],
    refusals: tuple[int, ...] = (),
    extra: dict[str, Any] | None = None,
    *,
    status: int = 200,
    open_to_all: bool = False,
) -> dict[str, Any]:
    """What a route's decorator is given: its name, its answers by status, those of ``refusals`` and what ``extra`` adds."""
    keyed = () if open_to_all else (429,)
    errors = {code: json_answer(ErrorBody, _REFUSALS[code]) for code in (*refusals, *keyed, 500, 503)}
    if 401 in errors:
        errors[401]["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "`ApiKey`."}}
    if 429 in errors:
        errors[429]["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return {
        "operation_id": operation,
        "summary": summary,
        "status_code": status,
        "response_class": Response,
        "response_model": None,
        "responses": {**answers, **errors},
        "openapi_extra": {**(extra or {}), "security": [] if open_to_all else SECURITY},
    }


def _body(request: type[BaseModel], reported: str) -> dict[str, Any]:
    """A request's body; ``reported`` says how what is ignored in it is told."""
    return {
        "required": True,
        "description": "JSON; comments and trailing commas (JSON5) are accepted. Unknown members are ignored and "
        f"{reported}.",
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{request.__name__}"}}},
    }


def json_answer(model: type[BaseModel], description: str) -> dict[str, Any]:
    """An answer of that model."""
    return {"model": model, "description": description}


def identifiers(*, required: bool = False) -> list[dict[str, Any]]:
    """The parameters that name the tenant."""
    return [
        {
            "name": name,
            "in": "query",
            "required": required,
            "description": f"{what} that the API key belongs to." + ("" if required else " May be left out."),
            "schema": {"type": "string", "minLength": 1},
        }
        for name, what in (("projectIdentifier", "The project"), ("orgIdentifier", "The organization"))
    ]


def _header(name: str, description: str, example: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string", "pattern": "^[ -~]*$"},
        "example": example,
    }
