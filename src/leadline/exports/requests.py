"""Reads a lenient request body into a normalized request.

A JSON object (as parsed) and the project come in; a ``Parsed`` goes out in which every default is filled in, every name
is canonical and the scope exists, so that requests meaning the same are equal. What is wrong is raised as one
``InvalidRequest`` with every finding as a detail; fields that nobody declared become warnings.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from leadline.errors import Detail, InvalidRequest
from leadline.exports.fields import printable, shown
from leadline.exports.models import MOST_NAMES, DateRange, ProductivityExportRequest, ProductivityOptions, Scope
from leadline.home import Project
from leadline.metrics.request import MetricsRequest

_MOST_WARNINGS = 20
_MOST_DETAILS = 50

_EXPECTED = {
    "string_type": "must be a string",
    "list_type": "must be a list of strings",
    "model_type": "must be an object",
    "too_long": f"must have at most {MOST_NAMES} entries",
}

ModelT = TypeVar("ModelT", bound=BaseModel)


@dataclass(frozen=True)
class Parsed:
    """A request, normalized; ``team_key`` is the key of the scope's team, if it has one; ``compression`` is ``gzip`` or
    ``none``."""

    request: MetricsRequest
    compression: str
    team_key: str | None
    warnings: tuple[str, ...]


def parse(project: Project, body: Mapping[str, Any], kind: str) -> Parsed:
    """The request of an export of ``kind`` (a key of ``KINDS``) for ``project``. Raises ``InvalidRequest``."""
    return KINDS[kind](project, body)


def parse_productivity(project: Project, body: Mapping[str, Any]) -> tuple[MetricsRequest, tuple[str, ...]]:
    """A productivity request and the warnings about its body. Raises ``InvalidRequest``."""
    parsed = parse(project, body, "productivity")
    return parsed.request, parsed.warnings


def _productivity(project: Project, body: Mapping[str, Any]) -> Parsed:
    model = validated(ProductivityExportRequest, body)
    options = model.options or ProductivityOptions.model_validate({})
    level = level_of(options)
    place, metrics, _ = together(
        lambda: place_of(project, model.scope),
        lambda: metrics_of(model.metric_groups or (), model.metrics or (), level),
        lambda: check_order(model.date_range),
    )
    check_length(project, model.date_range, place.tree)
    request = MetricsRequest(
        tree=place.tree,
        team=place.team,
        start=model.date_range.start,
        end=model.date_range.end,
        metrics=metrics,
        level=level,
        granularity=options.granularity or "monthly",
        aggregation=options.aggregation or "mean",
        format=options.format or "csv",
    )
    compression, notes = compression_of(request, options.compression)
    return Parsed(request, compression, place.team_key, (*unknown_fields(ProductivityExportRequest, body), *notes))


KINDS: Mapping[str, Callable[[Project, Mapping[str, Any]], Parsed]] = {"productivity": _productivity}
"""The kinds of exports there are, each with what reads its bodies."""


# -- parts that kinds share --------------------------------------------------------------------------------------------


def validated(model: type[ModelT], body: Mapping[str, Any]) -> ModelT:
    """``body`` as ``model``; raises ``InvalidRequest`` with a detail per refused field, unknown ones included since a
    missing field is often a misspelt one."""
    try:
        return model.model_validate(dict(body))
    except ValidationError as error:
        found = [_finding(item) for item in error.errors(include_url=False)[:_MOST_DETAILS]]
    unknown = [Detail(path, sentence) for path, sentence in _unknown(model, body)]
    message, code, _ = found[0]
    details = [detail for _, _, detail in found] + unknown[:_MOST_WARNINGS]
    raise InvalidRequest(message, code=code, details=details)


def _finding(error: Any) -> tuple[str, str, Detail]:
    """One of pydantic's errors as (sentence, code, detail)."""
    path = _path(error["loc"])
    if error["type"] == "missing" or (error["input"] is None and isinstance(error["loc"][-1], str)):
        return f"{path} is required", "missing_field", Detail(path, "is required")
    if "sentence" in (context := error.get("ctx") or {}):
        sentence = context["sentence"]
        # A sentence about the kind of value alone ("Invalid date") does not say where it stood.
        joint = {"invalid_date": ": ", "wrong_type": " "}.get(error["type"])
        return (sentence if joint is None else path + joint + sentence), error["type"], Detail(path, sentence)
    expected = _EXPECTED.get(error["type"], error["msg"])
    suffix = "" if error["type"] == "too_long" else f", not {shown(error['input'])}"
    return f"{path} {expected}{suffix}", "wrong_type", Detail(path, expected + suffix)


def _path(location: Sequence[str | int]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{printable(part)}" if text else printable(part)
    return text or "body"


def unknown_fields(model: type[BaseModel], body: Mapping[str, Any]) -> tuple[str, ...]:
    """A warning for each field of ``body``, nested ones too, that ``model`` does not declare."""
    found = [f"{path}: {sentence}" for path, sentence in _unknown(model, body)]
    more = len(found) - _MOST_WARNINGS
    return (*found[:_MOST_WARNINGS], *([f"{more} more unknown fields were ignored"] if more > 0 else []))


def _unknown(model: type[BaseModel], body: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    declared = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
    for key, value in body.items():
        if key not in declared:
            near = _nearest(key, list(declared))
            hint = f"did you mean {prefix}{near[0]}?" if near else f"known here: {', '.join(declared)}"
            yield prefix + printable(key[:80]), f"unknown field, ignored; {hint}"
        elif isinstance(value, Mapping) and (part := _part(declared[key])) is not None:
            yield from _unknown(part, value, f"{prefix}{key}.")


def _part(annotation: Any) -> type[BaseModel] | None:
    """The model in ``Model`` or ``Model | None``."""
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _nearest(key: str, known: Sequence[str]) -> list[str]:
    """Names like ``key``: the same but for case and underscores, or a few letters off."""
    plain = {name.lower(): name for name in known}
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


def level_of(options: ProductivityOptions) -> str:
    """The level by whichever of its two names was given; ``developer`` by default."""
    given = {level for level in (options.aggregation_level, options.metric_level) if level is not None}
    if len(given) > 1:
        message = (
            f"options.aggregationLevel ({options.aggregation_level}) and options.metricLevel ({options.metric_level}) "
            "are the same option and must not differ"
        )
        raise InvalidRequest(message, code="conflicting_levels", details=[Detail("options.metricLevel", message)])
    return given.pop() if given else "developer"


def metrics_of(groups: Sequence[str], names: Sequence[str], level: str) -> tuple[str, ...]:
    """Catalogue ids, in catalogue order, of ``groups`` and ``names`` merged; all of the level if both are empty."""
    from leadline.metrics import catalogue

    return tuple(metric.id for metric in catalogue.select(groups, names, level))


@dataclass(frozen=True)
class Place:
    """The scope resolved: a tree, and a node in it by ref id and key unless the whole tree is meant."""

    tree: str
    team: int | None
    team_key: str | None


def place_of(project: Project, scope: Scope) -> Place:
    """Find the scope's team or tree. Raises ``InvalidRequest`` with the seeds' sentences."""
    from leadline import people

    db = project.home.db
    if scope.team_id is not None:
        tree, node = people.find_team(db, project.id, scope.team_id, scope.org_tree_name)
        return Place(tree.name, node.ref_id, node.key)
    if scope.org_tree_name is None:
        message = "scope.orgTreeName or scope.teamId is required"
        raise InvalidRequest(message, code="missing_scope", details=[Detail("scope", message)])
    return Place(people.tree(db, project.id, scope.org_tree_name).name, None, None)


def check_order(wanted: DateRange) -> None:
    """``start`` must not be after ``end``."""
    if wanted.start > wanted.end:
        message = f"dateRange.start ({wanted.start}) must not be after dateRange.end ({wanted.end})"
        raise InvalidRequest(message, code="invalid_date_range", details=[Detail("dateRange", message)])


def check_length(project: Project, wanted: DateRange, tree: str) -> None:
    """The range must be no longer than ``exports.max_range_days`` in force for the tree."""
    days, most = (wanted.end - wanted.start).days + 1, project.profile(tree)["exports.max_range_days"]
    if days > most:
        message = f"dateRange has {days} days; at most {most} are allowed (setting exports.max_range_days)"
        raise InvalidRequest(message, code="date_range_too_long", details=[Detail("dateRange", message)])


def compression_of(request: MetricsRequest, given: str | None) -> tuple[str, tuple[str, ...]]:
    """The compression in force and what to say about it."""
    if request.format != "parquet":
        return given or "gzip", ()
    # One value for Parquet whatever was asked for: the bytes sent are the same.
    note = "options.compression: has no effect on parquet, which is compressed inside"
    return "none", (note,) if given == "gzip" else ()
