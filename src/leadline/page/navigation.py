"""The navigation: the screens that somebody may see, by the headings that they stand under. Going from one to another keeps the
team and the days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from leadline.db.keys import ApiKey
from leadline.page.choices import OF_A_VIEW
from leadline.page.screen import Screen


@dataclass(frozen=True)
class Entry:
    """A screen as the navigation shows it."""

    screen: Screen
    address: str
    here: bool


def navigation(
    screens: Sequence[Screen], path: str, said: Mapping[str, str], key: ApiKey
) -> list[tuple[str, list[Entry]]]:
    """What ``key`` may see under each heading, both in the order of ``screens``, from the page at ``path`` whose address says what
    is ``said``."""
    shown = [screen for screen in screens if screen.is_for(key)]
    # Below a screen's path are pages of its own.
    here = max((screen for screen in shown if f"{path}/".startswith(f"{screen.path}/")), key=_length, default=None)
    kept = {name: value for name, value in said.items() if name in OF_A_VIEW and value}
    query = f"?{urlencode(kept)}" if kept else ""
    groups: dict[str, list[Entry]] = {}
    for screen in shown:
        groups.setdefault(screen.group, []).append(Entry(screen, screen.path + query, screen is here))
    return list(groups.items())


def _length(screen: Screen) -> int:
    return len(screen.path)
