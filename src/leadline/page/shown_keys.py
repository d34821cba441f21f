"""Keys and sessions as their screen shows them, and the form of a key's limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from starlette.datastructures import FormData

from leadline.administration.keys import KeyShown
from leadline.errors import LeadlineError
from leadline.home import Project
from leadline.page.offers import MOST_TEAMS
from leadline.people import lookup
from leadline.people.access import teams_in_words

STATES = {"active": "good", "expired": "", "revoked": ""}
"""The kind of badge of each state."""

ROLES = {
    "viewer": "Viewer: reads and exports",
    "ingestion": "Ingestion: only writes data",
    "admin": "Admin: everything",
}


@dataclass(frozen=True)
class TeamChoice:
    """A team to choose: ``value`` is its ref id."""

    value: str
    path: str


@dataclass(frozen=True)
class LimitsForm:
    """The form of what a key may see: ``chosen`` are teams by ref id or key, ``others`` those of them that are not offered."""

    offered: tuple[TeamChoice, ...]
    chosen: tuple[str, ...] = ()
    developers: bool = True

    @classmethod
    def of(cls, project: Project, teams: Sequence[int] | None = None, *, developers: bool = True) -> Self:
        """The form of a key that is limited to ``teams``."""
        return cls(_offered(project), tuple(map(str, teams or ())), developers)

    @classmethod
    def sent(cls, project: Project, form: FormData) -> Self:
        """The form as it was sent."""
        texts = [str(text) for text in form.getlist("team")]
        chosen = [name.strip() for text in texts for name in text.split(",") if name.strip()]
        return cls(_offered(project), tuple(dict.fromkeys(chosen)), not form.get("no_developers"))

    @property
    def others(self) -> str:
        """Those chosen that are not offered, as they are typed."""
        offered = {choice.value for choice in self.offered}
        return ", ".join(name for name in self.chosen if name not in offered)

    @property
    def limits(self) -> dict[str, Any]:
        """As keys are limited by them."""
        return {"teams": self.chosen, "developers": self.developers}


def _offered(project: Project) -> tuple[TeamChoice, ...]:
    """All teams; none where they are so many that they are typed."""
    trees = [lookup.tree(project, known.name) for known in lookup.trees(project)]
    choices = tuple(TeamChoice(str(node.ref_id), node.path) for tree in trees for node in tree.nodes)
    return choices if len(choices) <= MOST_TEAMS else ()


@dataclass(frozen=True)
class KeyForm:
    """The form of a new key."""

    limits: LimitsForm
    name: str = ""
    role: str = "viewer"
    days: str = ""
    error: LeadlineError | None = None

    @classmethod
    def sent(cls, project: Project, form: FormData) -> Self:
        """The form as it was sent."""
        name, role, days = (str(form.get(field, "")) for field in ("name", "role", "days"))
        return cls(LimitsForm.sent(project, form), name, role, days)

    @property
    def expires_days(self) -> int | None:
        """Days until it expires; 0 for what is no number of days."""
        days = self.days.strip()
        return None if not days else int(days) if days.isascii() and days.isdigit() and len(days) < 9 else 0


def sees(project: Project, keys: Sequence[KeyShown]) -> dict[str, str]:
    """What each key sees, in words, by its id."""
    limited = sorted({team for key in keys for team in key.teams or ()})
    paths = dict(zip(limited, teams_in_words(project, limited), strict=True))
    return {key.id: _sees(key, paths) for key in keys}


def _sees(key: KeyShown, paths: Mapping[int, str]) -> str:
    if key.role != "viewer":
        return "Everything" if key.role == "admin" else "Nothing"
    teams = "All teams" if key.teams is None else ", ".join(paths[team] for team in key.teams)
    return teams if key.developers else f"{teams}; no developers"
