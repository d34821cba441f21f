"""A Bitbucket source from its settings: workspaces and patterns of repositories checked, and the connector made with its token."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from leadline.errors import InvalidRequest
from leadline.sources.bitbucket.api import Api, headers, server
from leadline.sources.bitbucket.source import Bitbucket
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.secrets import one_line
from leadline.sources.kit.settings import Folders, SourceSettings, of_owner

if TYPE_CHECKING:
    from leadline.sources.kit.client import Client


def checked(settings: SourceSettings) -> list[SourceSettings]:
    """One per workspace named in the targets (``WORKSPACE`` or ``WORKSPACE/PATTERN``). Raises ``InvalidRequest`` for what is
    neither."""
    where = server(settings.url)
    DeployRules.parsed(settings.options.get("deploys", ()))
    targets: dict[str, list[str]] = {}
    for target in settings.targets:
        workspace, slash, pattern = target.strip().lower().partition("/")
        if not re.fullmatch(r"[a-z0-9_][a-z0-9_-]*", workspace) or (slash and not pattern) or "/" in pattern:
            raise InvalidRequest(
                f"{target[:80]!r} names no repositories; write WORKSPACE, WORKSPACE/REPOSITORY or 'WORKSPACE/web-*'"
            )
        targets.setdefault(workspace, []).append(f"{workspace}/{pattern or '*'}")
    at = "" if where.is_cloud else f"@{where.host}"
    return [of_owner(settings, workspace, at, below) for workspace, below in targets.items()]


def connect(
    settings: SourceSettings, secret: str | None, client: Callable[..., Client], _folders: Folders
) -> Bitbucket:
    """The connector. Raises ``Unusable`` if ``secret`` is no token, or of a kind that does not go with the user."""
    where = server(settings.url)
    tool = "Bitbucket" if where.is_cloud else f"Bitbucket at {where.host}"
    token = one_line(secret or "", settings.secret_place)
    http = client(tool=tool, headers=headers(settings.option("user"), token))
    workspace = settings.targets[0].partition("/")[0]
    patterns = [target.partition("/")[2] for target in settings.targets]
    rules = DeployRules.parsed(settings.options.get("deploys", ()))
    return Bitbucket(Api(where, http, settings.secret_place.text), workspace, patterns, rules)
