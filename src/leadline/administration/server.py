"""The server's own settings as those who run a project see them: each variable of the environment with what it means and what it is
set to, unless that tells of the machine, of other projects or is a secret."""

from __future__ import annotations

from dataclasses import dataclass

from leadline.settings.server import ServerSettings

_SHOWN = frozenset(
    {
        *("prefixes", "memory_limit", "report_seconds", "rate_limit", "connections"),
        *("oidc_issuer", "log_format", "log_level"),
    }
)
"""Members of ``ServerSettings`` whose values anybody who runs a project may know."""


@dataclass(frozen=True)
class Variable:
    """A variable of the environment. ``value`` is what holds, '' where it is not told; ``is_set`` whether it is another than the
    default."""

    name: str
    meaning: str
    value: str
    is_set: bool


def variables(settings: ServerSettings) -> list[Variable]:
    """Every variable that the server reads, in the order of the reference."""
    return [_variable(settings, member) for member in ServerSettings.model_fields]


def _variable(settings: ServerSettings, member: str) -> Variable:
    field = ServerSettings.model_fields[member]
    value = getattr(settings, member)
    is_set = value != field.get_default(call_default_factory=True, validated_data={})
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else "" if value is None else str(value)
    return Variable(str(field.alias), str(field.description), text if member in _SHOWN else "", is_set)
