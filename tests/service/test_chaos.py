"""Whatever is killed, and whenever: no export is lost, ends otherwise or has other bytes, no pushed row is lost or twice, nothing
but what was killed ends, and the logs say so in sentences.

``pytest tests/service/test_chaos.py --kills 200 --seeds 3`` is the long run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import DEFAULT_SEEDS, PostgreSQL, running_postgresql
from service.chaos import Fleet
from stubs.object_store import ObjectStore

KILL_SECONDS = 2.0
"""Between one kill and the next, on average."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One seed, unless ``--seeds`` says otherwise: each takes a while."""
    seeds = metafunc.config.getoption("--seeds")
    metafunc.parametrize("chaos_seed", range(1 if seeds == DEFAULT_SEEDS else int(seeds)))


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[PostgreSQL | None]:
    """A PostgreSQL server that may be killed; None for SQLite."""
    if request.param is None:
        yield None
        return
    with running_postgresql(durable=True) as running:
        yield running


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize(
    ("server", "bucket"),
    [(None, False), ("postgresql", False), ("postgresql", True)],
    indirect=["server"],
    ids=["sqlite", "postgresql", "two machines and a bucket"],
)
def test_random_kills(
    server: PostgreSQL | None,
    bucket: bool,
    chaos_seed: int,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LEADLINE_LOG", "json")
    if server is not None:
        monkeypatch.setenv("LEADLINE_DATABASE_URL", server.create())
    store: ObjectStore | None = request.getfixturevalue("object_store") if bucket else None
    if store is not None:
        for name, value in {**store.environ, "LEADLINE_LAKE": store.new_bucket()}.items():
            monkeypatch.setenv(name, value)
    kills = request.config.getoption("--kills")
    fleet = Fleet(tmp_path, server, store, chaos_seed)
    try:
        fleet.start_all()
        with fleet.clients(4):
            fleet.chaos(kills, KILL_SECONDS)
        fleet.end_all()
        fleet.judge()
    finally:
        fleet.kill_all()
    assert fleet.exports >= kills // 2, "the clients were kept busy"
    assert fleet.faults == []
