"""Facts come out the same however many repositories are worked on at a time, and from kept queries as from new ones."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.demo import fill
from leadline.engine.repositories import batches
from leadline.exports.kinds import parse
from leadline.facts.catalogue import FACTS
from leadline.facts.write import write
from leadline.home import Project
from leadline.materialize import ranges
from leadline.metrics.request import Control
from leadline.metrics.run import pin, produce


def everything(project: Project, folder: Path) -> dict[str, bytes]:
    """Exports at both levels, one of AI, and all facts, by name."""
    folder.mkdir()
    # Stored tables of commits are read by metrics, and by a step that is computed after they were bound.
    for name, level, groups in (("developer", "developer", []), ("team", "team", []), ("ai", "team", ["ai"])):
        body = {
            "scope": {"orgTreeName": "Engineering"},
            "dateRange": {"start": "2026-01-01", "end": "2026-03-31"},
            "metricGroups": groups,
            "options": {"aggregationLevel": level, "aggregation": "p90"},
        }
        request = parse(project, body, "productivity").request
        produce(project, request, pin(project, request.tree), folder / f"{name}.csv", Control())
    for fact in FACTS:
        write(project, fact, folder / f"{fact}.csv")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_batches_change_nothing(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(project, developers=24, months=3, seed=5, until=date(2026, 3, 31))
    at_once = everything(project, tmp_path / "at-once")
    cache = project.folder / "cache"
    shutil.rmtree(cache)
    monkeypatch.setattr(ranges, "PIECE_ROWS", 3000)
    assert everything(project, tmp_path / "in-batches") == at_once
    assert any(len(list(folder.glob("*.parquet"))) > 2 for folder in (cache / "facts").glob("pull_requests-*"))


@given(
    sizes=st.lists(st.tuples(st.text(min_size=1), st.integers(1, 50)), unique_by=lambda each: each[0]),
    most=st.integers(1, 100),
)
def test_batches_cover_every_repository_once(sizes: list[tuple[str, int]], most: int) -> None:
    sizes.sort()
    found = batches(sizes, most)
    rows = dict(sizes)
    covered: list[str] = []
    for low, high in found:
        inside = [name for name, _ in sizes if (low is None or name >= low) and (high is None or name < high)]
        assert len(inside) <= 1 or sum(rows[name] for name in inside) <= most
        covered += inside
    assert covered == [name for name, _ in sizes]
    assert found[0][0] is None
    assert found[-1][1] is None
