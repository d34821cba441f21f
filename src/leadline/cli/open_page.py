"""``leadline open``: opens the page of a running server, signed in as admin by a link that works once."""

from __future__ import annotations

import ipaddress
import os
import sys
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode, urlsplit

import typer

from leadline.cli.context import Chosen, example, opened
from leadline.cli.listening import USUAL_HOST, USUAL_PORT, HostOfServer, PortOfServer, address
from leadline.cli.output import note, say

if TYPE_CHECKING:
    from leadline.home import Home

ANSWER_SECONDS = 5.0
"""How long a server may take to say that it is there."""

commands = typer.Typer()


@commands.command("open", epilog=example("leadline open", "leadline open --url https://leadline.example.com --print"))
def open_page(
    context: typer.Context,
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="URL", help="Address of the server [default: by --host and --port]."),
    ] = None,
    host: HostOfServer = USUAL_HOST,
    port: PortOfServer = USUAL_PORT,
    only_print: Annotated[bool, typer.Option("--print", help="Print the link, open nothing.")] = False,
) -> None:
    """Open the page, signed in as admin.

    The link works once, within ten minutes, for whoever has it. Without a browser it is printed.
    """
    import webbrowser

    base = address(host, port) if url is None else _base(url)
    with opened(context) as project:
        if not only_print:
            _check_answers(base)
        signs_in = link(context.obj, project.home, base)
    if not only_print and _has_screen() and webbrowser.open(signs_in):
        note(f"Opened {base} in the browser.")
    else:
        say(signs_in)


def link(chosen: Chosen, home: Home, base: str) -> str:
    """A new link to the chosen project's page on the server at ``base``."""
    from datetime import UTC, datetime

    from leadline.db import sessions

    project = home.project(chosen.organization, chosen.project)
    once = sessions.create_link(home.db, project.id, datetime.now(UTC))
    return f"{base}/sign-in?{urlencode({'once': once})}"


def is_of_this_machine(base: str) -> bool:
    """Whether only this machine reaches the server at ``base``."""
    host = urlsplit(base).hostname or ""
    return host == "localhost" or ipaddress.ip_address(host).is_loopback


def _base(url: str) -> str:
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise typer.BadParameter(
            f"{url!r} is no address of a server, such as http://127.0.0.1:8080", param_hint="--url"
        )
    return url.strip().rstrip("/")


def _check_answers(base: str) -> None:
    import httpx

    from leadline.errors import NotFound

    try:
        httpx.get(f"{base}/healthz", timeout=ANSWER_SECONDS).raise_for_status()
    except httpx.HTTPError as error:
        raise NotFound(
            f"No leadline answers at {base}; start it with `leadline serve`, or name another --url"
        ) from error


def _has_screen() -> bool:
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
