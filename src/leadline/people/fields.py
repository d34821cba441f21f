"""The fields of a developer under all the names that files and requests give them, and which field a column is.

A mapping is the field by a column's title, empty for a column that is left out. Names in requests are
those of the ``developers`` table in any spelling (`managerEmail`, `MANAGER_EMAIL`), `name` for the full name; any other
name is a further field, kept as it is (vendor docs, "Upload and manage developer records").
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from leadline.errors import Detail, InvalidRequest
from leadline.people.csv_file import lacking
from leadline.people.titles import ALIASES, FIELDS, MANAGERS_OTHERWISE, TITLES, normalized
from leadline.people.violations import shown
from leadline.schema import table_named

EXAMPLES = {
    "email": "ada@example.com",
    "full_name": "Ada Byron",
    "manager_email": "ben@example.com",
    "role": "Engineer",
    "sub_role": "Backend",
    "team": "Platform",
    "department": "Engineering",
    "site": "Berlin",
    "fte": "0.8",
}


def field_doc(field: str) -> str:
    """What a field means, from the declaration of the table."""
    return table_named("developers").column[field].doc


def field_of(name: str) -> str:
    """The field that a request calls ``name``; one not known is a further field under this very name."""
    words = normalized(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip()))
    field = ALIASES.get(words, words)
    return field if field in FIELDS else name.strip()


def proposed(titles: Sequence[str], previous: Mapping[str, str]) -> dict[str, str]:
    """The field of each column: as in the ``previous`` mapping, else by its title; each field at most once."""
    mapping = {title: previous[title] for title in titles if title in previous}
    taken = {field for field in mapping.values() if field}
    for names in (dict(zip(FIELDS, FIELDS, strict=True)), TITLES, MANAGERS_OTHERWISE):
        for title in titles:
            field = names.get(normalized(title))
            if field is not None and title not in mapping and field not in taken:
                mapping[title] = field
                taken.add(field)
    for title in titles:
        # What is no field of ours is kept, unless it would be taken for one that another column has.
        mapping.setdefault(title, "" if normalized(title) in taken else title)
    return {title: mapping[title] for title in dict.fromkeys(titles) if title}


def remapped(current: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """``current`` with the fields that some titles are ``wanted`` to have. A column that had such a field before is kept as a
    further field under its own title, unless that is a field's name. Raises ``InvalidRequest`` (``invalid_field_mapping``) for
    titles that the file does not have, for a field given twice, and if a required field is left without a column."""
    fields = {title: field_of(field) for title, field in wanted.items()}
    refused = [
        Detail(shown(title), f"the file has no such column; it has {', '.join(map(shown, current))}")
        for title in fields
        if title not in current
    ]
    columns: dict[str, list[str]] = {}
    for title, field in fields.items():
        columns.setdefault(normalized(field), []).append(title)
    refused += [
        Detail(field, f"is given to {', '.join(map(shown, twice))}; one column can be it")
        for field, twice in columns.items()
        if field and len(twice) > 1
    ]
    if refused:
        raise _refused(refused)
    merged: dict[str, str] = {}
    for title, field in current.items():
        if title in fields:
            merged[title] = fields[title]
        elif normalized(field) not in columns:
            merged[title] = field
        else:
            merged[title] = "" if normalized(title) in columns else title
    mapped = {normalized(field) for field in merged.values()}
    if missing := lacking(mapped, list(current)):
        further = [shown(field) for field in fields.values() if field and normalized(field) not in FIELDS]
        said = f"; {', '.join(further)} is none of the fields {', '.join(FIELDS)}" if further else ""
        raise _refused([Detail(name, f"no column is mapped to it (REQUIRED_FIELD_MISSING){said}") for name in missing])
    return merged


def _refused(details: list[Detail]) -> InvalidRequest:
    first = f"{details[0].field}: {details[0].message}"
    return InvalidRequest(f"Invalid field mapping: {first}", code="invalid_field_mapping", details=details)
