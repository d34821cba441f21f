"""What the GitLab connector asks and reads, held against what GitLab publishes of its GraphQL schema and its REST API.

One run over sockets, in which every query is sent at least once, against a stub whose answers are held against the same.
"""

from __future__ import annotations

import functools
import re
import time
from pathlib import Path

import pytest

from cli.running import Leadline
from leadline.sources.gitlab import queries
from published.built import built, plain
from published.facts import GITLAB
from published.graphs import Schema
from published.traffic import Exchange, recorded
from stubs.gitlab import TOKEN, Hub
from stubs.gitlab_data import START, event, iteration, note, project
from stubs.server import JSON, Fault, Request, serving

ENV = {"GITLAB_TOKEN": TOKEN}
TOO_LARGE = Fault(
    200, JSON, b'{"errors": [{"message": "Query has complexity of 300, which exceeds max complexity of 250"}]}'
)
BUILT = {
    name: re.sub(r"(\w)\?", r"\1", text)  # what a server may be too old for is asked for first
    for name, text in built(queries, {"name": tuple(queries.DETAILS), "kind": ("group", "namespace")}).items()
}


@functools.cache
def schema() -> Schema:
    return Schema((Path(__file__).parent / "gitlab.graphql").read_text())


def company() -> Hub:
    """A group in which every list has more than one page, beside a user's project."""
    shop = project("acme/shop", 1, merge_requests=21, issues=101, releases=101, deployments=101, pipelines=101)
    shop["mergeRequests"][0]["notes"] += [note(900 + number, "why?", "cleo", 70) for number in range(101)]
    shop["mergeRequests"][1].update(mergeCommitSha=None, squashCommitSha="a" * 40)
    first, second = iteration(1, closed=True), iteration(2, title="Second")
    shop["issues"][0]["iteration"] = {"id": "gid://gitlab/Iteration/52"}
    moves = [event(1, 60, iteration=first, action="add"), event(2, 90, iteration=second, action="add")]
    return Hub(
        iterations=[first, second],
        events={"acme/shop#1 iterations": moves, "acme/shop#1 weights": [event(3, 61, weight=3)]},
        projects=[shop, project("acme/web/empty", 2), project("ada/tools", 3, merge_requests=1)],
        users={"ada"},
        clock=START.timestamp() + 86_400 * 8 - time.time(),
    )


def too_large(request: Request) -> Fault | None:
    """Merge requests with all their lists are too much for the server, however few are asked for."""
    return TOO_LARGE if "notes(first: 100) {" in str((request.body or {}).get("query")) else None


@pytest.fixture(scope="module")
def exchanges(tmp_path_factory: pytest.TempPathFactory) -> list[Exchange]:
    """What went over the sockets while everything was read, in all the ways in which it is read."""
    folder = tmp_path_factory.mktemp("gitlab")
    with recorded() as traffic:
        hub = company()
        with serving(hub) as url:
            reads = Leadline(folder / "first", folder)
            for target in ("acme", "ada", "acme/web/empty"):
                reads("sources", "add", "gitlab", target, "--url", url, "--name", target.replace("/", "-"))
            reads("sources", "test", "acme", env=ENV)
            reads("sync", env=ENV)
            shop = hub.projects[0]
            for name in ("mergeRequests", "issues", "releases"):
                del shop[name][3]
            reads("sync", env=ENV)
            reads("sync", code=1, env={"GITLAB_TOKEN": "glpat-wrong"})
            hub.scopes = ("read_user",)
            reads("sync", code=1, env=ENV)
        for changes in ({"faults": too_large}, {"broken": lambda _thing, field: field == "rootRef"}):
            hub = company()
            vars(hub).update(changes)
            with serving(hub) as url:
                for owner in ("acme", "ada"):
                    Leadline(folder / "-".join(changes), folder)("sync", "gitlab", owner, "--url", url, env=ENV)
    return traffic


@pytest.mark.parametrize("name", BUILT)
def test_every_query_is_one_that_gitlab_takes(name: str) -> None:
    assert schema().faults(BUILT[name]) == []


def test_every_query_was_sent_and_no_other(exchanges: list[Exchange]) -> None:
    sent = {plain(exchange.query) for exchange in exchanges if exchange.query}
    names = {plain(text): name for name, text in BUILT.items()}
    assert sent - set(names) == set()
    assert {name for text, name in names.items() if text not in sent} == set()


def test_queries_and_answers_are_of_gitlabs_schema(exchanges: list[Exchange]) -> None:
    distinct = {f"{exchange.body} {exchange.answer}": exchange for exchange in exchanges if exchange.query}
    faults: set[str] = set()
    for exchange in distinct.values():
        query, variables = exchange.body["query"], exchange.body["variables"]
        faults.update(schema().faults(query, variables))
        if (data := (exchange.answer or {}).get("data")) is not None and "errors" not in exchange.answer:
            faults.update(schema().differences(query, variables, data))
    assert faults == set()


def test_what_is_asked_and_read_by_rest_is_described(exchanges: list[Exchange]) -> None:
    asked = [exchange for exchange in exchanges if not exchange.query]
    operations = {operation[0] for exchange in asked if (operation := GITLAB.operation(exchange))}
    assert operations == set(GITLAB.templates)
    assert {fault for exchange in asked for fault in GITLAB.faults(exchange)} == set()
    read = {path for exchange in asked for path in exchange.reads}
    assert {("[]", "deployable", "started_at"), ("[]", "squash_commit_sha"), ("scopes",)} <= read
