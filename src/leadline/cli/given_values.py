"""Values of options and arguments are checked when they are given. By itself Typer builds, with pydantic, what checks each value of
a command, also where none is given and where text is taken as it stands; loading pydantic costs a command that asks a fifth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import typer
from typer import core

from leadline.model_findings import expected

_OF_NUMBERS = frozenset({"int_parsing", "float_parsing", "greater_than_equal", "less_than_equal"})


@dataclass(frozen=True)
class _WhenGiven:
    """What checks a value that ``descriptor`` describes, built by ``build`` when there is one to check."""

    descriptor: Any
    build: Callable[[Any], Any]

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value to hand to the command; Typer calls it by this name."""
        is_list = param.multiple or param.nargs == -1
        if value is None:
            return () if is_list else None
        if not is_list and isinstance(value, str) and self._is_plain_text:
            return value
        try:
            return self.build(self.descriptor).coerce(value, param, ctx)
        except typer.BadParameter as error:
            found: Any = error.__cause__
            wanted = _wanted(found.errors()[0]) if hasattr(found, "errors") else None
            if wanted is None or not isinstance(value, str):
                raise
            source = ctx.get_parameter_source(param.name)
            hint = param.envvar if source is not None and source.name == "ENVIRONMENT" else None
            raise typer.BadParameter(f"{value!r} {wanted}", ctx, param, hint) from error

    @property
    def _is_plain_text(self) -> bool:
        return self.descriptor.annotation is str and self.descriptor.parameter_info.parser is None


def _wanted(error: Mapping[str, Any]) -> str | None:
    """What a number must be, in plain words, by what pydantic found wrong with it; None where that says it itself."""
    return expected(error) if error["type"] in _OF_NUMBERS else None


def check_when_given() -> None:
    """From now on, in this process. A Typer that is another inside checks as it does."""
    build = getattr(core, "build_runtime_param", None)
    if build is not None:
        core.build_runtime_param = lambda descriptor: _WhenGiven(descriptor, build)  # type: ignore[assignment, attr-defined, return-value]
