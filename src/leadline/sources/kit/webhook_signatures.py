"""Ways in which webhooks are signed. Compared in constant time: every way to be wrong gives the same answer, as late."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime

SIGNING = "whsec_"
"""What a signing key begins with (Standard Webhooks)."""
TOLERANCE_SECONDS = 300
"""How far a signed time may be from ours (Standard Webhooks)."""

Headers = Mapping[str, str]


def hub_signature(secret: str, header: str, body: bytes) -> bool:
    """Whether ``header`` is ``sha256=`` and the HMAC with SHA-256 of the body, in hex."""
    name, _, signature = header.partition("=")
    return hex_signature(secret, signature if name == "sha256" else "", body)


def hex_signature(secret: str, signature: str, body: bytes) -> bool:
    """Whether ``signature`` is the HMAC with SHA-256 of the body, in hex."""
    digits = re.fullmatch("[0-9a-fA-F]{64}", signature)
    expected = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return hmac.compare_digest(bytes.fromhex(digits[0]) if digits else b"", expected)


def same_token(secret: str, token: str) -> bool:
    """Whether the ``token`` of a header is the secret itself."""
    # Headers were decoded as Latin-1, whatever their bytes mean.
    return hmac.compare_digest(token.encode("latin-1", "replace"), secret.encode())


def basic_password(secret: str, authorization: str) -> bool:
    """Whether the password of Basic authentication (RFC 7617) is the secret, whoever the user."""
    scheme, _, credentials = authorization.partition(" ")
    try:
        user_and_password = base64.b64decode(credentials.strip(), validate=True)
    except ValueError:
        user_and_password = b""
    is_same = hmac.compare_digest(user_and_password.partition(b":")[2], secret.encode())
    return is_same and scheme.lower() == "basic"


def standard_signature(secret: str, headers: Headers, body: bytes, now: datetime) -> bool:
    """Standard Webhooks: ``webhook-signature`` is ``v1,`` and the HMAC with SHA-256 of id, time and body in Base64, perhaps among
    others; the key is the secret's Base64 behind ``whsec_``."""
    moment = headers.get("webhook-timestamp", "")
    try:
        key = base64.b64decode(secret.removeprefix(SIGNING), validate=True)
    except ValueError:
        key = secret.encode()
    signed = f"{headers.get('webhook-id', '')}.{moment}.".encode() + body
    expected = b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    signatures = headers.get("webhook-signature", "").encode().split()[:10]
    good = [hmac.compare_digest(signature, expected) for signature in signatures]
    recent = re.fullmatch("[0-9]{1,11}", moment) and abs(int(moment) - now.timestamp()) <= TOLERANCE_SECONDS
    return any(good) and bool(recent)
