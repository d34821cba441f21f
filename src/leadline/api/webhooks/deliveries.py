"""What a webhook's delivery is worth: which source signed it, and the rows that it brings. What an event means is decided by
``leadline.sources``. Who cannot sign learns nothing: not even which sources there are."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

import structlog

from leadline.api.body import check_headers
from leadline.api.json_text import decoded, kind_of, malformed
from leadline.db import Database, cursors, sources
from leadline.db.projects import project_id
from leadline.errors import Detail, InvalidRequest, LeadlineError, NotFound, Unauthenticated
from leadline.field_types import is_storable, printable
from leadline.ingest.inbox import Push
from leadline.schema import TABLES
from leadline.sources.kit.settings import SourceSettings
from leadline.sources.kit.text import Misshapen, plain
from leadline.sources.kit.webhooks import webhook_module

log = structlog.get_logger("leadline.api")

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Hook:
    """A source that takes webhooks, and its secret. ``project`` is its project's id."""

    project: int
    settings: SourceSettings
    secret: str


@dataclass(frozen=True)
class Address:
    """Whose source a delivery is for."""

    organization: str
    project: str
    source: str


def unsigned() -> Unauthenticated:
    """The one refusal of a signature, of a source, and of a source without a secret."""
    return Unauthenticated("There is no such webhook, or its signature is missing or wrong")


def verified(db: Database, address: Address, headers: Mapping[str, str], body: bytes, now: datetime) -> Hook:
    """The source at ``address``, which signed ``body``. Raises ``Unauthenticated``."""
    hook = _hook(db, address)
    # What is not there is checked all the same, so that the time tells nothing.
    kind, secret = (hook.settings.kind, hook.secret) if hook is not None else ("github", secrets.token_hex())
    if not webhook_module(kind).is_signed(secret, headers, body, now) or hook is None:
        raise unsigned()
    return hook


def _hook(db: Database, address: Address) -> Hook | None:
    if not is_storable(address.organization + address.project + address.source):
        return None
    try:
        number = project_id(db, address.organization, address.project)
        row = sources.get(db, number, address.source)
        settings = SourceSettings.restored(row.kind, row.name, row.settings)
    except (NotFound, InvalidRequest):
        return None
    if not settings.declared.webhooks or settings.webhook_secret is None:
        return None
    try:
        secret = settings.webhook_secret.read(os.environ)
    except LeadlineError as error:
        log.warning("no webhook secret", source=address.source, error=error.message)
        return None
    return Hook(number, settings, secret) if secret else None


def pushes_of(db: Database, hook: Hook, headers: Mapping[str, str], body: bytes) -> list[Push] | str:
    """What a delivery brings, or why nothing. Raises ``InvalidRequest`` for what cannot be understood."""
    module = webhook_module(hook.settings.kind)
    webhooks = module.connect(hook.settings)
    payload = payload_of(headers, body)
    try:
        event = webhooks.parse(headers.get(module.EVENT_HEADER, ""), payload)
    except Misshapen as error:
        raise unreadable(str(error)) from None
    if not event.changes:
        return event.nothing
    if not webhooks.covers(event.repository):
        return f"{event.repository[:200]} is none of the repositories that this source reads"
    cursor = cursors.get(db, hook.project, hook.settings.kind, webhooks.cursor(event)) or {}
    if cursor.get("repository", event.repository) != event.repository:
        return f"{event.repository[:200]} is called something else; the next poll sorts it out"
    return [
        Push(
            hook.project,
            TABLES[change.table],
            [{name: plain(value) for name, value in row.items()} for row in change.rows],
            change.policy,
        )
        for change in event.changes
    ]


def payload_of(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The object in ``body``, sent as JSON or as the field ``payload`` of a form. Raises ``UnsupportedMediaType`` or
    ``InvalidRequest``."""
    kind = check_headers(headers, (FORM,))
    try:
        text = decoded(body)
        if kind == FORM:
            (text,) = parse_qs(text, max_num_fields=10).get("payload", [""])
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise malformed("it is no JSON") from None
    if not isinstance(value, dict):
        raise malformed(f"it is {kind_of(value)}; an event is an object")
    return value


def unreadable(why: str, details: list[Detail] | None = None) -> InvalidRequest:
    """The refusal of an event that is signed and yet none."""
    return InvalidRequest(
        f"The event cannot be read: {printable(why)}", code="invalid_payload", details=(details or [])[:100]
    )
