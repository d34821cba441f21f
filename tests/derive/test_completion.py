"""When an item was started and done, by its changes: in the order in which they happened, those of one instant included
(metrics, "Lead time for changes")."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadline.derive.completion import completed_items
from leadline.engine import Engine
from leadline.engine.duck import compiled
from leadline.facts.former_keys import FORMER_KEYS
from leadline.schema import TABLES

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
ITEM = {"project": "P", "key": "P-1"}
CATEGORIES = {"To Do": "todo", "Doing": "in_progress", "Review": "in_progress", "Resolved": "done", "Closed": "done"}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(temp_dir=tmp_path_factory.mktemp("engine")) as opened:
        yield opened


SQL = compiled(completed_items(ibis.table(FORMER_KEYS.columns, name="former")))
"""Compiled once, which takes longer than running it."""


def completed(engine: Engine, changes: list[dict[str, Any]], **item: Any) -> dict[str, Any]:
    """The item with what its changes say of it."""
    sequenced = [{**ITEM, "sequence": 0, **change} for change in changes]
    for name, rows in (("work_items", [{**ITEM, **item}]), ("work_item_changes", sequenced)):
        engine.bind_arrow(name, pa.Table.from_pylist(rows, schema=TABLES[name].arrow_schema))
    no_keys = {name: pa.array([], pa.string()) for name in FORMER_KEYS.columns}
    engine.bind_arrow("former", pa.table(no_keys))
    (row,) = engine.arrow(SQL).to_pylist()
    return dict(row)


def status(before: str | None, after: str, minutes: int = 0, *, named: bool = False, **more: Any) -> dict[str, Any]:
    """A change of status; ``named``: what its statuses mean is not told, so that a change before it has to."""
    categories = {} if named else {"from_category": CATEGORIES.get(before or ""), "to_category": CATEGORIES[after]}
    moment = NOON + timedelta(minutes=minutes)
    return {"changed_at": moment, "field": "Status", "from_value": before, "to_value": after, **categories, **more}


def assignee(before: str | None, after: str | None, minutes: int = 0, **more: Any) -> dict[str, Any]:
    moment = NOON + timedelta(minutes=minutes)
    return {"changed_at": moment, "field": "assignee", "from_value": before, "to_value": after, **more}


# -- into done -----------------------------------------------------------------------------------------------------


def test_done_is_the_last_change_into_done_not_one_among_what_is_done(engine: Engine) -> None:
    closed = [status("To Do", "Doing"), status("Doing", "Resolved", 10), status("Resolved", "Closed", 90)]
    row = completed(engine, closed, status_category="done")
    assert (row["started_at"], row["completed_at"]) == (NOON, NOON + timedelta(minutes=10))
    again = [*closed, status("Closed", "Doing", 100), status("Doing", "Closed", 110)]
    assert completed(engine, again, status_category="done")["completed_at"] == NOON + timedelta(minutes=110)


def test_what_a_status_meant_before_is_told_by_the_change_that_led_to_it(engine: Engine) -> None:
    """Closing what had been resolved under a name that says nothing, with no category of before."""
    changes = [
        status("Doing", "Resolved", 10) | {"to_value": "Shipped"},
        {"changed_at": NOON + timedelta(minutes=50), "field": "status", "from_value": "Shipped", "to_value": "Closed"},
    ]
    assert completed(engine, changes, status_category="done")["completed_at"] == NOON + timedelta(minutes=10)


def test_a_history_that_begins_within_done_tells_no_completion(engine: Engine) -> None:
    assert completed(engine, [status("Resolved", "Closed", 90)], status_category="done")["completed_at"] is None


def test_a_change_of_unknown_origin_into_done_completes(engine: Engine) -> None:
    assert completed(engine, [status(None, "Closed", 5)], status="Closed")["completed_at"] == NOON + timedelta(
        minutes=5
    )


# -- the same instant ----------------------------------------------------------------------------------------------

CHAINS = st.lists(st.sampled_from(list(CATEGORIES)), min_size=2, max_size=6).filter(
    lambda chain: all(one != other for one, other in pairwise(chain))
)


@settings(max_examples=60, deadline=None)
@given(chain=CHAINS, cuts=st.lists(st.booleans(), min_size=6, max_size=6), random=st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(engine: Engine, chain: list[str], cuts: list[bool], random: Any) -> None:
    """Any walk through the statuses, several steps in a minute, told in any order: steps join up, or have their sequence."""
    minute, steps = 0, []
    for number, (before, after) in enumerate(pairwise(chain)):
        minute += cuts[number]
        steps.append((minute, before, after))
    loops = {minute for minute, *_ in steps if _loops([step for step in steps if step[0] == minute])}
    rows = [
        status(before, after, minute, sequence=number if minute in loops else 0)
        for number, (minute, before, after) in enumerate(steps)
    ]
    random.shuffle(rows)
    row = completed(engine, rows)

    meant = [CATEGORIES[name] for name in chain]
    starts = [minute for (minute, *_), category in zip(steps, meant[1:], strict=True) if category == "in_progress"]
    done = [
        minute
        for (minute, *_), (before, after) in zip(steps, pairwise(meant), strict=True)
        if before != after == "done"
    ]
    assert row["current_category"] == meant[-1]
    assert row["started_at"] == (NOON + timedelta(minutes=starts[0]) if starts else None)
    expected = NOON + timedelta(minutes=done[-1]) if done and meant[-1] == "done" else None
    assert row["completed_at"] == expected


def _loops(steps: list[tuple[int, str, str]]) -> bool:
    """Whether a status is reached or left twice, so that joining up leaves open what was first."""
    visited = [steps[0][1], *(after for _, _, after in steps)] if steps else []
    return len(set(visited)) < len(visited)


def test_who_had_it_at_completion_is_the_last_of_that_instant(engine: Engine) -> None:
    handed_on = [assignee("cleo", None), assignee("ann", "ben"), assignee("ben", "cleo")]
    row = completed(engine, handed_on, completed_at=NOON, assignee="zoe")
    assert row["assignee"] is None
    row = completed(engine, handed_on, completed_at=NOON - timedelta(minutes=1), assignee="zoe")
    assert row["assignee"] == "ann"


def test_what_does_not_join_up_is_in_the_order_of_its_sequence(engine: Engine) -> None:
    changes = [status(None, "Closed", sequence=1), status(None, "Doing", sequence=2)]
    assert completed(engine, changes)["current_category"] == "in_progress"
    changes = [status(None, "Closed", sequence=2), status(None, "Doing", sequence=1)]
    assert completed(engine, changes)["current_category"] == "done"
