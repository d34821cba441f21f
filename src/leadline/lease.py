"""A lock as a fenced lease. A lock can be lost unnoticed: the database ends the session that holds it, and its holder goes on. So
whoever takes one gets a number, greater than all before it, and nothing is written by a number that is not the newest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from leadline.errors import LockLost


@dataclass(frozen=True)
class Lease:
    """The right to write what the lock ``name`` guards, until somebody else takes it. ``newest`` looks up the number of who took
    it last."""

    name: str
    number: int
    newest: Callable[[], int | None] = field(repr=False, compare=False)

    def require(self) -> None:
        """Raises ``LockLost`` unless this is the newest. It may be lost right afterwards: what is written must be refused by where
        it is written, too."""
        self.require_newest(self.newest())

    def require_newest(self, number: int | None) -> None:
        """As ``require``, for who has looked up the newest ``number``."""
        if number != self.number:
            raise LockLost(
                f"The lock {self.name} was lost to another process while its holder was at work (the database ended the session "
                "that held it); what it was about to write was not written. Try again"
            )
