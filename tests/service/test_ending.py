"""A process that was told to end ends, whatever it is at: each of these once made one stay for ever."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

_TGKILL = {"x86_64": 234, "aarch64": 131}.get(os.uname().machine)
"""Linux's call that sends a signal to one thread."""

SWALLOWED_BY_A_FINALIZER = """
import gc
class Finalized:
    def __init__(self): self.cycle = self
    def __del__(self): time.sleep(3600)
with ended_by_sigterm():
    print("ready", flush=True)
    Finalized(); gc.collect()
time.sleep(3600)
"""
SWALLOWED_BY_A_LIBRARY = """
with ended_by_sigterm():
    print("ready", flush=True)
    try: time.sleep(3600)
    except BaseException: pass
threading.Event().wait()
"""
WHILE_A_THREAD_IS_STARTED = """
signal.signal(signal.SIGTERM, lambda *_: end_within(0.2))
with threading._active_limbo_lock:
    print("ready", flush=True)
    time.sleep(3600)
"""
STUCK_AT_EXIT = """
import atexit
signal.signal(signal.SIGTERM, lambda *_: (end_within(0.2), sys.exit(0)))
atexit.register(lambda: time.sleep(3600))
print("ready", flush=True)
time.sleep(3600)
"""


@pytest.mark.parametrize(
    "program", [SWALLOWED_BY_A_FINALIZER, SWALLOWED_BY_A_LIBRARY, WHILE_A_THREAD_IS_STARTED, STUCK_AT_EXIT]
)
def test_a_process_that_is_told_to_end_ends(program: str) -> None:
    opening = (
        "import signal, sys, threading, time\n"
        "from leadline.service import ending\n"
        "from leadline.service.ending import end_within, ended_by_sigterm\n"
        "ending.OPENING_SECONDS = 0.2\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", opening + program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def test_the_kernel_ends_what_python_cannot() -> None:
    program = (
        "import signal, time\n"
        "from leadline.service import ending\n"
        "ending._LAST_RESORT_SECONDS = 0.3\n"
        "ending._thread.start_new_thread = lambda *_: None\n"
        "ending.end_within(0.1)\n"
        "time.sleep(3600)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], timeout=60, check=False)
    assert done.returncode == -signal.SIGALRM


def listening(pid: int) -> list[int]:
    """The threads of a process but its first that take SIGTERM."""
    states = {int(task.name): (task / "status").read_text() for task in Path(f"/proc/{pid}/task").iterdir()}
    masks = {number: int(text.split("SigBlk:")[1].split()[0], 16) for number, text in states.items()}
    return [number for number, mask in masks.items() if number != pid and not mask >> (signal.SIGTERM - 1) & 1]


@pytest.mark.skipif(
    _TGKILL is None or not sys.platform.startswith("linux"), reason="signals to one thread: Linux on x86-64 or ARM"
)
def test_a_signal_that_reaches_another_thread_ends_the_worker(tmp_path: Path) -> None:
    """The kernel gives a signal to any thread, and Python handles it in the first alone, when that comes back from waiting."""
    program = Path(sys.executable).with_name("leadline")
    environment = {**os.environ, "LEADLINE_HOME": str(tmp_path / "home")}
    process = subprocess.Popen([program, "worker"], env=environment, stderr=subprocess.PIPE)
    try:
        assert process.stderr is not None
        assert any(b"export worker on" in line for line in iter(process.stderr.readline, b""))
        deadline = time.monotonic() + 60
        while not (others := listening(process.pid)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.5)  # until the first thread waits
        assert ctypes.CDLL(None).syscall(_TGKILL, process.pid, others[0], signal.SIGTERM) == 0
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()
