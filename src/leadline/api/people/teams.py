"""The routes of teams by their ref ids alone, whichever org tree they are in: the list of all, and what there is to know of one."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import Field

from leadline.api.answers import new_router, refusals
from leadline.api.caller import Caller, LimitedReader
from leadline.api.people.models import DeveloperBody
from leadline.api.people.team_models import FiltersBody, IntegrationsBody, ListedTeamBody, TeamListBody
from leadline.api.people.trees import RefId
from leadline.api.query import MayBeAbsent, PageNumber, Parameters, ShortText, choice, invalid_parameters, whole
from leadline.errors import Detail, InvalidRequest, NotFound
from leadline.field_types import printable
from leadline.json_body import Body
from leadline.people.records import records
from leadline.people.team_integrations import team_integrations
from leadline.people.team_settings import FILTER_KEYS, team_filters
from leadline.people.tree import Node, OrgTree
from leadline.settings.rules import INTEGRATION_TYPES
from leadline.sources.kit.kinds import KINDS

router = new_router("people")

TEAM = "/v2/teams/{refId}"
MOST = 100
"""Entries on a page."""
_PageSize = Annotated[int, whole(1, MOST)]


class PageQuery(Parameters):
    """Which page of a list; the names of its size mean the same."""

    page: PageNumber = Field(0, description="Which page, counted from 0.")
    page_size: _PageSize = Field(50, description="Entries on a page.")
    size: _PageSize = Field(50, description="The same as `pageSize`.")

    @property
    def most(self) -> int:
        """The most entries on a page."""
        return self.page_size if "page_size" in self.model_fields_set else self.size

    @property
    def slice(self) -> slice:
        """The entries of the page."""
        return slice(self.page * self.most, (self.page + 1) * self.most)


class TeamListQuery(PageQuery):
    """Which teams of all org trees."""

    leaf_teams_only: MayBeAbsent[Annotated[str, choice("true", "false")]] = Field(
        None, description="Whether to leave out teams that have others below them."
    )


class FiltersQuery(Parameters):
    """Which filters of a team."""

    integration_type: MayBeAbsent[ShortText] = Field(
        None,
        description="Only those of a group (`SCM`, `CD`, `ITSM`), of a type of integrations, or of the types that the team uses a "
        "tool for (`github`).",
    )


class TeamDevelopersBody(Body):
    """One page of the developers of a team and of the teams below it."""

    content: list[DeveloperBody] = Field(description="By email.")
    page: int = Field(description="Counted from 0.")
    page_size: int
    total: int = Field(description="Developers on all pages.")


@router.get("/v2/teams/list", operation_id="listAllTeams", response_description="One page of teams.")
def list_all_teams(caller: LimitedReader, query: Annotated[TeamListQuery, Query()]) -> TeamListBody:
    """List the teams of all org trees."""
    trees = [tree for known in caller.trees.listed() if (tree := caller.trees.tree(known.name)) is not None]
    teams = [team for tree in trees for team in ListedTeamBody.all_of(tree)]
    if query.leaf_teams_only == "true":
        teams = [team for team in teams if team.leaf]
    return TeamListBody(content=teams[query.slice], page=query.page, page_size=query.most, total=len(teams))


@router.get(TEAM + "/team_info", response_description="As it is today.", responses=refusals(404))
def get_team_info(caller: LimitedReader, ref_id: RefId) -> ListedTeamBody:
    """One team."""
    tree, node = _team(caller, ref_id)
    return next(team for team in ListedTeamBody.all_of(tree) if team.ref_id == node.ref_id)


@router.get(TEAM + "/developers", response_description="One page of developers.", responses=refusals(404))
def get_team_developers(
    caller: LimitedReader, ref_id: RefId, query: Annotated[PageQuery, Query()]
) -> TeamDevelopersBody:
    """The developers of a team."""
    caller.access.check_developers()
    tree, node = _team(caller, ref_id)
    members = set(tree.people(node))
    team = [record for record in records(tree) if record.developer.email in members]
    page = [DeveloperBody.of(record) for record in team[query.slice]]
    return TeamDevelopersBody(content=page, page=query.page, page_size=query.most, total=len(team))


@router.get(
    TEAM + "/integrations",
    operation_id="getIntegrationsOfTeam",
    response_description="The sources that the team uses.",
    responses=refusals(404),
)
def get_team_integrations(caller: LimitedReader, ref_id: RefId) -> IntegrationsBody:
    """The sources that a team uses."""
    return IntegrationsBody.of(team_integrations(caller.project, *_team(caller, ref_id)))


@router.get(
    TEAM + "/integration_filters",
    operation_id="getIntegrationFiltersOfTeam",
    response_description="The team's own filters.",
    responses=refusals(404),
)
def get_team_filters(caller: LimitedReader, ref_id: RefId, query: Annotated[FiltersQuery, Query()]) -> FiltersBody:
    """The filters of a team, of one kind of tools or of all."""
    tree, node = _team(caller, ref_id)
    filters = FiltersBody.of(team_filters(caller.project, tree, node))
    if query.integration_type is None:
        return filters
    groups = _groups(caller, tree, node, query.integration_type)
    rules = {
        name: text for name, text in filters.rules.items() if name in FILTER_KEYS and FILTER_KEYS[name][0] in groups
    }
    grouped = {group: of_group for group, of_group in filters.grouped_filters.items() if group in groups}
    return FiltersBody(grouped_filters=grouped, rules=rules)


_GROUPS = {"IM": "ITSM", "CI": "CD", **{group: group for group, _ in FILTER_KEYS.values()}}
"""The group of filters that a type of integrations has, by either of their words."""


def _groups(caller: Caller, tree: OrgTree, node: Node, word: str) -> set[str]:
    """The groups of filters that ``word`` means. Raises ``InvalidRequest``."""
    kind = word.strip()
    if (upper := kind.upper()) in {*_GROUPS, *INTEGRATION_TYPES}:
        return {_GROUPS.get(upper, upper)}
    if kind.lower() not in KINDS:
        known = ", ".join(dict.fromkeys((*_GROUPS.values(), *INTEGRATION_TYPES, *KINDS)))
        raise invalid_parameters(
            [Detail("integrationType", f"{printable(kind)[:80]!r} is refused; it must be one of {known}")]
        )
    used = team_integrations(caller.project, tree, node)
    return {_GROUPS.get(one.type, one.type) for one in used if one.kind == kind.lower()}


def _team(caller: Caller, ref_id: str) -> tuple[OrgTree, Node]:
    """The team with this ref id or key, and its tree, as they are shown. Raises ``NotFound``, and ``InvalidRequest`` for a key that
    several trees have."""
    trees = [tree for known in caller.trees.listed() if (tree := caller.trees.tree(known.name)) is not None]
    found = [(tree, node) for tree in trees if (node := tree.find(ref_id)) is not None]
    if not found:
        raise NotFound(f"There is no team {printable(ref_id)[:80]!r}", code="unknown_team")
    if len(found) > 1:
        refs = ", ".join(f"{node.ref_id} ({node.path})" for _, node in found)
        raise InvalidRequest(
            f"Several org trees have a team {printable(ref_id)[:80]!r}; name it by its ref id: {refs}",
            code="invalid_team_id",
            details=[Detail("refId", refs)],
        )
    return found[0]
