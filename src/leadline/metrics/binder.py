"""Binds what a run is about in its engine: rows' units and who counts in them, periods and their days, team rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from leadline.derive.local_time import Offset, RangeOffsets, bounds_us, day_number
from leadline.engine.output import neutralized
from leadline.facts.ownership import bind_matches, bind_teams
from leadline.facts.ownership_over_time import bind_teams_over_time
from leadline.facts.phases import ALWAYS, instants
from leadline.facts.team_settings import bind_team_settings
from leadline.materialize.compiled import CompiledQueryCache
from leadline.metrics.bindings import (
    BAND_NAMES,
    DATED_MEMBERS,
    DAY_SPANS,
    DAYS,
    HEADS,
    MEMBERS,
    PERIOD_PARTS,
    PERIODS,
    PLACES,
    RATING_BANDS,
    unit_columns,
    units,
)
from leadline.metrics.metric import DEVELOPER, SERVICE, TEAM
from leadline.metrics.periods import RANGE, Period, periods
from leadline.metrics.request import MetricsRequest
from leadline.metrics.services import SCOPE_UNITS, SERVICES, find_services
from leadline.people.membership import Asked, Membership, Units, membership
from leadline.people.team_rules import team_rules
from leadline.people.timeline import Timeline, is_constant
from leadline.people.tree import Developer, Node, OrgTree
from leadline.settings.profile import BANDS, Profile

if TYPE_CHECKING:
    from leadline.engine import Backend
    from leadline.engine.spellings import Spellings


@dataclass(frozen=True)
class BoundScope:
    """What was bound: the offsets of the time zone in the range; the tree that is in force all the time or, where people move, None
    and who is in which unit when. ``units`` and ``periods`` say how many there are: a row is one of each."""

    zone: tuple[Offset, ...]
    tree: OrgTree | None
    membership: Membership | None
    stretches: Timeline
    units: int
    periods: int

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.units * self.periods

    @property
    def dated(self) -> bool:
        """Whether people move."""
        return self.tree is None


def bind_scope(
    engine: Backend,
    stretches: Timeline,
    request: MetricsRequest,
    profile: Profile,
    today: date | None,
    since: date | None = None,
) -> BoundScope:
    """Bind units, members, periods, days and what teams have set. ``stretches`` has the trees in force from ``since`` (default: the
    range's start) to the range's end. Days after ``today`` count in no rate."""
    days = since or request.start
    if request.level == SERVICE:  # of the team alone; its services are bound when their events are known
        request = replace(request, level=TEAM, depth=0)
    constant = stretches[0].tree if is_constant(stretches, days, request.end) else None
    if constant is not None and (request.team is None or request.team in constant.by_ref):
        membership = None
        shown = _bind_units(engine, constant, request)
    else:
        constant, membership = None, membership_of(stretches, request, days)
        shown = _bind_dated_units(engine, membership, request, today, profile.zone)
    in_range = _bind_periods(engine, request, today, profile.zone)
    _bind_bands(engine, profile)
    bind_team_settings(engine, stretches, profile)
    zone = RangeOffsets.over(request.start, request.end, profile.zone)
    return BoundScope(zone, constant, membership, stretches, shown, in_range)


def bind_spans(
    engine: Backend, request: MetricsRequest, profile: Profile, today: date | None, stretches: Timeline | None = None
) -> None:
    """Bind the instants of the days of ``request`` that count in rates: ``today`` is the last one that does. With ``stretches``
    days of one period on which nobody moves are bound as one."""
    last = request.end if today is None else min(request.end, today)
    days = [request.start + timedelta(days=number) for number in range((last - request.start).days + 1)]
    if stretches is not None:
        begun = {*(period.start for period in periods_of(request)), *(stretch.start for stretch in stretches)}
        days = [day for day in days if day in begun or day == request.start]
    ends = (*(day - timedelta(days=1) for day in days[1:]), last)
    DAY_SPANS.bind(engine, (bounds_us(*span, profile.zone) for span in zip(days, ends, strict=bool(days))))


def bind_services(
    engine: Backend, scope: BoundScope, request: MetricsRequest, has_team_rules: bool, queries: CompiledQueryCache
) -> BoundScope:
    """Bind the services of the team of ``scope`` as its rows' units. Whose deployments and incidents are is bound already."""
    SCOPE_UNITS.bind(engine, ((unit,) for unit in range(scope.units)))
    services = find_services(engine, scope.zone, has_team_rules, scope.dated, queries)
    SERVICES.bind(engine, ((number, one.name, one.repository) for number, one in enumerate(services)))
    safe, columns = _safe(request), unit_columns(SERVICE)
    heads = () if scope.dated else (0,)
    units(SERVICE, scope.dated).bind(
        engine,
        ((number, *heads, *(safe(one.shown[name]) for name in columns)) for number, one in enumerate(services)),
    )
    return replace(scope, units=len(services))


def membership_of(stretches: Timeline, request: MetricsRequest, since: date) -> Membership:
    """Who is in which row of ``request``, from ``since`` to the range's end."""
    days = (since, request.start, request.end)
    developers = request.level == DEVELOPER
    return membership(Asked.of(stretches, days, request.team, request.depth, developers=developers))


def bind_owners(
    engine: Backend,
    scope: BoundScope,
    request: MetricsRequest,
    profile: Profile,
    kinds: Iterable[str],
    spellings: Spellings,
) -> bool:
    """Bind whose the events of ``kinds`` (deployments, their failures, incidents) are; returns whether any team rule is in force.
    The stored tables that these read are bound already."""
    if scope.tree is not None:
        tree = scope.tree
        units = dict(enumerate(tree.down_to(_scope(tree, request), request.depth)))
        rules = team_rules(tree, profile)
        bind_teams(engine, [(tree, units, rules)], profile)
    else:
        assert scope.membership is not None  # noqa: S101 -- one of the two there is
        rules = bind_teams_over_time(engine, scope.stretches, request.team, scope.membership, profile)
    if rules:
        bind_matches(engine, kinds, rules.rules, profile, spellings)
    return bool(rules)


def _scope(tree: OrgTree, request: MetricsRequest) -> Node:
    return tree.root if request.team is None else tree.by_ref[request.team]


def _bind_units(engine: Backend, tree: OrgTree, request: MetricsRequest) -> int:
    key = (request.level, request.team, request.depth)
    if (known := tree.kept.get(key)) is None:
        known = tree.kept[key] = (_developer_units if request.level == DEVELOPER else _team_units)(tree, request)
    described, members = known
    safe, columns = _safe(request), unit_columns(request.level)
    units(request.level).bind(
        engine,
        (
            (number, unit["developers"], *(safe(unit[name]) for name in columns))
            for number, unit in enumerate(described)
        ),
    )
    places = {of_place: number for number, of_place in enumerate(dict.fromkeys(members.values()))}
    _bind_places(engine, places)

    def rows() -> Iterator[tuple[object, ...]]:
        return ((email, person, places[of_units]) for person, (email, of_units) in enumerate(members.items()))

    MEMBERS.bind_kept(engine, tree.kept, key, rows)
    return len(described)


def _bind_dated_units(
    engine: Backend, membership: Membership, request: MetricsRequest, today: date | None, zone: ZoneInfo
) -> int:
    described = [
        *(_developer(unit.developer, unit.node) for unit in membership.developers),
        *(_team(unit.node) for unit in membership.teams),
    ]
    safe, columns = _safe(request), unit_columns(request.level)
    units(request.level, dated=True).bind(
        engine, ((number, *(safe(unit[name]) for name in columns)) for number, unit in enumerate(described))
    )
    _bind_dated_members(engine, membership, zone)
    HEADS.bind(
        engine,
        (
            (unit, number, people)
            for number, period in enumerate(periods_of(request))
            for unit, people in membership.heads(period.start, _last_counted(period, today)).items()
        ),
    )
    return len(described)


def _bind_dated_members(engine: Backend, membership: Membership, zone: ZoneInfo) -> None:
    times = cache(lambda start, end: instants(start, end, zone))

    def rows() -> Iterator[tuple[object, ...]]:
        persons: dict[str, int] = {}
        for email, place, span in membership.stays():
            person = persons.setdefault(email, len(persons))
            yield email, person, *((-ALWAYS, ALWAYS) if span is None else times(span.start, span.end)), place

    _bind_places(engine, membership.places)
    DATED_MEMBERS.bind_kept(engine, membership.kept, zone.key, rows)


def _bind_places(engine: Backend, places: Mapping[Units, int]) -> None:
    PLACES.bind(engine, ((place, unit) for of_place, place in places.items() for unit in of_place))


def _last_counted(period: Period, today: date | None) -> date:
    """Who comes on a day to come is not there yet; of a period that did not begin all days count."""
    return period.end if today is None or today < period.start else min(period.end, today)


def heads_in(membership: Membership, request: MetricsRequest, today: date | None) -> dict[int, int]:
    """How many developers are in each team within the range, by ref id."""
    whole = Period("", request.start, request.end, 0)
    inside = membership.heads(request.start, _last_counted(whole, today))
    return {unit.node.ref_id: inside[number] for number, unit in enumerate(membership.teams)}


def _safe(request: MetricsRequest) -> Callable[[str], str]:
    return neutralized if request.format == "csv" else str


def _bind_bands(engine: Backend, profile: Profile) -> None:
    RATING_BANDS.bind(engine, [[profile[f"ratings.{name}.{band}"] for name in BANDS for band in BAND_NAMES]])


def _developer(developer: Developer, team: Node) -> dict[str, str]:
    return {
        "Developer": developer.full_name or developer.address,
        "Email": developer.address,
        "Team": team.name,
        "Team_Hierarchy": team.path,
        "Team_Id": str(team.ref_id),
    }


def _team(node: Node) -> dict[str, str]:
    return {"Team": node.name, "Team_Id": str(node.ref_id), "Team_Hierarchy": node.path}


def _developer_units(tree: OrgTree, request: MetricsRequest) -> tuple[list[dict[str, Any]], Mapping[str, Units]]:
    scoped = tree.scope_developers(_scope(tree, request))
    described = [{"developers": 1, **_developer(member.developer, member.team)} for member in scoped]
    return described, {member.developer.email: (number,) for number, member in enumerate(scoped)}


def _team_units(tree: OrgTree, request: MetricsRequest) -> tuple[list[dict[str, Any]], Mapping[str, Units]]:
    nodes = tree.down_to(_scope(tree, request), request.depth)
    members = tree.covered({team.ref_id: number for number, team in enumerate(nodes)})
    heads = Counter(chain.from_iterable(members.values()))
    described = [{"developers": heads[number], **_team(team)} for number, team in enumerate(nodes)]
    return described, members


def _span(period: Period, today: date | None, zone: ZoneInfo) -> tuple[int | None, int | None]:
    """How long a period has been, and the instant before which its last day that counts is; unknown of one to come."""
    if today is not None and today < period.start:
        return None, None
    begins, ends = bounds_us(period.start, _last_counted(period, today), zone)
    return ends - begins, ends


def _bind_periods(engine: Backend, request: MetricsRequest, today: date | None, zone: ZoneInfo) -> int:
    in_range = list(enumerate(periods_of(request)))
    PERIODS.bind(
        engine,
        (
            (
                number,
                period.days_until(today),
                period.unit_days,
                day_number(period.start),
                day_number(period.end),
                *_span(period, today, zone),
                period.label,
                period.start,
                period.end,
            )
            for number, period in in_range
        ),
    )
    parts = in_range[:-1] if request.with_range else in_range
    DAYS.bind(
        engine,
        (
            (day, number)
            for number, period in parts
            for day in range(day_number(period.start), day_number(period.end) + 1)
        ),
    )
    if request.with_range:
        whole = len(parts)
        PERIOD_PARTS.bind(engine, ((number, place) for number, _ in parts for place in (number, whole)))
    return len(in_range)


def periods_of(request: MetricsRequest) -> list[Period]:
    """The periods of the rows, in order."""
    whole = periods(request.start, request.end, RANGE) if request.with_range else []
    return periods(request.start, request.end, request.granularity) + whole
