"""The route that takes webhooks: GitHub's and GitLab's deliveries to a configured source, known by their signature alone.

Requests come in; what they say goes on terms to the ``Receiver``, and the answer goes out when it is durably stored. What an
event means is decided by ``leadline.sources``. Who cannot sign learns nothing: not even which sources there are.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import parse_qs

import structlog
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from leadline.api import describe
from leadline.api.app_state import AppState, query_of, services_of
from leadline.api.body import check_headers, is_storable, kind_of, malformed, read_bytes
from leadline.api.errors import json_response
from leadline.api.models import WebhookBody
from leadline.db import cursors, sources
from leadline.db.projects import DEFAULT, project_id
from leadline.errors import Detail, InvalidRequest, LeadlineError, NotFound, Unauthenticated
from leadline.field_types import printable
from leadline.ingest.inbox import Push
from leadline.schema import TABLES
from leadline.sources.github.webhooks import GitHubWebhooks
from leadline.sources.gitlab.webhooks import GitLabWebhooks
from leadline.sources.kit.settings import SourceSettings
from leadline.sources.kit.text import Misshapen, plain
from leadline.sources.kit.webhook_signatures import CHECKS, PRESENTED
from leadline.sources.kit.webhooks import Webhooks

log = structlog.get_logger("leadline.api")

TAGS: list[str | Enum] = ["webhooks"]
PATH = "/v1/webhooks/{source:path}"
MAX_BYTES = 25 << 20
"""The largest payload that GitHub sends."""
FORM = "application/x-www-form-urlencoded"


KINDS: Mapping[str, tuple[str, Callable[[SourceSettings], Webhooks]]] = {
    "github": ("x-github-event", GitHubWebhooks),
    "gitlab": ("x-gitlab-event", GitLabWebhooks),
}
"""By kind of source: the header that names the event, and what knows the payloads."""


@dataclass(frozen=True)
class _Hook:
    """A source that takes webhooks, and its secret."""

    project: int
    settings: SourceSettings
    secret: str


def add_webhook_routes(app: FastAPI) -> None:
    """Add the route to ``app``."""

    @app.post(PATH, tags=TAGS, **describe.webhook())
    async def webhook(request: Request) -> Response:
        services = services_of(request)
        query = query_of(request)
        if not any(request.headers.get(name) for name in PRESENTED):
            raise unsigned()
        body = await read_bytes(request, MAX_BYTES)
        hook = await run_in_threadpool(_verified, services, request, query, body)
        pushes = await run_in_threadpool(_pushes, services, request.headers, hook, body)
        if isinstance(pushes, str):
            return json_response(WebhookBody(status="ignored", reason=printable(pushes)).document())
        taken = await asyncio.gather(*(services.receiver.take(push) for push in pushes))
        details = [Detail(printable(each.column), printable(each.reason)) for one in taken for each in one.refusals]
        if details:
            raise _unreadable("values are not as documented", details)
        return json_response(WebhookBody(status="accepted", rows=sum(each.rows for each in taken)).document(), 202)


def unsigned() -> Unauthenticated:
    """The one refusal of a signature, of a source, and of a source without a secret."""
    return Unauthenticated("There is no such webhook, or its signature is missing or wrong")


def _verified(services: AppState, request: Request, query: Mapping[str, list[str]], body: bytes) -> _Hook:
    """The source that signed ``body``. Raises ``Unauthenticated``."""
    organization, project = (query.get(name, [DEFAULT])[-1] for name in ("organization", "project"))
    hook = _hook(services, organization, project, request.path_params["source"])
    # What is not there is checked all the same, so that the time tells nothing.
    kind, secret = (hook.settings.kind, hook.secret) if hook is not None else ("github", secrets.token_hex())
    if not CHECKS[kind](secret, request.headers, body, services.now()) or hook is None:
        raise unsigned()
    return hook


def _hook(services: AppState, organization: str, project: str, name: str) -> _Hook | None:
    """The source of that name, if it takes webhooks."""
    db = services.home.db
    if not is_storable(organization + project + name):
        return None
    try:
        number = project_id(db, organization, project)
        row = sources.get(db, number, name)
        settings = SourceSettings.restored(row.kind, row.name, row.settings)
    except (NotFound, InvalidRequest):
        return None
    if settings.kind not in KINDS or settings.webhook_secret is None:
        return None
    try:
        secret = settings.webhook_secret.read(os.environ)
    except LeadlineError as error:
        log.warning("no webhook secret", source=name, error=error.message)
        return None
    return _Hook(number, settings, secret) if secret else None


def _pushes(services: AppState, headers: Mapping[str, str], hook: _Hook, body: bytes) -> list[Push] | str:
    """What a delivery brings, or why nothing. Raises ``InvalidRequest`` for what cannot be understood."""
    header, made = KINDS[hook.settings.kind]
    webhooks = made(hook.settings)
    payload = payload_of(headers, body)
    try:
        event = webhooks.parse(headers.get(header, ""), payload)
    except Misshapen as error:
        raise _unreadable(str(error)) from None
    if not event.changes:
        return event.nothing
    if not webhooks.covers(event.repository):
        return f"{event.repository[:200]} is none of the repositories that this source reads"
    known = cursors.get(services.home.db, hook.project, hook.settings.kind, webhooks.cursor(event)) or {}
    if known.get("repository", event.repository) != event.repository:
        return f"{event.repository[:200]} is called something else; the next poll sorts it out"
    return [
        Push(
            hook.project,
            TABLES[change.table],
            [{name: plain(value) for name, value in row.items()} for row in change.rows],
            change.terms,
        )
        for change in event.changes
    ]


def payload_of(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The object in ``body``, sent as JSON or as the field ``payload`` of a form.

    Raises ``UnsupportedMediaType`` or ``InvalidRequest``.
    """
    kind = check_headers(headers, (FORM,))
    try:
        text = body.decode("utf-8-sig")
        if kind == FORM:
            (text,) = parse_qs(text, max_num_fields=10).get("payload", [""])
        value = json.loads(text)
    except UnicodeDecodeError as error:
        raise malformed(f"it is not UTF-8 at byte {error.start}") from None
    except (ValueError, RecursionError):
        raise malformed("it is no JSON") from None
    if not isinstance(value, dict):
        raise malformed(f"it is {kind_of(value)}; an event is an object")
    return value


def _unreadable(why: str, details: list[Detail] | None = None) -> InvalidRequest:
    return InvalidRequest(
        f"The event cannot be read: {printable(why)}", code="invalid_payload", details=(details or [])[:100]
    )
