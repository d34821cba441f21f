"""An export worker as a child process of the server: ``python -m leadline.service.worker_process HOME``.

Its standard input is a pipe from the server: each byte means that something was queued, its end means that the server is
gone (however it ended) or wants it to stop. Work in progress is then put back into the queue; what does not stop in time
is dropped, which is safe: the lease runs out and another worker repeats it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

GRACE_SECONDS = 0.8
"""How long a run in progress may take to stop."""

_NICENESS = 5
"""Exports yield to requests: polling stays fast on a machine that is busy exporting."""


def main(home: Path) -> int:
    """Work until standard input ends or SIGTERM comes; the exit status, 1 if the home cannot be opened."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the server decides.
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: _end(stop))
    threading.Thread(target=_listen, args=(home, stop), name="server's pipe", daemon=True).start()
    os.nice(_NICENESS)
    from leadline.api.log import configure
    from leadline.errors import LeadlineError
    from leadline.exports.worker import Worker
    from leadline.home import Home

    try:
        with Home.open(home) as opened:
            configure(opened.settings.log_format)
            _import_early()
            Worker(opened).run(stop)
    except LeadlineError as error:
        print(f"error: {error.message}", file=sys.stderr)  # noqa: T201 -- the log is not set up without a home
        return 1
    return 0


def _listen(home: Path, stop: threading.Event) -> None:
    while os.read(0, 4096):
        from leadline.exports.wakeup import wake

        wake(home)
    _end(stop)


def _end(stop: threading.Event) -> None:
    stop.set()
    deadline = threading.Timer(GRACE_SECONDS, os._exit, args=(1,))
    deadline.daemon = True
    deadline.start()


def _import_early() -> None:
    """Import what the first export needs now, while nobody waits for it: queries, engine and lake with their libraries."""
    import deltalake  # noqa: F401

    import leadline.engine
    import leadline.lake
    import leadline.materialize.store
    import leadline.metrics.binder
    import leadline.metrics.query
    import leadline.metrics.run
    import leadline.people.arrow  # noqa: F401


if __name__ == "__main__":
    status = main(Path(sys.argv[1]))
    # All is stored and closed. Tearing down the interpreter under native libraries only makes some of them complain.
    os._exit(status)
