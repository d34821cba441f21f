"""What holds of the shares of days, whatever was done: they add up, and nobody counts more than once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadline.engine import Engine, compiled
from leadline.facts.absences import ABSENCES, SHARE_PARTS
from leadline.facts.effort import DAY_PARTS, EMPLOYMENT, FTE_PARTS, bind_effort, shares, workdays
from leadline.facts.touches import HAD_IN_PROGRESS, ITEM_TOUCHES, PULL_TOUCHES
from leadline.materialize.model import Model

ZONE = ZoneInfo("America/New_York")
"""Its clocks go forward on 8 March 2026, within the days."""
START, END = date(2026, 3, 2), date(2026, 3, 15)
WEEKS = [(START, date(2026, 3, 8)), (date(2026, 3, 9), END)]
PEOPLE = st.sampled_from(("ada", "ben"))
KEYS = st.sampled_from(("P-1", "P-2", "P-3", "P-4", None))
INSTANTS = st.integers(0, 16 * 24).map(lambda hour: _us(datetime(2026, 3, 1, tzinfo=ZONE) + timedelta(hours=hour)))


def _us(instant: datetime) -> int:
    return round(instant.timestamp() * 1_000_000)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(temp_dir=tmp_path_factory.mktemp("shares")) as opened:
        yield opened


@pytest.fixture(scope="module")
def text() -> str:
    return compiled(shares())


def bind(engine: Engine, model: Model, rows: list[tuple[object, ...]]) -> None:
    kinds = {"string": pa.string(), "int64": pa.int64()}
    columns = list(zip(*rows, strict=True)) or [()] * len(model.columns)
    arrays = [pa.array(column, kinds[kind]) for column, kind in zip(columns, model.columns.values(), strict=True)]
    engine.bind_arrow(model.bound_name, pa.table(dict(zip(model.columns, arrays, strict=True))))


@settings(max_examples=40)
@given(
    touches=st.lists(st.tuples(PEOPLE, INSTANTS, KEYS), max_size=25),
    held=st.lists(st.tuples(PEOPLE, INSTANTS, INSTANTS, KEYS.filter(bool)), max_size=4),
    absences=st.dictionaries(st.tuples(PEOPLE, st.integers(0, 13)), st.integers(0, SHARE_PARTS), max_size=6),
    fte=st.dictionaries(PEOPLE, st.integers(0, FTE_PARTS)),
)
def test_shares_add_up_to_their_days(
    engine: Engine,
    text: str,
    touches: list[tuple[str, int, str | None]],
    held: list[tuple[str, int, int, str]],
    absences: dict[tuple[str, int], int],
    fte: dict[str, int],
) -> None:
    first = (START - date(1970, 1, 1)).days
    bind(engine, PULL_TOUCHES, [("o/r", 1, who, at, "review", key and "P", key) for who, at, key in touches])
    bind(engine, ITEM_TOUCHES, [])
    bind(engine, HAD_IN_PROGRESS, [("P", key, who, min(one, other), max(one, other)) for who, one, other, key in held])
    bind(engine, ABSENCES, [(who, first + day, share) for (who, day), share in absences.items()])
    bind_effort(engine, [], ZONE, WEEKS)
    EMPLOYMENT.bind(engine, [(who, share, -(2**62), 2**62) for who, share in fte.items()])
    rows = engine.arrow(text).to_pylist()

    by_day: dict[tuple[str, str], list[dict[str, object]]] = {}
    for row in rows:
        by_day.setdefault((row["developer"], row["day"]), []).append(row)
    active = {(who, day_of(at).isoformat()) for who, at, _ in touches if START <= day_of(at) <= END}
    assert active <= set(by_day)
    for (who, day), of_day in by_day.items():
        weight = SHARE_PARTS - absences.get((who, (date.fromisoformat(day) - START).days), 0)
        assert sum(row["parts"] for row in of_day) == weight * fte.get(who, FTE_PARTS) * DAY_PARTS // (
            SHARE_PARTS * FTE_PARTS
        )
        assert max(row["parts"] for row in of_day) - min(row["parts"] for row in of_day) <= 1
        assert len({row["key"] for row in of_day}) == len(of_day) == of_day[0]["items"]
        weekend = date.fromisoformat(day).weekday() >= 5
        assert weekend or all(row["counted"] == row["parts"] for row in of_day)
        assert all(0 <= row["counted"] <= row["parts"] for row in of_day)
        assert (who, day) in active or not weekend
    for number, week in enumerate(WEEKS):
        for who in ("ada", "ben"):
            counted = sum(row["counted"] for row in rows if (row["developer"], row["effort_period"]) == (who, number))
            assert counted <= workdays(*week) * DAY_PARTS * fte.get(who, FTE_PARTS) // FTE_PARTS


def day_of(microseconds: int) -> date:
    return datetime.fromtimestamp(microseconds / 1_000_000, ZONE).date()


def test_the_days_of_a_clock_change_are_whole(engine: Engine, text: str, tmp_path: Path) -> None:
    """Each instant is of one day, also of the day with 23 hours."""
    hours = [_us(datetime(2026, 3, 7, tzinfo=ZONE)) + hour * 3_600_000_000 for hour in range(71)]
    bind(engine, PULL_TOUCHES, [("o/r", 1, "ada", at, "review", "P", f"P-{n}") for n, at in enumerate(hours)])
    for model in (ITEM_TOUCHES, HAD_IN_PROGRESS, ABSENCES):
        bind(engine, model, [])
    bind_effort(engine, [], ZONE, WEEKS)
    days = {}
    for row in engine.arrow(text).to_pylist():
        days[row["day"]] = row["items"]
    assert days == {"2026-03-07": 24, "2026-03-08": 23, "2026-03-09": 24}
