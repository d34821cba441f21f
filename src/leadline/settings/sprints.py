"""The settings of sprints, and the rule of a team over boards."""

from __future__ import annotations

from leadline.settings.setting import Filters, Setting, whole

SPRINTS = (
    Setting(
        "sprints.start_grace_days",
        "0",
        whole(0, 366),
        "Days before the start of a sprint within which an item that was done is still of the sprint, committed and delivered.",
    ),
    Setting(
        "sprints.commit_grace_hours",
        "0",
        whole(0, 8784),
        "Hours after the start of a sprint within which what is added to it is commitment, and no creep.",
    ),
)

BOARD = Setting(
    "board",
    "",
    Filters,
    "Filter sets of a team over the boards of sprints, which say whose items in them are: `equals a, b; not contains c`.",
)
