"""Workers that help with a long run: it lets others know which stored tables it lacks, and idle workers compute some of them, on
whatever machine, if it has the same home folder or the same bucket."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from leadline.db import jobs, steps
from leadline.db.jobs import Claim, Export
from leadline.db.outage import DATABASE_AWAY
from leadline.exports.files import work_folder
from leadline.home import Project
from leadline.materialize.published import PublishedTables
from leadline.metrics.request import Cancelled, Control, Pins
from leadline.settings.profile import Profile

if TYPE_CHECKING:
    from leadline.metrics.run import Runner

_RENEWALS = 3
"""How often a lease is renewed within its time."""


@dataclass(frozen=True)
class Shared:
    """How ``worker`` shares out the run of ``claim``, which is its own or, if it ``helps``, another's. What it has taken it has for
    ``lease`` at a time: who is stopped for longer is waited for no longer."""

    project: Project
    claim: Claim
    worker: str
    control: Control
    clock: Callable[[], datetime]
    lease: timedelta
    helps: bool = False
    computed: list[str] = field(default_factory=list)
    """The steps that it has computed."""

    def ask_for_help(self, tables: Sequence[str]) -> None:
        """As of any ``Sharing``."""
        steps.ask_for_help(self.project.db, self.claim, tables)

    @contextmanager
    def turn(self, name: str) -> Iterator[bool]:
        """As of any ``Sharing``."""
        if self.helps and jobs.waiting(self.project.db, self.clock()):
            raise Cancelled  # what is queued comes first
        with self.project.turn_if_free(name) as free:
            if not (free or self._is_left(name)) or not self._take(name, free=free):
                yield False
                return
            done = threading.Event()
            threading.Thread(target=self._renew, args=(name, done), name=f"lease of {name}", daemon=True).start()
            try:
                yield True
                self.computed.append(name)
            finally:
                done.set()
                with suppress(*DATABASE_AWAY):
                    steps.leave(self.project.db, self.project.id, name, self.worker)

    def rest(self, seconds: float) -> None:
        """As of any ``Sharing``."""
        self.control.check()
        time.sleep(seconds)

    def _is_left(self, name: str) -> bool:
        return steps.is_left(self.project.db, self.project.id, name, self.clock())

    def _take(self, name: str, *, free: bool) -> bool:
        now = self.clock()
        return steps.take(self.project.db, self.project.id, name, self.worker, now, now + self.lease, free=free)

    def _renew(self, name: str, done: threading.Event) -> None:
        while not done.wait(self.lease.total_seconds() / _RENEWALS):
            with suppress(*DATABASE_AWAY):
                steps.renew(self.project.db, self.project.id, name, self.worker, self.clock() + self.lease)


class Watch:
    """Ends the help when the run it is for is over, or ``stop`` is set; a heartbeat of a ``HeartbeatThread``."""

    def __init__(self, shared: Shared, stop: threading.Event) -> None:
        self._shared, self._stop = shared, stop

    def beat(self) -> None:
        """Look once."""
        shared = self._shared
        with suppress(*DATABASE_AWAY):
            if self._stop.is_set() or not steps.is_made(shared.project.db, shared.claim, shared.clock()):
                shared.control.cancel()


def finds_what_is_computed_here(project: Project, export: Export) -> bool:
    """Whether the worker of ``export`` does: it computes in this home folder, or machines publish their tables."""
    return work_folder(project.folder, export.id, export.attempts).is_dir() or PublishedTables.of(project) is not None


def help_with(runner: Runner, shared: Shared) -> None:
    """Compute what the run of ``shared`` lacks and nobody computes yet, until all of it is there. Raises ``Cancelled`` when that is
    not wanted any more, or there is other work."""
    # All facts are declared by then, of which the run may lack some.
    from leadline.facts import query  # noqa: F401
    from leadline.metrics import all_measures, business, sprint_query, time_in_status  # noqa: F401

    export = shared.claim.export
    pins = Pins.of(export.pinned or {})
    with runner.session(shared.project, pins, Profile.of(pins.settings), shared.control) as session:
        session.facts.help_with(export.help or ())
