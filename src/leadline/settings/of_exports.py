"""The settings of exports, of where they are put and of who is told of them."""

from __future__ import annotations

from leadline.settings.setting import Flag, Folders, Setting, one_of, whole

OF_EXPORTS = (
    Setting(
        "exports.reuse",
        "window",
        one_of("window", "unchanged"),
        "Reuse an identical export within the window, or only while no newer data has landed.",
    ),
    Setting("exports.reuse_minutes", "30", whole(0, 10**6), "Minutes within which an identical export is reused."),
    Setting("exports.keep_days", "30", whole(1, 36500), "Days a finished export's file is kept."),
    Setting("exports.max_range_days", "1830", whole(1, 36600), "Longest date range of an export, in days."),
    Setting(
        "exports.folders",
        "",
        Folders,
        "Folders of the server's machine, comma-separated, below which schedules may put files; empty: nowhere. Of the whole "
        "project, and set by `leadline settings` alone.",
        project_only=True,
        on_machine=True,
    ),
    Setting(
        "webhooks.private",
        "false",
        Flag,
        "Whether endpoints that are told of events may be in private networks, the server's own machine among them, and speak "
        "plain HTTP. Of the whole project, and set by `leadline settings` alone.",
        project_only=True,
        on_machine=True,
    ),
)
"""They change no number."""
