"""Script in any text that a tool, a file or an address brings stays text on every screen."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser

from api.serving import Served, put, serving
from leadline.db import keys, settings, sources
from leadline.home import Home, Project
from leadline.page.install import install
from leadline.page.screens import SCREENS
from leadline.people import load_org, versions

from .browsing import Browsing
from .windows import look, window

PWNED = "document.title='pwned'"
PAYLOAD = f"\"'><script>{PWNED}</script><img src=x onerror={PWNED}>{{{{7*7}}}}</script>"
PATHS = [screen.path for screen in SCREENS]
ADDRESSES = [
    *PATHS,
    *(f"{path}?{urlencode({'team': PAYLOAD, 'from': PAYLOAD, 'to': PAYLOAD, 'period': PAYLOAD})}" for path in PATHS),
    *(
        f"{path}?{urlencode({'granularity': PAYLOAD, 'aggregation': PAYLOAD, 'q': PAYLOAD, 'x': PAYLOAD})}"
        for path in PATHS
    ),
    f"/teams?{urlencode({'tree': PAYLOAD, 'q': 'script', 'back': f'/start?{PAYLOAD}'})}",
    "/sources/1",
    "/people/accounts",
    "/people/accounts?show=people",
    "/people/lists/ver_poison",
    "/people/lists/ver_wrong",
    f"/people/upload?{urlencode({'tree': PAYLOAD})}",
    f"/people/accounts?{urlencode({'show': PAYLOAD, 'mapped': PAYLOAD})}",
    f"/sources/new?{urlencode(dict.fromkeys(('kind', 'targets', 'url', 'options.app', 'token.env', 'name'), PAYLOAD))}",
    *(f"/settings/one?{urlencode({'key': key, 'of': PAYLOAD})}" for key in ("bots", "ai.agents", PAYLOAD)),
    f"/settings?{urlencode({'of': PAYLOAD, 'q': 'script', 'changed': PAYLOAD})}",
    f"/settings/one?{urlencode({'scope': 'service', 'name': PAYLOAD, 'rule': 'paths'})}",
    "/keys/new",
    f"/keys/{PAYLOAD}",
    f"/{PAYLOAD}",
    f"/docs/{PAYLOAD}",
    f"/sign-in?{urlencode({'next': PAYLOAD, 'once': PAYLOAD})}",
]
NOW = datetime.now(UTC).replace(microsecond=0)


def poison(project: Project, folder: Path) -> None:
    """Rows of the last months in which every text is the payload."""
    people = folder / "people.csv"
    with people.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["email", "full_name", "manager_email", "team"])
        writer.writerow(["ada@example.org", f"Ada {PAYLOAD}", "", ""])
        writer.writerow(["ben@example.org", f"Ben {PAYLOAD}", "ada@example.org", f"Team {PAYLOAD}"])
        writer.writerow(["cyd@example.org", f"Cyd {PAYLOAD}", "ben@example.org", f"Team {PAYLOAD}"])
    load_org(project, people, PAYLOAD, now=NOW)
    for upload_id, last in (("ver_poison", "dan@example.org"), ("ver_wrong", "no address")):
        lines = people.read_text() + f'{last},"Dan {PAYLOAD.replace(chr(34), chr(34) * 2)}",ada@example.org,T\n'
        text = lines.replace("team", '"' + PAYLOAD.replace('"', '""') + '"', 1)
        of = {"tree_name": PAYLOAD, "created_by": PAYLOAD, "now": NOW}
        versions.upload(project, text.encode(), PAYLOAD, upload_id=upload_id, **of)  # type: ignore[arg-type]
    days = [NOW - timedelta(days=20 + 9 * n) for n in range(10)]
    repository = f"org/{PAYLOAD.replace('/', '')}"
    put(
        project,
        pull_requests=[
            {
                "repository": repository,
                "number": n,
                "author": "cyd@example.org" if n else PAYLOAD,
                "title": PAYLOAD,
                "head_branch": PAYLOAD,
                "base_branch": PAYLOAD,
                "state": "merged",
                "created_at": at - timedelta(days=2),
                "merged_at": at,
                "merge_commit_sha": f"{n:040x}",
            }
            for n, at in enumerate(days)
        ],
        commits=[
            {
                "repository": repository,
                "sha": f"{n:040x}",
                "author_email": "cyd@example.org",
                "author_name": PAYLOAD,
                "message": PAYLOAD,
                "authored_at": at,
                "committed_at": at,
            }
            for n, at in enumerate(days)
        ],
        deployments=[
            {
                "deployment_id": f"{PAYLOAD}{n}",
                "repository": repository,
                "service": PAYLOAD,
                "environment": "production",
                "sha": f"{n:040x}",
                "status": "failure" if n % 3 == 0 else "success",
                "started_at": at + timedelta(hours=1),
                "finished_at": at + timedelta(hours=2),
            }
            for n, at in enumerate(days)
        ],
        incidents=[
            {
                "incident_id": f"{PAYLOAD}{n}",
                "repository": repository,
                "title": PAYLOAD,
                "created_at": at,
                "resolved_at": at + timedelta(hours=3),
            }
            for n, at in enumerate(days)
        ],
        work_items=[
            {
                "key": f"A-{n}",
                "project": "A",
                "title": PAYLOAD,
                "type": PAYLOAD,
                "status": PAYLOAD,
                "assignee": "cyd@example.org",
                "created_at": at - timedelta(days=3),
                "completed_at": at,
            }
            for n, at in enumerate(days)
        ],
    )
    settings.put(project.db, project.id, {"bots": PAYLOAD, f"service.{PAYLOAD}.paths": PAYLOAD.replace("!", "")})
    settings.put(project.db, project.id, {"ai.agents": PAYLOAD}, PAYLOAD)
    configured = {
        "targets": [PAYLOAD],
        "every": 0,
        "url": PAYLOAD,
        "options": {PAYLOAD: [PAYLOAD]},
        "secret": {"env": PAYLOAD},
    }
    sources.add(project.db, project.id, PAYLOAD, "github", configured, NOW)
    reasons = [{"what": PAYLOAD, "why": PAYLOAD}]
    outcome = {"state": "failed", "error": {"error": PAYLOAD}, "skippedCount": 1, "skipped": reasons, "failed": reasons}
    with project.lock("run") as lease:
        sources.started(project.db, project.id, PAYLOAD, "github", configured, NOW, under=lease)
        counts = {"tables": {PAYLOAD: {"added": 1, "updated": 0}}}
        sources.finished(project.db, project.id, PAYLOAD, {**outcome, **counts}, NOW, good=False, under=lease)


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("poisoned")
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("LEADLINE_DATABASE_URL", raising=False)
        home = Home.open(folder / "home")
    with home:
        poison(home.project(), folder)
        with serving(home, workers=0, faces=[install]) as running:
            project = home.project()
            running.keys["admin"] = keys.create(project.db, project.id, PAYLOAD, "admin", now=NOW).key
            yield running


@pytest.mark.parametrize("address", ADDRESSES)
def test_it_is_escaped(poisoned: Served, address: str) -> None:
    browsing = Browsing(poisoned.base).signed_in(poisoned.keys["admin"])
    answer = browsing.get(address)
    assert answer.status_code in (200, 303, 400, 401, 404)
    assert f"<script>{PWNED}" not in answer.text
    assert "<img src=x" not in answer.text


@pytest.mark.parametrize("path", PATHS)
def test_it_does_not_run(chromium: Browser, poisoned: Served, path: str) -> None:
    with window(chromium, poisoned) as page:
        look(page, path)
        assert "pwned" not in page.title()
        assert page.locator("img[src=x]").count() == 0
        for chart in page.locator("figure.chart.drawn svg").all():
            chart.hover(force=True)
        assert "pwned" not in page.title()


def test_the_poison_is_there(poisoned: Served) -> None:
    browsing = Browsing(poisoned.base).signed_in(poisoned.keys["admin"])
    assert browsing.get("/catalogue").text.count("&lt;script&gt;") >= 1  # the key's name
    teams = browsing.get("/teams", params={"tree": PAYLOAD, "q": "team"}).text
    assert teams.count("&lt;script&gt;") >= 3
    assert browsing.get("/settings").text.count("&lt;script&gt;") >= 4
    assert browsing.get("/settings/one?key=bots").text.count("&lt;script&gt;") >= 4
    assert browsing.get("/keys").text.count("&lt;script&gt;") >= 3
