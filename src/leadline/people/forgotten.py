"""People that a project has forgotten, as they are recognized: whatever they were called, one pseudonym stands in its place. What
is kept of them are marks, made with the project's secret, by which a name or address is known again and none can be found."""

from __future__ import annotations

import hmac
import re
import secrets
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from leadline.db import forgotten as rows
from leadline.db.projects import pseudonym_secret
from leadline.home import Project

DOMAIN = "@forgotten.invalid"
"""Of pseudonyms as addresses: nobody ever gets mail there."""
_LONGEST_NAME = 5
"""Words of the longest name that is looked for in texts."""
_REMEMBERED = 200_000
_HAS_NAMES = "names"
"""Has a mark where full names are looked for."""

_TRAILER = re.compile(r"(?m)^([ \t]*[A-Za-z][A-Za-z-]*:[ \t]*)[^<>\n]*<([^<>\s@]+@[^<>\s]+)>")
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)*")
_MARKUP = "'`*/=|{~!#$%&?^"
"""What an address may begin with, and hardly ever does: more often it is around one."""
_LOGIN = re.compile(r"(?<![\w.@/-])@([A-Za-z0-9][\w.-]*\b)|(?<![\w./@-])([A-Za-z0-9][\w.-]*)(?=/)")
_WORD = re.compile(r"[^\W\d_]+(?:['’-](?!s\b)[^\W\d_]+)*")
_BETWEEN = re.compile(r"[.,]?[ \t\n]{1,2}|,")
_NOREPLY = re.compile(r"(?:[0-9]+[+-])?([^@]+)@users\.noreply\..+")


@dataclass(frozen=True)
class Called:
    """What somebody is called: email addresses, accounts as (source, account), and full names."""

    addresses: frozenset[str] = frozenset()
    accounts: frozenset[tuple[str, str]] = frozenset()
    names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Forgotten:
    """Those who are forgotten: the pseudonym (an address) by each mark, which the ``secret`` makes of what they were called."""

    secret: str
    pseudonyms: Mapping[str, str]
    _known: dict[str, str | None] = field(default_factory=dict, init=False, repr=False, compare=False)
    _beginnings: dict[str, bool] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __bool__(self) -> bool:
        return bool(self.pseudonyms)

    def with_marks(self, marks: Iterable[str], pseudonym: str) -> Forgotten:
        """These, and who has ``marks``."""
        return Forgotten(self.secret, dict.fromkeys(marks, pseudonym) | dict(self.pseudonyms))

    # -- marks ---------------------------------------------------------------------------------------------------------

    def marks_of(self, called: Called) -> set[str]:
        """All marks of somebody who is called so."""
        meant = {f"address:{comparable(address)}" for address in called.addresses}
        for source, account in called.accounts:
            name = comparable(account)
            meant |= {f"address:{name}"} if "@" in name else {f"account:{source.lower()}:{name}", f"login:{name}"}
        for name in called.names:
            for words in _spellings(name):
                meant |= {f"name:{' '.join(words)}", f"word:{words[0]}", _HAS_NAMES}
        return {self._mark(text) for text in meant}

    def _mark(self, text: str) -> str:
        return hmac.digest(bytes.fromhex(self.secret), f"forgotten:{text}".encode(), "sha256").hex()

    def _pseudonym(self, text: str) -> str | None:
        if text not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[text] = self.pseudonyms.get(self._mark(text))
        return self._known[text]

    # -- what stands in place of it --------------------------------------------------------------------------------------

    def address(self, email: str) -> str | None:
        """The pseudonym of whoever has the address; None: they are not forgotten."""
        known = comparable(email)
        if (pseudonym := self._pseudonym(f"address:{known}")) is None and (noreply := _NOREPLY.fullmatch(known)):
            host = "gitlab" if "gitlab" in known else "github"
            return self._pseudonym(f"account:{host}:{noreply[1]}")
        return pseudonym

    def account(self, source: str | None, account: str) -> str | None:
        """The pseudonym of whoever the account of ``source`` (empty: of any) is; None: they are not forgotten."""
        if "@" in account:
            return self.address(account)
        name = comparable(account)
        return self._pseudonym(f"account:{source.lower()}:{name}" if source else f"login:{name}")

    def prose(self, text: str) -> str:
        """``text`` with pseudonyms in place of addresses, of accounts where they are mentioned, and of full names."""
        if "@" in text:
            text = _TRAILER.sub(self._in_trailer, text)
            text = _ADDRESS.sub(self._in_place_of_address, text)
        if "@" in text or "/" in text:
            text = _LOGIN.sub(self._in_place_of_login, text)
        return self._names_replaced(text) if self.has_names else text

    def addresses(self, text: str) -> str:
        """Addresses separated by ``;``, with pseudonyms."""
        parts = text.split(";")
        replaced = [self.address(part) or part for part in parts]
        return text if replaced == parts else ";".join(dict.fromkeys(part.strip() for part in replaced))

    def _in_trailer(self, found: re.Match[str]) -> str:
        pseudonym = self.address(found[2])
        return found[0] if pseudonym is None else f"{found[1]}{name_of(pseudonym)} <{pseudonym}>"

    def _in_place_of_address(self, found: re.Match[str]) -> str:
        plain = found[0].lstrip(_MARKUP)
        whole, bare = self.address(found[0]), self.address(plain)
        return whole or (found[0].removesuffix(plain) + bare if bare else found[0])

    def _in_place_of_login(self, found: re.Match[str]) -> str:
        pseudonym = self._pseudonym(f"login:{comparable(found[1] or found[2])}")
        if pseudonym is None:
            return found[0]
        return ("@" if found[1] else "") + pseudonym.removesuffix(DOMAIN)

    @cached_property
    def has_names(self) -> bool:
        """Whether full names are looked for."""
        return self._pseudonym(_HAS_NAMES) is not None

    def _begins_name(self, word: str) -> bool:
        """Whether somebody's full name begins with ``word``; asked of every word there is."""
        if (known := self._beginnings.get(word)) is None:
            if len(self._beginnings) >= _REMEMBERED:
                self._beginnings.clear()
            known = self._beginnings[word] = self._mark(f"word:{word.casefold()}") in self.pseudonyms
        return known

    def _names_replaced(self, text: str) -> str:
        if not any(map(self._begins_name, _WORD.findall(text))):
            return text
        words = list(_WORD.finditer(text))
        parts: list[str] = []
        done = 0
        for at, word in enumerate(words):
            if word.start() < done or not self._begins_name(word[0]):
                continue
            for following in _following(text, words, at):
                name = " ".join(one[0].casefold() for one in words[at : following + 1])
                if (pseudonym := self._pseudonym(f"name:{name}")) is not None:
                    parts += [text[done : word.start()], name_of(pseudonym)]
                    done = words[following].end()
                    break
        return "".join([*parts, text[done:]]) if parts else text


def _following(text: str, words: list[re.Match[str]], at: int) -> Iterator[int]:
    """The last words that a name may end with which begins with the word ``at``."""
    for last in range(at + 1, min(at + _LONGEST_NAME, len(words))):
        if not _BETWEEN.fullmatch(text, words[last - 1].end(), words[last].start()):
            return
        yield last


def _spellings(name: str) -> list[tuple[str, ...]]:
    """The words of a full name, as it is written and the last name first; nothing for a single word, which may be any."""
    words = tuple(word.casefold() for word in _WORD.findall(unicodedata.normalize("NFC", name)))
    if not 2 <= len(words) <= _LONGEST_NAME:
        return []
    return [words, (words[-1], *words[:-1]), (*words[1:], words[0])]


def comparable(text: str) -> str:
    """An account or address as it is compared."""
    return unicodedata.normalize("NFC", text.strip().lower())


def name_of(pseudonym: str) -> str:
    """What stands in place of a full name."""
    return pseudonym.removesuffix(DOMAIN).replace("forgotten-", "Forgotten ")


def is_pseudonym(email: str) -> bool:
    """Whether an address is that of somebody forgotten."""
    return comparable(email).endswith(DOMAIN)


def new_pseudonym() -> str:
    """An address that nobody has and nobody can trace back: it is drawn, not computed."""
    return f"forgotten-{secrets.token_hex(4)}{DOMAIN}"


NOBODY = Forgotten("", {})


def forgotten_of(project: Project) -> Forgotten:
    """Those whom ``project`` has forgotten at this moment."""
    marks = rows.marks(project.db, project.id)
    return Forgotten(pseudonym_secret(project.db, project.id), marks) if marks else NOBODY
