"""Sends one message: a POST to an address that was looked at, within a time that holds for all of it. Nothing is followed, no proxy
asked, and of the answer only its status is read. Why not the client of tools: that one waits, tries again and follows."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import cache

import h11

from leadline import __version__
from leadline.notifications.destination import Destination, Resolve

SECONDS = 10.0
"""How long an endpoint may take in all: its name, the connection, and its answer."""
_READ_BYTES = 16 << 10
_MOST_HEAD = 64 << 10
Clock = Callable[[], float]


class NoAnswer(Exception):
    """There was no answer in time, or none that is HTTP."""


def post(
    destination: Destination,
    headers: Mapping[str, str],
    body: str,
    private: bool = False,
    *,
    seconds: float = SECONDS,
    resolve: Resolve | None = None,
    clock: Clock = time.monotonic,
) -> int:
    """Send ``body`` (JSON) and give the status of the answer. Raises ``NotAllowed`` for where nothing is sent to, else
    ``NoAnswer``."""
    deadline = clock() + seconds

    def left() -> float:
        if (remaining := deadline - clock()) <= 0:
            raise TimeoutError
        return remaining

    try:
        addresses = destination.addresses(private=private, seconds=left(), resolve=resolve)
        with ExitStack() as stack:
            connection = stack.enter_context(_connected(addresses, destination.port, left))
            if destination.tls:
                connection.settimeout(left())
                connection = stack.enter_context(_trust().wrap_socket(connection, server_hostname=destination.host))
            return _asked(connection, destination, headers, body.encode(), left)
    except TimeoutError:
        raise NoAnswer(f"{destination.authority} did not answer within {seconds:.0f} seconds") from None
    except ssl.SSLCertVerificationError as error:
        raise NoAnswer(f"the certificate of {destination.authority} is not trusted ({error.verify_message})") from None
    except socket.gaierror:
        raise NoAnswer(f"the name {destination.host} cannot be resolved") from None
    except h11.RemoteProtocolError:
        raise NoAnswer(f"{destination.authority} does not speak HTTP as it should") from None
    except (OSError, ValueError) as error:
        raise NoAnswer(f"{destination.authority} could not be reached: {error}") from None


def _connected(addresses: list[str], port: int, left: Clock) -> socket.socket:
    """A connection to the first address that takes one."""
    trouble: OSError = ConnectionRefusedError("no address")
    for number, address in enumerate(addresses):
        try:
            # The time is shared among those that are left: one that is silent leaves some for the next.
            return socket.create_connection((address, port), timeout=left() / (len(addresses) - number))
        except OSError as error:
            trouble = error
    raise trouble


def _asked(
    connection: socket.socket, destination: Destination, headers: Mapping[str, str], body: bytes, left: Clock
) -> int:
    http = h11.Connection(h11.CLIENT, _MOST_HEAD)
    sent = {
        "Host": destination.authority,
        "User-Agent": f"leadline/{__version__}",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Accept": "*/*",
        "Connection": "close",
        **headers,
    }
    request = h11.Request(method="POST", target=destination.target, headers=list(sent.items()))
    for part in (request, h11.Data(data=body), h11.EndOfMessage()):
        connection.settimeout(left())
        connection.sendall(http.send(part) or b"")
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            connection.settimeout(left())
            http.receive_data(connection.recv(_READ_BYTES))
        elif isinstance(event, h11.Response):
            return event.status_code
        elif not isinstance(event, h11.InformationalResponse):
            raise ConnectionError("the connection was cut off")


@cache
def _trust() -> ssl.SSLContext:
    """Whom TLS trusts: those that tools' connections trust."""
    import httpx

    return httpx.create_ssl_context()
