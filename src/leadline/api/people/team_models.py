"""What is answered about org trees and their teams."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Self

from pydantic import Field

from leadline.json_body import Body, Instant
from leadline.people.history import History, InForce
from leadline.people.team_integrations import Integration
from leadline.people.team_settings import FILTER_KEYS, OPERATORS, TeamFilters
from leadline.people.tree import Node, OrgTree
from leadline.settings.rules import INTEGRATION_TYPES


class InForceBody(Body):
    """A version of an org tree, and the local days on which it is in force."""

    version: int
    start: date | None = Field(alias="from", description="The first day; null: from the beginning.")
    until: date | None = Field(description="The last day; null: until another version is.")
    loaded_at: Instant

    @classmethod
    def of(cls, entry: InForce) -> Self:
        """A version in a tree's history."""
        first = {"from": entry.from_day}  # no argument can be called so
        return cls(version=entry.version, until=entry.end, loaded_at=entry.loaded_at, **first)


class OrgTreeBody(Body):
    """An org tree as it is in force today."""

    id: int
    name: str
    version: int
    loaded_at: Instant
    root_ref_id: int = Field(description="The root, or the first of the teams that the key may see.")
    teams: int = Field(description="Nodes that the key may see, the root included.")
    developers: int = Field(description="Distinct developers in teams.")
    versions: list[InForceBody] = Field(description="Which version is in force when, in the order of their days.")

    @classmethod
    def of(cls, tree: OrgTree, history: History) -> Self:
        """A tree and its history."""
        entries = [InForceBody.of(entry) for entry in history]
        return cls(
            id=tree.id,
            name=tree.name,
            version=tree.version,
            loaded_at=next(entry.loaded_at for entry in entries if entry.version == tree.version),
            root_ref_id=tree.root.ref_id,
            teams=len(tree.nodes),
            developers=sum(1 for developer in tree.developers.values() if developer.teams),
            versions=entries,
        )


class OrgTreesBody(Body):
    """The org trees of the project."""

    org_trees: list[OrgTreeBody]


class TeamBody(Body):
    """One node of an org tree."""

    ref_id: int
    key: str | None
    name: str
    hierarchy: str = Field(description="Names from the root, joined by `/`.")
    parent_ref_id: int | None = Field(
        description="Null for the root, and where the team above is not among those that the key may see."
    )
    depth: int
    leaf: bool = Field(description="Whether no team is below it.")
    manager_email: str | None = Field(description="Null for none, and for a key that sees no developers.")
    developers: int = Field(description="Distinct developers of it and the teams below.")
    own_developers: int

    @classmethod
    def of(cls, node: Node, heads: int, manager: str | None, *, leaf: bool) -> Self:
        """A node with its head count and the email of its manager."""
        return cls(
            ref_id=node.ref_id,
            key=node.key,
            name=node.name,
            hierarchy=node.path,
            parent_ref_id=node.parent,
            depth=node.depth,
            leaf=leaf,
            manager_email=manager,
            developers=heads,
            own_developers=len(node.own),
        )


class FilterBody(Body):
    """One filter of a team."""

    filter_key: str = Field(json_schema_extra={"enum": [key for _, key in FILTER_KEYS.values()]})
    operator: str = Field(json_schema_extra={"enum": list(OPERATORS.values())})
    values: list[str]


class NestedTeamBody(Body):
    """A team with the teams below it."""

    ref_id: int
    name: str
    children: list[NestedTeamBody] = Field(description="By name; empty if no team is below it.")


class TeamsBody(Body):
    """The teams of an org tree."""

    teams: list[TeamBody]
    nested: list[NestedTeamBody] = Field(
        description="The same, each within the one above it: the root or, for a key that is limited to teams, those that are below "
        "no other."
    )

    @classmethod
    def of(cls, teams: Sequence[TeamBody]) -> Self:
        """Teams in preorder."""
        nested = {team.ref_id: NestedTeamBody(ref_id=team.ref_id, name=team.name, children=[]) for team in teams}
        tops: list[NestedTeamBody] = []
        for team in teams:
            above = None if team.parent_ref_id is None else nested.get(team.parent_ref_id)
            (tops if above is None else above.children).append(nested[team.ref_id])
        return cls(teams=list(teams), nested=tops)


class ListedTeamBody(Body):
    """A team of whichever org tree."""

    ref_id: int
    key: str | None
    name: str
    hierarchy: str = Field(description="Names from the root, joined by `/`.")
    parent_ref_id: int | None = Field(
        description="Null for the root, and where the team above is not among those that the key may see."
    )
    leaf: bool = Field(description="Whether no team is below it.")
    developers: int = Field(description="Distinct developers of it and the teams below.")
    org_tree_id: int
    org_tree_name: str

    @classmethod
    def all_of(cls, tree: OrgTree) -> list[Self]:
        """All teams of a tree, in preorder."""
        heads, parents = tree.head_counts(), {node.parent for node in tree.nodes}
        return [
            cls(
                ref_id=node.ref_id,
                key=node.key,
                name=node.name,
                hierarchy=node.path,
                parent_ref_id=node.parent,
                leaf=node.ref_id not in parents,
                developers=heads[node.ref_id],
                org_tree_id=tree.id,
                org_tree_name=tree.name,
            )
            for node in tree.nodes
        ]


class TeamListBody(Body):
    """One page of the teams of all org trees."""

    content: list[ListedTeamBody] = Field(description="Tree by tree, each in preorder.")
    page: int = Field(description="Counted from 0.")
    page_size: int
    total: int = Field(description="Teams on all pages.")


class ProfileBody(Body):
    """The settings in force for an org tree that say how metrics of a kind are computed."""

    profile_ref_id: int = Field(description="The id of the org tree.")
    settings: dict[str, str] = Field(description="The text of each setting, by its key.")


class FiltersBody(Body):
    """A team's own filters, twice: grouped, and as the text of its settings."""

    grouped_filters: dict[str, list[FilterBody]]
    rules: dict[str, str] = Field(description="Text of the setting `team.<key>.<rule>` by rule.")
    warnings: list[str] | None = Field(default=None, description="What was ignored; absent if nothing was.")

    @classmethod
    def of(cls, settings: TeamFilters, warnings: Sequence[str] = ()) -> Self:
        """Filters of a team."""
        grouped: dict[str, list[FilterBody]] = {}
        for name, filters in settings.filters.items():
            group, key = FILTER_KEYS[name]
            grouped.setdefault(group, []).extend(
                FilterBody(filter_key=key, operator=OPERATORS[rule.operator], values=list(rule.values))
                for rule in filters
            )
        body = cls(grouped_filters=grouped, rules=dict(settings.rules))
        if warnings:
            body.warnings = list(warnings)
        return body


class IntegrationBody(Body):
    """A source that a team uses."""

    integration_id: int
    integration_name: str = Field(description="The source's name, as `leadline sources list` shows it.")
    type: str = Field(json_schema_extra={"enum": list(INTEGRATION_TYPES)})
    kind: str = Field(description="Its tool: `github`, `jira`, …")


class IntegrationsBody(Body):
    """The sources a team uses."""

    integrations: list[IntegrationBody]

    @classmethod
    def of(cls, integrations: Sequence[Integration]) -> Self:
        """Integrations of a team."""
        return cls(
            integrations=[
                IntegrationBody(integration_id=used.id, integration_name=used.name, type=used.type, kind=used.kind)
                for used in integrations
            ]
        )
