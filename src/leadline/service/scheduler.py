"""Runs the configured sources of a home on their schedules, each run in a process of its own, a bounded number at a time. A thread
looks every few seconds which sources are due. Several servers may do so for the same home: whoever takes a source's run lock runs
it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import structlog

from leadline.home import SCHEDULING, Home
from leadline.project_faults import ProjectFaults
from leadline.service.child_process import ChildProcess
from leadline.service.duty import Duty, LookingThread
from leadline.sync.schedule import due

log = structlog.get_logger("leadline.api")

LOOK_SECONDS = 5.0
AGAIN_SECONDS = 60.0
"""A source whose process did not end well is not started again sooner: one that dies at once must not be started for ever."""
_Key = tuple[str, str, str]
"""Organization, project and name of a source."""


class Scheduler:
    """At most ``at_once`` sources of ``home`` are read at a time. ``start``, then ``stop`` in the end."""

    def __init__(self, home: Home, at_once: int, *, look_seconds: float = LOOK_SECONDS) -> None:
        self._home, self._at_once = home, at_once
        self._running: dict[_Key, ChildProcess] = {}
        self._started: dict[_Key, float] = {}
        self._faults = ProjectFaults("Looking for the sources")
        self._guard = threading.Lock()
        # That it has this duty tells others that sources are read on their schedules; all servers look for those that are due.
        self._duty = Duty(home.db, SCHEDULING)
        self._looking = LookingThread(
            self._look, look_seconds, name="scheduler", trouble="sources could not be looked for"
        )

    def start(self) -> None:
        """Begin to look."""
        if self._at_once:
            self._looking.start()

    def ask_to_stop(self) -> None:
        """Let the runs know; returns at once (callable from a signal handler)."""
        self._looking.ask_to_stop()
        for process in list(self._running.values()):
            process.ask_to_stop()

    def stop(self, seconds: float) -> None:
        """End the runs: those still there after ``seconds`` are killed."""
        deadline = time.monotonic() + seconds
        self.ask_to_stop()
        self._looking.stop(seconds)
        self._duty.give_up()
        with self._guard:
            self.ask_to_stop()  # what was started in this very moment
            for process in self._running.values():
                process.end(deadline)

    def _look(self) -> None:
        self._duty.is_ours()
        for key, process in list(self._running.items()):
            if process.exit_status is not None:
                with self._guard:
                    del self._running[key]
                if process.exit_status == 0:  # somebody may ask for a run at once
                    self._started.pop(key, None)
        now = time.monotonic()
        self._started = {key: at for key, at in self._started.items() if now - at < AGAIN_SECONDS}
        for key in self.due():
            if key in self._started:
                continue
            with self._guard:
                if self._looking.stopping or len(self._running) >= self._at_once:
                    return
                if key not in self._running:
                    self._started[key] = now
                    self._running[key] = ChildProcess("leadline.service.source_process", str(self._home.path), *key)

    def due(self) -> list[_Key]:
        """The sources to run now, of all projects; none while as many are read as may be."""
        if len(self._running) >= self._at_once:
            return []
        keys: list[_Key] = []
        for project in self._home.projects():
            if not self._faults.resting(project.id):
                with self._faults.kept_apart(project):
                    keys += [
                        (project.organization, project.name, source.name) for source in due(project, datetime.now(UTC))
                    ]
        return keys
