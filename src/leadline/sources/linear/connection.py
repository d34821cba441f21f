"""A Linear source from its settings: keys of teams checked, and the connector made with its token."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from leadline.errors import InvalidRequest
from leadline.sources.kit.secrets import one_line
from leadline.sources.kit.server_url import server
from leadline.sources.kit.settings import Folders, SourceSettings, named
from leadline.sources.linear.api import ADDRESS, Api, headers
from leadline.sources.linear.source import Linear

if TYPE_CHECKING:
    from leadline.sources.kit.client import Client


def checked(settings: SourceSettings) -> list[SourceSettings]:
    """The one source of a workspace. Raises ``InvalidRequest`` for an address or a team that cannot be."""
    where = server(settings.url or ADDRESS, example=ADDRESS, pages=("graphql",))
    targets = list(dict.fromkeys(target.strip().upper() for target in settings.targets))
    for target in targets:
        if not re.fullmatch(r"[A-Z0-9*?\[\]!-]+", target):
            raise InvalidRequest(f"{target[:80]!r} names no team; write its key, as ENG, or a pattern, as 'WEB*'")
    at = "" if where.base == ADDRESS else f":{where.place}"
    return [named(settings, f"linear{at}" + (f":{'+'.join(targets).lower()}" if targets else ""), targets)]


def connect(settings: SourceSettings, secret: str | None, client: Callable[..., Client], _folders: Folders) -> Linear:
    """The connector. Raises ``Unusable`` if ``secret`` is no token."""
    where = server(settings.url or ADDRESS, example=ADDRESS, pages=("graphql",))
    tool = "Linear" if where.base == ADDRESS else f"Linear at {where.place}"
    token = one_line(secret or "", settings.secret_place)
    http = client(tool=tool, headers=headers(token))
    http.hide(token)
    return Linear(Api(where, http, settings.secret_place.text), settings.targets)
