"""Violations of a developers file under the error types that the people API documents. The rules themselves are ``csv_file``'s and
``hierarchy``'s: nothing is judged here."""

from __future__ import annotations

import re
from dataclasses import dataclass

from leadline.errors import Detail, InvalidInput
from leadline.people.titles import FIELDS

ERROR_TYPES = {
    "MISSING_COLUMN": "REQUIRED_FIELD_MISSING",
    "CYCLE": "CIRCULAR_REFERENCE",
    "SELF_MANAGER": "CIRCULAR_REFERENCE",
    "UNKNOWN_MANAGER": "MANAGER_EMAIL_MISSING_IN_DEVELOPER_EMAILS",
    "EMPTY_FILE": "EMPTY_CSV",
    "BLANK_COLUMN_NAME": "BLANK_CSV_COLUMN_NAME",
    **dict.fromkeys(
        (
            "WRONG_ENCODING",
            "WRONG_SEPARATOR",
            "MALFORMED_CSV",
            "WRONG_CELL_COUNT",
            "DUPLICATE_COLUMN",
            "INVALID_COLUMN",
        ),
        "INVALID_CSV",
    ),
}
"""The documented type of a violation (vendor docs, "Error types"); one that is not listed keeps its name."""

_VIOLATION = re.compile(r"(?:(?P<field>[^:]+): )?(?P<name>[A-Z]+(?:_[A-Z]+)*): (?P<text>.*)", re.DOTALL)


_OPTION = re.compile(r" \(--map '[^']*'\)")
"""What a violation says for the command line alone; who uploads a file has field mappings."""


@dataclass(frozen=True)
class Finding:
    """One violation: its documented type, the field it is about, where it is (a line of the file or a part of the
    request), and what would do."""

    error_type: str
    field: str | None
    where: str
    line: int | None
    message: str


def finding_of(detail: Detail) -> Finding:
    """The finding of one detail of an ``InvalidInput`` of this package."""
    violation = _VIOLATION.fullmatch(detail.message)
    if violation is None:  # every violation is written so, which a test holds
        return Finding("INVALID_CSV", None, detail.field, None, detail.message)
    name, field, text = violation["name"], violation["field"], _OPTION.sub("", violation["text"])
    if name == "MISSING_COLUMN":
        field = text.partition(";")[0]
    line = re.search(r":(\d+)$", detail.field)
    return Finding(
        ERROR_TYPES.get(name, name),
        field if field in FIELDS else None,
        detail.field,
        int(line[1]) if line else None,
        text,
    )


def documented(error: InvalidInput) -> InvalidInput:
    """The same refusal with the documented error types in its details."""
    details = []
    for detail in error.details:
        finding = finding_of(detail)
        field = f"{finding.field}: " if finding.field and not finding.message.startswith(f"{finding.field};") else ""
        details.append(Detail(detail.field, f"{field}{finding.error_type}: {finding.message}"))
    sentence = error.message
    if len(details) == 1:
        sentence = f"{details[0].field}: {details[0].message}; nothing was changed"
    return InvalidInput(sentence, code="invalid_developers", details=details)
