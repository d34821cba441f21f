"""What the first exports would wait for is compiled before anybody asks, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from weakref import WeakKeyDictionary

import pytest

from leadline.demo import fill
from leadline.exports.ahead import compile_ahead
from leadline.exports.kinds import KINDS, parse
from leadline.exports.service import pin_newest
from leadline.home import Home
from leadline.materialize import compiled, dependencies
from leadline.metrics.request import Control
from leadline.metrics.run import Runner

SHAPES = [
    ("productivity", {}),
    ("efficiency", {"metricGroups": ["lttc", "df", "cfr", "mttr", "rating"], "options": {"granularity": "monthly"}}),
]


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this process as new: it remembers texts and lineages of whatever it did before."""
    monkeypatch.setattr(compiled, "_texts", {})
    for memory in ("_DEPENDENCIES", "_LINEAGES"):
        monkeypatch.setattr(dependencies, memory, WeakKeyDictionary())


@pytest.fixture
def queries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of compiled queries, in a process that knows none."""
    monkeypatch.setenv("LEADLINE_CACHE", str(tmp_path / "cache"))
    forget(monkeypatch)
    return tmp_path / "cache" / "queries"


@pytest.fixture
def demo(tmp_path: Path, queries: Path) -> Iterator[Home]:
    with Home.open(tmp_path / "demo") as home:
        fill(home.project(), developers=12, months=3, seed=1, until=date(2026, 3, 31))
        yield home


def names(queries: Path) -> set[str]:
    return {file.name for file in queries.iterdir()} if queries.is_dir() else set()


def test_first_exports_compile_next_to_nothing(demo: Home, queries: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = demo.project()
    with Runner(demo) as runner:
        done = list(compile_ahead(demo, runner))
        assert len(done) == 5
        assert list(compile_ahead(demo, runner)) == []
    before = names(queries)
    assert not project.computed.exists()
    assert not list(demo.temp.glob("ahead-*"))
    forget(monkeypatch)
    with Runner(demo) as runner:
        for kind, more in SHAPES:
            body = {
                "scope": {"orgTreeName": "Engineering"},
                "dateRange": {"start": "2026-01-01", "end": "2026-03-31"},
                **more,
            }
            request = parse(project, body, kind).request
            pins = pin_newest(project, "Engineering")
            assert runner.table(project, request, pins, Control(), KINDS[kind].rows.query).num_rows
    new = names(queries) - before
    # Texts that know which accounts there are, and those of the exports themselves.
    assert len(new) <= 5 < len(before) / 10


def test_without_people_nothing_is_compiled(home: Home, queries: Path) -> None:
    with Runner(home) as runner:
        assert list(compile_ahead(home, runner)) == []
    assert not names(queries)
