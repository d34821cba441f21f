"""Binds whose deployments and incidents are where people move: who was in which team when, when a team was there, and its rules."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from leadline.facts.merge_spans import DATED_FALLBACK, UNIT_TIMES
from leadline.facts.ownership import BY_DEFAULT, DATED_UNIT_RULES, claims, counting, how
from leadline.facts.phases import instants
from leadline.people.membership import Membership, tops
from leadline.people.team_rules import TeamRule, TeamRules, team_rules
from leadline.people.timeline import Timeline
from leadline.settings.profile import Profile

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from leadline.engine import Backend


def bind_teams_over_time(
    engine: Backend, stretches: Timeline, scope: int | None, membership: Membership, profile: Profile
) -> TeamRules:
    """Bind what ``dated`` queries of ``ownership`` read, for the teams of ``membership``, which says who is in them on all days of
    ``stretches``; gives the rules as they are numbered, true if there is any. ``scope`` is the node that the teams are below (None:
    none in particular)."""
    of_trees = {id(tree): team_rules(tree, profile) for stretch in stretches for tree in stretch.trees}
    by_default = not any(of_tree.sources for of_tree in of_trees.values())
    number = {unit.node.ref_id: at for at, unit in enumerate(membership.teams)}
    rules: dict[tuple[int, str | None, int, int], TeamRule] = {}
    any_rules: TeamRules | None = None
    people: Spans = {}
    without: Spans = {}
    ruled: Spans = {}
    in_force = ((stretch, *place) for stretch in stretches for place in tops(stretch, scope))
    for stretch, tree, top in in_force:
        days = instants(stretch.start, stretch.end, profile.zone)
        of_tree = of_trees[id(tree)]
        any_rules = of_tree or any_rules
        # A node's own rule follows from its ref id and its key.
        keys = [(rule.node, tree.by_ref[rule.node].key, rule.deployments, rule.incidents) for rule in of_tree.rules]
        rules.update(zip(keys, of_tree.rules, strict=True))
        places = {key: at for at, key in enumerate(rules)}
        nodes = {node.ref_id: node for node in tree.subtree(top) if node.ref_id in number}
        for ref_id, *counts in () if by_default else counting(tree, nodes, of_tree, profile):
            prolong(people, (number[ref_id], *counts), days)
        for node in nodes.values():
            unit = number[node.ref_id]
            if node.ref_id not in of_tree.of_node:
                prolong(without, (unit,), days)
            below = tree.subtree(node) if of_tree else ()
            for rule in of_tree.within(below):
                prolong(ruled, (unit, places[keys[rule]], how(tree, of_tree, node, rule)), days)
            for claim in claims(node, below, of_tree):
                prolong(ruled, (unit, *claim), days)
    for table, rows in ((UNIT_TIMES, without), (DATED_UNIT_RULES, ruled)):
        table.bind(engine, _rows(rows))
    if by_default:
        zone = profile.zone
        DATED_FALLBACK.bind_kept(engine, membership.kept, zone.key, lambda: _all_by_default(membership, zone))
    else:
        DATED_FALLBACK.bind(engine, _rows(people))
    return TeamRules(tuple(rules.values()), {}, {} if any_rules is None else any_rules.sources)


def _all_by_default(membership: Membership, zone: ZoneInfo) -> Iterator[tuple[object, ...]]:
    """Who is in which unit when; everything counts for them as it does without settings of teams."""
    times = cache(lambda start, end: instants(start, end, zone))
    return ((unit, email, *BY_DEFAULT, *times(*days)) for unit, email, *days in membership.times())


Spans = dict[tuple[object, ...], list[tuple[int, int]]]
"""When something is so, by what it is."""


def _rows(spans: Spans) -> Iterator[tuple[object, ...]]:
    return ((*what, *times) for what, of_it in spans.items() for times in of_it)


def prolong(spans: Spans, what: tuple[object, ...], times: tuple[int, int]) -> None:
    """Note that ``what`` is so at ``times``, too, joined to the last ones if they meet."""
    known = spans.setdefault(what, [])
    if known and known[-1][1] == times[0]:
        known[-1] = (known[-1][0], times[1])
    else:
        known.append(times)
