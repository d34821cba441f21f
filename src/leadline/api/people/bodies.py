"""The bodies of requests about developers and teams: what they may be, for OpenAPI, and how they are read. Filters and integrations
of teams are read by ``leadline.people``; the other readers are here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from leadline.api.body import RequestPart, json_body, members_of
from leadline.api.json_text import kind_of, malformed, parse_object, parse_value
from leadline.api.query import MayBeAbsent
from leadline.errors import Detail, InvalidRequest
from leadline.field_types import shown as as_json
from leadline.people.history import day_of
from leadline.people.team_settings import FILTER_KEYS, OPERATORS, RULES
from leadline.people.titles import FIELDS
from leadline.people.violations import shown
from leadline.settings.rules import INTEGRATION_TYPES

MAX_ROWS = 10_000
MAX_BYTES = 4 << 20
"""Most developers or accounts in one change, and the largest body that has them."""


class MappedColumn(RequestPart):
    """A column of a list of developers, and the field that it is."""

    csv_header: str
    field: str | None


class FieldMappingsRequest(RequestPart):
    """Which fields the columns of a list are."""

    field_mappings: list[MappedColumn] | dict[str, str | None] = Field(
        description="The field of each column: `EMAIL`, `NAME`, `MANAGER_EMAIL`, another field of the schema, a "
        "further one, or null to leave the column out. Columns not named keep their field."
    )


class ActivationRequest(RequestPart):
    """A version is put in force; it ends by putting another one in force."""

    active: Literal[True]
    since: MayBeAbsent[str] = Field(
        None, alias="from", description="As the parameter of this name; a day as yyyy-MM-dd, or `beginning`."
    )


class _DeveloperRequest(BaseModel):
    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, str | float | bool | None]

    email: str
    manager_email: str | list[str] | None = None
    fte: str | float | None = None


DeveloperRequest = create_model(  # type: ignore[call-overload]
    "DeveloperRequest",
    __base__=_DeveloperRequest,
    __doc__="A developer to add or change, with any further fields.",
    **{name: (str | None, None) for name in FIELDS if name not in _DeveloperRequest.model_fields},
)


class EmailsRequest(RequestPart):
    """The developers to remove."""

    emails: list[str] = Field(min_length=1)


class AccountRequest(RequestPart):
    """Whose account of a tool this is."""

    email: str
    application_type: str
    cloud_id: str


class AccountsRequest(RequestPart):
    """Accounts, as the one member of an object."""

    integration_users: Annotated[list[AccountRequest], Field(min_length=1)]


class SearchRequest(RequestPart):
    """What to list; the members are those of the query."""

    search: MayBeAbsent[str] = None
    search_key: MayBeAbsent[str] = None
    search_value: MayBeAbsent[str] = None
    sort_key: MayBeAbsent[str] = None
    sort_order: MayBeAbsent[Literal["asc", "desc"]] = None
    emails: MayBeAbsent[list[str]] = None


class FilterRequest(RequestPart):
    """One filter of a team."""

    filter_key: str = Field(json_schema_extra={"enum": [key for _, key in FILTER_KEYS.values()]})
    operator: str = Field("IN", json_schema_extra={"enum": list(OPERATORS.values())})
    values: list[Annotated[str, Field(pattern="^[^,;]+$")]]


TeamRules = create_model(  # type: ignore[call-overload]
    "TeamRules",
    __doc__="Text of the setting `team.<key>.<rule>` by rule.",
    **{name: (str | None, Field(None, description=rule.doc)) for name, rule in RULES.items()},
)


class FiltersRequest(RequestPart):
    """Filters to change, grouped or as the text of settings."""

    grouped_filters: MayBeAbsent[dict[str, list[FilterRequest]]] = None
    rules: MayBeAbsent[TeamRules] = None  # type: ignore[valid-type]


_TYPES = ", ".join(f"{name}: {doc}" for name, doc in INTEGRATION_TYPES.items())


class IntegrationRequest(RequestPart):
    """A configured source, by its id, its name or both."""

    integration_id: MayBeAbsent[int] = None
    integration_name: MayBeAbsent[str] = None
    type: str | None = Field(
        description=f"{_TYPES}; null takes the source away.", json_schema_extra={"enum": [*INTEGRATION_TYPES, None]}
    )
    kind: MayBeAbsent[str] = Field(None, description="Ignored.")


class IntegrationsRequest(RequestPart):
    """The sources that a team uses."""

    integrations: list[IntegrationRequest]


# -- how they are read ---------------------------------------------------------------------------------------------------


def mappings_of(body: Mapping[str, Any]) -> dict[str, str]:
    """The field of each column that ``fieldMappings`` names; empty for one to leave out. Raises ``InvalidRequest``."""
    mappings = body.get("fieldMappings")
    if isinstance(mappings, dict):
        pairs = list(mappings.items())
    elif isinstance(mappings, list) and all(isinstance(entry, dict) for entry in mappings):
        pairs = [(entry.get("csvHeader"), entry.get("field")) for entry in mappings]
    else:
        raise _no_mapping("a list of {csvHeader, field}, or an object of fields by column")
    mapping: dict[str, str] = {}
    for position, (title, field) in enumerate(pairs):
        if not isinstance(title, str) or not title.strip():
            raise _no_mapping("csvHeader must be the title of a column", f"fieldMappings[{position}].csvHeader")
        if field is not None and not isinstance(field, str):
            raise _no_mapping("field must be a text, or null", f"fieldMappings[{position}].field")
        if title.strip() in mapping:
            raise _no_mapping(f"{shown(title)} is given twice", f"fieldMappings[{position}].csvHeader")
        mapping[title.strip()] = (field or "").strip()
    return mapping


def _no_mapping(would_do: str, where: str = "fieldMappings") -> InvalidRequest:
    return InvalidRequest(
        f"Invalid field mapping: {where}: {would_do}", code="invalid_field_mapping", details=[Detail(where, would_do)]
    )


def developers_of(body: Any) -> list[Mapping[str, Any]]:
    """The developers of an upsert: a list, or one under ``developers``. Raises ``InvalidRequest``."""
    return _objects(body, "developers", "developers")


def emails_of(body: Any) -> list[str]:
    """The emails to remove: a list, or one under ``emails``. Raises ``InvalidRequest``."""
    emails = body.get("emails") if isinstance(body, dict) else body
    if not isinstance(emails, list) or not emails or not all(isinstance(one, str) and one.strip() for one in emails):
        raise InvalidRequest(
            'Send the emails to remove as {"emails": [...]}',
            code="missing_field",
            details=[Detail("emails", "a list of one or more emails")],
        )
    return emails


def accounts_of(body: Any) -> list[Mapping[str, Any]]:
    """The accounts of a request: a list, or one under ``integrationUsers``. Raises ``InvalidRequest``."""
    return _objects(body, "integrationUsers", "accounts")


def _objects(body: Any, member: str, what: str) -> list[Mapping[str, Any]]:
    rows = body.get(member) if isinstance(body, dict) else body
    if not isinstance(rows, list) or not rows:
        raise InvalidRequest(
            f"Send a list of {what}, or it under {member}",
            code="missing_field",
            details=[Detail(member, "a list of one or more objects")],
        )
    if wrong := [position for position, row in enumerate(rows) if not isinstance(row, dict)]:
        raise InvalidRequest(
            f"{member}[{wrong[0]}] is {kind_of(rows[wrong[0]])}, not an object",
            code="wrong_type",
            details=[Detail(f"{member}[{position}]", "an object") for position in wrong[:100]],
        )
    return rows


def first_day_of(body: Mapping[str, Any]) -> date | None:
    """The day from which a version is put in force (None: none is said). Raises ``InvalidRequest`` unless the body does so."""
    if body.get("active") is not True:
        raise InvalidRequest(
            'Send {"active": true}; a version ends by putting another one in force',
            code="invalid_request",
            details=[Detail("active", "true")],
        )
    since = body.get("from")
    return None if since is None else day_of(since if isinstance(since, str) else as_json(since), "from")


def search_of(body: Any) -> dict[str, list[str]]:
    """The members of a search as a query has them: a list is a parameter given several times."""
    if not isinstance(body, dict):
        raise malformed(f"it is {kind_of(body)}; send an object")
    query: dict[str, list[str]] = {}
    for name, member in body.items():
        values = member if isinstance(member, list) else [] if member is None else [member]
        if not all(isinstance(value, str | int) and not isinstance(value, bool) for value in values):
            raise InvalidRequest(
                f"Invalid {name[:80]}: it is {kind_of(member)}, not a text",
                code="invalid_parameter",
                details=[Detail(name[:80], "a text, or a list of them")],
            )
        if any(isinstance(value, int) and value.bit_length() > 128 for value in values):
            raise malformed("it has a number of very many digits")
        query[name] = [str(value) for value in values]
    return query


# -- dependencies --------------------------------------------------------------------------------------------------------

MAPPINGS = json_body(
    FieldMappingsRequest, parse=lambda raw: mappings_of(parse_object(raw, members_of(FieldMappingsRequest)))
)
ACTIVATION = json_body(
    ActivationRequest, parse=lambda raw: first_day_of(parse_object(raw, members_of(ActivationRequest)))
)
CHANGED_DEVELOPERS = json_body(
    Annotated[list[DeveloperRequest], Field(min_length=1)],  # type: ignore[valid-type]
    parse=lambda raw: developers_of(parse_value(raw)),
    limit=MAX_BYTES,
)
REMOVED_EMAILS = json_body(EmailsRequest, parse=lambda raw: emails_of(parse_value(raw)), limit=MAX_BYTES)
ACCOUNTS = json_body(
    Annotated[list[AccountRequest], Field(min_length=1)] | AccountsRequest,
    parse=lambda raw: accounts_of(parse_value(raw)),
    limit=MAX_BYTES,
)
SEARCH = json_body(
    SearchRequest,
    "What to list; members win over parameters of the same name.",
    parse=lambda raw: search_of(parse_value(raw)),
)
FILTERS = json_body(FiltersRequest, "Rules named here replace those there, others stay; an empty one is taken away.")
INTEGRATIONS = json_body(
    IntegrationsRequest,
    "Each is added under its type, others stay; one of the type null is taken away. Nothing is filtered by them.",
)
