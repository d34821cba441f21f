"""The routes of org trees: which there are, their teams with ids and head counts, the filters of a team and the sources it uses.

Requests come in, answers go out. Lists here are arrays at the top level, as documented clients read them (vendor docs, "Copy
team integration settings"); what filters and integrations mean is decided by ``team_settings`` and ``team_integrations`` of
``leadline.people``.
"""

from __future__ import annotations

from enum import Enum

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from leadline.api.app_state import query_of, services_of
from leadline.api.auth import ADMIN, READ
from leadline.api.body import read_object
from leadline.api.errors import json_list_response, json_response
from leadline.api.people import describe
from leadline.api.people.models import FiltersBody, IntegrationsBody, OrgTreeBody, TeamBody
from leadline.db.keys import ApiKey
from leadline.errors import NotFound
from leadline.field_types import printable
from leadline.people import tree as tree_named
from leadline.people import trees as all_trees
from leadline.people.team_integrations import change_team_integrations, team_integrations
from leadline.people.team_settings import change_team_filters, team_filters
from leadline.people.tree import Node, OrgTree

TAGS: list[str | Enum] = ["people"]
TREES = "/v2/org-trees"
TEAMS = TREES + "/{treeId}/teams"
INTEGRATIONS = TEAMS + "/{refId}/settings/integrations"
FILTERS = TEAMS + "/{refId}/settings/integration_filters"


def add_tree_routes(app: FastAPI) -> None:
    """Add the routes to ``app``."""

    @app.get(TREES, tags=TAGS, **describe.org_trees("listOrgTrees", "List org trees"))
    def listed(request: Request) -> Response:
        services = services_of(request)
        key = services.caller(request, READ)
        query_of(request)
        project = services.project(key)
        found = [OrgTreeBody.of(summary, tree_named(project, summary.name)) for summary in all_trees(project)]
        return json_list_response([body.document() for body in found])

    @app.get(TEAMS, tags=TAGS, **describe.teams("listTeams", "List the teams of an org tree"))
    def teams(request: Request) -> Response:
        key = services_of(request).caller(request, READ)
        query_of(request)
        tree = _tree(request, key)
        heads = tree.head_counts()
        parents = {node.parent for node in tree.nodes}
        found = [TeamBody.of(node, heads[node.ref_id], leaf=node.ref_id not in parents) for node in tree.nodes]
        return json_list_response([body.document() for body in found])

    @app.get(FILTERS, tags=TAGS, **describe.filters("getTeamFilters", "The filters of a team"))
    def filters(request: Request) -> Response:
        services = services_of(request)
        key = services.caller(request, READ)
        query_of(request)
        tree = _tree(request, key)
        found = team_filters(services.project(key), tree, _team(request, tree))
        return json_response(FiltersBody.of(found).document())

    @app.put(FILTERS, tags=TAGS, **describe.filters("putTeamFilters", "Change the filters of a team", change=True))
    async def change(request: Request) -> Response:
        key = await run_in_threadpool(services_of(request).caller, request, ADMIN)
        query_of(request)
        body = await read_object(request)

        def changed() -> Response:
            tree = _tree(request, key)
            found, warnings = change_team_filters(services_of(request).project(key), tree, _team(request, tree), body)
            return json_response(FiltersBody.of(found, warnings).document())

        return await run_in_threadpool(changed)

    _add_integration_routes(app)


def _add_integration_routes(app: FastAPI) -> None:
    @app.get(INTEGRATIONS, tags=TAGS, **describe.integrations("getTeamIntegrations", "The sources a team uses"))
    def integrations(request: Request) -> Response:
        services = services_of(request)
        key = services.caller(request, READ)
        query_of(request)
        tree = _tree(request, key)
        found = team_integrations(services.project(key), tree, _team(request, tree))
        return json_response(IntegrationsBody.of(found).document())

    what = describe.integrations("putTeamIntegrations", "Change the sources a team uses", change=True)

    @app.put(INTEGRATIONS, tags=TAGS, **what)
    async def change(request: Request) -> Response:
        key = await run_in_threadpool(services_of(request).caller, request, ADMIN)
        query_of(request)
        body = await read_object(request)

        def changed() -> Response:
            tree = _tree(request, key)
            project = services_of(request).project(key)
            found = change_team_integrations(project, tree, _team(request, tree), body)
            return json_response(IntegrationsBody.of(found).document())

        return await run_in_threadpool(changed)


def _tree(request: Request, key: ApiKey) -> OrgTree:
    """The tree whose id is in the address. Raises ``NotFound``."""
    project = services_of(request).project(key)
    text: str = request.path_params["treeId"]
    for summary in all_trees(project):
        if str(summary.id) == text:
            return tree_named(project, summary.name)
    raise NotFound(f"There is no org tree {printable(text)[:80]!r}", code="unknown_org_tree")


def _team(request: Request, tree: OrgTree) -> Node:
    """The node whose ref id or key is in the address. Raises ``NotFound``."""
    text: str = request.path_params["refId"]
    if (node := tree.find(text)) is None:
        raise NotFound(f'There is no team {printable(text)[:80]!r} in org tree "{tree.name}"', code="unknown_team")
    return node
