"""One run of one source as a child process of the server: ``python -m leadline.service.source_process HOME ORGANIZATION PROJECT
NAME``. A process of its own, so that what a run takes (memory, libraries) is given back with its end. When it is to stop, it does
so at once, which is safe: the next run goes on from the last batch that was stored."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from leadline import tracing
from leadline.service.child_process import run_tied


def main(home: Path, organization: str, project: str, source: str) -> None:
    """Run the source if it is due; the exit status is 1 if it failed."""
    run_tied(lambda: _work(home, organization, project, source), on_end=_end)


def _work(home_path: Path, organization: str, name: str, source: str) -> int:
    import structlog

    from leadline.api.log import configure
    from leadline.db.outage import DATABASE_AWAY
    from leadline.errors import LeadlineError
    from leadline.home import Home
    from leadline.project_faults import sentence
    from leadline.sync.run import SyncRun
    from leadline.sync.schedule import run_if_due

    try:
        home = Home.open(home_path)
    except (
        LeadlineError
    ) as error:  # the database went away in this moment, which the server tells; it starts another run
        print(f"error: {error.message}", file=sys.stderr)  # noqa: T201 -- the log is not set up without a home
        return 1
    with home:
        configure(home.settings.log_format, level=home.settings.log_level)
        tracing.configure()  # what keeps it from that, the server tells
        log = structlog.get_logger("leadline.sources").bind(source=source)
        try:
            done = run_if_due(SyncRun(home.project(organization, name)), source, environ=os.environ)
        except (LeadlineError, *DATABASE_AWAY) as error:
            log.error("source not run", error=sentence(error))
            return 1
        if done is None:
            return 0
        result = done.result
        rows = sum(counts.added + counts.updated for counts in result.tables.values())
        figures = {"rows": rows, "calls": result.call_stats.calls, "left_out": result.skipped_count}
        if result.error is not None:
            log.error("source failed", error=result.error.message, **figures)
            return 1
        if result.failed:
            log.warning("source read in part", failed=[stream.what for stream in result.failed[:10]], **figures)
            return 0
        log.info("source read", seconds=round(result.seconds, 1), **figures)
    return 0


def _end() -> None:
    if (git := sys.modules.get("leadline.sources.git.command")) is not None:
        git.end_all()
    os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:5])
