"""What a screen asks for at the same time: neither waits for the other, and none goes on for nobody."""

from __future__ import annotations

import asyncio

import pytest

from leadline.errors import StoreError
from leadline.page.boards import _side_by_side


def test_neither_waits_for_the_other() -> None:
    async def both() -> tuple[int, str]:
        met = asyncio.Barrier(2)

        async def brings(value: int | str) -> int | str:
            await met.wait()
            return value

        return await asyncio.wait_for(_side_by_side(brings(1), brings("two")), 10)  # type: ignore[return-value]

    assert asyncio.run(both()) == (1, "two")


@pytest.mark.parametrize("first", [True, False])
def test_where_one_fails_the_other_is_given_up(first: bool) -> None:
    given_up: list[bool] = []

    async def goes_on() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            given_up.append(True)
            raise

    async def fails() -> None:
        await asyncio.sleep(0)
        raise StoreError("gone")

    async def both() -> None:
        await _side_by_side(*((fails(), goes_on()) if first else (goes_on(), fails())))

    with pytest.raises(StoreError):
        asyncio.run(both())
    assert given_up == [True]
