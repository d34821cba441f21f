"""The parameters of a list: query values in, a checked filter out, every refused parameter named at once.

Parameters are declared once, here; the OpenAPI document describes them from the same declarations.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from leadline.db.jobs import SORTS, STATES, ListFilter
from leadline.errors import Detail, InvalidRequest

MAX_LIMIT = 100
MAX_PAGE = 1_000_000


@dataclass(frozen=True)
class Parameter:
    """One query parameter: ``parse`` gives its value or raises ``ValueError`` with what would do; ``schema`` is its
    JSON Schema."""

    name: str
    doc: str
    parse: Callable[[str], Any]
    schema: Mapping[str, Any]


def choice(*values: str) -> Callable[[str], str]:
    """Reads one of ``values``, in any letter case."""
    by_lower_case = {value.lower(): value for value in values}

    def parse(text: str) -> str:
        if (found := by_lower_case.get(text.strip().lower())) is None:
            raise ValueError(f"one of {', '.join(values)}")
        return found

    return parse


def whole(minimum: int, maximum: int) -> Callable[[str], int]:
    """Reads a whole number within bounds."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text.strip()) or not minimum <= int(text) <= maximum:
            raise ValueError(f"a whole number from {minimum} to {maximum}")
        return int(text)

    return parse


def short_text(text: str) -> str:
    """Reads a text that is there and no longer than names are."""
    if not 0 < len(text.strip()) <= 255:
        raise ValueError("1 to 255 characters")
    return text.strip()


def _day_or_instant(text: str) -> date | datetime:
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return date.fromisoformat(text)
        # A "+" of an offset that was not percent-encoded arrives as a space.
        instant = datetime.fromisoformat(re.sub(r" (?=\d\d:?\d\d$)", "+", text.strip()))
        return instant.astimezone(UTC) if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValueError("a date (yyyy-MM-dd, in UTC) or an instant such as 2026-01-31T12:00:00Z") from None


SHORT: Mapping[str, Any] = {"type": "string", "minLength": 1, "maxLength": 255}
_DAY = {
    "type": "string",
    "anyOf": [{"format": "date"}, {"format": "date-time"}],
}

PARAMETERS = (
    Parameter("status", "Only exports in this state.", choice(*STATES), {"type": "string", "enum": list(STATES)}),
    Parameter(
        "scope",
        "`all` exports of the project, or `mine`: those created with the same API key.",
        choice("all", "mine"),
        {"type": "string", "enum": ["all", "mine"], "default": "all"},
    ),
    Parameter("teamId", "Only exports of this team, by ref id or key.", short_text, SHORT),
    Parameter("createdBy", "Only exports created by this API key, by its id or name.", short_text, SHORT),
    Parameter(
        "dateFrom", "Only exports created on this day or later (an instant: then or later).", _day_or_instant, _DAY
    ),
    Parameter("dateTo", "Only exports created on this day or earlier (an instant: before it).", _day_or_instant, _DAY),
    Parameter(
        "limit",
        "Exports on a page.",
        whole(1, MAX_LIMIT),
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": 50},
    ),
    Parameter(
        "page",
        "Which page, counted from 0.",
        whole(0, MAX_PAGE),
        {"type": "integer", "minimum": 0, "maximum": MAX_PAGE, "default": 0},
    ),
    Parameter(
        "sortBy",
        "What to sort by.",
        choice(*SORTS),
        {"type": "string", "enum": list(SORTS), "default": "createdAt"},
    ),
    Parameter(
        "sortOrder",
        "Which way to sort.",
        choice("asc", "desc"),
        {"type": "string", "enum": ["asc", "desc"], "default": "desc"},
    ),
)


def parsed(query: Mapping[str, Sequence[str]], parameters: Sequence[Parameter]) -> tuple[dict[str, Any], list[Detail]]:
    """The values of ``parameters`` by name, and what is refused. A parameter left empty counts as absent."""
    values: dict[str, Any] = {}
    refused: list[Detail] = []
    for parameter in parameters:
        given = [text for text in query.get(parameter.name, ()) if text]
        try:
            if len(set(given)) > 1:
                raise ValueError("given once")
            if given:
                values[parameter.name] = parameter.parse(given[0])
        except ValueError as error:
            refused.append(Detail(parameter.name, f"{given[0][:80]!r} is refused; it must be {error}"))
    return values, refused


def invalid_parameters(refused: Sequence[Detail]) -> InvalidRequest:
    """The refusal of query parameters."""
    names = ", ".join(detail.field for detail in refused)
    return InvalidRequest(f"Invalid query parameter {names}", code="invalid_parameter", details=refused)


def parse_list(query: Mapping[str, Sequence[str]], *, caller: str) -> ListFilter:
    """The filter that ``query`` (name → values) asks for; ``caller`` is the id of the key that asks.

    A parameter left empty counts as absent. Raises ``InvalidRequest`` naming every refused parameter.
    """
    values, refused = parsed(query, PARAMETERS)
    if not refused and _start(values) is not None and _end(values) is not None and _start(values) >= _end(values):
        refused.append(Detail("dateFrom", "it must not be after dateTo"))
    if refused:
        raise invalid_parameters(refused)
    return ListFilter(
        status=values.get("status"),
        team_id=values.get("teamId"),
        created_by=values.get("createdBy"),
        mine=caller if values.get("scope") == "mine" else None,
        created_from=_start(values),
        created_before=_end(values),
        limit=values.get("limit", 50),
        page=values.get("page", 0),
        sort_by=values.get("sortBy", "createdAt"),
        descending=values.get("sortOrder", "desc") == "desc",
    )


def _start(values: Mapping[str, Any]) -> Any:
    given = values.get("dateFrom")
    return given if given is None or isinstance(given, datetime) else _midnight(given)


def _end(values: Mapping[str, Any]) -> Any:
    given = values.get("dateTo")
    if given is None or isinstance(given, datetime):
        return given
    # The last day that there is has no next one.
    return _midnight(given) + timedelta(days=1) if given < date.max else datetime.max.replace(tzinfo=UTC)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
