"""From people who name their managers to a draft tree, by the rules of the data model ("People and the org tree").

Refused are duplicate emails, unknown managers and cycles.

A manager with reports is a node; its own people are the manager and the reports who manage nobody. A shared developer
(several managers) belongs to each manager's node, the first being the primary team. A shared *manager* has one node,
under the first manager's, and it also counts under the others': one ref id and one hierarchy path, and yet "each manager
with reports is a node, with the nodes of those reports who are managers under it" holds for every manager listed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from leadline.people.csv_file import Person
from leadline.people.draft import ROOT, Draft, DraftDeveloper, DraftNode, manager_identity, path_identity
from leadline.people.tree import called_after
from leadline.people.violations import DEEPEST, Violations


def draft_of(people: Sequence[Person], tree_name: str, violations: Violations) -> Draft:
    """The draft tree of ``people``. Raises ``InvalidInput`` with all of ``violations``, those found here included."""
    by_email: dict[str, Person] = {}
    for person in people:
        if person.email:
            by_email.setdefault(person.email, person)
    _check_duplicates(people, violations)
    _check_managers(people, by_email, violations)
    _check_cycles(by_email, violations)
    flat = bool(people) and not any(person.managers for person in people)
    if flat and not any(person.team for person in people):
        violations.add(
            people[-1].line + 1,
            violations.file,
            "NO_TEAM: nobody has a manager or a team, so there is no team; fill manager_email, or team",
        )
    violations.check()
    return _flat(by_email, tree_name) if flat else _draft(by_email, tree_name, violations)


def _check_duplicates(people: Sequence[Person], violations: Violations) -> None:
    lines: dict[str, list[int]] = {}
    for person in people:
        if person.email:
            lines.setdefault(person.email, []).append(person.line)
    for email, at in lines.items():
        for line in at if len(at) > 1 else ():
            others = [str(other) for other in at if other != line]
            where = ", ".join(others[:20]) + (f" and {len(others) - 20} more" if len(others) > 20 else "")
            violations.row(line, f"email: DUPLICATE_EMAIL: {email} is also in line {where}; keep one row")


def _check_managers(people: Sequence[Person], by_email: Mapping[str, Person], violations: Violations) -> None:
    for person in people:
        for manager in person.managers:
            if manager == person.email:
                violations.row(person.line, f"manager_email: SELF_MANAGER: {manager} is their own manager")
            elif manager not in by_email and "@" in manager:  # else it is told where it was read
                violations.row(
                    person.line,
                    f"manager_email: UNKNOWN_MANAGER: {manager} has no row in this file; every manager is also a "
                    "developer, so add one",
                )


def _check_cycles(by_email: Mapping[str, Person], violations: Violations) -> None:
    above = {
        email: [manager for manager in person.managers if manager in by_email and manager != email]
        for email, person in by_email.items()
    }
    for group in _entangled(above):
        start = min(group, key=lambda email: by_email[email].line)
        chain = " → ".join(_shortest_cycle(start, set(group), above))
        violations.row(
            by_email[start].line, f"manager_email: CYCLE: {chain}; somebody here must report to someone outside"
        )


def _entangled(above: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """The groups in which everybody is, in the end, the manager of everybody: what is left of each strongly connected
    component with more than one member (Tarjan's algorithm, iterative: chains may be long)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    groups: list[list[str]] = []
    for root in above:
        if root in number:
            continue
        work = [(root, iter(above[root]))]
        number[root] = low[root] = len(number)
        stack.append(root)
        on_stack.add(root)
        while work:
            at, following = work[-1]
            step = next(following, None)
            if step is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[at])
                if low[at] == number[at]:
                    members = stack[stack.index(at) :] if stack[-1] != at else [at]
                    del stack[-len(members) :]
                    on_stack.difference_update(members)
                    if len(members) > 1:
                        groups.append(members)
            elif step not in number:
                number[step] = low[step] = len(number)
                stack.append(step)
                on_stack.add(step)
                work.append((step, iter(above[step])))
            elif step in on_stack:
                low[at] = min(low[at], number[step])
    return groups


def _shortest_cycle(start: str, group: set[str], above: Mapping[str, Sequence[str]]) -> list[str]:
    """A shortest way from ``start`` up through ``group`` back to ``start``, both ends included."""
    came_from: dict[str, str] = {}
    queue = deque([start])
    while queue:
        at = queue.popleft()
        for manager in above[at]:
            if manager == start:
                chain = [start, at]
                while chain[-1] != start:
                    chain.append(came_from[chain[-1]])
                return chain[::-1]
            if manager in group and manager not in came_from:
                came_from[manager] = at
                queue.append(manager)
    raise AssertionError("a group of a strongly connected component has a cycle through each member")


def _draft(by_email: Mapping[str, Person], tree_name: str, violations: Violations) -> Draft:
    managers = {manager for person in by_email.values() for manager in person.managers}
    tops = sorted(manager for manager in managers if not by_email[manager].managers)
    identity = {manager: manager_identity(manager) for manager in managers}
    if len(tops) == 1:
        identity[tops[0]] = ROOT
    _check_depth(managers, by_email, violations)

    own: dict[str, list[str]] = {manager: [manager] for manager in managers}
    for person in sorted(by_email.values(), key=lambda person: person.email):
        if person.email not in managers:
            for manager in person.managers:
                own[manager].append(person.email)

    nodes: dict[str, DraftNode] = {}
    if len(tops) > 1:
        nodes[ROOT] = DraftNode(ROOT, tree_name, None, None, (), None)
    for manager in sorted(managers):
        name = tree_name if identity[manager] == ROOT else _node_name(by_email[manager], own[manager], by_email)
        above = [identity[email] for email in by_email[manager].managers]
        parent = None if identity[manager] == ROOT else (above[0] if above else ROOT)
        nodes[identity[manager]] = DraftNode(
            identity[manager], name, None, manager, tuple(own[manager]), parent, tuple(above[1:])
        )
    developers = {
        person.email: DraftDeveloper(
            person.email,
            person.full_name,
            (identity[person.email],)
            if person.email in managers
            else tuple(identity[manager] for manager in person.managers),
            person.attributes,
            person.written,
        )
        for person in by_email.values()
    }
    return Draft(nodes, developers)


def _node_name(manager: Person, own: Sequence[str], by_email: Mapping[str, Person]) -> str:
    """The team that the reports among ``own`` have in common, else all of them, else one that is called after the manager."""
    reports = [email for email in own if email != manager.email]
    for people in (reports, own):
        teams = {by_email[email].team for email in people}
        if len(teams) == 1 and (shared := next(iter(teams))):
            return shared
    return called_after(manager.full_name)


def team_identity(tree_name: str, team: str) -> str:
    """The identity of a team of people who name no managers."""
    return path_identity([tree_name, team])


def _flat(by_email: Mapping[str, Person], tree_name: str) -> Draft:
    """The teams that people name, below the tree."""
    teams: dict[str, list[str]] = {}
    for person in sorted(by_email.values(), key=lambda person: person.email):
        if person.team:
            teams.setdefault(person.team, []).append(person.email)
    nodes = {ROOT: DraftNode(ROOT, tree_name, None, None, (), None)}
    for team, own in teams.items():
        identity = team_identity(tree_name, team)
        nodes[identity] = DraftNode(identity, team, None, None, tuple(own), ROOT)
    developers = {
        person.email: DraftDeveloper(
            person.email,
            person.full_name,
            (team_identity(tree_name, person.team),) if person.team else (),
            person.attributes,
            person.written,
        )
        for person in by_email.values()
    }
    return Draft(nodes, developers)


def _check_depth(managers: set[str], by_email: Mapping[str, Person], violations: Violations) -> None:
    depth: dict[str, int] = {}
    for start in sorted(managers):
        chain = [start]
        while chain[-1] not in depth and by_email[chain[-1]].managers:
            chain.append(by_email[chain[-1]].managers[0])
        first = depth.get(chain[-1], 1)
        depth.update((email, level) for level, email in enumerate(reversed(chain), start=first))
        if depth[start] == DEEPEST + 1:
            violations.row(
                by_email[start].line, f"TOO_DEEP: {start} manages on level {depth[start]}; at most {DEEPEST} are taken"
            )
    violations.check()
