"""The server's own settings as those who run a project see them: each variable of the environment with what it means and what it is
set to, unless that tells of the machine, of other projects or is a secret."""

from __future__ import annotations

from dataclasses import dataclass

from leadline.settings.server import VARIABLES, ServerSettings

_SHOWN = frozenset(
    {
        *("prefixes", "threads", "memory", "report_seconds", "rate_limit", "connections"),
        *("oidc_issuer", "log_format", "log_level"),
    }
)
"""Members of ``ServerSettings`` whose values anybody who runs a project may know."""


@dataclass(frozen=True)
class ShownVariable:
    """A variable of the environment. ``value`` is what holds, '' where it is not told; ``is_set`` whether it is another than the
    default."""

    name: str
    meaning: str
    value: str
    is_set: bool


def variables(settings: ServerSettings) -> list[ShownVariable]:
    """Every variable that the server reads, in the order of the reference."""
    unset = ServerSettings()
    return [_shown(settings, unset, member) for member in VARIABLES]


def _shown(settings: ServerSettings, unset: ServerSettings, member: str) -> ShownVariable:
    variable, value = VARIABLES[member], getattr(settings, member)
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else "" if value is None else str(value)
    is_set = value != getattr(unset, member)
    return ShownVariable(variable.name, variable.meaning, text if member in _SHOWN else "", is_set)
