"""A Jenkins source from its settings: the server's address, names of jobs and rules checked, and the connector made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from leadline.errors import InvalidRequest, Unusable
from leadline.sources.jenkins.api import PAGES_OF_SERVER, Api, headers
from leadline.sources.jenkins.jobs import Wanted
from leadline.sources.jenkins.source import Jenkins
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.secrets import one_line
from leadline.sources.kit.server_url import server
from leadline.sources.kit.settings import Folders, SourceSettings, with_targets

if TYPE_CHECKING:
    from leadline.sources.kit.client import Client

_EXAMPLE = "https://ci.example.com"


def checked(settings: SourceSettings) -> list[SourceSettings]:
    """One source. Raises ``InvalidRequest`` for an address, a job's name or a rule that cannot be."""
    place = server(settings.url or "", example=_EXAMPLE, pages=PAGES_OF_SERVER).place
    DeployRules.parsed(settings.options.get("deploys", ()))
    targets = []
    for target in settings.targets:
        name = target.strip().strip("/")
        if not name or not all(name.split("/")) or "://" in name:
            raise InvalidRequest(f"{target[:80]!r} names no job; write its full name, as shop/api, or 'shop/*'")
        targets.append(name)
    return [with_targets(settings, f"jenkins:{place}", targets)]


def connect(settings: SourceSettings, secret: str | None, client: Callable[..., Client], _folders: Folders) -> Jenkins:
    """The connector. Raises ``Unusable`` if there is a user without a token, or a token without a user."""
    where = server(settings.url or "", example=_EXAMPLE, pages=PAGES_OF_SERVER)
    user, place = settings.option("user"), settings.secret_place
    if user and not secret:
        raise Unusable(f"No token of {user!r} in {place.text}; put an API token there (made on the user's page)")
    if secret and not user:
        raise Unusable(f"There is a token in {place.text}, but not whose it is: give --user")
    http = client(tool=f"Jenkins at {where.place}", headers=headers(user, one_line(secret, place) if secret else None))
    rules = DeployRules.parsed(settings.options.get("deploys", ()))
    return Jenkins(Api(where, http, place.text, user), Wanted(settings.targets), rules)
