"""How names that are not ours become folders: any text is one folder's name, and no two texts are the same one."""

from __future__ import annotations

import hashlib
from urllib.parse import quote

LONGEST = 255
"""Bytes that file systems take for a name."""


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
