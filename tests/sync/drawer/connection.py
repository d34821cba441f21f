"""A Drawer source from its settings."""

from __future__ import annotations

from collections.abc import Callable

from leadline.sources.kit import server_url
from leadline.sources.kit.client import Client
from leadline.sources.kit.secrets import one_line
from leadline.sources.kit.settings import Folders, SourceSettings, named

from .streams import Drawer


def checked(settings: SourceSettings) -> list[SourceSettings]:
    """One source for each owner."""
    return [named(settings, f"drawer:{target.partition('/')[0]}", [target]) for target in settings.targets]


def connect(settings: SourceSettings, secret: str | None, client: Callable[..., Client], _folders: Folders) -> Drawer:
    """The forge."""
    server = server_url.server(settings.url or "", example="https://drawer.example.com", pages=())
    token = one_line(secret or "", settings.secret_place)
    owner, _, pattern = settings.targets[0].partition("/")
    http = client(tool=f"Drawer at {server.place}", headers={"Authorization": f"Bearer {token}"})
    return Drawer(http, server.place, owner, [pattern or "*"], server.base)
