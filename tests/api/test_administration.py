"""Settings and keys over HTTP: for admins alone, in the words of the command line, all or nothing, nothing overwritten unseen."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from api.serving import Served, eventually, fill, serving
from leadline.administration import settings
from leadline.home import Home, Project
from leadline.settings.profile import SETTINGS


@pytest.fixture
def running(database_home: Home) -> Iterator[Served]:
    """A server of a small organization, once on each database."""
    fill(database_home.project(), database_home.temp)
    with serving(database_home, workers=0) as served:
        yield served


def asked(served: Served, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    answer = served.as_("admin").send(method, path, body=body)
    return answer.status, answer.json


def test_a_setting_is_shown_set_and_taken_away(running: Served) -> None:
    status, answer = asked(running, "GET", "/v2/settings")
    rows = answer["settings"]
    assert (status, [row["key"] for row in rows]) == (200, list(SETTINGS))
    zone = {"key": "timezone", "default": "UTC", "meaning": SETTINGS["timezone"].doc}
    assert rows[0] == {**zone, "value": "UTC", "set": ""}
    of_project = {**zone, "value": "Europe/Berlin", "set": "project"}
    assert asked(running, "PUT", "/v2/settings/timezone", {"value": "Europe/Berlin"}) == (200, of_project)
    of_tree = {**zone, "value": "Asia/Tokyo", "set": "tree"}
    address = "/v2/settings/timezone?orgTreeName=Engineering"
    assert asked(running, "PUT", address, {"value": "Asia/Tokyo"}) == (200, of_tree)
    assert asked(running, "GET", "/v2/settings/timezone") == (200, of_project)
    assert asked(running, "DELETE", address) == (200, of_project)
    assert asked(running, "DELETE", "/v2/settings/timezone") == (200, {**zone, "value": "UTC", "set": ""})


def test_values_may_be_of_any_type_and_names_have_slashes(running: Served) -> None:
    for key, value, text in (
        ("exports.keep_days", 7, "7"),
        ("deployments.first_carries", True, "true"),
        ("bots", ["robo", "ci"], "robo, ci"),
        ("team.4.repository", ["equals acme/web", "not contains old"], "equals acme/web; not contains old"),
        ("repository.Acme/Shop.js.code.exclude", "vendor/", "vendor/"),
    ):
        status, row = asked(running, "PUT", f"/v2/settings/{key}", {"value": value})
        assert (status, row["value"], row["set"]) == (200, text, "project")
    assert asked(running, "GET", "/v2/settings/repository.acme/shop.js.code.exclude")[1]["value"] == "vendor/"
    assert asked(running, "GET", "/v2/settings/service.api.paths")[1]["value"] == ""


@pytest.mark.parametrize(
    ("path", "body", "code", "says"),
    [
        (
            "timezone",
            {"value": "Mars/Base"},
            "invalid_setting",
            "timezone cannot be 'Mars/Base'; it must be an IANA time",
        ),
        ("timezon", {"value": "UTC"}, "unknown_setting", "There is no setting 'timezon'; settings are timezone"),
        ("service.%00.paths", {"value": "src/"}, "unknown_setting", "There is no setting"),
        (f"service.{'x' * 600}.paths", {"value": "src/"}, "unknown_setting", "There is no setting"),
        ("timezone", {"value": {"a": 1}}, "invalid_setting", "timezone must be text, a number"),
        ("timezone", {}, "missing_field", "value is required"),
        ("timezone", {"value": "UTC", "known": 1}, "wrong_type", "known must be text or null"),
        ("timezone", "[]", "malformed_body", "it is an array"),
        ("timezone?orgTreeName=Sales", {"value": "UTC"}, "invalid_org_tree_name", "Invalid orgTreeName"),
        ("developers.names?orgTreeName=Engineering", {"value": "hidden"}, "invalid_setting", "is of the whole project"),
        ("pr_size.small", {"value": 500}, "invalid_setting", "pr_size.small must not be above pr_size.medium"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(
    running: Served, path: str, body: Any, code: str, says: str
) -> None:
    before = asked(running, "GET", "/v2/settings")
    status, refused = asked(running, "PUT", f"/v2/settings/{path}", body)
    assert (status, refused["code"]) == (400, code)
    assert says in refused["error"]
    assert asked(running, "GET", "/v2/settings") == before


def test_several_are_changed_or_none(running: Served) -> None:
    asked(running, "PUT", "/v2/settings/bots", {"value": "robo"})
    values = {"pr_size.small": 200, "pr_size.medium": 900, "bots": None}
    status, answer = asked(running, "PATCH", "/v2/settings", {"values": values})
    assert (status, [row["value"] for row in answer["settings"]]) == (200, ["200", "900", ""])
    for wrong in ({"timezone": "UTC+1"}, {"nothing": None}, {"pr_size.medium": None}):
        status, _ = asked(running, "PATCH", "/v2/settings", {"values": {"exports.keep_days": 5, **wrong}})
        assert (status, asked(running, "GET", "/v2/settings/exports.keep_days")[1]["value"]) == (400, "30")
    for body in ({}, {"values": {}}, {"values": []}):
        assert asked(running, "PATCH", "/v2/settings", body)[1]["code"] == "missing_field"


def test_what_somebody_else_changed_is_not_overwritten(running: Served) -> None:
    address = "/v2/settings/bots"
    assert asked(running, "PUT", address, {"value": "robo", "known": None})[0] == 200
    status, refused = asked(running, "PUT", address, {"value": "ci", "known": None})
    assert (status, refused["code"]) == (409, "setting_changed")
    assert refused["error"] == "Somebody else changed bots meanwhile: it is set to 'robo' by now"
    assert asked(running, "PUT", address, {"value": "ci", "known": "robo"})[1]["value"] == "ci"
    asked(running, "DELETE", address)
    assert "is not set any more" in asked(running, "PUT", address, {"value": "x", "known": "ci"})[1]["error"]


def test_of_several_who_know_the_same_one_changes_it(database_project: Project) -> None:
    outcomes: list[str] = []
    barrier = threading.Barrier(6)

    def go(text: str) -> None:
        barrier.wait(120)
        try:
            settings.change(database_project, {"bots": text}, known={"bots": None})
            outcomes.append(text)
        except Exception as error:
            outcomes.append(getattr(error, "code", repr(error)))

    threads = [threading.Thread(target=go, args=(f"bot-{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    (winner,) = (outcome for outcome in outcomes if outcome != "setting_changed")
    assert len(outcomes) == 6
    assert settings.one(database_project, "bots").value == winner


def test_a_key_is_made_shown_once_limited_and_revoked(running: Served) -> None:
    status, made = asked(running, "POST", "/v2/keys", {"name": "dashboard", "role": "Viewer", "expiresDays": 2})
    assert (status, made["role"], made["teams"], made["developers"]) == (200, "viewer", None, True)
    of_key = Served(running.home, running.base, {**running.keys, "made": made["key"]}).as_("made")
    assert of_key.get("/v2/developers").status == 200
    listed = {row["id"]: row for row in asked(running, "GET", "/v2/keys")[1]["keys"]}
    assert (len(listed), listed[made["id"]]["state"]) == (4, "active")
    assert made["key"] not in str(listed)
    limits = {"teams": [1], "developers": False}
    status, limited = asked(running, "PUT", f"/v2/keys/{made['id']}/limits", limits)
    assert (status, limited["teams"], limited["developers"]) == (200, [1], False)
    assert eventually(lambda: of_key.get("/v2/developers").status == 403)
    assert asked(running, "PUT", f"/v2/keys/{made['id']}/limits", {})[1]["teams"] is None
    assert eventually(lambda: of_key.get("/v2/developers").status == 200)
    assert asked(running, "DELETE", f"/v2/keys/{made['id']}")[1]["state"] == "revoked"
    assert eventually(lambda: of_key.get("/v2/developers").status == 401)


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ({"role": "viewer"}, "missing_field", "name is required"),
        ({"name": "", "role": "viewer"}, "invalid_request", "A key cannot be named ''"),
        (
            {"name": "n", "role": "owner"},
            "invalid_request",
            "There is no role 'owner'; it must be one of admin, ingestion",
        ),
        ({"name": "n", "role": "admin", "developers": False}, "invalid_request", "A key of the role admin cannot be"),
        ({"name": "n", "role": "viewer", "teams": ["nope"]}, "invalid_team_id", "Invalid teamId"),
        ({"name": "n", "role": "viewer", "expiresDays": 0}, "wrong_type", "expiresDays must be a whole number"),
        ({"name": "n", "role": "viewer", "expiresDays": "2"}, "wrong_type", "expiresDays must be a whole number"),
        ({"name": "n", "role": "viewer", "developers": "no"}, "wrong_type", "developers must be true or false"),
    ],
)
def test_a_key_that_cannot_be_is_not_made(running: Served, body: Any, code: str, says: str) -> None:
    status, refused = asked(running, "POST", "/v2/keys", body)
    assert (status, refused["code"]) == (400, code)
    assert says in refused["error"]
    assert len(asked(running, "GET", "/v2/keys")[1]["keys"]) == 3


def test_only_keys_that_are_there_are_changed(running: Served) -> None:
    for method, path, body in (("DELETE", "/v2/keys/key_1", None), ("PUT", "/v2/keys/key_%00/limits", {})):
        status, refused = asked(running, method, path, body)
        assert (status, refused["code"]) == (404, "unknown_key")
    (admin,) = (row for row in asked(running, "GET", "/v2/keys")[1]["keys"] if row["role"] == "admin")
    status, refused = asked(running, "PUT", f"/v2/keys/{admin['id']}/limits", {"developers": False})
    assert (status, refused["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("role", ["viewer", "ingestion"])
def test_they_are_for_admins_alone(running: Served, role: str) -> None:
    for method, path in (
        *(("GET", "/v2/settings"), ("PATCH", "/v2/settings"), ("GET", "/v2/settings/timezone")),
        *(("PUT", "/v2/settings/timezone"), ("DELETE", "/v2/settings/timezone"), ("GET", "/v2/keys")),
        *(("POST", "/v2/keys"), ("PUT", "/v2/keys/x/limits"), ("DELETE", "/v2/keys/x")),
    ):
        answer = running.as_(role).send(method, path, body={} if method in ("PUT", "POST", "PATCH") else None)
        assert (answer.status, answer.json["code"]) == (403, "forbidden")
