"""How much a file may unpack to: a small one that becomes gigabytes is no file of rows, and is refused before it fills memory and
disk. What is large by itself may be unpacked to much."""

from __future__ import annotations

from pathlib import Path

from leadline.errors import InvalidInput

ALWAYS_BYTES = 1 << 30
"""What any file may unpack to."""
RATIO = 200
"""So many times its size may a file unpack to, if that is more: rows that differ are packed to a twentieth."""


class Unpacked:
    """Counts what the file at ``path`` has unpacked to."""

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._limit = max(ALWAYS_BYTES, RATIO * path.stat().st_size)
        self._bytes = 0

    def add(self, size: int) -> None:
        """So many bytes more. Raises ``InvalidInput`` if that is too many."""
        self._bytes += size
        if self._bytes > self._limit:
            raise InvalidInput(
                f"{self._name} unpacks to more than {self._limit >> 20:,} MiB, {RATIO} times its size or more: is it damaged, or "
                "made to fill memory? If it is meant so, unpack or divide it before importing it"
            )
