"""Ctrl-C: remembered, so that it also reaches work in which a library turned it into an error of its own.

``KeyboardInterrupt`` is raised at once and again at the next ``check``.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

T = TypeVar("T")

EXIT_CODE = 130
"""What shells report for a command ended by Ctrl-C (128 + SIGINT)."""

_received: list[int] = []
_advice: list[str] = []


def listen() -> None:
    """Raise ``KeyboardInterrupt`` on SIGINT from now on, and remember it."""
    _advice.clear()
    signal.signal(signal.SIGINT, _on_signal)


def received() -> bool:
    """Whether Ctrl-C was pressed."""
    return bool(_received)


def advise(sentence: str) -> None:
    """From now on, ``sentence`` is what to do next for whoever pressed Ctrl-C."""
    _advice[:] = [sentence]


def advice() -> list[str]:
    """What to do next, if anything."""
    return list(_advice)


def check() -> None:
    """Raise ``KeyboardInterrupt`` if Ctrl-C was pressed."""
    if _received:
        raise KeyboardInterrupt


def ignore() -> None:
    """From now on nothing interrupts: the command is ending."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def held() -> Iterator[None]:
    """Put Ctrl-C off until the block has run; threads started in it never get it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def stoppable(work: Callable[[], T], stop: Callable[[], None]) -> T:
    """What ``work`` returns. It runs in a thread of its own, so that Ctrl-C reaches this one at once; then ``stop`` must
    make it end."""
    executor = ThreadPoolExecutor(1)
    try:
        with held():  # the thread inherits that, so that every Ctrl-C comes to this one
            future = executor.submit(work)
        try:
            return future.result()
        except KeyboardInterrupt:
            ignore()
            stop()
            wait([future])
            raise
    finally:
        executor.shutdown()


def _on_signal(number: int, _frame: FrameType | None) -> None:
    _received.append(number)
    raise KeyboardInterrupt
