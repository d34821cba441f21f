"""An export worker as a child process of the server: ``python -m leadline.service.worker_process HOME WORKERS``, one of so many
that share threads and memory. It is woken when something was queued. When it is to stop, work in progress is put back into the
queue; what does not stop in time is dropped, which is safe: the lease runs out and another worker repeats it."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from leadline import tracing
from leadline.service.child_process import run_tied, tell_ready
from leadline.service.ending import end_within

GRACE_SECONDS = 0.8
"""How long a run in progress may take to stop."""


def main(home: Path, workers: int) -> None:
    """Work until the server's pipe ends or SIGTERM comes; the exit status is 1 if the home cannot be opened or no
    export can be made."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: _end(stop))
    run_tied(lambda: _work(home, workers, stop), on_end=lambda: _end(stop), on_wake=lambda: _wake(home))


def _work(home_path: Path, workers: int, stop: threading.Event) -> int:
    from leadline.api.log import configure
    from leadline.errors import LeadlineError
    from leadline.exports.proof import prove
    from leadline.exports.worker import Worker
    from leadline.home import Home

    def wait(seconds: float) -> None:
        if stop.wait(seconds):
            raise SystemExit

    try:
        # Whoever started it tells of a database that is away.
        with Home.open_when_there(home_path, lambda _sentence: None, wait) as home:
            configure(home.settings.log_format, level=home.settings.log_level)
            tracing.configure()  # what keeps it from that, the server tells
            prove(home)
            tell_ready()
            Worker(home.shared_by(workers)).run(stop)
    except SystemExit:
        return 0
    except LeadlineError as error:
        print(f"error: {error.message}", file=sys.stderr)  # noqa: T201 -- the log is not set up without a home
        return 1
    return 0


def _wake(home: Path) -> None:
    from leadline.exports.wakeup import wake

    wake(home)


def _end(stop: threading.Event) -> None:
    stop.set()
    end_within(GRACE_SECONDS, 1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
