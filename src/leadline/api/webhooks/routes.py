"""The route that takes webhooks: deliveries of GitHub, GitLab, Bitbucket and Azure DevOps to a configured source, known by their
signature (or password) alone. A delivery is answered when what it says is durably stored."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Depends, Header, Path, Query
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from leadline.api.answers import Json, new_router, refusals
from leadline.api.app_state import State
from leadline.api.body import RequestBody, read_bytes
from leadline.api.query import Headers, HeaderText, LastText, MayBeAbsent, check_storable
from leadline.api.webhooks.deliveries import FORM, Address, pushes_of, unreadable, unsigned, verified
from leadline.api.webhooks.models import Event, EventForm, WebhookBody
from leadline.db.projects import DEFAULT
from leadline.errors import Detail
from leadline.field_types import printable
from leadline.ingest.inbox import Accepted
from leadline.sources.kit.webhooks import signature_headers

router = new_router("webhooks")

MAX_BYTES = 25 << 20
"""The largest payload that GitHub sends."""


class DeliveryHeaders(Headers):
    """What tools say beside an event: which it is, and that they know the secret."""

    x_github_event: MayBeAbsent[HeaderText] = Field(
        None, alias="X-GitHub-Event", description="GitHub: what happened.", examples=["pull_request"]
    )
    x_hub_signature_256: MayBeAbsent[HeaderText] = Field(
        None, description="GitHub: HMAC with SHA-256 of the body.", examples=["sha256=" + "0" * 64]
    )
    x_gitlab_token: MayBeAbsent[HeaderText] = Field(None, description="GitLab: the secret.", examples=["secret"])
    webhook_signature: MayBeAbsent[HeaderText] = Field(
        None,
        alias="webhook-signature",
        description="GitLab: HMAC with SHA-256 of id, time and body.",
        examples=["v1,…"],
    )
    x_event_key: MayBeAbsent[HeaderText] = Field(
        None, description="Bitbucket: what happened.", examples=["pullrequest:created"]
    )
    x_hub_signature: MayBeAbsent[HeaderText] = Field(
        None, description="Bitbucket: HMAC with SHA-256 of the body.", examples=["sha256=" + "0" * 64]
    )


async def _address(
    request: Request,
    _headers: Annotated[DeliveryHeaders, Header()],
    source: Annotated[str, Path(description="Name of a source.")],
    organization: Annotated[LastText, Query(description="The source's organization.")] = DEFAULT,
    project: Annotated[LastText, Query(description="The source's project.")] = DEFAULT,
) -> Address:
    """Where a delivery goes. Raises ``Unauthenticated`` if it is not even signed, before anything else is looked at."""
    check_storable(request.query_params)
    if not any(request.headers.get(name) for name in signature_headers()):
        raise unsigned()
    return Address(organization, project, source)


async def _read(request: Request) -> bytes:
    return await read_bytes(request, MAX_BYTES)


_DELIVERY = RequestBody(_read, {"application/json": Event, FORM: EventForm}, "The event, as the tool sends it.")


@router.post(
    "/v1/webhooks/{source:path}",
    operation_id="takeWebhook",
    status_code=202,
    response_model=WebhookBody,
    response_description="What the event says is durably stored.",
    responses={
        200: {"model": WebhookBody, "description": "The event says nothing that is stored."},
        401: refusals(401)[401] | {"description": "There is no such webhook, or its signature is missing or wrong."},
        404: refusals(404)[404] | {"description": "No source can have this name."},
    },
)
async def take(
    request: Request,
    state: State,
    address: Annotated[Address, Depends(_address)],
    body: Annotated[bytes, Depends(_DELIVERY)],
) -> Response:
    """Take an event of GitHub, GitLab, Bitbucket or Azure DevOps."""
    db = state.home.db
    hook = await run_in_threadpool(verified, db, address, request.headers, body, state.now())
    pushes = await run_in_threadpool(pushes_of, db, hook, request.headers, body)
    if isinstance(pushes, str):
        return Json(WebhookBody(status="ignored", reason=printable(pushes)))
    accepted = await asyncio.gather(*(state.pushes.take(push) for push in pushes))
    _check(accepted)
    return Json(WebhookBody(status="accepted", rows=sum(push.rows for push in accepted)), 202)


def _check(accepted: list[Accepted]) -> None:
    refused = [refusal for push in accepted for refusal in push.refusals]
    if refused:
        details = [Detail(printable(refusal.column), printable(refusal.reason)) for refusal in refused]
        raise unreadable("values are not as documented", details)
