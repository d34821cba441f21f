"""What pydantic finds wrong with a value, in plain words: what it must be. Pydantic's own terms reach nobody."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_EXPECTED = {
    "missing": "is required",
    "extra_forbidden": "is no field here",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list of strings",
    "tuple_type": "must be a list of strings",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "dict_type": "must be an object",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number",
    "pattern_regex": "must be a regular expression",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "greater_than": "must be more than {gt}",
    "less_than": "must be less than {lt}",
    "literal_error": "must be {expected}",
}
WHATEVER_IT_WAS = frozenset({"missing", "extra_forbidden", "too_long", "too_short", "string_too_long"})
"""Findings of which the value itself says nothing more."""
_ITS_WORDS = re.compile(r"^(?:Value error, |Assertion failed, )|^\w+ should (?=be|have|match)")


def expected(error: Mapping[str, Any]) -> str:
    """What must be, by one of ``ValidationError.errors()``: a predicate of the field that it is about. A sentence of our own, which
    a check of ours gave, is that."""
    within = error.get("ctx") or {}
    if "sentence" in within:
        return str(within["sentence"])
    if (words := _EXPECTED.get(error["type"])) is not None:
        return words.format_map(within)
    message = str(error["msg"])
    ours = _ITS_WORDS.sub("", message)
    return ours if ours == message or error["type"] in ("value_error", "assertion_error") else f"must {ours}"
