"""A GitHub source from its settings: owners and patterns of repositories checked, and the connector made, which signs in with
a token or as a GitHub App."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from leadline.errors import InvalidRequest
from leadline.sources.github.api import Api, headers, server
from leadline.sources.github.source import GitHub
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.secrets import one_line
from leadline.sources.kit.settings import Folders, SourceSettings, of_owner

if TYPE_CHECKING:
    from leadline.sources.kit.client import Client


def checked(settings: SourceSettings) -> list[SourceSettings]:
    """One per owner named in the targets (``ORG`` or ``ORG/PATTERN``). Raises ``InvalidRequest`` for what is neither."""
    where = server(settings.url)
    DeployRules.parsed(settings.options.get("deploys", ()))
    if (app := settings.option("app")) is not None and not re.fullmatch(r"[A-Za-z0-9.]+", app):
        raise InvalidRequest(f"--app cannot be {app[:80]!r}; it is the app's number or client id, from its settings")
    targets: dict[str, list[str]] = {}
    for target in settings.targets:
        owner, slash, pattern = target.strip().partition("/")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", owner) or (slash and not pattern) or "/" in pattern:
            raise InvalidRequest(f"{target[:80]!r} names no repositories; write ORG, ORG/REPOSITORY or 'ORG/web-*'")
        targets.setdefault(owner.lower(), []).append(f"{owner.lower()}/{pattern or '*'}")
    at = "" if where.is_cloud else f"@{where.host}"
    return [of_owner(settings, owner, at, below) for owner, below in targets.items()]


def connect(settings: SourceSettings, secret: str | None, client: Callable[..., Client], _folders: Folders) -> GitHub:
    """The connector. Raises ``Unusable`` if ``secret`` is no token, or no private key for an app."""
    where = server(settings.url)
    tool = "GitHub" if where.is_cloud else f"GitHub at {where.host}"
    place = settings.secret_place
    owner = settings.targets[0].partition("/")[0]
    if (app := settings.option("app")) is None:
        http = client(tool=tool, headers=headers(one_line(secret or "", place)))
    else:
        from leadline.sources.github.app import AppAuth, private_key

        key = private_key(secret or "", place)
        auth = AppAuth(app, key, owner, where.rest, place.text, headers(None))
        http = auth.client = client(tool=tool, headers=headers(None), auth=auth)
    patterns = [target.partition("/")[2] for target in settings.targets]
    rules = DeployRules.parsed(settings.options.get("deploys", ()))
    return GitHub(Api(where, http, place.text), owner, patterns, rules)
