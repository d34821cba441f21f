"""Accounts over HTTP: who each is and why, and mapping one by hand, as the command does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.people import send
from api.serving import Client, Served, fill, put, serving
from leadline.home import Home

IDENTITIES = "/v2/identities"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """The small organization, with the pull request of a stranger and of a bot."""
    with Home.open(tmp_path / "home") as home:
        fill(home.project(), tmp_path)
        at = datetime(2025, 5, 5, tzinfo=UTC)
        row = {"repository": "org/app", "created_at": at, "merged_at": at, "state": "merged", "source": "github"}
        authors = ("cyd", "Stranger", "renovate[bot]")
        put(home.project(), pull_requests=[{**row, "number": 50 + n, "author": who} for n, who in enumerate(authors)])
        with serving(home, workers=0) as running:
            yield running


@pytest.fixture
def admin(served: Served) -> Client:
    return served.as_("admin")


def test_an_account_is_listed_with_a_suggestion_and_mapped(admin: Client) -> None:
    listed = admin.get(f"{IDENTITIES}?unmatched=true").json
    accounts = {account["account"]: account for account in listed["accounts"]}
    assert set(accounts) == {"cyd", "stranger"}
    assert (accounts["cyd"]["suggestion"], accounts["stranger"]["suggestion"]) == ("cyd@example.org", None)
    assert (listed["total"], accounts["cyd"]["total"], accounts["cyd"]["pullRequests"]) == (2, 1, 1)
    body = {"source": "GitHub", "account": "Cyd", "email": "CYD@example.org"}
    mapped = send(admin, "PUT", IDENTITIES, body)
    assert (mapped.status, mapped.json) == (200, {name: text.lower() for name, text in body.items()})
    left = admin.get(f"{IDENTITIES}?unmatched=true").json["accounts"]
    assert [account["account"] for account in left] == ["stranger"]
    everybody = {account["account"]: account for account in admin.get(IDENTITIES).json["accounts"]}
    assert everybody["cyd"]["developer"] == "cyd@example.org"
    assert (everybody["renovate[bot]"]["bot"], everybody["renovate[bot]"]["developer"]) == (True, None)


def test_pages(admin: Client) -> None:
    whole = admin.get(IDENTITIES).json
    pages = [admin.get(f"{IDENTITIES}?limit=2&page={n}").json["accounts"] for n in range(whole["total"] // 2 + 1)]
    assert [account for page in pages for account in page] == whole["accounts"]
    assert admin.get(f"{IDENTITIES}?page=99").json["accounts"] == []
    for wrong in ("limit=0", "limit=x", "unmatched=perhaps", "page=-1"):
        assert admin.get(f"{IDENTITIES}?{wrong}").json["code"] == "invalid_parameter"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"source": "github", "account": "stranger"}, "missing_field"),
        ({"source": "github", "account": 7, "email": "cyd@example.org"}, "wrong_type"),
        ({"source": "github", "account": " ", "email": "cyd@example.org"}, "invalid_identity"),
        ({"source": "github", "account": "stranger", "email": "cid@example.org"}, "unknown_developer"),
        ([], "malformed_body"),
    ],
)
def test_what_cannot_be(admin: Client, body: object, code: str) -> None:
    answer = send(admin, "PUT", IDENTITIES, body)
    assert (answer.status, answer.json["code"]) == (400, code)
    assert admin.get(f"{IDENTITIES}?unmatched=true").json["total"] == 2


def test_a_project_without_data(empty: Served) -> None:
    assert empty.as_("admin").get(IDENTITIES).json == {"accounts": [], "page": 0, "limit": 100, "total": 0}
