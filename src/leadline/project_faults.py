"""Faults of single projects, as somebody meets them who works through all of them: a fault stays in its project, is told once in a
sentence, and is tried again after pauses that grow, so that it costs the other projects nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from leadline.db.outage import DATABASE_AWAY
from leadline.errors import LeadlineError, first_line

if TYPE_CHECKING:
    from leadline.home import Project

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
"""Seconds until what failed in a project is tried there again: twice as long after each time."""
TOLD_AGAIN_SECONDS = 86_400.0

_log = structlog.get_logger("leadline.projects")


def sentence(error: BaseException) -> str:
    """What is wrong, in words for a log or a status."""
    if isinstance(error, LeadlineError):
        return error.message
    if isinstance(error, OSError):
        return f"{error.filename or 'The disk'}: {error.strerror or error}"
    return f"{type(error).__name__}: {first_line(error)}"


@dataclass
class _Fault:
    """What was wrong the last time, when that was told, and when it may be tried again (seconds of the clock)."""

    sentence: str
    told_at: float
    pause: float
    again_at: float


class ProjectFaults:
    """The faults that ``task`` (words that go before "of project …") met in the projects of a home. Of use to one thread."""

    def __init__(self, task: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._task, self._clock = task, clock
        self._faults: dict[tuple[int, str], _Fault] = {}

    def resting(self, project_id: int, part: str = "") -> bool:
        """Whether it failed there so lately that it is not to be tried yet."""
        fault = self._faults.get((project_id, part))
        return fault is not None and self._clock() < fault.again_at

    @contextmanager
    def kept_apart(self, project: Project, part: str = "") -> Iterator[None]:
        """Do the task for a project, or ``part`` (a table) of it: what is wrong there is told and ends the block, no more. What is
        wrong with the database concerns all projects and is raised."""
        try:
            yield
        except DATABASE_AWAY:
            raise
        except Exception as error:
            self._note(project, part, error)
        else:
            if self._faults.pop((project.id, part), None) is not None:
                _log.info(f"{self._task} of project {project.full_name} is well again")

    def _note(self, project: Project, part: str, error: Exception) -> None:
        now, key, text = self._clock(), (project.id, part), sentence(error)
        before = self._faults.get(key)
        pause = FIRST_PAUSE if before is None else min(2 * before.pause, LONGEST_PAUSE)
        tell = before is None or before.sentence != text or now - before.told_at > TOLD_AGAIN_SECONDS
        told_at = now if before is None or tell else before.told_at
        self._faults[key] = _Fault(text, told_at, pause, now + pause)
        if tell:
            foreseen = isinstance(error, (LeadlineError, OSError))
            _log.error(
                f"{self._task} of project {project.full_name} failed: {text}; other projects go on, and it is tried again. "
                f"`leadline {project.options}status --check` tells what is damaged: restore that from a backup",
                exc_info=None if foreseen else error,
            )
