"""The whole of a range and its periods, asked for together, are what each is by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from leadline import people
from leadline.demo import fill
from leadline.exports.insights import together
from leadline.exports.insights.answer import answer
from leadline.exports.insights.request import InsightRequest, parse_insight
from leadline.exports.insights.together import answers, joint_rows
from leadline.exports.kinds import KINDS
from leadline.home import Home, Project
from leadline.metrics.request import Control
from leadline.metrics.run import Runner, pin

TREE = "Engineering"
NOW = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A demo in whose last months people move."""
    with Home.open(tmp_path_factory.mktemp("together") / "home") as home:
        fill(home.project(), developers=24, months=5, until=date(2026, 3, 31))
        yield home.project()


@pytest.fixture(scope="module")
def runner(company: Project) -> Iterator[Runner]:
    with Runner(company.home) as running:
        yield running


def insight(project: Project, kind: str, granularity: str, **asked: Any) -> InsightRequest:
    whole = {"orgTreeName": TREE, "dateFrom": "2025-12-03", "dateTo": "2026-03-28", "level": "team"}
    whole |= {} if "groups" in asked else {"groups": list(KINDS[kind].groups)[:1]}
    return parse_insight(project, KINDS[kind], {**whole, "granularity": granularity, **asked})


@pytest.mark.parametrize("aggregation", ["mean", "median"])
@pytest.mark.parametrize("granularity", ["weekly", "monthly"])
@pytest.mark.parametrize("kind", ["productivity", "efficiency"])
def test_what_is_read_together_is_what_is_read_alone(
    company: Project, runner: Runner, kind: str, granularity: str, aggregation: str
) -> None:
    groups = list(KINDS[kind].groups)
    whole = insight(company, kind, "total", groups=groups, aggregation=aggregation, compare="previous", sort="Team")
    parts = insight(company, kind, granularity, groups=groups[:2], aggregation=aggregation)
    pins = pin(company, TREE)
    assert joint_rows([whole, parts]) is not None
    found = answers(runner, company, [parts, whole], pins, NOW, Control())
    alone = [answer(runner, company, one, pins, NOW, Control()) for one in (parts, whole)]
    assert found == alone
    assert len({row.period for row in found[0].rows}) > len({row.period for row in found[1].rows}) == 1


def test_people_move_in_this_company(company: Project) -> None:
    assert len(people.history(company, TREE)) > 1


def test_what_cannot_be_read_together_is_read_by_itself(company: Project, runner: Runner) -> None:
    groups = list(KINDS["flow"].groups)
    whole, parts = (insight(company, "flow", length, groups=groups) for length in ("total", "monthly"))
    services = [insight(company, "efficiency", name, level="service") for name in ("total", "monthly")]
    others = [insight(company, "productivity", "total"), insight(company, "productivity", "monthly", depth=0)]
    for pair in ([whole, parts], services, others, [parts], [parts, parts], [whole, whole]):
        assert joint_rows(pair) is None
    pins = pin(company, TREE)
    found = answers(runner, company, [whole, parts], pins, NOW, Control())
    assert found == [answer(runner, company, one, pins, NOW, Control()) for one in (whole, parts)]


def test_more_rows_than_are_answered_are_refused_by_whom_they_are_of(
    company: Project, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The periods fit, and so does the whole; only both in one would not."""
    whole, parts = insight(company, "efficiency", "total"), insight(company, "efficiency", "weekly")
    pins = pin(company, TREE)
    alone = [answer(runner, company, one, pins, NOW, Control()) for one in (whole, parts)]
    monkeypatch.setattr("leadline.exports.insights.answer.MOST_ROWS", alone[1].total)
    assert together._of_one_reading(runner, company, [whole, parts], pins, Control()) is None
    assert answers(runner, company, [whole, parts], pins, NOW, Control()) == alone
