"""Small files that unpack to gigabytes: refused in one sentence, in bounded memory, and nothing of them is taken."""

from __future__ import annotations

import contextlib
import gzip
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leadline.errors import InvalidInput
from leadline.formats.parquet_pages import BATCH_ROWS, plan
from stubs.files import Files
from stubs.server import serving

MOST_MEMORY = 1000
"""MiB that a process may take at most; each of the files unpacks to more."""
MIB = 1 << 20
LONG = "x" * (4 * MIB)
PLAIN: dict[str, Any] = {"use_dictionary": False, "compression": "zstd"}


def packed(folder: Path, name: str, first: str, part: str, times: int) -> Path:
    """A file that has ``part`` so many times."""
    path = folder / name
    with gzip.open(path, "wb", compresslevel=6) as file:
        file.write(first.encode())
        for _ in range(times):
            file.write(part.encode())
    return path


def csv_rows_without_a_key(folder: Path) -> Path:
    return packed(folder, "pull_requests.csv.gz", "repository,number\n", ",\n" * MIB, 600)


def csv_of_long_texts(folder: Path) -> Path:
    return packed(folder, "pull_requests.csv.gz", "repository,number,body\n", f"a/b,1,{LONG}\n", 300)


def one_line(folder: Path) -> Path:
    return packed(folder, "pull_requests.jsonl.gz", '{"body":"', "x" * MIB, 600)


def repeated(texts: list[str], rows: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array([at % len(texts) for at in range(rows)], pa.int32()), texts)


def numbered(rows: int, **columns: Any) -> pa.Table:
    return pa.table({"repository": repeated(["a/b"], rows), "number": range(rows), **columns})


def written(folder: Path, table: pa.Table, **options: Any) -> Path:
    path = folder / "pull_requests.parquet"
    pq.write_table(table, path, **options)
    return path


def one_text_in_all_rows(folder: Path) -> Path:
    return written(folder, numbered(100_000, body=repeated([LONG], 100_000)))


def one_label_in_all_lists(folder: Path) -> Path:
    offsets = pa.array(range(0, 100_001, 4), pa.int32())
    return written(folder, numbered(25_000, labels=pa.ListArray.from_arrays(offsets, repeated([LONG], 100_000))))


def one_list_of_all(folder: Path) -> Path:
    offsets = pa.array([0, 2 * MIB], pa.int32())
    return written(folder, numbered(1, labels=pa.ListArray.from_arrays(offsets, repeated(["y" * 4096], 2 * MIB))))


def one_huge_page(folder: Path) -> Path:
    return written(folder, numbered(50, body=[LONG] * 50), **PLAIN)


def rows_of_nothing(folder: Path) -> Path:
    path = folder / "pull_requests.parquet"
    rows = 10 * MIB
    nothing = pa.table({"repository": pa.nulls(rows, pa.string()), "number": pa.nulls(rows, pa.int32())})
    with pq.ParquetWriter(path, nothing.schema) as file:
        for _ in range(6):
            file.write_table(nothing, row_group_size=rows)
    return path


BOMBS: dict[Callable[[Path], Path], str] = {
    csv_rows_without_a_key: "more than 300,000 rows refused, and more than half of those read; nothing was taken",
    csv_of_long_texts: "unpacks to more than 1,024 MiB",
    one_line: "line 1: the line is longer than 64 MiB",
    one_text_in_all_rows: "unpacks to more than 1,024 MiB",
    one_label_in_all_lists: "unpacks to more than 1,024 MiB",
    one_list_of_all: "row 1: the row is longer than 64 MiB",
    one_huge_page: "column body: a page of it is larger than 128 MiB",
    rows_of_nothing: "more than 300,000 rows refused, and more than half of those read; nothing was taken",
}


# What a process inherits by fork is not its own: it reads its own peak, which begins with its program.
MEASURED = """
import sys
try:
    {run}
finally:
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print("peak", int(peak.split()[1]) >> 10)
"""
COMMAND = "from leadline.cli.main import main; sys.exit(main(sys.argv[1:]))"
READ = """from pathlib import Path
    from leadline.formats.files import ImportFile
    from leadline.formats.parquet import parquet_rows
    from leadline.schema import TABLES
    file = ImportFile(Path(sys.argv[1]), TABLES["pull_requests"], ".parquet")
    print(sum(raw.batch.num_rows for raw in parquet_rows(file, None, records=False)[1]))"""


def measured(*arguments: object, run: str = COMMAND) -> tuple[int, str, int]:
    """(Exit code, output, MiB of memory at most) of a process."""
    script = MEASURED.format(run=run)
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=200,
        check=False,
    )
    output, _, peak = done.stdout.rpartition("peak ")
    return done.returncode, output, int(peak)


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb.__name__)
def test_a_small_file_that_unpacks_to_gigabytes_is_refused_in_little_memory(
    tmp_path: Path, bomb: Callable[[Path], Path]
) -> None:
    path = bomb(tmp_path)
    assert path.stat().st_size < 8 * MIB
    code, output, memory = measured("--home", tmp_path / "home", "import", path)
    assert (code, "Traceback" in output) == (1, False), output
    (line,) = [line for line in output.splitlines() if BOMBS[bomb] in line]
    assert path.name in line
    assert memory < MOST_MEMORY, f"{memory} MiB"
    assert not list((tmp_path / "home").rglob("*.parquet"))


def test_the_same_from_a_server_is_refused_too(tmp_path: Path) -> None:
    bomb = one_text_in_all_rows
    path = bomb(tmp_path)
    server = Files(files={f"/{path.name}": path.read_bytes()})
    with serving(server) as url:
        code, output, memory = measured("--home", tmp_path / "home", "sync", "files", f"{url}/{path.name}")
    assert (code, "Traceback" in output) == (1, False), output
    assert BOMBS[bomb] in output
    assert memory < MOST_MEMORY, f"{memory} MiB"


# -- what is large, and meant so -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [{}, PLAIN, {**PLAIN, "column_encoding": {"body": "DELTA_BYTE_ARRAY"}}, {**PLAIN, "data_page_version": "2.0"}],
    ids=["dictionary", "plain", "delta", "pages 2.0"],
)
def test_long_texts_are_read_a_few_rows_at_a_time(tmp_path: Path, options: dict[str, Any]) -> None:
    texts = [f"{at}{LONG[: MIB // 4]}" for at in range(1200)]
    path = written(tmp_path, numbered(1200, body=texts), data_page_size=MIB, write_batch_size=8, **options)
    code, output, memory = measured(path, run=READ)
    assert (code, output) == (0, "1200\n")
    assert memory < MOST_MEMORY // 2, f"{memory} MiB"


def test_what_a_footer_says_is_not_believed(tmp_path: Path) -> None:
    """It is the headers of pages that tell what reading takes."""
    path = written(tmp_path, numbered(50, body=[LONG] * 50), **PLAIN)

    class Lying:
        """A footer that calls all of it small."""

        def __init__(self, told: Any) -> None:
            self._told = told

        def __getattr__(self, name: str) -> Any:
            return 1 if name == "total_uncompressed_size" else getattr(self._told, name)

        def row_group(self, at: int) -> Lying:
            return Lying(self._told.row_group(at))

        def column(self, at: int) -> Lying:
            return Lying(self._told.column(at))

    with pytest.raises(InvalidInput, match="larger than 128 MiB"):
        plan(path, Lying(pq.read_metadata(path)))


def test_usual_files_are_read_in_usual_batches(tmp_path: Path) -> None:
    rows = 300_000
    table = numbered(
        rows,
        body=[f"{at} {LONG[: at % 700]}" for at in range(rows)],
        labels=pa.array([["bug", f"team-{at % 9}"] for at in range(rows)]),
    )
    path = written(tmp_path, table)
    assert plan(path, pq.read_metadata(path)).rows > BATCH_ROWS // 4


@pytest.mark.parametrize("at", range(4, 900, 7))
def test_damaged_pages_are_refused_or_read(tmp_path: Path, at: int) -> None:
    path = written(tmp_path, numbered(300, body=["a text"] * 300))
    metadata = pq.read_metadata(path)
    content = bytearray(path.read_bytes())
    content[at % len(content)] ^= 0xFF
    path.write_bytes(content)
    with contextlib.suppress(InvalidInput, pa.ArrowException, OSError):  # as its reader expects
        assert 1 <= plan(path, metadata).rows <= BATCH_ROWS
