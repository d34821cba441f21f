"""Every route of the OpenAPI document, with every kind of key, and the names and ids of another project wherever a route takes one.
The routes are those of the document, so that a new one is held to this by being there: what its path takes must be added to
``Tenant.ids``, and whom it is for must follow from ``roles_of``, or this says so."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from api.document import DOCUMENT
from api.people import LIST, send, upload
from api.serving import (
    EXPORT_BODIES,
    REPORTS,
    Answer,
    Client,
    Served,
    exports_of,
    fill,
    fill_delivery,
    make_keys,
    serving,
)
from leadline import people
from leadline.db import Database, keys
from leadline.db.models import metadata
from leadline.home import Home, Project
from leadline.people import load_org
from leadline.settings.server import DOCUMENTED_PREFIXES

ROUTES = [(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item]
OPEN = {"/healthz", "/readyz", "/metrics", "/openapi.json"}
SIGNED = {"/v1/webhooks/{source}"}
KEYED = [(method, path) for method, path in ROUTES if path not in OPEN | SIGNED]
JSON = {"Content-Type": "application/json"}
SECRETS = (b"Clandestine", b"zoe@secret.example", b"Sub Rosa")
"""What only the other project has."""


ADMINISTRATION = {"status", "settings", "keys", "sources", "source-kinds", "identities"}
"""What begins the paths of admins, after the version."""


def roles_of(method: str, path: str) -> set[str]:
    """Whom a route is for, as the guides say it."""
    if path.startswith("/v2/ingest/") or path == "/v1/custom-cicd" or "cloud-ids" in path:
        return {"admin", "ingestion"}
    if path.split("/")[2] in ADMINISTRATION:
        return {"admin"}
    reads = method in ("GET", "HEAD") or path.startswith(("/v2/insights/", "/v2/productivityv3/"))
    reads = reads or path == "/v2/developers/list"
    return {"admin", "viewer"} if reads else {"admin"}


@dataclass
class Tenant:
    """A project with something of everything: ``ids`` by the name of the path parameter, and of both kinds of exports."""

    project: Project
    keys: dict[str, str]
    tree: str
    ids: dict[str, str] = field(default_factory=dict)
    exports: dict[str, str] = field(default_factory=dict)

    @property
    def identifiers(self) -> str:
        """The query that names it."""
        return f"orgIdentifier={self.project.organization}&projectIdentifier={self.project.name}"

    def asked(self, path: str) -> str:
        """What a query needs to be answered, beside who asks."""
        columns = {"efficiency": "DF_Deployment_Count", "flow": "Throughput", "sprint": "Sprint_Commit"}
        columns |= {"ba": "KTLO_tickets"}
        column = "&column=" + next(
            (columns[kind] for kind in columns if f"/insights/{kind}/" in f"{path}/"), "Coding_Days"
        )
        if path.endswith("/exports/{exportId}/cells"):
            return f"{column}&row=0"
        if not re.fullmatch("/v2/insights/[a-z-]+(/cells)?|/v2/charts/.*", path):
            return ""
        level = "&groups=df" if "/efficiency" in path else "&level=team"
        cell = f"{column}&team={self.ids['refId']}" if path.endswith("/cells") else ""
        return f"&orgTreeName={self.tree}&dateFrom=2025-01-01&dateTo=2025-12-31{level}{cell}"

    def address(self, path: str) -> str:
        """``path`` with its own ids."""
        export = self.exports[exports_of(path)]
        for name, value in {"exportId": export, **self.ids}.items():
            path = path.replace(f"{{{name}}}", value)
        assert "{" not in path, f"say what {path} takes, in Tenant.ids"
        return path


@dataclass
class World:
    served: Served
    ours: Tenant
    theirs: Tenant

    def call(
        self, key: str | None, method: str, address: str, body: bytes | None = b"{}", headers: Mapping[str, str] = JSON
    ) -> Answer:
        """One request; without a body where the method has none."""
        client = Client(self.served.base, key)
        return client.send(method, address, headers=headers, body=None if method in ("GET", "HEAD") else body)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two projects on one server."""
    folder = tmp_path_factory.mktemp("matrix")
    with Home.open(folder / "home") as home:
        ours, theirs = home.project(), home.project("other", "secret", create=True)
        fill(ours, folder)
        fill_delivery(ours)
        hidden = folder / "hidden.csv"
        hidden.write_text(
            "email,full_name,manager_email,team\nzoe@secret.example,Zoe,,\nx@secret.example,X,zoe@secret.example,Sub Rosa\n"
        )
        load_org(theirs, hidden, "Clandestine", now=datetime(2026, 1, 1, tzinfo=UTC))
        with serving(home) as served:
            tenants = [Tenant(ours, served.keys, "Engineering"), Tenant(theirs, make_keys(theirs), "Clandestine")]
            for tenant in tenants:
                _furnish(served, tenant)
            yield World(served, *tenants)


def _furnish(served: Served, tenant: Tenant) -> None:
    admin = Client(served.base, tenant.keys["admin"])
    version = upload(admin, LIST, "PUT", f"/v2/developers?orgTreeName={tenant.tree}").json["versionId"]
    (tree,) = people.trees(tenant.project)
    team = people.tree(tenant.project, tree.name).root.ref_id
    tenant.ids = {"versionId": version, "uploadId": version, "treeId": str(tree.id), "refId": str(team)}
    key = keys.create(tenant.project.db, tenant.project.id, "to be named", "viewer", now=datetime.now(UTC))
    source = send(
        *(admin, "POST", f"/v2/sources?{tenant.identifiers}"),
        {"kind": "pagerduty", "token": {"file": "pagerduty"}, "name": "calls"},
    )
    assert source.status == 200, source.body
    hook = send(
        *(admin, "POST", f"/v2/webhooks?{tenant.identifiers}"),
        {"url": "https://127.0.0.1/never", "events": ["data.late"]},
    )
    assert hook.status == 201, hook.body
    tenant.ids["webhookId"] = hook.json["id"]
    days = {"period": "previous_month"}
    schedule = send(
        *(admin, "POST", f"/v2/schedules?{tenant.identifiers}"),
        {
            "name": "monthly",
            "export": "productivity",
            "request": {"scope": {"orgTreeName": tenant.tree}, "dateRange": days},
            "at": {"cron": "0 6 1 * *"},
        },
    )
    assert schedule.status == 201, schedule.body
    tenant.ids["scheduleId"] = schedule.json["id"]
    tenant.ids |= {"keyId": key.id, "sourceId": str(source.json["sources"][0]["id"]), "key": "timezone"}
    tenant.ids |= {"table": "incidents", "source": "hook", "name": "deployments", "form": "svg", "kind": "incidents"}
    for path, body in EXPORT_BODIES.items():
        scope = {"orgTreeName": tenant.tree}
        created = send(admin, "POST", f"{path}?{tenant.identifiers}", {**body, "scope": scope})
        assert created.status == 202, created.body
        tenant.exports[path] = created.json["exportId"]
        Client(served.base, tenant.keys["admin"], path).wait_for(tenant.exports[path])


def state(db: Database) -> str:
    """A digest of all that a refused call could have changed: every table, but for when a key was last used."""
    digest = hashlib.sha256()
    with db.read() as connection:
        for table in metadata.sorted_tables:
            columns = [column for column in table.columns if column.name != "last_used_at"]
            rows = connection.execute(table.select().with_only_columns(*columns)).all()
            # Who reads what is computed first takes the lock of the computed tables, whose number then is another.
            kept = sorted(text for text in map(repr, rows) if ":facts:" not in text)
            digest.update(repr((table.name, kept)).encode())
    return digest.hexdigest()


@pytest.fixture(autouse=True)
def _nothing_changes(world: World) -> Iterator[None]:
    """All that is called here is refused, or only read."""
    before = state(world.served.home.db)
    yield
    assert state(world.served.home.db) == before


def test_only_these_routes_need_no_key() -> None:
    unkeyed = {
        path for path, item in DOCUMENT["paths"].items() for operation in item.values() if not operation["security"]
    }
    assert unkeyed == OPEN | SIGNED


def headers_of_strangers(world: World) -> dict[str, list[tuple[str, str]]]:
    project, now = world.ours.project, datetime.now(UTC)
    ours, theirs = world.ours.keys["admin"], world.theirs.keys["admin"]
    revoked = keys.create(project.db, project.id, "revoked", "admin", now=now)
    keys.revoke(project.db, project.id, revoked.id, now=now)
    past = now - timedelta(days=2)
    expired = keys.create(project.db, project.id, "old", "admin", now=past, expires_at=past + timedelta(days=1))
    return {
        "none": [],
        "empty": [("x-api-key", "")],
        "wrong": [("x-api-key", ours[:-6] + "abcdef")],
        "beginning": [("x-api-key", ours[:15])],
        "malformed": [("x-api-key", "' OR 1=1 --")],
        "upper case": [("x-api-key", ours.upper())],
        "revoked": [("x-api-key", revoked.key)],
        "expired": [("x-api-key", expired.key)],
        "basic": [("authorization", f"Basic {ours}")],
        "bare": [("authorization", ours)],
        "cookie": [("cookie", f"SEI_API_KEY={ours}")],
        "two roles": [("x-api-key", world.ours.keys["viewer"]), ("x-api-key", ours)],
        "two projects": [("x-api-key", ours), ("SEI_API_KEY", theirs)],
        "two spellings": [("x-api-key", ours), ("authorization", f"Bearer {theirs}")],
    }


@pytest.fixture(scope="module")
def strangers(world: World) -> dict[str, list[tuple[str, str]]]:
    """Headers that open nothing, by what is wrong with them."""
    return headers_of_strangers(world)


def bare_call(base: str, method: str, address: str, headers: list[tuple[str, str]]) -> tuple[int, bytes]:
    """One request whose headers may come twice."""
    target = urlsplit(base)
    connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=60)
    connection.putrequest(method, address, skip_accept_encoding=True)
    body = None if method in ("GET", "HEAD") else b"{}"
    for name, value in [*headers, *JSON.items(), *([("Content-Length", "2")] if body else [])]:
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    raw = answer.read()
    connection.close()
    return answer.status, raw


def test_strangers_learn_nothing(world: World, strangers: dict[str, list[tuple[str, str]]]) -> None:
    wrong = []
    for method, path in ROUTES:
        bodies = set()
        for who, headers in strangers.items():
            address = f"{world.ours.address(path)}?{world.ours.identifiers}"
            status, raw = bare_call(world.served.base, method, address, headers)
            if status != (200 if path in OPEN else 401) or any(secret in raw for secret in SECRETS):
                wrong.append((who, method, path, status))
            bodies.add(raw)
        if path not in OPEN and len(bodies) > 1:
            wrong.append(("all", method, path, "refusals differ"))
    assert wrong == []


def test_open_routes_name_no_tenant(world: World) -> None:
    for path in OPEN - {"/openapi.json"}:
        answer = world.call(None, "GET", path)
        assert answer.status == 200
        assert not any(name in answer.body for name in (b"default/", b"other", b"secret", b"Engineering", b"key_"))


@pytest.mark.parametrize("role", keys.ROLES)
def test_each_role_may_what_it_is_for(world: World, role: str) -> None:
    wrong = []
    for method, path in KEYED:
        allowed = role in roles_of(method, path)
        for prefix in ("", *(f"{base}/" for base in DOCUMENTED_PREFIXES)) if not allowed else ("",):
            # What is allowed is asked of a project that has nothing of that name, so that nothing is changed.
            there = {**world.ours.ids, "versionId": "ver_0", "uploadId": "ver_0", "treeId": "0", "exportId": "exp_0"}
            there |= {"webhookId": "wh_0", "scheduleId": "schedule_0"}
            there |= {"keyId": "key_0", "sourceId": "0", "key": "no.setting"}
            address = path if allowed else world.ours.address(path)
            for name, value in there.items():
                address = address.replace(f"{{{name}}}", value)
            answer = world.call(world.ours.keys[role], method, f"{prefix}{address}?{world.ours.identifiers}")
            if (
                answer.status >= 500
                or (answer.status in (401, 403)) == allowed
                or (not allowed and answer.status != 403)
            ):
                wrong.append((method, prefix + path, answer.status))
    assert wrong == []


@pytest.mark.parametrize(
    "query",
    [
        "orgIdentifier=other&projectIdentifier=secret",
        "orgIdentifier=default&projectIdentifier=secret",
        "orgIdentifier=default&projectIdentifier=default&projectIdentifier=secret",
        "orgIdentifier=default&projectIdentifier=default%20",
        "orgIdentifier=DEFAULT&projectIdentifier=default",
    ],
)
def test_other_identifiers_are_forbidden_everywhere(world: World, query: str) -> None:
    wrong = []
    for method, path in KEYED:
        answer = world.call(world.ours.keys["admin"], method, f"{world.ours.address(path)}?{query}")
        if answer.status != 403:
            wrong.append((method, path, answer.status))
    assert wrong == []


BODIES = (
    b"{}",
    b"[]",
    b'{"active": true}',
    b'{"fieldMappings": []}',
    b'{"metadata": {}}',
    b'{"filters": []}',
    b'{"integrations": []}',
)
"""Some of them is a good body of each route that takes an id."""


def test_ids_of_another_project_are_not_there(world: World) -> None:
    """With an admin's key and each body; the same ids are there for whom they belong to."""
    wrong = []
    for mine, other in ((world.ours, world.theirs), (world.theirs, world.ours)):
        for method, path in KEYED:
            if "{" not in path or any(name in path for name in ("{table}", "{form}", "{kind}", "{key}")):
                continue
            for body in BODIES if method in ("POST", "PUT", "PATCH") else (None,):
                for query, expected in (
                    ("", (400, 404)),
                    (f"?{mine.identifiers}", (400, 404)),
                    (f"?{other.identifiers}", (403,)),
                ):
                    answer = world.call(mine.keys["admin"], method, other.address(path) + query, body)
                    known = mine is world.ours and any(secret in answer.body for secret in SECRETS)
                    if answer.status not in (expected if body else (expected[-1],)) or known:
                        wrong.append((method, path, query, body, answer.status))
            if method in ("GET", "HEAD"):
                answer = world.call(other.keys["admin"], method, f"{other.address(path)}?{other.asked(path)}")
                if answer.status != 200:
                    wrong.append(("its owner", method, path, answer.status))
    assert wrong == []


def named(mine: Tenant, other: Tenant) -> Iterator[tuple[str, str, Any]]:
    """Requests whose bodies name something of the other project."""
    team = int(other.ids["refId"])
    scopes = [{"orgTreeName": other.tree}, {"teamId": str(team)}, {"orgTreeName": mine.tree, "teamId": str(team)}]
    for path, body in EXPORT_BODIES.items():
        for scope in scopes:
            yield "POST", f"{path}?{mine.identifiers}", {**body, "scope": scope}
    days = {"dateStart": "2025-01-01", "dateEnd": "2025-12-31"}
    for metric in ("leadtime", "mttr", "deploymentFrequency/drilldown"):
        yield "POST", f"/v2/insights/efficiency/{metric}", {"teamRefId": team, **days}
    feature = {"startDate": "2025-01-01", "endDate": "2025-12-31", "teamRefIds": [team]}
    yield "POST", "/v2/productivityv3/feature_metrics", feature
    yield (
        "POST",
        REPORTS,
        {"dateStart": "2025-01-01", "dateEnd": "2025-12-31", "teamRefId": team, "efficiency": {"metrics": []}},
    )


def test_names_of_another_project_mean_nothing(world: World) -> None:
    wrong = []
    for mine, other in ((world.ours, world.theirs), (world.theirs, world.ours)):
        for method, address, body in named(mine, other):
            answer = world.call(mine.keys["admin"], method, address, json.dumps(body).encode())
            if answer.status != 400 or (mine is world.ours and b"zoe@" in answer.body):
                wrong.append((method, address, body, answer.status, answer.body))
    assert wrong == []


def test_trees_of_another_project_are_no_parameter(world: World) -> None:
    """Of every route that takes the name of a tree in its query."""
    taking = [
        (method, path)
        for method, path in KEYED
        if "orgTreeName"
        in {parameter["name"] for parameter in DOCUMENT["paths"][path][method.lower()].get("parameters", ())}
    ]
    assert len(taking) >= 8
    bodies = {
        "PATCH": b'[{"email": "new@secret.example"}]',
        "DELETE": b'{"emails": ["zoe@secret.example"]}',
        "POST": b"{}",
    }
    wrong = []
    for method, path in taking:
        body, headers = bodies.get(method, b""), JSON
        if "multipart/form-data" in DOCUMENT["paths"][path][method.lower()].get("requestBody", {}).get("content", {}):
            continue  # a list may found a tree of any name
        answer = world.call(world.ours.keys["admin"], method, f"{path}?orgTreeName=Clandestine", body, headers)
        if answer.status not in (400, 404) or b"zoe@" in answer.body:
            wrong.append((method, path, answer.status, answer.body))
    assert wrong == []


def test_lists_have_ones_own_alone(world: World) -> None:
    for mine, other in ((world.ours, world.theirs), (world.theirs, world.ours)):
        for method, path in KEYED:
            if method != "GET" or "{" in path:
                continue
            answer = world.call(mine.keys["admin"], method, f"{path}?{mine.identifiers}{mine.asked(path)}")
            assert answer.status == 200, (path, answer.body)
            foreign = [*other.exports.values(), other.ids["versionId"]]
            assert not any(name.encode() in answer.body for name in foreign), path
            assert any(secret in answer.body for secret in SECRETS) <= (mine is world.theirs), path


def test_what_a_query_asks_in_vain_is_named(world: World) -> None:
    """By every route that answers a JSON object, whatever was kept of it before, and only where it was asked."""
    asked: list[str] = []
    world.ours.ids["form"] = "json"
    for method, path in KEYED:
        answers = DOCUMENT["paths"][path][method.lower()]["responses"].get("200", {}).get("content", {})
        if method != "GET" or "application/json" not in answers:
            continue
        address = f"{world.ours.address(path)}?{world.ours.identifiers}{world.ours.asked(path)}"
        plain, odd, again = (
            world.call(world.ours.keys["admin"], "GET", address + more) for more in ("", "&nosuch=1", "")
        )
        assert (plain.status, odd.status) == (200, 200), (path, plain.body, odd.body)
        named = [
            warning for warning in odd.json["warnings"] if warning.startswith("nosuch: unknown parameter, ignored; ")
        ]
        assert len(named) == 1, (path, odd.json["warnings"])
        for other in (plain, again):
            assert odd.json["warnings"] == [*other.json.get("warnings", ()), *named], path
        schema = answers["application/json"]["schema"]
        name = schema.get("$ref", "").rpartition("/")[2]
        assert "warnings" in (DOCUMENT["components"]["schemas"][name] if name else schema)["properties"], path
        asked.append(path)
    assert len(asked) > 40
    world.ours.ids["form"] = "svg"


def test_what_would_do_is_said(world: World) -> None:
    insight = f"/v2/insights/productivity?{world.ours.identifiers}{world.ours.asked('/v2/insights/productivity')}"
    for address, hint in {
        f"{insight}&metrik=PR_Merged": "did you mean metrics?",
        "/v2/identities?nosuch=1": "known here: unmatched, page, limit",
        "/v2/keys?nosuch=1": "none is known here",
    }.items():
        (warning,) = world.call(world.ours.keys["admin"], "GET", address).json["warnings"]
        assert warning.endswith(f": unknown parameter, ignored; {hint}"), warning


def test_a_body_that_is_no_object_is_told_what_the_route_takes(world: World) -> None:
    """And not what another one does."""
    told: list[str] = []
    for method, path in KEYED:
        content = DOCUMENT["paths"][path][method.lower()].get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        if "$ref" in schema:
            schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        if schema.get("type") != "object":
            continue
        for body, why in ((b"[]", "an array"), (b"", "empty")):
            answer = world.call(
                world.ours.keys["admin"], method, f"{world.ours.address(path)}?{world.ours.identifiers}", body
            )
            assert answer.status == 400, (path, answer.body)
            if answer.json["code"] != "malformed_body":
                continue  # what comes in several forms says so in its own words
            assert why in answer.json["error"]
            named = re.findall(r'"(\w+)": …', answer.json["error"])
            assert set(named) <= set(schema.get("properties", ())), (path, answer.json)
            of_an_object = "send a JSON object" in answer.json["error"]  # of what may be a list, too, none is shown
            assert named or not of_an_object or not schema.get("required"), (path, answer.json)
            told.append(path)
    assert {"/v2/schedules", "/v2/insights/productivity/exports", "/v2/settings"} <= set(told)
