"""The DuckDB session: what is bound, what comes out, and how it is stopped."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadline.engine import BoundTable, Engine, Interrupted, Within, schema_table
from leadline.engine.sql_text import relation_query
from leadline.errors import StoreError
from leadline.lake import Lake
from leadline.schema import TABLES
from leadline.settings.engine_limits import EngineLimits

ENDLESS = "SELECT count(*) AS n FROM range(100000000000) AS a WHERE a.range % 7 = 3"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(temp_dir=tmp_path / "temp") as opened:
        yield opened


def test_every_table_of_an_empty_lake_reads_as_empty_with_its_types(engine: Engine, tmp_path: Path) -> None:
    engine.bind_snapshot(Lake(tmp_path / "lake").snapshot())
    for table in TABLES.values():
        found = engine.arrow(schema_table(table.name))
        assert found.num_rows == 0
        assert [(field.name, field.type) for field in found.schema] == [
            (field.name, field.type) for field in table.arrow_schema
        ]


def test_a_column_declared_later_reads_as_unknown(engine: Engine, tmp_path: Path) -> None:
    old = tmp_path / "old.parquet"
    new = tmp_path / "new.parquet"
    pq.write_table(pa.table({"a": ["old"]}), old)
    pq.write_table(pa.table({"b": [[1]], "a": ["new"]}), new)
    schema = pa.schema([("a", pa.string()), ("b", pa.list_(pa.int64())), ("c", pa.timestamp("us", "UTC"))])
    for paths in ([old, new], [new, old]):
        assert engine.arrow(f"FROM ({relation_query(paths, schema)}) ORDER BY a").to_pylist() == [
            {"a": "new", "b": [1], "c": None},
            {"a": "old", "b": None, "c": None},
        ]
    assert engine.arrow(relation_query([], schema)).schema == schema
    engine.bind_files("things", [old])
    assert engine.arrow("FROM things").to_pylist() == [{"a": "old"}]


def test_expressions_are_compiled_and_run(engine: Engine) -> None:
    engine.bind_arrow(
        "pull_requests",
        pa.Table.from_pylist([{"number": n} for n in range(10)]).cast(pa.schema([("number", pa.int64())])),
    )
    table = ibis.table({"number": "int64"}, name="pull_requests")
    assert engine.arrow(table.filter(table.number > 6).aggregate(n=table.number.count())).to_pylist() == [{"n": 3}]


def test_instants_are_in_utc_also_for_readers(engine: Engine) -> None:
    query = (
        "SELECT TIMESTAMPTZ '2026-03-29 02:30:00+02' AS i, CAST(TIMESTAMPTZ '2026-03-29 02:30:00+02' AS VARCHAR) AS t"
    )
    assert engine.arrow(query).schema.field("i").type == pa.timestamp("us", "UTC")
    with engine.reader(query) as reader:
        assert reader.schema.field("i").type == pa.timestamp("us", "UTC")
        assert reader.read_all().column("t").to_pylist() == ["2026-03-29 00:30:00+00"]


def test_other_queries_run_while_a_result_is_read(engine: Engine) -> None:
    engine.bind_arrow("bound", pa.table({"a": list(range(1000))}))
    with engine.reader("SELECT a FROM bound, range(200)", batch_rows=2048) as reader:
        first = reader.read_next_batch()
        assert engine.execute("SELECT count(*) FROM bound") == [(1000,)]
        rest = sum(batch.num_rows for batch in reader)
    assert first.num_rows + rest == 200_000


def test_a_python_variable_is_no_table(engine: Engine) -> None:
    hidden = pa.table({"a": [1]})
    with pytest.raises(Exception, match="hidden does not exist"):
        engine.execute("SELECT * FROM hidden")
    assert hidden.num_rows == 1


def test_spilled_files_are_gone_at_the_end(tmp_path: Path) -> None:
    with Engine(temp_dir=tmp_path / "temp", limits=EngineLimits(2, 40_000_000)) as engine:
        engine.execute("CREATE TABLE t AS SELECT range AS a, md5(range::VARCHAR) AS b FROM range(1500000)")
        spilled = [path for path in (tmp_path / "temp").rglob("*") if path.is_file()]
        assert engine.execute("SELECT count(DISTINCT b) FROM t") == [(1_500_000,)]
    assert spilled
    assert not list((tmp_path / "temp").iterdir())


def test_not_enough_memory_and_disk_is_a_store_error(tmp_path: Path) -> None:
    with Engine(temp_dir=tmp_path / "temp", limits=EngineLimits(2, 20_000_000)) as engine:
        engine.execute("SET max_temp_directory_size = '1MB'")
        query = "SELECT list(range) AS a FROM range(20000000)"
        with pytest.raises(StoreError, match="Not enough memory or temporary disk space"):
            engine.arrow(query)
        with (
            pytest.raises(StoreError, match="Not enough memory or temporary disk space"),
            engine.reader(query) as reader,
        ):
            reader.read_all()


# -- files -------------------------------------------------------------------------------------------------------------

THINGS = """
    SELECT * FROM (VALUES
        (1, 'plain', TIMESTAMPTZ '2026-01-31 09:30:00Z', 1.5, true),
        (2, E'a "b", c\\nd', NULL, NULL, NULL),
        (3, '', NULL, 2.0, false)
    ) AS things(n, t, i, d, b) ORDER BY n
"""


def test_csv_is_rfc_4180(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "out" / "things.csv"
    assert engine.copy(THINGS, path, "csv") == 3
    assert path.read_bytes() == (
        b'n,t,i,d,b\r\n1,plain,2026-01-31T09:30:00Z,1.5,true\r\n2,"a ""b"", c\nd",,,\r\n3,"",,2.0,false\r\n'
    )


def test_jsonl_is_one_object_a_line(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "things.jsonl"
    assert engine.copy(THINGS, path, "jsonl") == 3
    assert path.read_text().splitlines() == [
        '{"n":1,"t":"plain","i":"2026-01-31T09:30:00Z","d":1.5,"b":true}',
        '{"n":2,"t":"a \\"b\\", c\\nd","i":null,"d":null,"b":null}',
        '{"n":3,"t":"","i":null,"d":2.0,"b":false}',
    ]


def test_parquet_keeps_types(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "things.parquet"
    assert engine.copy(THINGS, path, "parquet") == 3
    assert pq.read_table(path).schema.field("i").type == pa.timestamp("us", "UTC")
    assert pq.read_table(path).column("n").to_pylist() == [1, 2, 3]


def test_an_empty_result_is_a_header_alone(engine: Engine, tmp_path: Path) -> None:
    assert engine.copy("SELECT 1 AS a, 2 AS b WHERE false", tmp_path / "x.csv", "csv") == 0
    assert (tmp_path / "x.csv").read_bytes() == b"a,b\r\n"


def test_a_file_that_fails_leaves_the_one_before(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("before")
    with pytest.raises(Exception, match="broken"):
        engine.copy(
            "SELECT CASE WHEN range = 900000 THEN error('broken') ELSE range END FROM range(1000000)", path, "csv"
        )
    assert path.read_text() == "before"
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == ["x.csv"]


def test_a_folder_that_cannot_be_made_is_a_store_error(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="could not be written"):
        engine.copy("SELECT 1", tmp_path / "file" / "x.csv", "csv")


def test_what_need_not_last_is_not_flushed_but_whole(engine: Engine, tmp_path: Path) -> None:
    assert engine.copy("SELECT 1 AS a", tmp_path / "x.csv", "csv", durable=False) == 1
    assert (tmp_path / "x.csv").read_bytes() == b"a\r\n1\r\n"


# -- used again --------------------------------------------------------------------------------------------------------


def test_a_name_bound_again_reads_what_was_bound_last(engine: Engine, tmp_path: Path) -> None:
    paths = []
    for number in range(2):
        paths.append(tmp_path / f"{number}.parquet")
        pq.write_table(pa.table({"a": [f"file {number}"]}), paths[-1])
    for _ in range(2):
        for path, number in zip(paths, range(2), strict=True):
            engine.bind_files("t", [path])
            engine.bind_files("t", [path])
            assert engine.execute("FROM t") == [(f"file {number}",)]
            engine.bind_arrow("t", pa.table({"a": [f"arrow {number}"]}))
            engine.bind_arrow("t", pa.table({"a": [f"arrow {number}"]}))
            assert engine.execute("FROM t") == [(f"arrow {number}",)]


def test_an_engine_unbound_knows_no_table(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    engine.bind_files("file", [path])
    engine.bind_arrow("arrow", pa.table({"a": [1]}))
    reader = engine.reader("SELECT * FROM range(1000000)", batch_rows=1000)
    reader.read_next_batch()
    engine.unbind()
    for name in ("file", "arrow"):
        with pytest.raises(Exception, match="does not exist"):
            engine.execute(f"FROM {name}")
    assert engine.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal") == [(0,)]
    engine.bind_arrow("file", pa.table({"a": [2]}))
    assert engine.execute("FROM file") == [(2,)]


def test_a_remembered_query_reads_what_is_bound_when_it_runs(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": [3]}), path)
    engine.bind_arrow("t", pa.table({"a": [1, 2]}))
    short = engine.remember("SELECT sum(a)::BIGINT AS s FROM t")
    assert engine.execute(short) == [(3,)]
    engine.bind_arrow("t", pa.table({"a": [10, 20]}))
    assert engine.execute(short) == [(30,)]
    engine.unbind()
    engine.bind_files("t", [path])
    assert engine.remember("SELECT sum(a)::BIGINT AS s FROM t") == short
    assert engine.execute(short) == [(3,)]
    for number in range(100):
        assert engine.execute(engine.remember(f"SELECT a + {number} FROM t")) == [(3 + number,)]
    assert engine.execute("SELECT count(*) <= 65 FROM duckdb_views() WHERE NOT internal") == [(True,)]


# -- stopping ----------------------------------------------------------------------------------------------------------


def _copy(engine: Engine, path: Path) -> object:
    return engine.copy(ENDLESS, path / "out.csv", "csv")


def _read(engine: Engine, path: Path) -> object:
    with engine.reader("SELECT range FROM range(100000000000) WHERE range % 7 = 3") as reader:
        return sum(batch.num_rows for batch in reader)


def _arrow(engine: Engine, path: Path) -> object:
    return engine.arrow(ENDLESS)


@pytest.mark.parametrize("run", [_arrow, _copy, _read])
def test_another_thread_stops_the_running_query(
    engine: Engine, tmp_path: Path, run: Callable[[Engine, Path], object]
) -> None:
    outcome: list[BaseException | object] = []

    def work() -> None:
        try:
            outcome.append(run(engine, tmp_path))
        except BaseException as error:
            outcome.append(error)

    worker = threading.Thread(target=work)
    worker.start()
    deadline = time.monotonic() + 120
    while engine._running is None and time.monotonic() < deadline:
        time.sleep(0.001)
    engine.interrupt()
    worker.join(120)
    assert [type(one) for one in outcome] == [Interrupted]
    assert [path.name for path in tmp_path.iterdir()] == ["temp"]
    with pytest.raises(Interrupted):
        engine.execute("SELECT 1")


def test_stopping_before_a_query_stops_it_too(engine: Engine) -> None:
    engine.interrupt()
    with pytest.raises(Interrupted):
        engine.arrow("SELECT 1")


def test_a_file_that_is_gone_is_a_store_error(engine: Engine, tmp_path: Path) -> None:
    schema = pa.schema([("a", pa.int64())])
    with pytest.raises(StoreError, match="cannot be read as Parquet"):
        relation_query([tmp_path / "gone.parquet"], schema)
    path = tmp_path / "short.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    engine.bind_files("short", [path])
    path.unlink()
    with pytest.raises(StoreError, match="Reading or writing failed"):
        engine.arrow("FROM short")


FAILING_COPIES = """
import sys
from pathlib import Path
import duckdb
from leadline.engine import Engine
with Engine(temp_dir=Path(sys.argv[1])) as engine:
    broken = "SELECT CASE WHEN range = 900000 THEN error('broken') ELSE range END FROM range(1000000)"
    for form in ("csv", "jsonl", "parquet") * 20:
        try:
            engine.copy(broken, Path(sys.argv[1]) / "x", form)
        except duckdb.Error as error:
            assert "broken" in str(error)
"""


def test_a_copy_that_fails_always_comes_back(tmp_path: Path) -> None:
    """A process of its own, since one that waits inside DuckDB could not be ended otherwise."""
    command = [sys.executable, "-c", FAILING_COPIES, str(tmp_path)]
    subprocess.run(command, check=True, timeout=200, capture_output=True)


def test_rows_are_bound_with_their_types_also_none(engine: Engine) -> None:
    columns = {"number": "int64", "name": "string"}
    for rows in ([(1, "a"), (2, None)], []):
        BoundTable("few", columns).bind(engine, iter(rows))
        found = engine.arrow("SELECT * FROM few ORDER BY number")
        assert {field.name: str(field.type) for field in found.schema} == columns
        assert [tuple(row.values()) for row in found.to_pylist()] == rows


@pytest.mark.parametrize(
    ("within", "expected"),
    [
        ((None, None), ["a", "b", "b'c", "d"]),
        (("b", None), ["b", "b'c", "d"]),
        (("b", "d"), ["b", "b'c"]),
        (frozenset({"b'c", "a", "nobody"}), ["a", "b'c"]),
        (frozenset(), []),
    ],
)
def test_some_repositories_alone(engine: Engine, tmp_path: Path, within: Within, expected: list[str]) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"repository": ["a", "b", "b'c", "d"]}), path)
    engine.bind_files("rows", [path], within=within)
    assert [name for (name,) in engine.execute("FROM rows ORDER BY 1")] == expected
