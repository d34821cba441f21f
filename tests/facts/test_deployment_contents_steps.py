"""However commits and deployments arrive, what is carried is what a walk from scratch, and the slow oracle, find."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadline.engine import Engine

from .carrying import Row, Site, World, anchor_rows, at, carried_rows, commit, picked

REPOSITORIES = ("acme/app", "acme/site")
SHAS = ("aaaa11", "aaaa22", "aaab33", "abcd", "abcd44", "b1", "cafe55", "cafe5566", "dead66", "feed77")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(temp_dir=tmp_path_factory.mktemp("engine")) as opened:
        yield opened


@st.composite
def commits(draw: st.DrawFn, *, cycles: bool) -> list[Row]:
    """Commits of two repositories; some parents and picked commits are unknown, some pick one another."""
    rows = []
    for repository in REPOSITORIES:
        chosen = draw(st.lists(st.sampled_from(SHAS), unique=True, max_size=8))
        for place, sha in enumerate(chosen):
            above = SHAS if cycles else [*chosen[:place], *(each for each in SHAS if each not in chosen)]
            parents = draw(st.lists(st.sampled_from(above), unique=True, max_size=3)) if above else []
            message = (
                picked(*draw(st.lists(st.sampled_from(SHAS), unique=True, max_size=2))) if draw(st.booleans()) else "x"
            )
            rows.append(commit(sha, *parents, message=message, repository=repository))
    return rows


TEXTS = st.sampled_from((*SHAS, "aaaa", "aaa", "cafe", "abc", "feed7", "v1", "V2", "missing", "0123456789"))
RELEASES = st.lists(
    st.fixed_dictionaries(
        {
            "repository": st.sampled_from(REPOSITORIES),
            "tag": st.sampled_from(("v1", "v2", "nightly")),
            "sha": st.none() | st.sampled_from((*SHAS, "feed7", "0123456789")),
        }
    ),
    unique_by=lambda row: (row["repository"], row["tag"]),
    max_size=4,
)
DEPLOYMENT = st.fixed_dictionaries(
    {
        "repository": st.sampled_from((*REPOSITORIES, *REPOSITORIES, "acme/none", None)),
        "service": st.sampled_from((None, "api", "web", "api; web", " ;api")),
        "environment": st.sampled_from((None, "production", "staging")),
        "status": st.sampled_from(("success", "success", "success", "success", "failure", "running")),
        "sha": st.none() | TEXTS,
        "shas": st.none() | st.lists(TEXTS, min_size=1, max_size=3),
        "tags": st.none() | st.lists(st.sampled_from(("v1", "v2", "team-a")), min_size=1, max_size=2),
        "finished_at": st.none() | st.integers(0, 9).map(at),
    }
)
DEPLOYMENTS = st.lists(DEPLOYMENT, max_size=10).map(
    lambda rows: [{"deployment_id": f"d{at:02}"} | row for at, row in enumerate(rows)]
)
PRODUCTION = st.sampled_from(
    (((0, None), (0, "production")), ((0, None), (1, None), (1, "production"), (1, "staging")))
)


@st.composite
def histories(draw: st.DrawFn) -> list[World]:
    """States of a lake one after another: rows come in any order; deployments change and go, commits are merged or go."""
    everything = draw(commits(cycles=draw(st.integers(0, 4)) == 0))
    deployments = draw(DEPLOYMENTS)
    releases = draw(RELEASES)
    production = draw(PRODUCTION)
    arrived: list[World] = []
    steps = draw(st.integers(1, 4))
    when = [draw(st.integers(0, steps - 1)) for _ in range(len(everything) + len(deployments) + len(releases))]
    for step in range(steps):
        come = iter(when)
        rows = [[row for row in table if next(come) <= step] for table in (everything, deployments, releases)]
        if draw(st.integers(0, 5)) == 0 and rows[1]:
            gone = draw(st.integers(0, len(rows[1]) - 1))
            rows[1] = rows[1][:gone] + rows[1][gone + 1 :]
        if draw(st.integers(0, 5)) == 0 and rows[1]:
            changed = draw(st.integers(0, len(rows[1]) - 1))
            rows[1] = [row | draw(DEPLOYMENT) if place == changed else row for place, row in enumerate(rows[1])]
        if draw(st.integers(0, 8)) == 0 and rows[0]:
            rows[0] = rows[0][1:]
        arrived.append(World(rows[0], rows[1], rows[2], production))
    return arrived


def arrive(site: Site, before: World | None, world: World, *, merge: bool) -> None:
    """Bring the site's files from one state to the next: new commits in a file of their own, unless some went or files
    are merged."""
    former = list(before.commits) if before is not None else []
    fresh = [row for row in world.commits if row not in former]
    if merge or any(row not in world.commits for row in former):
        site.replace("commits", sorted(world.commits, key=repr))
    elif fresh:
        site.add("commits", fresh)
    site.replace("deployments", world.deployments)
    site.replace("releases", world.releases)


def check(world: World, found: tuple[set[tuple[Any, ...]], dict[str, tuple[Any, ...]]]) -> None:
    carried, anchors = found
    assert carried == carried_rows(world)
    assert {name: anchor for name, (anchor, _) in anchors.items()} == anchor_rows(world)


@settings(max_examples=60)
@given(worlds=histories(), merges=st.lists(st.booleans(), min_size=4, max_size=4))
def test_steps(engine: Engine, worlds: list[World], merges: list[bool]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder), engine)
        before: World | None = None
        for world, merge in zip(worlds, merges, strict=False):
            arrive(site, before, world, merge=merge)
            found = site.compute(world)
            check(world, found)
            assert site.compute(world, state=f"scratch-{site.runs}") == found
            before = world
