"""Whose accounts are whose, over a real socket: what is taken is seen by ``accounts``, what is refused is told row by row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from api.people import MULTIPART, form, send
from api.serving import Answer, Client, Served, fill, serving
from leadline.api.people.accounts import source_of
from leadline.engine import Engine
from leadline.home import Home

CLOUD_IDS = "/v2/developers/cloud-ids"


def account(email: str, cloud_id: object, tool: str = "GITHUB") -> dict[str, Any]:
    return {"email": email, "applicationType": tool, "cloudId": cloud_id}


def stored(home: Home) -> set[tuple[str, str, str]]:
    """Source, account and email of every identity."""
    with Engine(temp_dir=home.temp) as engine:
        engine.bind_snapshot(home.project().lake.snapshot(), ["identities"])
        return set(engine.execute("SELECT source, account, email FROM identities"))


def put(client: Client, rows: Any) -> Answer:
    return send(client, "POST", CLOUD_IDS, rows)


def test_accounts_are_taken_one_by_one(database_home: Home, tmp_path: Path) -> None:
    fill(database_home.project(), tmp_path)
    with serving(database_home, workers=0) as running:
        client = running.as_("ingestion")
        good = put(
            client, {"integrationUsers": [account("ADA@example.org", "Ada-L"), account("ben@example.org", 17, "JIRA")]}
        )
        assert good.status == 200, good.body
        assert good.json == {
            "status": "success",
            "message": "Developer identities updated successfully.",
            "accepted": 2,
            "rejected": 0,
            "errors": [],
        }
        assert stored(database_home) == {("github", "ada-l", "ada@example.org"), ("jira", "17", "ben@example.org")}
        mixed = put(
            client,
            [
                account("ben@example.org", "ada-l", "GITHUB_ENTERPRISE"),
                account("gone@example.org", "x"),
                account("cyd@example.org", ""),
                account("cyd@example.org", "shared"),
                account("dee@example.org", "Shared"),
            ],
        )
        assert (mixed.json["status"], mixed.json["accepted"], mixed.json["rejected"]) == ("partial", 1, 4)
        assert [(error["row"], error["field"]) for error in mixed.json["errors"]] == [
            (1, "email"),
            (2, "cloudId"),
            (3, "cloudId"),
            (4, "cloudId"),
        ]
        assert ("github", "ada-l", "ben@example.org") in stored(database_home), "the latest word holds"
        bad = put(client, [account("gone@example.org", "x"), {}])
        assert (bad.status, bad.json["code"]) == (400, "invalid_identities")
        assert bad.json["details"][0]["field"] == "rows[0].email"
        assert len(stored(database_home)) == 2


def test_accounts_as_a_file(served: Served) -> None:
    client = served.as_("admin")
    text = "\ufeffEmail,Application Type,Cloud ID\r\ndee@example.org,GITLAB_CLOUD,dd\r\nx@example.org,GITLAB,xx\r\n"
    answer = client.send("POST", CLOUD_IDS + "/upload", headers=MULTIPART, body=form(text))
    assert (answer.status, answer.json["accepted"], answer.json["rejected"]) == (200, 1, 1), answer.body
    assert ("gitlab", "dd", "dee@example.org") in stored(served.home)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "EMPTY_CSV"),
        ("email,applicationType,cloudId\n", "EMPTY_CSV"),
        ("email,cloudId\na,b\n", "REQUIRED_FIELD_MISSING"),
        ("email,email,applicationType,cloudId\na,b,c,d\n", "INVALID_CSV"),
        (b"\xff", "INVALID_CSV"),
    ],
)
def test_files_that_are_no_accounts(served: Served, text: str | bytes, kind: str) -> None:
    answer = served.as_("admin").send("POST", CLOUD_IDS + "/upload", headers=MULTIPART, body=form(text))
    assert (answer.status, answer.json["code"]) == (400, "invalid_identities"), answer.body
    assert any(kind in detail["message"] for detail in answer.json["details"]), answer.json


@pytest.mark.parametrize("body", [[], {}, {"integrationUsers": {}}, [1], 3, {"integrationUsers": []}])
def test_bodies_of_another_form(served: Served, body: Any) -> None:
    assert put(served.as_("admin"), body).status == 400


def test_only_those_who_write_data(served: Served) -> None:
    for path in (CLOUD_IDS, CLOUD_IDS + "/upload"):
        assert served.as_("viewer").send("POST", path, body=json.dumps([])).status == 403
        assert Client(served.base).send("POST", path).status == 401


def test_which_source_an_application_is() -> None:
    names = ["GITHUB", "gitlab_cloud", "BITBUCKET_SERVER", "JIRA_DATA_CENTER", "AZURE_DEVOPS", "Harness_Code", "CUSTOM"]
    assert [source_of(name) for name in names] == [
        "github",
        "gitlab",
        "bitbucket",
        "jira",
        "azure",
        "harness_code",
        "custom",
    ]
