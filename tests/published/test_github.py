"""What the GitHub connector asks and reads, held against the GraphQL schema and the REST descriptions that GitHub publishes.

One run over sockets, in which every query is sent at least once, against a stub whose answers are held against the same
schemas.
"""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from graphql import GraphQLNamedType

from cli.running import Leadline
from leadline.cli.source_runs import INCOMPLETE
from leadline.sources.github import queries
from published.built import built, plain
from published.graphs import Schema
from published.openapi import Description
from published.packages import GRAPHQL, OPENAPI, published
from published.traffic import Exchange, recorded
from stubs.github import TOKEN, App, Hub
from stubs.github_data import START, deployment, member, oid, release, repository, run, team, when
from stubs.github_graphql import schema as stub_schema
from stubs.server import JSON, Fault, Request, serving

ENV = {"GITHUB_TOKEN": TOKEN}
TOO_LARGE = Fault(
    200,
    JSON,
    b'{"data": null, "errors": [{"type": "RESOURCE_LIMITS_EXCEEDED", "message": "The query is too large."}]}',
)
OF_ANY_ANSWER = (": reads message", ": reads errors")
"""What a refusal says is looked for in whatever is answered."""
BOTH = "POST /app/installations/{installation_id}/access_tokens: reads id"
"""An installation has an id, its token a text: either shows that it is no other page."""


@functools.cache
def schema() -> Schema:
    return Schema(published(GRAPHQL, "schema.graphql").read_text())


@functools.cache
def description(file: str) -> Description:
    return Description.read(published(OPENAPI, file), "/api/v3")


# -- everything that is asked ------------------------------------------------------------------------------------------


def company() -> Hub:
    """An organization in which every list of everything has more than one page."""
    logins = [f"dev{number:03}" for number in range(101)]
    shop = repository("acme/shop", 1, pulls=30, releases=101, deployments=101, runs=101)
    shop["deployments"].append(deployment("acme/shop", 102, "IN_PROGRESS"))
    shop["runs"].append(run("acme/shop", 102, "in_progress"))
    lists = {"labels": 21, "assignees": 21, "commits": 101, "files": 101, "comments": 51, "reviews": 21}
    deep = repository("acme/deep", 2, pulls=1, **lists)
    deep["pullRequests"][0]["reviews"][0]["comments"] *= 21
    return Hub(
        owners={"acme": [shop, deep, repository("acme/empty", 3)]},
        members=[member(login, f"{login}@acme.example") for login in logins],
        teams=[team("platform", *logins), team("web", "dev000", above="platform")],
        clock=START.timestamp() + 8 * 86_400 - time.time(),
    )


def octopus(hub: Hub) -> None:
    """The head of a branch becomes a merge of many arms."""
    head = hub.owners["acme"][1]["history"][-1]
    head["parents"] = [{"oid": oid("arm", at)} for at in range(120)]


def too_large(part: str) -> Callable[[Request], Fault | None]:
    """Queries that have ``part`` are too large for the server, however little they ask for at once."""
    return lambda request: TOO_LARGE if part in str((request.body or {}).get("query")) else None


@pytest.fixture(scope="module")
def exchanges(tmp_path_factory: pytest.TempPathFactory) -> list[Exchange]:
    """What went over the sockets while everything was read, in all the ways in which it is read."""
    folder = tmp_path_factory.mktemp("github")
    with recorded() as traffic:
        hub = company()
        octopus(hub)
        with serving(hub) as url:
            reads = Leadline(folder / "first", folder)
            reads("sources", "add", "github", "acme", "--url", url, "--name", "code")
            reads("sources", "test", "code", env=ENV)
            reads("sync", env=ENV)
            shop = hub.owners["acme"][0]
            shop["deployments"][-1].update(deployment("acme/shop", 102, "IN_PROGRESS", "SUCCESS"))
            shop["releases"].append(release("acme/shop", 200))
            shop["pushedAt"] = when(100_000)
            reads("sync", env=ENV)
        for refused in ("releases", "comments", "reviews.comments"):
            hub = company()
            hub.forbidden = {refused: "Resource not accessible by personal access token"}
            with serving(hub) as url:
                Leadline(folder / refused, folder)("sync", "github", "acme", "--url", url, env=ENV, code=INCOMPLETE)
        for part in ("labels(first: 20) {", "nodes { oid } } additions deletions }"):
            hub = company()
            hub.faults = too_large(part)
            hub.scopes = "repo, read:org"
            with serving(hub) as url:
                Leadline(folder / f"large{len(part)}", folder)("sync", "github", "acme", "--url", url, env=ENV)
        _as_app(folder)
    return traffic


def _as_app(folder: Path) -> None:
    """A run that signs in as an app, at an organization and at a user."""
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    (folder / "app.pem").write_text(pem)
    installations = {"orgs/acme": {"id": 77, "suspended_at": None}, "users/ada": {"id": 78, "suspended_at": None}}
    owners = {"acme": [repository("acme/shop", 1)], "ada": [repository("ada/shop", 2)]}
    hub = Hub(owners=owners, app=App("4711", key.public_key(), installations))
    with serving(hub) as url:
        for owner in hub.owners:
            words = ("sync", "github", owner, "--url", url, "--app", "4711", "--token-file", "app.pem")
            Leadline(folder / f"app-{owner}", folder)(*words)


WITHOUT = [(), ("comments",), ("comments", "reviews.comments"), ("reviews.comments",)]
BUILT = built(queries, {"name": tuple(queries.DETAILS), "without": WITHOUT})


# -- the tests ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BUILT)
def test_every_query_is_one_that_github_takes(name: str) -> None:
    assert schema().faults(BUILT[name]) == []


def test_every_query_was_sent_and_no_other(exchanges: list[Exchange]) -> None:
    sent = {plain(exchange.query) for exchange in exchanges if exchange.query}
    names = {plain(text): name for name, text in reversed(BUILT.items())}  # by the first that is built so
    assert sent - set(names) == set()
    unsent = {name for text, name in names.items() if text not in sent and not re.search("without=.*comments", name)}
    assert unsent == {
        "pulls(details=False, commits=True, without=())"
    }  # commits come with pull requests and their lists only


def test_queries_and_answers_are_of_githubs_schema(exchanges: list[Exchange]) -> None:
    distinct = {f"{exchange.body} {exchange.answer}": exchange for exchange in exchanges if exchange.query}
    faults: set[str] = set()
    for exchange in distinct.values():
        query, variables = exchange.body["query"], exchange.body["variables"]
        faults.update(schema().faults(query, variables))
        if (data := (exchange.answer or {}).get("data")) is not None and "errors" not in exchange.answer:
            faults.update(schema().differences(query, variables, data))
    assert faults == set()


@pytest.mark.parametrize("file", OPENAPI.files)
def test_what_is_asked_and_read_by_rest_is_described(exchanges: list[Exchange], file: str) -> None:
    asked = [exchange for exchange in exchanges if not exchange.query]
    described = description(file)
    operations = {operation[0] for exchange in asked if (operation := described.operation(exchange))}
    assert operations == {
        "/repos/{owner}/{repo}/actions/runs",
        "/orgs/{org}/installation",
        "/users/{username}/installation",
        "/app/installations/{installation_id}/access_tokens",
    }
    faults = {fault for exchange in asked for fault in described.faults(exchange)}
    assert {fault for fault in faults if not fault.endswith(OF_ANY_ANSWER)} == {BOTH}
    read = {path for exchange in asked for path in exchange.reads}
    assert {("workflow_runs", "[]", "conclusion"), ("token",), ("suspended_at",)} <= read


def test_the_stubs_schema_is_a_part_of_githubs() -> None:
    """What may be null decides what a refusal takes away, so the stub must not be kinder than GitHub."""
    whole = schema().graphql.type_map
    differences = []
    for name, kind in stub_schema().type_map.items():
        if not name.startswith("__"):
            differences += sorted(_told(kind) - _told(whole[name])) if name in whole else [name]
    assert differences == []


def _told(kind: GraphQLNamedType) -> set[str]:
    """What a schema says of a type: its fields with their types and arguments, and its values."""
    told = {f"{kind.name}.{value}" for value in getattr(kind, "values", {})}
    for name, field in getattr(kind, "fields", {}).items():
        told.add(f"{kind.name}.{name}: {field.type}")
        told |= {f"{kind.name}.{name}({key}: {value.type})" for key, value in getattr(field, "args", {}).items()}
    return told
