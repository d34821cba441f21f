"""The endpoints of others that are told what happens in a project, as they are shown, added, tried and removed. The secret of one
is shown when it is added, and never again."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field

from leadline.db import outbox
from leadline.db import webhooks as stored
from leadline.db.outbox import EVENTS, TEST
from leadline.db.webhooks import MOST, Webhook
from leadline.errors import Conflict, Detail, InvalidRequest
from leadline.home import Project
from leadline.instants import rfc3339
from leadline.json_body import Body, Instant
from leadline.notifications.bodies import body
from leadline.notifications.delivery import Send, attempt
from leadline.notifications.destination import Destination
from leadline.notifications.sending import post
from leadline.notifications.signing import new_secret


class WebhookShown(Body):
    """An endpoint that is told of events, without its secret."""

    id: str
    url: str = Field(description="To who does not run the project, without what follows the host.")
    events: list[str] = Field(json_schema_extra={"items": {"type": "string", "enum": list(EVENTS)}})
    state: Literal["active", "paused"] = Field(
        description="`paused`: it took none of many attempts, and is sent nothing until a test of it succeeds."
    )
    waiting: int = Field(description="Messages that it has not taken yet.")
    created_by: str
    created_at: Instant
    succeeded_at: Instant | None = Field(description="When it last took a message.")
    failed_at: Instant | None = Field(description="When it last did not.")
    error: str | None = Field(description="Why it did not take the last message.")
    paused_at: Instant | None

    @classmethod
    def of(cls, webhook: Webhook, waiting: int, *, whole: bool) -> Self:
        """What is shown of an endpoint that so many messages wait for."""
        return cls(
            url=webhook.url if whole else _host_alone(webhook.url),
            events=list(webhook.events),
            state="active" if webhook.paused_at is None else "paused",
            waiting=waiting,
            **{name: getattr(webhook, name) for name in _SAME},
        )


_SAME = ("id", "created_by", "created_at", "succeeded_at", "failed_at", "error", "paused_at")


class WebhookAdded(Body):
    """An endpoint that was just added. Its secret is not shown again."""

    id: str
    url: str
    events: list[str]
    secret: str = Field(description="What messages are signed with: `whsec_` and the key in base64.")
    created_by: str
    created_at: Instant
    warnings: list[str] | None = Field(
        default=None, description="What was ignored of the request; absent if nothing was."
    )


class WebhookTried(Body):
    """How a test of an endpoint went."""

    delivered: bool
    status: int | None = Field(description="The status of its answer; null without one.")
    error: str | None = Field(description="Why the message was not delivered.")
    message_id: str = Field(description="As the endpoint got it in `webhook-id`.")


def listed(project: Project, *, whole: bool = True) -> list[WebhookShown]:
    """The project's endpoints, oldest first; their addresses in full if ``whole``."""
    waiting = outbox.counts(project.db, project.id)
    return [
        WebhookShown.of(webhook, waiting.get(webhook.id, 0), whole=whole)
        for webhook in stored.listed(project.db, project.id)
    ]


def one(project: Project, webhook_id: str, *, whole: bool = True) -> WebhookShown:
    """One of them. Raises ``NotFound``."""
    webhook = stored.get(project.db, project.id, webhook_id)
    return WebhookShown.of(webhook, outbox.counts(project.db, project.id).get(webhook.id, 0), whole=whole)


def add(project: Project, url: str, events: Sequence[str], *, created_by: str, now: datetime) -> WebhookAdded:
    """Tell the endpoint at ``url`` of ``events`` from now on. Raises ``InvalidRequest`` for what cannot be, ``Conflict`` where
    there are as many as there may be."""
    Destination.of(url, private=bool(project.profile()["webhooks.private"]))
    webhook = Webhook(
        id=f"wh_{secrets.token_hex(10)}",
        project_id=project.id,
        url=url,
        events=_checked(events),
        secret=new_secret(),
        created_by=created_by,
        created_at=now,
    )
    if len(stored.listed(project.db, project.id)) >= MOST:
        raise Conflict(f"The project has {MOST} webhooks, the most it can have; remove one first", code="too_many")
    stored.add(project.db, webhook)
    return WebhookAdded(
        id=webhook.id,
        url=url,
        events=list(webhook.events),
        secret=webhook.secret,
        created_by=created_by,
        created_at=now,
    )


def _checked(events: Sequence[str]) -> tuple[str, ...]:
    wanted = {event.strip().lower() for event in events}
    would_do = f"some of {', '.join(EVENTS)}"
    if not wanted:
        raise InvalidRequest("events is required", code="missing_field", details=[Detail("events", would_do)])
    if refused := sorted(wanted - set(EVENTS)):
        raise InvalidRequest(
            f"Unsupported event: {refused[0][:80]}; supported: {', '.join(EVENTS)}",
            code="unsupported_event",
            details=[Detail("events", would_do)],
        )
    return tuple(event for event in EVENTS if event in wanted)


def remove(project: Project, webhook_id: str) -> None:
    """Tell an endpoint no more, nor what it was not told yet. Raises ``NotFound``."""
    stored.remove(project.db, project.id, webhook_id)


def try_out(project: Project, webhook_id: str, now: datetime, send: Send = post) -> WebhookTried:
    """Send an endpoint a message, once and now. One that was paused and takes it is told again, what waited, too. Raises
    ``NotFound``."""
    webhook, message_id = stored.get(project.db, project.id, webhook_id), outbox.new_id()
    said = body(project, TEST, now, {"webhookId": webhook.id, "createdAt": rfc3339(webhook.created_at)})
    outcome = attempt(project, webhook.url, webhook.secret, message_id, said, now, send)
    if outcome.error is None:
        stored.resume(project.db, webhook.id, now)
    return WebhookTried(
        delivered=outcome.error is None, status=outcome.status, error=outcome.error, message_id=message_id
    )


def _host_alone(url: str) -> str:
    """An address without what may be a secret of it: some services tell their clients apart by the path."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/…" if parts.path.strip("/") or parts.query else url
