"""The routes of webhooks out: endpoints of others that are told what happens, added, listed, tried and removed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Path
from pydantic import Field
from starlette.responses import Response

from leadline.administration import webhooks
from leadline.administration.webhooks import WebhookAdded, WebhookShown, WebhookTried
from leadline.api.answers import NO_STORE, Json, new_router, refusals
from leadline.api.body import json_body
from leadline.api.caller import Admin, Caller, Reader
from leadline.db.outbox import EVENTS
from leadline.exports.models import RequestPart
from leadline.exports.validation import unknown_fields, validated
from leadline.field_types import Name
from leadline.json_body import Body
from leadline.notifications.destination import LONGEST_URL

router = new_router("webhooks")

MOST_EVENTS = 100


class WebhookRequest(RequestPart):
    """An endpoint to tell of events."""

    url: str = Field(
        min_length=1,
        max_length=LONGEST_URL,
        description="An address of `https`. A private network, or `http`, only where the setting `webhooks.private` allows it.",
        examples=["https://example.com/hooks/leadline"],
    )
    events: list[Name] = Field(
        min_length=1,
        max_length=MOST_EVENTS,
        description="; ".join(f"`{event}`: {meaning.rstrip('.')}" for event, meaning in EVENTS.items()) + ".",
        json_schema_extra={"items": {"type": "string", "enum": list(EVENTS)}},
        examples=[["export.completed", "export.failed"]],
    )


WEBHOOK = json_body(WebhookRequest)
WebhookId = Annotated[str, Path(alias="webhookId", min_length=1, description="A webhook's id, as listed.")]


class WebhooksBody(Body):
    """The endpoints that the project tells of events."""

    webhooks: list[WebhookShown]


def _is_admin(caller: Caller) -> bool:
    return caller.key.role == "admin"


@router.get("/v2/webhooks", response_description="Oldest first. Secrets are not shown.")
def list_webhooks(caller: Reader) -> WebhooksBody:
    """List webhooks."""
    return WebhooksBody(webhooks=webhooks.listed(caller.project, whole=_is_admin(caller)))


@router.post(
    "/v2/webhooks",
    status_code=201,
    response_model=WebhookAdded,
    response_description="The webhook with its secret, which is shown this once.",
    responses=refusals(409),
)
def add_webhook(caller: Admin, body: Annotated[Mapping[str, Any], Depends(WEBHOOK)]) -> Response:
    """Add a webhook."""
    wanted = validated(WebhookRequest, body)
    added = webhooks.add(caller.project, wanted.url, wanted.events, created_by=caller.key.id, now=caller.now)
    ignored = list(unknown_fields(WebhookRequest, body))
    return Json(added.model_copy(update={"warnings": ignored} if ignored else {}), 201)


@router.get("/v2/webhooks/{webhookId}", response_description="The webhook.", responses=refusals(404))
def get_webhook(caller: Reader, webhook_id: WebhookId) -> WebhookShown:
    """Show a webhook."""
    return webhooks.one(caller.project, webhook_id, whole=_is_admin(caller))


@router.delete(
    "/v2/webhooks/{webhookId}",
    status_code=204,
    response_class=Response,
    response_description="It is gone, with what it was not told yet.",
    responses=refusals(404),
)
def remove_webhook(caller: Admin, webhook_id: WebhookId) -> Response:
    """Remove a webhook."""
    webhooks.remove(caller.project, webhook_id)
    return Response(status_code=204, headers=NO_STORE)


@router.post("/v2/webhooks/{webhookId}/test", response_description="How it went.", responses=refusals(404))
def try_webhook(caller: Admin, webhook_id: WebhookId) -> WebhookTried:
    """Send a webhook a test message."""
    return webhooks.try_out(caller.project, webhook_id, caller.now)
