"""Types of fields that users fill in: the pydantic annotations of requests, and what is said of a value that does not fit.

Each takes a raw JSON value and gives the checked one; the same declaration is the field's JSON schema in OpenAPI. A
refusal carries its whole sentence and a stable code, so that whoever reports it need not know the field.

Pydantic is loaded where it asks: settings, whose types are of these too, are read by commands that do without it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import PydanticCustomError
    from pydantic_core.core_schema import CoreSchema

FIRST_YEAR, LAST_YEAR = 1900, 2999
"""Dates outside are surely mistyped, and their periods could leave the calendar that computers have."""

_SHOWN = 80
_TEXT = 255


def shown(value: Any) -> str:
    """A refused value as JSON, short and printable whatever was sent."""
    if isinstance(value, int) and value.bit_length() > 128:
        return "a number of very many digits"
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "an object"
    text = json.dumps(value[:_SHOWN] if isinstance(value, str) else value, ensure_ascii=False)
    return printable(text if not isinstance(value, str) or len(value) <= _SHOWN else text[:-1] + '…"')


def printable(text: str) -> str:
    """``text`` without what cannot be encoded (JSON may carry half a surrogate pair)."""
    return text.encode("utf-8", "backslashreplace").decode()


def is_storable(text: str) -> bool:
    """Whether every database can store ``text``: PostgreSQL takes no NUL, UTF-8 no lone surrogate."""
    return "\0" not in text and (text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text))


def storable(text: str) -> bool:
    """Whether a database can hold ``text`` as a name: what can be stored, of bounded length."""
    return len(text) <= _TEXT and is_storable(text)


def refusal(code: str, sentence: str) -> PydanticCustomError:
    """A validation error that says ``sentence``."""
    from pydantic_core import PydanticCustomError

    return PydanticCustomError(code, "{sentence}", {"sentence": sentence})


@dataclass(frozen=True, eq=False)
class Field:
    """An annotation: ``check`` gives the value to keep or raises a ``refusal``, or a ``ValueError`` that says what would do;
    ``schema`` is the field's JSON schema."""

    check: Callable[[Any], Any]
    schema: dict[str, Any]

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**self.schema}  # whoever gets it adds the default and the description of one field


def one_of(name: str, values: tuple[str, ...]) -> Field:
    """One of ``values`` in any letter case, taken in lower case; refused as ``Unsupported <name>``."""
    code = "unsupported_" + re.sub("([A-Z])", r"_\1", name).lower()
    choices = {value.lower() for value in values}

    def check(value: Any) -> str:
        if isinstance(value, str) and (choice := value.strip().lower()) in choices:
            return choice
        raise refusal(code, f"Unsupported {name}: {shown(value)}; supported: {', '.join(values)}")

    return Field(check, {"type": "string", "enum": list(values)})


def _day(value: Any) -> date:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        why = '; dates are yyyy-MM-dd, such as "2026-01-31"'
    else:
        try:
            day = date.fromisoformat(value)
        except ValueError:
            why = " is no day of the calendar"
        else:
            if FIRST_YEAR <= day.year <= LAST_YEAR:
                return day
            why = f"; years {FIRST_YEAR} to {LAST_YEAR} are supported"
    raise refusal("invalid_date", f"Invalid date: {shown(value)}{why}")


def _team_id(value: Any) -> str:
    text = str(value) if type(value) is int and value.bit_length() <= 64 else value
    if isinstance(text, str) and storable(text.strip()) and text.strip():
        return text.strip()
    raise refusal("invalid_team_id", f"Invalid teamId: {shown(value)}; it is a team's ref id or key, as a string")


def _tree_name(value: Any) -> str:
    if isinstance(value, str) and value and storable(value):
        return value
    raise refusal("invalid_org_tree_name", f"Invalid orgTreeName: {shown(value)}; it is an org tree's name")


def _name(value: Any) -> str:
    if isinstance(value, str) and storable(value):
        return value
    raise refusal("wrong_type", f"must be a name, not {shown(value)}")


Day = Annotated[date, Field(_day, {"type": "string", "format": "date"})]
"""A day of the calendar as yyyy-MM-dd."""
TeamId = Annotated[str, Field(_team_id, {"anyOf": [{"type": "string", "minLength": 1}, {"type": "integer"}]})]
"""A team by its ref id (also as a number) or its key."""
Name = Annotated[str, Field(_name, {"type": "string"})]
"""A text short enough for a name."""
TreeName = Annotated[str, Field(_tree_name, {"type": "string", "minLength": 1})]
"""An org tree by its name."""
