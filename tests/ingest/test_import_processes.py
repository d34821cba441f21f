"""Several processes on one lake, and processes that are killed: no row lost, none twice, nobody fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ingest.lakes import Site
from leadline.lake.maintenance import check_lake

IMPORT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from ingest.lakes import Site
report = Site(Path(sys.argv[2])).imports(*[Path(name) for name in sys.argv[3:]])
assert report.ok, report
"""


def importer(site: Site, *paths: Path) -> subprocess.Popen[bytes]:
    tests = Path(__file__).parent.parent
    command = [sys.executable, "-c", IMPORT, str(tests), str(site.folder), *map(str, paths)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)


def test_processes_importing_at_once_lose_and_double_nothing(site: Site, tmp_path: Path) -> None:
    writers, files_each, rows_each = 4, 3, 40
    processes = []
    for writer in range(writers):
        paths = []
        for at in range(files_each):
            folder = tmp_path / f"{writer}-{at}"
            folder.mkdir()
            path = folder / "pull_requests.csv"
            # Half of the rows every writer delivers too, in another version each.
            shared = [
                f"acme/shop,{number},w{writer}f{at},2026-01-{1 + writer * files_each + at:02}\n"
                for number in range(rows_each // 2)
            ]
            own = [f"acme/shop,{1000 + writer * 1000 + at * 100 + number},own,\n" for number in range(rows_each // 2)]
            path.write_text("repository,number,title,updated_at\n" + "".join(shared + own))
            paths.append(path)
        processes.append(importer(site, *paths))
    for process in processes:
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors.decode()
    rows = site.rows("pull_requests")
    assert len(rows) == rows_each // 2 + writers * files_each * (rows_each // 2)
    newest = f"w{writers - 1}f{files_each - 1}"
    assert {row["title"] for row in rows if row["number"] < 1000} == {newest}
    assert check_lake(site.lake) == []


@pytest.mark.parametrize("moment", ["staging", "committing"])
def test_a_killed_import_leaves_the_last_good_state_and_can_be_repeated(
    site: Site, tmp_path: Path, moment: str
) -> None:
    first = tmp_path / "first" / "commit_files.csv"
    second = tmp_path / "second" / "commit_files.csv"
    for path, sha in ((first, "a"), (second, "b")):
        path.parent.mkdir()
        count = 1_000 if path == first else 400_000
        lines = (f"acme/shop,{sha}{number},src/file{number}.py,{number}\n" for number in range(count))
        path.write_text("repository,sha,path,additions\n" + "".join(lines))
    assert site.imports(first).ok
    version = site.lake.version("commit_files")
    folder = Path(site.lake.storage.location("commit_files"))

    def reached() -> bool:
        staged = list(folder.glob("_staging/*/*/*.parquet"))
        return bool(staged) if moment == "staging" else len(list(folder.glob("part-*.parquet"))) > 1

    process = importer(site, second)
    deadline = time.monotonic() + 120
    while not reached() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(120)

    assert check_lake(site.lake) == []
    rows = site.lake.snapshot().row_counts()["commit_files"]
    if moment == "staging":
        assert site.lake.version("commit_files") == version
        assert process.returncode == -signal.SIGKILL
    assert rows in (1_000, 401_000)
    assert rows == 1_000 or site.lake.version("commit_files") == (version or 0) + 1
    assert site.imports(second).ok
    assert site.lake.snapshot().row_counts() == {"commit_files": 401_000}
    assert check_lake(site.lake) == []
