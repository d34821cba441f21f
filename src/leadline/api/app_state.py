"""What all requests to a server share: the open home, keys, monitoring, reports, pushes and the time. One ``AppState`` is made per
server and hangs on the application."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from leadline.administration.identities import KnownAccounts
from leadline.api.auth import Keyring
from leadline.api.body_memory import BodyMemory
from leadline.api.charts import Charts
from leadline.api.insights import Insights
from leadline.api.monitoring import Monitor
from leadline.api.push_batcher import PushBatcher
from leadline.api.rate_limit import RateLimit
from leadline.api.report_pool import ReportPool
from leadline.api.shared_work import SharedWork
from leadline.db.keys import ApiKey
from leadline.home import Home, Project


@dataclass
class AppState:
    """Everything that outlives a request; ``close`` it at the end."""

    home: Home
    monitor: Monitor
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    keyring: Keyring = field(init=False)
    limit: RateLimit = field(init=False)
    pushes: PushBatcher = field(init=False)
    reports: ReportPool = field(init=False)
    insights: Insights = field(init=False)
    charts: Charts = field(init=False)
    bodies: BodyMemory = field(default_factory=BodyMemory)
    accounts: KnownAccounts = field(default_factory=KnownAccounts)
    readiness: SharedWork[dict[str, str]] = field(init=False)
    figures: SharedWork[bytes] = field(init=False)
    _projects: dict[int, Project] = field(default_factory=dict)

    def __post_init__(self) -> None:
        settings = self.home.settings
        self.keyring = Keyring(self.home.db, now=self.now)
        self.limit = RateLimit(settings.rate_limit)
        self.pushes = PushBatcher(self.home.db, self.home.temp, self.now)
        self.readiness = SharedWork(self.monitor.ready)
        self.figures = SharedWork(self.monitor.exposition)
        self.reports = ReportPool(self.home, seconds=settings.report_seconds)
        self.insights = Insights(self.reports, self.now)
        self.charts = Charts(self.insights)

    def project(self, key: ApiKey) -> Project:
        """The project that the key belongs to; one object per project, as it remembers what it read of its lake."""
        return self.kept(Project(self.home, key.project_id, key.organization, key.project))

    def kept(self, project: Project) -> Project:
        """``project`` as the object that all requests share."""
        return self._projects.setdefault(project.id, project)

    def close(self) -> None:
        """Store what was pushed and end all threads."""
        self.pushes.close()
        self.reports.close()
        self.charts.close()
        self.keyring.close()


async def _state_of(request: Request) -> AppState:
    state: AppState = request.app.state.leadline
    return state


State = Annotated[AppState, Depends(_state_of)]
"""The dependency of routes that need no key."""
