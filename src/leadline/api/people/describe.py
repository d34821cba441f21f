"""How the routes of developers, versions, org trees and teams are described: what goes into the OpenAPI document for them.

Nothing comes in, keyword arguments for FastAPI's route decorators go out; how they are put together is ``describe``'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from leadline.api.describe import identifiers, json_answer, route
from leadline.api.people.models import (
    ChangedBody,
    CloudIdsBody,
    DevelopersBody,
    FiltersBody,
    IntegrationsBody,
    OrgTreeBody,
    SchemaBody,
    TeamBody,
    VersionBody,
)
from leadline.api.people.query import PARAMETERS, TREE
from leadline.people.fields import FIELDS
from leadline.people.team_settings import FILTER_KEYS, OPERATORS, RULES
from leadline.settings.rules import INTEGRATION_TYPES

_TEXT = {"type": "string"}
_MAPPINGS: dict[str, Any] = {
    "type": "object",
    "required": ["fieldMappings"],
    "properties": {
        "fieldMappings": {
            "oneOf": [
                {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["csvHeader", "field"],
                        "properties": {"csvHeader": _TEXT, "field": {"type": ["string", "null"]}},
                    },
                },
                {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
            ],
            "description": "The field of each column: `EMAIL`, `NAME`, `MANAGER_EMAIL`, another field of the schema, a "
            "further one, or null to leave the column out. Columns not named keep their field.",
        }
    },
}
_DEVELOPER = {
    "type": "object",
    "required": ["email"],
    "properties": {
        "email": _TEXT,
        "manager_email": {"type": ["string", "array", "null"], "items": _TEXT},
        **{name: {"type": ["string", "null"]} for name in FIELDS if name not in ("email", "manager_email")},
    },
    "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
}
_ACCOUNT = {
    "type": "object",
    "required": ["email", "applicationType", "cloudId"],
    "properties": {"email": _TEXT, "applicationType": _TEXT, "cloudId": _TEXT},
}
_FILTER = {
    "type": "object",
    "required": ["filterKey", "values"],
    "properties": {
        "filterKey": {"type": "string", "enum": [key for _, key in FILTER_KEYS.values()]},
        "operator": {"type": "string", "enum": list(OPERATORS.values()), "default": "IN"},
        "values": {"type": "array", "items": {"type": "string", "pattern": "^[^,;]+$"}},
    },
}
_FILTERS = {
    "type": "object",
    "properties": {
        "groupedFilters": {"type": "object", "additionalProperties": {"type": "array", "items": _FILTER}},
        "rules": {
            "type": "object",
            "properties": {name: {"type": ["string", "null"], "description": rule.doc} for name, rule in RULES.items()},
        },
    },
}
_INTEGRATIONS = {
    "type": "object",
    "required": ["integrations"],
    "properties": {
        "integrations": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["type"],
                "description": "A configured source, by its id, its name or both.",
                "properties": {
                    "integrationId": {"type": "integer"},
                    "integrationName": _TEXT,
                    "type": {
                        "type": ["string", "null"],
                        "enum": [*INTEGRATION_TYPES, None],
                        "description": ", ".join(f"{name}: {doc}" for name, doc in INTEGRATION_TYPES.items())
                        + "; null takes the source away.",
                    },
                    "kind": {**_TEXT, "description": "Ignored."},
                },
            },
        }
    },
}
_EMAILS = {
    "type": "object",
    "required": ["emails"],
    "properties": {"emails": {"type": "array", "minItems": 1, "items": _TEXT}},
}

_CHANGE = (400, 401, 403, 412, 413, 415)


def upload(operation: str, summary: str, *, again: bool = False) -> dict[str, Any]:
    """A route that takes a developers CSV for review."""
    extra = {"parameters": [_tree(), *identifiers()], "requestBody": _file("The list of developers, as CSV.")}
    answers = {200: json_answer(VersionBody, "A draft: its preview, the field mappings proposed, and its errors.")}
    refusals = _CHANGE if again else (400, 401, 403, 413, 415)
    return route(operation, summary, answers, refusals, extra)


def version(operation: str, summary: str) -> dict[str, Any]:
    """The route that shows a version."""
    extra = {"parameters": [_path("versionId", "As the upload's answer names it."), *identifiers()]}
    return route(operation, summary, {200: json_answer(VersionBody, "The version.")}, (400, 401, 403, 404), extra)


def map_fields(operation: str, summary: str, parameter: str) -> dict[str, Any]:
    """A route that takes field mappings."""
    extra = {
        "parameters": [_path(parameter, "As the upload's answer names it."), *identifiers()],
        "requestBody": _json_body(_MAPPINGS),
    }
    answers = {200: json_answer(VersionBody, "The version under this mapping.")}
    return route(operation, summary, answers, (400, 401, 403, 404, 409, 413, 415), extra)


def activate(operation: str, summary: str, parameter: str, *, body: bool) -> dict[str, Any]:
    """A route that puts a version in force."""
    active = {"type": "object", "required": ["active"], "properties": {"active": {"type": "boolean", "const": True}}}
    extra: dict[str, Any] = {"parameters": [_path(parameter, "As the upload's answer names it."), *identifiers()]}
    if body:
        extra["requestBody"] = _json_body(active)
    refusals = (400, 401, 403, 404, 409, 412, *((413, 415) if body else ()))
    return route(operation, summary, {200: json_answer(VersionBody, "The version, now in force.")}, refusals, extra)


def listed(operation: str, summary: str, *, search: bool = False) -> dict[str, Any]:
    """A route that lists developers."""
    extra: dict[str, Any] = {"parameters": [*_parameters(), *identifiers()]}
    answer: dict[str, Any] = json_answer(DevelopersBody, "One page of developers.")
    if search:
        body = {
            "type": "object",
            "properties": {
                **dict.fromkeys(("search", "searchKey", "searchValue", "sortKey"), _TEXT),
                "sortOrder": {"type": "string", "enum": ["asc", "desc"]},
                "emails": {"type": "array", "items": _TEXT},
            },
        }
        extra["requestBody"] = _json_body(body, "What to list; members win over parameters of the same name.")
    else:
        answer["content"] = {"text/csv": {"schema": _TEXT}}
        answer["description"] = "One page of developers; with `Accept: text/csv` all of them, as CSV."
    return route(operation, summary, {200: answer}, (400, 401, 403, *((413, 415) if search else ())), extra)


def download(operation: str, summary: str) -> dict[str, Any]:
    """The route that gives all developers as a file."""
    answer = {"description": "All developers.", "content": {"text/csv": {"schema": _TEXT}}}
    return route(operation, summary, {200: answer}, (400, 401, 403), {"parameters": [_tree(), *identifiers()]})


def schema(operation: str, summary: str) -> dict[str, Any]:
    """The route that tells the fields."""
    extra = {"parameters": [_tree(), *identifiers()]}
    return route(operation, summary, {200: json_answer(SchemaBody, "The fields.")}, (400, 401, 403), extra)


def upsert(operation: str, summary: str) -> dict[str, Any]:
    """The route that takes single developers."""
    rows = {"type": "array", "minItems": 1, "items": _DEVELOPER}
    extra = {"parameters": [_tree(), *identifiers()], "requestBody": _json_body(rows)}
    answers = {200: json_answer(ChangedBody, "All of them are in force.")}
    return route(operation, summary, answers, (*_CHANGE, 409), extra)


def delete(operation: str, summary: str) -> dict[str, Any]:
    """The route that removes developers."""
    extra = {"parameters": [_tree(), *identifiers()], "requestBody": _json_body(_EMAILS)}
    answers = {200: json_answer(ChangedBody, "They are removed.")}
    return route(operation, summary, answers, (*_CHANGE, 404, 409), extra)


def cloud_ids(operation: str, summary: str, *, file: bool) -> dict[str, Any]:
    """A route that takes accounts."""
    accounts = {"type": "array", "minItems": 1, "items": _ACCOUNT}
    wrapped = {"type": "object", "required": ["integrationUsers"], "properties": {"integrationUsers": accounts}}
    body = (
        _file("Accounts, as CSV with the columns email, applicationType, cloudId.")
        if file
        else _json_body({"oneOf": [accounts, wrapped]})
    )
    answers = {200: json_answer(CloudIdsBody, "The good ones are stored; refused ones are told one by one.")}
    return route(
        operation, summary, answers, (400, 401, 403, 413, 415), {"parameters": identifiers(), "requestBody": body}
    )


def org_trees(operation: str, summary: str) -> dict[str, Any]:
    """The route that lists org trees."""
    answers = {200: _array(OrgTreeBody, "By name.")}
    return route(operation, summary, answers, (400, 401, 403), {"parameters": identifiers()})


def teams(operation: str, summary: str) -> dict[str, Any]:
    """The route that lists a tree's teams."""
    extra = {"parameters": [_path("treeId", "An org tree's id."), *identifiers()]}
    return route(
        operation, summary, {200: _array(TeamBody, "In preorder, the root first.")}, (400, 401, 403, 404), extra
    )


def filters(operation: str, summary: str, *, change: bool = False) -> dict[str, Any]:
    """The routes of a team's filters."""
    what = "Rules named here replace those there, others stay; an empty one is taken away."
    body = _json_body(_FILTERS, what) if change else None
    return _of_team(operation, summary, json_answer(FiltersBody, "The team's own filters."), body)


def integrations(operation: str, summary: str, *, change: bool = False) -> dict[str, Any]:
    """The routes of the sources a team uses."""
    what = "Each is added under its type, others stay; one of the type null is taken away. Nothing is filtered by them."
    body = _json_body(_INTEGRATIONS, what) if change else None
    return _of_team(operation, summary, json_answer(IntegrationsBody, "The sources that the team uses."), body)


def _of_team(operation: str, summary: str, answer: dict[str, Any], body: dict[str, Any] | None) -> dict[str, Any]:
    """A route of a team's settings; ``body``: what it takes, if it changes them."""
    team = _path("refId", "A team's ref id, or its key.")
    extra: dict[str, Any] = {"parameters": [_path("treeId", "An org tree's id."), team, *identifiers()]}
    refusals: tuple[int, ...] = (400, 401, 403, 404)
    if body is not None:
        extra["requestBody"] = body
        refusals = (*refusals, 409, 413, 415)
    return route(operation, summary, {200: answer}, refusals, extra)


def _array(model: type[BaseModel], description: str) -> dict[str, Any]:
    return {"model": list[model], "description": description}  # type: ignore[valid-type]


def _path(name: str, doc: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": doc,
        "schema": {"type": "string", "minLength": 1},
    }


def _tree() -> dict[str, Any]:
    return {"name": TREE.name, "in": "query", "required": False, "description": TREE.doc, "schema": dict(TREE.schema)}


def _parameters() -> Sequence[dict[str, Any]]:
    return [
        {"name": each.name, "in": "query", "required": False, "description": each.doc, "schema": dict(each.schema)}
        for each in PARAMETERS
    ]


def _json_body(schema: dict[str, Any], what: str = "") -> dict[str, Any]:
    described = "JSON; comments and trailing commas (JSON5) are accepted."
    return {
        "required": True,
        "description": f"{what} {described}".strip(),
        "content": {"application/json": {"schema": schema}},
    }


def _file(what: str) -> dict[str, Any]:
    form = {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "string", "format": "binary", "description": what}, "orgTreeName": _TEXT},
    }
    return {
        "required": True,
        "description": "At most 16 MiB, in UTF-8.",
        "content": {"multipart/form-data": {"schema": form}, "text/csv": {"schema": _TEXT}},
    }
