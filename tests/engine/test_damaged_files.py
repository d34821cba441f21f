"""A file of the lake that was damaged ends in a sentence, whatever of it was damaged, and never in an error of the engine."""

from __future__ import annotations

import random
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadline.engine import Engine
from leadline.errors import StoreError

ROWS = 5000
SUM = "SELECT repository, count(*), max(number), max(happened), sum(len(labels)) FROM damaged GROUP BY 1"


def a_file(path: Path, compression: str) -> bytes:
    columns = {
        "repository": [f"o/{n % 7}" for n in range(ROWS)],
        "number": list(range(ROWS)),
        "happened": pa.array(range(ROWS), pa.timestamp("us")),
        "labels": [["x", "y"][: n % 3] for n in range(ROWS)],
    }
    pq.write_table(pa.table(columns), path, compression=compression)
    return path.read_bytes()


@pytest.mark.parametrize(("compression", "streamed"), [("zstd", True), ("snappy", False)])
def test_damage_is_told_in_a_sentence(tmp_path: Path, compression: str, streamed: bool) -> None:
    path = tmp_path / "part.parquet"
    whole, chosen = a_file(path, compression), random.Random(7)
    refused = 0
    for _ in range(150):
        cut = bytearray(whole[: chosen.randrange(len(whole))] if chosen.random() < 0.2 else whole)
        # Most of what makes a file unreadable is in its last part; a name that another stands for is another table.
        for _ in range(chosen.choice([1, 8, 64]) if len(cut) == len(whole) else 0):
            cut[chosen.randrange(len(cut) - 1000, len(cut))] = chosen.randrange(256)
        path.write_bytes(cut)
        with Engine(temp_dir=tmp_path) as engine:
            try:
                engine.execute(f"CREATE VIEW damaged AS SELECT * FROM read_parquet('{path}')")
                if streamed:
                    with engine.reader(SUM) as batches:
                        list(batches)
                else:
                    engine.execute(SUM)
            except StoreError:
                refused += 1
            except duckdb.BinderException:  # a column of another name: what is read is a file, if not this one
                refused += 1
    assert refused > 50
