"""What a Spark Connect server says when something fails, in plain words: whether trying again would do, and what else would."""

from __future__ import annotations

import re

from leadline.engine.dialects.not_portable import UNCOMPOSED, NotPortable
from leadline.errors import LeadlineError, StoreError, first_line

_REFUSED = ("AnalysisException", "ParseException", "UnsupportedOperationException", "IllegalArgumentException")
_NOT_UNDERSTOOD = re.compile(
    r"No field named|does not support logical expression|not (yet )?(supported|implemented)|NotImplemented",
    re.IGNORECASE,
)
_REPORTED = ("SparkRuntimeException", "SparkException")
"""What a server that answers says of its own trouble, such as that a worker does not answer it."""
_NO_ANSWER = re.compile(r"UNAVAILABLE|failed to connect|Connection refused|Socket closed", re.IGNORECASE)
_SESSION_GONE = re.compile(r"session.{0,40}(not found|closed|expired)", re.IGNORECASE)
_NO_ROOM = re.compile(r"No space left|disk (is )?full|quota", re.IGNORECASE)
_NO_MEMORY = re.compile(r"out of memory|OutOfMemory|memory limit|ResourcesExhausted|Resources exhausted", re.IGNORECASE)
_NOT_ALLOWED = re.compile(
    r"Permission denied|AccessDenied|Access Denied|Forbidden|Unable to create dir|Read-only file system", re.IGNORECASE
)
_NO_FILE = re.compile(r"PATH_NOT_FOUND|No such file|not found in file|FileNotFound", re.IGNORECASE)


class QueryRefused(StoreError):
    """The server does not understand a query: it would not either if it were asked again."""


class ClusterGone(StoreError):
    """No server answers, or the session on it is gone with it."""

    code = "cluster_gone"


class TaskLost(StoreError):
    """A part of the work came to nothing, as when a worker is killed: trying again may do."""

    code = "cluster_failed"


def told(error: BaseException, server: str) -> BaseException:
    """What a failure on ``server`` raises."""
    if isinstance(error, LeadlineError) or not isinstance(error, Exception):
        return error
    kind, text = type(error).__name__, str(error)
    said = first_line(error)
    if UNCOMPOSED in text:
        return NotPortable(UNCOMPOSED)
    if _is_gone(kind, f"{text} {error.__cause__ or error.__context__ or ''}"):
        return ClusterGone(f"{server} does not answer any more; what is finished is kept, so ask again once it is back")
    for pattern, sentence in (
        (_NO_ROOM, "has no room left on its disks"),
        (_NO_MEMORY, "has not enough memory"),
        (_NOT_ALLOWED, "may not read or write what belongs to the home"),
        (_NO_FILE, "does not see the files of the home under the same name as this machine"),
    ):
        if pattern.search(text):
            return StoreError(f"{server} {sentence}: {said}")
    if kind in _REFUSED or _NOT_UNDERSTOOD.search(text):
        return QueryRefused(f"{server} refused a query of leadline's: {said}")
    return TaskLost(f"{server} could not finish a query: {said}")


def _is_gone(kind: str, text: str) -> bool:
    unanswered = kind not in _REPORTED and _NO_ANSWER.search(text) is not None
    return kind == "RetriesExceeded" or unanswered or _SESSION_GONE.search(text) is not None
