"""Where the requests of a source may go, why one did not get there, in plain words, and which secrets it bears."""

from __future__ import annotations

import base64
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from leadline.public_address import is_public

if TYPE_CHECKING:
    import httpx

LOOPBACK = ("127.0.0.1", "::1", "localhost")
SECRET_HEADERS = ("x-api-key",)
"""Headers that hold a secret, beside ``Authorization``."""
SHORTEST_SECRET = 8
"""What is shorter is no secret, and stands in many a text."""


class NoNameServer(str):
    """A trouble: no name server answers. It may pass soon, as where a network has just come up."""

    __slots__ = ()


def why_not(scheme: str, host: str, own_scheme: str, own_host: str) -> str:
    """Why a redirect to ``host`` is not followed from ``own_host``, which the source's address names; '' if it is.

    Only what that address itself names may be within a private network: a redirect could lead to anything there. Nor to what is
    no web server: a client that is handed an address takes ``file:`` for a folder of this machine, and others for a command."""
    if scheme not in ("http", "https") or not host:
        return "to what is no web server"
    if own_scheme == "https" and scheme != "https" and host not in LOOPBACK:
        return "to an address that is not https"
    if host != own_host and _is_inside(host):
        return f"to {host}, which is within a private network; if that is right, let the source's address name it"
    return ""


def _is_inside(host: str) -> bool:
    """Whether a host is of this machine, its link, or a private network. One that no name server knows is not: a proxy may."""
    try:
        answers = socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError):
        return False
    return any(not is_public(str(answer[4][0])) for answer in answers)


def keep_secrets(request: httpx.Request, own: httpx.URL) -> None:
    """Take the ``SECRET_HEADERS`` out of a request to another server than ``own``; of ``Authorization`` httpx does so itself."""
    if (request.url.scheme, request.url.netloc) != (own.scheme, own.netloc):
        for name in SECRET_HEADERS:
            request.headers.pop(name, None)


def secrets_in(headers: Mapping[str, str]) -> set[str]:
    """What must be shown nowhere of the headers that sign in: a token, or user and password together, the user alone if there is no
    password, and the password."""
    credentials = headers.get("Authorization", "").partition(" ")[2].removeprefix("token=")
    found = {credentials, *(headers.get(name, "") for name in SECRET_HEADERS)}
    if headers.get("Authorization", "").startswith("Basic "):
        user, _, password = base64.b64decode(credentials).decode("utf-8", "replace").partition(":")
        found.add(password or user)
    return {secret for secret in found if len(secret) >= SHORTEST_SECRET}


def is_lasting(error: BaseException) -> bool:
    """Whether asking once more would not help: TLS found that it is not who it should be, or there is no such name."""
    return any(
        isinstance(cause, ssl.SSLCertVerificationError)
        or (isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN)
        for cause in _causes(error)
    )


def trouble(error: httpx.TransportError, seconds: float) -> str:
    """What went wrong on the way to a host, and what would do. ``seconds``: how long is waited for an answer."""
    host = error.request.url.netloc.decode()
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"the certificate of {host} is not trusted ({cause.verify_message}); if it is signed by an authority of your own, "
                "name the file of that in SSL_CERT_FILE"
            )
        if isinstance(cause, ssl.SSLError):
            return f"{host} does not speak TLS as it should ({cause.reason or cause}); is the port right?"
        if isinstance(cause, socket.gaierror):
            return _unresolved(_connected_to(error.request.url), cause)
        if isinstance(cause, ConnectionRefusedError):
            return f"Connection refused by {_connected_to(error.request.url)}; is it running, and is the port right?"
        if isinstance(cause, TimeoutError):
            return f"{host} did not answer within {seconds:.0f} seconds"
    name = re.sub("(?<=[a-z])(?=[A-Z])", " ", type(error).__name__.removesuffix("Error")).lower()
    return f"the connection to {host} was cut off ({str(error) or name})"


def _unresolved(host: str, error: socket.gaierror) -> str:
    if error.errno == socket.EAI_AGAIN:
        return NoNameServer(
            f"the name {host} cannot be resolved now: no name server (DNS) answers; is this machine in its network?"
        )
    return f"the name {host} cannot be resolved (DNS); is the address right?"


def _connected_to(url: httpx.URL) -> str:
    """Whom a request to ``url`` is sent to: its server, or the proxy that the environment names for it."""
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(url.host):
        return url.netloc.decode()
    return f"{proxy.rpartition('//')[2].rpartition('@')[2].strip('/')} (the proxy for {url.host})"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
