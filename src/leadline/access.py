"""What somebody may see of a project, whoever it is: a key, a person who signed in, the owner of the home at a command line. Which
teams are below which is for ``leadline.people.access``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from leadline.errors import Detail, Forbidden


@dataclass(frozen=True)
class Access:
    """What one may see: ``teams``, each with all below it, by ref id (None: every team); whether rows of single ``developers``;
    whether people's ``names`` and addresses, or pseudonyms in their place."""

    teams: frozenset[int] | None = None
    developers: bool = True
    names: bool = True

    @classmethod
    def of(cls, limits: Mapping[str, Any] | None, *, names: bool) -> Self:
        """The access that stored ``limits`` leave (None: all)."""
        stored = limits or {}
        teams = stored.get("teams")
        return cls(None if teams is None else frozenset(teams), bool(stored.get("developers", True)), names)

    @property
    def limits(self) -> dict[str, Any] | None:
        """What is limited, as ``of`` reads it back; None for nothing. Names are no limit of a key but a setting of its project."""
        teams = {} if self.teams is None else {"teams": sorted(self.teams)}
        developers = {} if self.developers else {"developers": False}
        return {**teams, **developers} or None

    @property
    def keys_of_others(self) -> bool:
        """Whether others' keys may be called by their names, which may be those of people."""
        return self.limits is None and self.names

    def check_developers(self, field: str = "", would_do: str = "") -> None:
        """Raise ``Forbidden`` unless rows of single developers may be seen; ``field`` asked for them."""
        if not self.developers:
            details = [Detail(field, would_do)] if field else []
            raise Forbidden("This key sees teams only, no single developers", code="no_developers", details=details)

    def check_unlimited(self) -> None:
        """Raise ``Forbidden`` for whoever may not see the whole project as it is."""
        if self.teams is not None:
            raise Forbidden("This is of the whole project, and this key is limited to teams", code="limited_to_teams")
        self.check_developers()
        if not self.names:
            raise Forbidden(
                "This names people, and names are hidden in this project (setting developers.names)",
                code="names_hidden",
            )


UNLIMITED = Access()
"""Everything, with names: whoever owns the home, and keys of the role admin."""
