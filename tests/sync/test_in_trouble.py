"""What is kept and told of a run by schedule when the tool answers little more than its overview: of every kind of source."""

from __future__ import annotations

import pytest

from leadline.db import monitoring, sources
from leadline.home import Project
from leadline.sources.kit.kinds import KINDS
from leadline.sources.kit.settings import SourceSettings, checked
from leadline.sync.run import SyncRun
from leadline.sync.schedule import due, run_if_due
from leadline.sync.source import SourceResult
from stubs.server import SERVER_ERROR, Tool, serving

from .harness import Syncer
from .scenarios import GITHUB, SCENARIOS


def scheduled(project: Project, settings: SourceSettings, token: str = "") -> SourceResult:
    """The run that a server makes of a source that was added."""
    sources.add(project.db, project.id, settings.name, settings.kind, settings.stored(), SyncRun(project).now())
    done = run_if_due(
        SyncRun(project),
        settings.name,
        environ={KINDS[settings.kind].secret_env: token},
        wait=lambda _: None,
        chance=lambda: 0.5,
    )
    assert done is not None
    return done


def assert_failed(project: Project, done: SourceResult) -> None:
    assert done.error is not None
    assert "502" in done.error.message
    (row,) = sources.listed(project.db, project.id)
    assert row.outcome is not None
    assert (row.outcome["state"], row.succeeded_at) == ("failed", None)
    states, _ = monitoring.last_runs(project.db)
    assert states == {"done": 0, "incomplete": 0, "failed": 1}
    assert due(project, SyncRun(project).now()) == []


def test_every_kind_is_tried() -> None:
    tried = {scenario.kind for scenario in SCENARIOS.values() if scenario.is_overview}
    assert tried | {"git"} == KINDS.keys()


@pytest.mark.parametrize("name", [name for name, scenario in SCENARIOS.items() if scenario.is_overview])
def test_a_tool_that_answers_only_its_overview_has_failed(project: Project, name: str) -> None:
    scenario = SCENARIOS[name]
    is_overview = scenario.is_overview
    assert is_overview is not None
    tool: Tool = scenario.small()
    tool.faults = lambda request: None if is_overview(request) else SERVER_ERROR
    with serving(tool) as url:
        settings = Syncer(project, tool, url, scenario).settings()
        assert_failed(project, scheduled(project, settings, scenario.token))


def test_a_git_server_in_trouble_has_failed(project: Project) -> None:
    tool = Tool()
    tool.faults = lambda _: SERVER_ERROR
    with serving(tool) as url:
        (settings,) = checked(SourceSettings("git", targets=(f"{url}/acme/shop.git",)))
        assert_failed(project, scheduled(project, settings))
    assert len(tool.requests) < 5


def test_what_could_not_be_read_is_told_and_read_by_the_next_run(project: Project) -> None:
    tool = GITHUB.small()
    tool.faults = lambda request: SERVER_ERROR if request.path.endswith("/acme/shop/actions/runs") else None
    with serving(tool) as url:
        sync = Syncer(project, tool, url, GITHUB)
        done = scheduled(project, sync.settings(), GITHUB.token)
        assert done.error is None
        (row,) = sources.listed(project.db, project.id)
        assert row.outcome is not None
        assert (row.outcome["state"], row.outcome["failedCount"], row.succeeded_at) == ("incomplete", 1, None)
        (failed,) = row.outcome["failed"]
        assert "acme/shop" in failed["what"]
        assert "502" in failed["why"]
        assert monitoring.last_runs(project.db) == ({"done": 0, "incomplete": 1, "failed": 0}, {"github": 1})
        assert {build["repository"] for build in sync.rows("builds")} == {"acme/web"}
        tool.faults = lambda _: None
        sync.good()
        assert {build["repository"] for build in sync.rows("builds")} == {"acme/shop", "acme/web"}
        (row,) = sources.listed(project.db, project.id)
        assert (row.succeeded_at, (row.outcome or {})["failedCount"]) == (row.finished_at, 0)
        assert monitoring.last_runs(project.db) == ({"done": 1, "incomplete": 0, "failed": 0}, {"github": 0})
