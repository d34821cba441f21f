"""Cores and memory are those that the process may use: less than the machine's where its control group says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from leadline import machine

GROUPS = "sys/fs/cgroup"


def system(root: Path, group: str, **files: str) -> Path:
    """A made-up root of a system with the process in ``group`` (a line of its file) and files below the mounted groups."""
    for name, text in {"proc/self/cgroup": group, **{f"{GROUPS}/{name}": text for name, text in files.items()}}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n")
    return root


@pytest.mark.parametrize(
    ("group", "files", "cores"),
    [
        ("0::/", {}, 64),
        ("0::/", {"cpu.max": "max 100000"}, 64),
        ("0::/", {"cpu.max": "400000 100000"}, 4),
        ("0::/", {"cpu.max": "150000 100000"}, 2),
        ("0::/", {"cpu.max": "5000 100000"}, 1),
        ("0::/", {"cpu.max": "nonsense"}, 64),
        ("0::/a/b", {"a/cpu.max": "300000 100000", "a/b/cpu.max": "max 100000"}, 3),
        ("0::/a/b", {"a/cpu.max": "300000 100000", "a/b/cpu.max": "200000 100000"}, 2),
        ("0::/not/mounted", {"cpu.max": "200000 100000"}, 2),
        ("4:memory:/x\n1:cpu:/x", {"cpu/x/cpu.cfs_quota_us": "250000", "cpu/x/cpu.cfs_period_us": "50000"}, 5),
        ("1:cpu:/x", {"cpu/x/cpu.cfs_quota_us": "-1", "cpu/x/cpu.cfs_period_us": "100000"}, 64),
        (
            "2:cpu,cpuacct:/docker/1\n0::/",
            {"cpu,cpuacct/cpu.cfs_quota_us": "100000", "cpu,cpuacct/cpu.cfs_period_us": "100000"},
            1,
        ),
        ("1:cpu:/\n0::/u", {"unified/u/cpu.max": "100000 50000"}, 2),
    ],
)
def test_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: str, files: dict[str, str], cores: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(64)), raising=False)
    assert machine.cores(system(tmp_path, group, **files)) == cores


def test_cores_that_the_process_may_not_run_on_are_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = system(tmp_path, "0::/", **{"cpu.max": "800000 100000"})
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {3, 7}, raising=False)
    assert machine.cores(root) == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert machine.cores(root) == 6


@pytest.mark.parametrize(
    ("group", "files", "limit"),
    [
        ("0::/", {"memory.max": "max"}, None),
        ("0::/a/b", {"a/memory.max": "30000000", "a/b/memory.max": "max"}, 30_000_000),
        ("3:memory:/x", {"memory/x/memory.limit_in_bytes": "20000000"}, 20_000_000),
        ("3:memory:/x", {"memory/memory.limit_in_bytes": "9223372036854771712"}, None),
        ("", {}, None),
    ],
)
def test_memory(tmp_path: Path, group: str, files: dict[str, str], limit: int | None) -> None:
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert machine.memory(system(tmp_path, group, **files)) == (whole if limit is None else limit)


def test_a_system_without_control_groups(tmp_path: Path) -> None:
    assert machine.cores(tmp_path) >= 1
    assert machine.memory(tmp_path) > 0
