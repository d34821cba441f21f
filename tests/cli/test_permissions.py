"""What lies in a home is its owner's alone, whatever the umask; what a user names is as the user's umask says."""

from __future__ import annotations

import os
import re
import shlex
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from api.serving import EXPORTS, Client, eventually
from leadline.permissions import open_to_others, private

from .running import Leadline, write_tables
from .test_sync import repository

RANGE = ["--start", "2026-01-01", "--end", "2026-03-31"]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def open_paths(home: Path) -> dict[str, str]:
    """Mode by path of all in the home that is not its owner's alone."""
    paths = [home, *home.rglob("*")]
    return {
        str(path.relative_to(home)): oct(mode(path)) for path in paths if mode(path) & 0o077 and not path.is_symlink()
    }


def run(program: Leadline, *arguments: object) -> str:
    done = subprocess.run(
        program.command(*arguments), cwd=program.cwd, umask=0, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@pytest.mark.slow
def test_all_that_a_home_holds_is_its_owners(leadline: Leadline) -> None:
    write_tables(leadline.cwd / "data")
    with (leadline.cwd / "data" / "comments.csv").open("a") as comments:
        comments.write("example/shop,x,c2,danfox,review,2026-01-05T11:00:00Z,github\n")
    repository(leadline.cwd / "shop")
    run(leadline, "import", "data", "--skip-bad-rows")
    run(leadline, "org", "load", "data/developers.csv", "--name", "Research")
    assert "2 commits" in run(leadline, "sync", "git", (leadline.cwd / "shop").as_uri(), "--name", "example/shop")
    run(leadline, "export", "productivity", *RANGE, "-o", "new.csv")
    run(leadline, "facts", "pull-requests", "-o", "pulls.parquet")
    serve(leadline, umask=0)
    kinds = {path.relative_to(leadline.home).parts[0] for path in leadline.home.rglob("*")}
    assert kinds >= {"leadline.db", "locks", "projects", "tmp"}
    project = leadline.home / "projects" / "default" / "default"
    assert {path.name for path in project.iterdir()} >= {"lake", "cache", "exports", "git"}
    assert open_paths(leadline.home) == {}
    assert [oct(mode(leadline.cwd / name)) for name in ("new.csv", "pulls.parquet")] == [oct(0o666)] * 2
    assert mode(leadline.cwd / "data" / "comments.csv.refused.csv") == 0o666


def serve(program: Leadline, **options: Any) -> None:
    """A server at whose work all is looked at while it runs: an export is made, a row pushed and delivered."""
    keys = {
        role: program.json("keys", "create", "--name", role, "--role", role)["key"] for role in ("viewer", "ingestion")
    }
    with (program.cwd / "log").open("w") as log:
        process = program.start("serve", "--port", "0", text=True, stderr=log, **options)
    assert process.stdout is not None
    address = next(found[0] for line in process.stdout if (found := re.search(r"http://[\w.:]+", line)))
    row = b'[{"incident_id": "I-1", "service": "shop", "created_at": "2026-03-01T00:00:00Z"}]'
    headers = {"Content-Type": "application/json"}
    pushes = Client(address, keys["ingestion"])
    assert pushes.send("POST", "/v2/ingest/incidents", body=row, headers=headers).status == 202
    reads = Client(address, keys["viewer"])
    dates = {"start": "2026-01-01", "end": "2026-03-31"}
    export = reads.completed({"scope": {"orgTreeName": "Research"}, "dateRange": dates})
    assert reads.get(f"{EXPORTS}/{export}/download").status == 200
    eventually(lambda: program.rows().get("incidents") == 1)
    assert {f"leadline.db{ending}" for ending in ("", "-wal", "-shm")} <= {path.name for path in program.home.iterdir()}
    assert open_paths(program.home) == {}
    process.terminate()
    process.communicate(timeout=60)


def test_a_home_that_others_can_read_is_told_and_left_as_it_is(
    company: Leadline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A test's own folder is closed to others as a whole, so the check is told to look no further up.
    real = open_to_others
    monkeypatch.setattr("leadline.diagnostics.integrity.open_to_others", lambda home: real(home, top=home))
    subprocess.run(["chmod", "-R", "go=", str(company.home)], check=True)
    assert "All is sound." in company("status", "--check").stdout
    company.home.chmod(0o755)
    assert "All is sound." in company("status", "--check").stdout  # names can be seen, contents cannot
    lake = company.home / "projects" / "default" / "default" / "lake"
    file = next(lake.rglob("part-*.parquet"))
    for path in (file, *file.parents):
        if path.is_relative_to(company.home):
            path.chmod(0o755 if path.is_dir() else 0o644)
    told = company("status", "--check", code=1).stdout
    command = f"chmod -R go= {shlex.quote(str(company.home))}"
    assert f"{file} can be read by other users of this machine; `{command}` ends that" in told
    assert mode(file) == 0o644
    subprocess.run(shlex.split(command), check=True)
    assert "All is sound." in company("status", "--check").stdout


def test_a_folder_that_others_may_not_enter_closes_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "home" / "inner").mkdir(parents=True)
    for path, bits in {"home/a": 0o644, "home/b": 0o600, "home/c": 0o660, "home/inner/d": 0o666}.items():
        (tmp_path / path).touch()
        (tmp_path / path).chmod(bits)
    home = tmp_path / "home"

    def seen(folder: int, inner: int) -> list[str]:
        (home / "inner").chmod(inner)
        home.chmod(folder)
        return [path.name for path in open_to_others(home, top=home)]

    assert seen(0o755, 0o755) == ["a", "c", "d"]
    assert seen(0o755, 0o700) == ["a", "c"]
    assert seen(0o750, 0o755) == ["a", "c", "d"]
    assert seen(0o701, 0o711) == ["a", "d"]
    assert seen(0o700, 0o777) == []
    home.chmod(0o755)
    tmp_path.chmod(0o700)
    assert open_to_others(home) == []


def test_the_mask_is_the_process_own_again_afterwards() -> None:
    before = os.umask(0o002)
    try:
        with private():
            assert os.umask(0o077) == 0o077
        assert os.umask(0o002) == 0o002
    finally:
        os.umask(before)
