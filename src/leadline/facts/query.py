"""Asks for facts: the rows behind the numbers, one per thing, filtered, sorted and a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from leadline.engine import BoundTable
from leadline.errors import Detail, InvalidRequest
from leadline.facts.catalogue import FACTS, Fact
from leadline.people import BEGINNING, addresses, find_team, trees
from leadline.people.lookup import summary
from leadline.people.membership import team_membership, tops
from leadline.people.timeline import FOREVER, Stretch, Timeline, asked_of, timeline

if TYPE_CHECKING:
    import pyarrow as pa
    from ibis.expr.types import Column, Table, Value

    from leadline.engine import Backend
    from leadline.home import Project
    from leadline.materialize.session import Session
    from leadline.settings.profile import Profile

_TEAMS = BoundTable(
    "teams", {"of_developer": "string", "team": "string", "team_from_us": "int64", "team_until_us": "int64"}
)
"""The hierarchy path of each developer's primary team, and when."""
_IN_SCOPE = BoundTable("in_scope", {"scoped_developer": "string", "scope_from_us": "int64", "scope_until_us": "int64"})
"""Who is in the scope when."""
_ADDRESSES = BoundTable("addresses", {"addressed_developer": "string", "address": "string"})
"""The email of each developer as the list spells it."""


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
    profile = project.profile(filters.tree_name)
    known = {listed.name: listed.version for listed in trees(project)}
    stretches = _stretches(project, filters, profile, known)
    kept = _kept(project, filters, stretches)
    versions = project.lake.snapshot().versions
    with session(project, versions, known, profile, BUILD_POLICY) as opened:
        opened.facts.bind(NEEDS[fact])
        opened.facts.bind_raw()
        yield FactRows(opened.engine, declared, _rows(opened, declared, profile, stretches, kept))


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
    """What filters keep: a range of local dates, one person's by email, and what counts for a scope, the ref id of a node (None:
    everything)."""

    start: date | None
    end: date | None
    developer: str | None
    scope: int | None


def _stretches(project: Project, filters: Filters, profile: Profile, known: Mapping[str, int]) -> Timeline:
    """The trees that count, over all days."""
    names = known if filters.tree_name is None else [summary(project, filters.tree_name).name]
    today = datetime.now(UTC).astimezone(profile.zone).date()
    return timeline(project, {name: known[name] for name in names}, asked_of(profile["people.history"], today))


def _kept(project: Project, filters: Filters, stretches: Timeline) -> _Kept:
    scope = None
    if filters.team is not None:
        trees_of = [org_tree for stretch in reversed(stretches) for org_tree in stretch.trees]
        _, node = find_team(project, filters.team, filters.tree_name, among=trees_of)
        scope = node.ref_id
    elif filters.tree_name is not None and stretches:
        scope = stretches[-1].tree.root.ref_id
    developer = None if filters.developer is None else filters.developer.strip().lower()
    return _Kept(filters.start, filters.end, developer, scope)


# -- rows --------------------------------------------------------------------------------------------------------------


def _rows(opened: Session, fact: Fact, profile: Profile, stretches: Timeline, kept: _Kept) -> Table:
    from leadline.derive.local_time import bounds_us
    from leadline.engine.functions import epoch_us
    from leadline.facts.team_settings import bind_team_settings

    bind_team_settings(opened.engine, stretches, profile)
    rows = (_of_teams if fact.by_team else _of_people)(opened, fact, profile, stretches, kept)
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


def _of_people(opened: Session, fact: Fact, profile: Profile, stretches: Timeline, kept: _Kept) -> Table:
    """Rows of people, with the hierarchy path of the primary team that their developer had on their day."""
    from leadline.facts.phases import instant_of
    from leadline.facts.shown import rows_of

    _TEAMS.bind(opened.engine, _when(stretches, _paths, profile, with_state=True))
    teams = _TEAMS.table()
    rows = rows_of(fact.name, profile)
    rows = rows.mutate(instant__=instant_of(rows[fact.happened]))
    own = [rows.developer == teams.of_developer]
    own += [rows.instant__ >= teams.team_from_us, rows.instant__ < teams.team_until_us]
    rows = rows.left_join(teams, own)
    if kept.developer is not None:
        rows = rows.filter(rows.developer == kept.developer)
    if kept.scope is not None:
        rows = _in_scope(opened, profile, stretches, kept.scope, rows)
    _ADDRESSES.bind(opened.engine, addresses(tree for stretch in reversed(stretches) for tree in stretch.trees).items())
    spelled = _ADDRESSES.table()
    rows = rows.left_join(spelled, rows.developer == spelled.addressed_developer)
    return rows.mutate(developer=rows.address.coalesce(rows.developer))


def _in_scope(opened: Session, profile: Profile, stretches: Timeline, scope: int, rows: Table) -> Table:
    """The rows of those who were in the scope on their day."""
    _IN_SCOPE.bind(opened.engine, _when(stretches, lambda stretch: _people(stretch, scope), profile))
    inside = _IN_SCOPE.table()
    own = [rows.developer == inside.scoped_developer]
    own += [rows.instant__ >= inside.scope_from_us, rows.instant__ < inside.scope_until_us]
    return rows.inner_join(inside, own)


def _paths(stretch: Stretch) -> dict[str, str]:
    paths: dict[str, str] = {}
    for org_tree in stretch.trees:
        for person in org_tree.developers.values():
            if person.team is not None:
                paths.setdefault(person.email, org_tree.by_ref[person.team].path)
    return paths


def _people(stretch: Stretch, scope: int) -> dict[str, str]:
    return {email: "" for org_tree, top in tops(stretch, scope) for email in org_tree.people(top)}


def _when(
    stretches: Timeline, states: Callable[[Stretch], Mapping[str, str]], profile: Profile, *, with_state: bool = False
) -> Iterator[tuple[object, ...]]:
    """What ``states`` says of each person and, with its first and last instant, when."""
    from leadline.facts.phases import over_time

    for email, state, *times in over_time(stretches, states, profile.zone):
        yield email, *([state] if with_state else []), *times


def _of_teams(opened: Session, fact: Fact, profile: Profile, stretches: Timeline, kept: _Kept) -> Table:
    """Rows of teams, for which each counts on its day."""
    import ibis

    from leadline.facts.ownership import MERGES, bind_matches
    from leadline.facts.ownership_over_time import bind_teams_over_time
    from leadline.facts.shown import TEAM_PATHS, rows_of

    engine = opened.engine
    membership = team_membership(stretches, None, BEGINNING, BEGINNING, FOREVER)
    opened.facts.bind([MERGES])
    rules = bind_teams_over_time(engine, stretches, None, membership, profile)
    if rules:
        bind_matches(engine, [fact.name], rules.rules, profile, opened.facts.spellings)
    TEAM_PATHS.bind(engine, enumerate(unit.node.path for unit in membership.teams))
    rows = rows_of(fact.name, profile, bool(rules), dated=True)
    if kept.scope is None:
        return rows
    paths = [unit.node.path for unit in membership.teams if unit.node.ref_id == kept.scope]
    return rows.filter(ibis.or_(*(rows.teams.contains(path) for path in paths)))
