"""What requests about developers ask for: query parameters and JSON members in, values of ``leadline.people`` out.

Parameters are declared once, here; the OpenAPI document describes them from the same declarations. The documented names
of paging and sorting (`pageIndex`, `pageSize`, `sortKey`) and those of all other lists here (`page`, `limit`, `sortBy`) mean
the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leadline.api.body import kind_of, malformed
from leadline.api.listing import MAX_PAGE, SHORT, Parameter, choice, invalid_parameters, parsed, short_text, whole
from leadline.errors import Detail, InvalidRequest
from leadline.people.fields import field_of
from leadline.people.records import Record, Wanted, fields_of
from leadline.people.violations import shown

MOST = 1000
"""Developers on a page."""

TREE = Parameter(
    "orgTreeName",
    "Which org tree; may be left out if the project has only one, or one called `Organization`.",
    short_text,
    SHORT,
)

_PAGE = {"type": "integer", "minimum": 0, "maximum": MAX_PAGE, "default": 0}
_LIMIT = {"type": "integer", "minimum": 1, "maximum": MOST, "default": 50}

PARAMETERS = (
    TREE,
    Parameter("search", "Only developers with this text in any field.", short_text, SHORT),
    Parameter("searchKey", "The field that `searchValue` is looked for in.", short_text, SHORT),
    Parameter("searchValue", "Only developers with this text in that field; without one, in any.", short_text, SHORT),
    Parameter("emails", "Only these developers, separated by commas; may be repeated.", str, {"type": "string"}),
    Parameter("sortBy", "The field to sort by; email by default.", short_text, SHORT),
    Parameter("sortKey", "The same as `sortBy`.", short_text, SHORT),
    Parameter(
        "sortOrder",
        "Which way to sort.",
        choice("asc", "desc"),
        {"type": "string", "enum": ["asc", "desc"], "default": "asc"},
    ),
    Parameter("page", "Which page, counted from 0.", whole(0, MAX_PAGE), _PAGE),
    Parameter("pageIndex", "The same as `page`.", whole(0, MAX_PAGE), _PAGE),
    Parameter("limit", "Developers on a page.", whole(1, MOST), _LIMIT),
    Parameter("pageSize", "The same as `limit`.", whole(1, MOST), _LIMIT),
)


@dataclass(frozen=True)
class ListRequest:
    """Which developers of which tree, and which page of them."""

    tree: str | None
    wanted: Wanted
    page: int
    limit: int


def tree_name(query: Mapping[str, Sequence[str]], fields: Mapping[str, str] | None = None) -> str | None:
    """The tree that a request names as parameter or, in a form, as field. Raises ``InvalidRequest``."""
    given = [*query.get(TREE.name, ()), *([fields[TREE.name]] if fields and fields.get(TREE.name) else [])]
    values, refused = parsed({TREE.name: given}, [TREE])
    if refused:
        raise invalid_parameters(refused)
    name: str | None = values.get(TREE.name)
    return name


def list_request(query: Mapping[str, Sequence[str]], body: Mapping[str, Any] | None = None) -> ListRequest:
    """The list that parameters, and members of a body over them, ask for. Raises ``InvalidRequest``."""
    merged = {**query, **_texts(body or {})}
    single = [parameter for parameter in PARAMETERS if parameter.name != "emails"]
    values, refused = parsed(merged, single)
    if any(text.strip(" []") for text in merged.get("developerRefIds", ())):
        refused.append(Detail("developerRefIds", "developers have no numbers here; name them as emails"))
    emails = [email.strip().lower() for text in merged.get("emails", ()) for email in text.split(",") if email.strip()]
    if "searchKey" in values and "searchValue" not in values:
        refused.append(Detail("searchValue", "required beside searchKey"))
    if refused:
        raise invalid_parameters(refused)
    keyed = "searchKey" in values
    return ListRequest(
        tree=values.get(TREE.name),
        wanted=Wanted(
            emails=frozenset(emails) if emails else None,
            search=values.get("search", "") or ("" if keyed else values.get("searchValue", "")),
            key=values.get("searchKey"),
            value=values.get("searchValue", "") if keyed else "",
            sort=values.get("sortBy") or values.get("sortKey", "email"),
            descending=values.get("sortOrder") == "desc",
        ),
        page=values.get("page", values.get("pageIndex", 0)),
        limit=values.get("limit", values.get("pageSize", 50)),
    )


def check_fields(wanted: Wanted, found: Sequence[Record]) -> None:
    """Refuse to search or sort by what is no field of any developer, naming the fields there are."""
    known = fields_of(found)
    refused = [
        Detail(name, f"{shown(text)} is no field; one of {', '.join(known)}")
        for name, text in (("searchKey", wanted.key), ("sortBy", wanted.sort))
        if text is not None and field_of(text) not in known
    ]
    if refused:
        raise invalid_parameters(refused)


def _texts(body: Mapping[str, Any]) -> dict[str, list[str]]:
    """Members as parameters have them: a list is a parameter given several times."""
    found: dict[str, list[str]] = {}
    for name, value in body.items():
        values = value if isinstance(value, list) else [] if value is None else [value]
        if not all(isinstance(each, str | int) and not isinstance(each, bool) for each in values):
            raise InvalidRequest(
                f"Invalid {name[:80]}: it is {kind_of(value)}, not a text",
                code="invalid_parameter",
                details=[Detail(name[:80], "a text, or a list of them")],
            )
        if any(isinstance(each, int) and each.bit_length() > 128 for each in values):
            raise malformed("it has a number of very many digits")
        found[name] = [str(each) for each in values]
    return found


def mappings_of(body: Mapping[str, Any]) -> dict[str, str]:
    """The field of each column that ``fieldMappings`` names; empty for one to leave out. Raises ``InvalidRequest``."""
    given = body.get("fieldMappings")
    if isinstance(given, dict):
        pairs = list(given.items())
    elif isinstance(given, list) and all(isinstance(each, dict) for each in given):
        pairs = [(each.get("csvHeader"), each.get("field")) for each in given]
    else:
        raise _no_mapping("a list of {csvHeader, field}, or an object of fields by column")
    mapping: dict[str, str] = {}
    for place, (title, field) in enumerate(pairs):
        if not isinstance(title, str) or not title.strip():
            raise _no_mapping("csvHeader must be the title of a column", f"fieldMappings[{place}].csvHeader")
        if field is not None and not isinstance(field, str):
            raise _no_mapping("field must be a text, or null", f"fieldMappings[{place}].field")
        if title.strip() in mapping:
            raise _no_mapping(f"{shown(title)} is given twice", f"fieldMappings[{place}].csvHeader")
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
    given = body.get("emails") if isinstance(body, dict) else body
    if not isinstance(given, list) or not given or not all(isinstance(each, str) and each.strip() for each in given):
        raise InvalidRequest(
            'Send the emails to remove as {"emails": [...]}',
            code="missing_field",
            details=[Detail("emails", "a list of one or more emails")],
        )
    return given


def accounts_of(body: Any) -> list[Mapping[str, Any]]:
    """The accounts of a request: a list, or one under ``integrationUsers``. Raises ``InvalidRequest``."""
    return _objects(body, "integrationUsers", "accounts")


def _objects(body: Any, member: str, what: str) -> list[Mapping[str, Any]]:
    given = body.get(member) if isinstance(body, dict) else body
    if not isinstance(given, list) or not given:
        raise InvalidRequest(
            f"Send a list of {what}, or it under {member}",
            code="missing_field",
            details=[Detail(member, "a list of one or more objects")],
        )
    if wrong := [place for place, each in enumerate(given) if not isinstance(each, dict)]:
        raise InvalidRequest(
            f"{member}[{wrong[0]}] is {kind_of(given[wrong[0]])}, not an object",
            code="wrong_type",
            details=[Detail(f"{member}[{place}]", "an object") for place in wrong[:100]],
        )
    return given


def wants_csv(accept: Sequence[str]) -> bool:
    """Whether an ``Accept`` header prefers ``text/csv`` to JSON (RFC 9110, 12.5.1); the first of equals wins."""
    qualities: dict[str, float] = {}
    for part in ",".join(accept).split(","):
        kind, _, parameters = part.partition(";")
        quality = next((p.partition("=")[2] for p in parameters.split(";") if p.strip().lower().startswith("q=")), "1")
        try:
            qualities.setdefault(kind.strip().lower(), float(quality))
        except ValueError:
            qualities.setdefault(kind.strip().lower(), 1.0)
    csv = qualities.get("text/csv", qualities.get("text/*", 0.0))
    if not csv:
        return False
    json = qualities.get("application/json", qualities.get("application/*"))
    if json is None or "text/csv" not in qualities:
        return csv > (json or 0.0)
    order = list(qualities)
    first = "application/json" not in order or order.index("text/csv") < order.index("application/json")
    return csv > json or (csv == json and first)
