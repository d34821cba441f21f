"""Who may do what, over a real socket: four spellings of a key, roles, and walls between tenants."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from api.serving import BODY, EXPORTS, HERE, Client, Served, eventually, make_keys, serving
from leadline.api.auth import Keyring
from leadline.db import keys
from leadline.errors import Unauthenticated
from leadline.home import Home

MISSING = {"status": "failed", "error": "Missing or invalid API key", "code": "unauthenticated"}


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("SEI_API_KEY", "{}"),
        ("sei_api_key", "{}"),
        ("authorization", "ApiKey {}"),
        ("authorization", "Apikey {}"),
        ("Authorization", "APIKEY   {}"),
        ("authorization", "Bearer {}"),
        ("x-api-key", "{}"),
        ("X-Api-Key", "{}"),
    ],
)
def test_every_documented_spelling_works(served: Served, name: str, form: str) -> None:
    answer = Client(served.base).send("GET", EXPORTS, headers={name: form.format(served.keys["viewer"])})
    assert answer.status == 200, answer.body


def refused(served: Served, headers: dict[str, str]) -> None:
    answer = Client(served.base).send("GET", EXPORTS, headers=headers)
    assert (answer.status, answer.json) == (401, MISSING)
    assert answer.headers["www-authenticate"] == "ApiKey"


def test_no_key_and_wrong_keys(served: Served) -> None:
    key = served.keys["viewer"]
    for value in ("", "x", key[:-1], key + "0", key.upper(), "\xe9" * 10):
        refused(served, {"SEI_API_KEY": value})
    for value in (key, f"Basic {key}", f"Apikey{key}", "ApiKey", f"ApiKey {key} {key}"):
        refused(served, {"authorization": value})
    refused(served, {})


def test_two_spellings_must_carry_the_same_key(served: Served) -> None:
    viewer, admin = served.keys["viewer"], served.keys["admin"]
    refused(served, {"SEI_API_KEY": viewer, "authorization": f"ApiKey {admin}"})
    refused(served, {"x-api-key": viewer, "SEI_API_KEY": "x"})
    same = {"SEI_API_KEY": viewer, "authorization": f"Bearer {viewer}", "x-api-key": viewer}
    assert Client(served.base).send("GET", EXPORTS, headers=same).status == 200


def test_a_key_in_the_query_is_no_key(served: Served) -> None:
    assert Client(served.base).get(f"{EXPORTS}?SEI_API_KEY={served.keys['viewer']}").status == 401


def test_an_ingestion_key_may_not_export(served: Served) -> None:
    client = served.as_("ingestion")
    routes = (
        ("POST", f"{EXPORTS}?{HERE}"),
        ("GET", EXPORTS),
        ("GET", f"{EXPORTS}/exp_1"),
        ("GET", f"{EXPORTS}/exp_1/download"),
        ("POST", f"{EXPORTS}/exp_1/cancel"),
        ("DELETE", f"{EXPORTS}/exp_1"),
        ("GET", "/v2/insights/productivity/metrics"),
    )
    for method, path in routes:
        answer = client.send(method, path, body=BODY if method == "POST" else None)
        assert (answer.status, answer.json["error"]) == (403, "Insufficient permissions"), path
        assert answer.json["details"] == [
            {"field": "role", "message": "this key is ingestion; it takes admin or viewer"}
        ]


def test_admins_may_export(served: Served) -> None:
    assert served.as_("admin").create().status in (200, 202)


def test_create_needs_both_identifiers(served: Served) -> None:
    for query, missing in (
        ("", ["projectIdentifier", "orgIdentifier"]),
        ("?projectIdentifier=default", ["orgIdentifier"]),
        ("?orgIdentifier=default&projectIdentifier=", ["projectIdentifier"]),
    ):
        answer = served.client.send("POST", EXPORTS + query, body=BODY)
        assert (answer.status, answer.json["code"]) == (400, "missing_identifier")
        assert [detail["field"] for detail in answer.json["details"]] == missing
        assert all(name in answer.json["error"] for name in missing)


@pytest.mark.parametrize(
    "query",
    [
        "projectIdentifier=other&orgIdentifier=default",
        "projectIdentifier=default&orgIdentifier=other",
        "projectIdentifier=default&projectIdentifier=other&orgIdentifier=default",
        "projectIdentifier=DEFAULT&orgIdentifier=default",
    ],
)
def test_another_tenants_identifiers_are_forbidden(served: Served, query: str) -> None:
    for method, path in (
        ("POST", EXPORTS),
        ("GET", EXPORTS),
        ("GET", f"{EXPORTS}/exp_1"),
        ("GET", f"{EXPORTS}/exp_1/download"),
        ("HEAD", f"{EXPORTS}/exp_1/download"),
        ("POST", f"{EXPORTS}/exp_1/cancel"),
        ("DELETE", f"{EXPORTS}/exp_1"),
        ("GET", "/v2/insights/productivity/metrics"),
    ):
        answer = served.client.send(method, f"{path}?{query}", body=BODY if method == "POST" else None)
        assert answer.status == 403, (method, path)
        assert method == "HEAD" or answer.json["error"] == "Insufficient permissions"


def test_another_projects_export_is_as_one_that_never_was(served: Served) -> None:
    project = served.home.project("acme", "web", create=True)
    stranger = Client(served.base, make_keys(project)["admin"])
    export = served.client.completed()
    for method, path in (
        ("GET", "{}"),
        ("GET", "{}/download"),
        ("POST", "{}/cancel"),
        ("DELETE", "{}"),
    ):
        theirs = stranger.send(method, f"{EXPORTS}/{path.format(export)}")
        unknown = stranger.send(method, f"{EXPORTS}/{path.format('exp_' + '0' * len(export[4:]))}")
        assert theirs.status == unknown.status == 404
        assert theirs.body.replace(export.encode(), b"") == unknown.body.replace(b"exp_" + b"0" * len(export[4:]), b"")
    assert stranger.get(EXPORTS).json["total"] == 0
    assert stranger.get(f"{EXPORTS}?projectIdentifier=web&orgIdentifier=acme").status == 200


def test_a_revoked_key_is_remembered_for_less_than_five_seconds(home: Home) -> None:
    clock = [0.0]
    made = keys.create(home.db, home.project().id, "lost", "viewer", now=datetime.now(UTC))
    with closing(Keyring(home.db, clock=lambda: clock[0])) as keyring:
        assert keyring.find(made.key).id == made.id
        keys.revoke(home.db, home.project().id, made.id, now=datetime.now(UTC))
        clock[0] += 5
        with pytest.raises(Unauthenticated):
            keyring.find(made.key)


def test_a_revoked_key_stops_working(empty: Served) -> None:
    made = keys.create(empty.home.db, empty.home.project().id, "lost", "viewer", now=datetime.now(UTC))
    client = Client(empty.base, made.key)
    assert client.get(EXPORTS).status == 200
    keys.revoke(empty.home.db, empty.home.project().id, made.id, now=datetime.now(UTC))
    eventually(lambda: client.get(EXPORTS).status == 401)


def test_an_expired_key_stops_working_at_once(home: Home) -> None:
    now = datetime.now(UTC)
    made = keys.create(home.db, home.project().id, "short", "viewer", now=now, expires_at=now + timedelta(seconds=1))
    with serving(home, workers=0) as running:
        client = Client(running.base, made.key)
        eventually(lambda: client.get(EXPORTS).status == 401)
        assert datetime.now(UTC) >= now + timedelta(seconds=1)


def test_use_is_noted_once_a_minute(empty: Served) -> None:
    project = empty.home.project().id

    def used() -> list[datetime]:
        return [key.last_used_at for key in keys.listed(empty.home.db, project) if key.last_used_at]

    assert used() == []
    for _ in range(3):
        assert empty.client.get(EXPORTS).status == 200
    first = eventually(used)
    for _ in range(3):
        empty.client.get(EXPORTS)
    assert used() == first
    assert len(first) == 1
