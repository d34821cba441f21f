"""Every route of the app × every kind of access: nothing of another team, no address of a person. The routes are those of the app:
a route that limited keys may ask must be asked here, or this says so; others must be refused to them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from api.limited import ASKER, DATES, OF_TEAMS, PEOPLE, SURNAMES, Limited, limited_project, report_body
from api.serving import (
    ALL_EXPORTS,
    BUSINESS_EXPORTS,
    EFFICIENCY_EXPORTS,
    EXPORTS,
    FLOW_EXPORTS,
    REPORTS,
    SPRINT_EXPORTS,
    Answer,
    Client,
    exports_of,
)
from leadline.agents.http import PATH as MCP
from leadline.agents.http import install as install_mcp
from leadline.api.app import routed
from leadline.api.auth import READ
from leadline.api.caller import Authorized
from leadline.charts.catalogue import CHARTS
from leadline.db import saved_views
from leadline.page.install import install
from leadline.page.sign_in_provider import WAY_BACK
from leadline.page.visit import SignedInAs
from leadline.people.pseudonyms import pseudonyms_of
from leadline.settings.server import ServerSettings
from page.browsing import Browsing

OPEN = {"/healthz", "/readyz", "/metrics", "/openapi.json", "/v1/webhooks/{source:path}"}
OPEN |= {"/sign-in", "/sign-in/provider", WAY_BACK, "/favicon.ico", "/static/{digest}/{name:path}"}
"""Routes without a key: they tell nothing of any project."""


def routes() -> list[tuple[str, APIRoute]]:
    """Every route of a server, with the page."""
    app = routed()
    app.state.leadline = SimpleNamespace(home=SimpleNamespace(settings=ServerSettings()))
    install(app)
    install_mcp(app)
    return [(method, route) for route in app.routes if isinstance(route, APIRoute) for method in sorted(route.methods)]


ROUTES = routes()
Guard = Authorized | SignedInAs


def guards(dependant: Dependant) -> list[Guard]:
    """The dependencies by which a route says whom it is for."""
    own = [dependant.call] if isinstance(dependant.call, Guard) else []
    return [*own, *(guard for below in dependant.dependencies for guard in guards(below))]


def limited(route: APIRoute) -> bool:
    """Whether a route says that it keeps to the access of its caller."""
    return all(guard.keeps_to_access for guard in guards(route.dependant))


GUARDED = [(method, route) for method, route in ROUTES if guards(route.dependant)]
KEYED = [(method, route) for method, route in GUARDED if isinstance(guards(route.dependant)[0], Authorized)]
READING = [(method, route) for method, route in KEYED if guards(route.dependant)[0].roles == READ]
PAGES = [route for method, route in GUARDED if (method, route) not in KEYED and method == "GET"]


def addressed(*names: str) -> list[str]:
    """The addresses of people."""
    return [f"{name}@example.org" for name in names]


LIMITS = ("team", "several", "no developers", "team rows")
UNKNOWN = 999_999
OTHERS = {
    "team": (
        *addressed("ada", "eve", "fay", "gus", "hal", "olaf", "pia"),
        "Webshop",
        "Nightwatch",
        *SURNAMES[4:],
        "Arnold",
        ASKER,
    ),
    "several": (*addressed("ada", "eve", "fay", "gus", "hal"), "Webshop", *SURNAMES[4:8], "Arnold", ASKER),
    # A team is called after Gus, which rows of teams do say.
    "no developers": ("@example.org", *(name for name in SURNAMES if name != "Graywood"), ASKER),
    "team rows": ("@example.org", "Webshop", "Nightwatch", *SURNAMES, ASKER),
}
"""What nobody with these limits may read."""


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Limited, Limited]]:
    with limited_project(tmp_path_factory.mktemp("limited")) as served:
        yield served


@pytest.fixture(scope="module")
def world(both: tuple[Limited, Limited]) -> Limited:
    """Names are shown."""
    return both[0]


@pytest.fixture(scope="module")
def veiled(both: tuple[Limited, Limited]) -> Limited:
    """Names are hidden from viewers."""
    return both[1]


def test_every_route_says_whom_it_is_for() -> None:
    unguarded = {route.path for _, route in ROUTES if not guards(route.dependant)}
    assert unguarded == OPEN
    said = [{(guard.roles, guard.keeps_to_access) for guard in guards(route.dependant)} for _, route in GUARDED]
    assert all(len(of_route) == 1 for of_route in said)


# -- what is asked -----------------------------------------------------------------------------------------------------

QUERIES = {
    "teamId": ["{refId}"],
    "orgTreeName": ["Engineering", "Nightwatch", "Never"],
    "search": ["fay", "e"],
    "emails": ["fay@example.org", "cyd@example.org"],
    "at": ["2025-06-01"],
    "scope": ["mine"],
    "createdBy": ["admin"],
    "dateFrom": [DATES["start"]],
    "dateTo": [DATES["end"]],
    "aggregationLevel": ["developer", "team"],
    "team": ["{refId}"],
    "developer": addressed("fay", "cyd"),
}
"""Values of query parameters, by name."""
YEAR = f"&dateFrom={DATES['start']}&dateTo={DATES['end']}"
ALWAYS = {
    "/v2/insights/productivity": YEAR,
    "/v2/insights/efficiency": f"{YEAR}&groups=summary",
    "/v2/insights/flow": YEAR,
    "/v2/insights/flow/cells": f"{YEAR}&column=Throughput&granularity=total",
    FLOW_EXPORTS + "/{exportId}/cells": "&column=Throughput&row=0",
    "/v2/insights/ticket-data": YEAR,
    "/v2/insights/sprint": YEAR,
    "/v2/insights/sprint/cells": f"{YEAR}&column=Sprint_Commit&granularity=total",
    SPRINT_EXPORTS + "/{exportId}/cells": "&column=Sprint_Commit&row=0",
    "/v2/insights/ba": f"{YEAR}&groups=categorized",
    "/v2/insights/ba/cells": f"{YEAR}&column=Uncategorized_tickets&granularity=total",
    BUSINESS_EXPORTS + "/{exportId}/cells": "&column=Uncategorized_tickets&row=0",
    "/v2/insights/productivity/cells": f"{YEAR}&column=PR_Merged&level=team&granularity=total",
    "/v2/insights/efficiency/cells": f"{YEAR}&column=DF_Deployment_Count&groups=summary&granularity=total",
    EXPORTS + "/{exportId}/cells": "&column=PR_Merged&row=0",
    EFFICIENCY_EXPORTS + "/{exportId}/cells": "&column=DF_Deployment_Count&row=0",
    "/v2/charts/{name}.{form}": YEAR,
}
"""What a route needs to answer at all."""
FEATURES = "/v2/productivityv3/feature_metrics"
COSTLY = ("/v2/facts/{kind}", "/cells")
"""How routes end whose answers take long: these are asked less."""


def ids(world: Limited, path: str) -> dict[str, list[Any]]:
    """What the parameters of a path may be: one's own, others', none's."""
    kind = exports_of(path)
    return {
        "exportId": [*(export for (of_path, _), export in world.exports.items() if of_path == kind), "exp_never"],
        "treeId": [*world.trees.values(), UNKNOWN],
        "refId": [*world.teams.values(), UNKNOWN],
        "versionId": [world.version, "ver_never"],
        "name": [next(iter(CHARTS)), "never"],
        "form": ["json"],
        "source_id": ["1"],
        "list_id": [world.version],
        "kind": ["productivity"] if path.startswith("/exports/") else ["pull-requests", "deployments", "never"],
        "key_id": ["key_never"],
        "webhookId": [world.webhook, "wh_never"],
        "scheduleId": [world.schedule, "schedule_never"],
        "schedule_id": [world.schedule, "schedule_never"],
        "metric": ["PR_Merged", "LTTC_Mean_Days", "never"],
        "export_id": [export for (of_path, _), export in world.exports.items() if of_path == EXPORTS],
    }


def addresses(world: Limited, route: APIRoute) -> Iterator[str]:
    """The addresses of a route: each of its ids with each of its query parameters."""
    known = ids(world, route.path)
    names = re.findall(r"{(\w+)}", route.path)
    assert set(names) <= set(known), f"say what {route.path} takes, in ids"
    taken = {parameter.alias for parameter in parameters(route.dependant)}
    queries = [""]
    for name in sorted(taken & set(QUERIES)):
        values = known["refId"] if QUERIES[name] == ["{refId}"] else QUERIES[name]
        if route.path.endswith(COSTLY):
            teams = [world.teams["Platform"], world.teams["Webshop"], UNKNOWN]
            values = {"teamId": teams, "team": teams, "developer": values[:1]}.get(name, [])
        queries += [f"{name}={value}" for value in values]
    for values in product(*(known[name] for name in names)):
        path = route.path
        for name, value in zip(names, values, strict=True):
            path = path.replace(f"{{{name}}}", str(value))
        for query in queries:
            yield f"{path}?{world.here}{ALWAYS.get(route.path, '')}" + (f"&{query}" if query else "")


def parameters(dependant: Dependant) -> list[Any]:
    """The query parameters of a route; those of a model by its fields."""
    own = []
    for parameter in dependant.query_params:
        fields = getattr(parameter.field_info.annotation, "model_fields", None)
        own += list(fields.values()) if fields else [parameter]
    return [*own, *(parameter for below in dependant.dependencies for parameter in parameters(below))]


def bodies(world: Limited, method: str, route: APIRoute) -> list[Any]:
    """The bodies that a route is sent."""
    if method != "POST" or route.path.endswith("/cancel"):
        return [None]
    scopes = [{}, {"orgTreeName": "Engineering"}, {"orgTreeName": "Nightwatch"}, {"orgTreeName": "Never"}]
    scopes += [{"teamId": str(ref)} for ref in (*world.teams.values(), UNKNOWN)]
    if route.path in ALL_EXPORTS:
        levels = ("team",) if route.path in OF_TEAMS else ("developer", "team")
        return [world.body(route.path, scope, level) for scope in scopes for level in levels]
    if route.path == REPORTS:
        sections = ("efficiency", "productivity", "productivityContributors")
        refs = [{}, *({"teamRefId": ref} for ref in (*world.teams.values(), UNKNOWN))]
        return [report_body(section, **ref) for section in sections for ref in refs]
    if route.path == "/v2/insights/forecast":
        return [{"scope": scope, "remaining": 1} for scope in scopes]
    if route.path == "/v2/developers/list":
        return [{}, {"emails": ["fay@example.org"]}, {"search": ["Frosthill"]}]
    return of_agents(route.path, [*world.teams.values(), UNKNOWN])


def of_agents(path: str, teams: list[int]) -> list[Any]:
    """What agents send."""
    if path == MCP:
        return [tool_call(tool, **arguments) for tool, arguments in tool_calls(teams)]
    if path == FEATURES:
        days = {"startDate": DATES["start"], "endDate": DATES["end"], "granularity": "YEARLY"}
        stacked = [{"stackBy": stack} for stack in ("DEVELOPER", "TEAM")]
        named = [{"developerIds": [email]} for email in addressed("fay", "cyd")]
        return [{**days, **of} for of in ({}, *({"teamRefIds": [team]} for team in teams), *stacked, *named)]
    if path.startswith("/v2/insights/coding-assistant/"):
        days = {"startDate": DATES["start"], "endDate": DATES["end"], "integrationType": ["cursor"]}
        more = {"groupBy": "DEVELOPER"} if path.endswith("breakdown") else {}
        return [{**days, **more, **of} for of in ({}, *({"teamRefId": team} for team in teams))]
    assert path.startswith(("/v2/insights/efficiency/", "/v2/insights/ba/")), f"say what is sent to {path}, in bodies"
    days = {"dateStart": DATES["start"], "dateEnd": DATES["end"]}
    return [days, *({**days, "teamRefId": team} for team in teams)]


def tool_calls(teams: list[int]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What tools of the MCP server are asked."""
    days = {"dateFrom": DATES["start"], "dateTo": DATES["end"]}
    yield from (
        ("find_team", {}),
        ("find_team", {"name": "e"}),
        ("data_freshness", {}),
        ("list_metrics", {"search": "merged"}),
    )
    for scope in (
        {},
        {"orgTreeName": "Engineering"},
        {"orgTreeName": "Nightwatch"},
        *({"teamId": team} for team in teams),
    ):
        said = {**scope, **days}
        yield "get_metric", {"metric": "PR_Merged", "by": "developers", **said}
        yield "get_metric", {"metric": "DF_Deployment_Count", "by": "teams", **said}
        yield "explain_cell", {"metric": "PR_Merged", **said}
        yield "explain_cell", {"metric": "Uncategorized_tickets", **said}
        yield "get_metric", {"metric": "Sprint_Commit", "by": "sprints", **said}
        yield "compare", {"metric": "PR_Merged", "thanTeamId": teams[-2], "limit": 5, **said}
        yield from (("list_facts", {"kind": kind, **said}) for kind in ("pull-requests", "deployments"))
    yield "explain_cell", {"metric": "PR_Merged", "developer": addressed("fay")[0], **days}


def tool_call(tool: str, **arguments: Any) -> dict[str, Any]:
    """A message of MCP."""
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}


SPEAKS = {MCP: {"Accept": "application/json, text/event-stream"}}
"""Headers that a route cannot do without."""


def asked(world: Limited, key: str, method: str, route: APIRoute) -> Iterator[tuple[str, Any, Answer]]:
    """Everything that is asked of a route, with its answers."""
    for address in addresses(world, route):
        for body in bodies(world, method, route):
            yield address, body, world.call(key, method, address, body, headers=SPEAKS.get(route.path))


def leaks(secrets: tuple[str, ...], address: str, body: Any, answer: Answer) -> list[str]:
    """Which of ``secrets`` an answer tells that the request did not."""
    said = f"{address} {body}"
    text = answer.body.decode(errors="replace") + str(answer.headers)
    return [secret for secret in secrets if secret in text and secret.lower() not in said.lower()]


# -- the matrix --------------------------------------------------------------------------------------------------------


def test_what_is_of_the_whole_project_is_refused(world: Limited) -> None:
    whole = [(method, route) for method, route in READING if not limited(route)]
    assert whole
    codes = {"team": "limited_to_teams", "several": "limited_to_teams", "no developers": "no_developers"}
    for method, route in whole:
        for key, code in {**codes, "team rows": "limited_to_teams"}.items():
            for address, _, answer in asked(world, key, method, route):
                assert (answer.status, answer.json["code"]) == (403, code), (key, method, address)
        assert any(answer.status == 200 for *_, answer in asked(world, "unlimited", method, route)), route.path


def test_who_may_not_read_is_refused_as_ever(world: Limited) -> None:
    for method, route in KEYED:
        if guards(route.dependant)[0].roles != READ:
            path = re.sub(r"{\w+}", "x", route.path)
            answer = world.call(
                "team", method, f"{path}?{world.here}", {} if method in ("POST", "PUT", "PATCH") else None
            )
            assert (answer.status, answer.json["code"]) == (403, "forbidden"), (method, route.path)


@pytest.mark.parametrize("key", LIMITS)
def test_nothing_of_another_team_and_nobody_who_is_not_shown(world: Limited, key: str) -> None:
    wrong, statuses = [], set()
    for method, route in READING:
        if not limited(route) or method == "DELETE" or route.path.endswith("/cancel"):
            continue
        for address, body, answer in asked(world, key, method, route):
            statuses.add(answer.status)
            if answer.status >= 500 or leaks(OTHERS[key], address, body, answer):
                wrong.append((method, address, body, answer.status, leaks(OTHERS[key], address, body, answer)))
    assert wrong == []
    assert {200, 400, 404} <= statuses
    _files_tell_nothing(world, key, OTHERS[key])


def _files_tell_nothing(world: Limited, key: str, secrets: tuple[str, ...]) -> None:
    """Of every export that is listed."""
    for path in ALL_EXPORTS:
        listed = world.call(key, "GET", f"{path}?limit=100").json["exports"]
        assert listed
        for export in listed:
            Client(world.base, world.keys[key], path).wait_for(export["exportId"])
            file = world.call(key, "GET", f"{path}/{export['exportId']}/download")
            assert file.status == 200
            assert leaks(secrets, "", "", file) == [], export


def test_another_teams_is_as_what_never_was(world: Limited) -> None:
    """Of every id in a path and of every team that is named, the answers for others' and for none's are the same."""
    own = {"team": {world.teams["Platform"]}, "several": {world.teams[name] for name in ("Platform", "Nightwatch")}}
    for key, mine in own.items():
        others = set(world.teams.values()) - mine
        for method, route in READING:
            if not limited(route):
                continue
            for name, foreign, never in foreign_ids(world, route, others):
                answers = []
                for value in (foreign, never):
                    path = route.path.replace(f"{{{name}}}", str(value))
                    path = re.sub("{treeId}", str(world.trees["Engineering"]), path)
                    path = re.sub("{refId}", str(world.teams["Platform"]), path)
                    answer = world.call(key, method, f"{path}?{world.here}{ALWAYS.get(route.path, '')}")
                    answers.append((answer.status, answer.body.replace(str(value).encode(), b"ID")))
                assert answers[0] == answers[1], (key, method, route.path, name, foreign)
                assert answers[0][0] == 404


def foreign_ids(world: Limited, route: APIRoute, others: set[int]) -> Iterator[tuple[str, Any, Any]]:
    """Path parameters with an id that is somebody else's, and one that never was."""
    for name in re.findall(r"{(\w+)}", route.path):
        if name == "refId":
            yield from ((name, ref, UNKNOWN) for ref in sorted(others))
        elif name == "exportId":
            kind = exports_of(route.path)
            for (path, of), export in world.exports.items():
                if path == kind and of.split()[0] in ("whole", "web"):
                    yield name, export, "exp_" + "0" * 20


def test_teams_in_bodies_are_as_what_never_was(world: Limited) -> None:
    web = str(world.teams["Webshop"])
    for path in ALL_EXPORTS:
        for scope in ({"teamId": "{}"}, {"orgTreeName": "{}"}):
            other = {"teamId": web, "orgTreeName": "Nightwatch"}
            answers = []
            for value in (other[next(iter(scope))], "0123"):
                answer = world.create("team", path, dict.fromkeys(scope, value))
                answers.append((answer.status, answer.body.replace(value.encode(), b"ID")))
            assert answers[0] == answers[1]
            assert answers[0][0] == 400
    answers = [
        world.call("team", "POST", REPORTS, report_body("productivity", teamRefId=ref)) for ref in (int(web), UNKNOWN)
    ]
    assert answers[0].status == answers[1].status == 400
    assert answers[0].body.replace(web.encode(), b"ID") == answers[1].body.replace(str(UNKNOWN).encode(), b"ID")


# -- what one gets -----------------------------------------------------------------------------------------------------


def within(lines: list[str], team: str = "Platform") -> list[str]:
    """The header, and the rows of a team and of those below."""
    header, *rows = lines
    at = header.split(",").index("Team_Hierarchy")
    return [header, *(row for row in rows if team in row.split(",")[at].split("/"))]


@pytest.mark.parametrize(
    ("path", "level"),
    [(EXPORTS, "developer"), *((path, "team") for path in (EXPORTS, EFFICIENCY_EXPORTS, SPRINT_EXPORTS))],
)
@pytest.mark.parametrize("scope", [{"orgTreeName": "Engineering"}, {}])
def test_a_request_without_a_team_has_the_rows_of_the_whole_that_are_within(
    world: Limited, path: str, level: str, scope: dict[str, Any]
) -> None:
    whole = world.rows("unlimited", path, {"orgTreeName": "Engineering"}, level)
    got = world.rows("team", path, scope, level)
    assert got == within(whole)
    assert len(got) > 4
    assert len(got) < len(whole)


def test_a_report_without_a_team_has_the_rows_of_the_whole_that_are_within(world: Limited) -> None:
    for section in ("efficiency", "productivity", "productivityContributors"):
        whole, got = (
            world.call(key, "POST", REPORTS, report_body(section)).body.decode().splitlines()
            for key in ("unlimited", "team")
        )
        assert len(got) > 1
        assert set(got) < set(whole)
        assert all(any(name in row for name in ("Platform", "ben@", "cyd@", "Dee@")) for row in got[1:])


def test_an_insight_without_a_team_has_the_rows_of_the_whole_that_are_within(world: Limited) -> None:
    for kind, level in (("productivity", "developer"), ("productivity", "team"), ("efficiency", "team")):
        address = f"/v2/insights/{kind}?{world.here}{ALWAYS[f'/v2/insights/{kind}']}&level={level}"
        whole = world.call("unlimited", "GET", f"{address}&orgTreeName=Engineering")
        got = world.call("team", "GET", address)
        assert (whole.status, got.status) == (200, 200)
        within = [row for row in whole.json["rows"] if row["team"]["path"].split("/")[-1] == "Platform"]
        assert got.json["rows"] == within
        assert within
        assert got.json["request"]["team"]["path"] == "Engineering/Platform"
        again = world.call("team", "GET", address, headers={"If-None-Match": whole.headers["etag"]})
        assert again.status == 200


def test_the_rows_behind_a_value_are_those_of_the_whole_that_are_within(world: Limited) -> None:
    """A team's cell is the same for whoever may see the team; another's is as none's; people are named as they are shown."""
    platform, web = world.teams["Platform"], world.teams["Webshop"]
    for kind in ("productivity", "efficiency"):
        address = f"/v2/insights/{kind}/cells?{world.here}{ALWAYS[f'/v2/insights/{kind}/cells']}"
        whole = world.call("unlimited", "GET", f"{address}&orgTreeName=Engineering&team={platform}")
        own = world.call("team", "GET", f"{address}&team={platform}")
        assert (whole.status, own.status) == (200, 200)
        assert len(own.json["rows"]) == own.json["value"] == 12
        keys = [[row["row"].get("number"), row["row"].get("deployment_id")] for row in own.json["rows"]]
        assert keys == [[row["row"].get("number"), row["row"].get("deployment_id")] for row in whole.json["rows"]]
        others = [world.call("team", "GET", f"{address}&team={team}") for team in (web, UNKNOWN)]
        assert [answer.status for answer in others] == [404, 404]
        assert others[0].body == others[1].body
        nobody = world.call("team rows", "GET", f"{address}&team={platform}")
        assert nobody.json["value"] == 12
        assert {row["row"].get("developer") for row in nobody.json["rows"]} == {None}


def test_several_teams_must_be_named(world: Limited) -> None:
    platform, operations = world.teams["Platform"], world.teams["Nightwatch"]
    for refused in (
        world.create("several", EXPORTS, {}),
        world.call("several", "POST", REPORTS, report_body("efficiency")),
    ):
        assert (refused.status, refused.json["code"]) == (403, "limited_to_teams")
        assert [detail["message"] for detail in refused.json["details"]] == [
            f"{platform} (Engineering/Platform)",
            f"{operations} (Nightwatch)",
        ]
    assert within(world.rows("several", EXPORTS, {"teamId": str(platform)}))[1:]


def test_no_developers_means_no_developers(world: Limited) -> None:
    for key in ("no developers", "team rows"):
        for refused in (
            world.create(key, EXPORTS, {"orgTreeName": "Engineering"}, "developer"),
            world.call(key, "POST", REPORTS, report_body("productivityContributors")),
            world.call(key, "GET", "/v2/developers"),
        ):
            assert (refused.status, refused.json["code"]) == (403, "no_developers")
        assert world.create(key, EXPORTS, {"orgTreeName": "Engineering"}).status in (200, 202)


def test_lists_and_totals_agree(world: Limited) -> None:
    for key in LIMITS:
        for path in ALL_EXPORTS:
            listed = world.call(key, "GET", f"{path}?limit=100").json
            polled = [export for (of, _), export in world.exports.items() if of == path]
            there = [export for export in polled if world.call(key, "GET", f"{path}/{export}").status == 200]
            assert listed["total"] == len(listed["exports"])
            assert {export["exportId"] for export in listed["exports"]} >= set(there)
            assert not {export["exportId"] for export in listed["exports"]} & (set(polled) - set(there))
    trees = world.call("team", "GET", "/v2/org-trees").json["orgTrees"]
    assert [(tree["name"], tree["teams"], tree["developers"]) for tree in trees] == [("Engineering", 1, 3)]
    (team,) = world.call("team", "GET", f"/v2/org-trees/{trees[0]['id']}/teams").json["teams"]
    whole = world.call("unlimited", "GET", f"/v2/org-trees/{trees[0]['id']}/teams").json["teams"]
    assert {**team, "parentRefId": whole[0]["refId"]} in whole
    developers = world.call("team", "GET", "/v2/developers").json
    assert (developers["total"], len(developers["developers"])) == (3, 3)


def test_an_export_of_a_key_serves_others_that_may_see_it(world: Limited) -> None:
    platform = {"teamId": str(world.teams["Platform"])}
    made = world.create("unlimited", EXPORTS, platform, "developer").json["exportId"]
    assert world.create("team", EXPORTS, platform, "developer").json["exportId"] == made
    world.rows("team", EXPORTS, platform, "developer")
    tag = world.call("unlimited", "GET", f"{EXPORTS}/{made}/download").headers["etag"]
    head = world.call("team", "GET", f"{EXPORTS}/{made}/download", headers={"If-None-Match": tag})
    assert head.status == 304
    whole = world.exports[EXPORTS, "whole developer"]
    tag = world.call("unlimited", "GET", f"{EXPORTS}/{whole}/download").headers["etag"]
    refused = world.call("team", "GET", f"{EXPORTS}/{whole}/download", headers={"If-None-Match": tag})
    assert refused.status == 404


def test_a_file_names_no_other_tree(world: Limited) -> None:
    body = world.body(EXPORTS, {}, "team")
    body["options"]["format"] = "parquet"
    made = world.call("team", "POST", f"{EXPORTS}?{world.here}", body).json["exportId"]
    Client(world.base, world.keys["team"]).wait_for(made)
    file = world.call("team", "GET", f"{EXPORTS}/{made}/download").body
    assert b"Engineering" in file
    assert not any(secret.encode() in file for secret in OTHERS["team"])
    assert world.call("team", "GET", f"{EXPORTS}/{made}").json["orgTreeVersions"].keys() == {"Engineering"}


def test_another_teams_export_is_not_cancelled(world: Limited) -> None:
    whole = world.exports[EXPORTS, "web team"]
    for method, address in (("DELETE", f"{EXPORTS}/{whole}"), ("POST", f"{EXPORTS}/{whole}/cancel")):
        assert world.call("team", method, address).status == 404
    assert world.call("unlimited", "DELETE", f"{EXPORTS}/{whole}").status == 409


# -- hidden names ------------------------------------------------------------------------------------------------------

HIDDEN = (*addressed(*PEOPLE, "Dee"), *SURNAMES, ASKER)


@pytest.mark.parametrize("key", ["unlimited", "team", "no developers"])
def test_hidden_names_are_nowhere(veiled: Limited, key: str) -> None:
    wrong = []
    for method, route in READING:
        if method == "DELETE" or route.path.endswith("/cancel"):
            continue
        for address, body, answer in asked(veiled, key, method, route):
            if answer.status >= 500 or leaks(HIDDEN, address, body, answer):
                wrong.append((method, address, body, answer.status, leaks(HIDDEN, address, body, answer)))
    assert wrong == []
    _files_tell_nothing(veiled, key, HIDDEN)


def test_one_person_has_one_pseudonym_everywhere(veiled: Limited) -> None:
    listed = veiled.call("unlimited", "GET", "/v2/developers?orgTreeName=Engineering").json["developers"]
    emails = {developer["email"]: developer["fullName"] for developer in listed}
    assert len(emails) == len(set(emails.values())) == 8
    assert all(re.fullmatch("developer-[0-9a-f]{16}", email) for email in emails)
    rows = veiled.rows("unlimited", EXPORTS, {"orgTreeName": "Engineering"}, "developer")
    columns = rows[0].split(",")
    exported = {row.split(",")[columns.index("Email")]: row.split(",")[columns.index("Developer")] for row in rows[1:]}
    assert exported.items() <= emails.items()
    assert len(exported) == 8
    report = veiled.call("unlimited", "POST", REPORTS, report_body("productivityContributors")).body.decode()
    assert {row.split(",")[1] for row in report.splitlines()[1:]} >= set(exported)
    named = veiled.rows("admin", EXPORTS, {"orgTreeName": "Engineering"}, "developer")
    values = [",".join(row.split(",")[7:]) for row in named]
    assert sorted(values) == sorted(",".join(row.split(",")[7:]) for row in rows)
    assert any("cyd@example.org" in row for row in named)


def test_an_export_with_names_is_not_there_for_who_sees_none(veiled: Limited) -> None:
    named = veiled.exports[EXPORTS, "platform developer"]
    assert veiled.call("unlimited", "GET", f"{EXPORTS}/{named}").status == 404
    assert veiled.call("admin", "GET", f"{EXPORTS}/{named}").status == 200
    scope = {"teamId": str(veiled.teams["Platform"])}
    made = veiled.create("unlimited", EXPORTS, scope, "developer").json["exportId"]
    assert made != named
    assert veiled.create("admin", EXPORTS, scope, "developer").json["exportId"] == named


def test_nobody_is_found_by_what_is_hidden(veiled: Limited) -> None:
    for query in ("search=Frosthill", "search=fay", "emails=fay@example.org", "searchKey=email&searchValue=fay"):
        assert veiled.call("unlimited", "GET", f"/v2/developers?orgTreeName=Engineering&{query}").json["total"] == 0
    (one, *_) = veiled.call("unlimited", "GET", "/v2/developers?orgTreeName=Engineering").json["developers"]
    found = veiled.call("unlimited", "GET", f"/v2/developers?orgTreeName=Engineering&emails={one['email']}").json
    assert found["developers"] == [one]
    assert "Pager" not in str(found)


# -- the page ----------------------------------------------------------------------------------------------------------

VIEWS = (
    "",
    "&developer=fay@example.org",
    "&by=developers&names=shown",
    "&team={web}",
    "&tree=Nightwatch",
    "&tree=Never",
    "&team=999999",
    "&q=e&tree=Engineering",
)
"""What the address of a page says."""


def looked_at(world: Limited, key: str, route: APIRoute) -> Iterator[tuple[str, Answer]]:
    """A page as it is shown to whoever signed in with the key."""
    browsing = Browsing(world.base).signed_in(world.keys[key])
    known = ids(world, route.path)
    names = re.findall(r"{(\w+)}", route.path)
    assert set(names) <= set(known), f"say what {route.path} takes, in ids"
    for values, view in product(product(*(known[name] for name in names)), VIEWS[: 1 if names else None]):
        path = route.path
        for name, value in zip(names, values, strict=True):
            path = path.replace(f"{{{name}}}", str(value))
        address = f"{path}?from={DATES['start']}&to={DATES['end']}" + view.format(web=world.teams["Webshop"])
        shown = browsing.get(address)
        yield address, Answer(shown.status_code, dict(shown.headers), shown.content)


@pytest.mark.parametrize("key", LIMITS)
def test_pages_show_nothing_else(world: Limited, key: str) -> None:
    wrong, shown = [], 0
    for route in PAGES:
        for address, answer in looked_at(world, key, route):
            shown += answer.status == 200
            if answer.status >= 500 or leaks(OTHERS[key], address, None, answer):
                wrong.append((address, answer.status, leaks(OTHERS[key], address, None, answer)))
            if not limited(route):
                assert answer.status == 403, address
    assert wrong == []
    assert shown > 10


@pytest.mark.parametrize("key", ["unlimited", "team"])
def test_pages_show_nobodys_name_where_names_are_hidden(veiled: Limited, key: str) -> None:
    wrong = []
    for route in PAGES:
        for address, answer in looked_at(veiled, key, route):
            if answer.status >= 500 or leaks(HIDDEN, address, None, answer):
                wrong.append((address, answer.status, leaks(HIDDEN, address, None, answer)))
    assert wrong == []


def test_pages_find_nobody_by_what_is_hidden(veiled: Limited) -> None:
    """Asked for an address or a name that are hidden, none tells which pseudonym is theirs; asked for that, it says it."""
    whose = pseudonyms_of(veiled.project)
    hidden, shown = whose.address("fay@example.org"), whose.name("fay@example.org")
    rows = f"/facts?kind=productivity&column=PR_Merged&team={veiled.teams['Webshop']}&from={DATES['start']}&to={DATES['end']}"
    viewer, admin = (Browsing(veiled.base).signed_in(veiled.keys[key]) for key in ("unlimited", "admin"))
    for searched in ("q=fay", "q=Frosthill", "q=fay@example.org", "developer=fay@example.org"):
        text = viewer.get(f"{rows}&{searched}").text
        assert (hidden in text, shown in text, "#1<" in text) == (False, False, False), searched
    assert [f"{org}#" in viewer.get(f"{rows}&q={hidden}").text for org in ("org/web", "org/platform")] == [True, False]
    assert shown in viewer.get(f"{rows}&developer={hidden}").text
    assert "Fay Frosthill" in admin.get(f"{rows}&developer=fay@example.org").text


def test_what_limited_people_post_is_about_nothing_else(world: Limited) -> None:
    """Each form of the page that is theirs, about what is another team's and about what never was: the same answers."""
    browsing = Browsing(world.base).signed_in(world.keys["team"])
    token = browsing.form_token()
    web, of_web = world.teams["Webshop"], world.exports[EXPORTS, "web team"]
    kept = {view.id: view for view in saved_views.listed(world.project.db, world.project.id)}
    foreign = next(view for view in kept.values() if view.team == web)
    asked = {
        "/views": [("/views", {"name": name, "address": "/explore"}) for name in (foreign.name, "Mine")],
        "/views/{view_id}/delete": [(f"/views/{view}/delete", {}) for view in (foreign.id, "view_never")],
        "/explore/file": [(f"/explore/file?team={team}", {"format": "csv"}) for team in (web, UNKNOWN)],
        "/exports/new": [(f"/exports/new?team={team}&kind=efficiency", {"team": str(team)}) for team in (web, UNKNOWN)],
        "/exports/{kind}/{export_id}/cancel": [
            (f"/exports/productivity/{export}/cancel", {}) for export in (of_web, "exp_" + "0" * 20)
        ],
        "/sign-out": [],
    }
    theirs = {
        route.path for method, route in GUARDED if method == "POST" and (method, route) not in KEYED and limited(route)
    }
    assert theirs == set(asked)
    listed = world.call("admin", "GET", f"{EXPORTS}?limit=100").json["total"]
    for path, pair in asked.items():
        answers = [browsing.post(address, {**data, "form_token": token}) for address, data in pair]
        for (address, data), answer in zip(pair, answers, strict=True):
            told = Answer(answer.status_code, dict(answer.headers), answer.content)
            assert leaks(OTHERS["team"], address, data, told) == [], address
        if path != "/views":  # whose names are one's alone
            assert len({answer.status_code for answer in answers}) <= 1, path
            assert all(answer.status_code in (400, 404) for answer in answers), path
    assert kept.items() <= {view.id: view for view in saved_views.listed(world.project.db, world.project.id)}.items()
    assert world.call("admin", "GET", f"{EXPORTS}?limit=100").json["total"] == listed


def test_one_thing_is_shown_to_who_sees_its_team(world: Limited) -> None:
    statuses = {}
    for key in ("unlimited", "team"):
        browsing = Browsing(world.base).signed_in(world.keys[key])
        for repository in ("org/platform", "org/web", "org/never"):
            shown = browsing.get(f"/facts/row?fact=pull-requests&repository={repository}&number=1&tree=Engineering")
            statuses[key, repository] = shown.status_code
    assert statuses == {
        ("unlimited", "org/platform"): 200,
        ("unlimited", "org/web"): 200,
        ("unlimited", "org/never"): 404,
        ("team", "org/platform"): 200,
        ("team", "org/web"): 404,
        ("team", "org/never"): 404,
    }
