"""Turns: what several threads ask for at the same moment is made once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from leadline.turns import Turns

PEOPLE = 8


def at_once(work: Callable[[int], object]) -> list[object]:
    """What ``work`` returns to each of several who begin together."""
    together = threading.Barrier(PEOPLE)

    def one(number: int) -> object:
        together.wait(10)
        return work(number)

    with ThreadPoolExecutor(PEOPLE) as threads:
        return list(threads.map(one, range(PEOPLE)))


def test_what_several_ask_for_at_once_is_made_once() -> None:
    turns, made = Turns(), dict[str, int]()

    def asked(number: int) -> int:
        with turns.turn("tree"):
            if "tree" not in made:
                threading.Event().wait(0.05)
                made["tree"] = number
            return made["tree"]

    assert len(set(at_once(asked))) == 1


def test_who_asks_for_another_thing_waits_for_nobody() -> None:
    turns, inside = Turns(), threading.Barrier(PEOPLE)

    def asked(number: int) -> int:
        with turns.turn(number):
            return inside.wait(10)  # all are in at the same time

    assert sorted(map(str, at_once(asked))) == sorted(map(str, range(PEOPLE)))


def test_a_turn_that_failed_is_over_and_nothing_is_kept_of_it() -> None:
    turns = Turns()
    with pytest.raises(ZeroDivisionError), turns.turn("tree"):
        _ = 1 // 0
    with turns.turn("tree"):
        pass
    assert turns._taken == {}
