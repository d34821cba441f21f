"""How a message is signed: the scheme of Standard Webhooks (https://www.standardwebhooks.com), symmetric."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime

PREFIX = "whsec_"
_BYTES = 32


def new_secret() -> str:
    """A secret for one endpoint: 256 random bits in base64, after ``whsec_``."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def signature(secret: str, message_id: str, timestamp: int, body: str) -> str:
    """HMAC-SHA-256 of what is sent, as ``webhook-signature`` has it."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = hmac.digest(key, f"{message_id}.{timestamp}.{body}".encode(), hashlib.sha256)
    return "v1," + base64.b64encode(signed).decode()


def headers(secret: str, message_id: str, body: str, now: datetime) -> dict[str, str]:
    """The headers that a message is sent with at ``now``."""
    timestamp = int(now.timestamp())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, message_id, timestamp, body),
    }
