"""Cursors of lists that are read page by page: opaque texts that say where the next page begins, and at which versions."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from leadline.errors import Detail, InvalidRequest, VersionsGone
from leadline.home import Project
from leadline.metrics.catalogue import DEFINITIONS
from leadline.metrics.request import Pins
from leadline.people import trees
from leadline.schema import TABLES

MOST_BYTES = 64 << 10
_Version = Annotated[int, Field(ge=0, lt=1 << 40)]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tables: dict[str, _Version]
    trees: dict[int, _Version]
    today: date | None
    state: str
    as_of: datetime
    offset: Annotated[int, Field(ge=0, lt=1 << 40)]


@dataclass(frozen=True)
class Cursor:
    """Where a page begins: after ``offset`` rows, as read on ``pins``, which were the newest at ``as_of``."""

    pins: Pins
    as_of: datetime
    offset: int

    def text(self, project: Project) -> str:
        """The cursor as it is sent. Trees go by their ids: whoever gets it may not see the names of all."""
        ids = {known.name: known.id for known in trees(project)}
        document = _Document(
            tables=dict(self.pins.tables),
            trees={ids[name]: version for name, version in self.pins.trees.items() if name in ids},
            today=self.pins.today,
            state=_state(self.pins.definitions, self.pins.settings),
            as_of=self.as_of,
            offset=self.offset,
        )
        return base64.urlsafe_b64encode(zlib.compress(document.model_dump_json().encode())).decode().rstrip("=")

    @classmethod
    def of(cls, text: str, project: Project, tree_name: str | None) -> Self:
        """The cursor that was sent for a list under the settings of a tree, or of the project. Raises ``InvalidRequest`` for one
        that none is, ``VersionsGone`` where settings or definitions have changed since."""
        document = _read(text)
        names = {known.id: known.name for known in trees(project)}
        versions = {names[tree]: version for tree, version in document.trees.items() if tree in names}
        if not TABLES.keys() >= document.tables.keys() or (tree_name is not None and tree_name not in versions):
            raise _invalid()
        settings = project.profile(tree_name).texts
        # Settings do not travel: who sends them back could send others.
        if document.state != _state(DEFINITIONS, settings):
            raise VersionsGone("Settings or definitions have changed since the first page; begin again without cursor")
        pins = Pins(document.tables, versions, DEFINITIONS, settings, document.today)
        return cls(pins, document.as_of, document.offset)


def _state(definitions: str, settings: Mapping[str, str]) -> str:
    text = json.dumps([definitions, dict(settings)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _read(text: str) -> _Document:
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return _Document.model_validate_json(zlib.decompressobj().decompress(packed, MOST_BYTES))
    except (ValueError, zlib.error):  # of which binascii's and pydantic's errors are
        raise _invalid() from None


def _invalid() -> InvalidRequest:
    message = "it must be what an answer to the same request gave as next"
    return InvalidRequest(f"Invalid cursor: {message}", code="invalid_cursor", details=[Detail("cursor", message)])
