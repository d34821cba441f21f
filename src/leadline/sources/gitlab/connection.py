"""A GitLab source from its settings: groups and patterns of projects checked, and the connector made with its token."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from leadline.errors import InvalidRequest
from leadline.sources.gitlab.api import Api, headers, server
from leadline.sources.gitlab.source import GitLab
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.secrets import one_line
from leadline.sources.kit.settings import Folders, SourceSettings, of_owner

if TYPE_CHECKING:
    from leadline.sources.kit.client import Client


def checked(settings: SourceSettings) -> list[SourceSettings]:
    """One per group or user named in the targets (``GROUP[/SUB…][/PATTERN]``). Raises ``InvalidRequest`` for what is none."""
    where = server(settings.url)
    DeployRules.parsed(settings.options.get("deploys", ()))
    targets: dict[str, list[str]] = {}
    spelled: dict[str, str] = {}
    for target in settings.targets:
        owner, pattern = _parts(target)
        if not re.fullmatch(r"\w[\w.-]*(/[\w.-]+)*", owner, re.ASCII):
            raise InvalidRequest(
                f"{target[:80]!r} names no projects; write GROUP, GROUP/SUBGROUP, GROUP/PROJECT or 'GROUP/web-*'"
            )
        # One source whatever the letter case, spelled as it is first: GitLab may mind it.
        spelled.setdefault(owner.lower(), owner)
        spelled_target = f"{spelled[owner.lower()]}/{pattern}" if pattern else spelled[owner.lower()]
        targets.setdefault(owner.lower(), []).append(spelled_target)
    at = "" if where.is_cloud else f"@{where.host}"
    return [of_owner(settings, owner, at, below) for owner, below in targets.items()]


def _parts(target: str) -> tuple[str, str]:
    """The group's path, and the pattern below it in lower case ('' for none)."""
    parts = target.strip().strip("/").split("/")
    plain = next((at for at, part in enumerate(parts) if set(part) & set("*?[")), len(parts))
    return "/".join(parts[:plain]), "/".join(parts[plain:]).lower()


def connect(settings: SourceSettings, secret: str | None, client: Callable[..., Client], _folders: Folders) -> GitLab:
    """The connector. Raises ``Unusable`` if ``secret`` is no token."""
    where = server(settings.url)
    tool = "GitLab" if where.is_cloud else f"GitLab at {where.host}"
    http = client(tool=tool, headers=headers(one_line(secret or "", settings.secret_place)))
    owner = _parts(settings.targets[0])[0]
    patterns = tuple(_parts(target)[1] or "*" for target in settings.targets)
    rules = DeployRules.parsed(settings.options.get("deploys", ()))
    return GitLab(Api(where, http, settings.secret_place.text), owner, patterns, rules)
