"""Every GraphQL query that a connector's module of queries can build, in all its variants."""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any


def built(module: ModuleType, values: Mapping[str, Sequence[Any]]) -> dict[str, str]:
    """Name of each query → its text. ``values``: what parameters are called with, by their names; flags are both.

    Fails for a builder with a parameter that ``values`` does not know.
    """
    return dict(_built(module, values))


def _built(module: ModuleType, values: Mapping[str, Sequence[Any]]) -> Iterator[tuple[str, str]]:
    for name, thing in vars(module).items():
        if name.startswith("_"):
            continue
        if isinstance(thing, dict):
            yield from ((f"{name}[{key}]", text) for key, text in thing.items() if _is_query(text))
        elif _is_query(thing):
            yield name, thing
        elif inspect.isfunction(thing) and thing.__module__ == module.__name__:
            yield from _variants(name, thing, values)


def _variants(name: str, builder: Any, values: Mapping[str, Sequence[Any]]) -> Iterator[tuple[str, str]]:
    parameters = list(inspect.signature(builder).parameters.values())
    choices: list[Sequence[Any]] = []
    for parameter in parameters:
        choice = (False, True) if parameter.annotation == "bool" else values.get(parameter.name)
        assert choice is not None, f"{name} is a query that cannot be built here: say what {parameter.name} may be"
        choices.append(choice)
    for chosen in itertools.product(*choices):
        arguments = list(zip(parameters, chosen, strict=True))
        keywords = {parameter.name: value for parameter, value in arguments if parameter.kind is parameter.KEYWORD_ONLY}
        others = [value for parameter, value in arguments if parameter.kind is not parameter.KEYWORD_ONLY]
        shown = ", ".join(f"{parameter.name}={value}" for parameter, value in arguments)
        yield f"{name}({shown})", builder(*others, **keywords)


def _is_query(thing: Any) -> bool:
    return isinstance(thing, str) and thing.lstrip().startswith("query")


def plain(query: str) -> str:
    """A query without its line breaks, to be compared."""
    return re.sub(r"\s+", " ", query).strip()
