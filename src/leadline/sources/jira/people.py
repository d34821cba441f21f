"""Jira's users as accounts: on cloud by their account id, on data center by the name they log in with.

Raw users come in, and, from changes on data center, users' keys alone; accounts go out, and rows of ``tool_accounts`` for
those that were met for the first time.
"""

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
    _told: set[str] = field(default_factory=set)
    _new: list[Row] = field(default_factory=list)
    _refused: bool = False

    def account(self, user: Mapping[str, Any] | None) -> str | None:
        """The account of a raw user; None for nobody."""
        if user is None:
            return None
        found = user.get("accountId") if self.is_cloud else user.get("name") or user.get("key")
        if not isinstance(found, str) or not found or found.lower() in UNKNOWN:
            return None
        if found not in self._told:
            self._tell(found, user)
        return found

    def _tell(self, account: str, user: Mapping[str, Any]) -> None:
        self._told.add(account)
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
        if (known := self._names.get(key.lower())) is not None:
            return known
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
        """Rows of those met since the last time."""
        found, self._new = self._new, []
        return found
