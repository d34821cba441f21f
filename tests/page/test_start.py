"""Start here: every figure is what the diagnostics say, gaps have a next click, and weak data are told on every screen."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser

from api.serving import Served, eventually, fill, put, serving
from leadline.access import Access
from leadline.administration.checklist import checks, needs
from leadline.db import keys
from leadline.diagnostics.completeness import Share, completeness
from leadline.home import Home, Project
from leadline.page.data_state import weaknesses
from leadline.page.install import install

from .browsing import Browsing
from .windows import window


def test_an_empty_project_has_everything_to_do(project: Project) -> None:
    state = completeness(project)
    assert not state.has_data
    assert {line.title: line.state for line in checks(state)} == dict.fromkeys(
        (line.title for line in checks(state)), "bad"
    )
    assert weaknesses(state) == []


def test_figures_of_what_is_there(project: Project) -> None:
    fill(project, project.home.temp)
    pulls = [
        {
            "repository": "org/app",
            "number": 100 + n,
            "author": "nobody",
            "state": "merged",
            "created_at": at,
            "merged_at": at,
        }
        for n, at in enumerate([datetime(2025, 12, 1, tzinfo=UTC)] * 4)
    ]
    other = [{**row, "repository": "org/other"} for row in pulls]
    deployment = {
        "deployment_id": "d1",
        "repository": "org/app",
        "environment": "production",
        "status": "success",
        "started_at": datetime(2025, 12, 2, tzinfo=UTC),
        "finished_at": datetime(2025, 12, 2, tzinfo=UTC),
    }
    put(project, pull_requests=[*pulls, *other], deployments=[deployment])
    state = completeness(project)
    assert state.of_somebody("pull_requests") == Share(12, 20)
    assert state.of_somebody("commits") == Share(12, 12)
    assert state.deployed == Share(1, 2)
    assert state.linked == Share(0, 12)
    assert (state.deployments, state.incidents, state.trees) == (1, 0, ("Engineering",))
    assert weaknesses(state) == ["40 % of the pull requests are nobody's", "deployments of 1 repository are unknown"]
    states = {line.title: line.state for line in checks(state)}
    assert states["Commits are somebody's"] == "good"
    assert states["Pull requests are somebody's"] == "warn"
    assert states["Incidents are known"] == "bad"


def test_every_group_of_metrics_says_what_it_needs() -> None:
    by_group = {need.group: need.tables for need in needs()}
    assert "deployments" in by_group["Deployment frequency"]
    assert "incidents" in by_group["Time to restore"]
    assert all(need.tables and need.metrics for need in needs())


def test_the_page_says_it_and_weak_data_stand_on_every_screen(home: Home) -> None:
    fill(home.project(), home.temp)
    at = datetime(2025, 12, 1, tzinfo=UTC)
    pulls = [
        {
            "repository": "org/app",
            "number": 100 + n,
            "author": "nobody",
            "state": "merged",
            "created_at": at,
            "merged_at": at,
        }
        for n in range(4)
    ]
    put(home.project(), pull_requests=pulls)
    with serving(home, workers=0, faces=[install]) as running:
        browsing = Browsing(running.base).signed_in(running.keys["admin"])
        eventually(lambda: "Org tree" in browsing.get("/start").text)
        page = browsing.get("/start").text
        assert re.search(r"75 %\s*<small>12 of 16 pull requests", page)
        other = browsing.get("/teams?tree=Engineering").text
        assert "25 % of the pull requests are nobody&#39;s" in other


def test_whoever_is_limited_to_teams_sees_nothing_of_the_whole(page_server: Served) -> None:
    db, project = page_server.home.db, page_server.home.project()
    made = keys.create(db, project.id, "team", "viewer", now=datetime.now(UTC), access=Access(frozenset({2})))
    browsing = Browsing(page_server.base).signed_in(made.key)
    answer = browsing.get("/start")
    assert answer.status_code == 403
    assert "limited to teams" in answer.text


@pytest.mark.parametrize("scripts", [True, False])
def test_counting_holds_up_nobody(chromium: Browser, home: Home, scripts: bool) -> None:
    """The page is there at once; with scripts it fills itself, without it is looked at again."""
    fill(home.project(), home.temp)
    with (
        serving(home, workers=0, faces=[install]) as running,
        window(chromium, running, java_script_enabled=scripts) as page,
    ):
        page.goto("/start")
        if not scripts:
            while page.get_by_text("Look again").is_visible():
                page.get_by_text("Look again").click()
        page.get_by_role("heading", name="Org tree").wait_for()
