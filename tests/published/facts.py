"""What tools say of their REST APIs that have no package to read it from: of what the connectors ask for, and no more.

Each table is written from the reference that it names, as it was on that day. What is asked for anew is added here after looking
it up there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from published.openapi import Description

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}


def one_of(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


def maybe(schema: Schema) -> Schema:
    """``schema`` or null."""
    return {**schema, "nullable": True}


def many(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def thing(**fields: Schema) -> Schema:
    """An object with these fields."""
    return {"type": "object", "properties": fields}


def answering(schema: Schema, *, body: Schema | None = None, **parameters: Schema) -> Schema:
    """An operation that answers 200 with ``schema``; ``parameters`` are of its query, with ``__`` for brackets."""
    given = [{"name": name.replace("__", "[]"), "in": "query", "schema": of} for name, of in parameters.items()]
    found: Schema = {
        "parameters": given,
        "responses": {"200": {"content": {"application/json": {"schema": schema}}}},
    }
    if body is not None:
        found["requestBody"] = {"content": {"application/json": {"schema": body}}}
    return found


def described(base: str, operations: Mapping[str, Schema]) -> Description:
    """A description of an API below ``base``, by method and path."""
    paths: dict[str, Schema] = {}
    for asked, operation in operations.items():
        method, _, path = asked.partition(" ")
        paths.setdefault(path, {})[method.lower()] = operation
    return Description({"paths": paths}, base)


# -- GitLab ------------------------------------------------------------------------------------------------------------
# docs.gitlab.com: "REST API" (pagination), "Deployments API", "Jobs API", "Merge requests API", "Issues API",
# "Releases API", "Pipelines API", "Personal access tokens API"; GitLab 18.8, January 2026.

_SIZE = {"type": "integer", "minimum": 1, "maximum": 100}
_USER = thing(id=NUMBER, username=TEXT, name=TEXT, state=TEXT, avatar_url=maybe(TEXT), web_url=TEXT)
_JOB = thing(
    id=NUMBER,
    name=TEXT,
    status=TEXT,
    stage=TEXT,
    ref=TEXT,
    created_at=TEXT,
    started_at=maybe(TEXT),
    finished_at=maybe(TEXT),
    web_url=TEXT,
    user=maybe(_USER),
)
_DEPLOYMENT = thing(
    id=NUMBER,
    iid=NUMBER,
    ref=TEXT,
    sha=TEXT,
    created_at=TEXT,
    updated_at=TEXT,
    status=one_of("created", "running", "success", "failed", "canceled", "skipped", "blocked"),
    user=maybe(_USER),
    environment=maybe(thing(id=NUMBER, name=TEXT, external_url=maybe(TEXT))),
    deployable=maybe(_JOB),
)
_MERGE_REQUEST = thing(
    id=NUMBER, iid=NUMBER, state=TEXT, sha=maybe(TEXT), merge_commit_sha=maybe(TEXT), squash_commit_sha=maybe(TEXT)
)

GITLAB = described(
    "/api/v4",
    {
        "GET /projects/{id}/deployments": answering(
            many(_DEPLOYMENT),
            order_by=one_of("id", "iid", "created_at", "updated_at", "finished_at", "ref"),
            sort=one_of("asc", "desc"),
            updated_after=TEXT,
            page=NUMBER,
            per_page=_SIZE,
        ),
        "GET /projects/{id}/merge_requests": answering(
            many(_MERGE_REQUEST), iids__=NUMBER, page=NUMBER, per_page=_SIZE
        ),
        "GET /projects/{id}/issues": answering(many(thing()), page=NUMBER, per_page=_SIZE),
        "GET /projects/{id}/releases": answering(many(thing()), page=NUMBER, per_page=_SIZE),
        "GET /projects/{id}/pipelines": answering(many(thing()), page=NUMBER, per_page=_SIZE),
        "GET /personal_access_tokens/self": answering(
            thing(id=NUMBER, name=TEXT, active=FLAG, revoked=FLAG, scopes=many(TEXT), user_id=NUMBER)
        ),
    },
)
