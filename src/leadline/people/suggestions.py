"""Whose an account might be, for a person to judge: names and local parts of addresses never decide, but they help to look. From
what tools say of their accounts and the developers' full names. Texts are compared in any letter case."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

_LOGIN = re.compile(r"(?:[0-9]+[+-])?([^@]+)(?:@.*)?")
"""What an account is called: of an address its local part, of a `noreply` address without the number."""


class Suggestions:
    """``accounts``: (source, account, email, name) of ``tool_accounts``; ``developers``: (email, full name)."""

    def __init__(
        self, accounts: Iterable[tuple[str, str, str | None, str]], developers: Iterable[tuple[str, str | None]]
    ) -> None:
        self._of_account: dict[tuple[str, str], set[str]] = defaultdict(set)
        for source, account, email, name in accounts:
            for key in ((source, account), ("", account), ("", email or "")):
                self._of_account[key[0].lower(), key[1].lower()].add(name.strip())
        self._named: dict[str, set[str]] = defaultdict(set)
        self._called: dict[str, set[str]] = defaultdict(set)
        for address, full_name in developers:
            person = address.lower()
            self._called[person.partition("@")[0]].add(person)
            if full_name:
                self._named[_folded(full_name)].add(person)

    def name(self, source: str, account: str) -> str | None:
        """The name that ``source`` says the account has; '' stands for any source, as git does for addresses. None if none
        is known, or several."""
        account = account.lower()
        names = self._of_account.get((source.lower(), account)) or (
            self._of_account.get(("", account), set()) if "@" in account else set()
        )
        return next(iter(names)) if len(names) == 1 else None

    def developer(self, source: str, account: str) -> str | None:
        """The email of the only developer who has exactly the account's name as full name, or whose address begins with the
        account and an @."""
        name = self.name(source, account)
        login = _LOGIN.fullmatch(account.lower())
        emails = self._named.get(_folded(name), set()) if name else set()
        emails = emails | (self._called.get(login[1], set()) if login else set())
        return next(iter(emails)) if len(emails) == 1 else None


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()
