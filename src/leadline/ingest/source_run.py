"""One run of one source, and what is remembered of it.

Settings and a name come in; the connector is made, read through the frame, and how it ended stands in the metadata database
for ``leadline status``. A run that is killed leaves a beginning without an end.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from leadline.db import sources
from leadline.errors import LeadlineError
from leadline.ingest.pulling import Pull, PullResult
from leadline.sources.configured import SourceSettings, connected
from leadline.sources.pages import Figures

SKIPPED_REMEMBERED = 20


@dataclass(frozen=True)
class SourceResult:
    """A run of the source ``name``."""

    name: str
    result: PullResult

    @property
    def error(self) -> LeadlineError | None:
        """Why it ended before its time, if it did."""
        return self.result.error

    def document(self) -> dict[str, Any]:
        """What is remembered and printed: state, rows by table, calls, what was left out, the error."""
        result = self.result
        found: dict[str, Any] = {
            "state": "failed" if result.error else "done",
            "records": result.records,
            "tables": {
                name: {"added": counts.added, "updated": counts.updated, "removed": counts.removed}
                for name, counts in result.tables.items()
            },
            "calls": result.figures.calls,
            "waitedSeconds": round(result.figures.waited, 1),
            "toolTime": result.figures.tool_time,
            "skippedCount": result.skipped_count,
            "skipped": [{"what": each.what, "why": each.why} for each in result.skipped[:SKIPPED_REMEMBERED]],
        }
        if result.error is not None:
            found["error"] = result.error.body()
        return found


def run_source(
    pull: Pull,
    name: str,
    settings: SourceSettings,
    *,
    environ: Mapping[str, str] = os.environ,
    waiting: Callable[[float, str], None] | None = None,
    **client: Any,
) -> SourceResult:
    """Run the source to its end and remember how it ended. Raises only what ``Pull.run`` raises."""
    sources.started(pull.db, pull.project_id, name, settings.kind, settings.stored(), pull.now())
    try:
        with connected(settings, environ=environ, waiting=waiting, **client) as source:
            result = pull.run(source)
    except LeadlineError as error:
        done = SourceResult(name, _nothing(error))
        sources.finished(pull.db, pull.project_id, name, done.document(), pull.now(), good=False)
        return done
    done = SourceResult(name, result)
    sources.finished(pull.db, pull.project_id, name, done.document(), pull.now(), good=result.error is None)
    return done


def _nothing(error: LeadlineError) -> PullResult:
    return PullResult(0, {}, (), 0, Figures(0, 0.0, None), 0.0, error)
