"""Webhooks over HTTP: who is believed, what is taken, what is ignored and told, and that no payload does harm."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.serving import Answer, Served, serving
from leadline.api.webhooks.routes import MAX_BYTES
from leadline.db import cursors, inbox, sources
from leadline.engine import Engine
from leadline.home import Home, Project
from leadline.ingest.pushed import deliver_pushed
from leadline.sources.gitlab.webhooks import is_signed
from leadline.sources.kit.secrets import SecretPlace
from leadline.sources.kit.settings import SourceSettings
from stubs import github_webhooks as hooks
from stubs import gitlab_data
from stubs import gitlab_webhooks as gitlab
from stubs.github_data import LARGE, pull, release, run, when
from stubs.webhook_history import Life

SHOP = "acme/shop"
GITHUB = "/v1/webhooks/github:acme"
REFUSED = {
    "status": "failed",
    "error": "There is no such webhook, or its signature is missing or wrong",
    "code": "unauthenticated",
}


def add_source(project: Project, name: str, secret: Path | None, *targets: str, kind: str = "github") -> None:
    place = SecretPlace(file=str(secret)) if secret is not None else None
    added = SourceSettings(kind, name, targets, webhook_secret=place)
    sources.add(project.db, project.id, name, kind, added.stored(), datetime.now(UTC))


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("secrets") / "secret"
    file.write_text(hooks.SECRET + "\n")
    return file


@pytest.fixture(scope="module")
def hooked(tmp_path_factory: pytest.TempPathFactory, secret: Path) -> Iterator[Served]:
    """A server whose default project has sources with and without a webhook's secret."""
    with Home.open(tmp_path_factory.mktemp("hooked") / "home") as home:
        project = home.project()
        add_source(project, "github:acme", secret, "acme/*")
        add_source(project, "web", secret, "acme/web-*")
        add_source(project, "deaf", None, "acme/*")
        add_source(project, "lost", secret.with_name("no-such-file"), "acme/*")
        add_source(project, "empty", Path("/dev/null"), "acme/*")
        add_source(project, "gitlab:acme/web", secret, "acme/web", kind="gitlab")
        add_source(project, "jira", secret, "SHOP", kind="jira")
        add_source(home.project("other", "one", create=True), "theirs", secret, "acme/*")
        with serving(home, workers=0) as running:
            yield running


def send(served: Served, headers: dict[str, str], body: bytes, path: str = GITHUB) -> Answer:
    return served.client.send("POST", path, headers={"SEI_API_KEY": "", **headers}, body=body)


def tell(served: Served, event: str, found: Any, path: str = GITHUB, **headers: str) -> Answer:
    made, raw = hooks.signed(event, found)
    return send(served, {**made, **{name.replace("_", "-"): value for name, value in headers.items()}}, raw, path)


def opened(number: int = 1, **changes: Any) -> dict[str, Any]:
    return hooks.payload(SHOP, "edited", pull_request=hooks.pull_request(pull(SHOP, number), **changes))


def waiting(served: Served) -> dict[str, int]:
    home = served.home
    return {row.table: row.rows for row in inbox.waiting(home.db, home.project().id)}


def rows(project: Project, table: str) -> list[dict[str, Any]]:
    deliver_pushed(project)
    with Engine(temp_dir=project.temp) as engine:
        engine.bind_snapshot(project.lake.snapshot(), [table])
        found: list[dict[str, Any]] = engine.arrow(f"SELECT * FROM {table} ORDER BY ALL").to_pylist()
    return found


# -- who is believed ---------------------------------------------------------------------------------------------------

BODY = json.dumps(opened(7)).encode()
GOOD = hooks.signature(BODY)
SIGNATURES = {
    "missing": None,
    "empty": "",
    "of another secret": hooks.signature(BODY, "another"),
    "of another body": hooks.signature(BODY + b" "),
    "of another algorithm": "sha1=" + hmac.new(hooks.SECRET.encode(), BODY, hashlib.sha1).hexdigest(),
    "named as another algorithm": GOOD.replace("sha256", "sha512"),
    "without its algorithm": GOOD.removeprefix("sha256="),
    "too short": GOOD[:-2],
    "too long": GOOD + "00",
    "no hex": "sha256=" + "x" * 64,
    "other letters": "sha256=" + "é" * 64,
    "the secret itself": hooks.SECRET,
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_wrong_signature_is_refused(hooked: Served, name: str) -> None:
    before = waiting(hooked)
    headers, body = hooks.signed("pull_request", BODY)
    del headers["X-Hub-Signature-256"]
    if (given_one := SIGNATURES[name]) is not None:
        headers["X-Hub-Signature-256"] = given_one
    answer = send(hooked, headers, body)
    assert (answer.status, answer.json) == (401, REFUSED)
    assert waiting(hooked) == before


@pytest.mark.parametrize("spelled", [GOOD, "sha256=" + GOOD.removeprefix("sha256=").upper()])
def test_a_right_signature_is_believed_in_any_letter_case(hooked: Served, spelled: str) -> None:
    answer = tell(hooked, "pull_request", BODY, X_Hub_Signature_256=spelled)
    assert (answer.status, answer.json) == (202, {"status": "accepted", "rows": 1})


def test_no_key_is_needed_and_none_helps(hooked: Served) -> None:
    assert tell(hooked, "ping", {"zen": "x"}).status == 200
    key = hooked.keys["admin"]
    answer = tell(hooked, "ping", {"zen": "x"}, SEI_API_KEY=key, X_Hub_Signature_256=hooks.signature(b"", "x"))
    assert answer.status == 401


@pytest.mark.parametrize(
    "path",
    [
        *("/v1/webhooks/nobody", "/v1/webhooks/deaf", "/v1/webhooks/lost", "/v1/webhooks/empty", "/v1/webhooks/jira"),
        *("/v1/webhooks/theirs", "/v1/webhooks/a/b/c", "/v1/webhooks/%20", "/v1/webhooks/x%00y"),
        *(f"{GITHUB}?organization=other", f"{GITHUB}?project=none", f"{GITHUB}?organization=other&project=one"),
        "/v1/webhooks/" + "x" * 3000,
    ],
)
def test_what_is_not_there_answers_like_a_wrong_signature(hooked: Served, path: str) -> None:
    answer = tell(hooked, "pull_request", opened(), path)
    assert (answer.status, answer.json) == (401, REFUSED)


def test_another_project(hooked: Served) -> None:
    path = "/v1/webhooks/theirs?organization=other&project=one"
    assert tell(hooked, "pull_request", opened(), path).status == 202
    assert len(rows(hooked.home.project("other", "one"), "pull_requests")) == 1


def test_a_secret_that_changes_is_used_at_once(hooked: Served, secret: Path) -> None:
    try:
        secret.write_text("renewed")
        assert tell(hooked, "ping", {}).status == 401
        headers, body = hooks.signed("ping", {}, "renewed")
        assert send(hooked, headers, body).status == 200
    finally:
        secret.write_text(hooks.SECRET)


NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_gitlabs_token() -> None:
    check = is_signed
    assert check("secret", {"x-gitlab-token": "secret"}, b"", NOW)
    for headers in ({}, {"x-gitlab-token": ""}, {"x-gitlab-token": "Secret"}, {"x-gitlab-token": "secre"}):
        assert not check("secret", headers, b"", NOW)


def test_gitlabs_signing_key() -> None:
    check, key, body = is_signed, b"k" * 32, b'{"object_kind":"note"}'
    signing = "whsec_" + base64.b64encode(key).decode()

    def headers(at: datetime = NOW, key: bytes = key) -> dict[str, str]:
        moment = str(int(at.timestamp()))
        made = hmac.new(key, f"id.{moment}.".encode() + body, hashlib.sha256).digest()
        value = f"v1,{base64.b64encode(made).decode()}"
        return {"webhook-id": "id", "webhook-timestamp": moment, "webhook-signature": f"v1,AAAA {value}"}

    assert check(signing, headers(), body, NOW)
    assert not check(signing, headers(key=b"x"), body, NOW)
    assert not check(signing, headers(), body + b" ", NOW)
    assert not check(signing, {**headers(), "webhook-id": "other"}, body, NOW)
    assert not check(signing, headers(datetime(2026, 2, 28, 23, 50, tzinfo=UTC)), body, NOW)  # a replay
    assert not check(signing, {**headers(), "webhook-timestamp": "soon"}, body, NOW)
    assert not check(signing, {"x-gitlab-token": signing}, body, NOW)  # a signing key never travels
    assert not check(signing, {}, body, NOW)
    assert not check("whsec_é!", headers(), body, NOW)


# -- what is taken -----------------------------------------------------------------------------------------------------


def test_what_a_webhook_says_is_in_the_lake(hooked: Served) -> None:
    life = Life(40)
    for event, payload in (each for step in life.events for each in step):
        assert tell(hooked, event, payload).status == 202
    project = hooked.home.project()
    (row,) = [each for each in rows(project, "pull_requests") if each["number"] == 40]
    assert (row["state"], row["merged_by"], row["ready_at"]) == (
        "merged",
        "ben",
        datetime(2026, 1, 5, 10, 44, tzinfo=UTC),
    )
    comments = [each["comment_id"] for each in rows(project, "comments") if each["number"] == 40]
    assert comments == [str(LARGE + 10), str(LARGE + 12), f"r{LARGE + 100100}"]
    assert [each["state"] for each in rows(project, "reviews") if each["number"] == 40] == ["dismissed"]


def test_a_form(hooked: Served) -> None:
    body = urlencode({"payload": json.dumps(opened(50, title="a & b"))}).encode()
    headers, _ = hooks.signed("pull_request", body)
    answer = send(hooked, {**headers, "Content-Type": "application/x-www-form-urlencoded"}, body)
    assert answer.status == 202
    assert [row["title"] for row in rows(hooked.home.project(), "pull_requests") if row["number"] == 50] == ["a & b"]


@pytest.mark.parametrize("event", ["ping", "push", "repository", "star", ""])
def test_events_that_say_nothing_are_ignored_and_told(hooked: Served, event: str) -> None:
    before = waiting(hooked)
    answer = tell(hooked, event, hooks.payload(SHOP, "created"))
    assert answer.status == 200
    assert answer.json["status"] == "ignored"
    assert answer.json["reason"]
    assert waiting(hooked) == before


def test_repositories_that_the_source_does_not_read_are_ignored_and_told(hooked: Served) -> None:
    answer = tell(hooked, "pull_request", opened(), "/v1/webhooks/web")
    assert (answer.status, answer.json["status"]) == (200, "ignored")
    assert "acme/shop is none of the repositories" in answer.json["reason"]


def test_a_repository_that_a_poll_knows_by_another_name_is_left_to_polls(hooked: Served) -> None:
    project = hooked.home.project()
    cursors.put(project.db, project.id, "github", "github.com#77", {"repository": "acme/new"}, NOW)
    found = opened(60)
    found["repository"]["id"] = 77
    assert tell(hooked, "pull_request", found).json["status"] == "ignored"
    found["repository"]["full_name"] = "acme/new"
    assert tell(hooked, "pull_request", found).json["status"] == "accepted"


def test_addresses_in_every_documented_spelling(hooked: Served) -> None:
    for path in ("//v1//webhooks/github:acme/", f"/v1/webhooks/{quote('github:acme', safe='')}"):
        assert tell(hooked, "ping", {}, path).status == 200


def test_gitlab(hooked: Served) -> None:
    found = gitlab.merge_request("acme/web/shop", gitlab_data.merge_request("acme/web/shop", 1), "merge", by="ben")
    raw = json.dumps(found).encode()
    headers = {"Content-Type": "application/json", "X-Gitlab-Event": "Merge Request Hook"}
    path = "/v1/webhooks/gitlab:acme/web"
    assert send(hooked, headers, raw, path).status == 401
    assert send(hooked, {**headers, "X-Gitlab-Token": "wrong"}, raw, path).status == 401
    assert send(hooked, {**headers, "X-Hub-Signature-256": hooks.signature(raw)}, raw, path).status == 401
    headers["X-Gitlab-Token"] = hooks.SECRET
    assert send(hooked, headers, raw, GITHUB).status == 401
    answer = send(hooked, headers, raw, path)
    assert (answer.status, answer.json) == (202, {"status": "accepted", "rows": 1})
    stored = [row for row in rows(hooked.home.project(), "pull_requests") if row["source"] == "gitlab"]
    assert [(each["repository"], each["merged_by"]) for each in stored] == [("acme/web/shop", "ben")]
    assert send(hooked, headers, b'{"object_kind": "emoji"}', path).json["status"] == "ignored"
    assert send(hooked, headers, b'{"object_kind": "note"}', path).json["code"] == "invalid_payload"


GROUP = {"group": {"id": 7, "full_path": "acme"}}
OF_NO_USE: list[tuple[str, dict[str, Any]]] = [
    ("gitlab", {"object_kind": "work_item", "project": None, "object_attributes": {"type": "Epic", "iid": 1}, **GROUP}),
    ("gitlab", {"object_kind": "issue", "project": None, "object_attributes": {}}),
    ("gitlab", {"object_kind": "note", "project": None, "object_attributes": {"noteable_type": "Epic", "id": 1}}),
    ("gitlab", {"object_kind": "note", "project": {"id": "?"}, "object_attributes": {"noteable_type": "Commit"}}),
    ("gitlab", {"object_kind": "note", "object_attributes": {"noteable_type": "Issue"}}),
    ("gitlab", {"object_kind": "issue", "project": [], "object_attributes": {"moved_to_id": 5}}),
    ("gitlab", {"object_kind": "release", "project": 1, "action": "delete"}),
    ("gitlab", {"object_kind": "milestone", "project": None, "object_attributes": {}, **GROUP}),
    ("gitlab", {"object_kind": "emoji", "project_id": None, "project": None}),
    ("gitlab", {"object_kind": "access_token", "event_name": "expiring_access_token", **GROUP}),
    ("gitlab", {"event_name": "user_add_to_group", "group_id": 7}),
    ("gitlab", {"event_name": "subgroup_create", "project": 3}),
    ("gitlab", {"object_kind": ["push"], "project": "x"}),
    ("gitlab", {}),
    ("github", {"zen": "Design for failure.", "hook_id": 1, "organization": {"login": "acme"}}),
    ("github", {"action": "created", "installation": {"id": 1}, "repositories": None, "repository": None}),
    ("organization", {"action": "member_added", "repository": 17}),
    ("issue_comment", {"action": "created", "issue": {"number": 1}, "comment": 3}),
    ("release", {"action": "created", "release": {"draft": True}}),
    ("release", {"action": "created", "release": {}, "repository": []}),
    ("deployment_status", {"deployment_status": {"state": "inactive"}, "repository": "acme/shop"}),
    ("pull_request_review", {"review": {"state": "pending"}, "pull_request": {}}),
]
"""Events that bring nothing: of groups, organizations and apps, of things that are no rows; and whatever shape they have else."""


@pytest.mark.parametrize("at", range(len(OF_NO_USE)))
def test_an_event_that_is_not_used_is_taken_whatever_its_shape(hooked: Served, at: int) -> None:
    """A tool that is refused its events switches the webhook off: GitLab after four."""
    event, found = OF_NO_USE[at]
    raw = json.dumps(found).encode()
    if event == "gitlab":
        headers = {"Content-Type": "application/json", "X-Gitlab-Event": "Some Hook", "X-Gitlab-Token": hooks.SECRET}
        answer = send(hooked, headers, raw, "/v1/webhooks/gitlab:acme/web")
    else:
        answer = tell(hooked, event, raw)
    assert (answer.status, answer.json["status"]) == (200, "ignored"), answer.json
    assert answer.json["reason"]


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed_body"),
        (b"{", "malformed_body"),
        (b"[]", "malformed_body"),
        (b"\xff\xfe", "malformed_body"),
        (b"[" * 200_000, "malformed_body"),
        (b'{"a":' + b"9" * 5000 + b"}", "malformed_body"),
        (b"{}", "invalid_payload"),
        (b'{"repository": 1}', "invalid_payload"),
        (b'{"repository": {"full_name": "acme/shop", "id": 1}}', "invalid_payload"),
        (b'{"repository": {"full_name": "acme/shop", "id": 1}, "pull_request": {}}', "invalid_payload"),
    ],
)
def test_what_cannot_be_read_is_refused(hooked: Served, body: bytes, code: str) -> None:
    before = waiting(hooked)
    answer = tell(hooked, "pull_request", body)
    assert (answer.status, answer.json["code"], answer.json["status"]) == (400, code, "failed")
    assert waiting(hooked) == before


def test_a_value_that_no_table_can_hold_is_named(hooked: Served) -> None:
    answer = tell(hooked, "pull_request", opened(1, created_at="yesterday"))
    assert (answer.status, answer.json["code"]) == (400, "invalid_payload")
    assert [detail["field"] for detail in answer.json["details"]] == ["created_at"]


def test_other_types_of_bodies(hooked: Served) -> None:
    assert tell(hooked, "ping", {}, Content_Type="text/xml").status == 415
    assert tell(hooked, "ping", {}, Content_Encoding="gzip").status == 415


def test_nul_bytes_and_emoji(hooked: Served) -> None:
    assert tell(hooked, "pull_request", opened(51, title="\0🚀\ud800")).status == 202
    found = [row["title"] for row in rows(hooked.home.project(), "pull_requests") if row["number"] == 51]
    assert found == ["🚀?"]


def test_the_largest_payload_and_one_that_is_larger(hooked: Served) -> None:
    raw = json.dumps(opened(52)).encode()
    assert tell(hooked, "pull_request", raw + b" " * (MAX_BYTES - len(raw))).status == 202
    assert tell(hooked, "pull_request", raw + b" " * (MAX_BYTES - len(raw) + 1)).status == 413


def test_a_client_that_goes_away_in_the_middle(hooked: Served) -> None:
    headers, body = hooks.signed("pull_request", opened(53))
    address = urlsplit(hooked.base)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    connection.putrequest("POST", GITHUB)
    for name, value in {**headers, "Content-Length": str(len(body))}.items():
        connection.putheader(name, value)
    connection.endheaders(body[:100])
    connection.close()
    assert tell(hooked, "ping", {}).status == 200


def test_other_methods(hooked: Served) -> None:
    assert hooked.client.send("GET", GITHUB).status == 405


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(when(1)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
WHOLE: dict[str, Any] = {
    "pull_request": hooks.pull_request(pull(SHOP, 1)),
    "issue": {"number": 1, "updated_at": when(1), "pull_request": {}},
    "review": hooks.review(pull(SHOP, 1)["reviews"][0]),
    "comment": hooks.comment(pull(SHOP, 1)["comments"][0]),
    "release": hooks.release(release(SHOP, 1)),
    "workflow_run": run(SHOP, 1),
}
PLACES = [(thing, name) for thing, node in WHOLE.items() for name in node]
EVENTS = ("pull_request", "pull_request_review", "issue_comment", "release", "workflow_run")


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(event=st.sampled_from(EVENTS), places=st.lists(st.sampled_from(PLACES), max_size=3), value=ANYTHING)
def test_no_payload_is_a_fault_of_the_server(
    hooked: Served, event: str, places: list[tuple[str, str]], value: Any
) -> None:
    things: dict[str, Any] = {thing: dict(node) for thing, node in WHOLE.items()}
    for thing, name in places:
        things[thing][name] = value
    assert tell(hooked, event, hooks.payload(SHOP, "edited", **things)).status in (200, 202, 400)


def test_whatever_was_taken_the_lake_takes(hooked: Served) -> None:
    """After all that the tests above have sent: nothing of it is refused by the lake."""
    project = hooked.home.project()
    deliver_pushed(project)
    assert inbox.refused(project.db, project.id) == []
    assert waiting(hooked) == {}


# -- many at once ------------------------------------------------------------------------------------------------------


def test_many_deliveries_at_once(empty: Served, secret: Path) -> None:
    project = empty.home.project()
    add_source(project, "github:acme", secret, "acme/*")
    statuses: list[int] = []

    def deliver(numbers: range) -> None:
        statuses.extend(tell(empty, "pull_request", opened(number)).status for number in numbers)

    began = time.monotonic()
    threads = [threading.Thread(target=deliver, args=(range(at, 80, 8),)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert statuses == [202] * 80
    assert waiting(empty) == {"pull_requests": 80}
    assert time.monotonic() - began < 30
    assert len(rows(project, "pull_requests")) == 80
