"""The versions that an earlier export read, to repeat it: by its id, or from a file that ``leadline export --json`` printed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Strict, ValidationError

from leadline.errors import InvalidInput, Unusable
from leadline.exports.service import get
from leadline.home import Project
from leadline.metrics.request import Pins


class _Recorded(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    tables: dict[str, int]
    trees: dict[str, int]
    definitions: str
    settings: dict[str, str]
    today: Annotated[date, Strict(False)] | None = None


def recorded_pins(project: Project, text: str, tree: str | None) -> Pins:
    """The versions that ``text`` names, a file or an export's id, for a run over ``tree`` (None: over whatever
    trees). Raises ``InvalidInput``,
    ``Unusable`` or ``NotFound``."""
    document = _file(Path(text)) if Path(text).is_file() else get(project, text).pinned
    if document is None:
        raise Unusable(f"Export {text} has not begun, so it has no versions yet")
    try:
        shown = document.get("pins", document) if isinstance(document, Mapping) else document
        pins = Pins.of(_Recorded.model_validate(shown).model_dump(mode="json"))
    except ValidationError as error:
        sentence = f"{text} does not name an export's versions; it must be the --json output of an export"
        raise InvalidInput(sentence) from error
    if tree is not None and tree not in pins.trees:
        raise Unusable(f"{text} is of an export that knew no org tree {tree!r}")
    return pins


def _file(path: Path) -> object:
    try:
        return json.loads(path.read_text("utf-8-sig"))
    except ValueError as error:
        raise InvalidInput(f"{path} is not JSON; it must be the --json output of an export") from error
