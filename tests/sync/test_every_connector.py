"""What holds of every connector: nothing is lost or read twice, wherever a run ends and whatever goes wrong on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from leadline.db import cursors, sources
from leadline.sources.kit.kinds import KINDS
from leadline.sources.kit.streams import MAX_FAILED_STREAMS
from stubs.server import HTML, SERVER_ERROR, TRUNCATED, Fault, Request, Tool

from .conftest import Undisturbed, renewed
from .harness import Mistake, Rows, Scenario, Syncer, at_once, cut_until_through, each_once
from .scenarios import SCENARIOS

_WEEK = 7 * 86_400


@pytest.fixture(scope="module", params=SCENARIOS.values(), ids=SCENARIOS)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    made: Scenario = request.param
    return made


def cases(*pairs: tuple[str, Any, str]) -> Any:
    """A test of scenario and another value, ``case``: by the scenario's name, the value and its name."""
    return pytest.mark.parametrize(
        ("scenario", "case"),
        [pytest.param(SCENARIOS[name], value, id=f"{name}-{said}") for name, value, said in pairs],
        indirect=["scenario"],
        scope="module",
    )


def test_every_kind_has_a_scenario() -> None:
    assert {scenario.kind for scenario in SCENARIOS.values()} == KINDS.keys() - {"git"}


# -- nothing new -------------------------------------------------------------------------------------------------------


def test_nothing_new_costs_little_however_much_there_is(sync: Syncer, scenario: Scenario) -> None:
    scenario.many(sync.tool)
    sync.good()
    versions = sync.project.lake.snapshot().versions
    assert tuple(request.path.rpartition("/")[2] for request in sync.requests()) == scenario.nothing_new
    assert sync.project.lake.snapshot().versions == versions


# -- interruptions -----------------------------------------------------------------------------------------------------


def test_cut_after_any_page_and_resumed(sync: Syncer, scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every page is a checkpoint: a run is cut right after one was delivered, again and again until one gets through."""
    if scenario.small_pages is not None:
        monkeypatch.setattr(*scenario.small_pages)
    scenario.grow(sync.tool)
    straight = sync.beside()
    records = straight.good().result.records
    cuts, delivered = cut_until_through(sync, most=scenario.most_cuts)
    assert scenario.least_cuts <= cuts < 60
    assert sync.tables() == straight.tables()
    assert delivered == records or not scenario.nothing_twice


def test_cut_between_delivery_and_cursor(
    sync: Syncer, scenario: Scenario, expected: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_all = cursors.put_all
    cuts = 0
    cut_before = False

    def cut(*arguments: Any, **options: Any) -> None:
        nonlocal cuts, cut_before
        if arguments[3] and not cut_before and cuts < scenario.most_cuts:
            cuts, cut_before = cuts + 1, True
            raise KeyboardInterrupt
        cut_before = cut_before and not arguments[3]
        put_all(*arguments, **options)

    monkeypatch.setattr(cursors, "put_all", cut)
    while cuts < 60:
        try:
            sync.good(rows_at_a_time=scenario.batch)
            break
        except KeyboardInterrupt:
            continue
    assert 1 <= cuts < 60
    monkeypatch.undo()
    sync.good()
    assert sync.tables() == expected


def test_two_at_once(sync: Syncer, scenario: Scenario, undisturbed: Undisturbed) -> None:
    sync.tool.latency = 0.01
    results = at_once(sync, sync)
    assert sync.tables() == undisturbed.tables
    assert sorted(done.result.records for done in results) == [scenario.again, undisturbed.done.result.records]


# -- troubles ----------------------------------------------------------------------------------------------------------


@cases(*((name, fault, said) for name, made in SCENARIOS.items() for said, fault in made.passing.items()))
def test_a_passing_fault_at_every_request(sync: Syncer, undisturbed: Undisturbed, case: Fault) -> None:
    spoilt = each_once(sync.tool, case)
    done = sync.good()
    assert sync.tables() == undisturbed.tables
    assert len(spoilt) == undisturbed.done.result.call_stats.calls
    assert len(sync.tool.requests) == 2 * len(spoilt)
    assert len(sync.waits) == len(spoilt)
    assert sum(sync.waits) == pytest.approx(done.result.call_stats.waited)
    if seconds := dict(case.headers).get("Retry-After"):
        assert set(sync.waits) == {float(seconds)}


@cases(*((name, made.limit, "limit") for name, made in SCENARIOS.items() if made.limit))
def test_limits_by_the_tools_clock(
    sync: Syncer, tool: Tool, scenario: Scenario, case: tuple[int, float, float]
) -> None:
    """This machine's clock is a week ahead, or the tool's behind; what a tool reports may end with its own day."""
    tool.clock -= _WEEK
    unlimited = sync.beside()
    unlimited.good()
    renewed(tool, scenario).clock -= _WEEK
    tool.limit, shortest, longest = case
    sync.good()
    assert sync.waits
    assert all(shortest <= seconds <= longest for seconds in sync.waits)
    assert sync.tables() == unlimited.tables()


def test_a_tool_that_goes_down_keeps_what_was_delivered(sync: Syncer, scenario: Scenario, expected: Rows) -> None:
    requests, table, rows = scenario.goes_down
    sync.tool.faults = lambda request: TRUNCATED if request.number > requests else None
    done = sync()
    assert done.error is not None
    assert "could not be read in 6 attempts" in done.error.message
    if table:
        assert len(sync.rows(table)) >= rows
        (row,) = sources.listed(sync.project.home.db, sync.project.id)
        assert row.outcome is not None
        assert (row.outcome["state"], row.succeeded_at) == ("failed", None)
    sync.tool.faults = lambda _: None
    sync.good()
    assert sync.tables() == expected


@cases(*((name, made.is_overview, "overview") for name, made in SCENARIOS.items() if made.is_overview))
def test_a_tool_that_answers_only_its_overview_costs_the_same_however_much_there_is(
    sync: Syncer, scenario: Scenario, case: Callable[[Request], bool]
) -> None:
    """The run is a failure, and whoever does not answer is not asked again for every repository, project or job."""
    sync.tool.faults = lambda request: None if case(request) else SERVER_ERROR
    few = sync()
    requests, seconds = len(sync.tool.requests), sum(sync.waits)
    scenario.many(sync.tool)
    many = sync()
    for done in (few, many):
        assert done.error is not None
        assert "502" in done.error.message
        assert done.document()["state"] == "failed"
        assert 1 <= len(done.result.failed) <= MAX_FAILED_STREAMS
    assert len(sync.tool.requests) == 2 * requests <= 2 * 60
    assert sum(sync.waits) == 2 * seconds <= 2 * 300
    sync.tool.faults = lambda _: None
    sync.good()


def test_a_login_page_is_named(sync: Syncer, scenario: Scenario) -> None:
    sync.tool.faults = lambda _: HTML
    done = sync()
    assert done.error is not None
    assert scenario.login_page in done.error.message


@cases(*((name, mistake, mistake.says[:30]) for name, made in SCENARIOS.items() for mistake in made.mistakes))
def test_what_cannot_be_is_named(sync: Syncer, scenario: Scenario, case: Mistake) -> None:
    done = sync(*case.targets, token=case.token, **case.options)
    assert done.error is not None
    assert case.says in done.error.message
    assert case.token == "" or case.token not in str(done.document())
    assert not any(sync.tables().values())
