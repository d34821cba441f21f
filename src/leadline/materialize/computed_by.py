"""Who has computed the stored tables that are kept."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from leadline.materialize.incremental import RECORD


@dataclass(frozen=True)
class ComputedBy:
    """How many of the stored tables, at any state of the data, ``who`` has computed, and in how many seconds."""

    who: str
    tables: int
    seconds: float


def computed_by(folders: Iterable[Path]) -> list[ComputedBy]:
    """Who has computed what is kept in the ``folders`` of projects, by name."""
    tables: dict[str, list[float]] = {}
    for folder in folders:
        for path in folder.glob(f"[!.]*/{RECORD}"):
            with suppress(OSError, ValueError, TypeError, KeyError):  # of an earlier release, or just deleted
                record = json.loads(path.read_bytes())
                if record["computed_by"]:
                    tables.setdefault(str(record["computed_by"]), []).append(float(record["seconds"]))
    return [ComputedBy(who, len(seconds), round(sum(seconds), 3)) for who, seconds in sorted(tables.items())]
