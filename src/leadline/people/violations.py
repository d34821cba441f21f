"""What an org file may violate: a collector of findings, so that all are reported at once, and the checks of one value. They end in
one ``InvalidInput`` with a ``Detail`` for each finding."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from leadline.errors import Detail, InvalidInput

LONGEST_EMAIL = 320
LONGEST_TEXT = 100_000
DEEPEST = 100
"""Levels a tree may have; real ones have fewer than twenty, and a longer chain is a mistake in the file."""

_SHARE = re.compile(r"[0-9]*\.?[0-9]+")
_EMAIL = re.compile(r"[^@\s;,<>\x00-\x1f\x7f]+@[^@\s;,<>\x00-\x1f\x7f]+")


@dataclass
class Violations:
    """Findings of one file. ``add`` sorts them by position, so that they read like the file."""

    file: str
    _findings: list[tuple[int, int, Detail]] = field(default_factory=list)

    def add(self, position: int, field_name: str, message: str) -> None:
        """One finding: ``position`` orders it, ``field_name`` says where, ``message`` what is wrong and would do."""
        self._findings.append((position, len(self._findings), Detail(field_name, message)))

    def row(self, line: int, message: str) -> None:
        """One finding in a line of the file."""
        self.add(line, f"{self.file}:{line}", message)

    def __bool__(self) -> bool:
        return bool(self._findings)

    def check(self) -> None:
        """Raise ``InvalidInput`` with every finding so far, if there is any."""
        if not self._findings:
            return
        details = [detail for _, _, detail in sorted(self._findings, key=lambda finding: finding[:2])]
        raise refusal(self.file, details)


def refusal(file: str, details: list[Detail]) -> InvalidInput:
    """The refusal of an org file."""
    if len(details) == 1:
        message = f"{details[0].field}: {details[0].message}; nothing was changed"
    else:
        message = f"{file} has {len(details)} violations; nothing was changed"
    return InvalidInput(message, code="invalid_org_file", details=details)


def email_problem(email: str) -> str | None:
    """What is wrong with an email address, if anything: it needs one `@`, and no spaces, `;` or `,`."""
    if len(email) > LONGEST_EMAIL or not _EMAIL.fullmatch(email):
        return f"INVALID_EMAIL: {shown(email)} is no email address such as name@example.com"
    return None


def share_of(text: str) -> float | None:
    """A number from 0 to 1 as it is written; None if it is none."""
    return float(text) if _SHARE.fullmatch(text.strip()) and float(text) <= 1 else None


def value_problem(field: str, text: str) -> str | None:
    """What is wrong with the value of a developer's ``field``, if anything."""
    if field == "fte" and text.strip() and share_of(text) is None:
        return f"INVALID_VALUE: {shown(text)} is no number from 0 to 1, such as 0.8"
    return text_problem(text)


def text_problem(text: str) -> str | None:
    """What is wrong with a free text, if anything. People and teams may be called anything that is text."""
    if len(text) > LONGEST_TEXT:
        return f"VALUE_TOO_LONG: {len(text)} characters; at most {LONGEST_TEXT} are taken"
    if "\x00" in text:
        return "INVALID_TEXT: it contains a NUL character; remove it"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "INVALID_TEXT: it contains half of a surrogate pair; write the whole character"
    return None


def shown(text: str) -> str:
    """A refused value, quoted and cut to 80 characters."""
    return repr(text if len(text) <= 80 else text[:79] + "…")
