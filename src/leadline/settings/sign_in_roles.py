"""What a provider's claims give: rules such as ``groups:engineering-leads=viewer@4,7 no-developers``, read from the
environment. The first that fits somebody holds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

EVERYBODY = "*"
WOULD_DO = (
    "rules separated by semicolons, each CLAIM:VALUE=ROLE, with the role admin or viewer, then perhaps @TEAM,TEAM, "
    "no-developers and in ORGANIZATION/PROJECT, such as groups:platform-admins=admin; groups:leads=viewer@4,7; "
    "groups:acme=viewer in acme/main; *=viewer no-developers"
)

_RULE = re.compile(
    r"(?:(?P<claim>[^\s:=;]+):(?P<value>[^=;]+?)|\*)\s*=\s*(?P<role>admin|viewer)(?:@(?P<teams>[^\s;]+))?"
    r"(?P<hides>\s+no-developers)?(?:\s+in\s+(?P<organization>[^\s/;]+)/(?P<project>[^\s/;]+))?"
)


@dataclass(frozen=True)
class RoleRule:
    """Whoever has ``value`` as, or among, their ``claim`` (or everybody, if it is ``EVERYBODY``) gets ``role``, limited to
    ``teams`` by ref id or key (none: all), and with ``developers`` to rows of developers, too, in ``project`` (of an organization,
    by their names; None: the default one)."""

    claim: str
    value: str
    role: str
    teams: tuple[str, ...] = ()
    developers: bool = True
    project: tuple[str, str] | None = None

    def fits(self, claims: Mapping[str, Any]) -> bool:
        """Whether it is for somebody with these claims."""
        said = claims.get(self.claim)
        values = said if isinstance(said, list) else [said]
        return self.claim == EVERYBODY or any(isinstance(value, str) and value == self.value for value in values)


def role_rules(text: str) -> tuple[RoleRule, ...]:
    """The rules that ``text`` writes. Raises ``ValueError``, saying what would do."""
    return tuple(_rule(part.strip()) for part in text.split(";") if part.strip())


def first_fitting(rules: Sequence[RoleRule], claims: Mapping[str, Any]) -> RoleRule | None:
    """The rule that holds for somebody with these claims."""
    return next((rule for rule in rules if rule.fits(claims)), None)


def _rule(text: str) -> RoleRule:
    found = _RULE.fullmatch(text)
    if found is None:
        raise ValueError(WOULD_DO)
    teams = tuple(team for team in (found["teams"] or "").split(",") if team)
    if found["role"] == "admin" and (teams or found["hides"]):
        raise ValueError("rules whose limits are those of a viewer: an admin has none")
    return RoleRule(
        found["claim"] or EVERYBODY,
        found["value"] or "",
        found["role"],
        teams,
        not found["hides"],
        (found["organization"], found["project"]) if found["project"] else None,
    )
