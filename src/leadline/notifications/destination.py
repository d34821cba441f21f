"""Where an endpoint is: what its address may be, and which addresses of hosts its name may stand for."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from leadline.errors import Detail, InvalidRequest
from leadline.public_address import is_host, is_public

LONGEST_URL = 2000
_VISIBLE = re.compile(r"[!-\[\]-~]+")
"""ASCII without blanks, control characters and backslashes, which programs read in different ways."""
_NAME = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
_USUAL_PORTS, _FIRST_FREE_PORT = (80, 443), 1024
"""Others below are of services that speak no HTTP."""

Resolve = Callable[[str, int, float], list[str]]
"""The addresses of a host by its name, port and the seconds that there are."""


class NotAllowed(Exception):
    """The name of an endpoint stands for an address that nothing is sent to."""


@dataclass(frozen=True)
class Destination:
    """An endpoint's address, taken apart. ``target`` is the path with the query; ``host`` is without brackets."""

    tls: bool
    host: str
    port: int
    target: str

    @classmethod
    def of(cls, url: str, *, private: bool) -> Destination:
        """What ``url`` names; ``private``: endpoints may be in private networks. Raises ``InvalidRequest`` saying what would do."""
        if len(url) > LONGEST_URL or not _VISIBLE.fullmatch(url):
            raise _refused(f"it has at most {LONGEST_URL} characters, of ASCII and without blanks")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise _refused(f"this is none: {error}") from None
        _check(parts, private=private)
        tls = parts.scheme == "https"
        port = port if port is not None else 443 if tls else 80
        if port == 0 or (port < _FIRST_FREE_PORT and port not in _USUAL_PORTS and not private):
            raise _refused(f"a port is 443, 80, or one from {_FIRST_FREE_PORT} on")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(tls, str(parts.hostname), port, target)

    @property
    def authority(self) -> str:
        """Host and port, as the header ``Host`` has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    def addresses(self, *, private: bool, seconds: float, resolve: Resolve | None = None) -> list[str]:
        """The addresses that the host has now, of which one may be connected to: no other, whatever the name stands for by
        then. Raises ``NotAllowed`` if one of them is none that anything is sent to, and ``OSError`` if there are none."""
        found = (resolve or _resolve)(self.host, self.port, seconds)
        allowed = is_host if private else is_public
        for address in found:
            if not allowed(address):
                hint = "" if private else "; `leadline settings webhooks.private true` allows such endpoints"
                raise NotAllowed(f"{self.host} is {address}, which is not a public address{hint}")
        return found


def _check(parts: SplitResult, *, private: bool) -> None:
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise _refused("it begins with https:// and a host")
    if parts.scheme == "http" and not private:
        raise _refused("it begins with https://; http:// is for private networks (setting webhooks.private)")
    if parts.username is not None or parts.password is not None:
        raise _refused("there is no user in it, nor a password")
    if parts.fragment:
        raise _refused("there is no # in it")
    if not _NAME.fullmatch(parts.hostname):
        raise _refused("a host is a name of letters, digits, dots and hyphens, or an IP address")


def _refused(why: str) -> InvalidRequest:
    return InvalidRequest(f"Invalid url: {why}", code="invalid_url", details=[Detail("url", why)])


def _resolve(host: str, port: int, seconds: float) -> list[str]:
    """Asks the system, which may take longer than there is time: in a thread of its own then, that ends when it may."""
    found: list[str] = []
    failed: list[OSError] = []

    def ask() -> None:
        try:
            answers = socket.getaddrinfo(host, port, proto=socket.IPPROTO_TCP)
            found.extend(dict.fromkeys(str(answer[4][0]) for answer in answers))
        except UnicodeError as error:
            failed.append(OSError(str(error)))
        except OSError as error:
            failed.append(error)

    asking = threading.Thread(target=ask, name="name of an endpoint", daemon=True)
    asking.start()
    asking.join(max(0.0, seconds))
    if failed:
        raise failed[0]
    if asking.is_alive() or not found:
        raise TimeoutError(f"the name {host} was not resolved in time")
    return list(found)
