"""Where logs are written to, without ever waiting for who reads them: a pipe that nobody empties holds up no request. What cannot
be written waits, so many bytes of it; what comes then is dropped, and how much was is told once there is room."""

from __future__ import annotations

import os
import select
import socket
import stat
import threading
from collections import deque
from typing import TextIO

KEPT_BYTES = 4 << 20
"""What waits at most for a reader that is slow."""
AT_ONCE = 512
"""What a pipe that says it has room certainly takes (POSIX, ``PIPE_BUF``)."""


def unblocked(stream: TextIO) -> TextIO | UnblockedStream:
    """``stream`` itself if writing to it never waits (a file, or nothing of the system's), else one that does not in its place. A
    terminal is somebody's, who may halt it."""
    try:
        mode = os.fstat(stream.fileno()).st_mode
    except (OSError, ValueError):
        return stream
    return UnblockedStream(stream.fileno()) if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) else stream


class UnblockedStream:
    """Texts to the pipe or socket ``descriptor``."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = os.dup(descriptor)
        self._socket = socket.socket(fileno=os.dup(descriptor)) if _is_socket(descriptor) else None
        self._own = False
        if self._socket is None:
            self._reopen()
        self._waiting: deque[bytes] = deque()
        self._bytes = self._dropped = 0
        self._guard = threading.Lock()

    def _reopen(self) -> None:
        """Take the pipe by an opening of its own: not to wait is then a matter of this one, not of all who write to it."""
        try:
            opened = os.open(f"/proc/self/fd/{self._descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:  # another system: whether there is room is asked before
            return
        os.close(self._descriptor)
        self._descriptor, self._own = opened, True

    def write(self, text: str) -> int:
        """Write what waits, then ``text``; what has no room waits."""
        data = text.encode(errors="replace")
        with self._guard:
            if self._bytes + len(data) > KEPT_BYTES:
                self._dropped += 1
            else:
                self._waiting.append(data)
                self._bytes += len(data)
            self._drain()
        return len(text)

    def flush(self) -> None:
        """Write what there is room for."""
        with self._guard:
            self._drain()

    def _drain(self) -> None:
        while self._waiting or self._dropped:
            if not self._waiting:
                told = f"{self._dropped} lines of the log were dropped, as nobody read it\n".encode()
                self._waiting.append(told)
                self._bytes, self._dropped = len(told), 0
            data = self._waiting.popleft()
            written = self._send(data)
            self._bytes -= max(written, 0) if written >= 0 else len(data)
            if 0 <= written < len(data):
                self._waiting.appendleft(data[written:])
                return

    def _send(self, data: bytes) -> int:
        """The bytes that there was room for; negative if nobody will ever read them."""
        try:
            if self._socket is not None:
                return self._socket.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            if self._own:
                return os.write(self._descriptor, data)
            if not select.select([], [self._descriptor], [], 0)[1]:
                return 0
            return os.write(self._descriptor, data[:AT_ONCE])
        except BlockingIOError:
            return 0
        except OSError:
            return -1


def _is_socket(descriptor: int) -> bool:
    return stat.S_ISSOCK(os.fstat(descriptor).st_mode)
