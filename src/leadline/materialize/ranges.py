"""Ranges of repositories. A table that is computed repository by repository is worked through so many rows at a time as fit in this
machine's memory; where it is much, workers share it in pieces, which are the same whatever memory each of them has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from leadline.engine import Range, Within
from leadline.engine.repositories import batches
from leadline.materialize.incremental import digest_of
from leadline.materialize.model import Model
from leadline.settings.engine_limits import EngineLimits

PIECE_ROWS = 4_200_000
"""Rows of the policy's ``weighed`` tables that are worked on at a time: what fits in an engine's memory without spilling, of which
``TWO_THREADS`` have enough; with less, accordingly fewer are."""


@dataclass(frozen=True)
class Piece:
    """The rows of ``model`` of a range of repositories, which a worker computes for all who share the table."""

    model: Model
    within: Range

    @property
    def name(self) -> str:
        """What its folders begin with: the same range has the same name at every state of the data."""
        return f"{self.model.name}.{digest_of(self.within)[:8]}"


Work = Model | Piece
"""What a worker computes at a time."""


def model_of(work: Work) -> Model:
    """The stored table that a work is of."""
    return work.model if isinstance(work, Piece) else work


class Ranges:
    """Those of one state of the data: ``weight`` counts its rows, ``sizes`` tells them by repository, in order of name."""

    def __init__(
        self, limits: EngineLimits, weight: Callable[[], int], sizes: Callable[[], Sequence[tuple[str, int]]]
    ) -> None:
        self._limits, self._weight, self._ask_sizes = limits, weight, sizes

    @cached_property
    def _sizes(self) -> Sequence[tuple[str, int]]:
        return self._ask_sizes()

    @property
    def most_rows(self) -> int:
        """Rows that are worked on at a time, by what memory there is."""
        return self._limits.fitting(PIECE_ROWS)

    def pieces(self, model: Model) -> list[Piece]:
        """The pieces of a table that is computed by repository; none, if it is not much."""
        if not model.by_repository or self._weight() <= PIECE_ROWS:
            return []
        ranges = batches(self._sizes, PIECE_ROWS)
        return [Piece(model, each) for each in ranges] if len(ranges) > 1 else []

    def batches(self, within: Within) -> list[Within]:
        """What of ``within`` is worked on one after the other: of a range, parts of about ``most_rows``."""
        if not isinstance(within, tuple) or self._weight() <= self.most_rows:
            return [within]
        low, high = within
        sizes = [
            (name, rows) for name, rows in self._sizes if (low is None or low <= name) and (high is None or name < high)
        ]
        bounds = [first for first, _ in batches(sizes, self.most_rows)[1:]]
        return list(zip([low, *bounds], [*bounds, high], strict=True))
