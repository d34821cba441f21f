"""Pictures of charts, made by ``vl-convert`` in a process of its own, which is kept for the next one and killed if it takes too
long. The library is heavy and an extra: ``leadline[charts]``."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Mapping
from importlib.util import find_spec
from types import TracebackType
from typing import IO, Any, Self

from leadline.errors import LeadlineError, StoreError
from leadline.helper_process import started

FORMS = ("svg", "png", "pdf")
SECONDS = 20.0
"""How long a picture may take."""
MOST_BYTES = 32 << 20
"""The longest specification that is drawn, as JSON: what is longer has more rows than a picture can show."""
PNG_SCALE = 2.0


class NoChartLibrary(LeadlineError):
    """Pictures need a library that is not installed."""

    code = "charts_not_installed"
    http_status = 501


class ChartTimeout(StoreError):
    """A picture took longer than ``SECONDS``."""

    code = "chart_timeout"


def check_installed() -> None:
    """Raise ``NoChartLibrary`` if pictures cannot be made."""
    if find_spec("vl_convert") is None:
        raise NoChartLibrary(
            "Pictures of charts need vl-convert, which is not installed: pip install 'leadline[charts]'; "
            "the format json comes without it"
        )


class Renderer:
    """Makes pictures, one at a time; ``close`` it (or use it as a context manager). The process starts with the first picture."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._guard = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def picture(self, spec: Mapping[str, Any], form: str) -> bytes:
        """``spec`` (with its data) as one of ``FORMS``. Raises ``NoChartLibrary``, ``ChartTimeout``, or ``StoreError`` if it
        cannot be drawn."""
        return self._made({"spec": spec, "form": form, "scale": PNG_SCALE})

    def page(self, svg: str) -> bytes:
        """The page that ``svg`` draws, as a PDF of one page, a point for each of its pixels. Raises what ``picture`` raises."""
        return self._made({"svg": svg})

    def _made(self, asked: Mapping[str, Any]) -> bytes:
        check_installed()
        job = json.dumps(asked).encode() + b"\n"
        if len(job) > MOST_BYTES:
            raise StoreError(
                "The chart has more rows than a picture can show; ask for fewer days or a longer granularity"
            )
        with self._guard:
            return self._drawn(job)

    def close(self) -> None:
        """End the process."""
        with self._guard:
            self._end()

    def _drawn(self, job: bytes) -> bytes:
        process = self._running()
        answer: queue.SimpleQueue[bytes | str | None] = queue.SimpleQueue()
        threading.Thread(target=_exchange, args=(process, job, answer), name="chart", daemon=True).start()
        try:
            picture = answer.get(timeout=self._seconds)
        except queue.Empty:
            self._end()
            raise ChartTimeout(
                f"The picture was not ready within {self._seconds:g} seconds; ask for fewer days"
            ) from None
        if picture is None:
            self._end()
            raise StoreError("The process that draws charts ended unexpectedly; ask again")
        if isinstance(picture, str):
            raise StoreError(f"The chart could not be drawn: {picture.splitlines()[-1]}")
        return picture

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = started("leadline.charts.renderer")
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                _close(pipe)


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except OSError:  # what was not written yet goes nowhere
        return


def _exchange(process: subprocess.Popen[bytes], job: bytes, answer: queue.SimpleQueue[bytes | str | None]) -> None:
    """Put the picture, what is wrong (a text), or None if the process ended."""
    stdin, stdout = process.stdin, process.stdout
    assert stdin is not None and stdout is not None  # noqa: S101, PT018 - both were asked for
    try:
        stdin.write(job)
        stdin.flush()
        head = json.loads(stdout.readline())
        data = stdout.read(head["size"])
    except (OSError, ValueError):
        answer.put(None)
        return
    answer.put(head["error"] or (data if len(data) == head["size"] else None))
