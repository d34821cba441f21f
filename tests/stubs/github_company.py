"""A company on GitHub, of any size, and the list of its people: teams of ten, whose pull requests are spread over all repositories
by rule, so that every number can be told without looking."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stubs.github import Hub
from stubs.github_data import member, repository, user

OWNER, DOMAIN = "acme", "acme.test"
TEAM_SIZE = 10


def logins(team: int) -> list[str]:
    """The accounts of a team's people; the first is its lead's."""
    return [f"dev-{team}-{at}" for at in range(TEAM_SIZE)]


def company(*, repositories: int, pulls: int, teams: int = 6, latency: float = 0.0) -> Hub:
    """``repositories`` with ``pulls`` merged pull requests each, all of January 2026."""
    people = [login for team in range(teams) for login in logins(team)]
    made = [
        repository(f"{OWNER}/r{number}", number + 1, pulls=pulls, releases=2, deployments=min(pulls, 20), runs=pulls)
        for number in range(repositories)
    ]
    for number, found in enumerate(made):
        for at, node in enumerate(found["pullRequests"]):
            squashed = found["history"][at]
            _give_to(people[(7 * number + at) % len(people)], node, squashed)
    return Hub({OWNER: made}, latency=latency, members=[member(login, f"{login}@{DOMAIN}") for login in people])


def people_csv(teams: int = 6) -> str:
    """The HR list: a head, the teams' leads, and their people."""
    lines = ["email,full_name,manager_email,team", f"head@{DOMAIN},Head,,Company"]
    for team in range(teams):
        lead, *people = logins(team)
        lines.append(f"{lead}@{DOMAIN},Lead {team},head@{DOMAIN},Team {team}")
        lines += [f"{login}@{DOMAIN},{login.title()},{lead}@{DOMAIN},Team {team}" for login in people]
    return "\n".join(lines) + "\n"


def merged_by(hub: Hub, team: int) -> int:
    """How many pull requests of a team's people were merged."""
    people = set(logins(team))
    return sum(node["author"]["login"] in people for node in _pulls(hub))


def _pulls(hub: Hub) -> Iterator[dict[str, Any]]:
    for found in hub.owners[OWNER]:
        yield from found["pullRequests"]


def _give_to(login: str, node: dict[str, Any], squashed: dict[str, Any]) -> None:
    node["author"] = user(login)
    for commit in (squashed, *(entry["commit"] for entry in node["commits"])):
        commit["author"] = {"name": login.title(), "email": f"{login}@{DOMAIN}", "user": {"login": login}}
