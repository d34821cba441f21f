"""Linear: the issues of teams with their histories, the teams' cycles and the workspace's users. A team is read once; from then on
one query tells what changed in all teams, and a daily list of all keys what was deleted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from leadline.errors import Unusable
from leadline.sources.kit.client import Refused
from leadline.sources.kit.cursor import Cursors
from leadline.sources.kit.lists import read_all
from leadline.sources.kit.page import CallStats, ConnectionReport, Page, RunContext
from leadline.sources.kit.records import Node, inner
from leadline.sources.kit.streams import Stream, StreamReader
from leadline.sources.kit.trackers import alike, fits, renamed
from leadline.sources.linear.api import Api, connection
from leadline.sources.linear.issues import Issues
from leadline.sources.linear.queries import LIST, TEAMS
from leadline.sources.linear.rows import SOURCE
from leadline.sources.linear.streams import (
    ChangeStream,
    CycleStream,
    DeletionStream,
    Reading,
    Team,
    TeamCursor,
    TeamStream,
    UserStream,
)

_PARENTS = {"work_items": "project", "work_item_changes": "project", "sprints": "board"}


@dataclass(frozen=True)
class Workspace:
    """What the token may see: the workspace's ``name``, its ``place`` in cursors, and its teams."""

    name: str
    place: str
    teams: Sequence[Team]


@dataclass
class Linear:
    """One workspace, which the token is of, and the patterns of the keys of the teams wanted (none: all)."""

    api: Api
    patterns: Sequence[str]
    kind: str = SOURCE

    @property
    def lock(self) -> str:
        """One run at a time reads through one address."""
        return f"source:linear:{self.api.server.place}"

    @property
    def _scope(self) -> str:
        return "+".join(sorted(self.patterns)) or "*"

    def call_stats(self) -> CallStats:
        """What the reading has cost so far."""
        return self.api.client.call_stats()

    def check(self) -> ConnectionReport:
        """The teams that may be seen. Raises ``LeadlineError`` as ``pages`` does."""
        workspace = self.workspace()
        keys = tuple(team.key for team in workspace.teams)
        return ConnectionReport(self.api.server.place, workspace.name, "teams", keys)

    def pages(self, context: RunContext) -> Iterator[Page]:
        """Everything new, team by team. Raises ``LeadlineError`` when Linear cannot be read any further."""
        workspace = self.workspace()
        reading = Reading(self.api, Issues(self.api), workspace.place)
        reader = StreamReader(context.cursors, self.api.client)
        yield reader.noted(self._renamed(reading, workspace.teams, reader.cursors))
        yield from reader.pages(self._streams(reading, workspace.teams, reader.cursors))

    def _streams(self, reading: Reading, teams: Sequence[Team], cursors: Cursors) -> Iterator[Stream[Any]]:
        """What is gone comes first: what is new must not be missing in the lists of keys."""
        yield UserStream(reading)
        for team in teams:
            yield DeletionStream(reading, team)
        for team in teams:
            yield TeamStream(reading, team)
        yield CycleStream(reading, teams, self._scope)
        yield ChangeStream(reading, teams, cursors, self._scope)

    def workspace(self) -> Workspace:
        """The workspace with the teams wanted, by key. Raises ``Unusable`` for a pattern that no team fits."""
        organization: Node = {}

        def ask(after: str | None) -> tuple[list[Node], str | None]:
            nonlocal organization
            data = self.api.graphql(TEAMS, {"size": LIST, "after": after}, what="teams")
            organization = inner(data, "organization") or {}
            return connection(data, "teams")

        nodes = read_all(ask)
        teams = [Team(str(node["id"]), str(node["key"])) for node in nodes if node.get("id") and node.get("key")]
        if not teams:
            raise Refused(
                f"{self.api.client.tool} shows no team: the token from {self.api.token_from} sees none at all"
            )
        keys = [team.key for team in teams]
        for pattern in self.patterns:
            if not any(fits(key, [pattern]) for key in keys):
                raise Unusable(
                    f"{self.api.client.tool} has no team {pattern}, or the token may not see it; {alike(pattern, keys)}"
                )
        wanted = sorted((team for team in teams if fits(team.key, self.patterns)), key=lambda team: team.key)
        place = f"{self.api.server.place}/{organization.get('id') or ''}"
        return Workspace(str(organization.get("name") or organization.get("urlKey") or ""), place, wanted)

    def _renamed(self, reading: Reading, teams: Sequence[Team], cursors: Cursors) -> Page:
        """What is there under keys that teams gave up goes; those teams are read anew, and the cycles."""
        now = {team.cursor_name(reading.place): team.key for team in teams}
        page = renamed("teams", now, {name: cursors.get(name, TeamCursor).key for name in now}, _PARENTS)
        cycles = CycleStream(reading, teams, self._scope).cursor_name
        return replace(page, cursors={**page.cursors, cycles: None}) if page.cursors else page
