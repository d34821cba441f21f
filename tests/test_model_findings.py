"""What pydantic finds wrong with a request, a parameter or a file is told in plain words, whichever model it is of."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

import leadline
from leadline.api.query import Headers, Parameters
from leadline.json_body import Body
from leadline.model_findings import expected

ITS_WORDS = re.compile(
    r"Field required|Input should|should be|should have|Value error|Assertion failed|not permitted|valid (string|dict|tuple|list)|"
    r"pydantic|unable to parse|\bNone\b|Decimal|datetime|bytes"
)
UNFIT: list[Any] = [None, "\0", "x" * 5000, -1, 10**30, 1.5, True, [], ["x", 5], [None] * 3000, {}, {"x": [1]}]


NEVER_TOLD = {"leadline.exports.cursor", "leadline.exports.recorded", "leadline.api.people.uploads"}
"""Whose readers say one sentence whatever is wrong, or which only describe a form."""


def models(under: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The models below ``under`` that read what others write."""
    for model in under.__subclasses__():
        if model.__module__.startswith("leadline.") and model.__module__ not in NEVER_TOLD:
            yield model
        if model is not Body:
            yield from models(model)


for module in pkgutil.walk_packages(leadline.__path__, "leadline."):
    if ".migrations" not in module.name and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
MODELS = sorted(set(models(BaseModel)) - {Body}, key=lambda model: (model.__module__, model.__name__))


def findings(model: type[BaseModel], body: dict[str, Any]) -> list[Any]:
    try:
        model.model_validate(body)
    except ValidationError as error:
        return [*error.errors()]
    return []


def test_there_are_many() -> None:
    assert len(MODELS) > 60
    assert sum(bool(findings(model, dict.fromkeys(["nonesuch"]))) for model in MODELS) > 10


@pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{model.__module__}.{model.__name__}")
def test_no_finding_is_in_pydantics_words(model: type[BaseModel]) -> None:
    names = [field.alias or name for name, field in model.model_fields.items()]
    texts = [value for value in UNFIT if isinstance(value, str)]
    for value in texts if issubclass(model, Parameters | Headers) else UNFIT:
        body = dict.fromkeys(names, value)
        for error in findings(model, body | {"nonesuch": 1}):
            assert not ITS_WORDS.search(expected(error)), (body, error)
