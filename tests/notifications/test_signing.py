"""Messages are signed as Standard Webhooks says: by the example of its libraries."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

from leadline.notifications.signing import headers, new_secret, signature

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_example_of_the_scheme() -> None:
    signed = signature(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_headers_say_when_it_is_sent_and_not_when_it_happened() -> None:
    sent = datetime(2026, 3, 1, 12, 0, 0, 999_999, tzinfo=UTC)
    expected = signature(SECRET, "msg_1", 1772366400, "{}")
    assert headers(SECRET, "msg_1", "{}", sent) == {
        "webhook-id": "msg_1",
        "webhook-timestamp": "1772366400",
        "webhook-signature": expected,
    }


def test_secrets_are_of_256_bits_and_never_the_same() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert {len(base64.b64decode(secret.removeprefix("whsec_"))) for secret in secrets} == {32}
