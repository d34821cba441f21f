"""How complete the data of a project are: what each number needs, and how much of it is there. The page's check list and its
warnings are made of this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from leadline.db import sources
from leadline.diagnostics.attribution import AttributionStatus, attribution
from leadline.diagnostics.tables import table_states
from leadline.facts.account_activity import accounts
from leadline.home import Project

if TYPE_CHECKING:
    from ibis.expr.types import Table

    from leadline.materialize.session import Session

ACTIVE_DAYS = 90
"""A repository is at work that had a merged pull request in the last of these days before the newest one."""


@dataclass(frozen=True)
class Share:
    """``part`` of ``whole``."""

    part: int
    whole: int

    @property
    def percent(self) -> float | None:
        """In percent; None of nothing."""
        return 100 * self.part / self.whole if self.whole else None


@dataclass(frozen=True)
class Completeness:
    """What is there. ``rows`` are those of each table; ``newest`` is the newest event of any. ``attribution`` says what is
    nobody's. Of the repositories at work, ``deployed`` are those of which something was deployed to production in these days;
    of the merged pull requests of developers, ``linked`` are those linked to a work item."""

    rows: Mapping[str, int]
    newest: datetime | None
    sources: int
    trees: tuple[str, ...]
    attribution: Mapping[str, AttributionStatus]
    deployed: Share
    linked: Share
    deployments: int
    incidents: int

    @property
    def has_data(self) -> bool:
        """Whether there is any row."""
        return any(self.rows.values())

    def of_somebody(self, activity: str) -> Share:
        """How much of an activity's rows, less those of bots, is somebody's."""
        status = self.attribution.get(activity)
        if status is None:
            return Share(0, 0)
        of_people = status.total - status.bots
        return Share(of_people - status.nobodys, of_people)


def completeness(project: Project) -> Completeness:
    """How complete the data of ``project`` are now. Raises ``StoreError`` if they cannot be read."""
    from leadline.people import trees

    states = table_states(project)
    deployed, linked, deployments, incidents = _of_facts(project)
    return Completeness(
        rows={state.table: state.rows for state in states},
        newest=max((state.newest_event for state in states if state.newest_event), default=None),
        sources=sum(row.configured for row in sources.listed(project.db, project.id)),
        trees=tuple(summary.name for summary in trees(project)),
        attribution={status.activity: status for status in attribution(project, accounts(project))},
        deployed=deployed,
        linked=linked,
        deployments=deployments,
        incidents=incidents,
    )


def _of_facts(project: Project) -> tuple[Share, Share, int, int]:
    from leadline.facts.deployments import DEPLOYMENTS
    from leadline.facts.incidents import INCIDENTS, resolved_incidents
    from leadline.facts.policy import BUILD_POLICY
    from leadline.facts.pull_requests import PULL_REQUESTS
    from leadline.materialize.session import session
    from leadline.people import trees

    versions = project.lake.snapshot().versions
    if not versions:
        return Share(0, 0), Share(0, 0), 0, 0
    tree_versions = {summary.name: summary.version for summary in trees(project)}
    with session(project, versions, tree_versions, project.profile(), BUILD_POLICY) as opened:
        opened.facts.bind_raw(tables=["pull_requests"])
        opened.facts.bind([PULL_REQUESTS, DEPLOYMENTS, INCIDENTS])
        deployments = DEPLOYMENTS.table()
        known = _count(opened, deployments.filter(deployments.counted))
        return _deployed(opened), _linked(opened), known, _count(opened, resolved_incidents())


def _deployed(opened: Session) -> Share:
    """Repositories at work, and those of them of which something was deployed to production."""
    from leadline.derive.expressions import DAY_US
    from leadline.engine.functions import epoch_us
    from leadline.engine.tables import schema_table
    from leadline.facts.deployments import DEPLOYMENTS

    pulls = schema_table("pull_requests")
    merged = pulls.filter(pulls.merged_at.notnull())
    newest = merged.group_by("repository").aggregate(newest_us=epoch_us(merged.merged_at.max()))
    merges = {row["repository"]: int(row["newest_us"]) for row in _rows(opened, newest)}
    since = max(merges.values(), default=0) - ACTIVE_DAYS * DAY_US
    deployments = DEPLOYMENTS.table()
    runs = deployments.filter(deployments.counted & (deployments.happened_us > since)).select("repository").distinct()
    at_work = {repository for repository, newest_us in merges.items() if newest_us > since}
    return Share(len(at_work & {row["repository"] for row in _rows(opened, runs)}), len(at_work))


def _linked(opened: Session) -> Share:
    from leadline.facts.pull_requests import PULL_REQUESTS

    pulls = PULL_REQUESTS.table()
    (row,) = _rows(opened, pulls.aggregate(whole=pulls.count(), unlinked=pulls.unlinked.cast("int64").sum()))
    whole, unlinked = int(row["whole"]), int(row["unlinked"] or 0)
    return Share(whole - unlinked, whole)


def _rows(opened: Session, table: Table) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = opened.engine.arrow(table).to_pylist()
    return rows


def _count(opened: Session, table: Table) -> int:
    (row,) = _rows(opened, table.aggregate(number=table.count()))
    return int(row["number"])
