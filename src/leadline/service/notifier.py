"""Sends the messages of the outbox. A thread looks every second which are due, and has each sent in a thread of its own: a bounded
number at a time, and one for each endpoint, so that a slow one keeps nobody else waiting. One server of a home does so at a time;
what it was sending when it died is sent again by the next, with the same id."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import structlog

from leadline.db import outbox
from leadline.db.outage import DATABASE_AWAY
from leadline.db.outbox import DELIVERING, Message
from leadline.home import Home, Project
from leadline.service.duty import Duty, LookingThread

log = structlog.get_logger("leadline.api")

LOOK_SECONDS = 1.0
AT_ONCE = 16
"""Messages that are sent at a time."""
SWEEP_SECONDS = 3600.0


class Notifier:
    """The messages of all projects of ``home``. ``start``, then ``stop`` in the end."""

    def __init__(self, home: Home, *, look_seconds: float = LOOK_SECONDS) -> None:
        self._home = home
        self._duty = Duty(home.db, DELIVERING)
        self._sending: set[str] = set()
        self._guard = threading.Lock()
        self._sweep_at = time.monotonic()
        self._looking = LookingThread(
            self._look, look_seconds, name="notifier", trouble="messages could not be looked for"
        )
        self.start, self.ask_to_stop = self._looking.start, self._looking.ask_to_stop

    def stop(self, seconds: float) -> None:
        """Send nothing more. What is being sent is left: it is sent again, if nobody notes that it was taken."""
        self._looking.stop(seconds)
        self._duty.give_up()

    def _look(self) -> None:
        if not self._duty.is_ours():
            return
        if time.monotonic() >= self._sweep_at:
            self._sweep_at = time.monotonic() + SWEEP_SECONDS
            outbox.sweep(self._home.db, datetime.now(UTC))
        with self._guard:
            busy = frozenset(self._sending)
        messages = outbox.waiting(self._home.db, datetime.now(UTC), busy)[: max(0, AT_ONCE - len(busy))]
        if not messages:
            return
        projects = {project.id: project for project in self._home.projects()}
        for message in messages:
            if self._looking.stopping:
                return
            with self._guard:
                self._sending.add(message.webhook_id)
            threading.Thread(
                target=self._send, args=(projects[message.project_id], message), name="notification", daemon=True
            ).start()

    def _send(self, project: Project, message: Message) -> None:
        from leadline.notifications.delivery import deliver

        try:
            deliver(project, message, lambda: datetime.now(UTC))
        except DATABASE_AWAY:  # which tells so itself
            pass
        except Exception:
            log.exception("a message could not be sent", message=message.id)
            self._put_off(message)
        finally:
            with self._guard:
                self._sending.discard(message.webhook_id)
            self._looking.hurry()

    def _put_off(self, message: Message) -> None:
        """What leadline itself fails at is tried again later, too."""
        try:
            outbox.failed(self._home.db, message, "leadline itself failed; its log says where", datetime.now(UTC))
        except Exception:
            log.exception("a message could not be put off", message=message.id)
