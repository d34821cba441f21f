"""The routes of org trees: which there are, their teams with ids and head counts, the filters of a team and the sources it uses.
What filters and integrations mean is decided by ``team_settings`` and ``team_integrations`` of ``leadline.people``."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import Depends, Path, Query

from leadline.api.answers import new_router, refusals
from leadline.api.caller import Admin, LimitedReader
from leadline.api.people.bodies import FILTERS, INTEGRATIONS
from leadline.api.people.query import DayQuery
from leadline.api.people.team_models import (
    FiltersBody,
    IntegrationsBody,
    OrgTreeBody,
    OrgTreesBody,
    TeamBody,
    TeamsBody,
)
from leadline.errors import NotFound
from leadline.field_types import printable
from leadline.people import history
from leadline.people.access import VisibleTrees
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
def list_org_trees(caller: LimitedReader) -> OrgTreesBody:
    """List org trees."""
    seen = [caller.trees.tree(known.name) for known in caller.trees.listed()]
    trees = [OrgTreeBody.of(tree, history(caller.project, tree.name)) for tree in seen if tree is not None]
    return OrgTreesBody(org_trees=trees)


@router.get(TEAMS, response_description="In preorder, the root first.", responses=refusals(404))
def list_teams(caller: LimitedReader, tree_id: TreeId, query: Annotated[DayQuery, Query()]) -> TeamsBody:
    """List the teams of an org tree."""
    tree = tree_with_id(caller.trees, tree_id, query.at)
    if tree is None:
        return TeamsBody.of([])
    heads, parents = tree.head_counts(), {node.parent for node in tree.nodes}
    managers = {node: tree.manager_of(node) for node in tree.nodes if caller.access.developers}
    return TeamsBody.of(
        [
            TeamBody.of(node, heads[node.ref_id], managers.get(node), leaf=node.ref_id not in parents)
            for node in tree.nodes
        ]
    )


@router.get(FILTERS_PATH, response_description="The team's own filters.", responses=refusals(404))
def get_team_filters(caller: LimitedReader, tree_id: TreeId, ref_id: RefId) -> FiltersBody:
    """The filters of a team."""
    tree, team = _team(caller.trees, tree_id, ref_id)
    return FiltersBody.of(team_filters(caller.project, tree, team))


@router.put(FILTERS_PATH, response_description="The team's own filters.", responses=refusals(404, 409))
def put_team_filters(
    caller: Admin, tree_id: TreeId, ref_id: RefId, body: Annotated[dict[str, Any], Depends(FILTERS)]
) -> FiltersBody:
    """Change the filters of a team."""
    tree, team = _team(caller.trees, tree_id, ref_id)
    return FiltersBody.of(*change_team_filters(caller.project, tree, team, body))


@router.get(INTEGRATIONS_PATH, response_description="The sources that the team uses.", responses=refusals(404))
def get_team_integrations(caller: LimitedReader, tree_id: TreeId, ref_id: RefId) -> IntegrationsBody:
    """The sources a team uses."""
    tree, team = _team(caller.trees, tree_id, ref_id)
    return IntegrationsBody.of(team_integrations(caller.project, tree, team))


@router.put(INTEGRATIONS_PATH, response_description="The sources that the team uses.", responses=refusals(404, 409))
def put_team_integrations(
    caller: Admin, tree_id: TreeId, ref_id: RefId, body: Annotated[dict[str, Any], Depends(INTEGRATIONS)]
) -> IntegrationsBody:
    """Change the sources a team uses."""
    tree, team = _team(caller.trees, tree_id, ref_id)
    return IntegrationsBody.of(change_team_integrations(caller.project, tree, team, body))


def tree_with_id(visible: VisibleTrees, tree_id: str, day: date | None = None) -> OrgTree | None:
    """The tree with this id as it is shown; None if nothing of it is on that day. Raises ``NotFound``."""
    for known in visible.listed():
        if str(known.id) == tree_id:
            return visible.tree(known.name, day)
    raise NotFound(f"There is no org tree {printable(tree_id)[:80]!r}", code="unknown_org_tree")


def _team(visible: VisibleTrees, tree_id: str, ref_id: str) -> tuple[OrgTree, Node]:
    tree = tree_with_id(visible, tree_id)
    if tree is None or (node := tree.find(ref_id)) is None:
        raise NotFound(f"There is no team {printable(ref_id)[:80]!r} in this org tree", code="unknown_team")
    return tree, node
