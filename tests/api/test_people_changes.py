"""Single developers over a real socket: added, changed, removed, listed, searched, downloaded."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.people import DEVELOPERS, emails, problems, send, upload
from api.serving import HERE, Answer, Client, Served, fill, serving
from leadline.home import Home
from leadline.people import tree


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with the small organization: Ada manages Ben, who manages Cyd and Dee."""
    folder = tmp_path_factory.mktemp("changes")
    with Home.open(folder / "home") as home:
        fill(home.project(), folder)
        with serving(home, workers=0) as running:
            yield running


@pytest.fixture
def admin(loaded: Served, tmp_path: Path) -> Client:
    """An admin; every test starts from the same four developers."""
    fill(loaded.home.project(), tmp_path)
    return loaded.as_("admin")


def upsert(client: Client, *rows: dict[str, Any]) -> Answer:
    return send(client, "PATCH", f"{DEVELOPERS}?{HERE}", list(rows))


def remove(client: Client, *addresses: str) -> Answer:
    return send(client, "DELETE", DEVELOPERS, {"emails": list(addresses)})


def developer(client: Client, email: str) -> dict[str, Any]:
    (found,) = client.get(f"{DEVELOPERS}?emails={email}").json["developers"]
    assert isinstance(found, dict)
    return found


def test_added_changed_and_left_as_they_were(loaded: Served, admin: Client) -> None:
    answer = upsert(
        admin,
        {
            "email": "Eve@example.org",
            "name": "Eve Ellis",
            "managerEmail": "BEN@example.org",
            "team": "Platform",
            "floor": 3,
        },
        {"email": "dee@example.org", "role": "SRE"},
        {"email": "cyd@example.org", "full_name": "Cyd Crane"},
    )
    assert answer.status == 200, answer.body
    assert {name: answer.json[name] for name in ("added", "updated", "unchanged", "removed")} == {
        "added": 1,
        "updated": 1,
        "unchanged": 1,
        "removed": 0,
    }
    eve = developer(admin, "eve@example.org")
    assert (eve["fullName"], eve["managerEmail"], eve["teams"][0]["hierarchy"]) == (
        "Eve Ellis",
        "ben@example.org",
        "Engineering/Platform",
    )
    assert eve["attributes"] == {"team": "Platform", "floor": "3"}
    assert developer(admin, "dee@example.org")["attributes"] == {"team": "Platform", "role": "SRE"}
    cleared = upsert(
        admin, {"email": "dee@example.org", "role": None, "manager_email": ["ben@example.org", "ada@example.org"]}
    )
    assert cleared.status == 200, cleared.body
    dee = developer(admin, "dee@example.org")
    assert (dee["attributes"], dee["managerEmails"]) == ({"team": "Platform"}, ["ben@example.org", "ada@example.org"])
    assert tree(loaded.home.project(), "Engineering").version == cleared.json["orgTreeVersion"]


def test_the_same_again_makes_no_version(admin: Client) -> None:
    row = {"email": "dee@example.org", "site": "Lyon"}
    first, second = upsert(admin, row), upsert(admin, row)
    assert (second.json["unchanged"], second.json["orgTreeVersion"]) == (1, first.json["orgTreeVersion"])


def test_everything_wrong_is_told_at_once_and_changes_nothing(admin: Client) -> None:
    before = admin.get(DEVELOPERS).body
    answer = upsert(
        admin,
        {"email": "eve@example.org"},
        {"email": "EVE@example.org", "name": "Eve"},
        {"name": "Nobody"},
        {"email": "not an address", "name": "X"},
        {"email": "fay@example.org", "name": "Fay", "manager_email": "gone@example.org"},
        {"email": "ada@example.org", "manager_email": "cyd@example.org"},
        {"email": "gus@example.org", "name": ["Gus"]},
    )
    assert sorted(problems(answer)) == sorted(
        [
            ("developers[0]", "REQUIRED_VALUE_MISSING"),
            ("developers[1]", "DUPLICATE_EMAIL"),
            ("developers[2]", "REQUIRED_VALUE_MISSING"),
            ("developers[3]", "INVALID_EMAIL"),
            ("developers[4]", "MANAGER_EMAIL_MISSING_IN_DEVELOPER_EMAILS"),
            ("developers[5]", "CIRCULAR_REFERENCE"),
            ("developers[6]", "INVALID_VALUE"),
            ("developers[6]", "REQUIRED_VALUE_MISSING"),
        ]
    )
    assert answer.json["code"] == "invalid_developers"
    assert admin.get(DEVELOPERS).body == before


def test_a_further_field_has_one_spelling(admin: Client) -> None:
    upsert(admin, {"email": "dee@example.org", "Cost Center": 1})
    upsert(admin, {"email": "cyd@example.org", "cost_center": 2}, {"email": "dee@example.org", "COST-CENTER": None})
    assert developer(admin, "cyd@example.org")["attributes"] == {"team": "Platform", "Cost Center": "2"}
    assert "Cost Center" not in developer(admin, "dee@example.org")["attributes"]
    for name in ("=x", "", " ", "a\tb", "-"):
        assert problems(upsert(admin, {"email": "dee@example.org", name: "v"})) == [("developers[0]", "INVALID_VALUE")]


def test_removed(admin: Client) -> None:
    answer = remove(admin, "DEE@example.org", "cyd@example.org")
    assert (answer.status, answer.json["removed"]) == (200, 2), answer.body
    assert emails(admin) == ["ada@example.org", "ben@example.org"]


def test_managers_of_somebody_are_not_removed(admin: Client) -> None:
    answer = remove(admin, "ben@example.org", "dee@example.org")
    assert problems(answer) == [("cyd@example.org", "MANAGER_EMAIL_MISSING_IN_DEVELOPER_EMAILS")]
    assert len(emails(admin)) == 4
    assert problems(remove(admin, *emails(admin)[1:])) == [("developers", "NO_TEAM")]


def test_nobody_is_removed_if_one_is_unknown(admin: Client) -> None:
    answer = remove(admin, "dee@example.org", "gone@example.org")
    assert (answer.status, answer.json["code"]) == (404, "unknown_developer")
    assert [detail["message"] for detail in answer.json["details"]] == ["'gone@example.org' is no developer's email"]
    assert len(emails(admin)) == 4


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize("body", [{}, [], 1, None, "x", [1], {"emails": "a@b.example"}, {"emails": [1]}])
def test_bodies_of_another_form(admin: Client, method: str, body: Any) -> None:
    assert send(admin, method, DEVELOPERS, body).status == 400


def test_too_many_at_once(admin: Client) -> None:
    answer = upsert(admin, *({"email": f"x{number}@example.org"} for number in range(10_001)))
    assert (answer.status, answer.json["code"]) == (400, "too_many_rows")
    assert send(admin, "PATCH", DEVELOPERS, ["x" * (4 << 20)]).status == 413


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "ada ben cyd dee"),
        ("?search=CRANE", "cyd"),
        ("?search=platform", "ben cyd dee"),
        ("?searchKey=Manager%20Email&searchValue=ben", "cyd dee"),
        ("?searchValue=ben%40", "ben cyd dee"),
        ("?emails=dee@example.org,ADA@example.org&emails=cyd@example.org", "ada cyd dee"),
        ("?sortBy=fullName&sortOrder=desc", "dee cyd ben ada"),
        ("?sortKey=manager_email&sortOrder=DESC", "cyd dee ben ada"),
        ("?pageIndex=1&pageSize=3", "dee"),
        ("?page=1&limit=2&orgTreeName=Engineering", "cyd dee"),
        ("?page=7", ""),
        ("?search=nobody", ""),
        ("?developerRefIds=", "ada ben cyd dee"),
    ],
)
def test_lists(admin: Client, query: str, found: str) -> None:
    assert " ".join(email.partition("@")[0] for email in emails(admin, query)) == found


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?limit=0", "limit"),
        ("?pageSize=1001", "pageSize"),
        ("?page=x", "page"),
        ("?sortOrder=up", "sortOrder"),
        ("?sortBy=salary", "sortBy"),
        ("?searchKey=salary&searchValue=1", "searchKey"),
        ("?searchKey=team", "searchValue"),
        ("?developerRefIds=1", "developerRefIds"),
        ("?search=a&search=b", "search"),
        ("?search=%00", "search"),
    ],
)
def test_lists_that_cannot_be(admin: Client, query: str, field: str) -> None:
    answer = admin.get(DEVELOPERS + query)
    assert (answer.status, answer.json["code"]) == (400, "invalid_parameter"), answer.body
    assert [detail["field"] for detail in answer.json["details"]] == [field]


def test_the_older_search(admin: Client) -> None:
    body = {"sortOrder": "desc", "searchKey": "team", "searchValue": "platform", "sortKey": "name", "emails": None}
    answer = send(admin, "POST", f"{DEVELOPERS}/list?pageIndex=0&pageSize=2", body)
    assert [developer["fullName"] for developer in answer.json["developers"]] == ["Dee Doyle", "Cyd Crane"]
    assert (answer.json["total"], answer.json["limit"]) == (3, 2)
    for wrong in ([], {"searchKey": {}}, {"developerRefIds": [1]}, {"pageSize": 10**200}):
        assert send(admin, "POST", f"{DEVELOPERS}/list", wrong).status == 400


def test_the_download_loads_again_as_the_same(admin: Client) -> None:
    upsert(
        admin,
        {
            "email": "dee@example.org",
            "full_name": 'Dee "D", Doyle',
            "badge": "é\nx",
            "manager_email": ["ben@example.org", "ada@example.org"],
        },
    )
    answer = admin.get(DEVELOPERS, Accept="text/csv, */*;q=0.1")
    assert answer.headers["content-type"] == "text/csv"
    assert answer.headers["content-disposition"] == 'attachment; filename="developers.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))
    assert list(rows[0])[:3] == ["email", "full_name", "manager_email"]
    assert (rows[3]["full_name"], rows[3]["badge"]) == ('Dee "D", Doyle', "é\nx")
    again = upload(admin, answer.body, "PUT").json
    assert (again["changes"]["added"], again["changes"]["changed"], again["changes"]["removed"]) == (0, 0, 0)
    assert admin.get(f"{DEVELOPERS}?search=crane", Accept="text/csv").body.count(b"\r\n") == 2


def test_a_download_runs_nothing_in_a_spreadsheet(admin: Client) -> None:
    upsert(admin, {"email": "dee@example.org", "name": '=HYPERLINK("http://x")'})
    text = admin.get(DEVELOPERS + "/download").body.decode()
    assert '"\'=HYPERLINK(""http://x"")"' in text
    assert developer(admin, "dee@example.org")["fullName"].startswith("=")


@pytest.mark.parametrize(
    ("accept", "csv_wanted"),
    [
        ("text/csv", True),
        ("text/csv;q=0.5, application/json", False),
        ("application/json, text/csv", False),
        ("text/csv, application/json", True),
        ("*/*", False),
        ("text/*", True),
        ("text/csv;q=0", False),
        ("text/csv;q=x", True),
        ("", False),
    ],
)
def test_which_form_a_list_has(admin: Client, accept: str, csv_wanted: bool) -> None:
    headers = {"Accept": accept} if accept else {}
    kind = admin.get(DEVELOPERS, **headers).headers["content-type"]
    assert kind == ("text/csv" if csv_wanted else "application/json")
