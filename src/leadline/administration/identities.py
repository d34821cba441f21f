"""The accounts of a project as they are shown to those who say whose they are."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

from pydantic import Field

from leadline.diagnostics.of_data import state_digest
from leadline.facts.account_activity import Account, accounts
from leadline.home import Project
from leadline.ingest.pushed import deliver_pushed
from leadline.json_body import Body

_PROJECTS = 8
"""Of so many projects, those that were asked for last, a server remembers the accounts."""


class AccountShown(Body):
    """An account, the developer it belongs to and why, and what it did."""

    domain: str = Field(description="Where it is seen: `code`, `work` or `git`.")
    source: str = Field(description="The tool; empty where rows name none.")
    account: str
    developer: str | None = Field(description="The developer's email; null for an account that counts for nobody.")
    reason: str
    bot: bool = Field(description="Whether it is a bot or an AI agent.")
    commits: int
    pull_requests: int
    reviews: int
    comments: int
    work_items: int
    total: int
    name: str | None = Field(description="The name that its tool gives.")
    suggestion: str | None = Field(description="Whose it might be, for you to judge; nothing counts by it.")

    @classmethod
    def of(cls, account: Account) -> AccountShown:
        """An account."""
        return cls(**vars(account))


def listed(project: Project, *, unmatched: bool = False) -> Sequence[Account]:
    """Every account, or only those that are nobody's: first those with the most activity that counts for nobody. Pushed rows are
    delivered before. Raises ``StoreError`` if the data cannot be read."""
    deliver_pushed(project)
    return [account for account in accounts(project) if account.unmatched or not unmatched]


class KnownAccounts:
    """The accounts of the projects of a server, found once for each state of their data. Use it from any thread."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._known: OrderedDict[int, tuple[object, Sequence[Account]]] = OrderedDict()

    def of(self, project: Project) -> Sequence[Account]:
        """Every account, in the order of ``listed``. Raises as that does."""
        deliver_pushed(project)
        digest = state_digest(project)
        with self._guard:
            known = self._known.get(project.id)
        if known is None or known[0] != digest:
            known = digest, listed(project)
            with self._guard:
                self._known[project.id] = known
                self._known.move_to_end(project.id)
                while len(self._known) > _PROJECTS:
                    self._known.popitem(last=False)
        return known[1]
