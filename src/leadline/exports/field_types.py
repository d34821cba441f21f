"""The kinds of fields that export requests are declared of, and what is said when a value does not fit.

Each is a pydantic annotation: raw JSON values come in, checked ones go out, and the same declaration gives the OpenAPI
schema. Refusals carry their whole sentence and a stable code, so that ``requests`` need not know the fields.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

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


def storable(text: str) -> bool:
    """Whether a database can hold ``text`` as a name: Unicode, no NUL, of bounded length."""
    return len(text) <= _TEXT and "\0" not in text and printable(text) == text


def refusal(code: str, sentence: str) -> PydanticCustomError:
    """A validation error that says ``sentence``."""
    return PydanticCustomError(code, "{sentence}", {"sentence": sentence})


class _Field:
    """A field with a check of its own (``check``) and a JSON schema (``schema``)."""

    def check(self, value: Any) -> Any:
        raise NotImplementedError

    def schema(self) -> dict[str, Any]:
        raise NotImplementedError

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(
        self, _schema: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return self.schema()


@dataclass(frozen=True)
class OneOf(_Field):
    """One of ``values`` in any letter case, taken in lower case; refused with ``Unsupported <name>``."""

    name: str
    values: tuple[str, ...]

    def check(self, value: Any) -> str:
        """The value in lower case, however the kind of request writes it."""
        if isinstance(value, str) and (known := value.strip().lower()) in (each.lower() for each in self.values):
            return known
        code = "unsupported_" + re.sub("([A-Z])", r"_\1", self.name).lower()
        raise refusal(
            code,
            f"Unsupported {self.name}: {shown(value)}; supported: {', '.join(self.values)}",
        )

    def schema(self) -> dict[str, Any]:
        """A string of the choices."""
        return {"type": "string", "enum": list(self.values)}


class _Date(_Field):
    def check(self, value: Any) -> date:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            try:
                day = date.fromisoformat(value)
            except ValueError:
                raise refusal("invalid_date", f"Invalid date: {shown(value)} is no day of the calendar") from None
            if FIRST_YEAR <= day.year <= LAST_YEAR:
                return day
            raise refusal(
                "invalid_date", f"Invalid date: {shown(value)}; years {FIRST_YEAR} to {LAST_YEAR} are supported"
            )
        raise refusal("invalid_date", f'Invalid date: {shown(value)}; dates are yyyy-MM-dd, such as "2026-01-31"')

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date"}


class _TeamId(_Field):
    def check(self, value: Any) -> str:
        text = str(value) if type(value) is int and value.bit_length() <= 64 else value
        if isinstance(text, str) and storable(text.strip()) and text.strip():
            return text.strip()
        raise refusal("invalid_team_id", f"Invalid teamId: {shown(value)}; it is a team's ref id or key, as a string")

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "minLength": 1}, {"type": "integer"}]}


class _TreeName(_Field):
    def check(self, value: Any) -> str:
        if isinstance(value, str) and value and storable(value):
            return value
        raise refusal("invalid_org_tree_name", f"Invalid orgTreeName: {shown(value)}; it is an org tree's name")

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1}


class _Name(_Field):
    def check(self, value: Any) -> str:
        if isinstance(value, str) and storable(value):
            return value
        raise refusal("wrong_type", f"must be a name, not {shown(value)}")

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


Day = Annotated[date, _Date()]
TeamId = Annotated[str, _TeamId()]
Name = Annotated[str, _Name()]
TreeName = Annotated[str, _TreeName()]
