"""An Azure DevOps source from its settings: organizations and patterns of repositories checked, and the connector made with its
token."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from leadline.errors import InvalidRequest
from leadline.sources.azure.api import Api, headers, server
from leadline.sources.azure.source import AzureDevOps
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.secrets import one_line
from leadline.sources.kit.settings import Folders, SourceSettings, of_owner

if TYPE_CHECKING:
    from leadline.sources.kit.client import Client


def checked(settings: SourceSettings) -> list[SourceSettings]:
    """One per organization named in the targets (``ORG[/PROJECT[/PATTERN]]``). Raises ``InvalidRequest`` for what is none."""
    DeployRules.parsed(settings.options.get("deploys", ()))
    targets: dict[str, list[str]] = {}
    for target in settings.targets:
        organization, pattern = parts(target)
        if not re.fullmatch(r"\w[\w. -]*", organization) or pattern.count("/") > 1:
            raise InvalidRequest(
                f"{target[:80]!r} names no repositories; write ORG, ORG/PROJECT, ORG/PROJECT/REPOSITORY or 'ORG/PROJECT/web-*'"
            )
        targets.setdefault(organization.lower(), []).append(f"{organization}/{pattern}")
    sources = []
    for owner, below in targets.items():
        where = server(settings.url, owner)
        at = "" if where.is_cloud else f"@{where.host}"
        sources.append(of_owner(settings, owner, at, below))
    return sources


def parts(target: str) -> tuple[str, str]:
    """The organization, and the pattern of ``project/repository`` in lower case."""
    organization, _, below = target.strip().strip("/").partition("/")
    project, slash, repository = below.partition("/")
    return organization, f"{project or '*'}/{repository if slash else '*'}".lower()


def connect(
    settings: SourceSettings, secret: str | None, client: Callable[..., Client], _folders: Folders
) -> AzureDevOps:
    """The connector. Raises ``Unusable`` if ``secret`` is no token."""
    organization = parts(settings.targets[0])[0]
    where = server(settings.url, organization)
    tool = "Azure DevOps" if where.is_cloud else f"Azure DevOps at {where.host}"
    http = client(tool=tool, headers=headers(one_line(secret or "", settings.secret_place)))
    patterns = tuple(parts(target)[1] for target in settings.targets)
    rules = DeployRules.parsed(settings.options.get("deploys", ()))
    return AzureDevOps(Api(where, organization, http, settings.secret_place.text), patterns, rules)
