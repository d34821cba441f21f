"""What Drawer's webhooks say: a release that was made."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from leadline.sources.kit import server_url
from leadline.sources.kit.settings import SourceSettings
from leadline.sources.kit.webhook_signatures import hex_signature
from leadline.sources.kit.webhooks import Change, MergePolicy, WebhookEvent, Webhooks, required

from .rows import release_rows

EVENT_HEADER = "x-drawer-event"
SIGNATURE_HEADERS = ("x-drawer-signature",)


def is_signed(secret: str, headers: Mapping[str, str], body: bytes, _now: datetime) -> bool:
    """HMAC with SHA-256."""
    return hex_signature(secret, headers.get("x-drawer-signature", ""), body)


class DrawerWebhooks(Webhooks):
    """One source."""

    def __init__(self, settings: SourceSettings) -> None:
        server = server_url.server(settings.url or "", example="https://drawer.example.com")
        super().__init__(settings, server.place)

    def parse(self, event: str, payload: Mapping[str, Any]) -> WebhookEvent:
        """What a delivery says."""
        if event != "release":
            return WebhookEvent(nothing=f"{event} events are not used")
        folder = required(payload, "folder")
        released = release_rows(str(folder.get("path")), required(payload, "release"))
        changes = tuple(Change(table, rows, MergePolicy(("published_at",))) for table, rows in released.items())
        return self.event(changes, str(folder.get("path")), int(folder["id"]))


connect = DrawerWebhooks
