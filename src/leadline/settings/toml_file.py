"""Settings in a TOML file: every value as the text that it would be set with."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leadline.errors import Detail, InvalidInput
from leadline.settings.as_text import as_text


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
            continue
        try:
            values[key] = as_text(key, value)
        except ValueError as error:
            refused.append(Detail(key, f"must be {error}"))
