"""A table that is much is computed in pieces, which are the same on every machine; each works on a piece as its memory allows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.engine import Range, Within
from leadline.materialize import ranges
from leadline.materialize.model import Model
from leadline.materialize.ranges import Ranges
from leadline.settings.engine_limits import EngineLimits

BY_REPOSITORY = Model("by_repository_here", {"repository": "string"}, by_repository=True)
OTHERWISE = Model("otherwise_here", {"repository": "string"})
SIZES = st.lists(st.tuples(st.text(min_size=1), st.integers(1, 50)), unique_by=lambda each: each[0], min_size=1).map(
    sorted
)
LITTLE, MUCH = EngineLimits(2, 200 << 20), EngineLimits(16, 64 << 30)


def ranges_of(limits: EngineLimits, sizes: Sequence[tuple[str, int]]) -> Ranges:
    return Ranges(limits, lambda: sum(rows for _, rows in sizes), lambda: sizes)


def inside(within: Within, sizes: Sequence[tuple[str, int]]) -> list[str]:
    assert isinstance(within, tuple)
    low, high = within
    return [name for name, _ in sizes if (low is None or name >= low) and (high is None or name < high)]


@given(sizes=SIZES, most=st.integers(4, 100))
def test_machines_with_other_memory_have_the_same_pieces(sizes: list[tuple[str, int]], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranges, "PIECE_ROWS", most)
        little, much = (ranges_of(limits, sizes) for limits in (LITTLE, MUCH))
        assert little.most_rows < much.most_rows
        pieces = little.pieces(BY_REPOSITORY)
        assert pieces == much.pieces(BY_REPOSITORY)
        assert len({piece.name for piece in pieces}) == len(pieces) != 1
        names = [name for name, _ in sizes]
        if pieces:
            assert [name for piece in pieces for name in inside(piece.within, sizes)] == names


@given(sizes=SIZES, most=st.integers(4, 100))
def test_what_is_worked_on_one_after_the_other_is_all_of_a_piece(sizes: list[tuple[str, int]], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranges, "PIECE_ROWS", most)
        here, rows = ranges_of(LITTLE, sizes), dict(sizes)
        wholes: list[Range] = [piece.within for piece in here.pieces(BY_REPOSITORY)] or [(None, None)]
        for whole in wholes:
            parts = here.batches(whole)
            found = [inside(part, sizes) for part in parts]
            assert list(chain.from_iterable(found)) == inside(whole, sizes)
            assert all(len(names) <= 1 or sum(rows[name] for name in names) <= here.most_rows for names in found)
            assert (parts[0][0], parts[-1][1]) == whole  # type: ignore[index]


def test_what_cannot_be_told_by_repository_is_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "PIECE_ROWS", 4)
    sizes = [("a", 3), ("b", 3)]
    here = ranges_of(MUCH, sizes)
    assert len(here.pieces(BY_REPOSITORY)) == 2
    assert here.pieces(OTHERWISE) == []
    assert here.batches(frozenset({"a", "b"})) == [frozenset({"a", "b"})]
