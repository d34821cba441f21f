"""Values of settings as files and bodies have them (texts, numbers, true or false, lists of texts), as the text that each would be
set with."""

from __future__ import annotations

from typing import Any

from leadline.settings.event_sources import DEPLOYMENT_SETTINGS
from leadline.settings.profile import TEAM_SETTINGS

WOULD_DO = "text, a number, true or false, or a list of texts"


def as_text(key: str, value: Any) -> str:
    """The text of ``value`` for the setting ``key``. Raises ``ValueError``, saying what would do, for a value that no setting can
    have."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > 128:
        raise ValueError(WOULD_DO)
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return _separator(key).join(value)
    raise ValueError(WOULD_DO)


def _separator(key: str) -> str:
    """What stands between the parts of a list: goals, categories and rules are sentences separated by `;`, names are by `,`."""
    if key == "goals" or key.startswith("business."):
        return "; "
    of_names = (*DEPLOYMENT_SETTINGS, *TEAM_SETTINGS)
    is_sentences = key.startswith("team.") and not any(key.endswith(f".{name}") for name in of_names)
    return "; " if is_sentences else ", "
