"""What of a tool a source reads, by the paths that it was given."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase


def lies_in(name: str, targets: Iterable[str]) -> bool:
    """Whether the repository or project called ``name`` is one of ``targets`` (in lower case), lies below one, or fits one's
    pattern."""
    path = name.lower()
    return any(path == target or path.startswith(f"{target}/") or fnmatchcase(path, target) for target in targets)
