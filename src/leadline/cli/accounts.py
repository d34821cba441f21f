"""The accounts of a project with their developer, the reason and what each did: what ``identities`` and ``status`` show.

An open project comes in; one ``Account`` per account goes out, those with the most activity that counts for nobody first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leadline.home import Project


COUNTS = ("commits", "pull_requests", "reviews", "comments", "work_items", "total")


@dataclass(frozen=True)
class Account:
    """One account of a domain (``code``, ``work`` or ``git``) and source ('' where rows name none); counts of what it
    did. ``developer`` is None for one that counts for nobody."""

    domain: str
    source: str
    account: str
    developer: str | None
    reason: str
    bot: bool
    commits: int
    pull_requests: int
    reviews: int
    comments: int
    work_items: int
    total: int

    @property
    def unmatched(self) -> bool:
        """Whether a person's activity is lost."""
        return self.developer is None and not self.bot


def accounts(project: Project) -> list[Account]:
    """Every account seen in the project's newest data. Raises ``StoreError`` if that cannot be read."""
    from leadline.facts.current import newest_versions
    from leadline.people import trees

    versions = newest_versions(project)
    if not versions:
        return []
    from leadline.derive.accounts import activity
    from leadline.facts.accounts import ACCOUNTS
    from leadline.facts.session import session

    known = {each.name: each.version for each in trees(project.home.db, project.id)}
    with session(project, versions, known, project.profile()) as opened:
        opened.facts.bind([ACCOUNTS])
        opened.facts.bind_raw()
        # Sums come back as decimals, which JSON does not know.
        rows: list[dict[str, Any]] = opened.engine.arrow(activity()).to_pylist()
    return [Account(**{**row, **{name: int(row[name]) for name in COUNTS}}) for row in rows]
