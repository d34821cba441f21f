"""Refusals in the words of whoever asked. Checks name the fields of the API's bodies; the command line has options for them, the
page labels, and addresses parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from leadline.errors import Detail, LeadlineError

_QUOTED = r"""(?<!\w)'[^']*'(?!\w)|"[^"]*\""""
"""What somebody said, which stays as it was said."""
_PLAIN = re.compile(r"[a-z]+")
_WHERE_PLAIN = r"^(?P<before>(?:Invalid |Unsupported )?)"
"""Where a field that is called by a word of every day is meant by it: where the sentence begins."""

ErrorT = TypeVar("ErrorT", bound=LeadlineError)


def is_plain(field: str) -> bool:
    """Whether ``field`` is a word of every day, which sentences about other things have as well."""
    return _PLAIN.fullmatch(field) is not None


def reworded(text: str, words: Mapping[str, str]) -> str:
    """``text`` with the fields that it names called by ``words``; what stands in quotes is the sender's own and stays."""
    plain = _any_of(name for name in words if is_plain(name))
    distinct = _any_of(name for name in words if not is_plain(name))
    pattern = rf"{_QUOTED}|(?:(?<![\w.-])(?P<distinct>{distinct})|{_WHERE_PLAIN}(?P<plain>{plain}))(?![\w-]|\.\w)"

    def word(found: re.Match[str]) -> str:
        name = found["distinct"] or found["plain"]
        return found[0] if name is None else (found["before"] or "") + words[name]

    return re.sub(pattern, word, text)


def reword(error: ErrorT, words: Mapping[str, str]) -> ErrorT:
    """The same refusal, of which the sentence and the details name fields by ``words``."""
    error.message = reworded(error.message, words)
    error.details = tuple(
        Detail(reworded(detail.field, words), reworded(detail.message, words)) for detail in error.details
    )
    error.args = (error.message,)
    return error


def _any_of(names: Iterable[str]) -> str:
    """A pattern of any of ``names``, the longest first; of none it fits nothing."""
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)) or r"(?!)"
