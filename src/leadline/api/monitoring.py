"""What operators watch: liveness, readiness and Prometheus figures of this server and its home. Figures are summed over all
projects, so the page names no tenant and needs no key. Exports run in other processes: their figures are read from the rows they
leave."""

from __future__ import annotations

import platform
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from leadline import __version__
from leadline.db import inbox, jobs, monitoring
from leadline.db.outage import lost
from leadline.db.projects import all_projects
from leadline.errors import Detail, LeadlineError, StoreError
from leadline.home import Home
from leadline.materialize.computed_by import computed_by
from leadline.metrics.catalogue import DEFINITIONS
from leadline.project_faults import ProjectFaults, sentence

log = structlog.get_logger("leadline.api")

_REQUEST_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_EXPORT_BUCKETS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900, 3600)
_LITTLE = 4096
"""Bytes that must find room on the home's disk."""
_OVERLAP = timedelta(seconds=60)
"""Finished exports are asked for again this far back: rows may become visible a little after their own time."""


class NotReady(StoreError):
    """The server cannot do its work; what is not usable was logged where it was found."""

    code = "not_ready"


class Monitor:
    """The figures of one server. ``workers`` tells how many worker processes run of how many should."""

    def __init__(
        self,
        home: Home,
        workers: Callable[[], tuple[int, int]] = lambda: (0, 0),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._home = home
        self._workers = workers
        self._now = now
        self._guard = threading.Lock()
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "leadline_http_requests", "Requests answered.", ("route", "method", "status"), registry=self.registry
        )
        self._latency = Histogram(
            "leadline_http_request_duration_seconds",
            "Time from a request's headers to the end of its answer.",
            ("route", "method"),
            buckets=_REQUEST_BUCKETS,
            registry=self.registry,
        )
        self._durations = _ExportDurations(home, self.registry)
        self.registry.register(_HomeFigures(home, workers, now))
        ProcessCollector(registry=self.registry)
        build = Gauge(
            "leadline_build_info", "What runs; always 1.", ("version", "definitions", "python"), registry=self.registry
        )
        build.labels(__version__, DEFINITIONS, platform.python_version()).set(1)

    def observe(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answered request; ``route`` is the template, never the path."""
        self._requests.labels(route, method, str(status)).inc()
        self._latency.labels(route, method).observe(seconds)

    def exposition(self) -> bytes:
        """All figures in Prometheus' text format."""
        with self._guard:
            self._durations.catch_up()
            return generate_latest(self.registry)

    def ready(self) -> dict[str, str]:
        """What was found good. Raises ``NotReady`` naming what is not."""
        checks: dict[str, Callable[[], str]] = {
            "database": self._database,
            "disk": self._disk,
            "workers": self._worker_processes,
        }
        good: dict[str, str] = {}
        broken: list[Detail] = []
        for name, check in checks.items():
            try:
                good[name] = check()
            except (LeadlineError, SQLAlchemyError, OSError) as error:
                if not lost(error):
                    log.warning("not ready", check=name, error=sentence(error))
                # Paths and addresses are for the log, not for whoever may ask.
                broken.append(Detail(name, "is not usable; the server's log says why"))
        if broken:
            names = ", ".join(detail.field for detail in broken)
            raise NotReady(f"Not ready: {names}", details=broken)
        return good

    def _database(self) -> str:
        all_projects(self._home.db)
        return "ok"

    def _disk(self) -> str:
        """Whether the home can be written: a little, since much may be wrong only with the writing of data."""
        with tempfile.TemporaryFile(dir=self._home.temp) as file:
            file.write(bytes(_LITTLE))
            file.flush()
        return "ok"

    def _worker_processes(self) -> str:
        running, wanted = self._workers()
        if wanted and not running:
            raise StoreError("no export worker is running that can make exports")
        return f"{running} of {wanted} running" if wanted else "none here"


class _ExportDurations:
    """A histogram of exports' durations, filled from the rows that any process finished."""

    def __init__(self, home: Home, registry: CollectorRegistry) -> None:
        self._home = home
        self._latest: datetime | None = None
        self._counted: dict[str, datetime] = {}
        self._histogram = Histogram(
            "leadline_export_duration_seconds",
            "Time from an export's creation to its end.",
            ("kind", "state"),
            buckets=_EXPORT_BUCKETS,
            registry=registry,
        )

    def catch_up(self) -> None:
        """Count what was finished since last asked."""
        since = self._latest - _OVERLAP if self._latest is not None else None
        for export in monitoring.finished_since(self._home.db, since):
            if export.id not in self._counted:
                self._counted[export.id] = export.completed_at
                self._histogram.labels(export.kind, export.state).observe(export.seconds)
                self._latest = max(self._latest or export.completed_at, export.completed_at)
        if self._latest is not None:
            oldest = self._latest - _OVERLAP
            self._counted = {name: at for name, at in self._counted.items() if at >= oldest}


class _HomeFigures(Collector):
    """Figures that are looked up when asked for."""

    def __init__(self, home: Home, workers: Callable[[], tuple[int, int]], now: Callable[[], datetime]) -> None:
        self._home = home
        self._workers = workers
        self._now = now
        self._faults = ProjectFaults("Reading the tables")

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not read the home."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The figures as of now."""
        now = self._now()
        states = jobs.counts(self._home.db)
        yield _gauge("leadline_exports", "Exports by state.", "state", states)
        oldest = monitoring.oldest_queued(self._home.db)
        waiting = GaugeMetricFamily("leadline_export_queue_seconds", "Age of the export that waits longest.")
        waiting.add_metric((), max(0.0, (now - oldest).total_seconds()) if oldest else 0.0)
        yield waiting
        workers = GaugeMetricFamily("leadline_export_workers", "Export worker processes of this server.")
        workers.add_metric((), self._workers()[0])
        yield workers
        yield _gauge(
            "leadline_inbox_rows", "Pushed rows not in the lake, by state.", "state", inbox.totals(self._home.db)
        )
        rows, changed, broken = self._tables()
        faults = GaugeMetricFamily("leadline_project_faults", "Projects whose tables cannot be read.")
        faults.add_metric((), broken)
        yield faults
        yield _gauge("leadline_table_rows", "Rows in the lake, over all projects.", "table", rows)
        ages = {table: max(0.0, now.timestamp() - at) for table, at in changed.items()}
        yield _gauge("leadline_table_lag_seconds", "Time since rows of a table last changed.", "table", ages)
        lags = {
            name: max(0.0, (now - at).total_seconds()) for name, at in monitoring.last_synced(self._home.db).items()
        }
        yield _gauge(
            "leadline_source_lag_seconds", "Time since the source furthest behind was last read.", "source", lags
        )
        states, failed = monitoring.last_runs(self._home.db)
        yield _gauge("leadline_sources", "Sources by how their last run ended.", "state", states)
        yield _gauge("leadline_source_failed_streams", "What the last runs could not read.", "source", failed)
        yield from self._by_itself()
        if self._home.settings.cluster is not None:
            yield from self._computed()

    def _computed(self) -> Iterator[Metric]:
        """Who computed what is kept, where a cluster computes, too."""
        found = computed_by([project.computed for project in self._home.projects()])
        tables, seconds = {row.who: row.tables for row in found}, {row.who: row.seconds for row in found}
        yield _gauge("leadline_computed_tables", "Stored tables that are kept, by who computed them.", "by", tables)
        yield _gauge("leadline_computed_seconds", "Time that computing these took.", "by", seconds)

    def _by_itself(self) -> Iterator[Metric]:
        """What leaves by itself: exports on their schedules, and what others are told."""
        states = monitoring.scheduled(self._home.db)
        yield _gauge("leadline_schedules", "Schedules of exports by how their last run ended.", "state", states)
        yield _gauge(
            "leadline_webhooks", "Endpoints that are told of events.", "state", monitoring.endpoints(self._home.db)
        )
        waiting = GaugeMetricFamily("leadline_webhook_messages", "Messages that no endpoint has taken yet.")
        waiting.add_metric((), monitoring.messages(self._home.db))
        yield waiting

    def _tables(self) -> tuple[dict[str, int], dict[str, float], int]:
        """Rows per table and when each last got a commit, of all projects that can be read; and how many cannot."""
        rows: dict[str, int] = {}
        changed: dict[str, float] = {}
        readable = 0
        projects = self._home.projects()
        for project in projects:
            with self._faults.kept_apart(project):
                snapshot = project.lake.snapshot()
                readable += 1
                for table, count in snapshot.row_counts().items():
                    rows[table] = rows.get(table, 0) + count
                    commit = project.lake.committed(table, snapshot.versions[table])
                    changed[table] = max(changed.get(table, 0.0), commit)
        return rows, changed, len(projects) - readable


def _gauge(name: str, doc: str, label: str, values: dict[str, int] | dict[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, doc, labels=(label,))
    for value in sorted(values):
        family.add_metric((value,), values[value])
    return family
