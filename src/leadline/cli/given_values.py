"""Values of options and arguments are checked when they are given. By itself Typer builds, with pydantic, what checks each value of
a command, also where none is given and where text is taken as it stands; loading pydantic costs a command that asks a fifth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from typer import core


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
        return self.build(self.descriptor).coerce(value, param, ctx)

    @property
    def _is_plain_text(self) -> bool:
        return self.descriptor.annotation is str and self.descriptor.parameter_info.parser is None


def check_when_given() -> None:
    """From now on, in this process. A Typer that is another inside checks as it does."""
    build = getattr(core, "build_runtime_param", None)
    if build is not None:
        core.build_runtime_param = lambda descriptor: _WhenGiven(descriptor, build)  # type: ignore[assignment, attr-defined, return-value]
