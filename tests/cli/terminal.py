"""A terminal of 80 columns on which a command runs: what it writes is read, what is asked is answered, Ctrl-C is pressed."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from .running import Leadline, environment

PATIENCE_SECONDS = 120
CTRL_C, CTRL_D = "\x03", "\x04"
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>78]")


@dataclass
class Terminal:
    """What ``process`` writes on it so far is ``raw``; ``text`` is that without what steers the terminal."""

    process: subprocess.Popen[bytes]
    descriptor: int
    raw: str = ""
    _seen: int = 0

    @property
    def text(self) -> str:
        return _CONTROL.sub("", self.raw).replace("\r\n", "\n")

    def until(self, words: str) -> str:
        """Wait for ``words`` after what was waited for before; everything since."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (at := self.text.find(words, self._seen)) < 0:
            assert time.monotonic() < deadline, f"no {words!r} in {self.text[self._seen :]!r}"
            assert self._read(), f"it ended without {words!r}: {self.text[self._seen :]!r}"
        since, self._seen = self.text[self._seen : at + len(words)], at + len(words)
        return since

    def type(self, keys: str) -> None:
        os.write(self.descriptor, keys.encode())

    def answer(self, question: str, answer: str) -> None:
        """Wait for the question, to its end, then give the answer."""
        self.until(question)
        self.until(": ")
        self.type(f"{answer}\n")

    def ended(self, key: str = "") -> int:
        """Its exit code, once it has ended. ``key`` is pressed until then, as who sees nothing happen presses it again: a signal
        that comes just before Python begins to wait for a line does not end the waiting."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        if key:
            self.type(key)
        while self._read():
            if key and not select.select([self.descriptor], [], [], 2)[0] and self.process.poll() is None:
                self.type(key)
            assert time.monotonic() < deadline, f"it does not end after {self.text[self._seen :]!r}"
        return self.process.wait(PATIENCE_SECONDS)

    def _read(self) -> bool:
        """Whether there is somebody who may still write."""
        if not select.select([self.descriptor], [], [], 1)[0]:
            return True
        try:
            some = os.read(self.descriptor, 65536)
        except OSError:  # nobody has the terminal any more
            return False
        self.raw += some.decode(errors="replace")
        return bool(some)


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@contextmanager
def on_terminal(
    leadline: Leadline, *arguments: object, env: Mapping[str, str] | None = None, **options: Any
) -> Iterator[Terminal]:
    """The command, run on a terminal of its own until the block ends. ``options``: other streams than the terminal."""
    with _started(partial(leadline.start, *arguments), env or {}, options) as terminal:
        yield terminal


@contextmanager
def bash_on_terminal(folder: Path, env: Mapping[str, str]) -> Iterator[Terminal]:
    """A shell in which somebody types, with nobody's start files."""
    shell = partial(subprocess.Popen, ["bash", "--norc", "--noprofile", "-i"], cwd=folder)
    with _started(shell, {"PS1": "ready> ", "INPUTRC": os.devnull, **env}, {}) as terminal:
        yield terminal


@contextmanager
def _started(
    start: Callable[..., subprocess.Popen[bytes]], env: Mapping[str, str], streams: Mapping[str, Any]
) -> Iterator[Terminal]:
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = start(
        **{"stdin": theirs, "stdout": theirs, "stderr": theirs, **streams},
        env=environment({"TERM": "xterm", **env}),
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(PATIENCE_SECONDS)
        os.close(ours)
