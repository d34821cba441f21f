"""Answers outlive the server that made them, as long as they would come out the same; those about single people do not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.serving import Served, fill, pull_request, put, serving
from api.test_insights import ask
from leadline.api import insights as answering
from leadline.exports.insights import kept
from leadline.home import Home

BY_TEAM = {"level": "team", "granularity": "quarterly"}
COMPARED = {**BY_TEAM, "granularity": "total", "compare": "previous"}


def without_instant(answer: Any) -> Any:
    assert answer.status == 200
    return {name: value for name, value in answer.json.items() if name != "dataAsOf"}


@pytest.fixture
def first_answers(home: Home, tmp_path: Path) -> list[Any]:
    """What a server answered that is gone by the time of the test but for what it left."""
    fill(home.project(), tmp_path)
    with serving(home, workers=0) as running:
        return [without_instant(ask(running.client, **asked)) for asked in (BY_TEAM, COMPARED)]


@pytest.fixture
def next_server(home: Home, first_answers: list[Any]) -> Iterator[Served]:
    """Another server of the same home."""
    assert first_answers
    with serving(home, workers=0) as running:
        yield running


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many answers were computed, each time that some were."""
    times: list[int] = []
    whole = answering.answers

    def counting(runner: Any, project: Any, insights: Any, *more: Any) -> Any:
        times.append(len(insights))
        return whole(runner, project, insights, *more)

    monkeypatch.setattr(answering, "answers", counting)
    return times


def stored(home: Home) -> list[Path]:
    return sorted(home.project().computed.with_name("answers").iterdir())


def test_a_server_that_was_started_anew_has_the_answers_of_before(
    first_answers: list[Any], next_server: Served, computed: list[int]
) -> None:
    assert [without_instant(ask(next_server.client, **asked)) for asked in (BY_TEAM, COMPARED)] == first_answers
    assert computed == []


def test_what_is_new_in_the_data_is_in_the_next_answer(
    home: Home, first_answers: list[Any], next_server: Served, computed: list[int]
) -> None:
    put(home.project(), pull_requests=[{**pull_request(3), "number": 900}])
    assert without_instant(ask(next_server.client, **BY_TEAM)) != first_answers[0]
    assert computed == [1]


def test_another_release_computes_anew(
    first_answers: list[Any], next_server: Served, computed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "code_digest", lambda _packages: "another")
    assert without_instant(ask(next_server.client, **BY_TEAM)) == first_answers[0]
    assert computed == [1]


@pytest.mark.parametrize("damage", [b"", b"-- 0\n{}", b"{"])
def test_a_damaged_answer_is_computed_anew(
    home: Home, first_answers: list[Any], next_server: Served, computed: list[int], damage: bytes
) -> None:
    for file in stored(home):
        file.write_bytes(damage)
    assert without_instant(ask(next_server.client, **BY_TEAM)) == first_answers[0]
    assert computed == [1]


def test_answers_about_single_people_are_not_stored(home: Home, first_answers: list[Any], next_server: Served) -> None:
    of_teams = stored(home)
    assert len(of_teams) == len(first_answers)
    assert ask(next_server.client, level="developer", granularity="total").status == 200
    assert stored(home) == of_teams
    assert not [file for file in of_teams if b"@" in file.read_bytes()]
