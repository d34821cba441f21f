"""What ``leadline org from-teams`` makes: the teams that a tool told of, with the people that their accounts belong to.

A project comes in; the document of a nested tree file and the accounts that are nobody's go out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leadline.errors import NotFound

if TYPE_CHECKING:
    from leadline.home import Project
    from leadline.people.tool_teams import Person


def tree_of_teams(project: Project, source: str, organization: str) -> tuple[dict[str, Any], list[str]]:
    """The document, and the accounts left out. Raises ``NotFound`` if no team of the organization is known."""
    from leadline.engine import Engine
    from leadline.people.tool_teams import Membership, team_tree

    with Engine(temp_dir=project.temp) as engine:
        engine.bind_snapshot(project.lake.snapshot(), ["tool_teams", "tool_accounts", "identities"])
        rows = [row for row in engine.arrow("SELECT * FROM tool_teams").to_pylist() if row["source"] == source]
        told = engine.arrow("SELECT * FROM tool_accounts").to_pylist()
        mapped = engine.arrow("SELECT * FROM identities").to_pylist()
    memberships = [
        Membership(row["team"], [*(row["above"] or ()), row["name"]], row["account"])
        for row in rows
        if row["team"].partition("/")[0] == organization
    ]
    if not memberships:
        target, _, host = organization.partition("@")
        command = f"leadline sync {source} {target}" + (f" --url https://{host}" if host else "")
        raise NotFound(
            f"No team of {source}:{organization} is known; `{command}` reads them, if its token may see them"
        )
    return team_tree(organization, memberships, _people(project, source, told, mapped))


def _people(
    project: Project, source: str, told: list[dict[str, Any]], mapped: list[dict[str, Any]]
) -> dict[str, Person]:
    """Whose each account is: as mapped, else as found for a developer of the project's trees, else as the tool says."""
    from leadline.facts.account_activity import accounts
    from leadline.people.tool_teams import Person

    emails = {row["account"]: row["email"] for row in told if row["source"] == source and row["email"]}
    names = {row["account"]: row["name"] for row in told if row["source"] == source}
    emails |= {
        each.account: each.developer
        for each in accounts(project)
        if each.source == source and each.developer is not None
    }
    emails |= {row["account"]: row["email"] for row in mapped if row["source"] == source and row["email"]}
    return {account: Person(email, names.get(account)) for account, email in emails.items()}
