"""Settings in a TOML file: every value as the text that it would be set with."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leadline.errors import Detail, InvalidInput
from leadline.settings.event_sources import DEPLOYMENT_SETTINGS
from leadline.settings.profile import TEAM_SETTINGS


def read_settings(file: Path) -> dict[str, str]:
    """The settings of a TOML file by dotted key; nested tables and dotted keys mean the same."""
    try:
        document = tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file} is not UTF-8 text (byte {error.start + 1})") from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{file} is not TOML: {error}") from error
    values: dict[str, str] = {}
    refused: list[Detail] = []
    _flatten("", document, values, refused)
    if refused:
        raise InvalidInput(f"{file} holds values that no setting can have; nothing was set", details=refused)
    return values


def _flatten(prefix: str, node: Mapping[str, Any], values: dict[str, str], refused: list[Detail]) -> None:
    for name, value in node.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping):
            _flatten(f"{key}.", value, values, refused)
        elif isinstance(value, bool):
            values[key] = "true" if value else "false"
        elif isinstance(value, str | int | float):
            values[key] = str(value)
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            values[key] = _separator(key).join(value)
        else:
            refused.append(Detail(key, "must be text, a number, true or false, or a list of texts"))


def _separator(key: str) -> str:
    """What stands between the parts of a list: a team's rules are sentences separated by `;`, names are by `,`."""
    of_names = (*DEPLOYMENT_SETTINGS, *TEAM_SETTINGS)
    is_sentences = key.startswith("team.") and not any(key.endswith(f".{name}") for name in of_names)
    return "; " if is_sentences else ", "
