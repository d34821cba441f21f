"""Where a server listens: the options and variables that say so, for the command that serves and for those that look for it."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Any

import typer

USUAL_HOST, USUAL_PORT = "127.0.0.1", 8080
_THIS_MACHINE = {4: USUAL_HOST, 6: "::1"}
"""Where a server that listens on all addresses is found from its own machine."""


def _host(help_text: str) -> Any:
    return typer.Option(metavar="ADDRESS", envvar="LEADLINE_HOST", show_envvar=False, help=help_text)


def _port(least: int, help_text: str) -> Any:
    return typer.Option(min=least, max=65535, metavar="N", envvar="LEADLINE_PORT", show_envvar=False, help=help_text)


Host = Annotated[str, _host("Address to listen on; 0.0.0.0 is all.")]
Port = Annotated[int, _port(0, "Port; 0 takes a free one.")]
HostOfServer = Annotated[str, _host("Address that the server listens on.")]
PortOfServer = Annotated[int, _port(1, "Port that it listens on.")]


def address(host: str, port: int | str) -> str:
    """The URL at which a server that listens on ``host`` and ``port`` answers on its own machine."""
    try:
        listens = ipaddress.ip_address(host)
    except ValueError:
        return f"http://{host}:{port}"
    shown = _THIS_MACHINE[listens.version] if listens.is_unspecified else host
    return f"http://[{shown}]:{port}" if listens.version == 6 else f"http://{shown}:{port}"
