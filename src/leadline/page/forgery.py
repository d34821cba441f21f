"""Against forged posts: a form carries a token that only a page of this session can have, and what posts it must be a page of this
server. The token is masked anew in every page, so that compressed pages tell nothing of it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

FIELD = "form_token"
"""The name of the form's field."""


def form_token(session_token: str) -> str:
    """A token for a form of the session."""
    mask = secrets.token_bytes(32)
    return base64.urlsafe_b64encode(mask + _masked(_secret(session_token), mask)).decode()


def is_token_of(session_token: str, token: str) -> bool:
    """Whether ``token`` is one of the session's."""
    try:
        raw = base64.urlsafe_b64decode(token.encode())
    except (binascii.Error, ValueError):
        return False
    return len(raw) == 64 and hmac.compare_digest(_masked(raw[32:], raw[:32]), _secret(session_token))


def _secret(session_token: str) -> bytes:
    return hmac.new(session_token.encode(), b"forms", hashlib.sha256).digest()


def _masked(secret: bytes, mask: bytes) -> bytes:
    return bytes(left ^ right for left, right in zip(secret, mask, strict=True))
