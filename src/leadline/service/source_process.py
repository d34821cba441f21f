"""One run of one source as a child process of the server.

``python -m leadline.service.source_process HOME ORGANIZATION PROJECT NAME`` is what the server calls.

A process of its own, so that what a run takes (memory, libraries) is given back with its end. Its standard input is a pipe
from the server: the pipe's end means that the server is gone or wants it to stop. It stops at once, which is safe: the next
run goes on from the last batch that was stored.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

_NICENESS = 5
"""Runs yield to requests and exports."""


def main(home_path: Path, organization: str, name: str, source: str) -> int:
    """Run the source if it is due; the exit status, 1 if it failed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the server decides.
    threading.Thread(target=_end_with_the_server, name="server's pipe", daemon=True).start()
    os.nice(_NICENESS)
    import structlog

    from leadline.api.log import configure
    from leadline.errors import LeadlineError
    from leadline.home import Home
    from leadline.sync.run import SyncRun
    from leadline.sync.schedule import run_if_due

    with Home.open(home_path) as home:
        configure(home.settings.log_format)
        log = structlog.get_logger("leadline.sources").bind(source=source)
        project = home.project(organization, name)
        job = SyncRun(project)
        try:
            done = run_if_due(job, source, environ=os.environ)
        except LeadlineError as error:
            log.error("source not run", error=error.message)
            return 1
        if done is None:
            return 0
        result = done.result
        rows = sum(counts.added + counts.updated for counts in result.tables.values())
        figures = {"rows": rows, "calls": result.figures.calls, "left_out": result.skipped_count}
        if result.error is not None:
            log.error("source failed", error=result.error.message, **figures)
            return 1
        if result.failed:
            log.warning("source read in part", failed=[stream.what for stream in result.failed[:10]], **figures)
            return 0
        log.info("source read", seconds=round(result.seconds, 1), **figures)
    return 0


def _end_with_the_server() -> None:
    while os.read(0, 4096):
        pass
    if (git := sys.modules.get("leadline.sources.git.command")) is not None:
        git.end_all()
    os._exit(1)


if __name__ == "__main__":
    status = main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4])
    sys.stdout.flush()
    sys.stderr.flush()
    # All is stored and closed. Tearing down the interpreter under native libraries only makes some of them complain.
    os._exit(status)
