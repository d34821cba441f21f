"""What trackers of work items share: projects whose keys change, and patterns of keys that fit none."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from leadline.sources.kit.cursor import Cursor
from leadline.sources.kit.page import Page, Row


def fits(key: str, patterns: Sequence[str]) -> bool:
    """Whether a project's key fits one of ``patterns``, in any letter case; without any, all do."""
    return not patterns or any(fnmatchcase(key.upper(), pattern.upper()) for pattern in patterns)


def alike(pattern: str, keys: Sequence[str]) -> str:
    """What there is instead of a ``pattern`` that no key fits, for an error."""
    near = difflib.get_close_matches(pattern, keys, 3) or sorted(keys)[:5]
    return f"there {'is' if len(near) == 1 else 'are'} {', '.join(near)}{' …' if len(keys) > len(near) else ''}"


def renamed(subject: str, now: Mapping[str, str], before: Mapping[str, str | None], parents: Mapping[str, str]) -> Page:
    """Takes away what is there under keys that projects gave up; those and their successors are read anew.

    ``now`` and ``before``: the projects' keys by the names of their cursors, before as they were read last (None: never were);
    ``parents``: by table, its column that is the project's key.
    """
    left = {key for name, key in before.items() if key is not None and key != now[name]}
    anew = [name for name, key in before.items() if key is not None and (key in left or now[name] in left)]
    forgotten: dict[str, Cursor | None] = dict.fromkeys(anew)
    gone: dict[str, list[Row]] = {table: [{of: key} for key in sorted(left)] for table, of in parents.items()}
    return Page(subject, complete_parents=gone, cursors=forgotten)
