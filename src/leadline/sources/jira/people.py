"""Jira's users as accounts: on cloud by their account id, on data center by the name they log in with, where changes have users'
keys alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from leadline.errors import NotFound
from leadline.sources.jira.api import Api
from leadline.sources.kit.client import Refused
from leadline.sources.kit.page import Row
from leadline.sources.kit.text import clean

SOURCE = "jira"
UNKNOWN = frozenset({"unknown", "anonymous", "-1"})
"""What Jira calls users that it lost."""


@dataclass
class People:
    """The users met in one run. ``api`` looks up keys that nobody was met under."""

    api: Api
    is_cloud: bool
    _names: dict[str, str] = field(default_factory=dict)
    _met: set[str] = field(default_factory=set)
    _new: list[Row] = field(default_factory=list)
    _refused: bool = False

    def account(self, user: Mapping[str, Any] | None) -> str | None:
        """The account of a raw user; None for nobody."""
        if user is None:
            return None
        account = user.get("accountId") if self.is_cloud else user.get("name") or user.get("key")
        if not isinstance(account, str) or not account or account.lower() in UNKNOWN:
            return None
        if account not in self._met:
            self._meet(account, user)
        return account

    def _meet(self, account: str, user: Mapping[str, Any]) -> None:
        self._met.add(account)
        if isinstance(key := user.get("key"), str):
            self._names[key.lower()] = account
        email, name = user.get("emailAddress"), user.get("displayName")
        email = email if isinstance(email, str) and "@" in email else None
        name = name if isinstance(name, str) and name.strip() else None
        if email or name:
            self._new.append({"source": SOURCE, "account": account, "email": clean(email), "name": clean(name)})

    def of_key(self, key: str | None) -> str | None:
        """The account of who is ``key`` in a change: an account id, or a user's key, which stays if nobody has it any more."""
        if not key or key.lower() in UNKNOWN:
            return None
        if self.is_cloud:
            return key
        if (name := self._names.get(key.lower())) is not None:
            return name
        account = key
        if not self._refused:
            try:
                account = self.account(self.api.object("/rest/api/2/user", {"key": key})) or key
            except NotFound:
                pass  # deleted
            except Refused:
                self._refused = True  # may not look up users: their keys are all there is
        self._names[key.lower()] = account
        return account

    def new(self) -> list[Row]:
        """Rows of ``tool_accounts`` of those met since the last time."""
        rows, self._new = self._new, []
        return rows
