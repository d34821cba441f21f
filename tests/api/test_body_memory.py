"""Memory for bodies: never more than there is, in the order asked for, and given back whatever happens."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.api import body_memory
from leadline.api.body_memory import Busy, Memory


@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 3)), max_size=20))
def test_never_more_than_there_is_and_everyone_has_a_turn(requests: list[tuple[int, int]]) -> None:
    memory, held, order = Memory(10), 0, []

    async def hold(number: int, amount: int, turns: int) -> None:
        nonlocal held
        await memory.take(amount)
        order.append(number)
        held += amount
        assert held <= 10
        for _ in range(turns):
            await asyncio.sleep(0)
        held -= amount
        memory.give(amount)

    async def run() -> None:
        await asyncio.gather(*(hold(number, *request) for number, request in enumerate(requests)))
        await memory.take(10)  # all of it is there again

    asyncio.run(run())
    assert order == list(range(len(requests)))


def test_who_waits_too_long_is_refused_and_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_memory, "WAIT_SECONDS", 0.01)

    async def run() -> None:
        memory = Memory(10)
        await memory.take(5)
        with pytest.raises(Busy):
            await memory.take(6)
        await memory.take(5)
        memory.give(10)
        await memory.take(10)

    asyncio.run(run())


def test_who_gives_up_lets_the_next_in(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        memory = Memory(10)
        await memory.take(5)
        monkeypatch.setattr(body_memory, "WAIT_SECONDS", 0.01)
        much = asyncio.ensure_future(memory.take(6))
        await asyncio.sleep(0)
        monkeypatch.setattr(body_memory, "WAIT_SECONDS", 60)
        little = asyncio.ensure_future(memory.take(5))
        with pytest.raises(Busy):
            await much
        await asyncio.wait_for(little, 30)

    asyncio.run(run())
