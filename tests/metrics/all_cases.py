"""The rows of many cases beside one another, each case with names of its own: one world in which every oddity of theirs is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from string import ascii_lowercase
from typing import Any

from leadline.schema import TABLES

from .case import Case

NAMES = {"repository", "sha", "key", "sprint_id", "build_id", "deployment_id", "incident_id", "project"}
"""The columns whose values are what one case must not share with another."""
LETTERS = ascii_lowercase[:6]
"""A sha that is preceded by them remains one."""


def beside(cases: Iterable[Case]) -> tuple[dict[str, list[dict[str, Any]]], dict[str, str]]:
    """The rows of every table, and of each setting the first value that a case has; those of its teams it has for itself."""
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    settings: dict[str, str] = {}
    for number, case in enumerate(cases):
        renamed = renaming(case.world.tables, mark(number))
        for table, rows in case.world.tables.items():
            tables[table] += [{name: renamed(value) for name, value in row.items()} for row in rows]
        for key, value in case.world.settings.items():
            if not key.startswith("team."):
                settings.setdefault(renamed(key), value)
    return tables, settings


def mark(number: int) -> str:
    """A word of four letters for each number."""
    return "".join(LETTERS[number // len(LETTERS) ** place % len(LETTERS)] for place in range(4))


def renaming(tables: Mapping[str, list[dict[str, Any]]], prefix: str) -> Callable[[Any], Any]:
    """What puts ``prefix`` before every name in a cell, wherever it stands in a text, in capitals before capitals."""
    names = {str(row[name]) for rows in tables.values() for row in rows for name in NAMES & row.keys() if row[name]}
    longest_first = sorted(map(re.escape, names), key=len, reverse=True)
    pattern = re.compile(rf"(?<![\w-])(?:{'|'.join(longest_first) or '(?!)'})(?!\w)", re.IGNORECASE)

    def text(value: str) -> str:
        return pattern.sub(lambda name: (prefix.upper() if name[0][0].isupper() else prefix) + name[0], value)

    def cell(value: Any) -> Any:
        return (
            text(value)
            if isinstance(value, str)
            else [text(one) for one in value]
            if isinstance(value, list)
            else value
        )

    return cell
