"""Writes a fact to a file: the rows behind the numbers, one per thing.

A project, the fact's name and filters come in; a CSV, JSON lines or Parquet file with the documented columns goes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from leadline.engine import BoundTable
from leadline.engine.output import FORMULA_STARTS, form_of
from leadline.engine.output import write as write_file
from leadline.errors import Detail, InvalidRequest
from leadline.facts.catalogue import FACTS, Fact
from leadline.people import OrgTree, find_team, tree, trees

if TYPE_CHECKING:
    from ibis.expr.types import Table, Value

    from leadline.engine import Engine
    from leadline.home import Project
    from leadline.people.tree import Node
    from leadline.settings.profile import Profile

_TEAMS = BoundTable("teams", {"of_developer": "string", "team": "string"})
"""The hierarchy path of each developer's primary team."""
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class _Kept:
    """What filters keep: a range of local dates, people by email, and the teams that count (None: everything)."""

    start: date | None
    end: date | None
    people: Sequence[str] | None
    teams: Sequence[str] | None


def write(
    project: Project,
    fact: str,
    path: Path,
    *,
    start: date | None = None,
    end: date | None = None,
    tree_name: str | None = None,
    team: str | None = None,
    developer: str | None = None,
) -> int:
    """Write ``fact`` to ``path`` (its ending says the format) and return the number of rows.

    ``start`` and ``end`` (inclusive, local dates) keep what happened then: pull requests by merge, work items by
    completion, deployments by finish, incidents by resolution, commits by author date. ``tree_name`` and ``team`` keep
    what counts for the scope, ``developer`` what is one person's, by email. Raises ``InvalidRequest``.
    """
    declared = _checked(fact, start, end, developer)
    form = form_of(path)
    from leadline.facts.policy import BUILD_POLICY
    from leadline.facts.shown import NEEDS
    from leadline.materialize.session import session

    known = _trees(project, tree_name)
    kept = _kept(project, declared, start, end, tree_name, team, developer)
    profile = project.profile(tree_name)
    versions = project.lake.snapshot().versions
    tree_versions = {org_tree.name: org_tree.version for org_tree in _trees(project, None)}
    with session(project, versions, tree_versions, profile, BUILD_POLICY) as opened:
        opened.facts.bind(NEEDS[fact])
        opened.facts.bind_raw()
        query = _shown(opened.engine, declared, profile, known, kept, form)
        return write_file(opened.engine, query, path, form, lambda: None)


def _checked(fact: str, start: date | None, end: date | None, developer: str | None) -> Fact:
    if fact not in FACTS:
        raise InvalidRequest(f"There is no fact {fact!r}; facts are {', '.join(FACTS)}", code="unknown_fact")
    if start is not None and end is not None and start > end:
        raise InvalidRequest(
            "--start is after --end", code="invalid_range", details=[Detail("start", "on or before end")]
        )
    if developer is not None and FACTS[fact].by_team:
        raise InvalidRequest(
            f"{fact.capitalize()} belong to teams, not to a developer; --team or --org-tree would do",
            code="not_of_developers",
            details=[Detail("developer", "not with facts that belong to teams")],
        )
    return FACTS[fact]


def _trees(project: Project, name: str | None) -> list[OrgTree]:
    names = [name] if name is not None else [each.name for each in trees(project)]
    return [tree(project, each) for each in names]


def _kept(
    project: Project,
    fact: Fact,
    start: date | None,
    end: date | None,
    tree_name: str | None,
    team: str | None,
    developer: str | None,
) -> _Kept:
    org_tree, node = _scope(project, tree_name, team)
    own = None if developer is None else [developer.strip().lower()]
    if org_tree is None or node is None:
        return _Kept(start, end, own, None)
    if fact.by_team:
        return _Kept(start, end, None, [node.path])
    people = org_tree.people(node)
    return _Kept(start, end, [email for email in people if own is None or email in own], None)


def _scope(project: Project, tree_name: str | None, team: str | None) -> tuple[OrgTree | None, Node | None]:
    if team is not None:
        return find_team(project, team, tree_name)
    if tree_name is not None:
        org_tree = tree(project, tree_name)
        return org_tree, org_tree.root
    return None, None


def _shown(engine: Engine, fact: Fact, profile: Profile, known: Sequence[OrgTree], kept: _Kept, form: str) -> Table:
    import ibis

    from leadline.derive.local_time import bounds_us, offsets
    from leadline.engine.functions import epoch_us
    from leadline.facts.ownership import bind_classes
    from leadline.facts.shown import rows_of
    from leadline.facts.work_types import bind_work_types

    first, last = kept.start or date(1970, 1, 1), kept.end or date(2262, 1, 1)
    bind_classes(engine, known, profile)
    bind_work_types(engine, known, profile)
    ruled = False
    if fact.by_team:
        first, last = _days_seen(engine, fact, kept)
        ruled = _bind_teams(engine, fact, profile, known, first, last)
    rows = rows_of(fact.name, profile, offsets(first, last, profile.zone) if fact.by_team else (), ruled)
    if fact.by_team:
        if kept.teams is not None:
            rows = rows.filter(ibis.or_(*(rows.teams.contains(path) for path in kept.teams)))
    else:
        rows = _with_team(engine, rows, known, kept.people)
    if kept.start is not None or kept.end is not None:
        low, high = bounds_us(first, last, profile.zone)
        happened = epoch_us(rows[fact.happened])
        rows = rows.filter((happened >= low) & (happened < high))
    rows = rows.order_by(list(fact.key))
    return rows.select(**{name: _as_text(rows[name], form) for name in fact.columns})


def _with_team(engine: Engine, rows: Table, known: Sequence[OrgTree], people: Sequence[str] | None) -> Table:
    """``rows`` of ``people`` with the hierarchy path of their developer's primary team."""
    import ibis

    paths: dict[str, str] = {}
    for org_tree in known:
        for person in org_tree.developers.values():
            if person.team is not None:
                paths.setdefault(person.email, org_tree.by_ref[person.team].path)
    _TEAMS.bind(engine, paths.items())
    teams = _TEAMS.table()
    rows = rows.left_join(teams, rows.developer == teams.of_developer)
    if people is None:
        return rows
    return rows.filter(rows.developer.isin(people) if people else ibis.literal(False))


def _days_seen(engine: Engine, fact: Fact, kept: _Kept) -> tuple[date, date]:
    """The days asked for; without an end, the whole months in which there are events of ``fact``."""
    ((low, high),) = engine.execute(
        f"SELECT epoch_us(min({fact.happened})), epoch_us(max({fact.happened})) FROM {fact.name}"
    )
    # A day more, since a local date may differ from the one in UTC.
    earliest, latest = (datetime.fromtimestamp((each or 0) / 1e6, UTC).date() for each in (low, high))
    first = kept.start or (earliest - _DAY).replace(day=1)
    return first, kept.end or max(_month_end(latest + _DAY), first)


def _month_end(day: date) -> date:
    return (day.replace(day=28) + 4 * _DAY).replace(day=1) - _DAY


def _bind_teams(
    engine: Engine, fact: Fact, profile: Profile, known: Sequence[OrgTree], first: date, last: date
) -> bool:
    """Bind whose the deployments or incidents are, by calendar month; returns whether any team rule is in force."""
    from leadline.derive.local_time import day_number
    from leadline.facts.ownership import bind_matches, bind_teams
    from leadline.facts.shown import MONTHS, TEAM_PATHS
    from leadline.people.team_rules import team_rules

    scopes = [(each, each.subtree(each.root), team_rules(each, profile)) for each in known]
    bind_teams(engine, scopes)
    rules = [rule for _, _, of_tree in scopes for rule in of_tree.rules]
    if rules:
        bind_matches(engine, [fact.name], rules, profile)
    paths = [node.path for _, nodes, _ in scopes for node in nodes]
    TEAM_PATHS.bind(engine, enumerate(paths))
    MONTHS.bind(engine, ((day_number(day), day.year * 12 + day.month) for day in _days(first, last)))
    return bool(rules)


def _days(first: date, last: date) -> Iterable[date]:
    return (first + number * _DAY for number in range((last - first).days + 1))


def _as_text(value: Value, form: str) -> Value:
    """Instants as RFC 3339 with their fraction, lists by ``;`` in CSV; CSV text that a spreadsheet would run neutralized."""
    import ibis

    kind = value.type()
    if kind.is_timestamp() and form != "parquet":
        whole = value.strftime("%Y-%m-%dT%H:%M:%S")
        fraction = value.strftime(".%f")
        return whole + ibis.cases((fraction == ".000000", ""), else_=fraction) + "Z"
    if form != "csv":
        return value
    if kind.is_array():
        value = value.join(";")
    elif not kind.is_string():
        return value
    return ibis.cases((value.substr(0, 1).isin(FORMULA_STARTS), ibis.literal("'") + value), else_=value)
