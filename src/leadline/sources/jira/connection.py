"""A Jira source from its settings: the site's address, projects and fields checked, and the connector made with its token."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from leadline.errors import InvalidRequest
from leadline.sources.jira.api import Api, headers, site
from leadline.sources.jira.fields import overrides
from leadline.sources.jira.source import Jira
from leadline.sources.kit.secrets import one_line
from leadline.sources.kit.settings import Folders, SourceSettings, named

if TYPE_CHECKING:
    from leadline.sources.kit.client import Client


def checked(settings: SourceSettings) -> list[SourceSettings]:
    """The one source of a site. Raises ``InvalidRequest`` for an address, a project or an option that cannot be."""
    where = site(settings.url)
    targets = list(dict.fromkeys(target.strip().upper() for target in settings.targets))
    for target in targets:
        if not re.fullmatch(r"[A-Z0-9_*?\[\]!-]+", target):
            raise InvalidRequest(f"{target[:80]!r} names no project; write its key, as SHOP, or a pattern, as 'SHOP*'")
    overrides(settings.options.get("field", ()))
    if where.is_known_cloud and not settings.option("user"):
        raise InvalidRequest("Jira cloud knows API tokens by their user: give --user with the email of its account")
    name = f"jira:{where.host}" + (f":{'+'.join(targets).lower()}" if targets else "")
    return [named(settings, name, targets)]


def connect(settings: SourceSettings, secret: str | None, client: Callable[..., Client], _folders: Folders) -> Jira:
    """The connector. Raises ``Unusable`` if ``secret`` is no token."""
    where, user = site(settings.url), settings.option("user")
    token = one_line(secret or "", settings.secret_place)
    http = client(tool=f"Jira at {where.host}", headers=headers(user, token))
    columns = overrides(settings.options.get("field", ()))
    return Jira(Api(where, http, settings.secret_place.text, user), settings.targets, columns)
