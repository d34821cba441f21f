"""What ``.gitattributes`` say of paths, read as data and by git's own rules (gitattributes(5), gitignore(5)): which files are
marked as generated or vendored, or are not to be compared. Nothing that a repository names is run.

Paths and patterns are bytes, as git compares them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from leadline.sources.git.wildmatch import PathPattern

NAME = ".gitattributes"
TRUE, FALSE, UNSET = b"true", b"false", b""
"""What an attribute is set to without a value, with `-` and with `!` before it; any other text is a value."""
_MARKS = (b"linguist-generated", b"linguist-vendored")
_DIFF = b"diff"
_LONGEST_LINE = 2048
"""git leaves longer lines out."""
_BLANK = b" \t\r\n"
_WORD = re.compile(rb"[^ \t\r\n]+")
_NAMED = rb"(?!-)[-._A-Za-z0-9]+"
_ATTRIBUTE = re.compile(rb"[-!]?(" + _NAMED + rb")(?:=(.*))?", re.DOTALL)
_QUOTED = re.compile(rb'"((?:[^"\\]|\\(?:[abfnrtv"\\]|[0-3][0-7]{2}))*)"')
_ESCAPE = re.compile(rb'\\([abfnrtv"\\]|[0-3][0-7]{2})')
_ESCAPED = dict(zip(b"abfnrtv", b"\a\b\f\n\r\t\v", strict=True))
_MACRO = b"[attr]"

Setting = tuple[bytes, bytes]
"""An attribute and what it is set to. A value of its own is kept behind ``=``."""


@dataclass(frozen=True)
class Line:
    """One line: the paths it is of, and its attributes in order."""

    pattern: PathPattern
    settings: tuple[Setting, ...]


@dataclass(frozen=True)
class Attributes:
    """The lines of one file and the macros that it defines; these count in the file at the root alone."""

    lines: tuple[Line, ...] = ()
    macros: Mapping[bytes, tuple[Setting, ...]] = field(default_factory=dict)


BUILT_IN = {b"binary": ((b"diff", FALSE), (b"merge", FALSE), (b"text", FALSE))}


def parse(content: bytes) -> Attributes:
    """The ``content`` of a file; lines that git would not take are left out."""
    lines: list[Line] = []
    macros: dict[bytes, tuple[Setting, ...]] = {}
    for text in content.removeprefix(b"\xef\xbb\xbf").partition(b"\0")[0].split(b"\n"):
        body = text.lstrip(_BLANK)
        if not body or body.startswith(b"#") or len(text) >= _LONGEST_LINE:
            continue
        name, rest = _name(body)
        if (settings := _settings(rest)) is None:
            continue
        if name.startswith(_MACRO) and len(name) > len(_MACRO):
            if re.fullmatch(_NAMED, macro := name.removeprefix(_MACRO)):
                macros[macro] = settings
        elif (pattern := PathPattern.of(name)) is not None:
            lines.append(Line(pattern, settings))
    return Attributes(tuple(lines), macros)


def _name(body: bytes) -> tuple[bytes, bytes]:
    """The pattern at the beginning of a line, and what follows it."""
    if (quoted := _QUOTED.match(body)) is not None:
        return _ESCAPE.sub(_unescaped, quoted[1]), body[quoted.end() :]
    name = _WORD.match(body)
    end = name.end() if name else 0
    return body[:end], body[end:]


def _unescaped(match: re.Match[bytes]) -> bytes:
    text = match[1]
    return bytes([int(text, 8) if text[:1].isdigit() else _ESCAPED.get(text[0], text[0])])


def _settings(text: bytes) -> tuple[Setting, ...] | None:
    """The attributes of a line; None if git would not take one of them, and so not the line."""
    settings: list[Setting] = []
    for word in _WORD.findall(text):
        if (match := _ATTRIBUTE.fullmatch(word)) is None:
            return None
        sign, name, value = word[:1], match[1], match[2]
        if sign in b"-!":
            settings.append((name, FALSE if sign == b"-" else UNSET))
        else:
            settings.append((name, TRUE if value is None else b"=" + value))
    return tuple(settings)


class Stack:
    """The files in force for one folder: ``files`` are (folder, attributes) from the root down; a folder is empty or ends with
    a slash."""

    def __init__(self, files: Sequence[tuple[bytes, Attributes]]) -> None:
        self._macros: dict[bytes, tuple[Setting, ...]] = dict(BUILT_IN)
        for folder, attributes in files:
            if not folder:
                self._macros.update(attributes.macros)
        self._asked = self._of_interest()
        # The last line that says something of an attribute wins, and the deeper file.
        self._lines = [
            (folder, line)
            for folder, attributes in reversed(files)
            for line in reversed(attributes.lines)
            if not self._asked.isdisjoint(name for name, _ in line.settings)
        ]

    def _of_interest(self) -> set[bytes]:
        """The attributes that are asked for, and the macros that may set them or one another."""
        asked = {*_MARKS, _DIFF}
        while True:
            more = {name for name, sets in self._macros.items() if not asked.isdisjoint(setting for setting, _ in sets)}
            if more <= asked:
                return asked
            asked |= more

    @property
    def says_nothing(self) -> bool:
        """Whether no file is left out, whatever it is called."""
        return not self._lines

    def excludes(self, path: bytes) -> bool:
        """Whether the lines of the file at ``path`` are left out: it is marked as generated or vendored, or is not compared."""
        values = self.values(path)
        marked = any(values.get(name, UNSET) not in (UNSET, FALSE, b"=false") for name in _MARKS)
        return marked or values.get(_DIFF) == FALSE

    def values(self, path: bytes) -> dict[bytes, bytes]:
        """The attributes of interest of the file at ``path``, as far as any line says something of them."""
        values: dict[bytes, bytes] = {}
        for folder, line in self._lines:
            if line.pattern.matches(path, len(folder)):
                self._fill(values, line.settings)
        return values

    def _fill(self, values: dict[bytes, bytes], settings: Sequence[Setting]) -> None:
        for name, value in reversed(settings):
            if name in self._asked and name not in values:
                values[name] = value
                if value == TRUE and name in self._macros:
                    self._fill(values, self._macros[name])


def folders_of(path: str) -> Iterator[str]:
    """The folders that ``path`` lies in, from the root (empty) down; each other one ends with a slash."""
    yield ""
    at = path.find("/")
    while at >= 0:
        yield path[: at + 1]
        at = path.find("/", at + 1)
