"""Lists and changes that are in force from a day, over a real socket and on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from api.people import DEVELOPERS, LIST, map_fields, send, upload
from api.serving import Answer, Client, Served, serving
from leadline.home import Home


def today() -> str:
    """The day, also if midnight passed since the module was loaded."""
    return datetime.now(UTC).date().isoformat()


LATER = LIST.replace("Dee Doyle,dee@example.org,ben@example.org", "Dee Doyle,dee@example.org,ada@example.org")


@pytest.fixture
def started(database_home: Home) -> Iterator[Served]:
    """A server with a list that was saved by its mapping."""
    with serving(database_home, workers=0) as running:
        client = running.as_("admin")
        assert map_fields(client, upload(client, LIST).json["versionId"], {}).json["from"] == "beginning"
        yield running


@pytest.fixture
def admin(started: Served) -> Client:
    return started.as_("admin")


def activate(client: Client, version: str, query: str = "", **body: object) -> Answer:
    return send(client, "PATCH", f"{DEVELOPERS}/versions/{version}{query}", {"active": True, **body})


def days(client: Client) -> list[tuple[int, str | None, str | None]]:
    (tree,) = client.get("/v2/org-trees").json["orgTrees"]
    return [(one["version"], one["from"], one["until"]) for one in tree["versions"]]


def team_of_dee(client: Client, at: str = "") -> list[str]:
    answer = client.get(f"{DEVELOPERS}?emails=dee@example.org" + (f"&at={at}" if at else ""))
    assert answer.status == 200, answer.body
    return [team["hierarchy"] for one in answer.json["developers"] for team in one["teams"]]


@pytest.mark.parametrize("as_parameter", [True, False])
def test_a_list_is_in_force_from_the_day_that_is_said(admin: Client, as_parameter: bool) -> None:
    version = upload(admin, LATER, "PUT").json["versionId"]
    said = {"query": "?from=2026-02-15"} if as_parameter else {"from": "2026-02-15"}
    answer = activate(admin, version, **said)
    assert (answer.status, answer.json["from"], answer.json["active"]) == (200, "2026-02-15", True), answer.body
    assert days(admin) == [(1, None, "2026-02-14"), (2, "2026-02-15", None)]
    assert team_of_dee(admin, "2026-02-14") == ["Organization/Platform"]
    assert team_of_dee(admin, "2026-02-15") == team_of_dee(admin) == ["Organization"]
    (tree,) = admin.get("/v2/org-trees").json["orgTrees"]
    counted = [
        {
            team["name"]: team["developers"]
            for team in admin.get(f"/v2/org-trees/{tree['id']}/teams?at={day}").json["teams"]
        }
        for day in ("beginning", today())
    ]
    assert [heads["Platform"] for heads in counted] == [3, 2]


def test_by_default_it_is_in_force_from_today(admin: Client) -> None:
    answer = activate(admin, upload(admin, LATER, "PUT").json["versionId"])
    assert answer.json["from"] == today()


def test_one_that_comes_later_is_not_active_today_and_no_draft_any_more(admin: Client) -> None:
    version = upload(admin, LATER, "PUT").json["versionId"]
    answer = activate(admin, version, **{"from": "2998-01-01"})
    assert (answer.json["active"], answer.json["status"]) == (False, "replaced")
    assert team_of_dee(admin) == ["Organization/Platform"]
    assert team_of_dee(admin, "2998-01-01") == ["Organization"]
    assert admin.get(f"{DEVELOPERS}/versions/{version}").json["from"] == "2998-01-01"
    # A list that was reviewed before it came has not seen it.
    assert activate(admin, version).status == 409


def test_the_older_spellings_take_the_day_too(admin: Client) -> None:
    upload_id = upload(admin, LATER, "PUT").json["uploadId"]
    answer = admin.send("POST", f"{DEVELOPERS}/uploads/{upload_id}/approve?from=2026-02-15", headers={}, body=b"")
    assert (answer.status, answer.json["from"]) == (200, "2026-02-15"), answer.body
    upload_id = upload(admin, LIST, "PUT").json["uploadId"]
    path = f"{DEVELOPERS}/uploads/{upload_id}/save?from=2026-03-01"
    assert send(admin, "POST", path, {"fieldMappings": []}).json["from"] == "2026-03-01"
    assert team_of_dee(admin, "2026-02-20") == ["Organization"]
    assert team_of_dee(admin) == ["Organization/Platform"]


def test_single_developers_from_a_day(admin: Client) -> None:
    moved = [{"email": "dee@example.org", "manager_email": "ada@example.org"}]
    assert send(admin, "PATCH", f"{DEVELOPERS}?from=2026-02-15", moved).json["updated"] == 1
    answer = send(admin, "DELETE", f"{DEVELOPERS}?from=2026-03-01", {"emails": ["dee@example.org"]})
    assert answer.json["removed"] == 1
    found = [team_of_dee(admin, day) for day in ("beginning", "2026-02-15", "2026-03-01", today())]
    assert found == [["Organization/Platform"], ["Organization"], [], []]
    # What is in force from a later day stays as it is: who was removed there is not there again.
    assert send(admin, "PATCH", f"{DEVELOPERS}?from=2026-02-20", [{"email": "dee@example.org", "role": "SRE"}]).json[
        "updated"
    ]
    assert days(admin) == [
        (1, None, "2026-02-14"),
        (2, "2026-02-15", "2026-02-19"),
        (4, "2026-02-20", "2026-02-28"),
        (3, "2026-03-01", None),
    ]


@pytest.mark.parametrize("said", ["2026-2-1", "soon", "2026-02-30", 20260201, True, ["2026-02-01"]])
def test_a_day_that_is_none_is_refused_and_changes_nothing(admin: Client, said: object) -> None:
    version = upload(admin, LATER, "PUT").json["versionId"]
    answer = activate(admin, version, **{"from": said})
    assert answer.status == 400, answer.body
    assert [detail["field"] for detail in answer.json["details"]] == ["from"]
    assert "yyyy-MM-dd" in answer.json["details"][0]["message"]
    for path in (f"{DEVELOPERS}?at=soon", "/v2/org-trees/1/teams?at=soon"):
        refused = admin.get(path)
        assert (refused.status, refused.json["details"][0]["field"]) == (400, "at")
    refused = send(admin, "PATCH", f"{DEVELOPERS}?from=soon", [{"email": "dee@example.org", "role": "SRE"}])
    assert (refused.status, refused.json["details"][0]["field"]) == (400, "from")
    both = activate(admin, version, "?from=2026-01-01", **{"from": "2026-01-02"})
    assert (both.status, both.json["details"][0]["field"]) == (400, "from")
    assert days(admin) == [(1, None, None)]
