"""Properties of flow over made-up worlds: what must hold whatever work items did."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta
from fractions import Fraction
from itertools import count, pairwise
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from leadline.facts.query import Filters, fact_rows
from leadline.home import Home, Project
from metrics.oracle import Request
from metrics.oracle_events import World
from metrics.world import body_of, deliver, export_bytes, load, read_csv
from metrics.worlds import END, START
from metrics.worlds_flow import flow_world

NUMBERS = count()
seeds = st.integers(0, 2**32 - 1)


def some(examples: int) -> Any:
    return settings(
        max_examples=examples,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )


def made(home: Home, world: World, folder: Path) -> Project:
    """The world in a project of its own."""
    project = home.project("flow", f"world-{next(NUMBERS)}", create=True)
    load(project, world, folder)
    return project


def export(project: Project, granularity: str, folder: Path) -> list[dict[str, str]]:
    request = Request(START, END, "team", granularity, insight="flow")
    header, *rows = read_csv(export_bytes(project, body_of(project, request), folder, "flow"))
    return [dict(zip(header, row, strict=True)) for row in rows]


def by_team(rows: Iterable[Mapping[str, str]], column: str) -> dict[str, list[Fraction]]:
    found: dict[str, list[Fraction]] = defaultdict(list)
    for row in rows:
        found[row["Team_Id"]].append(Fraction(row[column] or 0))
    return found


def lengths(rows: list[dict[str, str]], zone: str) -> dict[str, list[Fraction]]:
    """How long the periods of each team's rows are, in seconds."""

    def midnight(day: str, after: int = 0) -> datetime:
        date = datetime.fromisoformat(day).date() + timedelta(days=after)
        return datetime.combine(date, time.min, ZoneInfo(zone)).astimezone(ZoneInfo("UTC"))

    found: dict[str, list[Fraction]] = defaultdict(list)
    for row in rows:
        length = midnight(row["End_Date"], 1) - midnight(row["Start_Date"])
        found[row["Team_Id"]].append(Fraction(length // timedelta(seconds=1)))
    return found


@some(5)
@given(seeds)
def test_days_and_weeks_add_up_to_months(home: Home, tmp_path: Path, seed: int) -> None:
    """Counts of events do, and time in progress does; what was reopened on several days is once in their month."""
    world = flow_world(Random(seed))
    project = made(home, world, tmp_path)
    of = {name: export(project, name, tmp_path) for name in ("daily", "weekly", "monthly")}
    for column in ("Arrivals", "Throughput"):
        sums = [{team: sum(cells) for team, cells in by_team(rows, column).items()} for rows in of.values()]
        assert sums[0] == sums[1] == sums[2], column
    times = []
    for rows in of.values():
        long = lengths(rows, world.setting("timezone"))
        average = by_team(rows, "WIP_Avg")
        times.append(
            {
                team: sum(one * length for one, length in zip(cells, long[team], strict=True))
                for team, cells in average.items()
            }
        )
    whole = Fraction(((END - START).days + 1) * 86_400)
    for team, spent in times[0].items():
        assert all(abs(other[team] - spent) <= whole * Fraction(1, 10_000) for other in times), team
    daily, monthly = (by_team(of[name], "Reopened") for name in ("daily", "monthly"))
    assert all(max(daily[team]) <= sum(cells) <= sum(daily[team]) for team, cells in monthly.items())


@some(4)
@given(seeds)
def test_what_is_in_progress_at_the_end_of_a_month_is_so_on_its_last_day(home: Home, tmp_path: Path, seed: int) -> None:
    project = made(home, flow_world(Random(seed)), tmp_path)
    days = {(row["Team_Id"], row["End_Date"]): row for row in export(project, "daily", tmp_path)}
    for row in export(project, "monthly", tmp_path):
        day = days[row["Team_Id"], row["End_Date"]]
        for column in ("WIP_End", "WIP_Age_Median_Days", "WIP_Age_P85_Days"):
            assert row[column] == day[column], (column, row)


@some(4)
@given(seeds)
def test_a_parent_has_no_more_than_all_below_it_and_no_less_than_any(home: Home, tmp_path: Path, seed: int) -> None:
    """It has an item of two teams once."""
    rows = export(made(home, flow_world(Random(seed)), tmp_path), "monthly", tmp_path)
    for column in ("Arrivals", "Throughput", "WIP_Avg", "WIP_End", "Reopened"):
        for label in {row["Granularity"] for row in rows}:
            of_period = [row for row in rows if row["Granularity"] == label]
            for parent in of_period:
                path = parent["Team_Hierarchy"]
                below = [Fraction(one[column]) for one in of_period if one["Team_Hierarchy"].startswith(f"{path}/")]
                assert max(below, default=Fraction(0)) <= Fraction(parent[column]), (column, path)


@some(4)
@given(seeds)
def test_the_order_of_delivery_says_nothing(home: Home, tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    world = flow_world(random)
    whole = made(home, world, tmp_path)
    tables = dict(world.tables)
    pieces = made(home, World({}, world.tree, world.developers, world.settings, world.later), tmp_path)
    for table, rows in sorted(tables.items()):
        shuffled = random.sample(list(rows), len(rows))
        for piece in (shuffled[::2], shuffled[1::2]):
            deliver(pieces, table, piece)

    def plain(project: Project) -> list[dict[str, str]]:
        return [
            {name: cell for name, cell in row.items() if name != "Team_Id"}
            for row in export(project, "monthly", tmp_path)
        ]

    assert plain(whole) == plain(pieces)


@some(5)
@given(seeds)
def test_the_visits_of_an_item_follow_one_another_without_a_gap(home: Home, tmp_path: Path, seed: int) -> None:
    project = made(home, flow_world(Random(seed)), tmp_path)
    with fact_rows(project, "status-visits", Filters()) as facts:
        rows = facts.page(100_000).to_pylist()
    visits: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        visits[row["key"]].append(row)
    assert visits
    for own in visits.values():
        assert [one["number"] for one in own] == list(range(len(own)))
        assert all(one["left_at"] == after["entered_at"] for one, after in pairwise(own))
        assert [one["left_at"] is None for one in own] == [False] * (len(own) - 1) + [True]
        known = [one["visit_seconds"] for one in own[:-1] if one["visit_seconds"] is not None]
        begun = next((one["entered_at"] for one in own if one["entered_at"]), None)
        if begun is not None:
            assert sum(known) == (own[-1]["entered_at"] - begun).total_seconds()
