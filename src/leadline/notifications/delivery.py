"""Delivers messages: each attempt is signed anew and judged by its answer, which decides what becomes of the message and of its
endpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from leadline.db import outbox, webhooks
from leadline.db.outbox import Message
from leadline.errors import InvalidRequest, NotFound
from leadline.home import Project
from leadline.notifications.bodies import body_of
from leadline.notifications.destination import Destination, NotAllowed
from leadline.notifications.sending import NoAnswer, post
from leadline.notifications.signing import headers

GONE = 410
"""The status by which an endpoint says that it wants no more."""

_log = structlog.get_logger("leadline.notifications")


Send = Callable[[Destination, Mapping[str, str], str, bool], int]
"""Sends a body with its headers to a destination, perhaps a private one, and gives the status of the answer."""


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt: the status of the answer, None without one; ``error``: why it was no success."""

    status: int | None
    error: str | None = None


def attempt(
    project: Project, url: str, secret: str, message_id: str, body: str, now: datetime, send: Send = post
) -> Outcome:
    """Send a message once."""
    private = bool(project.profile()["webhooks.private"])
    try:
        destination = Destination.of(url, private=private)
        status = send(destination, headers(secret, message_id, body, now), body, private)
    except InvalidRequest as error:  # what was allowed when it was added may not be any more
        return Outcome(None, error.message)
    except (NotAllowed, NoAnswer) as error:
        return Outcome(None, str(error))
    return Outcome(status, None if 200 <= status < 300 else f"{destination.authority} answered {status}")


def deliver(project: Project, message: Message, now: Callable[[], datetime], send: Send = post) -> None:
    """Make one attempt to deliver ``message``, and note what came of it."""
    body = message.body or body_of(project, message, now())
    if message.body is None and not outbox.begin(project.db, message, body):
        return
    outcome = attempt(project, message.url, message.secret, message.id, body, now(), send)
    log = _log.bind(webhook=message.webhook_id, message=message.id)
    if outcome.error is None:
        outbox.delivered(project.db, message, now())
    elif outcome.status == GONE:
        try:
            webhooks.remove(project.db, project.id, message.webhook_id)
        except NotFound:
            return
        log.warning("webhook removed: it answered that it is gone")
    elif outbox.failed(project.db, message, outcome.error, now()):
        log.warning("webhook paused: it took none of many attempts", error=outcome.error)
