"""The routes of one org tree as a whole: the tree, the sources that its teams use, and the settings that say how its metrics are
computed."""

from __future__ import annotations

from leadline.api.answers import new_router, refusals
from leadline.api.caller import Caller, LimitedReader
from leadline.api.people.team_models import IntegrationsBody, OrgTreeBody, ProfileBody
from leadline.api.people.trees import TREES, TreeId, tree_with_id
from leadline.errors import NotFound
from leadline.people import history
from leadline.people.team_integrations import tree_integrations
from leadline.people.tree import OrgTree
from leadline.settings.groups import PROFILES

router = new_router("people")

TREE = TREES + "/{treeId}"
_IN_FORCE = "The settings in force."


@router.get(TREE, response_description="As it is in force today.", responses=refusals(404))
def get_org_tree(caller: LimitedReader, tree_id: TreeId) -> OrgTreeBody:
    """One org tree."""
    tree = _shown(caller, tree_id)
    return OrgTreeBody.of(tree, history(caller.project, tree.name))


@router.get(TREE + "/integrations", response_description="Each source once, by type and name.", responses=refusals(404))
def get_org_tree_integrations(caller: LimitedReader, tree_id: TreeId) -> IntegrationsBody:
    """The sources that the teams of an org tree use."""
    return IntegrationsBody.of(tree_integrations(caller.project, _shown(caller, tree_id)))


@router.get(TREE + "/efficiency_profile", response_description=_IN_FORCE, responses=refusals(404))
def get_efficiency_profile(caller: LimitedReader, tree_id: TreeId) -> ProfileBody:
    """The settings of efficiency metrics."""
    return _profile(caller, tree_id, "efficiency")


@router.get(TREE + "/productivity_profile", response_description=_IN_FORCE, responses=refusals(404))
def get_productivity_profile(caller: LimitedReader, tree_id: TreeId) -> ProfileBody:
    """The settings of productivity metrics."""
    return _profile(caller, tree_id, "productivity")


@router.get(
    TREE + "/businessAlignmentProfile",
    operation_id="getBusinessAlignmentProfile",
    response_description=_IN_FORCE,
    responses=refusals(404),
)
def get_business_profile(caller: LimitedReader, tree_id: TreeId) -> ProfileBody:
    """The settings of business alignment."""
    return _profile(caller, tree_id, "business")


def _shown(caller: Caller, tree_id: str) -> OrgTree:
    tree = tree_with_id(caller.trees, tree_id)
    if tree is None:
        raise NotFound("Nothing of this org tree is in force today", code="unknown_org_tree")
    return tree


def _profile(caller: Caller, tree_id: str, kind: str) -> ProfileBody:
    tree = _shown(caller, tree_id)
    texts = caller.project.profile(tree.name).texts
    own = {key: text for key, text in texts.items() if key.partition(".")[0] in PROFILES[kind]}
    return ProfileBody(profile_ref_id=tree.id, settings=own)
