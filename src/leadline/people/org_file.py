"""Reads org files: a developers CSV, or a nested tree as JSON or TOML."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from leadline.errors import Detail, InvalidInput, InvalidRequest
from leadline.people.csv_file import REQUIRED_COLUMNS, peek, read_people
from leadline.people.draft import Draft
from leadline.people.fields import proposed, remapped
from leadline.people.hierarchy import draft_of
from leadline.people.nested_file import read_nested
from leadline.people.titles import normalized
from leadline.people.violations import Violations, refusal


def read_org(path: Path, name: str, fields: Mapping[str, str] | None = None) -> Draft:
    """What the file says of the tree called ``name``: ``.json`` and ``.toml`` are nested files (``nested_file`` says how), anything
    else is a developers CSV, whose columns have the ``fields`` that are named by their titles, else those that their titles mean.
    Raises ``InvalidRequest`` for fields that cannot be, and ``InvalidInput`` with a ``Detail`` for each violation."""
    violations = Violations(path.name)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}", code="unreadable_file") from error
    kind = path.suffix.lower()
    if kind in (".json", ".toml"):
        if fields:
            raise InvalidRequest(
                f"{path.name} is a nested file, which has no columns; only those of a list can be mapped",
                code="invalid_field_mapping",
            )
        return read_nested(data, name, toml=kind == ".toml", violations=violations)
    if not data.strip():
        raise refusal(path.name, [Detail(path.name, "EMPTY_FILE: there is nothing in it")])
    titles, _ = peek(data, Violations(path.name), 0)
    mapping = proposed(titles, {})
    if fields:
        mapping = remapped(mapping, fields)
    elif set(REQUIRED_COLUMNS) <= set(map(normalized, titles)):
        mapping = {}  # by their own names: two of one are told
    return draft_of(read_people(data, violations, mapping), name, violations)
