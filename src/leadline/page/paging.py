"""Which page of a list an address asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Paged(Generic[T]):
    """``everything``, of which ``size`` are on a page. ``number`` is the page, from 0."""

    everything: Sequence[T]
    size: int
    number: int

    @classmethod
    def of(cls, everything: Sequence[T], size: int, query: Mapping[str, str]) -> Paged[T]:
        """The page that ``query`` names (``page``); the last one, if it names one after that."""
        text = query.get("page", "")
        asked = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
        return cls(everything, size, min(asked, max(0, len(everything) - 1) // size))

    @property
    def shown(self) -> Sequence[T]:
        """What is on the page."""
        return self.everything[self.number * self.size : (self.number + 1) * self.size]

    @property
    def range(self) -> str:
        """Which of all these are, counted from 1."""
        first = self.number * self.size
        return f"{first + 1}–{first + len(self.shown)}" if self.shown else "0"

    @property
    def previous(self) -> int | None:
        """The page before."""
        return self.number - 1 if self.number else None

    @property
    def next(self) -> int | None:
        """The page after."""
        return self.number + 1 if (self.number + 1) * self.size < len(self.everything) else None
