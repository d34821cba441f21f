"""Bitbucket's webhooks over HTTP: who is believed, what is stored, what is ignored and told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from api.serving import Answer, Served, serving
from api.test_webhooks import REFUSED, add_source, rows
from leadline.db import cursors
from leadline.home import Home
from stubs import bitbucket_webhooks as hooks
from stubs import github_webhooks
from stubs.bitbucket_data import comment, pipeline, pull_request, uid

SHOP, PATH = "acme/shop", "/v1/webhooks/bitbucket:acme"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
MERGED = hooks.pull_request(SHOP, pull_request(SHOP, 1))


@pytest.fixture(scope="module")
def hooked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("bitbucket")
    (folder / "secret").write_text(hooks.SECRET + "\n")
    with Home.open(folder / "home") as home:
        add_source(home.project(), "bitbucket:acme", folder / "secret", "acme/sh*", kind="bitbucket")
        add_source(home.project(), "github:acme", folder / "secret", "acme/*")
        with serving(home, workers=0) as running:
            yield running


def tell(served: Served, event: str, payload: dict[str, Any], path: str = PATH, **headers: str | None) -> Answer:
    made, body = hooks.signed(event, payload)
    made |= {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
    gone = {name.replace("_", "-") for name, value in headers.items() if value is None}
    kept = {name: value for name, value in made.items() if name not in gone}
    return served.client.send("POST", path, headers={"SEI_API_KEY": "", **kept}, body=body)


def test_what_is_signed_is_stored(hooked: Served) -> None:
    answer = tell(hooked, "pullrequest:fulfilled", MERGED)
    assert (answer.status, answer.json) == (202, {"status": "accepted", "rows": 1})
    assert (
        tell(hooked, "repo:commit_status_updated", hooks.commit_status(SHOP, pipeline(SHOP, 7), "FAILED")).status == 202
    )
    (row,) = rows(hooked.home.project(), "pull_requests")
    assert (row["repository"], row["state"], row["merged_by"]) == (SHOP, "merged", "5b90d99f:ben")
    (build,) = rows(hooked.home.project(), "builds")
    assert (build["status"], build["branch"]) == ("failed", "main")


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "sha256=" + "0" * 64,
        "sha1=" + "0" * 40,
        hooks.signature(b"{}"),
        hooks.SECRET,
    ],
)
def test_what_is_not_rightly_signed_is_refused(hooked: Served, signature: str | None) -> None:
    answer = tell(hooked, "pullrequest:fulfilled", MERGED, X_Hub_Signature=signature)
    assert (answer.status, answer.json) == (401, REFUSED)


def test_the_signature_of_another_tool_is_none(hooked: Served) -> None:
    _, body = hooks.signed("x", MERGED)
    other = github_webhooks.signature(body, hooks.SECRET)
    answer = tell(hooked, "pullrequest:fulfilled", MERGED, X_Hub_Signature=None, X_Hub_Signature_256=other)
    assert answer.status == 401
    assert tell(hooked, "pullrequest:fulfilled", MERGED, "/v1/webhooks/github:acme").status == 401


@pytest.mark.parametrize("event", ["repo:push", "repo:fork", "diagnostics:ping", "pullrequest:unapproved", ""])
def test_what_is_not_used_is_ignored_and_told_whatever_its_shape(hooked: Served, event: str) -> None:
    answer = tell(hooked, event, {"repository": 7, "pullrequest": None, "push": {"changes": []}})
    assert (answer.status, answer.json["status"]) == (200, "ignored")
    assert answer.json["reason"]


def test_what_cannot_be_read_is_told(hooked: Served) -> None:
    payload = hooks.pull_request(
        SHOP, pull_request(SHOP, 1), comment={**comment(1, 1, "ada")["comment"], "created_on": "soon"}
    )
    for event, sent in (("pullrequest:created", {"repository": {}}), ("pullrequest:comment_created", payload)):
        answer = tell(hooked, event, sent)
        assert (answer.status, answer.json["code"]) == (400, "invalid_payload")


def test_repositories_that_the_source_does_not_read_and_such_as_polls_know_otherwise(hooked: Served) -> None:
    other = hooks.pull_request("acme/web", pull_request("acme/web", 1))
    assert "none of the repositories" in tell(hooked, "pullrequest:created", other).json["reason"]
    project, number = hooked.home.project(), uid("repository", 9).strip("{}")
    cursors.put(project.db, project.id, "bitbucket", f"bitbucket.org#{number}", {"repository": "acme/ship"}, NOW)
    renamed = hooks.pull_request("acme/shack", pull_request("acme/shack", 1))
    renamed["repository"]["uuid"] = f"{{{number}}}"
    assert "called something else" in tell(hooked, "pullrequest:created", renamed).json["reason"]
    renamed["repository"]["full_name"] = "acme/ship"
    assert tell(hooked, "pullrequest:created", renamed).status == 202
