"""The screens, each declared in a module of its own. ``SCREENS`` lists them in the order of the navigation; the first is what ``/``
shows."""

from __future__ import annotations

from leadline.page.screen import Screen
from leadline.page.screens import (
    ai,
    allocation,
    catalogue,
    compare,
    delivery,
    documentation,
    explore,
    exports,
    facts,
    flow,
    keys,
    open_now,
    people,
    productivity,
    schedules,
    settings,
    sources,
    sprints,
    start,
)

SCREENS: tuple[Screen, ...] = (
    delivery.SCREEN,
    productivity.SCREEN,
    flow.SCREEN,
    sprints.SCREEN,
    allocation.SCREEN,
    ai.SCREEN,
    facts.SCREEN,
    compare.SCREEN,
    explore.SCREEN,
    open_now.SCREEN,
    exports.SCREEN,
    schedules.SCREEN,
    start.SCREEN,
    people.SCREEN,
    sources.SCREEN,
    settings.SCREEN,
    keys.SCREEN,
    catalogue.SCREEN,
    documentation.SCREEN,
)
