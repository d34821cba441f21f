"""How query parameters are read: leniently, by pydantic models, with every refused parameter named at once. A parameter left empty
counts as absent. The types here say what would do when a value is refused; ``invalid_parameters`` makes one refusal of all that was
found."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationError, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError, core_schema
from starlette.datastructures import QueryParams
from starlette.requests import Request

from leadline.errors import Detail, InvalidRequest, LeadlineError
from leadline.field_types import Field, is_storable, printable, refusal
from leadline.instants import instant_of
from leadline.model_findings import expected

P = TypeVar("P", bound="Parameters")

MAX_PAGE = 1_000_000


class Parameters(BaseModel):
    """The query parameters of a route, camelCase as all names on the wire; others than those declared are ignored."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True)


class LenientQuery(QueryParams):
    """A query without its empty parameters. One that is given with several values is their list, which no type here takes."""

    def get(self, key: Any, default: Any = None) -> Any:
        """The value of a parameter, or the list of its different values."""
        values = list(dict.fromkeys(self.getlist(key)))
        return values if len(values) > 1 else values[0] if values else default

    def getlist(self, key: Any) -> list[str]:
        """All values of a parameter that are not empty."""
        return [value for value in super().getlist(key) if value]


class LenientRequest(Request):
    """A request whose query is a ``LenientQuery``."""

    _lenient: LenientQuery | None = None

    @property
    def query_params(self) -> LenientQuery:
        """The query."""
        if self._lenient is None:
            self._lenient = LenientQuery(self.scope["query_string"])
        return self._lenient


def check_storable(query: QueryParams) -> None:
    """Raise ``InvalidRequest`` for text that no database takes."""
    for name, value in query.multi_items():
        if not is_storable(name + value):
            raise InvalidRequest(
                "Invalid query parameter: it has a NUL in it",
                code="invalid_parameter",
                details=[Detail(name if is_storable(name) else "query", "text without NUL")],
            )


_NOT_OF_THE_ROUTE = {"projectIdentifier", "orgIdentifier", "SEI_API_KEY"}
_MOST_WARNINGS = 20


def unknown_parameters(query: QueryParams, declared: Sequence[str]) -> list[str]:
    """A warning for each parameter of ``query`` that is not ``declared``, and is of no other use."""
    unknown = [name for name in dict.fromkeys(query) if name not in {*declared, *_NOT_OF_THE_ROUTE}]
    return [
        f"{printable(name[:80])}: unknown parameter, ignored; {_hint(name, declared)}"
        for name in unknown[:_MOST_WARNINGS]
    ]


def _hint(name: str, declared: Sequence[str]) -> str:
    near = difflib.get_close_matches(name[:40].lower(), plain := {one.lower(): one for one in declared}, n=1)
    if near:
        return f"did you mean {plain[near[0]]}?"
    return f"known here: {', '.join(declared)}" if declared else "none is known here"


class _Absent:
    """Of an annotation ``X | None``: absent, it is None, but nobody can send null, so its schema is that of ``X``."""

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        branches: list[dict[str, Any]] = handler(schema)["anyOf"]
        return next(branch for branch in branches if branch != {"type": "null"})


T = TypeVar("T")
MayBeAbsent = Annotated[T | None, _Absent()]
"""A member or parameter that may be left out."""


# -- types of parameters -------------------------------------------------------------------------------------------------


MUST_BE = "must_be"
"""The type of refusals that only say what a parameter must be."""


def _must_be(what: str) -> PydanticCustomError:
    return refusal(MUST_BE, what)


def _single(value: Any) -> str:
    """The text of a parameter that is given once; a number where it is a member of a body."""
    if isinstance(value, list):
        raise _must_be("given once")
    return str(value)


def choice(*values: str) -> Field:
    """One of ``values``, in any letter case."""
    by_lower_case = {value.lower(): value for value in values}

    def check(value: Any) -> str:
        if (chosen := by_lower_case.get(_single(value).strip().lower())) is None:
            raise _must_be(f"one of {', '.join(values)}")
        return chosen

    return Field(check, {"type": "string", "enum": list(values)})


def whole(minimum: int, maximum: int) -> Field:
    """A whole number within bounds."""

    def check(value: Any) -> int:
        text = _single(value).strip()
        if not re.fullmatch(r"[0-9]{1,9}", text) or not minimum <= int(text) <= maximum:
            raise _must_be(f"a whole number from {minimum} to {maximum}")
        return int(text)

    return Field(check, {"type": "integer", "minimum": minimum, "maximum": maximum})


def _short_text(value: Any) -> str:
    if not 0 < len(text := _single(value).strip()) <= 255:
        raise _must_be("1 to 255 characters")
    return text


def _day_or_instant(value: Any) -> date | datetime:
    text = _single(value)
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return date.fromisoformat(text)
        # A "+" of an offset that was not percent-encoded arrives as a space.
        return instant_of(re.sub(r" (?=\d\d:?\d\d$)", "+", text.strip()))
    except (ValueError, OverflowError):
        raise _must_be("a date (yyyy-MM-dd, in UTC) or an instant such as 2026-01-31T12:00:00Z") from None


def once(schema: Mapping[str, Any]) -> Field:
    """A text that is given once; ``schema`` says what would do, and who reads it checks that."""
    return Field(_single, {"type": "string", **schema})


def _names(value: Any) -> list[str]:
    texts = value if isinstance(value, list) else [value]
    return [name.strip() for text in texts for name in str(text).split(",") if name.strip()]


Names = Annotated[list[str], Field(_names, {"type": "array", "items": {"type": "string"}})]
"""Names, each a parameter of its own or several with commas between them."""

ShortText = Annotated[str, Field(_short_text, {"type": "string", "minLength": 1, "maxLength": 255})]
"""A text no longer than names are."""

DayOrInstant = Annotated[
    date | datetime, Field(_day_or_instant, {"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]})
]
"""A day (a ``date``) or an instant (a ``datetime`` in UTC)."""


def only(word: str, refused: Callable[[str], LeadlineError]) -> Field:
    """``word``, in any letter case and however often; another raises what ``refused`` makes of it."""

    def check(value: Any) -> str:
        for text in value if isinstance(value, list) else [value]:
            if text.strip().lower() not in ("", word.lower()):
                raise refused(text)
        return word

    return Field(check, {"type": "string", "enum": [word]})


LastText = Annotated[str, Field(lambda value: value[-1] if isinstance(value, list) else value, {"type": "string"})]
"""A text; given with several values, the last one."""

PageNumber = Annotated[int, whole(0, MAX_PAGE)]
SortOrder = Annotated[str, choice("asc", "desc")]


# -- refusals ------------------------------------------------------------------------------------------------------------


def read(model: type[P], query: Mapping[str, Sequence[str]]) -> P:
    """The parameters in ``query`` (values by name), which did not come as a query. Raises ``InvalidRequest``."""
    pairs = LenientQuery([(name, value) for name, values in query.items() for value in values])
    try:
        return model.model_validate({name: value for name in pairs if (value := pairs.get(name)) is not None})
    except ValidationError as error:
        raise invalid_parameters(refused_values(error.errors())) from None


def refused_values(errors: Iterable[Mapping[str, Any]]) -> list[Detail]:
    """What pydantic found, by parameter."""
    return [Detail(str(error["loc"][-1]), _sentence(error)) for error in errors]


def _sentence(error: Mapping[str, Any]) -> str:
    value, message = error["input"], expected(error)
    if error["type"] != MUST_BE:
        return message
    first = value[0] if isinstance(value, list) else value
    return f"{str(first)[:80]!r} is refused; it must be {message}"


def invalid_parameters(refused: Sequence[Detail]) -> InvalidRequest:
    """The refusal of query parameters."""
    names = ", ".join(detail.field for detail in refused)
    return InvalidRequest(f"Invalid query parameter {names}", code="invalid_parameter", details=refused)


# -- headers -------------------------------------------------------------------------------------------------------------

HeaderText = Annotated[str, WithJsonSchema({"type": "string", "pattern": "^[ -~]*$"})]
"""A header's value; what it means is for whoever reads it."""


class Headers(BaseModel):
    """The headers that a route reads, beside those of the key."""

    model_config = ConfigDict(alias_generator=lambda name: name.replace("_", "-").title(), frozen=True)
