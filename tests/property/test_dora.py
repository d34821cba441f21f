"""Properties of efficiency exports and facts over made-up worlds: what must hold whatever was built, merged and deployed."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from leadline.engine import Engine
from leadline.facts.write import write
from leadline.home import Home, Project
from leadline.schema import TABLES
from metrics import oracle_dora
from metrics.oracle import Request
from metrics.oracle_deployments import Deployments
from metrics.oracle_events import World
from metrics.oracle_names import one_name
from metrics.oracle_people import Accounts
from metrics.oracle_trees import Trees
from metrics.world import NOW, body_of, deliver, differences, export_bytes, load, read_csv
from metrics.worlds_dora import ALL_GROUPS, END, START, DoraWorld, dora_request, dora_world

from .test_deliveries import older, respelled, versioned, without_ids

NUMBERS = count()
QUIET = [HealthCheck.function_scoped_fixture]
FACTS = ("pull-requests", "work-items", "deployments", "incidents")
MONTHS = Request(START, END, "team", "monthly", groups=ALL_GROUPS, insight="efficiency")
STAGES = oracle_dora.STAGES
COUNTED = (
    "Total_Work_Items",
    "PR_Associations",
    "LTTC_Items",
    "DF_Deployment_Count",
    "Total_Success",
    "Total_Failures",
    "Incident_Count",
)
seeds = st.integers(0, 2**32 - 1)
"""A world is drawn from its seed, which a failing test names: shrinking would cost minutes and world after world."""


def some(examples: int) -> Any:
    return settings(
        max_examples=examples, deadline=None, phases=(Phase.explicit, Phase.generate), suppress_health_check=QUIET
    )


def made(home: Home, folder: Path, drawn: DoraWorld) -> Project:
    """The world in a project of its own."""
    project = home.project("dora", f"world-{next(NUMBERS)}", create=True)
    load(project, drawn.world, folder, drawn.org)
    return project


def export(project: Project, request: Request, folder: Path) -> list[list[str]]:
    return read_csv(export_bytes(project, body_of(project, request), folder, "efficiency"))


def records(table: list[list[str]]) -> list[dict[str, str]]:
    return [dict(zip(table[0], row, strict=True)) for row in table[1:]]


def fact(project: Project, name: str, folder: Path) -> list[dict[str, str]]:
    path = folder / f"{name}.csv"
    write(project, name, path)
    with path.open(encoding="utf-8", newline="") as file:
        # Ref ids are what two projects do not share.
        return [
            {name: cell for name, cell in row.items() if name not in ("team_id", "team_ids")}
            for row in csv.DictReader(file)
        ]


def without_rules(drawn: DoraWorld) -> DoraWorld:
    """The same world with no team rules."""
    plain = {key: text for key, text in drawn.world.settings.items() if not key.startswith("team.")}
    return DoraWorld(replace(drawn.world, settings=plain), drawn.org)


def of_pipelines(drawn: DoraWorld) -> DoraWorld:
    """The same world where runs of pipelines alone are deployments and tell what failed: otherwise the first one takes the place of
    releases, and a later incident is of the newest."""
    sources = {"deployments.source": "pipelines", "cfr.source": "pipelines"}
    return DoraWorld(replace(drawn.world, settings={**drawn.world.settings, **sources}), drawn.org)


# --- leadline and the oracle --------------------------------------------------------------------------------------------


@pytest.mark.slow
@some(8)
@given(seed=seeds)
def test_exports_equal_the_oracle(home: Home, tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    drawn = dora_world(random)
    project = made(home, tmp_path, drawn)
    asked = [dora_request(random, drawn.world), dora_request(random, drawn.world)]
    for request in (*asked, replace(asked[0], level="service")):
        header, rows = oracle_dora.export(drawn.world, request)
        actual = export(project, request, tmp_path)
        assert differences(actual, header, rows, skip=["Team_Id"]) == [], (request, drawn.world.settings)


@some(4)
@given(seed=seeds)
def test_every_pull_request_has_the_deployment_of_the_oracle(home: Home, tmp_path: Path, seed: int) -> None:
    """Not only the aggregates: which deployment carries each merge."""
    random = Random(seed)
    drawn = dora_world(random)
    project = made(home, tmp_path, drawn)
    world = replace(drawn.world, tables=one_name(drawn.world.tables))
    accounts = Accounts(world.tables, world.everybody())
    deployments = Deployments(world)
    times = oracle_dora.LeadTimes(world, accounts, deployments)
    expected = {}
    for row in world.rows("pull_requests"):
        kind = times.class_of(accounts.developer("code", None, row["author"]), row["merged_at"] or NOW)
        carrier = deployments.carrier(kind, row)
        expected[row["repository"], str(row["number"])] = carrier.deployment_id if carrier else ""
    found = {
        (row["repository"], row["number"]): row["deployment_id"] for row in fact(project, "pull-requests", tmp_path)
    }
    assert found == expected


@some(3)
@given(seed=seeds)
def test_the_services_of_a_team_add_up_to_it(home: Home, tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    drawn = dora_world(random)
    project = made(home, tmp_path, drawn)
    asked = dora_request(random, drawn.world)
    first, *_ = whole = records(export(project, asked, tmp_path))
    totals = {row["Granularity"]: row for row in whole if row["Team_Id"] == first["Team_Id"]}
    services = records(export(project, replace(asked, level="service"), tmp_path))
    counts = ("DF_Deployment_Count", "Total_Success", "Total_Failures", "Incident_Count")
    for label, total in totals.items():
        for name in counts:
            assert sum(int(row[name]) for row in services if row["Granularity"] == label) == int(total[name])
    # What a row is does not depend on what is asked of it.
    one = records(export(project, replace(asked, level="service", groups=(), metrics=("Incident_Count",)), tmp_path))
    about = ("Granularity", "Service", "Repository", "Incident_Count")
    assert [[row[name] for name in about] for row in one] == [[row[name] for name in about] for row in services]


# --- lead time ----------------------------------------------------------------------------------------------------------


@some(3)
@given(seed=seeds)
def test_stages_with_values_sum_to_lead_time(home: Home, tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    drawn = dora_world(random)
    enabled = drawn.world.setting("lead_time.stages").split(",")
    project = made(home, tmp_path, drawn)
    seen = 0
    for name in ("pull-requests", "work-items"):
        for row in fact(project, name, tmp_path):
            values = [Fraction(row[f"{stage}_seconds"]) for stage in enabled if row.get(f"{stage}_seconds")]
            assert all(value >= 0 for value in values), row
            if row["lead_seconds"] == "":
                # An item that is still open has stages so far, but no lead time yet.
                assert not values or not row.get("completed_at", row.get("merged_at")), row
            else:
                assert abs(Fraction(row["lead_seconds"]) - sum(values)) < Fraction(1, 10**5), row
                assert values, row
                seen += 1
    assert seen or not any(row["merged_at"] for row in drawn.world.rows("pull_requests"))


@some(3)
@given(seed=seeds)
def test_an_unrelated_deployment_changes_no_lead_time(home: Home, tmp_path: Path, seed: int) -> None:
    """Deployments of another repository, to other environments, failed, or of what is out already."""
    random = Random(seed)
    drawn = of_pipelines(without_rules(dora_world(random)))
    project = made(home, tmp_path, drawn)
    before = {name: fact(project, name, tmp_path) for name in ("pull-requests", "work-items")}
    deliver(project, "deployments", list(unrelated(random, drawn.world)))
    for name, rows in before.items():
        assert fact(project, name, tmp_path) == rows


def unrelated(random: Random, world: World) -> Iterable[dict[str, Any]]:
    commits = [row for row in world.rows("commits") if row["repository"] == "o/a"]
    sha = random.choice(commits)["sha"] if commits else "abcd0001"
    time = random.choice([row["finished_at"] for row in world.rows("deployments") if row["finished_at"]])
    new = {"repository": "o/a", "sha": sha, "status": "success", "finished_at": time, "environment": "prod"}
    yield new | {"deployment_id": "other repository", "repository": "o/new"}
    yield new | {"deployment_id": "no repository", "repository": None}
    yield new | {"deployment_id": "staging", "environment": "staging"}
    for status in ("failure", "cancelled", "running"):
        yield new | {"deployment_id": status, "status": status}
    yield new | {"deployment_id": "unfinished", "finished_at": None}
    yield (
        new | {"deployment_id": "first of a new service", "service": "brand-new"}
        if world.setting("deployments.first_carries") == "false"
        else new | {"deployment_id": "other", "repository": "o/other"}
    )
    for row in world.rows("deployments"):
        again = row["finished_at"] and row["status"] == "success"
        if again:  # the same once more, after everything else
            late = row["finished_at"] + timedelta(days=400)
            yield {**row, "deployment_id": f"again {row['deployment_id']}", "finished_at": late}


# --- counting -----------------------------------------------------------------------------------------------------------


@some(3)
@given(seed=seeds)
def test_a_deployment_counts_once_per_service_and_once_in_each_ancestor(home: Home, tmp_path: Path, seed: int) -> None:
    """A new run of three services adds three to every node whose people merged there in the days before, to no other."""
    random = Random(seed)
    drawn = of_pipelines(without_rules(dora_world(random)))
    world = drawn.world
    project = made(home, tmp_path, drawn)
    merged = [row for row in world.rows("pull_requests") if row["merged_at"]]
    chosen = random.choice(merged)
    before = records(export(project, MONTHS, tmp_path))
    run = {"repository": chosen["repository"], "environment": "live", "status": "success", "service": "x; y;z;x"}
    deliver(project, "deployments", [{"deployment_id": "new", "finished_at": chosen["merged_at"], **run}])
    after = records(export(project, MONTHS, tmp_path))

    day = world.local_date(chosen["merged_at"])
    within = timedelta(days=int(world.setting("deployments.team_days")))
    there = [row for row in merged if row["repository"] == chosen["repository"]]
    trees = Trees(world)
    teams = {row.node.path: row for row in trees.teams(None, START, END)}
    assert len(teams) == len({row["Team_Hierarchy"] for row in before})
    for old, new in zip(before, after, strict=True):
        here = old["Start_Date"] <= day.isoformat() <= old["End_Date"]
        team = teams[old["Team_Hierarchy"]]
        own = [
            row
            for row in there
            if timedelta(0) <= chosen["merged_at"] - row["merged_at"] <= within
            and row["author"].lower() in team.people(world.local_date(row["merged_at"]))
        ]
        expected = 3 if here and own and trees.node(team.name, "root", day) else 0
        assert int(new["DF_Deployment_Count"]) - int(old["DF_Deployment_Count"]) == expected, (old, new)
        assert int(new["Total_Success"]) - int(old["Total_Success"]) == expected, (old, new)
        assert new["Total_Failures"] == old["Total_Failures"]


@some(3)
@given(seed=seeds)
def test_weeks_add_up_to_months_and_months_to_the_quarter(home: Home, tmp_path: Path, seed: int) -> None:
    """Every count of every node is the same however the range is cut."""
    drawn = dora_world(Random(seed))
    project = made(home, tmp_path, drawn)
    totals = []
    for granularity in ("weekly", "monthly", "quarterly"):
        total: dict[tuple[str, str], int] = defaultdict(int)
        for row in records(export(project, replace(MONTHS, granularity=granularity), tmp_path)):
            for name in COUNTED:
                total[row["Team_Hierarchy"], name] += int(row[name])
        totals.append(total)
    assert totals[0] == totals[1] == totals[2]
    assert any(totals[0].values())


@some(3)
@given(seed=seeds)
def test_failures_are_a_part_of_the_runs_and_parents_have_all_of_their_children(
    home: Home, tmp_path: Path, seed: int
) -> None:
    random = Random(seed)
    drawn = dora_world(random)
    # Where teams move, what happened before counts for the team above them then.
    drawn = DoraWorld(replace(drawn.world, later=()), drawn.org)
    project = made(home, tmp_path, drawn)
    below = defaultdict(list)
    for row in records(export(project, MONTHS, tmp_path)):
        good, bad = int(row["Total_Success"]), int(row["Total_Failures"])
        assert good >= 0
        if good + bad:
            rate = Fraction(row["CFR_Percent"])
            assert 0 <= rate <= 100
            assert abs(rate - Fraction(bad * 100, good + bad)) <= Fraction(1, 10000)
        else:
            assert row["CFR_Percent"] == ""
        assert (row["MTTR_Mean_Days"] == "") == (row["MTTR_Rating"] == "")
        assert row["Incident_Count"] != "0" or row["MTTR_Mean_Days"] == ""
        below[row["Granularity"], row["Team_Hierarchy"].rpartition("/")[0]].append(row)
    for (period, path), children in below.items():
        for parent in (one for one in below[period, path.rpartition("/")[0]] if one["Team_Hierarchy"] == path):
            for name in ("DF_Deployment_Count", "Incident_Count"):
                numbers = [int(child[name]) for child in children]
                assert max(numbers) <= int(parent[name]), (parent, children)


# --- arrival ------------------------------------------------------------------------------------------------------------


@some(2)
@given(seed=seeds)
def test_the_order_of_arrival_changes_nothing(home: Home, tmp_path: Path, seed: int) -> None:
    """Rows in any order, in pieces, some twice and some before an older version, with an export in between."""
    random = Random(seed)
    drawn = dora_world(random)
    drawn = DoraWorld(versioned(drawn.world), drawn.org)
    whole = made(home, tmp_path, drawn)
    world = drawn.world
    piecemeal = made(home, tmp_path, DoraWorld(replace(world, tables={}), drawn.org))
    cut = list(parts(random, world))
    random.shuffle(cut)
    with Engine(temp_dir=home.temp) as engine:
        for number, (table, rows) in enumerate(cut):
            deliver(piecemeal, table, rows, engine=engine)
            if number == len(cut) // 2:
                export(piecemeal, MONTHS, tmp_path)
    request = body_of(whole, MONTHS)
    expected = export_bytes(whole, request, tmp_path, "efficiency")
    assert without_ids(export_bytes(piecemeal, request, tmp_path, "efficiency")) == without_ids(expected)
    for name in FACTS:
        assert fact(piecemeal, name, tmp_path) == fact(whole, name, tmp_path), name


@pytest.mark.slow
@some(2)
@given(seed=seeds)
def test_letter_case_changes_nothing(home: Home, tmp_path: Path, seed: int) -> None:
    """Of accounts, addresses, repositories and services, each cell for itself."""
    random = Random(seed)
    drawn = dora_world(random)
    drawn = DoraWorld(versioned(drawn.world), drawn.org)
    spelled = versioned(respelled(random, drawn.world))
    assert spelled.tables["deployments"] != drawn.world.tables["deployments"]
    plain, other = made(home, tmp_path, drawn), made(home, tmp_path, DoraWorld(spelled, drawn.org))
    tables = [export_bytes(project, body_of(project, MONTHS), tmp_path, "efficiency") for project in (plain, other)]
    assert without_ids(tables[1]) == without_ids(tables[0])


def parts(random: Random, world: World) -> Iterable[tuple[str, list[dict[str, Any]]]]:
    """Two shuffled, overlapping parts of every table, and an older version of some rows that may change."""
    for table, rows in world.tables.items():
        waiting = random.sample(list(rows), len(rows))
        yield table, waiting[: len(waiting) * 2 // 3]
        yield table, waiting[len(waiting) // 3 :]
        if not TABLES[table].immutable:
            stale = [{**older(row, TABLES[table].key), "updated_at": NOW - timedelta(days=9)} for row in waiting[::4]]
            yield table, stale
