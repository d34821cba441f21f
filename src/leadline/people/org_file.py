"""Reads org files: a developers CSV, or a nested tree as JSON or TOML."""

from __future__ import annotations

from pathlib import Path

from leadline.errors import Detail, InvalidInput
from leadline.people.csv_file import read_people
from leadline.people.draft import Draft
from leadline.people.hierarchy import draft_of
from leadline.people.nested_file import read_nested
from leadline.people.violations import Violations, refusal


def read_org(path: Path, name: str) -> Draft:
    """What the file says of the tree called ``name``: ``.json`` and ``.toml`` are nested files (``nested_file`` says how), anything
    else is a developers CSV. Raises ``InvalidInput`` with a ``Detail`` for each violation."""
    violations = Violations(path.name)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}", code="unreadable_file") from error
    kind = path.suffix.lower()
    if kind in (".json", ".toml"):
        return read_nested(data, name, toml=kind == ".toml", violations=violations)
    if not data.strip():
        raise refusal(path.name, [Detail(path.name, "EMPTY_FILE: there is nothing in it")])
    return draft_of(read_people(data, violations), name, violations)
