"""Sources: from the form to rows, against a stub of the tool; what cannot be, what somebody may not, and a session that ends in the
middle of the form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, expect

from api.serving import Served, eventually, serving
from leadline.db import keys, sources
from leadline.home import Home
from leadline.page.install import install
from leadline.service.scheduler import Scheduler
from leadline.sources.kit.kinds import KINDS
from stubs import pagerduty
from stubs import server as stub

from .accessibility import faults
from .browsing import Browsing, fields
from .windows import WIDTHS, window

NOW = datetime.now(UTC)


@pytest.fixture
def served(home: Home) -> Iterator[Served]:
    """A server of an empty home."""
    with serving(home, workers=0, faces=[install]) as running:
        yield running


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a tool of which the server has the token."""
    monkeypatch.setenv("PAGERDUTY_TOKEN", pagerduty.TOKEN)
    shop = pagerduty.service(1, "Shop")
    with stub.serving(pagerduty.PagerDuty(services=[shop], incidents=[pagerduty.incident(1, shop, 1)])) as address:
        yield address


@pytest.fixture
def signed_in(served: Served) -> Browsing:
    return Browsing(served.base).signed_in(served.keys["admin"])


def token(browsing: Browsing) -> str:
    return fields(browsing.get("/sources").text, "/sign-out")["form_token"]


def add(browsing: Browsing, **said: str) -> str:
    """The address of the source that was added."""
    answer = browsing.post("/sources/new", {"form_token": token(browsing), "kind": "pagerduty", "every": "off", **said})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def started(served: Served) -> datetime:
    """When the run of the source began that was last."""
    (row,) = sources.listed(served.home.db, served.home.project().id)
    assert row.started_at is not None
    return row.started_at


def test_from_the_form_to_rows(chromium: Browser, served: Served, url: str) -> None:
    scheduler = Scheduler(served.home, 1, look_seconds=0.1)
    with window(chromium, served) as page:
        page.goto("/sources")
        page.get_by_role("link", name="New source").first.click()
        page.get_by_role("link", name="PagerDuty").click()
        page.get_by_label("Address").fill(url)
        page.get_by_label("What to read").fill("Sh*")
        page.get_by_label("How often it is run").select_option("off")
        page.get_by_role("button", name="Add the source").click()
        page.get_by_text("not run yet").wait_for()
        page.get_by_role("button", name="Test the connection").click()
        expect(page.locator("#connection")).to_contain_text("1 services can be read")
        expect(page.locator("#connection li")).to_have_text(["Shop"])
        page.get_by_role("button", name="Run now").click()
        page.get_by_text("waits to be run").wait_for()
        scheduler.start()
        try:
            page.locator("dd [role=status]", has_text="done").wait_for()  # nobody loads the page anew
            expect(page.get_by_role("row", name="incidents")).to_contain_text("1")
            first = started(served)
            page.get_by_role("button", name="Run now").click()
            eventually(lambda: started(served) > first, 50)  # sooner than what ended badly is begun again
            page.locator("dd [role=status]", has_text="done").wait_for()
        finally:
            scheduler.stop(10)
        page.locator("summary", has_text="Remove").click()
        page.get_by_role("button", name="Remove pagerduty").click()
        page.get_by_text("No sources yet").wait_for()
    assert served.home.project().lake.snapshot().row_counts()["incidents"] == 1


def test_everything_works_without_scripts(chromium: Browser, served: Served, url: str) -> None:
    with window(chromium, served, java_script_enabled=False) as page:
        page.goto("/sources/new?kind=pagerduty")
        page.get_by_label("Address").fill(url)
        page.get_by_label("How often it is run").select_option("off")
        page.get_by_role("button", name="Add the source").click()
        page.get_by_role("button", name="Run now").click()
        expect(page.locator("main")).to_contain_text("waits to be run")
        page.goto("/sources")
        expect(page.get_by_role("row", name="pagerduty")).to_contain_text("waits to be run")


@pytest.mark.parametrize(
    ("kind", "said", "field", "says"),
    [
        ("pagerduty", {"url": "ftp://x", "targets": "a\nb"}, "url", "“Address” cannot be"),
        ("jira", {"url": "https://x.atlassian.net"}, "options.user", "give “User”"),
        ("github", {"targets": "a b", "options.deploys": "x"}, "targets", "names no repositories"),
        ("github", {"targets": "acme", "token.env": "HOME"}, "token.env", "no variable for this secret"),
        ("pagerduty", {"token.file": "../x"}, "token.file", "no name of such a file"),
        ("pagerduty", {"every": "1w", "name": "duty"}, "every", "every cannot be"),
        ("pagerduty", {"name": "a/b"}, "name", "without /"),
        ("git", {"targets": "/etc"}, "targets", "no address of a server"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field_and_stays_typed(
    signed_in: Browsing, kind: str, said: dict[str, str], field: str, says: str
) -> None:
    answer = signed_in.post("/sources/new", {"form_token": token(signed_in), "kind": kind, **said})
    assert answer.status_code == 400
    assert says in answer.text
    assert f'<a href="/sources/new?kind={kind}" aria-current="true"' in answer.text
    wrong = re.search(rf'<(?:input|textarea) id="field-{re.escape(field)}"[^>]*>', answer.text)
    assert field == "every" or (wrong is not None and 'aria-invalid="true"' in wrong[0])
    for text in (line for name, value in said.items() if name != "every" for line in value.splitlines()):
        assert re.search(rf'(?:value="|>\n|^){re.escape(text)}', answer.text, re.MULTILINE)
    assert "No sources yet" in signed_in.get("/sources").text


def test_a_name_that_is_taken(signed_in: Browsing) -> None:
    add(signed_in, name="duty")
    answer = signed_in.post("/sources/new", {"form_token": token(signed_in), "kind": "pagerduty", "name": "duty"})
    assert answer.status_code == 409
    assert "There is a source &#39;duty&#39; already" in answer.text


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_form(signed_in: Browsing, kind: str) -> None:
    text = signed_in.get(f"/sources/new?kind={kind}").text
    declared = KINDS[kind]
    for option in declared.options:
        assert f'name="options.{option.name}"' in text
    assert ('name="url"' in text) == bool(declared.url)
    assert ('name="token.env"' in text) == bool(declared.secret_env)
    assert ('name="webhookSecret.env"' in text) == declared.webhooks


def test_where_several_projects_are_in_use_a_secret_is_a_file(served: Served, signed_in: Browsing) -> None:
    other = served.home.project("other", "other", create=True)
    assert 'name="token.env"' in signed_in.get("/sources/new?kind=github").text
    keys.create(other.db, other.id, "theirs", "viewer", now=NOW)
    text = signed_in.get("/sources/new?kind=github").text
    assert 'name="token.env"' not in text
    assert 'name="token.file"' in text
    answer = signed_in.post("/sources/new", {"form_token": token(signed_in), "kind": "github", "targets": "acme"})
    assert answer.status_code == 400
    assert 'id="field-token.file" name="token.file" type="text" value=""' in answer.text
    assert "several projects" in answer.text


def test_a_session_that_ends_in_the_middle_of_the_form(chromium: Browser, served: Served, url: str) -> None:
    with window(chromium, served) as page:
        page.goto("/sources/new?kind=pagerduty")
        page.get_by_label("Address").fill(url)
        page.get_by_label("What to read").fill("Sh*\nTill")
        page.get_by_label("Name").fill("kept")
        page.get_by_label("How often it is run").select_option("off")
        page.context.clear_cookies()
        page.get_by_role("button", name="Add the source").click()
        page.get_by_label("Key").fill(served.keys["admin"])
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Send it").click()
        page.get_by_role("heading", name="kept").wait_for()
        expect(page.locator("main")).to_contain_text("Sh*, Till")


def test_no_secret_is_shown(signed_in: Browsing, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = add(signed_in, url=url)
    assert "The connection works" in signed_in.post(made, {"form_token": token(signed_in), "do": "test"}).text
    monkeypatch.setenv("PAGERDUTY_TOKEN", "u+wrong0123456789")
    refused = signed_in.post(made, {"form_token": token(signed_in), "do": "test"})
    assert "PAGERDUTY_TOKEN" in refused.text
    for text in (refused.text, signed_in.get(made).text, signed_in.get("/sources").text):
        assert "u+wrong0123456789" not in text
        assert pagerduty.TOKEN not in text


@pytest.mark.parametrize(
    ("organization", "project", "query"),
    [("default", "default", ""), ("acme", "web", "?organization=acme&amp;project=web")],
)
def test_the_address_of_webhooks_is_told(served: Served, organization: str, project: str, query: str) -> None:
    made = served.home.project(organization, project, create=True)
    settings = {"targets": ["acme"], "every": 0, "webhook_secret": {"env": "GITHUB_WEBHOOK_SECRET"}}
    sources.add(made.db, made.id, "a b:c", "github", settings, NOW)
    (row,) = sources.listed(made.db, made.id)
    key = keys.create(made.db, made.id, "another", "admin", now=NOW).key
    text = Browsing(served.base).signed_in(key).get(f"/sources/{row.id}").text
    assert f"<code>{served.base}/v1/webhooks/a%20b:c{query}</code>" in text


def test_it_is_for_admins(served: Served, signed_in: Browsing) -> None:
    made = add(signed_in)
    viewer = Browsing(served.base).signed_in(served.keys["viewer"])
    for path in ("/sources", "/sources/new", made):
        assert viewer.get(path).status_code == 403
    sent = {"form_token": viewer.form_token(), "kind": "pagerduty", "do": "remove"}
    for path in ("/sources/new", made):
        assert viewer.post(path, sent).status_code == 403
    assert signed_in.get(made).status_code == 200


@pytest.mark.parametrize("name", ["nope", "0", "99999999999999999999", "-1"])
def test_a_source_that_there_is_not(signed_in: Browsing, name: str) -> None:
    assert signed_in.get(f"/sources/{name}").status_code == 404


def test_nothing_is_done_unasked_or_twice(signed_in: Browsing) -> None:
    made = add(signed_in)
    for do, status in (("", 400), ("reboot", 400), ("remove", 303), ("remove", 404), ("run", 404), ("test", 404)):
        answer = signed_in.post(made, {"form_token": token(signed_in), "do": do})
        assert answer.status_code == status, do
    assert signed_in.post(made, {"do": "remove", "form_token": "x"}).status_code == 403
    assert signed_in.get("/sources/x").status_code == 404


def test_a_connection_that_does_not_work_says_why(signed_in: Browsing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAGERDUTY_TOKEN", raising=False)
    answer = signed_in.post(add(signed_in), {"form_token": token(signed_in), "do": "test"})
    assert answer.status_code == 200
    assert "The connection does not work." in answer.text
    assert "No token in the variable PAGERDUTY_TOKEN" in answer.text


def test_its_pages_are_accessible_and_fit_at_every_width(chromium: Browser, served: Served) -> None:
    project = served.home.project()
    settings = {"targets": ["acme/" + "x" * 80], "every": 900, "secret": {"file": "/run/" + "secret" * 20}}
    sources.add(project.db, project.id, "github:acme", "github", settings, NOW)
    reasons = [{"what": f"acme/{n}: {'y' * 60}", "why": "GitHub refuses it " * 9} for n in range(20)]
    outcome = {"state": "failed", "error": {"error": "It is " + "so " * 90}, "skippedCount": 900, "skipped": reasons}
    with project.lock("run") as lease:
        sources.started(project.db, project.id, "github:acme", "github", settings, NOW, under=lease)
        counts = {"tables": {"pull_requests": {"added": 1_234_567, "updated": 0}}, "failed": reasons[:2]}
        sources.finished(project.db, project.id, "github:acme", {**outcome, **counts}, NOW, good=False, under=lease)
    with window(chromium, served) as page:
        for path in ("/sources", "/sources/1", "/sources/new?kind=jira"):
            page.goto(path)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 800})
                assert faults(page) == [], (path, width)
