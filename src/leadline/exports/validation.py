"""Checks a request's body against its declared model: every finding at once, in sentences about the sender's own fields."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from leadline.errors import Detail, InvalidRequest
from leadline.field_types import printable, shown
from leadline.model_findings import WHATEVER_IT_WAS, expected

_MOST_WARNINGS = 20
_MOST_DETAILS = 50

ModelT = TypeVar("ModelT", bound=BaseModel)


def validated(model: type[ModelT], body: Mapping[str, Any]) -> ModelT:
    """``body`` as ``model``; raises ``InvalidRequest`` with a detail per refused field, unknown ones included since a
    missing field is often a misspelt one."""
    try:
        return model.model_validate(dict(body))
    except ValidationError as error:
        findings = [_finding(item, model) for item in error.errors(include_url=False)[:_MOST_DETAILS]]
    unknown = [Detail(path, sentence) for path, sentence in _unknown([model], body)]
    message, code, _ = findings[0]
    details = [detail for _, _, detail in findings] + unknown[:_MOST_WARNINGS]
    raise InvalidRequest(message, code=code, details=details)


def missing(path: str) -> InvalidRequest:
    """The refusal of a body without the field ``path``."""
    return InvalidRequest(f"{path} is required", code="missing_field", details=[Detail(path, "is required")])


def _finding(error: Any, model: type[BaseModel]) -> tuple[str, str, Detail]:
    """One of pydantic's errors as (sentence, code, detail)."""
    path = _path(error["loc"])
    if error["type"] == "missing" or (error["input"] is None and isinstance(error["loc"][-1], str)):
        path += _required_within(model, error["loc"])
        return f"{path} is required", "missing_field", Detail(path, "is required")
    if "sentence" in (context := error.get("ctx") or {}):
        sentence = context["sentence"]
        # A sentence about the kind of value alone ("Invalid date") does not say where it stood.
        joint = {"invalid_date": ": ", "wrong_type": " "}.get(error["type"])
        return (sentence if joint is None else path + joint + sentence), error["type"], Detail(path, sentence)
    suffix = "" if error["type"] in WHATEVER_IT_WAS else f", not {shown(error['input'])}"
    sentence = expected(error) + suffix
    return f"{path} {sentence}", "wrong_type", Detail(path, sentence)


def _required_within(model: type[BaseModel], location: Sequence[str | int]) -> str:
    """What is required of the object at ``location``, which is missing: that is what to send. '' where any of it would do."""
    parts = [model]
    for name in location:
        declared = {
            field.alias or name: field.annotation for part in parts for name, field in part.model_fields.items()
        }
        parts = _parts(declared.get(str(name)))
    fields = parts[0].model_fields.items() if len(parts) == 1 else ()
    return next((f".{field.alias or name}" for name, field in fields if field.is_required()), "")


_OF_A_TYPE = re.compile(r"(?:constrained-|function-|tagged-)[\w-]+|[\w-]+\[.*\]")
"""What stands in places for one of the types that a value may have; it is no name of the sender's."""


def _path(location: Sequence[str | int]) -> str:
    text = ""
    for part in location:
        if isinstance(part, str) and _OF_A_TYPE.fullmatch(part):
            continue
        text += f"[{part}]" if isinstance(part, int) else f".{printable(part)}" if text else printable(part)
    return text or "body"


def unknown_fields(model: type[BaseModel], body: Mapping[str, Any]) -> tuple[str, ...]:
    """A warning for each field of ``body``, nested ones too, that ``model`` does not declare."""
    warnings = [f"{path}: {sentence}" for path, sentence in _unknown([model], body)]
    more = len(warnings) - _MOST_WARNINGS
    return (*warnings[:_MOST_WARNINGS], *([f"{more} more unknown fields were ignored"] if more > 0 else []))


def _unknown(models: Sequence[type[BaseModel]], body: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The fields of an object, of any of ``models``, that none of these declares."""
    fields = [field for model in models for field in model.model_fields.items()]
    declared = {field.alias or name: field.annotation for name, field in fields}
    for key, value in body.items():
        if key not in declared:
            near = _nearest(key, list(declared))
            hint = f"did you mean {prefix}{near[0]}?" if near else f"known here: {', '.join(declared)}"
            yield prefix + printable(key[:80]), f"unknown field, ignored; {hint}"
        elif isinstance(value, Mapping) and (parts := _parts(declared[key])):
            yield from _unknown(parts, value, f"{prefix}{key}.")


def words_of(model: type[BaseModel], body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of ``body``, nested ones too, that ``model`` declares, as they were sent; null is as if a field was left out."""
    return _words([model], body)


def _words(models: Sequence[type[BaseModel]], body: Mapping[str, Any]) -> dict[str, Any]:
    declared = {field.alias or name: field.annotation for model in models for name, field in model.model_fields.items()}
    said = {name: value for name, value in body.items() if name in declared and value is not None}
    for name, value in said.items():
        if isinstance(value, Mapping) and (parts := _parts(declared[name])):
            said[name] = _words(parts, value)
    return said


def _parts(annotation: Any) -> list[type[BaseModel]]:
    candidates = (annotation, *get_args(annotation))
    return [candidate for candidate in candidates if isinstance(candidate, type) and issubclass(candidate, BaseModel)]


def _nearest(key: str, declared: Sequence[str]) -> list[str]:
    """Names like ``key``: the same but for case and underscores, or a few letters off."""
    plain = {name.lower(): name for name in declared}
    near = difflib.get_close_matches(key[:40].lower().replace("_", ""), plain, n=1, cutoff=0.6)
    return [plain[name] for name in near]


def together(*checks: Callable[[], Any]) -> list[Any]:
    """What each of ``checks`` returns, or, if any refuses, one refusal with the findings of all."""
    results, errors = [], []
    for check in checks:
        try:
            results.append(check())
        except InvalidRequest as error:
            errors.append(error)
    if not errors:
        return results
    if len(errors) == 1:
        raise errors[0]
    details = [detail for error in errors for detail in error.details or (Detail("body", error.message),)]
    raise InvalidRequest(errors[0].message, code=errors[0].code, details=details)
