"""Whether a webhook's delivery comes from who knows the secret: the secret, the headers and the raw body in, yes or no out.

Compared in constant time. Every way to be wrong gives the same answer, and takes as long.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from datetime import datetime

SIGNING = "whsec_"
"""What a signing key begins with (Standard Webhooks); a secret that does not is a token."""
TOLERANCE_SECONDS = 300
"""How far a signed time may be from ours (Standard Webhooks)."""

Headers = Mapping[str, str]


def github(secret: str, headers: Headers, body: bytes, _now: datetime) -> bool:
    """``X-Hub-Signature-256``: HMAC with SHA-256 of the body, in hex ("Validating webhook deliveries")."""
    given = re.fullmatch("sha256=([0-9a-fA-F]{64})", headers.get("x-hub-signature-256", ""))
    made = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return hmac.compare_digest(bytes.fromhex(given[1]) if given else b"", made)


def gitlab(secret: str, headers: Headers, body: bytes, now: datetime) -> bool:
    """``X-Gitlab-Token`` is the secret; or, if the secret is a signing key, ``webhook-signature`` is ``v1,`` and the HMAC with
    SHA-256 of id, time and body in Base64, perhaps among others."""
    if not secret.startswith(SIGNING):
        # Headers were decoded as Latin-1, whatever their bytes mean.
        return hmac.compare_digest(headers.get("x-gitlab-token", "").encode("latin-1", "replace"), secret.encode())
    moment = headers.get("webhook-timestamp", "")
    try:
        key = base64.b64decode(secret.removeprefix(SIGNING), validate=True)
    except ValueError:
        key = secret.encode()
    signed = f"{headers.get('webhook-id', '')}.{moment}.".encode() + body
    made = b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    given = headers.get("webhook-signature", "").encode().split()[:10]
    good = [hmac.compare_digest(each, made) for each in given]
    recent = re.fullmatch("[0-9]{1,11}", moment) and abs(int(moment) - now.timestamp()) <= TOLERANCE_SECONDS
    return any(good) and bool(recent)


CHECKS: Mapping[str, Callable[[str, Headers, bytes, datetime], bool]] = {"github": github, "gitlab": gitlab}
"""How a kind of source signs."""
PRESENTED = ("x-hub-signature-256", "x-gitlab-token", "webhook-signature")
"""Headers of which a delivery has at least one."""
