"""The steps that no query can say read what they declare: their SQL is run and parsed for its tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlglot import exp, parse_one

from leadline.engine import Engine
from leadline.facts.deployment_contents import ANCHORS, CARRIED
from leadline.facts.policy import BUILD_POLICY
from leadline.home import Project
from leadline.materialize.session import session
from leadline.schema import TABLES
from metrics.world import deliver

DAY = datetime(2026, 1, 5, tzinfo=UTC)


def deliver_round(project: Project, number: int) -> None:
    """Commits, a deployment of them and a release, after those of earlier rounds."""
    shas = [f"{number:02}{at:038}" for at in range(3)]
    rows = [{"repository": "o", "sha": sha, "parents": above} for sha, above in zip(shas, ["", *shas], strict=False)]
    deliver(project, "commits", rows)
    deployed = {"deployment_id": f"d{number}", "repository": "o", "sha": shas[-1], "status": "success"}
    deliver(project, "deployments", [{**deployed, "finished_at": DAY + timedelta(days=number)}])
    deliver(project, "releases", [{"repository": "o", "tag": f"v{number}", "sha": shas[0]}])


def test_what_deployments_carry_is_computed_from_the_declared_tables_alone(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries: list[str] = []

    def noted(name: str) -> None:
        method = getattr(Engine, name)

        def noting(self: Engine, query: Any, *more: Any, **options: Any) -> Any:
            queries.append(query)
            return method(self, query, *more, **options)

        monkeypatch.setattr(Engine, name, noting)

    for name in ("execute", "arrow", "reader"):
        noted(name)
    for number in range(3):
        deliver_round(project, number)
        with session(project, project.lake.snapshot().versions, {}, project.profile(), BUILD_POLICY) as opened:
            opened.facts.bind([CARRIED, ANCHORS])
            assert len(opened.engine.arrow(f"SELECT * FROM {ANCHORS.bound_name}")) == number + 1
    read = {
        table.name
        for query in queries
        if isinstance(query, str) and query.lstrip().upper().startswith(("SELECT", "WITH", "FROM"))
        for table in parse_one(query, "duckdb").find_all(exp.Table)
    }
    for model in (CARRIED, ANCHORS):
        assert model.computation is not None
        declared = {*model.computation.sources, *(above.bound_name for above in model.computation.depends_on)}
        assert {name for name in read if name in TABLES} <= declared
        assert {name for name in read if name.startswith("stored_")} <= declared | {
            CARRIED.bound_name,
            ANCHORS.bound_name,
        }
    assert "deployments" in read
