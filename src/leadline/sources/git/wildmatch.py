"""Patterns of paths as git matches them in attributes (its ``wildmatch.c`` and ``path_matches``), as regular expressions that take
at most the square of a path's length, whatever a repository's pattern is: a star ends at the nearest place where what follows it
fits, and never tries another, unless it is the last one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SPECIAL = re.compile(rb"[*?\[\\]")
_NEVER = rb"(?!)"
_CLASSES = {
    b"alnum": frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
    b"alpha": frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
    b"blank": frozenset(b" \t"),
    b"cntrl": frozenset((*range(32), 127)),
    b"digit": frozenset(b"0123456789"),
    b"graph": frozenset(range(33, 127)),
    b"lower": frozenset(b"abcdefghijklmnopqrstuvwxyz"),
    b"print": frozenset(range(32, 127)),
    b"punct": frozenset(b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
    b"space": frozenset(b" \t\n\r"),
    b"upper": frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    b"xdigit": frozenset(b"0123456789ABCDEFabcdef"),
}
_OPTIONAL_FOLDERS, _FOLDERS, _ANYTHING = rb"(?:.*?/)??", rb".*?/", rb".*"


@dataclass(frozen=True)
class PathPattern:
    """One pattern. With a slash in it, it is of paths below the folder of its file, else of the last part of any path there."""

    of_path: bool
    expression: re.Pattern[bytes]

    @classmethod
    def of(cls, pattern: bytes) -> PathPattern | None:
        """The pattern as it is written; None for one of folders alone, which matches no file, and a negative one, which git does
        not take."""
        if pattern.startswith(b"!") or pattern.endswith(b"/") or not pattern:
            return None
        if b"/" not in pattern:
            return cls(False, _compiled(b"", pattern, in_folders=False))
        text = pattern.removeprefix(b"/")
        # git compares what stands before the first special letter as it is, and takes the rest for a pattern of its own.
        special = _SPECIAL.search(text)
        start = special.start() if special else len(text)
        return cls(True, _compiled(text[:start], text[start:], in_folders=True))

    def matches(self, path: bytes, below: int) -> bool:
        """Whether it is of ``path``; the folder of its file is the first ``below`` bytes of that."""
        name = path[below:] if self.of_path else path[path.rfind(b"/") + 1 :]
        return self.expression.fullmatch(name) is not None


def _compiled(literal: bytes, pattern: bytes, *, in_folders: bool) -> re.Pattern[bytes]:
    try:
        blocks = _Blocks(pattern, in_folders=in_folders)
    except ValueError:
        return re.compile(_NEVER)
    return re.compile(re.escape(literal) + blocks.expression(), re.DOTALL)


class _Blocks:
    """A pattern taken apart: blocks with any folders before them, each of pieces of fixed length with a star between them.
    Raises ``ValueError`` for one that matches nothing."""

    def __init__(self, pattern: bytes, *, in_folders: bool) -> None:
        self._blocks: list[tuple[bytes, list[bytes]]] = [(b"", [b""])]
        at = 0
        while at < len(pattern):
            letter = pattern[at : at + 1]
            if letter == b"*":
                at = self._stars(pattern, at, in_folders)
            elif letter == b"[":
                members, at = _bracket(pattern, at + 1)
                self._add(_one_of(members))
            elif letter == b"?":
                self._add(rb"[^/]")
                at += 1
            else:
                at += letter == b"\\"
                if at == len(pattern):
                    raise ValueError("nothing follows the last backslash")
                self._add(re.escape(pattern[at : at + 1]))
                at += 1

    def _add(self, piece: bytes) -> None:
        self._blocks[-1][1][-1] += piece

    def _stars(self, pattern: bytes, at: int, in_folders: bool) -> int:
        """Take the stars at ``at``; what comes after them."""
        end = at
        while pattern[end : end + 1] == b"*":
            end += 1
        after = pattern[end:]
        alone = (at == 0 or pattern[at - 1 : at] == b"/") and (not after or after.startswith((b"/", b"\\/")))
        if end - at == 1 or not in_folders or not alone:
            self._blocks[-1][1].append(b"")
            return end
        if not after:
            self._blocks.append((_ANYTHING, [b""]))
            return end
        optional = after.startswith(b"/")
        self._blocks.append((_OPTIONAL_FOLDERS if optional else _FOLDERS, [b""]))
        return end + (1 if optional else 2)

    def expression(self) -> bytes:
        """All of it as a regular expression."""
        *others, (gap, pieces) = self._blocks
        before = b"".join(b"(?>" + gap + _nearest(pieces) + b")" for gap, pieces in others)
        *firsts, last = pieces
        return before + gap + (_nearest(firsts) + rb"[^/]*" + last if firsts else last)


def _nearest(pieces: list[bytes]) -> bytes:
    return pieces[0] + b"".join(rb"(?>[^/]*?" + piece + b")" for piece in pieces[1:])


def _one_of(members: frozenset[int]) -> bytes:
    return b"[" + b"".join(b"\\x%02x" % member for member in sorted(members)) + b"]" if members else _NEVER


def _bracket(pattern: bytes, at: int) -> tuple[frozenset[int], int]:
    """The bytes that a bracket expression stands for, never a slash, and what comes after it; ``at`` is after its `[`."""
    letters = _Letters(pattern, at)
    letter = letters.here()
    if negated := letter in b"!^":
        letter = letters.next()
    members: set[int] = set()
    before: bytes | None = None
    while True:
        if letter == b"\\":
            letter = letters.next()
            members.update(letter)
        elif letter == b"-" and before and letters.peek() not in (b"", b"]"):
            letter = letters.next()
            if letter == b"\\":
                letter = letters.next()
            members.update(range(before[0], letter[0] + 1))
            letter = b""  # the end of a range begins none
        elif letter == b"[" and letters.peek() == b":" and (name := letters.class_name()) is not None:
            members.update(_CLASSES[name] if name in _CLASSES else _unknown(name))
            letter = b""
        else:
            members.update(letter)
        before, letter = letter, letters.next()
        if letter == b"]":
            break
    chosen = set(range(256)) - members if negated else members
    return frozenset(chosen - {ord("/")}), letters.at + 1


def _unknown(name: bytes) -> frozenset[int]:
    raise ValueError(f"there is no class {name!r}")


@dataclass
class _Letters:
    """A place in a pattern; what goes on beyond the end raises ``ValueError``."""

    pattern: bytes
    at: int

    def here(self) -> bytes:
        """The letter at the place."""
        if self.at >= len(self.pattern):
            raise ValueError("the bracket is not closed")
        return self.pattern[self.at : self.at + 1]

    def next(self) -> bytes:
        """The next letter, which is the place then."""
        self.at += 1
        return self.here()

    def peek(self) -> bytes:
        """The letter after the place; empty at the end."""
        return self.pattern[self.at + 1 : self.at + 2]

    def class_name(self) -> bytes | None:
        """The name in `[:name:]` at the place, which is its last letter then; None if it is no such thing."""
        end = self.pattern.find(b"]", self.at + 2)
        if end < 0:
            raise ValueError("the bracket is not closed")
        name = self.pattern[self.at + 2 : end - 1]
        if end - 1 < self.at + 2 or self.pattern[end - 1 : end] != b":":
            return None
        self.at = end
        return name
