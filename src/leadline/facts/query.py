"""Asks for facts: the rows behind the numbers, one per thing, filtered, sorted and a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from leadline.engine import EVERYTHING, BoundTable, Within
from leadline.facts.asked_rows import FactRows
from leadline.facts.catalogue import ACCOUNTS, FACTS, SPRINT_ITEMS, Fact
from leadline.facts.filters import Filters, Kept, Versions, checked, kept_by, shown_people, stretches_of
from leadline.facts.keys import POSITION, wanted_in_order, wanted_of
from leadline.people import BEGINNING
from leadline.people.access import UNLIMITED, Access, VisibleTrees
from leadline.people.membership import team_membership, tops
from leadline.people.timeline import FOREVER, Stretch, Timeline

if TYPE_CHECKING:
    import pyarrow as pa
    from ibis.expr.types import Column, Table, Value

    from leadline.home import Project
    from leadline.materialize.session import Session
    from leadline.settings.profile import Profile

__all__ = ["FactRows", "Filters", "Versions", "checked", "fact_rows", "page_of", "rows_with_keys", "scope_sql"]

_TEAMS = BoundTable(
    "teams",
    {
        **dict.fromkeys(("of_developer", "team", "team_id"), "string"),
        **dict.fromkeys(("team_from_us", "team_until_us"), "int64"),
    },
)
"""The hierarchy path and the ref id of each developer's primary team, and when."""
_IN_SCOPE = BoundTable("in_scope", {"scoped_developer": "string", "scope_from_us": "int64", "scope_until_us": "int64"})
"""Who is in the scope when."""
_SCOPE_PATHS = BoundTable("scope_paths", {"scope_path": "string"})
"""The paths that the scope had."""
_RANGE = BoundTable("asked_range", {"range_from_us": "int64", "range_until_us": "int64"})
"""One row: the instants asked for."""
_DEVELOPER = BoundTable("asked_developer", {"asked_email": "string"})
"""One row: whose rows are asked for."""
_PAGE = BoundTable("asked_page", {"page_from": "int64", "page_until": "int64"})
"""One row: the positions of the rows on a page."""
_ADDRESSES = BoundTable("addresses", {"addressed_developer": "string", "address": "string"})
"""The email of each developer as the list spells it."""


@contextmanager
def fact_rows(
    project: Project,
    fact: str,
    filters: Filters,
    access: Access = UNLIMITED,
    versions: Versions | None = None,
    *,
    progress: Callable[[float], None] = lambda _share: None,
) -> Iterator[FactRows]:
    """The rows of ``fact`` at ``versions`` (default: the newest) that ``access`` shows: without limits to teams all, else those of
    the team that ``filters`` name or of the only one there is. Where no developers or no names are shown, columns that name people
    are empty, but for the pseudonym in ``developer`` in place of the name. ``progress`` is told how much of what they follow from
    is ready (0 to 1). Raises ``InvalidRequest`` for filters that do not fit, ``Forbidden`` for what ``access`` does not show."""
    from leadline.facts.policy import BUILD_POLICY
    from leadline.facts.shown import NEEDS
    from leadline.materialize.session import session

    declared = checked(fact, filters)
    if filters.developer is not None:
        access.check_developers("developer", "a team")
    visible = VisibleTrees(project, access)
    read = versions or Versions.newest(project, filters.tree_name)
    stretches = stretches_of(visible, filters.tree_name, read)
    kept = kept_by(visible, filters, stretches, shown_people(visible, stretches, read.trees))
    with session(project, read.tables, read.trees, read.profile, BUILD_POLICY) as opened:
        for done, model in enumerate(NEEDS[fact], start=1):
            opened.facts.bind([model])
            progress(done / len(NEEDS[fact]))
        has_rules = _bind_all(opened, declared, read, stretches, kept)
        yield _asked(opened, declared, read.profile, kept, has_rules)


def rows_with_keys(
    project: Project, opened: Session, fact: str, keys: pa.Table, versions: Versions, access: Access, scope: int | None
) -> pa.Table:
    """The rows of ``fact`` with these ``keys`` (its key's columns), in their order, in a session on ``versions``. They are shown
    to ``access`` as rows of the team ``scope``; that they are of it is for whoever has the keys."""
    from leadline.facts.shown import NEEDS

    declared = FACTS[fact]
    visible = VisibleTrees(project, access)
    stretches = stretches_of(visible, None, versions)
    people = shown_people(visible, stretches, versions.trees)
    days = [date.fromisoformat(day) for day in keys["day"].to_pylist()] if "day" in declared.key else None
    start, end = (None, None) if days is None else (min(days), max(days))
    kept = Kept(people, access.names, access.teams is not None, start, end, scope=scope, by_keys=True)
    within = frozenset(keys["repository"].to_pylist()) if "repository" in declared.key else EVERYTHING
    opened.facts.bind(NEEDS[fact], within)
    opened.facts.bind_raw(within)
    of_rows = [keys[name].to_pylist() for name in declared.key]
    wanted_in_order(declared).bind(opened.engine, zip(*of_rows, range(keys.num_rows), strict=True))
    has_rules = _bind(opened, declared, versions, stretches, kept)
    return opened.engine.arrow(_asked(opened, declared, versions.profile, kept, has_rules).sql())


def page_of(
    project: Project,
    opened: Session,
    fact: Fact,
    filters: Filters,
    versions: Versions,
    access: Access,
    positions: range,
    sort: Sequence[tuple[str, bool]] = (),
) -> tuple[pa.Table, int]:
    """As ``fact_rows``, in a session on ``versions``: the rows at ``positions`` in the order of the columns ``sort`` (each with
    whether it runs downwards), then by instant and key; and how many rows there are. Rows without a value come last."""
    checked(fact.name, filters)
    if filters.developer is not None:
        access.check_developers("developer", "a team")
    visible = VisibleTrees(project, access)
    stretches = stretches_of(visible, filters.tree_name, versions)
    kept = kept_by(visible, filters, stretches, shown_people(visible, stretches, versions.trees))
    has_rules = _bind_all(opened, fact, versions, stretches, kept)
    asked = _asked(opened, fact, versions.profile, kept, has_rules)
    text = asked.sql("page", list(sort), of=lambda rows: _page(rows, fact, sort))
    _PAGE.bind(opened.engine, [(positions.start, positions.stop)])
    page = opened.engine.arrow(text)
    if not page.num_rows and positions.start:
        _PAGE.bind(opened.engine, [(0, 1)])
        return page.drop_columns(["rows_in_all"]), _total(opened.engine.arrow(text))
    return page.drop_columns(["rows_in_all"]), _total(page)


def scope_sql(
    project: Project, opened: Session, fact: Fact, filters: Filters, versions: Versions, form: str, *, named: bool
) -> str:
    """The query of all rows of ``fact`` that ``filters`` keep, as files of the format ``form`` have them, in a session on
    ``versions``: as somebody sees them who is limited to the scope, with names or (not ``named``) pseudonyms."""
    visible = VisibleTrees(project, replace(UNLIMITED, names=named))
    stretches = stretches_of(visible, filters.tree_name, versions)
    people = shown_people(visible, stretches, versions.trees)
    kept = replace(kept_by(visible, filters, stretches, people), limited=True)
    has_rules = _bind_all(opened, fact, versions, stretches, kept)
    return _asked(opened, fact, versions.profile, kept, has_rules).as_file(form)


def _total(page: pa.Table) -> int:
    return int(page["rows_in_all"][0].as_py()) if page.num_rows else 0


def _page(rows: Table, fact: Fact, sort: Sequence[tuple[str, bool]]) -> Table:
    """The rows on ``_PAGE``, in order, each with how many there are in all."""
    import ibis

    directions = {**dict.fromkeys((fact.happened, *fact.key), False), **dict(sort)}
    names = dict.fromkeys([*(name for name, _ in sort), fact.happened, *fact.key])
    order = [
        rows[name].desc(nulls_first=False) if directions[name] else rows[name].asc(nulls_first=False) for name in names
    ]
    page = _PAGE.table()
    numbered = rows.mutate(position=ibis.row_number().over(ibis.window(order_by=order)), rows_in_all=rows.count())
    inside = [numbered.position >= page.page_from, numbered.position < page.page_until]
    return numbered.inner_join(page, inside).order_by("position").select(*fact.columns, "rows_in_all")


def _asked(opened: Session, fact: Fact, profile: Profile, kept: Kept, has_rules: bool) -> FactRows:
    """The rows of what was bound."""
    shape = _shape(kept, has_rules, profile)
    expression = lambda: _rows(fact, profile, kept, has_rules)  # noqa: E731
    return FactRows(opened, fact, shape, expression)


def _shape(kept: Kept, has_rules: bool, profile: Profile) -> list[object]:
    """What a query follows from beside what is bound."""
    parts = (kept.start or kept.end, kept.developer, kept.scope, kept.people)
    asked = [part is not None for part in parts]
    return [*asked, kept.names, kept.by_keys, kept.open, has_rules, dict(profile.texts)]


# -- rows --------------------------------------------------------------------------------------------------------------


def _bind_all(opened: Session, fact: Fact, versions: Versions, stretches: Timeline, kept: Kept) -> bool:
    """Bind all that rows follow from, of what is open no more than that needs; returns as ``_bind``."""
    from leadline.facts.open_things import bind_open
    from leadline.facts.shown import NEEDS

    within = bind_open(opened, fact) if kept.open else EVERYTHING
    # What is of teams can follow from deployments of whatever repository; only whose it is follows from merges to its own.
    own = EVERYTHING if fact.by_team else within
    opened.facts.bind(NEEDS[fact.name], own)
    opened.facts.bind_raw(own)
    return _bind(opened, fact, versions, stretches, kept, within)


def _bind(
    opened: Session, fact: Fact, versions: Versions, stretches: Timeline, kept: Kept, within: Within = EVERYTHING
) -> bool:
    """Bind what rows are joined with beside stored tables, merges ``within`` repositories; returns whether any team rule is in
    force."""
    from leadline.derive.local_time import bounds_us
    from leadline.facts.effort_rows import EFFORT, bind_days
    from leadline.facts.team_settings import bind_team_settings

    profile = versions.profile
    bind_team_settings(opened.engine, stretches, profile)
    if fact.name == EFFORT:
        bind_days(opened, profile, stretches, (kept.start, kept.end), versions.today)
    _RANGE.bind(opened.engine, [bounds_us(kept.start or date(1970, 1, 1), kept.end or date(2262, 1, 1), profile.zone)])
    if not fact.by_team or fact.names_people:
        _bind_people(opened, profile, stretches, kept)
    return fact.by_team and _bind_teams(opened, fact, profile, stretches, kept, within)


def _rows(fact: Fact, profile: Profile, kept: Kept, has_rules: bool) -> Table:
    from leadline.engine.functions import epoch_us

    rows = (_of_teams if fact.by_team else _of_people)(fact, profile, kept, has_rules)
    if kept.start is not None or kept.end is not None:
        asked, happened = _RANGE.table(), epoch_us(rows[fact.happened])
        rows = rows.semi_join(asked, [happened >= asked.range_from_us, happened < asked.range_until_us])
    if kept.open and fact.open is not None:
        column = rows[fact.open.column]
        rows = rows.filter(column.notnull() if fact.open.known else column.isnull())
    order = [POSITION] if kept.by_keys else list(fact.key)
    return rows.order_by(order).select(**{name: _plain(name, rows[name]) for name in fact.columns})


def _plain(name: str, column: Column) -> Value:
    """The column in the one type that it has in every format: sums in 64 bits, reasons empty where there are none; addresses
    where they are of the web."""
    from leadline.derive.expressions import web_address
    from leadline.engine.functions import to_bigint

    if name == "url":
        return web_address(column)
    if name == "why":
        return column.fill_null("")
    return to_bigint(column) if column.type().is_integer() else column


def _bind_people(opened: Session, profile: Profile, stretches: Timeline, kept: Kept) -> None:
    limit = kept.scope if kept.limited else None
    _TEAMS.bind(opened.engine, _when(stretches, lambda stretch: _primary_teams(stretch, limit), profile))
    if kept.scope is not None:
        scope = kept.scope
        _IN_SCOPE.bind(opened.engine, _when(stretches, lambda stretch: _people(stretch, scope), profile))
    _ADDRESSES.bind(opened.engine, (kept.people or {}).items())
    _DEVELOPER.bind(opened.engine, [(kept.developer or "",)])


def _of_people(fact: Fact, profile: Profile, kept: Kept, _has_rules: bool) -> Table:
    """Rows of people, with the hierarchy path and ref id of the primary team that their developer had on their day."""
    from leadline.facts.phases import instant_of
    from leadline.facts.shown import rows_of

    teams = _TEAMS.table()
    rows = rows_of(fact.name, profile)
    rows = wanted_of(fact, rows, kept.by_keys, kept.open)
    rows = rows.mutate(instant__=instant_of(rows[fact.happened]))
    own = [rows.developer == teams.of_developer]
    own += [rows.instant__ >= teams.team_from_us, rows.instant__ < teams.team_until_us]
    rows = rows.left_join(teams, own)
    if kept.developer is not None:
        asked = _DEVELOPER.table()
        rows = rows.semi_join(asked, rows.developer == asked.asked_email)
    if kept.scope is not None and not kept.by_keys:
        rows = _in_scope(rows)
    return _with_people(fact, kept, rows)


def _with_people(fact: Fact, kept: Kept, rows: Table) -> Table:
    """The rows with their people named as they are shown."""
    import ibis

    spelled = _ADDRESSES.table()
    rows = rows.left_join(spelled, rows.developer == spelled.addressed_developer)
    if kept.people is not None and kept.names:
        return rows.mutate(developer=rows.address.coalesce(rows.developer))
    accounts = {name: ibis.null(rows[name].type()) for name in fact.columns if name in ACCOUNTS}
    return rows.mutate(developer=rows.address, **accounts)


def _in_scope(rows: Table) -> Table:
    """The rows of those who were in the scope on their day."""
    inside = _IN_SCOPE.table()
    own = [rows.developer == inside.scoped_developer]
    own += [rows.instant__ >= inside.scope_from_us, rows.instant__ < inside.scope_until_us]
    return rows.inner_join(inside, own)


def _primary_teams(stretch: Stretch, limit: int | None) -> dict[str, tuple[str, ...]]:
    """The path and the ref id of each person's primary team, or of their first team at or below ``limit``."""
    teams: dict[str, tuple[str, ...]] = {}
    if limit is not None:
        return {
            scoped.developer.email: (scoped.team.path, str(scoped.team.ref_id))
            for org_tree, top in tops(stretch, limit)
            for scoped in org_tree.scope_developers(top)
        }
    for org_tree in stretch.trees:
        for person in org_tree.developers.values():
            if person.team is not None:
                teams.setdefault(person.email, (org_tree.by_ref[person.team].path, str(person.team)))
    return teams


def _people(stretch: Stretch, scope: int) -> dict[str, tuple[str, ...]]:
    found = (
        (org_tree.covered({node.ref_id: 0 for node in org_tree.subtree(top)})) for org_tree, top in tops(stretch, scope)
    )
    return {email: () for covered in found for email in covered}


def _when(
    stretches: Timeline, states: Callable[[Stretch], Mapping[str, tuple[str, ...]]], profile: Profile
) -> Iterator[tuple[object, ...]]:
    """What ``states`` says of each person and, with its first and last instant, when."""
    from leadline.facts.phases import over_time

    for email, state, *times in over_time(stretches, states, profile.zone):
        yield email, *state, *times


def _bind_teams(opened: Session, fact: Fact, profile: Profile, stretches: Timeline, kept: Kept, within: Within) -> bool:
    from leadline.facts.item_ownership import bind_item_owners
    from leadline.facts.merge_spans import MERGE_SPANS, MERGES
    from leadline.facts.ownership import bind_matches
    from leadline.facts.ownership_over_time import bind_teams_over_time
    from leadline.facts.shown_of_teams import TEAM_PATHS

    engine, limit = opened.engine, kept.scope if kept.limited else None
    membership = team_membership(stretches, limit, BEGINNING, BEGINNING, FOREVER)
    rules = None
    if fact.name == SPRINT_ITEMS:
        numbers = {unit.node.ref_id: number for number, unit in enumerate(membership.teams)}
        bind_item_owners(engine, stretches, limit, numbers, profile, opened.facts.spellings)
    else:
        opened.facts.bind([MERGES, MERGE_SPANS], within)
        rules = bind_teams_over_time(engine, stretches, limit, membership, profile)
        if rules:
            bind_matches(engine, [fact.name], rules.rules, profile, opened.facts.spellings)
    teams = enumerate(unit.node for unit in membership.teams)
    TEAM_PATHS.bind(engine, [(number, node.path, str(node.ref_id)) for number, node in teams])
    paths = [unit.node.path for unit in membership.teams if unit.node.ref_id == kept.scope]
    _SCOPE_PATHS.bind(engine, ((path,) for path in paths))
    return bool(rules)


def _of_teams(fact: Fact, profile: Profile, kept: Kept, has_rules: bool) -> Table:
    """Rows of teams, for which each counts on its day."""
    from leadline.facts.shown import rows_of

    rows = rows_of(fact.name, profile, has_rules, dated=True)
    if fact.names_people:
        rows = _with_people(fact, kept, rows)
    rows = wanted_of(fact, rows, kept.by_keys, kept.open)
    if kept.by_keys or kept.scope is None:
        return rows
    owned = rows.select(*fact.key, scope_path=rows.teams.unnest())
    of_scope = owned.semi_join(_SCOPE_PATHS.table(), "scope_path").select(*fact.key).distinct()
    return rows.semi_join(of_scope, [rows[name].identical_to(of_scope[name]) for name in fact.key])
