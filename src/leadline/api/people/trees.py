"""The routes of org trees: which there are, their teams with ids and head counts, the filters of a team and the sources it uses.
Lists here are arrays at the top level, as documented clients read them (vendor docs, "Copy team integration settings"); what
filters and integrations mean is decided by ``team_settings`` and ``team_integrations`` of ``leadline.people``."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import Depends, Path, Query

from leadline.api.answers import new_router, refusals
from leadline.api.caller import Admin, Reader
from leadline.api.people.bodies import FILTERS, INTEGRATIONS
from leadline.api.people.query import DayQuery
from leadline.api.people.team_models import FiltersBody, IntegrationsBody, OrgTreeBody, TeamBody
from leadline.errors import NotFound
from leadline.field_types import printable
from leadline.home import Project
from leadline.people import history
from leadline.people import tree as tree_named
from leadline.people import trees as all_trees
from leadline.people.team_integrations import change_team_integrations, team_integrations
from leadline.people.team_settings import change_team_filters, team_filters
from leadline.people.tree import Node, OrgTree

router = new_router("people")

TREES = "/v2/org-trees"
TEAMS = TREES + "/{treeId}/teams"
INTEGRATIONS_PATH = TEAMS + "/{refId}/settings/integrations"
FILTERS_PATH = TEAMS + "/{refId}/settings/integration_filters"

TreeId = Annotated[str, Path(alias="treeId", min_length=1, description="An org tree's id.")]
RefId = Annotated[str, Path(alias="refId", min_length=1, description="A team's ref id, or its key.")]


@router.get(TREES, response_description="By name.")
def list_org_trees(caller: Reader) -> list[OrgTreeBody]:
    """List org trees."""
    project = caller.project
    return [
        OrgTreeBody.of(tree_named(project, known.name), history(project, known.name)) for known in all_trees(project)
    ]


@router.get(TEAMS, response_description="In preorder, the root first.", responses=refusals(404))
def list_teams(caller: Reader, tree_id: TreeId, query: Annotated[DayQuery, Query()]) -> list[TeamBody]:
    """List the teams of an org tree."""
    tree = _tree(caller.project, tree_id, query.at)
    heads = tree.head_counts()
    parents = {node.parent for node in tree.nodes}
    return [TeamBody.of(node, heads[node.ref_id], leaf=node.ref_id not in parents) for node in tree.nodes]


@router.get(FILTERS_PATH, response_description="The team's own filters.", responses=refusals(404))
def get_team_filters(caller: Reader, tree_id: TreeId, ref_id: RefId) -> FiltersBody:
    """The filters of a team."""
    tree = _tree(caller.project, tree_id)
    return FiltersBody.of(team_filters(caller.project, tree, _team(tree, ref_id)))


@router.put(FILTERS_PATH, response_description="The team's own filters.", responses=refusals(404, 409))
def put_team_filters(
    caller: Admin, tree_id: TreeId, ref_id: RefId, body: Annotated[dict[str, Any], Depends(FILTERS)]
) -> FiltersBody:
    """Change the filters of a team."""
    tree = _tree(caller.project, tree_id)
    return FiltersBody.of(*change_team_filters(caller.project, tree, _team(tree, ref_id), body))


@router.get(INTEGRATIONS_PATH, response_description="The sources that the team uses.", responses=refusals(404))
def get_team_integrations(caller: Reader, tree_id: TreeId, ref_id: RefId) -> IntegrationsBody:
    """The sources a team uses."""
    tree = _tree(caller.project, tree_id)
    return IntegrationsBody.of(team_integrations(caller.project, tree, _team(tree, ref_id)))


@router.put(INTEGRATIONS_PATH, response_description="The sources that the team uses.", responses=refusals(404, 409))
def put_team_integrations(
    caller: Admin, tree_id: TreeId, ref_id: RefId, body: Annotated[dict[str, Any], Depends(INTEGRATIONS)]
) -> IntegrationsBody:
    """Change the sources a team uses."""
    tree = _tree(caller.project, tree_id)
    return IntegrationsBody.of(change_team_integrations(caller.project, tree, _team(tree, ref_id), body))


def _tree(project: Project, tree_id: str, day: date | None = None) -> OrgTree:
    for known in all_trees(project):
        if str(known.id) == tree_id:
            return tree_named(project, known.name, day=day)
    raise NotFound(f"There is no org tree {printable(tree_id)[:80]!r}", code="unknown_org_tree")


def _team(tree: OrgTree, ref_id: str) -> Node:
    if (node := tree.find(ref_id)) is None:
        raise NotFound(f'There is no team {printable(ref_id)[:80]!r} in org tree "{tree.name}"', code="unknown_team")
    return node
