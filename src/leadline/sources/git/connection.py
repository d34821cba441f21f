"""A git source from its settings: one repository by path or URL. Passwords are git's to ask for (credential helpers, ssh keys): an
address that holds one is refused, because settings are stored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from leadline.errors import InvalidRequest
from leadline.sources.git.location import (
    address_of,
    checked_name,
    name_of_folder,
    name_of_url,
    parse_location,
    public_url,
)
from leadline.sources.git.source import GitHistory
from leadline.sources.kit.settings import Folders, SourceSettings, named


def checked(settings: SourceSettings) -> list[SourceSettings]:
    """One per repository. Raises ``InvalidRequest`` for what is none, and for an address that holds a password."""
    option = settings.option("repository")
    if option is not None and len(settings.targets) > 1:
        raise InvalidRequest("--repository names one repository; add the others by themselves")
    name = None if option is None else checked_name(option)
    sources = []
    for text in settings.targets:
        target = parse_location(text).target
        if isinstance(target, Path):
            called = f"git:{name or name_of_folder(target)}"
            sources.append(named(settings, called, [str(target)], in_full=f"git:{target}"))
            continue
        if "://" in target and not target.lower().startswith("file:") and public_url(target) != target:
            raise InvalidRequest(
                f"{public_url(target)} was given with a password or a query, which would be stored; let git ask a credential "
                "helper, or use an ssh key"
            )
        sources.append(_at_url(settings, name, target))
    return sources


def _at_url(settings: SourceSettings, name: str | None, url: str) -> SourceSettings:
    """The repository at ``url``; where another is called as it, its rows are told apart, too."""
    address = address_of(url)
    called = f"git:{name or name_of_url(url)}"
    return named(settings, called, [url], in_full=f"git:{address}", repository=name or address)


def connect(settings: SourceSettings, _secret: str | None, _client: Callable[..., Any], folders: Folders) -> GitHistory:
    """The history of the settings' repository. Raises ``Unusable`` if its path is not there any more."""
    return GitHistory(parse_location(settings.targets[0]), folders.clones, settings.option("repository"))
