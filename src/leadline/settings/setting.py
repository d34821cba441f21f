"""What a setting is: its key, default and meaning, and the type that reads its text; and the types there are. Settings are
given and stored as text. A type says what it expects of one in words that complete "it must be …"."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from leadline.field_types import Field
from leadline.settings import rules


@dataclass(frozen=True)
class Setting:
    """One setting. ``type`` reads its text; the JSON schema of it says what there is to choose from. ``project_only``: it cannot
    be set for one tree. ``on_machine``: it says what the server may reach, and is set by commands alone, not over HTTP."""

    key: str
    default: str
    type: Field
    doc: str
    project_only: bool = False
    on_machine: bool = False

    def parse(self, text: str) -> Any:
        """The typed value of ``text``; raises ``ValueError`` with what would do."""
        return self.type.check(text.strip())

    @property
    def options(self) -> tuple[str, ...]:
        """The words of which it is one; none where other texts would do, too."""
        schema = self.type.schema
        return ("true", "false") if schema.get("type") == "boolean" else tuple(schema.get("enum", ()))

    @property
    def suggestions(self) -> tuple[str, ...]:
        """Texts that would do, where they are many and known."""
        return tuple(sorted(_zones())) if self.type.schema.get("format") == "timezone" else ()

    @property
    def choices(self) -> str:
        """The values there are to choose from; empty where there are none to list."""
        schema = self.type.schema
        if schema.get("type") == "boolean":
            return "true, false"
        if schema.get("format") == "timezone":
            return "an IANA name"
        return ", ".join(schema.get("enum") or schema.get("items", {}).get("enum") or ())


def one_of(*values: str) -> Field:
    """The type of one of ``values``, in any letter case."""

    def check(text: str) -> str:
        if (word := text.lower()) not in values:
            raise ValueError(f"one of {', '.join(values)}")
        return word

    return Field(check, {"type": "string", "enum": list(values)})


def whole(minimum: int, maximum: int) -> Field:
    """The type of a whole number within bounds."""

    def check(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text) or not minimum <= int(text) <= maximum:
            raise ValueError(f"a whole number from {minimum} to {maximum}")
        return int(text)

    return Field(check, {"type": "integer", "minimum": minimum, "maximum": maximum})


def written(check: Callable[[str], Any]) -> Field:
    """The type of what ``check`` reads, of which no more can be said than it says itself."""
    return Field(check, {})


def _boolean(text: str) -> bool:
    if (word := text.lower()) not in ("true", "false"):
        raise ValueError("true or false")
    return word == "true"


@cache
def _zones() -> frozenset[str]:
    # Reads the whole time zone folder.
    return frozenset(available_timezones())


def _timezone(given: Any) -> str:
    text = str(given)  # a file may say it as something else
    if text == "UTC":
        return text  # known without a look at the folder, in every profile that says nothing else
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


Stages = Field(_stages, {"type": "array", "items": {"type": "string", "enum": list(STAGES)}})
Globs = written(_globs)
"""Patterns in which `*` stands for any characters and `?` for one; as written, in their letter case."""
PathGlobs = written(_path_globs)
"""Patterns of paths in a repository, as a `.gitignore` has them: `*` and `?` stay within a name, `**` is any folders."""
Folders = written(_folders)
"""Folders of the machine by their absolute paths."""
Source = one_of("auto", "pipelines", "releases", "merges", "versions")
"""What is a deployment."""
Names = written(_names)
Number = written(rules.parse_number)
Flag = Field(_boolean, {"type": "boolean"})
Filters = written(rules.parse_filters)
WorkTypes = written(rules.parse_work_types)
Integrations = written(rules.parse_integrations)
Currency = written(rules.parse_currency)
Markers = written(rules.parse_markers)
Goals = written(rules.parse_goals)
Zone = Field(_timezone, {"type": "string", "format": "timezone"})
