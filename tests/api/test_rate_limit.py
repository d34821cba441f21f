"""A key's rate: generous, its own, and refused in the one shape with when to come again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.serving import EXPORTS, Client, eventually, serving
from api.test_monitoring import figures
from leadline.api.rate_limit import BURST_SECONDS, RateLimit, TooManyRequests
from leadline.errors import InvalidRequest
from leadline.home import Home
from leadline.settings.server import ServerSettings

COUNTER = "leadline_http_requests_total"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def allowed(limit: RateLimit, key: str = "a") -> bool:
    try:
        limit.take(key)
    except TooManyRequests:
        return False
    return True


@given(st.integers(1, 50), st.lists(st.sampled_from([0.0, 0.001, 0.01, 0.3, 1.0, 5.0]), min_size=1, max_size=200))
def test_no_stretch_of_time_has_more_than_its_share(per_second: int, pauses: list[float]) -> None:
    clock = Clock()
    limit = RateLimit(per_second, clock=clock)
    taken: list[float] = []
    for pause in pauses:
        clock.now += pause
        if allowed(limit):
            taken.append(clock.now)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            assert last - first + 1 <= per_second * (taken[last] - taken[first] + BURST_SECONDS) + 1e-6


def test_a_quiet_key_has_its_burst_and_a_refusal_says_when_to_come_again() -> None:
    clock = Clock()
    limit = RateLimit(1, clock=clock)
    assert [allowed(limit) for _ in range(4)] == [True, True, False, False]
    assert allowed(limit, "b"), "another key has its own share"
    with pytest.raises(TooManyRequests) as refused:
        limit.take("a")
    clock.now += refused.value.retry_after
    assert [allowed(limit) for _ in range(2)] == [True, False]
    clock.now += 3600
    assert [allowed(limit) for _ in range(3)] == [True, True, False]


def test_500_a_second_are_never_too_many_by_default(tmp_path: Path) -> None:
    clock = Clock()
    limit = RateLimit(ServerSettings.from_environment({}, home=tmp_path).rate_limit, clock=clock)
    for _ in range(500 * 30):
        limit.take("a")
        clock.now += 1 / 500


def test_keys_that_are_quiet_again_are_forgotten() -> None:
    clock = Clock()
    limit = RateLimit(10, clock=clock)
    for number in range(20_000):
        limit.take(str(number))
        clock.now += 0.01
    assert len(limit._full_at) < 5000


@pytest.mark.parametrize(("text", "expected"), [("", 1000), ("0", 0), (" 25 ", 25)])
def test_the_setting(text: str, expected: int, tmp_path: Path) -> None:
    assert ServerSettings.from_environment({"LEADLINE_RATE_LIMIT": text}, home=tmp_path).rate_limit == expected


@pytest.mark.parametrize("text", ["-1", "1.5", "many", "٣", "9999999999"])
def test_a_setting_that_is_no_rate(text: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"LEADLINE_RATE_LIMIT cannot be .* whole number from 0 up"):
        ServerSettings.from_environment({"LEADLINE_RATE_LIMIT": text}, home=tmp_path)


def test_over_http(home: Home) -> None:
    home.settings = replace(home.settings, rate_limit=1)
    with serving(home, workers=0) as running:
        viewer = running.client
        answers = [viewer.get(EXPORTS) for _ in range(10)]
        assert answers[0].status == 200
        refused = [answer for answer in answers if answer.status != 200]
        assert refused
        for answer in refused:
            assert answer.status == 429
            assert answer.headers["retry-after"] == "1"
            assert answer.headers["cache-control"] == "no-store"
            assert answer.json == {
                "status": "failed",
                "error": "Too many requests: this key may make 1 per second; come again in 1 second",
                "code": "too_many_requests",
            }
        assert running.as_("admin").get(EXPORTS).status == 200, "another key has its own share"
        anonymous = Client(running.base)
        assert {anonymous.get("/healthz").status for _ in range(5)} == {200}
        assert anonymous.get(EXPORTS).status == 401
        counted = {dict(labels)["status"]: n for (name, labels), n in figures(running).items() if name == COUNTER}
        assert counted["429"] == len(refused)
        eventually(lambda: viewer.get(EXPORTS).status == 200)


def test_without_a_limit(home: Home) -> None:
    home.settings = replace(home.settings, rate_limit=0)
    with serving(home, workers=0) as running:
        assert {running.client.get(EXPORTS).status for _ in range(30)} == {200}
