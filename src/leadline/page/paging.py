"""Which page of a list an address asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from leadline.page.parameters import page_of, understood

T = TypeVar("T")


@dataclass(frozen=True)
class Paged(Generic[T]):
    """``everything``, of which ``size`` are on a page. ``number`` is the page, from 0; ``problems`` say what of the address was not
    understood."""

    everything: Sequence[T]
    size: int
    number: int
    problems: Sequence[str] = ()

    @classmethod
    def of(cls, everything: Sequence[T], size: int, query: Mapping[str, str]) -> Paged[T]:
        """The page that ``query`` names (``page``); the first one, if there is none of that name."""
        meant, problems = understood(query, [page_of(len(everything), size)])
        return cls(everything, size, int(meant.get("page", "0")), tuple(problems))

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
