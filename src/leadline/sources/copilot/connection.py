"""A Copilot source from its settings: owners and the first day checked, and the connector made with its token."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from leadline.errors import InvalidRequest
from leadline.sources.copilot.api import Api
from leadline.sources.copilot.source import Copilot
from leadline.sources.github.api import Api as GitHubApi
from leadline.sources.github.api import headers, server
from leadline.sources.kit.secrets import one_line
from leadline.sources.kit.settings import Folders, SourceSettings, named
from leadline.sources.kit.usage import since_of

if TYPE_CHECKING:
    from leadline.sources.kit.client import Client

ENTERPRISES = "enterprises"


def checked(settings: SourceSettings) -> list[SourceSettings]:
    """One per owner (`ORG` or `enterprises/NAME`). Raises ``InvalidRequest`` for what is neither, and for a day that is none."""
    where = server(settings.url)
    since_of(settings)
    at = "" if where.is_cloud else f"@{where.host}"
    made = []
    for target in dict.fromkeys(target.strip().strip("/").lower() for target in settings.targets):
        above, _, name = target.rpartition("/")
        if above not in ("", ENTERPRISES) or not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
            raise InvalidRequest(f"{target[:80]!r} has no Copilot; write ORG, or enterprises/NAME for an enterprise")
        made.append(named(settings, f"copilot:{target}{at}", [target]))
    return made


def connect(settings: SourceSettings, secret: str | None, client: Callable[..., Client], _folders: Folders) -> Copilot:
    """The connector. Raises ``Unusable`` if ``secret`` is no token."""
    where = server(settings.url)
    tool = "GitHub" if where.is_cloud else f"GitHub at {where.host}"
    place = settings.secret_place
    http = client(tool=tool, headers=headers(one_line(secret or "", place)))
    files = client(tool=tool, headers={"User-Agent": "leadline"})
    (target,) = settings.targets
    owner = target if target.startswith(f"{ENTERPRISES}/") else f"orgs/{target}"
    return Copilot(Api(GitHubApi(where, http, place.text), files, owner), since_of(settings))
