"""Whether a file was read whole: what of it was refused, by its reader or by the table's rules."""

from __future__ import annotations

from dataclasses import dataclass, field

from leadline.errors import InvalidInput
from leadline.sources.kit.page import Page, Skipped

REMEMBERED = 100_000
"""Refused rows that are remembered, to count each of them once; from there on it is refused values that count."""


@dataclass
class FileReading:
    """The reading of the file ``name``: its rows so far, those refused and why the first was, and the ``cursors`` that say it is
    read."""

    name: str
    rows: int = 0
    refused_rows: int = 0
    remembered: set[str] = field(default_factory=set)
    first: Skipped | None = None
    cursors: set[str] = field(default_factory=set)

    def add(self, page: Page) -> None:
        """A page of the file."""
        self.rows += sum(map(len, page.rows.values())) + len({row.what for row in page.skipped})
        self.cursors |= page.cursors.keys()
        self.refuse(page.skipped)

    def refuse(self, rows: tuple[Skipped, ...]) -> None:
        """Rows that are not taken; of one row, several values may be refused."""
        new = {row.what for row in rows} - self.remembered
        self.refused_rows += len(new)
        if len(self.remembered) < REMEMBERED:
            self.remembered |= new
        if self.first is None and rows:
            self.first = rows[0]

    def not_whole(self) -> Skipped:
        """What is told of a file of which some rows were taken."""
        return Skipped(
            self.name, f"{self.refused_rows} of {self.rows} rows were refused; it is read again until it is mended"
        )

    def nothing_taken(self) -> InvalidInput | None:
        """Why the file counts as not read at all, if it does."""
        if self.first is None or self.refused_rows < self.rows:
            return None
        return InvalidInput(f"{self.name}: no row can be taken; {self.first.what}: {self.first.why}")
