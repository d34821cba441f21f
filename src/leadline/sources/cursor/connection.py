"""A Cursor source from its settings: the address and the first day checked, and the connector made with its key."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from leadline.sources.cursor.api import ADDRESS, Api, headers
from leadline.sources.cursor.source import Cursor
from leadline.sources.kit.secrets import one_line
from leadline.sources.kit.server_url import server
from leadline.sources.kit.settings import Folders, SourceSettings, named
from leadline.sources.kit.usage import since_of

if TYPE_CHECKING:
    from leadline.sources.kit.client import Client


def checked(settings: SourceSettings) -> list[SourceSettings]:
    """One source. Raises ``InvalidRequest`` for an address or a first day that cannot be."""
    where = server(settings.url or ADDRESS, example=ADDRESS, pages=("teams",))
    since_of(settings)
    at = "" if where.base == ADDRESS else f":{where.place}"
    return [named(settings, f"cursor{at}")]


def connect(settings: SourceSettings, secret: str | None, client: Callable[..., Client], _folders: Folders) -> Cursor:
    """The connector. Raises ``Unusable`` if ``secret`` is no key."""
    where = server(settings.url or ADDRESS, example=ADDRESS, pages=("teams",))
    tool = "Cursor" if where.base == ADDRESS else f"Cursor at {where.place}"
    http = client(tool=tool, headers=headers(one_line(secret or "", settings.secret_place)))
    return Cursor(Api(where, http, settings.secret_place.text), since_of(settings))
