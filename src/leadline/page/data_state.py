"""How complete a project's data are, for every page: found once for each state of the data, beside the requests, and remembered.
Whoever asks gets what is known at once, or waits for a moment."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillCounting
from dataclasses import dataclass

import structlog

from leadline.charts.words import counted, percent
from leadline.diagnostics.completeness import Completeness, completeness
from leadline.diagnostics.of_data import state_digest
from leadline.errors import LeadlineError, first_line
from leadline.home import Project

log = structlog.get_logger("leadline.page")

WEAK_PERCENT = 90.0
"""Less of a kind of activity that is somebody's than this is told on every screen."""


@dataclass(frozen=True)
class _Found:
    digest: object
    future: Future[Completeness]


class DataStates:
    """The completeness of each project of a server. Use it from any thread; ``close`` it at the end."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="data-state")
        self._guard = threading.Lock()
        self._found: dict[int, _Found] = {}
        self._last: dict[int, Completeness] = {}

    def known(self, project: Project) -> Completeness | None:
        """What is known now, perhaps of a moment ago; None if nothing is yet. It is found anew if the data have changed."""
        future = self._of_now(project)
        if future.done() and future.exception() is None:
            self._last[project.id] = future.result()
        return self._last.get(project.id)

    def wait(self, project: Project, seconds: float) -> Completeness | None:
        """What is so now, if it is found within ``seconds``, else what is known. Raises ``LeadlineError`` if the data cannot be
        read."""
        with contextlib.suppress(StillCounting):
            self._last[project.id] = self._of_now(project).result(seconds)
        return self._last.get(project.id)

    def close(self) -> None:
        """Begin nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _of_now(self, project: Project) -> Future[Completeness]:
        digest = state_digest(project)
        with self._guard:
            found = self._found.get(project.id)
            failed = found is not None and found.future.done() and found.future.exception() is not None
            if found is None or failed or (found.digest != digest and found.future.done()):
                found = _Found(digest, self._thread.submit(_completeness, project))
                self._found[project.id] = found
        return found.future


def _completeness(project: Project) -> Completeness:
    try:
        return completeness(project)
    except LeadlineError as error:
        log.warning("how complete the data are could not be found", project=project.full_name, error=first_line(error))
        raise


def weaknesses(state: Completeness) -> list[str]:
    """A sentence for each weakness that numbers suffer from."""
    said = []
    for activity, noun in (("commits", "commits"), ("pull_requests", "pull requests")):
        share = state.of_somebody(activity).percent
        if share is not None and share < WEAK_PERCENT:
            said.append(f"{percent(100 - share)} of the {noun} are nobody's")
    if state.trees and state.has_data:
        missing = state.deployed.whole - state.deployed.part
        if missing and state.deployments:
            said.append(f"deployments of {counted(missing, 'repository', 'repositories')} are unknown")
    if state.has_data and not state.trees:
        said.append("no org tree says who is in which team")
    return said
