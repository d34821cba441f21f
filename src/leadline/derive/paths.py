"""Which paths of a repository a list of globs names (metrics, ground rules, "Left out of lines"), and what is left of lines
without them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

import ibis
from ibis.expr.types import BooleanValue, IntegerValue, StringValue

from leadline.derive.expressions import not_negative


def named_by(path: StringValue, globs: Sequence[str]) -> BooleanValue:
    """Whether one of ``globs`` names ``path`` or a folder that it lies in. One regular expression for all of them: most paths
    are named by none, and an engine sees that at one glance."""
    if not globs:
        return ibis.literal(False)
    # Written once for all globs that have it, what stands before and after them makes the search twice as fast.
    bodies: dict[tuple[str, str], list[str]] = defaultdict(list)
    for glob in globs:
        before, body, after = _pattern(glob)
        bodies[before, after].append(body)
    alike = (f"{before}(?:{'|'.join(several)}){after}" for (before, after), several in bodies.items())
    return path.re_search(f"(?s){'|'.join(alike)}")


def _pattern(glob: str) -> tuple[str, str, str]:
    """A glob as a regular expression: what stands before it, itself, and what stands after it. One with a slash at its beginning
    or within is of the whole path, any other of a file or folder wherever it lies; one that ends with a slash is of folders
    alone."""
    parts = glob.strip("/").split("/")
    before = "^" if "/" in glob.rstrip("/") else "(?:^|/)"
    after = "/" if glob.endswith("/") else "(?:/|$)"
    return before, "".join(_folder(part) for part in parts[:-1]) + _name(parts[-1]), after


def _folder(part: str) -> str:
    return "(?:[^/]+/)*" if part == "**" else _name(part) + "/"


def _name(part: str) -> str:
    if part == "**":
        return ".+"
    return re.sub(r"(?:\\\*)+", "[^/]*", re.escape(part)).replace(r"\?", "[^/]")


def without(lines: IntegerValue, left_out: IntegerValue) -> IntegerValue:
    """``lines`` less those of files that are left out (null: none). Never below 0, should a tool have counted otherwise than its
    files add up; unknown stays unknown."""
    return not_negative(lines - left_out.fill_null(0))
