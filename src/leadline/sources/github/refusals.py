"""What GitHub refuses of an answer, and what a token lacks for it. A field that may not be null takes what it is part of with it,
up to what may: then the rest is asked for again without it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from leadline.sources.kit.page import Skipped

NEEDED = {
    "pullRequests": "Pull requests",
    "deployments": "Deployments",
    "releases": "Contents",
    "defaultBranchRef": "Contents",
    "commits": "Contents",
    "commit": "Contents",
    "mergeCommit": "Contents",
    "tagCommit": "Contents",
}
"""The permission (to read) that a part of a repository needs, of a fine-grained token or an app."""
_NAMED = 10
"""Repositories that one line names at most."""


@dataclass(frozen=True)
class Refusal:
    """What was refused of an answer: where, why, and whether only single sign-on stands before it."""

    path: tuple[str | int, ...]
    reason: str
    single_sign_on: bool = False

    @classmethod
    def of(cls, error: Mapping[str, Any]) -> Refusal:
        """What an error tells."""
        extensions = error.get("extensions")
        sso = isinstance(extensions, dict) and extensions.get("saml_failure") is True
        return cls(tuple(error.get("path") or ()), str(error.get("message", "refused")), sso)

    @property
    def part(self) -> str:
        """The name of the field that was refused; '' for an element of a list."""
        last = self.path[-1] if self.path else ""
        return last if isinstance(last, str) else ""

    @property
    def advice(self) -> str:
        """The reason, and what to grant where GitHub only says that something is not accessible."""
        if self.single_sign_on:
            return f"{self.reason} (authorize the token for the organization's single sign-on)"
        if self.part in NEEDED and "not accessible" in self.reason:
            return f"{self.reason} (needs the permission {NEEDED[self.part]}: read-only)"
        return self.reason

    def within(self, *, name: str = "nodes") -> tuple[int, tuple[str, ...]]:
        """The number of the element of the first list called ``name``, and the names of fields from there on; (-1, ()) if it is
        in no such list."""
        at = self.path.index(name) if name in self.path else -2
        number = self.path[at + 1] if 0 <= at < len(self.path) - 1 else None
        if not isinstance(number, int):
            return -1, ()
        return number, tuple(step for step in self.path[at + 2 :] if isinstance(step, str) and step != name)

    def took_more(self, data: Any) -> bool:
        """Whether more is missing in ``data`` than what was refused: what it is a part of is null."""
        for step in self.path[:-1]:
            try:
                data = data[step]
            except (KeyError, IndexError, TypeError):
                return True
            if data is None:
                return True
        return False


def lost_by(data: Any, refusals: Iterable[Refusal], removable: Collection[str]) -> dict[str, Refusal]:
    """The ``removable`` parts of a list's elements (``reviews.comments``) whose refusal took elements of ``data`` with it; asked
    for without them, the elements are there."""
    lost: dict[str, Refusal] = {}
    for refusal in refusals:
        if refusal.took_more(data) and (part := _removable(refusal.within()[1], removable)) is not None:
            lost.setdefault(part, refusal)
    return lost


def _removable(names: tuple[str, ...], removable: Collection[str]) -> str | None:
    """The longest beginning of ``names`` that may be left out."""
    beginnings = (".".join(names[:length]) for length in range(len(names), 0, -1))
    return next((part for part in beginnings if part in removable), None)


def told(what: str, refusals: Iterable[Refusal]) -> list[Skipped]:
    """Refusals as what is left out of ``what`` (``pull requests of acme/shop``): one line for each part and reason."""
    lines = {(refusal.part or "something", refusal.advice) for refusal in refusals}  # mostly the same of every element
    return [Skipped(f"{part} of {what}", why, gap=True) for part, why in sorted(lines)]


def told_of_repositories(owner: str, refused: Mapping[Refusal, Collection[str]]) -> list[Skipped]:
    """Refusals of several repositories, one line for each part and reason. ``refused``: the names of the repositories by refusal
    (with a path of the part alone), '' for one whose name is hidden, too. What single sign-on hides is named."""
    skipped = []
    for refusal, names in refused.items():
        known = sorted({name for name in names if name})
        if refusal.single_sign_on and len(known) == len(names):
            further = f" and {len(known) - _NAMED} others" if len(known) > _NAMED else ""
            whose = ", ".join(known[:_NAMED]) + further
        else:
            whose = f"{len(names)} repositories of {owner}"
        skipped.append(Skipped(f"{refusal.part} of {whose}" if refusal.part else whose, refusal.advice, gap=True))
    return skipped
