"""What the tests of all connectors share: a stub synced into a project as a source's run does it, and runs that are cut.

A ``Scenario`` says of a tool what the tests need to know of it (``scenarios`` has one for each); a ``Syncer`` runs its source
and looks at the rows. The fixtures are in ``conftest``, what holds of every tool in ``test_every_connector``.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields, replace
from typing import Any

from leadline.engine import Engine
from leadline.home import Project
from leadline.schema import TABLES
from leadline.sources.kit.kinds import KINDS
from leadline.sources.kit.page import Source
from leadline.sources.kit.settings import Folders, SourceSettings, checked, connected
from leadline.sync.run import SyncRun
from leadline.sync.source import SourceResult, run_source
from stubs.server import PASSING, Fault, Request, Tool

Rows = dict[str, list[dict[str, Any]]]
"""By table, every cell as text; the tool's address, whose port is another every time, is ``tool``."""


@dataclass(frozen=True)
class Mistake:
    """A run that cannot be: what is asked for, with which token, and what its error says."""

    says: str
    token: str
    targets: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Scenario:
    """A tool, and what is expected of its connector.

    ``small`` makes a stub with a little of everything; ``tables`` are those that it fills; ``token``, ``targets`` and
    ``options`` are what it is read with.
    """

    kind: str
    small: Callable[[], Any]
    tables: tuple[str, ...]
    token: str
    targets: tuple[str, ...] = ()
    options: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)

    passing: Mapping[str, Fault] = field(default_factory=lambda: PASSING)
    """Troubles after which the same request is answered well."""
    login_page: str = "text/html instead of JSON"
    """What a run says of a tool that answers every request with a login page."""
    mistakes: tuple[Mistake, ...] = ()
    limit: tuple[int, float, float] | None = None
    """Requests until the rate limit is used up; the shortest and longest wait for it, in seconds."""
    goes_down: tuple[int, str, int] = (0, "", 0)
    """After how many requests the tool is gone, and the table that then has at least so many rows."""

    is_overview: Callable[[Request], bool] | None = None
    """Whether a request asks for what tells whether anything is new; None: no request does."""

    grow: Callable[[Any], object] = lambda _tool: None
    """Adds so much to the small stub that it is read in many pages."""
    small_pages: tuple[str, int] | None = None
    """A constant that is changed where a run is cut, so that there are many pages."""
    first_cut: int = 2
    """A run is cut after this page or the next one."""
    least_cuts: int = 1
    most_cuts: int = 60
    """After so many cuts none follows: where a run has pages however often it was run before, it would never get through."""
    nothing_twice: bool = True
    """Whether runs that are cut deliver nothing a second time."""
    batch: int = 1
    """Rows that are delivered at a time where a run ends between its delivery and its cursor."""

    many: Callable[[Any], object] = lambda _tool: None
    """Adds many things to the small stub, none of which may cost anything when nothing is new."""
    nothing_new: tuple[str, ...] = ()
    """The last parts of the paths that are asked for when nothing is new."""
    again: int = 0
    """Records of a run when nothing is new."""


_RUN = {declared.name for declared in fields(SyncRun)}


class Syncer:
    """Syncs a tool into a project, and looks at what is there."""

    def __init__(self, project: Project, tool: Tool, url: str, scenario: Scenario) -> None:
        self.project, self.tool, self.url, self.scenario = project, tool, url, scenario
        self.token = scenario.token
        self.waits: list[float] = []

    def settings(self, *targets: str, **options: str | Sequence[str] | None) -> SourceSettings:
        """The source's settings: those of the scenario, but for what is given. An option that is None is not given."""
        kind = KINDS[self.scenario.kind]
        given = {**self.scenario.options, **{name.replace("_", "-"): value for name, value in options.items()}}
        texts = {name: (value,) if isinstance(value, str) else tuple(value) for name, value in given.items() if value}
        named = targets or self.scenario.targets
        settings = SourceSettings(kind.name, targets=named, url=self.url, options=texts)
        if not kind.url:
            settings = replace(settings, targets=tuple(self.url + target for target in named), url=None)
        (done,) = checked(settings)
        return done

    def __call__(self, *targets: str, token: str | None = None, **changes: Any) -> SourceResult:
        """Run the source. ``changes`` are of the run (``progress``, ``rows_at_a_time``) or options of the source."""
        run = SyncRun(self.project)
        return run_source(
            replace(run, **{name: value for name, value in changes.items() if name in _RUN}),
            self.settings(*targets, **{name: value for name, value in changes.items() if name not in _RUN}),
            environ={KINDS[self.scenario.kind].secret_env: self.token if token is None else token},
            wait=self.waits.append,
            chance=lambda: 0.5,
        )

    def connected(self, *targets: str) -> AbstractContextManager[Source]:
        """The connector itself, for as long as a ``with`` block runs."""
        folders = Folders(self.project.temp, self.project.clones)
        return connected(self.settings(*targets), folders, environ={KINDS[self.scenario.kind].secret_env: self.token})

    def good(self, *targets: str, **changes: Any) -> SourceResult:
        """Run the source, which ends well and leaves nothing out."""
        done = self(*targets, **changes)
        assert done.error is None, done.error
        assert done.result.skipped == ()
        return done

    def requests(self, *targets: str, **changes: Any) -> list[Request]:
        """What a good run asks for."""
        before = len(self.tool.requests)
        self.good(*targets, **changes)
        return self.tool.requests[before:]

    def calls(self, *targets: str, **changes: Any) -> int:
        """How many requests a good run makes."""
        return len(self.requests(*targets, **changes))

    def tables(self, names: Sequence[str] | None = None) -> Rows:
        """What is in the scenario's tables, or in those named."""
        return contents(self.project, self.scenario.tables if names is None else names)

    def rows(self, table: str) -> list[dict[str, Any]]:
        return self.tables([table])[table]

    def beside(self) -> Syncer:
        """The same source, synced into another project of the home."""
        return Syncer(self.project.home.project("default", "beside", create=True), self.tool, self.url, self.scenario)


def contents(project: Project, names: Sequence[str]) -> Rows:
    """The rows of some tables, in the order of their keys."""
    rows: Rows = {}
    with Engine(temp_dir=project.home.temp) as engine:
        engine.bind_snapshot(project.lake.snapshot(), names)
        for name in names:
            key = ", ".join(f'"{column}"' for column in TABLES[name].key)
            rows[name] = engine.arrow(f"SELECT COLUMNS(*)::VARCHAR FROM {name} ORDER BY {key}").to_pylist()
    for row in (row for table in rows.values() for row in table):
        row.update({column: re.sub(r"127\.0\.0\.1:\d+", "tool", value) for column, value in row.items() if value})
    return rows


# -- runs that are cut -------------------------------------------------------------------------------------------------


def after_pages(number: int, records: list[int] | None = None) -> Callable[[str, int], None]:
    """Progress that cuts a run at its page ``number``; ``records`` gets how many were delivered with each page."""
    pages = 0

    def cut(_subject: str, so_far: int) -> None:
        nonlocal pages
        pages += 1
        if records is not None:
            records.append(so_far)
        if pages >= number:
            raise KeyboardInterrupt

    return cut


def after_records(number: int) -> Callable[[str, int], None]:
    """Progress that cuts a run once ``number`` records were read."""

    def cut(_subject: str, so_far: int) -> None:
        if so_far >= number:
            raise KeyboardInterrupt

    return cut


def cut_until_through(sync: Syncer, *targets: str, most: int = 60, **changes: Any) -> tuple[int, int]:
    """Run the source, cut after a page or two, again and again until it gets through: how many runs were cut, and how many
    records all of them delivered. After ``most`` cuts none follows."""
    cuts = delivered = 0
    while True:
        records: list[int] = []
        page = sync.scenario.first_cut + cuts % 2 if cuts < most else 1_000_000
        try:
            sync.good(*targets, progress=after_pages(page, records), rows_at_a_time=1, **changes)
            return cuts, delivered + (records[-1] if records else 0)
        except KeyboardInterrupt:
            cuts += 1
            delivered += records[-1]


def at_once(*syncers: Syncer) -> list[SourceResult]:
    """What good runs that are started at the same time bring."""
    results: list[SourceResult] = []
    threads = [threading.Thread(target=lambda sync=sync: results.append(sync.good())) for sync in syncers]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return results


def each_once(tool: Tool, fault: Fault | Callable[[Request], Fault | None]) -> set[str]:
    """Every request to ``tool`` meets the fault once, and is answered when it is made again. Requests that met it."""
    spoilt: set[str] = set()

    def spoil(request: Request) -> Fault | None:
        if request.asked in spoilt:
            return None
        spoilt.add(request.asked)
        return fault if isinstance(fault, Fault) else fault(request)

    tool.faults = spoil
    return spoilt
