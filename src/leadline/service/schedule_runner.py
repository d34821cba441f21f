"""Begins the runs of schedules when they are due, and takes them to their end. One server of a home does so at a time."""

from __future__ import annotations

from datetime import UTC, datetime

from leadline.home import Home
from leadline.project_faults import ProjectFaults
from leadline.service.duty import Duty, LookingThread

LOOK_SECONDS = 1.0
SCHEDULES = "schedules"
"""Name of the lock of a home that is held by who runs its schedules."""


class ScheduleRunner:
    """The schedules of all projects of ``home``. ``start``, then ``stop`` in the end."""

    def __init__(self, home: Home, *, look_seconds: float = LOOK_SECONDS) -> None:
        self._home = home
        self._duty = Duty(home.db, SCHEDULES)
        self._faults = ProjectFaults("Running the schedules")
        self._looking = LookingThread(
            self._look, look_seconds, name="schedule runner", trouble="schedules could not be looked after"
        )
        self.start, self.ask_to_stop = self._looking.start, self._looking.ask_to_stop

    def stop(self, seconds: float) -> None:
        """Begin nothing more. What is at work is gone on with by who comes next."""
        self._looking.stop(seconds)
        self._duty.give_up()

    def _look(self) -> None:
        if not self._duty.is_ours():
            return
        from leadline.schedules.running import advance, begin_due

        now = datetime.now(UTC)
        for project in self._home.projects():
            if not self._faults.resting(project.id):
                with self._faults.kept_apart(project):
                    begin_due(project, now)
                    advance(project, now)
