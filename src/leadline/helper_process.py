"""Processes that work for this one, each tied to it by a pipe: a line of JSON asks, a line of JSON answers. A helper ends when its
caller does, however that ends, and Ctrl-C is the caller's to act on."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from leadline.errors import LeadlineError, StoreError

_TOLD = ("PATH", "LANG", "HOME", "PYTHONPATH", "TMPDIR")
"""Variables that a helper gets. What it is not to know it is not told: the environment has keys and addresses of proxies."""


def started(module: str) -> subprocess.Popen[bytes]:
    """``python -m module`` with pipes for its input and output. Raises ``OSError`` if there is no process to be had."""
    told = {name: os.environ[name] for name in _TOLD if name in os.environ}
    command = [sys.executable, "-m", module]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=told)


class HelperProcess:
    """``python -m module``, whose ``main`` calls ``answer_each``. Ask from one thread at a time; ``end`` it from any."""

    def __init__(self, module: str, purpose: str) -> None:
        self._purpose = purpose
        self._process = started(module)

    def ask(self, document: Any) -> None:
        """Have ``document`` worked on. Raises ``StoreError`` with what went wrong, also if the process ended."""
        stdin, stdout = self._process.stdin, self._process.stdout
        line = b""
        if stdin is not None and stdout is not None:
            with suppress(OSError, ValueError):  # it has ended
                stdin.write(json.dumps(document).encode() + b"\n")
                stdin.flush()
                line = stdout.readline()
        if not line.endswith(b"\n"):
            raise StoreError(f"A process that {self._purpose} ended unexpectedly ({self._ending()}); try again")
        if wrong := json.loads(line)["error"]:
            raise StoreError(wrong)

    def _ending(self) -> str:
        status = self._process.wait()
        return f"signal {-status}" if status < 0 else f"exit status {status}"

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it is there no more."""
        return self._process.poll() is not None

    def end(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was not written goes nowhere
                    pipe.close()


def answer_each(work: Callable[[Any], None]) -> None:
    """In the helper: do ``work`` for each line asked, until the caller closes the pipe; the process ends there and then."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(lines,), name="caller's pipe", daemon=True).start()
    while True:
        answer = {"error": _wrong_with(work, json.loads(lines.get()))}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _wrong_with(work: Callable[[Any], None], asked: Any) -> str:
    try:
        work(asked)
    except LeadlineError as error:
        return error.message
    except Exception as error:
        traceback.print_exc()
        return f"An internal error: {type(error).__name__}: {error}"
    return ""


def _listen(lines: queue.SimpleQueue[bytes]) -> None:
    for line in sys.stdin.buffer:
        lines.put(line)
    os._exit(0)
