"""A list of developers from upload to force, over a real socket, on both databases: both spellings, refusals, two at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.people import DEVELOPERS, LIST, activate, emails, map_fields, problems, send, upload
from api.serving import Answer, Client, Served, make_keys, serving
from leadline.home import Home
from leadline.people import load_org, tree, trees

MAPPING = {"Full Name": "NAME", "Work Email": "EMAIL", "Manager": "MANAGER_EMAIL"}


@pytest.fixture
def started(database_home: Home) -> Iterator[Served]:
    """A server without any developers."""
    with serving(database_home, workers=0) as running:
        yield running


@pytest.fixture
def admin(started: Served) -> Client:
    return started.as_("admin")


def saved(client: Client, text: str = LIST) -> str:
    """Upload a first list and save it; its version."""
    version: str = upload(client, text).json["versionId"]
    answer = map_fields(client, version, {})
    assert answer.status == 200, answer.body
    assert answer.json["active"] is True
    return version


def test_upload_map_activate(started: Served, admin: Client) -> None:
    preview = upload(admin, LIST)
    assert preview.status == 200, preview.body
    body = preview.json
    assert (body["status"], body["active"], body["orgTreeName"], body["rows"]) == ("draft", False, "Organization", 4)
    assert [(mapping["csvHeader"], mapping["field"], mapping["required"]) for mapping in body["fieldMappings"]] == [
        ("Full Name", "full_name", True),
        ("Work Email", "email", True),
        ("Manager", "manager_email", True),
        ("Team", "team", False),
        ("Cost Center", "Cost Center", False),
    ]
    assert body["sampleRows"][1]["Work Email"] == "ben@example.org"
    assert body["errors"] == []
    assert (body["changes"]["added"], body["changes"]["removed"]) == (4, 0)
    assert emails(started.client) == [], "a draft changes nothing"
    version = body["versionId"]
    mapped = map_fields(admin, version, {**MAPPING, "Cost Center": None})
    assert mapped.status == 200, mapped.body
    assert [mapping["field"] for mapping in mapped.json["fieldMappings"]][-1] is None
    again = activate(admin, version)
    assert (again.status, again.json["status"]) == (200, "active")
    project = started.home.project()
    stored = tree(project, "Organization")
    assert [node.path for node in stored.nodes] == ["Organization", "Organization/Platform"]
    assert stored.developers["ben@example.org"].attributes == {"team": "Platform"}
    assert admin.get(f"{DEVELOPERS}/versions/{version}").json["active"] is True


def test_the_older_spellings(started: Served, admin: Client) -> None:
    preview = upload(admin, LIST, path=DEVELOPERS + "/upload?fileType=CSV")
    assert preview.json["uploadId"] == preview.json["versionId"]
    body = {"fieldMappings": MAPPING}
    kept = send(admin, "POST", f"{DEVELOPERS}/uploads/{preview.json['uploadId']}/save", body)
    assert (kept.status, kept.json["active"]) == (200, True), kept.body
    changed = upload(admin, LIST.replace("Dee Doyle", "Dee Day"), path=DEVELOPERS + "/reupload?fileType=CSV")
    assert changed.json["changes"]["changedEmails"] == ["dee@example.org"]
    # As curl sends an empty `-d ''`.
    approved = admin.send(
        "POST",
        f"{DEVELOPERS}/uploads/{changed.json['uploadId']}/approve",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=b"",
    )
    assert approved.status == 200, approved.body
    found = send(started.client, "POST", f"{DEVELOPERS}/list?pageIndex=0&pageSize=1", {"searchValue": "Dee Day"})
    assert [developer["fullName"] for developer in found.json["developers"]] == ["Dee Day"]
    text = started.client.get(DEVELOPERS + "/download", Accept="text/csv")
    assert text.headers["content-type"] == "text/csv"
    assert text.body.count(b"\r\n") == 5


def test_a_list_uploaded_again_keeps_its_mapping(admin: Client) -> None:
    first = upload(admin, "Who,Address,Boss\nAda,ada@x.example,\nBen,ben@x.example,ada@x.example\n").json
    assert {error["errorType"] for error in first["errors"]} == {"REQUIRED_FIELD_MISSING"}
    assert "may be mapped to it" in str(first["errors"])
    assert "--map" not in str(first)
    assert [error["fieldName"] for error in first["errors"]] == ["email", "full_name", "manager_email"]
    mapping = {"Who": "name", "Address": "email", "Boss": "managerEmail"}
    assert map_fields(admin, first["versionId"], mapping).json["active"] is True
    second = upload(admin, "Boss,Address,Who\n,ada@x.example,Ada\nada@x.example,ben@x.example,Ben B\n", "PUT").json
    assert second["errors"] == []
    assert (second["changes"]["changedEmails"], second["active"]) == (["ben@x.example"], False)
    assert activate(admin, second["versionId"]).json["active"] is True
    assert admin.get(f"{DEVELOPERS}/versions/{first['versionId']}").json["status"] == "replaced"
    headers = {field["name"]: field.get("csvHeader") for field in admin.get(DEVELOPERS + "/schema").json["fields"]}
    assert (headers["email"], headers["full_name"], headers["role"]) == ("Address", "Who", None)


def test_nothing_else_before_the_first_save(started: Served, admin: Client) -> None:
    draft = upload(admin, LIST).json["versionId"]
    for answer in (
        upload(admin, LIST, "PUT"),
        upload(admin, LIST, path=DEVELOPERS + "/reupload"),
        activate(admin, draft),
        admin.send("POST", f"{DEVELOPERS}/uploads/{draft}/approve"),
        send(admin, "PATCH", DEVELOPERS, [{"email": "x@example.org", "name": "X"}]),
        send(admin, "DELETE", DEVELOPERS, {"emails": ["x@example.org"]}),
    ):
        assert (answer.status, answer.json["code"]) == (412, "not_set_up"), answer.body
    assert emails(started.client) == []
    assert started.client.get(DEVELOPERS, Accept="text/csv").body.count(b"\r\n") == 1
    assert [field["name"] for field in started.client.get(DEVELOPERS + "/schema").json["fields"]][:2] == [
        "email",
        "full_name",
    ]
    assert trees(started.home.project()) == []


WRONG = """email,full_name,manager_email
ada@example.org,Ada,ben@example.org
ben@example.org,Ben,ada@example.org
cyd@example.org,,nobody@example.org
dee@example.org,Dee,ada@example.org
Dee@example.org,Dee,ada@example.org
"""


def test_everything_wrong_is_told_at_once_and_changes_nothing(started: Served, admin: Client) -> None:
    preview = upload(admin, WRONG).json
    kinds = {error["errorType"]: error for error in preview["errors"]}
    assert set(kinds) == {
        "REQUIRED_VALUE_MISSING",
        "DUPLICATE_EMAIL",
        "CIRCULAR_REFERENCE",
        "MANAGER_EMAIL_MISSING_IN_DEVELOPER_EMAILS",
    }
    assert kinds["DUPLICATE_EMAIL"]["errorDeveloperCount"] == 2
    assert kinds["DUPLICATE_EMAIL"]["fieldName"] == "email"
    assert kinds["REQUIRED_VALUE_MISSING"]["sampleErrorDevelopers"][0]["email"] == "cyd@example.org"
    assert kinds["DUPLICATE_EMAIL"]["rows"][0]["where"] == "people.csv:5"
    told = problems(map_fields(admin, preview["versionId"], {}))
    assert sorted(told) == sorted(
        [
            ("people.csv:2", "CIRCULAR_REFERENCE"),
            ("people.csv:4", "REQUIRED_VALUE_MISSING"),
            ("people.csv:4", "MANAGER_EMAIL_MISSING_IN_DEVELOPER_EMAILS"),
            ("people.csv:5", "DUPLICATE_EMAIL"),
            ("people.csv:6", "DUPLICATE_EMAIL"),
        ]
    )
    assert emails(started.client) == []
    saved(admin)
    wrong = upload(admin, WRONG, "PUT").json["versionId"]
    assert len(problems(activate(admin, wrong))) == 5
    assert len(emails(started.client)) == 4


def test_what_was_reviewed_is_what_is_put_in_force(started: Served, admin: Client) -> None:
    saved(admin)
    draft = upload(admin, LIST.replace("Dee Doyle", "Dee Day"), "PUT").json["versionId"]
    added = send(admin, "PATCH", DEVELOPERS, [{"email": "eve@example.org", "name": "Eve"}])
    assert added.status == 200, added.body
    stale = activate(admin, draft)
    assert (stale.status, stale.json["code"]) == (409, "stale_version")
    assert "eve@example.org" in emails(started.client)
    reviewed = map_fields(admin, draft, {})
    assert reviewed.json["changes"]["removedEmails"] == ["eve@example.org"]
    assert activate(admin, draft).json["active"] is True
    assert "eve@example.org" not in emails(started.client)


def test_a_version_is_put_in_force_once(admin: Client) -> None:
    first = saved(admin)
    second = upload(admin, LIST.replace("Dee Doyle", "Dee Day"), "PUT").json["versionId"]
    assert activate(admin, second).status == 200
    assert activate(admin, second).status == 200, "it is in force"
    for answer in (activate(admin, first), map_fields(admin, first, {}), map_fields(admin, second, {})):
        assert (answer.status, answer.json["code"]) == (409, "version_used")


def at_once(*calls: object) -> list[Answer]:
    """What calls answer that are made at the same time."""
    barrier = threading.Barrier(len(calls))
    answers: list[Answer] = []

    def run(call: object) -> None:
        barrier.wait(60)
        answers.append(call())  # type: ignore[operator]

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return answers


def test_of_two_put_in_force_at_once_one_wins(started: Served, admin: Client) -> None:
    saved(admin)
    names = ["Dee Day", "Dee Dusk"]
    drafts = [upload(admin, LIST.replace("Dee Doyle", name), "PUT").json["versionId"] for name in names]
    answers = at_once(*(lambda draft=draft: activate(admin, draft) for draft in drafts))
    assert sorted(answer.status for answer in answers) == [200, 409]
    winner = next(answer.json["versionId"] for answer in answers if answer.status == 200)
    found = send(started.client, "POST", DEVELOPERS + "/list", {"emails": ["dee@example.org"]}).json
    assert found["developers"][0]["fullName"] == names[drafts.index(winner)]
    assert found["orgTreeVersion"] == 2


def test_single_changes_at_once_all_hold(started: Served, admin: Client) -> None:
    saved(admin)
    new = [f"n{number}@example.org" for number in range(6)]
    answers = at_once(
        *(
            lambda email=email: send(admin, "PATCH", DEVELOPERS, [{"email": email, "name": "N", "team": "New"}])
            for email in new
        )
    )
    assert {answer.status for answer in answers} == {200}
    assert set(new) < set(emails(started.client))


def test_who_may_do_what(started: Served, admin: Client) -> None:
    version = saved(admin)
    for role in ("viewer", "ingestion"):
        client = started.as_(role)
        for answer in (
            upload(client, LIST),
            upload(client, LIST, "PUT"),
            map_fields(client, version, {}),
            activate(client, version),
            client.send("POST", f"{DEVELOPERS}/uploads/{version}/approve"),
            send(client, "PATCH", DEVELOPERS, []),
            send(client, "DELETE", DEVELOPERS, {}),
        ):
            assert (answer.status, answer.json["code"]) == (403, "forbidden")
    for path in ("", "/schema", "/download", f"/versions/{version}"):
        assert started.as_("ingestion").get(DEVELOPERS + path).status == 403
        assert started.client.get(DEVELOPERS + path).status == 200
        assert Client(started.base).get(DEVELOPERS + path).status == 401


def test_other_projects_see_nothing(started: Served, admin: Client) -> None:
    version = saved(admin)
    other = Client(started.base, make_keys(started.home.project("acme", "other", create=True))["admin"])
    assert other.get(DEVELOPERS).json["developers"] == []
    assert other.get("/v2/org-trees").json == {"orgTrees": []}
    for answer in (
        other.get(f"{DEVELOPERS}/versions/{version}"),
        activate(other, version),
        map_fields(other, version, {}),
        other.get(f"{DEVELOPERS}/versions/%00"),
    ):
        assert (answer.status, answer.json["code"]) == (404, "unknown_version")
    assert other.get(f"{DEVELOPERS}?projectIdentifier=default").status == 403


def test_which_tree(started: Served, admin: Client, tmp_path: Path) -> None:
    assert upload(admin, LIST, orgTreeName="Research").json["orgTreeName"] == "Research"
    version = upload(admin, LIST, path=DEVELOPERS + "?orgTreeName=Research").json["versionId"]
    assert map_fields(admin, version, {}).json["active"] is True
    assert upload(admin, LIST, "PUT").json["orgTreeName"] == "Research", "the only one"
    answer = upload(admin, LIST, "PUT", path=DEVELOPERS + "?orgTreeName=Reserch")
    assert (answer.status, answer.json["code"]) == (400, "invalid_org_tree_name")
    path = tmp_path / "sales.json"
    path.write_text(
        json.dumps({"members": ["sue@example.org"], "children": [{"name": "A", "members": ["x@y.example"]}]})
    )
    load_org(started.home.project(), path, "Sales", now=datetime(2026, 1, 1, tzinfo=UTC))
    answer = started.client.get(DEVELOPERS)
    assert (answer.status, answer.json["code"]) == (400, "missing_org_tree_name")
    assert emails(started.client, "?orgTreeName=Sales") == ["sue@example.org", "x@y.example"]
    answer = send(admin, "PATCH", DEVELOPERS + "?orgTreeName=Sales", [{"email": "sue@example.org", "role": "Lead"}])
    assert (answer.status, answer.json["code"]) == (409, "no_developers_list")
