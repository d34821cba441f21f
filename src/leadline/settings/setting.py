"""What a setting is: its key, default and meaning, and a pydantic type that reads its text; and the types there are. Settings are
given and stored as text. A type says what it expects of one in words that complete "it must be …"."""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from annotated_types import Interval
from pydantic import BeforeValidator, PlainValidator, TypeAdapter, ValidationError, WithJsonSchema

from leadline.settings import rules


@dataclass(frozen=True)
class Setting:
    """One setting. ``type`` is a pydantic type that takes the setting's text; what is said of it follows from its JSON schema,
    or from the ``ValueError`` of its own check. ``project_only``: it cannot be set for one tree. ``on_machine``: it says what the
    server may reach, and is set by commands alone, not over HTTP."""

    key: str
    default: str
    type: Any
    doc: str
    project_only: bool = False
    on_machine: bool = False

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.type)

    @cached_property
    def _schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = self._adapter.json_schema()
        if isinstance(only := schema.get("const"), str):
            return {**schema, "enum": [only]}
        return schema

    def parse(self, text: str) -> Any:
        """The typed value of ``text``; raises ``ValueError`` with what would do."""
        try:
            return self._adapter.validate_python(text.strip())
        except ValidationError as error:
            own = error.errors()[0].get("ctx", {}).get("error")
            raise ValueError(str(own) if isinstance(own, ValueError) else self._expected()) from None

    def _expected(self) -> str:
        if "minimum" in self._schema:
            return f"a whole number from {self._schema['minimum']} to {self._schema['maximum']}"
        return f"one of {self.choices}"

    @property
    def options(self) -> tuple[str, ...]:
        """The words of which it is one; none where other texts would do, too."""
        return ("true", "false") if self._schema.get("type") == "boolean" else tuple(self._schema.get("enum", ()))

    @property
    def suggestions(self) -> tuple[str, ...]:
        """Texts that would do, where they are many and known."""
        return tuple(sorted(_zones())) if self._schema.get("format") == "timezone" else ()

    @property
    def choices(self) -> str:
        """The values there are to choose from; empty where there are none to list."""
        schema = self._schema
        if schema.get("type") == "boolean":
            return "true, false"
        if schema.get("format") == "timezone":
            return "an IANA name"
        return ", ".join(schema.get("enum") or schema.get("items", {}).get("enum") or ())


def one_of(*values: str) -> Any:
    """The type of one of ``values``, in any letter case."""
    return Annotated[Literal[values], BeforeValidator(str.lower)]


def whole(minimum: int, maximum: int) -> Any:
    """The type of a whole number within bounds."""
    return Annotated[int, Interval(ge=minimum, le=maximum), BeforeValidator(_digits)]


def _digits(text: str) -> int | None:
    # pydantic itself would also read 1_000 and +1.
    return int(text) if re.fullmatch(r"\d{1,9}", text) else None


def _boolean(text: str) -> bool:
    if (word := text.lower()) not in ("true", "false"):
        raise ValueError("true or false")
    return word == "true"


@cache
def _zones() -> frozenset[str]:
    # Reads the whole time zone folder.
    return frozenset(available_timezones())


def _timezone(text: str) -> str:
    # ZoneInfo also opens paths such as "posix/…" or "../x"; only the published names are accepted.
    zones = _zones()
    if text in zones:
        return text
    for zone in zones:
        if zone.lower() == text.lower():
            return zone
    near = difflib.get_close_matches(text, zones, n=3, cutoff=0.5)
    raise ValueError("an IANA time zone such as Europe/Berlin" + (f"; near: {', '.join(near)}" if near else ""))


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))


def _globs(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _path_globs(text: str) -> tuple[str, ...]:
    globs = _globs(text)
    if any(glob.startswith("!") or not glob.strip("/") for glob in globs):
        raise ValueError(
            "globs of paths such as `*.lock, vendor/, src/**/*.gen.go`; none can begin with `!` or name nothing"
        )
    return globs


def _folders(text: str) -> tuple[str, ...]:
    folders = _globs(text)
    if any(not Path(folder).is_absolute() or os.path.normpath(folder) == "/" for folder in folders):
        raise ValueError("folders by their absolute paths, comma-separated: `/srv/exports, /mnt/reports`; `/` is none")
    return tuple(os.path.normpath(folder) for folder in folders)


STAGES = ("planning", "coding", "review", "build", "deploy")
"""The stages of lead time, in their order."""


def _stages(text: str) -> tuple[str, ...]:
    chosen = _names(text)
    if not chosen or not set(chosen) <= set(STAGES):
        raise ValueError(f"a comma-separated choice of {', '.join(STAGES)}")
    return tuple(stage for stage in STAGES if stage in chosen)


Stages = Annotated[tuple[Literal[STAGES], ...], BeforeValidator(_stages)]  # type: ignore[valid-type]
Globs = Annotated[tuple[str, ...], PlainValidator(_globs)]
"""Patterns in which `*` stands for any characters and `?` for one; as written, in their letter case."""
PathGlobs = Annotated[tuple[str, ...], PlainValidator(_path_globs)]
"""Patterns of paths in a repository, as a `.gitignore` has them: `*` and `?` stay within a name, `**` is any folders."""
Folders = Annotated[tuple[str, ...], PlainValidator(_folders)]
"""Folders of the machine by their absolute paths."""
Source = one_of("auto", "pipelines", "releases", "merges", "versions")
"""What is a deployment."""
Names = Annotated[tuple[str, ...], PlainValidator(_names)]
Number = Annotated[float, PlainValidator(rules.parse_number)]
Flag = Annotated[bool, BeforeValidator(_boolean)]
Filters = Annotated[tuple[rules.Filter, ...], PlainValidator(rules.parse_filters)]
WorkTypes = Annotated[dict[str, str], PlainValidator(rules.parse_work_types)]
Integrations = Annotated[dict[str, tuple[str, ...]], PlainValidator(rules.parse_integrations)]
Currency = Annotated[str, PlainValidator(rules.parse_currency)]
Markers = Annotated[dict[str, tuple[str, ...]], PlainValidator(rules.parse_markers)]
Goals = Annotated[dict[str, float], PlainValidator(rules.parse_goals)]
Zone = Annotated[str, BeforeValidator(_timezone), WithJsonSchema({"type": "string", "format": "timezone"})]
