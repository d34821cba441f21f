"""How names that are not ours become folders: any text is one folder's name, and no two texts are the same one."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from urllib.parse import quote

LONGEST = 255
"""Bytes that file systems take for a name."""


# The Delta library reads percent codes twice, takes a backslash for a slash, and no control characters or bytes that are no UTF-8.
_UNFIT = re.compile(r"%[0-9A-Fa-f]{2}|[\\\x00-\x1f\x7f\ud800-\udfff]")


def unfit_in(folder: Path) -> str:
    """Why tables cannot lie in a folder, as the library that keeps them would look for them elsewhere; '' if they can."""
    found = _UNFIT.search(str(folder.absolute()))
    if found is None:
        return ""
    return (
        f"{found.group()!r} in a folder's name means something else to the library that keeps the tables; name another home with "
        "--home or LEADLINE_HOME"
    )


def folder_name(text: str, *, kept: str = "", mark: str = "%", longest: int = LONGEST) -> str:
    """``text`` with all but letters, digits, ``_-~`` and ``kept`` written as ``mark`` and two hex digits per byte.

    ``.`` is written so, too, where nothing else is in it, lest it lead elsewhere. A name that would be longer than
    ``longest`` bytes is cut, and ends in a digest of the whole ``text``.
    """
    name = quote(text, safe=kept)
    if "." not in kept or set(text) <= {"."}:
        name = name.replace(".", "%2E")
    if len(name) > longest:
        digest = hashlib.sha256(text.encode()).hexdigest()[:32]
        name = f"{name[: longest - len(digest) - 2]}%%{digest}"
    return name.replace("%", mark)
