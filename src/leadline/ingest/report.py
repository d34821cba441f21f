"""What an import did, file by file: the numbers and the refused values that the command line and the API show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from leadline.errors import Detail
from leadline.formats.rows import Refusal

KEPT_REFUSALS = 1_000
"""Refused values kept per file; the rest is only counted."""


@dataclass
class FileReport:
    """One file. ``rows`` were read; ``added``, ``updated``, ``unchanged``, ``repeated`` and ``left_out`` say what became of those
    taken (in a dry run: what would), as in ``resolution.Decision``; ``refused_rows`` were not taken. ``repeat_lines``: the lines of
    a row that was repeated and of the one after it, as an example. ``error`` is why the whole file was refused, if it was.
    ``read_as`` is the map of columns that it was read through, None: it has the table's."""

    path: Path
    table: str
    rows: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    repeated: int = 0
    repeat_lines: tuple[int, int] | None = None
    left_out: int = 0
    refused: list[Refusal] = field(default_factory=list)
    refused_count: int = 0
    refused_rows: int = 0
    refused_file: Path | None = None
    error: str | None = None
    details: tuple[Detail, ...] = ()
    read_as: str | None = None
    seconds: float = 0.0
    version: int | None = None

    @property
    def taken(self) -> bool:
        """Whether the file's good rows are in the lake (in a dry run: would be)."""
        return self.error is None

    def refuse(self, refusals: Iterable[Refusal]) -> None:
        """Counts refused values and keeps the first ones."""
        for refusal in refusals:
            self.refused_count += 1
            if len(self.refused) < KEPT_REFUSALS:
                self.refused.append(refusal)


@dataclass
class ImportReport:
    """All files of one import. ``skipped`` are files of a folder that are no import files, with the reason."""

    files: list[FileReport] = field(default_factory=list)
    skipped: list[tuple[Path, str]] = field(default_factory=list)
    dry_run: bool = False

    @property
    def ok(self) -> bool:
        """Whether every file was taken."""
        return all(file.taken for file in self.files)
