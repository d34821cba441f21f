"""A command that only reads makes no home, and works on one that it may not write to; one that writes says so there."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from leadline.db import inbox
from leadline.home import Home

from .running import Leadline, environment, write_tables

QUARTER = ("--start", "2026-01-01", "--end", "2026-03-31")
READING = [
    ("status",),
    ("status", "--check"),
    ("org", "show"),
    ("org", "history"),
    ("identities",),
    ("identities", "--unmatched"),
    ("keys", "list"),
    ("sources", "list"),
    ("settings",),
    ("settings", "timezone"),
    ("metrics",),
    ("tables",),
    ("export", "productivity", *QUARTER, "-o", "-"),
    ("export", "efficiency", "--group", "df", *QUARTER, "-o", "-"),
    ("facts", "pull-requests", "-o", "-"),
    ("report", "--team", "1", *QUARTER, "--productivity", "PR_VELOCITY_PER_DEV"),
    ("import", "data", "--dry-run"),
    ("org", "load", "data/developers.csv", "--name", "Research", "--check"),
]
WRITING = [
    ("settings", "timezone", "Europe/Paris"),
    ("keys", "create", "--name", "n", "--role", "viewer"),
    ("import", "data"),
]
_DAC_OVERRIDE, _DAC_READ_SEARCH, _PR_CAPBSET_DROP = 1, 2, 24


def as_anybody() -> None:
    """Run what follows as bound by the modes of files as anybody is, though it be root."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for right in (_DAC_OVERRIDE, _DAC_READ_SEARCH):
            if libc.prctl(_PR_CAPBSET_DROP, right, 0, 0, 0) != 0:
                os._exit(99)


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_no_home_is_made(leadline: Leadline, words: tuple[str, ...]) -> None:
    write_tables(leadline.cwd / "data")
    done = leadline.either(*words, codes=(0, 1, 2))
    assert not leadline.home.exists()
    if done.code:
        assert "org tree" in done.stderr or "--team" in done.stderr  # there is none that could be meant


@pytest.fixture
def read_only(company: Leadline) -> Iterator[Leadline]:
    """A home that holds a company and may be read only."""
    with Home.open(company.home) as home:  # a row that waits to be delivered
        row = '{"repository": "example/shop", "tag": "v1"}'
        inbox.add(home.db, [inbox.Delivery(home.project().id, "releases", 1, row)], datetime(2026, 4, 1, tzinfo=UTC))
    folders = [company.home, *(path for path in company.home.rglob("*") if path.is_dir())]
    files = [path for path in company.home.rglob("*") if path.is_file()]
    for path in (*files, *folders):
        path.chmod(0o500 if path.is_dir() else 0o400)
    yield company
    for path in folders:
        path.chmod(0o700)


def _run(leadline: Leadline, *words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        leadline.command(*words),
        cwd=leadline.cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        preexec_fn=as_anybody,
    )
    if done.returncode == 99:
        pytest.skip("root without the right to drop rights: no file is read-only for it")
    return done


def _state(home: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_a_home_that_may_not_be_written_will_do(read_only: Leadline, words: tuple[str, ...]) -> None:
    before = _state(read_only.home)
    done = _run(read_only, *words)
    assert done.returncode == 0, done.stderr
    assert _state(read_only.home) == before
    assert str(read_only.home) in done.stdout or words != ("status",)


def test_it_can_be_backed_up(read_only: Leadline, tmp_path: Path) -> None:
    before = _state(read_only.home)
    done = _run(read_only, "backup", "all.tar")
    assert done.returncode == 0, done.stderr
    assert _state(read_only.home) == before
    restored = Leadline(tmp_path / "restored", read_only.cwd)
    restored("restore", "all.tar")
    for path in (read_only.home, *(path for path in read_only.home.rglob("*"))):
        path.chmod(0o700)
    assert restored.rows() == read_only.rows()
    assert restored.json("org", "show") == read_only.json("org", "show")


def test_what_it_says_is_what_the_home_says(read_only: Leadline) -> None:
    words = ("export", "productivity", *QUARTER, "-o", "-")
    apart = _run(read_only, *words)
    for path in (read_only.home, *(path for path in read_only.home.rglob("*"))):
        path.chmod(0o700)
    assert apart.stdout == read_only.process(*words).stdout


@pytest.mark.parametrize("words", WRITING, ids=" ".join)
def test_what_would_change_it_is_refused_in_a_sentence(read_only: Leadline, words: tuple[str, ...]) -> None:
    before = _state(read_only.home)
    done = _run(read_only, *words)
    assert done.returncode == 1
    assert done.stderr.startswith("error: The home ")
    assert "written" in done.stderr
    assert _state(read_only.home) == before


def test_a_server_for_agents_makes_no_home(leadline: Leadline) -> None:
    """It may write into one, exports for instance, and says what to do where there is none."""
    done = leadline("mcp", code=1)
    assert f"There is no home at {leadline.home}" in done.stderr
    assert "`leadline init`" in done.stderr
    assert not leadline.home.exists()
