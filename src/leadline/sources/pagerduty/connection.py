"""A PagerDuty source from its settings: the region's address checked, and the connector made with its token."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from leadline.sources.kit.secrets import one_line
from leadline.sources.kit.server_url import server
from leadline.sources.kit.settings import Folders, SourceSettings, with_targets
from leadline.sources.pagerduty.api import ADDRESS, Api, headers
from leadline.sources.pagerduty.source import PagerDuty

if TYPE_CHECKING:
    from leadline.sources.kit.client import Client


def checked(settings: SourceSettings) -> list[SourceSettings]:
    """One source. Raises ``InvalidRequest`` for an address that cannot be."""
    where = server(settings.url or ADDRESS, example=ADDRESS)
    at = "" if where.base == ADDRESS else f":{where.place}"
    services = [target.strip() for target in settings.targets if target.strip()]
    return [with_targets(settings, f"pagerduty{at}", services)]


def connect(
    settings: SourceSettings, secret: str | None, client: Callable[..., Client], _folders: Folders
) -> PagerDuty:
    """The connector. Raises ``Unusable`` if ``secret`` is no token."""
    where = server(settings.url or ADDRESS, example=ADDRESS)
    tool = "PagerDuty" if where.base == ADDRESS else f"PagerDuty at {where.place}"
    http = client(tool=tool, headers=headers(one_line(secret or "", settings.secret_place)))
    return PagerDuty(Api(where, http, settings.secret_place.text), settings.targets)
