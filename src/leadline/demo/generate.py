"""Makes up one organization: the rows of every table, always the same for the same options."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from leadline.demo import (
    ai,
    calendar,
    code,
    delivery,
    graph,
    line_ages,
    people,
    promotions,
    repositories,
    review,
    sprints,
    work,
)
from leadline.demo.calendar import Span
from leadline.demo.organization import Organization
from leadline.demo.stage import Stage
from leadline.schema import TABLES, Table

if TYPE_CHECKING:
    import pyarrow as pa

QUERIES: dict[str, str] = {
    "repositories": delivery.REPOSITORIES,
    "commits": graph.COMMITS,
    "commit_files": graph.COMMIT_FILES,
    "deleted_lines": line_ages.DELETED_LINES,
    "commit_ai": ai.COMMIT_AI,
    "pull_requests": review.PULL_REQUESTS,
    "pull_request_commits": graph.PULL_REQUEST_COMMITS,
    "pull_request_files": review.PULL_REQUEST_FILES,
    "reviews": review.REVIEWS,
    "comments": review.COMMENTS,
    "work_items": work.WORK_ITEMS,
    "work_item_changes": work.WORK_ITEM_CHANGES,
    "sprints": sprints.SPRINTS,
    "versions": work.VERSIONS,
    "builds": delivery.BUILDS,
    "deployments": delivery.DEPLOYMENTS,
    "incidents": delivery.INCIDENTS,
    "releases": delivery.RELEASES,
    "absences": delivery.ABSENCES,
    "ai_usage": ai.AI_USAGE,
}
"""The tables that are generated in SQL; the others come from the people."""


@dataclass(frozen=True)
class World:
    """Everything made up. ``batches`` may be called for any table, any number of times."""

    organization: Organization
    stage: Stage

    def batches(self, table: Table) -> Iterator[pa.RecordBatch]:
        """The rows of ``table``, in no particular order; each natural key once."""
        import pyarrow as pa

        if table.name in QUERIES:
            yield from self.stage.batches(table, QUERIES[table.name])
            return
        organization = self.organization
        listed: dict[str, Callable[[], Sequence[Mapping[str, Any]]]] = {
            "developers": lambda: [_with_attributes(row) for row in organization.developers()],
            "identities": lambda: organization.identities,
            "tool_accounts": organization.tool_accounts,
            "tool_teams": organization.tool_teams,
        }
        rows = listed[table.name]()
        fields = [field for field in table.arrow_schema if rows and field.name in rows[0]]
        yield pa.RecordBatch.from_pylist(list(rows), schema=pa.schema(fields))


def _with_attributes(row: dict[str, str | None]) -> dict[str, Any]:
    """The further column of the HR file as the lake keeps it: a JSON object."""
    import json

    declared = TABLES["developers"].column
    further = {name: value for name, value in row.items() if name not in declared}
    own: dict[str, Any] = {name: value for name, value in row.items() if name in declared}
    share = row["fte"]
    return {**own, "fte": None if share is None else float(share), "attributes": json.dumps(further)}


@contextmanager
def generate(
    demo: Span,
    *,
    developers: int,
    seed: int,
    temp_dir: Path,
    threads: int | None = None,
    step: Callable[[str], None] = lambda _: None,
) -> Iterator[World]:
    """Makes up the organization of ``developers`` people over the days of ``demo``. Intermediate tables live in one
    DuckDB file under ``temp_dir`` (about 150 bytes per commit) while the block runs. ``step`` is told what is being
    made. The rows do not depend on ``threads``."""
    modules = {
        "code": code,
        "reviews": review,
        "commits": graph,
        "promotions": promotions,
        "work": work,
        "sprints": sprints,
        "delivery": delivery,
    }
    start = datetime.combine(demo.first, datetime.min.time(), tzinfo=UTC)
    # DuckDB looks for a database's log elsewhere if its path has a question mark.
    parent = None if "?" in str(temp_dir) else temp_dir
    with TemporaryDirectory(dir=parent, prefix="demo-") as folder:
        step("people")
        repository_names = repositories.repository_names(developers)
        organization = people.make(developers, seed, demo, repository_names)
        with Stage(Path(folder) / "stage.duckdb", seed=seed, start=start, cut=demo.cut, threads=threads) as stage:
            rows = repositories.stage_rows(repository_names, seed)
            rows["people"], rows["teams"] = people.stage_rows(organization)
            rows["calendar"], rows["dates"] = calendar.rows(demo)
            for table, content in rows.items():
                stage.load(table, content)
            for name, module in modules.items():
                step(name)
                module.build(stage)
            yield World(organization, stage)
