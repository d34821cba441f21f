"""What ``leadline org from-teams`` makes: the teams that a tool told of, with the people that their accounts belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leadline.errors import NotFound

if TYPE_CHECKING:
    from leadline.home import Project
    from leadline.people.tool_teams import Person


def tree_of_teams(project: Project, source: str, organization: str) -> tuple[dict[str, Any], list[str]]:
    """The document, and the accounts left out. Raises ``NotFound`` if no team of the organization is known."""
    from leadline.engine import Engine, schema_table
    from leadline.people.tool_teams import Membership, team_tree

    tables = ("tool_teams", "tool_accounts", "identities")
    with Engine.of(project.home) as engine:
        engine.bind_snapshot(project.lake.newest(tables), tables)
        teams, accounts, mapped = (
            [row for row in engine.arrow(schema_table(name)).to_pylist() if row["source"] == source] for name in tables
        )
    memberships = [
        Membership(row["team"], [*(row["above"] or ()), row["name"]], row["account"])
        for row in teams
        if row["team"].partition("/")[0] == organization
    ]
    if not memberships:
        target, _, host = organization.partition("@")
        command = f"leadline sync {source} {target}" + (f" --url https://{host}" if host else "")
        raise NotFound(
            f"No team of {source}:{organization} is known; `{command}` reads them, if its token may see them"
        )
    return team_tree(organization, memberships, _people(project, source, accounts, mapped))


def _people(
    project: Project, source: str, accounts: list[dict[str, Any]], mapped: list[dict[str, Any]]
) -> dict[str, Person]:
    """Whose each account is: as mapped, else as found for a developer of the project's trees, else as the tool says."""
    from leadline.facts import account_activity
    from leadline.people.tool_teams import Person

    emails = {row["account"]: row["email"] for row in accounts if row["email"]}
    emails |= {
        account.account: account.developer
        for account in account_activity.accounts(project)
        if account.source == source and account.developer is not None
    }
    emails |= {row["account"]: row["email"] for row in mapped if row["email"]}
    names = {row["account"]: row["name"] for row in accounts}
    return {account: Person(email, names.get(account)) for account, email in emails.items()}
