"""Asks for facts: the rows behind the numbers, one per thing, filtered, sorted and a page at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from leadline.engine import BoundTable
from leadline.errors import Detail, InvalidRequest
from leadline.facts.catalogue import FACTS, Fact
from leadline.people import OrgTree, addresses, find_team, tree, trees

if TYPE_CHECKING:
    import pyarrow as pa
    from ibis.expr.types import Column, Table, Value

    from leadline.engine import Backend
    from leadline.home import Project
    from leadline.materialize.session import Session
    from leadline.people.tree import Node
    from leadline.settings.profile import Profile

_TEAMS = BoundTable("teams", {"of_developer": "string", "team": "string", "address": "string"})
"""The hierarchy path of each developer's primary team, and the email as the list spells it."""


@dataclass(frozen=True)
class Filters:
    """What to keep of a fact (None: everything). ``start`` and ``end`` (inclusive, local dates) keep what happened then:
    pull requests by merge, work items by completion, deployments by finish, incidents by resolution, commits by author
    date. ``tree_name`` and ``team`` keep what counts for the scope, ``developer`` what is one person's, by email."""

    start: date | None = None
    end: date | None = None
    tree_name: str | None = None
    team: str | None = None
    developer: str | None = None


@dataclass(frozen=True)
class FactRows:
    """The rows of a fact that filters keep, as ``table`` with the documented columns in the fact's natural order."""

    engine: Backend
    fact: Fact
    table: Table

    def count(self) -> int:
        """How many there are."""
        (rows,) = self.engine.arrow(self.table.aggregate(rows=self.table.count()))["rows"].to_pylist()
        return int(rows)

    def page(self, limit: int, offset: int = 0, sort: Sequence[tuple[str, bool]] = ()) -> pa.Table:
        """At most ``limit`` rows after the first ``offset``. ``sort`` are columns, each with whether it runs downwards;
        what they leave open follows the natural order. Raises ``InvalidRequest`` for a column that there is not."""
        import ibis

        if unknown := [name for name, _ in sort if name not in self.fact.columns]:
            raise InvalidRequest(
                f"{self.fact.name} have no column {unknown[0]!r}; columns are {', '.join(self.fact.columns)}",
                code="unknown_column",
            )
        directions = {**dict.fromkeys(self.fact.key, False), **dict(sort)}
        names = dict.fromkeys([*(name for name, _ in sort), *self.fact.key])
        order = [ibis.desc(name) if directions[name] else ibis.asc(name) for name in names]
        return self.engine.arrow(self.table.order_by(order).limit(limit, offset=offset))


@contextmanager
def fact_rows(project: Project, fact: str, filters: Filters) -> Iterator[FactRows]:
    """The rows of ``fact`` in the project's newest data. Raises ``InvalidRequest`` for filters that do not fit it."""
    from leadline.facts.policy import BUILD_POLICY
    from leadline.facts.shown import NEEDS
    from leadline.materialize.session import session

    declared = checked(fact, filters)
    org_trees = _trees(project, filters.tree_name)
    kept = _kept(project, declared, filters)
    profile = project.profile(filters.tree_name)
    versions = project.lake.snapshot().versions
    tree_versions = {org_tree.name: org_tree.version for org_tree in _trees(project, None)}
    with session(project, versions, tree_versions, profile, BUILD_POLICY) as opened:
        opened.facts.bind(NEEDS[fact])
        opened.facts.bind_raw()
        yield FactRows(opened.engine, declared, _rows(opened, declared, profile, org_trees, kept))


def checked(fact: str, filters: Filters) -> Fact:
    """The fact called ``fact``. Raises ``InvalidRequest`` if there is none or ``filters`` do not fit it."""
    if fact not in FACTS:
        raise InvalidRequest(f"There is no fact {fact!r}; facts are {', '.join(FACTS)}", code="unknown_fact")
    if filters.start is not None and filters.end is not None and filters.start > filters.end:
        raise InvalidRequest(
            "--start is after --end", code="invalid_range", details=[Detail("start", "on or before end")]
        )
    if filters.developer is not None and FACTS[fact].by_team:
        raise InvalidRequest(
            f"{fact.capitalize()} belong to teams, not to a developer; --team or --org-tree would do",
            code="not_of_developers",
            details=[Detail("developer", "not with facts that belong to teams")],
        )
    return FACTS[fact]


# -- what is kept ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Kept:
    """What filters keep: a range of local dates, people by email, and the teams that count (None: everything)."""

    start: date | None
    end: date | None
    people: Sequence[str] | None
    teams: Sequence[str] | None


def _trees(project: Project, name: str | None) -> list[OrgTree]:
    names = [name] if name is not None else [summary.name for summary in trees(project)]
    return [tree(project, name) for name in names]


def _kept(project: Project, fact: Fact, filters: Filters) -> _Kept:
    org_tree, node = _scope(project, filters)
    own = None if filters.developer is None else [filters.developer.strip().lower()]
    if org_tree is None or node is None:
        return _Kept(filters.start, filters.end, own, None)
    if fact.by_team:
        return _Kept(filters.start, filters.end, None, [node.path])
    people = [email for email in org_tree.people(node) if own is None or email in own]
    return _Kept(filters.start, filters.end, people, None)


def _scope(project: Project, filters: Filters) -> tuple[OrgTree | None, Node | None]:
    if filters.team is not None:
        return find_team(project, filters.team, filters.tree_name)
    if filters.tree_name is not None:
        org_tree = tree(project, filters.tree_name)
        return org_tree, org_tree.root
    return None, None


# -- rows --------------------------------------------------------------------------------------------------------------


def _rows(opened: Session, fact: Fact, profile: Profile, org_trees: Sequence[OrgTree], kept: _Kept) -> Table:
    from leadline.derive.local_time import bounds_us
    from leadline.engine.functions import epoch_us
    from leadline.facts.ownership import bind_classes
    from leadline.facts.work_types import bind_work_types

    bind_classes(opened.engine, org_trees, profile)
    bind_work_types(opened.engine, org_trees, profile)
    rows = (_of_teams if fact.by_team else _of_people)(opened, fact, profile, org_trees, kept)
    if kept.start is not None or kept.end is not None:
        low, high = bounds_us(kept.start or date(1970, 1, 1), kept.end or date(2262, 1, 1), profile.zone)
        happened = epoch_us(rows[fact.happened])
        rows = rows.filter((happened >= low) & (happened < high))
    return rows.order_by(list(fact.key)).select(**{name: _plain(name, rows[name]) for name in fact.columns})


def _plain(name: str, column: Column) -> Value:
    """The column in the one type that it has in every format: sums in 64 bits, reasons empty where there are none."""
    from leadline.engine.functions import to_bigint

    if name == "why":
        return column.fill_null("")
    return to_bigint(column) if column.type().is_integer() else column


def _of_people(opened: Session, fact: Fact, profile: Profile, org_trees: Sequence[OrgTree], kept: _Kept) -> Table:
    """Rows of people, with the hierarchy path of their developer's primary team."""
    import ibis

    from leadline.facts.shown import rows_of

    paths: dict[str, str] = {}
    for org_tree in org_trees:
        for person in org_tree.developers.values():
            if person.team is not None:
                paths.setdefault(person.email, org_tree.by_ref[person.team].path)
    written = addresses(org_trees)
    _TEAMS.bind(opened.engine, ((email, paths.get(email), address) for email, address in written.items()))
    teams = _TEAMS.table()
    rows = rows_of(fact.name, profile, False)
    if kept.people is not None:
        rows = rows.filter(rows.developer.isin(kept.people) if kept.people else ibis.literal(False))
    rows = rows.left_join(teams, rows.developer == teams.of_developer)
    return rows.mutate(developer=rows.address.coalesce(rows.developer))


def _of_teams(opened: Session, fact: Fact, profile: Profile, org_trees: Sequence[OrgTree], kept: _Kept) -> Table:
    """Rows of teams."""
    import ibis

    from leadline.facts.shown import rows_of

    rows = rows_of(fact.name, profile, _bind_teams(opened, fact, profile, org_trees))
    if kept.teams is None:
        return rows
    return rows.filter(ibis.or_(*(rows.teams.contains(path) for path in kept.teams)))


def _bind_teams(opened: Session, fact: Fact, profile: Profile, org_trees: Sequence[OrgTree]) -> bool:
    """Bind whose the deployments or incidents are; returns whether any team rule is in force."""
    from leadline.facts.ownership import bind_matches, bind_teams
    from leadline.facts.shown import TEAM_PATHS
    from leadline.people.team_rules import team_rules

    scopes = [(org_tree, org_tree.subtree(org_tree.root), team_rules(org_tree, profile)) for org_tree in org_trees]
    engine = opened.engine
    bind_teams(engine, scopes, profile)
    rules = [rule for _, _, of_tree in scopes for rule in of_tree.rules]
    has_team_rules = any(of_tree for _, _, of_tree in scopes)
    if has_team_rules:
        bind_matches(engine, [fact.name], rules, profile, opened.facts.spellings)
    TEAM_PATHS.bind(engine, enumerate(node.path for _, nodes, _ in scopes for node in nodes))
    return has_team_rules
