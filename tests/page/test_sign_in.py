"""Signing in and what could go wrong with it: fixation, replay, forgery, open redirects, guessing, sessions that end."""

from __future__ import annotations

import html
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from api.serving import Served, eventually, serving
from api.test_access_matrix import ROUTES, guards
from leadline.db import Database, keys, sessions
from leadline.db.models import sessions as table
from leadline.home import Home
from leadline.page.install import install
from leadline.page.sign_in import TooManyWrongKeys, WrongKeys, local
from leadline.page.visit import SignedInAs

from .browsing import Browsing, fields

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def fresh(home: Home) -> Iterator[Served]:
    """A server of an empty home, for tests that count or change what is stored."""
    with serving(home, workers=0, faces=[install]) as running:
        yield running


def test_who_is_not_signed_in_comes_back_to_where_they_were(browsing: Browsing, page_server: Served) -> None:
    answer = browsing.get("/start?team=1&period=last-quarter")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Fstart%3Fteam%3D1%26period%3Dlast-quarter"
    form = browsing.get(answer.headers["location"])
    back = fields(form.text, "/sign-in")["next"]
    answer = browsing.sign_in(page_server.keys["viewer"], back)
    assert (answer.status_code, answer.headers["location"]) == (303, "/start?team=1&period=last-quarter")
    assert browsing.get("/start").status_code == 200


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(browsing: Browsing, page_server: Served) -> None:
    cookie = browsing.sign_in(page_server.keys["viewer"]).headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "expires" not in cookie.lower()


def test_only_a_hash_of_the_session_is_stored(fresh: Served) -> None:
    browsing = Browsing(fresh.base).signed_in(fresh.keys["viewer"])
    (row,) = fresh.home.db.rows(sa.select(table))
    assert browsing.token not in str(row)
    assert row.hash == sessions.hash_of(browsing.token)
    assert len(browsing.token) >= 43  # 256 bits


def test_a_text_that_somebody_put_into_the_browser_becomes_no_session(fresh: Served) -> None:
    """Fixation: signing in makes a new one, and ends the one that was there."""
    browsing = Browsing(fresh.base).signed_in(fresh.keys["viewer"])
    before = browsing.token
    browsing.signed_in(fresh.keys["admin"])
    assert browsing.token != before
    other = Browsing(fresh.base)
    name = next(cookie.name for cookie in browsing.http.cookies.jar)
    for planted in (before, "a" * 43):
        other.http.cookies.set(name, planted)
        assert other.get("/start").status_code == 303
    answer = other.sign_in(fresh.keys["viewer"])
    assert "a" * 43 not in answer.headers["set-cookie"]


def test_signing_out_ends_the_session_and_everywhere_ends_all(fresh: Served) -> None:
    first, second, third = (Browsing(fresh.base).signed_in(fresh.keys["viewer"]) for _ in range(3))
    other = Browsing(fresh.base).signed_in(fresh.keys["admin"])
    kept = first.token
    assert first.post("/sign-out", {"form_token": first.form_token()}).status_code == 303
    first.http.cookies.set(f"leadline_session_{first.http.base_url.port}", kept)
    assert first.get("/start").status_code == 303  # a replay of the cookie
    assert second.get("/start").status_code == 200
    assert second.post("/sign-out", {"form_token": second.form_token(), "everywhere": "yes"}).status_code == 303
    assert third.get("/start").status_code == 303
    assert other.get("/start").status_code == 200


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_a_key_that_ends_takes_its_sessions_along(fresh: Served, end: str) -> None:
    db, project = fresh.home.db, fresh.home.project()
    now = datetime.now(UTC)
    expires = now + timedelta(seconds=2) if end == "expired" else None
    made = keys.create(db, project.id, "short", "viewer", now=now, expires_at=expires)
    browsing = Browsing(fresh.base).signed_in(made.key)
    if end == "revoked":
        keys.revoke(db, project.id, made.id, now=now)
    assert eventually(lambda: browsing.get("/start").status_code == 303, seconds=20)


def test_signing_in_is_a_use_of_the_key(fresh: Served) -> None:
    project = fresh.home.project()
    Browsing(fresh.base).signed_in(fresh.keys["viewer"])
    used = {key.role: key.last_used_at is not None for key in keys.listed(project.db, project.id)}
    assert used == {"admin": False, "viewer": True, "ingestion": False}


def test_a_key_that_only_writes_does_not_sign_in(browsing: Browsing, page_server: Served) -> None:
    answer = browsing.sign_in(page_server.keys["ingestion"])
    assert answer.status_code == 403
    assert "only writes data" in answer.text


def test_a_wrong_key_is_refused_without_saying_why(browsing: Browsing) -> None:
    answer = browsing.sign_in("ll_000000000000_" + "0" * 64, back="/start?team=2")
    assert answer.status_code == 401
    assert "no key that is in force" in answer.text
    assert fields(answer.text, "/sign-in")["next"] == "/start?team=2"


def test_ten_wrong_keys_in_a_minute_are_the_last(fresh: Served) -> None:
    browsing = Browsing(fresh.base)
    assert [browsing.sign_in("wrong").status_code for _ in range(10)] == [401] * 10
    answer = browsing.sign_in(fresh.keys["viewer"])
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 60


def test_wrong_keys_are_forgotten_after_a_minute_and_are_of_one_address() -> None:
    clock = [0.0]
    wrong = WrongKeys(lambda: clock[0])
    for second in range(10):
        clock[0] = float(second)
        wrong.check("a")
        wrong.note("a")
    with pytest.raises(TooManyWrongKeys) as refused:
        wrong.check("a")
    assert refused.value.retry_after == 51
    wrong.check("b")
    clock[0] = 60.0
    wrong.check("a")


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "evil",
        "",
        "/sign-in?once=x",
    ],
)
def test_nobody_is_sent_elsewhere(browsing: Browsing, page_server: Served, address: str) -> None:
    assert local(address) == "/"
    assert browsing.sign_in(page_server.keys["viewer"], address).headers["location"] == "/"
    assert browsing.http.get("/sign-in", params={"next": address}).headers["location"] == "/"


@pytest.mark.parametrize("address", ["/", "/start", "/facts?team=1&from=2026-01-01", "/docs/guide/dora#x"])
def test_own_pages_are_come_back_to(address: str) -> None:
    assert local(address) == address


@pytest.mark.parametrize(
    ("origin", "site"),
    [("https://evil.example", "cross-site"), ("null", "cross-site"), ("https://evil.example", None)],
)
def test_posts_of_other_sites_are_refused(admin: Browsing, origin: str, site: str | None) -> None:
    token = admin.form_token()
    for path, data in (("/sign-out", {"form_token": token}), ("/sign-in", {"key": "x"})):
        answer = admin.post(path, data, origin=origin, site=site)
        assert answer.status_code == 403
        assert "another site" in answer.text
    assert admin.get("/start").status_code == 200


def test_posts_without_the_sessions_token_do_nothing(admin: Browsing, page_server: Served) -> None:
    other = Browsing(page_server.base).signed_in(page_server.keys["admin"]).form_token()
    for token in ("", "x", "=" * 88, other):
        answer = admin.post("/sign-out", {"form_token": token})
        assert answer.status_code == 403
        assert "Nothing was changed" in answer.text
    assert admin.get("/start").status_code == 200


def test_tokens_of_forms_differ_in_every_page(admin: Browsing) -> None:
    """A compressed page whose token is always the same tells it, bit by bit, to whoever may have text of theirs in it."""
    assert admin.form_token() != admin.form_token()


def test_what_was_typed_when_the_session_ended_is_sent_after_signing_in(fresh: Served) -> None:
    browsing = Browsing(fresh.base).signed_in(fresh.keys["viewer"])
    typed = {"form_token": browsing.form_token(), "everywhere": "yes", "note": "<b>two</b>\nlines"}
    other = Browsing(fresh.base).signed_in(fresh.keys["viewer"])
    other.post("/sign-out", {"form_token": other.form_token(), "everywhere": "yes"})
    answer = browsing.post("/sign-out", typed)
    assert answer.status_code == 401
    form = fields(answer.text, "/sign-in")
    assert form["typed:note"] == "<b>two</b>\nlines"
    wrong = browsing.post("/sign-in", {**form, "key": "wrong"})
    form = fields(wrong.text, "/sign-in")
    answer = browsing.post("/sign-in", {**form, "key": fresh.keys["viewer"]})
    assert answer.status_code == 200
    assert "&lt;b&gt;two&lt;/b&gt;" in answer.text
    again = fields(answer.text, "/sign-out")
    assert again["everywhere"] == "yes"
    witness = Browsing(fresh.base).signed_in(fresh.keys["viewer"])
    assert browsing.post("/sign-out", again).status_code == 303
    assert witness.get("/start").status_code == 303


def posts() -> list[str]:
    """Every path of the page that a form of somebody signed in is sent to."""
    found = {
        route.path
        for method, route in ROUTES
        if method == "POST" and isinstance(next(iter(guards(route.dependant)), None), SignedInAs)
    }
    return sorted(re.sub(r"{\w+}", "x", path) for path in found)


@pytest.mark.parametrize("path", posts())
def test_no_form_loses_what_was_typed_when_the_session_ended(fresh: Served, path: str) -> None:
    """Nor what its address says: another team's file would be made, or another kind's export. One without fields is asked for
    again, too: nothing happens by signing in."""
    address = f"{path}?team=3&kind=flow&metrics=a&metrics=b%26c"
    browsing = Browsing(fresh.base)
    for typed in ({"note": "\n<b>two</b>\nlines", "team": "3", "empty": ""}, {}):
        asked = browsing.post(address, typed)
        assert asked.status_code == 401
        again = browsing.post("/sign-in", {**fields(asked.text, "/sign-in"), "key": fresh.keys["admin"]})
        assert again.status_code == 200
        form = fields(again.text, address)
        (written,) = re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", again.text, re.DOTALL) or [""]
        if typed:
            assert html.unescape(written) == typed["note"]
            assert {name: form[name] for name in ("team", "empty")} == {"team": "3", "empty": ""}
        assert "Send it" in again.text
        browsing = Browsing(fresh.base)


def test_a_file_that_is_too_large_to_keep_is_chosen_again(fresh: Served) -> None:
    browsing = Browsing(fresh.base)
    sent = {"Origin": fresh.base, "Sec-Fetch-Site": "same-origin"}
    asked = browsing.http.post("/people/upload", files={"file": ("l.csv", b"x" * 400_000)}, headers=sent)
    assert asked.status_code == 401
    assert "choose it again" in asked.text
    signed_in = browsing.post("/sign-in", {**fields(asked.text, "/sign-in"), "key": fresh.keys["admin"]})
    assert signed_in.headers["location"] == "/people/upload"


def test_a_session_ends_when_it_is_idle_and_after_a_month(database: Database, project_id: int) -> None:
    made = keys.create(database, project_id, "k", "viewer", now=NOW)
    key = keys.find(database, made.key, NOW)
    assert key is not None
    token = sessions.create(database, sessions.of_key(key), NOW)
    at = NOW
    while at < NOW + sessions.LONGEST:
        assert sessions.find(database, token, at) is not None
        at += sessions.IDLE - timedelta(minutes=6)
    assert sessions.find(database, token, NOW + sessions.LONGEST) is None
    token = sessions.create(database, sessions.of_key(key), at)
    assert sessions.find(database, token, at + sessions.IDLE) is None


def test_a_link_signs_in_once_and_not_for_long(database: Database, project_id: int) -> None:
    link = sessions.create_link(database, project_id, NOW)
    assert sessions.use_link(database, link, NOW + timedelta(minutes=10)) is None
    link = sessions.create_link(database, project_id, NOW)
    assert sessions.use_link(database, link, NOW + timedelta(minutes=9)) == project_id
    assert sessions.use_link(database, link, NOW + timedelta(minutes=9)) is None


def test_of_many_who_use_a_link_at_once_one_gets_in(database: Database, project_id: int) -> None:
    link = sessions.create_link(database, project_id, NOW)
    barrier, got = threading.Barrier(8), []

    def use() -> None:
        barrier.wait(60)
        got.append(sessions.use_link(database, link, NOW))

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(got, key=str) == [project_id, *[None] * 7]


def test_a_link_opens_the_page_as_admin_and_is_spent(fresh: Served) -> None:
    link = sessions.create_link(fresh.home.db, fresh.home.project().id, datetime.now(UTC))
    first, second = Browsing(fresh.base), Browsing(fresh.base)
    answer = first.get(f"/sign-in?once={link}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "Owner of this home" in first.get("/start").text
    answer = second.get(f"/sign-in?once={link}")
    assert answer.status_code == 401
    assert "used or is too old" in answer.text


def test_behind_a_proxy_that_is_named_the_cookie_is_kept_to_tls(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADLINE_PROXIES", "127.0.0.0/8")
    with Home.open(home.path) as opened, serving(opened, workers=0, faces=[install]) as running:
        browsing = Browsing(running.base)
        headers = {
            "X-Forwarded-Proto": "https",
            "Host": "leadline.example.com",
            "Origin": "https://leadline.example.com",
        }
        answer = browsing.http.post("/sign-in", data={"key": running.keys["viewer"]}, headers=headers)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-leadline_session=")
        assert "Secure" in cookie
        for n in range(10):
            headers["X-Forwarded-For"] = f"192.0.2.{n}"
            assert browsing.http.post("/sign-in", data={"key": "wrong"}, headers=headers).status_code == 401
        assert browsing.http.post("/sign-in", data={"key": "wrong"}, headers=headers).status_code == 401


def test_nobody_else_says_who_they_are_or_how_they_came(fresh: Served) -> None:
    browsing = Browsing(fresh.base)
    for n in range(10):
        browsing.http.post("/sign-in", data={"key": "wrong"}, headers={"X-Forwarded-For": f"192.0.2.{n}"})
    assert browsing.sign_in("wrong").status_code == 429
