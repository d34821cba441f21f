"""Columns attached to a table."""

from __future__ import annotations

from pathlib import Path

import ibis
import pyarrow as pa

from leadline.derive.expressions import attach
from leadline.engine import Engine


def test_a_part_that_was_computed_from_the_table_itself_takes_no_row_from_the_next(tmp_path: Path) -> None:
    """Rows that the first part lacks are none the less found in the second."""
    left = ibis.table({"a": "string", "b": "int64"}, name="one")
    right = ibis.table({"a": "string", "c": "int64"}, name="two")
    # A join under a selection, of which the first part is computed, too, as the files of pull requests are.
    touched = left.inner_join(right, "a").select("a", "b", "c")
    first = touched.filter(touched.b > 1).select("a", "c").group_by("a").agg(first=lambda t: t.c.sum())
    second = touched.group_by("a").agg(second=lambda t: t.b.max())
    with Engine(temp_dir=tmp_path) as engine:
        engine.bind_arrow("one", pa.table({"a": ["x", "y"], "b": [1, 2]}))
        engine.bind_arrow("two", pa.table({"a": ["x", "y"], "c": [10, 20]}))
        rows = engine.arrow(attach(touched, ["a"], first, second).order_by("a")).to_pylist()
    assert rows == [
        {"a": "x", "b": 1, "c": 10, "first": None, "second": 1},
        {"a": "y", "b": 2, "c": 20, "first": 20, "second": 2},
    ]
