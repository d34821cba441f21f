"""What a screen asks for at the same time: neither waits for the other, and none goes on for nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from leadline.charts.ai import AI_CHARTS
from leadline.charts.chart import Chart, Events
from leadline.charts.delivery import DELIVERY_CHARTS
from leadline.charts.flow import FLOW_CHARTS
from leadline.charts.productivity import PRODUCTIVITY_CHARTS
from leadline.charts.sprints import SPRINT_CHARTS
from leadline.errors import StoreError
from leadline.page.boards import side_by_side
from leadline.page.screens import ai, delivery, flow, productivity, sprints


def test_neither_waits_for_the_other() -> None:
    async def both() -> tuple[int, str]:
        met = asyncio.Barrier(2)

        async def brings(value: int | str) -> int | str:
            await met.wait()
            return value

        return await asyncio.wait_for(side_by_side(brings(1), brings("two")), 10)  # type: ignore[return-value]

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
        await side_by_side(*((fails(), goes_on()) if first else (goes_on(), fails())))

    with pytest.raises(StoreError):
        asyncio.run(both())
    assert given_up == [True]


@pytest.mark.parametrize(
    ("charts", "totals"),
    [
        (DELIVERY_CHARTS, delivery.TOTALS),
        (PRODUCTIVITY_CHARTS, productivity.TOTALS),
        (FLOW_CHARTS, flow.TOTALS),
        (AI_CHARTS, ai.TOTALS),
        (SPRINT_CHARTS, sprints.TOTALS),
    ],
)
def test_the_board_of_a_screen_has_the_value_that_its_charts_of_single_things_show(
    charts: Sequence[Chart], totals: Sequence[str]
) -> None:
    assert {chart.data.metric for chart in charts if isinstance(chart.data, Events)} <= {*totals}
