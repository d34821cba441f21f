"""A git source from its settings: one repository by path or URL, and whether it can be reached.

Its history is mined by ``leadline.sync.git``, in git's own way; here is what can be said before. Passwords are git's to ask
for (credential helpers, ssh keys): an address that holds one is refused, because settings are stored.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leadline.errors import InvalidRequest
from leadline.sources.git.command import asking_environment, run
from leadline.sources.git.location import checked_name, name_of_folder, name_of_url, parse_location, public_url
from leadline.sources.kit.page import ConnectionReport
from leadline.sources.kit.settings import SourceSettings, named


def checked(settings: SourceSettings) -> list[SourceSettings]:
    """One per repository. Raises ``InvalidRequest`` for what is none, and for an address that holds a password."""
    given = settings.option("repository")
    if given is not None and len(settings.targets) > 1:
        raise InvalidRequest("--repository names one repository; add the others by themselves")
    called = None if given is None else checked_name(given)
    found = []
    for text in settings.targets:
        target = parse_location(text).target
        if isinstance(target, Path):
            found.append(named(settings, f"git:{called or name_of_folder(target)}", [str(target)]))
            continue
        if "://" in target and not target.lower().startswith("file:") and public_url(target) != target:
            raise InvalidRequest(
                f"{public_url(target)} was given with a password or a query, which would be stored; let git ask a credential "
                "helper, or use an ssh key"
            )
        found.append(named(settings, f"git:{called or name_of_url(target)}", [target]))
    return found


@dataclass(frozen=True)
class GitRemote:
    """A repository that can be asked for its branches and tags."""

    location: str

    def check(self) -> ConnectionReport:
        """Its branches and tags, without fetching anything. Raises ``GitError``."""
        shown = parse_location(self.location).shown
        environment = asking_environment(os.environ, ())
        listed = run(shown, ["ls-remote", "--heads", "--tags", "--", self.location], environment=environment) or ""
        names = [line.partition("\t")[2].partition("/")[2] for line in listed.splitlines()]
        return ConnectionReport(shown, "", "refs", tuple(name for name in names if not name.endswith("^{}")))


def connect(settings: SourceSettings, _secret: str | None, _client: Callable[..., Any]) -> GitRemote:
    """The repository of the settings."""
    return GitRemote(settings.targets[0])
