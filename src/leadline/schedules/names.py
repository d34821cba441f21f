"""How delivered files are called: a template with the parts of a run."""

from __future__ import annotations

import re
from collections.abc import Mapping

from leadline.errors import Detail, InvalidRequest
from leadline.exports.files import FORMS

PARTS = ("name", "export", "start", "end", "due")
"""What a template may have in braces: the schedule's name, the kind of export, the first and last day, and the day of the run."""
_PART = re.compile(r"\{([^{}]*)\}")
_LONGEST = 200
_UNFIT = re.compile(r"[^\w.-]+")


def usual(file_format: str) -> str:
    """The template of who gives none."""
    return "{name}-{start}_{end}" + FORMS[file_format].suffix


def check(template: str) -> None:
    """Raises ``InvalidRequest`` for what cannot be a file's name, whatever its parts are."""
    parts = _PART.findall(template)
    if unknown := [part for part in parts if part not in PARTS]:
        raise _refused(template, f"there is no {{{unknown[0][:40]}}}")
    rest = _PART.sub("x", template)
    if not rest or rest.startswith(".") or re.search(r"[/\\{}\x00-\x1f\x7f]", rest):
        raise _refused(template, "it is the name of one file, without a folder")
    if len(template.encode()) > _LONGEST:
        raise _refused(template, f"it has at most {_LONGEST} bytes")


def called(template: str, parts: Mapping[str, str]) -> str:
    """The name by its ``parts``: what could lead elsewhere in one of them is `-` instead."""
    name = _PART.sub(lambda found: _UNFIT.sub("-", parts[found[1]]).strip(".-") or "-", template)
    # A name of 255 bytes is the most there is; its end says what it is.
    while len(name.encode()) > 255:
        name = name[1:]
    return name.lstrip(".") or "-"


def _refused(template: str, why: str) -> InvalidRequest:
    would_do = f"a file's name with {', '.join(f'{{{part}}}' for part in PARTS)}"
    sentence = f"deliver.name {template[:80]!r}: {why}; it is {would_do}"
    return InvalidRequest(sentence, code="invalid_file_name", details=[Detail("deliver.name", would_do)])
