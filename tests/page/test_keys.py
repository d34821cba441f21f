"""The screen Keys: a key is shown once, limited and revoked; who is signed in is seen and can be signed out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, expect

from api.serving import Served, fill, serving
from leadline.administration import keys
from leadline.administration.keys import KeyShown
from leadline.db import sessions
from leadline.home import Home
from leadline.page.install import install
from leadline.page.screens.keys import MOST

from .accessibility import faults
from .browsing import Browsing, fields
from .windows import WIDTHS, look, window

NEW = "/keys/new"


@pytest.fixture
def running(home: Home) -> Iterator[Served]:
    """A server of a small organization, whose keys are changed."""
    fill(home.project(), home.temp)
    with serving(home, workers=0, faces=[install]) as served:
        yield served


@pytest.fixture
def owner(running: Served) -> Browsing:
    return Browsing(running.base).signed_in(running.keys["admin"])


def listed(served: Served) -> dict[str, KeyShown]:
    return {key.name: key for key in keys.listed(served.home.project(), datetime.now(UTC))}


def test_a_key_is_shown_once_limited_and_revoked(chromium: Browser, running: Served) -> None:
    with window(chromium, running) as page:
        page.goto("/keys")
        page.get_by_role("link", name="New key").click()
        page.get_by_label("Name").fill("Dashboard of Platform")
        page.get_by_label("Days until it expires").fill("90")
        page.get_by_label("Search teams").fill("platform")
        expect(page.get_by_label("Engineering", exact=True)).not_to_be_visible()
        page.get_by_label("Engineering/Platform", exact=True).check()
        page.get_by_role("button", name="Make the key").click()
        text = page.locator(".copied code").inner_text()
        expect(page.get_by_role("button", name="Copy the key")).to_be_visible()
        assert re.fullmatch("ll_[0-9a-f]{12}_[0-9a-f]{64}", text)
        page.reload()  # makes no second one
        page.get_by_role("link", name="Dashboard of Platform").wait_for()
        assert text not in page.content()
        assert len(listed(running)) == 4
        row = page.get_by_role("row", name="Dashboard of Platform")
        expect(row).to_contain_text("Engineering/Platform")
        expect(row).to_contain_text("until")
        page.get_by_role("link", name="Dashboard of Platform").click()
        expect(page.get_by_label("Engineering/Platform", exact=True)).to_be_checked()
        page.get_by_label("Rows of teams alone").check()
        page.get_by_role("button", name="Save").click()
        expect(row).to_contain_text("no developers")
        viewer = Browsing(running.base).signed_in(text)
        page.get_by_role("link", name="Dashboard of Platform").first.click()
        page.get_by_role("button", name="Revoke the key").click()
        expect(row).to_contain_text("revoked")
        assert viewer.get("/docs").status_code == 303
        page.get_by_role("link", name="Dashboard of Platform").click()
        expect(page.get_by_role("button")).to_have_count(2)  # of signing out


def test_what_cannot_be_is_said_and_nothing_typed_is_lost(running: Served, owner: Browsing) -> None:
    token = owner.form_token()
    wrong = (
        ({"name": "ci", "role": "ingestion", "no_developers": "yes"}, "A key of the role ingestion cannot be limited"),
        ({"name": "ci", "role": "viewer", "team": "nobody"}, "there is no team &#34;nobody&#34;"),
        ({"name": "ci", "role": "viewer", "days": "soon"}, "it must be a whole number of days"),
        ({"name": " ", "role": "viewer", "team": "1"}, "A key cannot be named"),
        ({"name": "ci", "role": "owner"}, "There is no role"),
    )
    for sent, says in wrong:
        answer = owner.post(NEW, {"form_token": token, **sent})
        assert answer.status_code == 400
        assert says in answer.text
        assert all(f'value="{text}"' in answer.text for name, text in sent.items() if name in ("name", "days"))
        assert "team" not in sent or f'value="{sent["team"]}"' in answer.text
    assert len(listed(running)) == 3


def test_limits_that_cannot_be_leave_a_key_as_it_is(running: Served, owner: Browsing) -> None:
    viewer = listed(running)["a viewer"]
    address, token = f"/keys/{viewer.id}/limits", owner.form_token()
    answer = owner.post(address, {"form_token": token, "team": "1, nobody", "no_developers": "yes"})
    assert answer.status_code == 400
    assert 'value="1" checked' in answer.text
    assert 'value="nobody"' in answer.text
    assert listed(running)["a viewer"].teams is None
    assert owner.post(address, {"form_token": token, "team": "1"}).status_code == 303
    assert listed(running)["a viewer"].teams == [1]
    assert owner.post(address, {"form_token": token}).status_code == 303
    assert listed(running)["a viewer"].teams is None
    for path in ("/keys/key_1", "/keys/key_%00"):
        assert owner.get(path).status_code == 404
        for act in ("limits", "revoke"):
            assert owner.post(f"{path}/{act}", {"form_token": token}).status_code == 404


def test_a_key_that_reads_nothing_has_no_limits_to_change(running: Served, owner: Browsing) -> None:
    page = owner.get(f"/keys/{listed(running)['a ingestion'].id}").text
    assert "Nothing" in page
    assert "Rows of teams alone" not in page
    assert "yours too" in owner.get(f"/keys/{listed(running)['a admin'].id}").text


def test_sessions_are_ended_one_by_one_or_all_but_ones_own(running: Served, owner: Browsing) -> None:
    first, second, third = (Browsing(running.base).signed_in(running.keys["viewer"]) for _ in range(3))
    page = owner.get("/keys").text
    assert page.count("of a viewer since") == 3
    assert page.count("this browser") == 1
    sent = {"form_token": owner.form_token(), "session": sessions.hash_of(first.token)}
    assert owner.post("/keys/sessions/end", sent).status_code == 303
    assert [browsing.get("/docs").status_code for browsing in (first, second, third)] == [303, 200, 200]
    assert owner.post("/keys/sessions/end", {"form_token": sent["form_token"]}).status_code == 303
    assert [browsing.get("/docs").status_code for browsing in (second, third, owner)] == [303, 303, 200]
    assert owner.post("/keys/sessions/end", {**sent, "session": sessions.hash_of(owner.token)}).status_code == 303
    assert owner.get("/docs").status_code == 303


def test_of_many_keys_and_sessions_some_are_shown(running: Served, owner: Browsing) -> None:
    project, now = running.home.project(), datetime.now(UTC)
    assert "Search keys" not in owner.get("/keys").text
    for n in range(MOST + 5):
        made = keys.create(project, f"program {n:03}", "viewer", now=now)
        sessions.create(project.db, sessions.SignedIn(project.id, made.id, made.name, "viewer", made.id), now)
    page = owner.get("/keys").text
    assert f"{MOST} of {MOST + 8} keys" in page
    assert f"{MOST} of {MOST + 6} sessions" in page
    found = owner.get("/keys?q=PROGRAM+204").text
    assert "program 204" in found
    assert ">program 203<" not in found.split("Signed in to the page")[0]
    assert "No key has these words" in owner.get("/keys?q=xyzzy").text


def test_only_sessions_of_the_project_are_listed_and_ended(database_home: Home) -> None:
    """On both databases; neither one that is over nor one whose key is."""
    now = datetime.now(UTC)
    mine, theirs = database_home.project(), database_home.project("acme", "web", create=True)
    db = database_home.db
    good, expired, revoked = (
        keys.create(mine, name, "viewer", now=now, expires_days=1 if name == "expired" else None)
        for name in ("good", "expired", "revoked")
    )
    for made in (good, expired, revoked):
        who = sessions.SignedIn(mine.id, made.id, made.name, "viewer", made.id)
        sessions.create(db, who, now)
    sessions.create(db, sessions.of_link(mine.id), now)
    other = sessions.create(db, sessions.of_link(theirs.id), now)
    keys.revoke(mine, revoked.id, now=now)
    later = now + timedelta(hours=1)
    assert {session.name for session in sessions.listed(db, mine.id, later)} == {
        "good",
        "expired",
        "Owner of this home",
    }
    assert sessions.listed(db, mine.id, now + timedelta(hours=13)) == []
    assert sessions.end_of_project(db, mine.id, only=sessions.hash_of(other)) == 0
    assert sessions.end_of_project(db, mine.id) == 4
    assert len(sessions.listed(db, theirs.id, later)) == 1


def test_they_are_for_admins_alone(running: Served) -> None:
    browsing = Browsing(running.base).signed_in(running.keys["viewer"])
    admin = listed(running)["a admin"].id
    for path in ("/keys", NEW, f"/keys/{admin}"):
        assert browsing.get(path).status_code == 403
    token = browsing.form_token()
    for path in (NEW, f"/keys/{admin}/limits", f"/keys/{admin}/revoke", "/keys/sessions/end"):
        assert browsing.post(path, {"form_token": token, "name": "x", "role": "admin"}).status_code == 403
    assert len(listed(running)) == 3
    assert browsing.get("/docs").status_code == 200


def test_a_form_of_another_session_makes_no_key(running: Served, owner: Browsing) -> None:
    other = Browsing(running.base).signed_in(running.keys["admin"])
    sent = {**fields(other.get(NEW).text, NEW), "name": "x", "role": "admin"}
    assert owner.post(NEW, sent).status_code == 403
    assert owner.post(NEW, {**sent, "form_token": owner.form_token()}, origin="http://elsewhere").status_code == 403
    assert len(listed(running)) == 3


@pytest.mark.parametrize("path", [NEW, "/keys/{viewer}", "made"])
def test_its_pages_are_accessible_and_fit(chromium: Browser, running: Served, path: str) -> None:
    with window(chromium, running) as page:
        if path == "made":
            page.goto(NEW)
            page.get_by_label("Name").fill("one")
            page.get_by_role("button", name="Make the key").click()
            page.locator(".copied code").wait_for()
        else:
            look(page, path.format(viewer=listed(running)["a viewer"].id))
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert faults(page) == [], width
