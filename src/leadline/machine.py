"""What of the machine this process may use: processor cores and memory, within the limits of its container.

Limits are those of Linux control groups, version 1 or 2: of the group that the process is in, and of every group above it. Where
a system has none, the whole machine is there to be used.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path("/")
_GROUPS = "sys/fs/cgroup"


def cores(root: Path = _ROOT) -> int:
    """The cores that the process may run on at a time, at least 1; a part of a core counts as one."""
    try:
        available = len(os.sched_getaffinity(0))
    except AttributeError:  # not told on this system
        available = os.cpu_count() or 1
    return max(1, min([available, *(-(-quota // period) for quota, period in _quotas(root))]))


def memory(root: Path = _ROOT) -> int:
    """Bytes of memory that the process may take: the machine's, or what its container allows, if that is less."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([whole, *_memory_limits(root)])


def _quotas(root: Path) -> Iterator[tuple[int, int]]:
    """Microseconds of the processor that the groups may take, each with the period that they are for."""
    for folder in _folders(root, ""):
        quota, _, period = _text(folder / "cpu.max").partition(" ")
        if quota.isdecimal() and period.isdecimal():
            yield int(quota), int(period)
    for folder in _folders(root, "cpu"):
        texts = _text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us")
        if all(text.isdecimal() for text in texts):  # -1: none
            yield int(texts[0]), int(texts[1])


def _memory_limits(root: Path) -> Iterator[int]:
    for controller, file in (("", "memory.max"), ("memory", "memory.limit_in_bytes")):
        for folder in _folders(root, controller):
            if (text := _text(folder / file)).isdecimal():
                yield int(text)


def _folders(root: Path, controller: str) -> Iterator[Path]:
    """Where the limits of the process's group and of those above it stand; ``controller`` is '' in version 2. In a container the
    upper ones may be missing, or the group's own, as it may be mounted at the top."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, names, group = line.split(":", 2)
        if controller not in names.split(","):
            continue
        mounts = ("", "unified") if not controller else (names, controller)
        for mount in dict.fromkeys(mounts):
            for below in (Path(group.strip("/")), *Path(group.strip("/")).parents):
                yield root / _GROUPS / mount / below


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
