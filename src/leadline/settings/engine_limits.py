"""How many threads and how much memory one engine may take, and how those of a process share what the process may use."""

from __future__ import annotations

import re
from dataclasses import dataclass

from leadline import machine

LEAST_MEMORY = 100_000_000
"""Bytes with which an engine still gets through its work, with what it spills to the disk."""
_MOST_THREADS = 1024
_OF_THREAD = 300_000_000
"""Bytes that a thread makes good use of: with more it is hardly faster."""
_LEAST_OF_THREAD = 125_000_000
"""Bytes below which one thread gets further than two, as these would only spill more."""
_SHARE = 4
"""Of the memory there is, a process takes one in so many, where nobody says how much: others are there beside it."""
_UNITS = {unit: 1000**power for power, unit in enumerate(("B", "KB", "MB", "GB", "TB"))}
_UNITS |= {unit: 1024**power for power, unit in enumerate(("KIB", "MIB", "GIB", "TIB"), 1)}


class Size(int):
    """A number of bytes that is written as one reads it."""

    def __str__(self) -> str:
        return f"{int(self) // 1_000_000:,} MB"


@dataclass(frozen=True)
class EngineLimits:
    """What one engine may take: ``threads`` at a time, and ``memory`` in bytes, beyond which it spills to the disk."""

    threads: int
    memory: int

    def at_most(self, memory: int) -> EngineLimits:
        """The same with no more than ``memory`` bytes."""
        return EngineLimits(_fed(self.threads, min(memory, self.memory)), min(memory, self.memory))

    def fitting(self, amount: int) -> int:
        """As much of what is worked on at a time as fits in the memory, where ``amount`` fits in that of ``TWO_THREADS``."""
        return amount * min(self.memory, TWO_THREADS.memory) // TWO_THREADS.memory

    def shared_by(self, processes: int) -> EngineLimits:
        """What each of so many processes may take, which work instead of this one."""
        return EngineLimits(max(1, self.threads // processes), self.memory // processes)

    def __str__(self) -> str:
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return f"{threads} and {Size(self.memory)}"


TWO_THREADS = EngineLimits(2, 2 * _OF_THREAD)
"""What an engine takes of which nobody says more."""


def shared_out(threads: int, memory: int | None, engines: int) -> EngineLimits:
    """What each of ``engines`` may take of ``threads`` and ``memory`` bytes (None: a careful share of what there is). Two threads
    are for each, where there are two: mostly one engine works while the others wait."""
    each = max(min(2, threads), threads // engines)
    if memory is None:
        memory = max(LEAST_MEMORY, min(machine.memory() // _SHARE, engines * each * _OF_THREAD))
    return EngineLimits(_fed(each, memory // engines), memory // engines)


def _fed(threads: int, memory: int) -> int:
    """As many of the threads as there is memory for."""
    return max(1, min(threads, memory // _LEAST_OF_THREAD))


def thread_count(text: str) -> int:
    """A number of threads. Raises ``ValueError``, saying what would do."""
    if not re.fullmatch(r"[0-9]{1,4}", text.strip()) or not 1 <= int(text) <= _MOST_THREADS:
        raise ValueError(f"a whole number from 1 to {_MOST_THREADS:,}, such as 8")
    return int(text)


def size(text: str) -> Size:
    """The bytes of a size such as ``2GB`` or ``512 MiB``. Raises ``ValueError``, saying what would do."""
    written = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) *([KMGT]?I?B)", text.strip().upper())
    number = 0 if written is None else int(float(written[1]) * _UNITS.get(written[2], 0))
    if number < LEAST_MEMORY:
        raise ValueError(f"a size of at least {LEAST_MEMORY // 1_000_000}MB, such as 2GB")
    return Size(number)
