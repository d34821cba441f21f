"""Regular expressions that mean the same to every engine.

They are written for DuckDB's (RE2). Java's and Rust's differ from it in what counts as a digit, a blank or part of a word, in
what `.` and `$` match, and Java's in which letters are alike in any case; all of that can be said so that the three agree. (But
that to Java lines end with a lone carriage return, too, and words with their last letter of any alphabet.)
"""

from __future__ import annotations

import re

from leadline.engine.dialects.not_portable import NotPortable

_PIECE = re.compile(
    r"\\[pPx](?:\{[^}]*\})|\\x[0-9A-Fa-f]{2}|\\[pP].|\\.|\(\?[a-zA-Z]*(?:-[a-zA-Z]+)?[:)]|\(\?P<|.", re.DOTALL
)
_CLASSES = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\f\r "}
_SAID = {"$": r"\z", r"\b": r"(?-u:\b)"}


def portable(pattern: str) -> str:
    """``pattern``, written for RE2, as Java and Rust read it the same way. Raises ``NotPortable`` for what they do not have, or
    what cannot be said alike."""
    flags: set[str] = set()
    parts: list[str] = []
    in_set = False
    before = ""
    for piece in _PIECE.findall(pattern):
        if in_set:
            in_set = piece != "]" or before in ("[", "[^")
            parts.append(_within_set(piece))
            before = "[^" if before == "[" and piece == "^" else ""
        elif piece.startswith("(?"):
            parts.append(_group(piece, flags))
        else:
            parts.append(_outside(piece, flags))
            in_set, before = piece == "[", piece
    return "".join(parts)


def _group(piece: str, flags: set[str]) -> str:
    """The beginning of a group; flags that hold from here on are noted in ``flags``."""
    if piece == "(?:":
        return piece
    named = piece[2:-1]
    if not named or set(named) - set("ims"):
        raise NotPortable(f"{piece} is no beginning of a group that every engine understands alike")
    if piece.endswith(")"):
        flags.update(named)
    elif set(named) & {"m", "s"}:
        raise NotPortable(f"what {piece} changes must hold for the whole of a pattern")
    kept = named.replace("i", "iu").replace("s", "").replace("m", "")
    return f"(?{kept}{piece[-1]}" if kept or piece[-1] == ":" else ""


def _outside(piece: str, flags: set[str]) -> str:
    if piece == ".":
        return r"[\s\S]" if "s" in flags else r"[^\n]"
    if piece == "^" and "m" in flags:
        return "(?m:^)"
    if piece == r"\B" or (piece == "$" and "m" in flags):
        raise NotPortable(f"{piece} does not mean the same to every engine")
    if piece in _SAID:
        return _SAID[piece]
    name = piece[1:]
    if piece[0] == "\\" and name.lower() in _CLASSES:
        return f"[{'^' if name.isupper() else ''}{_CLASSES[name.lower()]}]"
    return piece


def _within_set(piece: str) -> str:
    name = piece[1:]
    if piece[0] == "\\" and name in _CLASSES:
        return _CLASSES[name]
    if piece[0] == "\\" and name.lower() in _CLASSES:
        raise NotPortable(f"{piece} within brackets does not mean the same to every engine")
    # To Java, a bracket in a set begins another, and && cuts two; to Rust, ~~ does, too.
    return f"\\{piece}" if piece in ("[", "&", "~") else piece
