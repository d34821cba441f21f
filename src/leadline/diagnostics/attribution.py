"""How much of each kind of activity counts for nobody: what the numbers of teams and developers leave out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from leadline.json_body import Body

if TYPE_CHECKING:
    from ibis.expr.types import Table

    from leadline.facts.account_activity import Account
    from leadline.home import Project
    from leadline.materialize.session import Session

_BY_ACCOUNTS = {
    "commits": "author_email",
    "pull_requests": "author",
    "reviews": "author",
    "comments": "author",
    "work_items": "assignee",
}
"""Activity of people, which is a table and a count of ``Account``, and the column that says whose it is."""


class AttributionStatus(Body):
    """Activity of a kind: ``total``, what bots did of it (``bots``), what is ``nobodys``, and this in ``percent`` of what is no
    bot's (null of nothing). Commits, pull requests, reviews, comments and work items are nobody's where they name no account, or
    one that is no developer's; deployments (finished, to production) and incidents (resolved), where they are of no team. An
    AI agent's pull request is no bot's: it is whose setting ``ai.agent_prs`` says, or nobody's."""

    activity: str
    total: int
    bots: int
    nobodys: int
    percent: float | None


def attribution(project: Project, accounts: Sequence[Account]) -> list[AttributionStatus]:
    """A row per kind of activity; ``accounts`` are all of the project. Raises ``StoreError`` if the data cannot be read."""
    from leadline.facts.policy import BUILD_POLICY
    from leadline.materialize.session import session
    from leadline.people import trees

    versions = project.lake.snapshot().versions
    if not versions:
        return []
    tree_versions = {summary.name: summary.version for summary in trees(project)}
    with session(project, versions, tree_versions, project.profile(), BUILD_POLICY) as opened:
        opened.facts.bind_raw(tables=_BY_ACCOUNTS)
        nameless = _nameless(opened)
        agents = _of_agents(opened)
        of_teams = [_of_teams(project, opened, kind) for kind in ("deployments", "incidents")]
    of_accounts = [
        _of_accounts(kind, nameless[kind], accounts, agents if kind == "pull_requests" else (0, 0))
        for kind in _BY_ACCOUNTS
    ]
    return [*of_accounts, *of_teams]


def _of_accounts(kind: str, nameless: int, accounts: Sequence[Account], agents: tuple[int, int]) -> AttributionStatus:
    """``agents``: how many agents did, and how many of these are nobody's."""
    counts = [(account, int(getattr(account, kind))) for account in accounts]
    total = nameless + sum(count for _, count in counts)
    bots = sum(count for account, count in counts if account.bot) - agents[0]
    nobodys = nameless + sum(count for account, count in counts if account.unmatched) + agents[1]
    return _status(kind, total, bots, nobodys)


def _of_agents(opened: Session) -> tuple[int, int]:
    """How many pull requests are AI agents', and how many of these are nobody's."""
    from leadline.facts.agents import AGENT_PULLS

    opened.facts.bind([AGENT_PULLS])
    pulls = AGENT_PULLS.table()
    return _count(opened, pulls), _count(opened, pulls.filter(pulls.behind.isnull()))


def _status(kind: str, total: int, bots: int, nobodys: int) -> AttributionStatus:
    of_people = total - bots
    percent = round(100 * nobodys / of_people, 1) if of_people else None
    return AttributionStatus(activity=kind, total=total, bots=bots, nobodys=nobodys, percent=percent)


def _nameless(opened: Session) -> dict[str, int]:
    """How many rows of each table name no account."""
    import ibis

    from leadline.engine.tables import schema_table

    parts = []
    for name, column in _BY_ACCOUNTS.items():
        table = schema_table(name)
        nameless = table.filter(table[column].fill_null("") == "")
        parts.append(nameless.aggregate(rows=nameless.count()).mutate(kind=ibis.literal(name)))
    return {row["kind"]: int(row["rows"]) for row in opened.engine.arrow(ibis.union(*parts)).to_pylist()}


def _of_teams(project: Project, opened: Session, kind: str) -> AttributionStatus:
    """Of deployments or incidents."""
    from leadline.facts.deployments import DEPLOYMENTS
    from leadline.facts.incidents import resolved_incidents
    from leadline.facts.ownership import bind_matches, bind_teams, needed, owned_by_teams
    from leadline.people import tree, trees
    from leadline.people.team_rules import team_rules

    profile = project.profile()
    org_trees = [tree(project, summary.name) for summary in trees(project)]
    # A root has all that its teams have.
    scopes = [
        (org_tree, {unit: org_tree.root}, team_rules(org_tree, profile)) for unit, org_tree in enumerate(org_trees)
    ]
    rules = [rule for _, _, of_tree in scopes for rule in of_tree.rules]
    opened.facts.bind(needed(kind))
    bind_teams(opened.engine, scopes, profile)
    has_team_rules = any(of_tree for _, _, of_tree in scopes)
    if has_team_rules:
        bind_matches(opened.engine, [kind], rules, profile, opened.facts.spellings)
    events = DEPLOYMENTS.table() if kind == "deployments" else resolved_incidents()
    owned = owned_by_teams(kind, events, has_team_rules).select("event").distinct()
    total, of_somebody = (_count(opened, table) for table in (events, owned))
    return _status(kind, total, 0, total - of_somebody)


def _count(opened: Session, table: Table) -> int:
    (rows,) = opened.engine.arrow(table.aggregate(rows=table.count()))["rows"].to_pylist()
    return int(rows)
