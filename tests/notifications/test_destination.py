"""Where messages may be sent: what an address may be, and which hosts its name may stand for at the moment of sending."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest

from leadline.errors import InvalidRequest
from leadline.notifications.destination import Destination, NotAllowed
from leadline.notifications.sending import NoAnswer, post
from stubs.endpoint import Endpoint, listening

GOOD = {
    "https://example.com/hook?a=b": Destination(True, "example.com", 443, "/hook?a=b"),
    "https://Example.COM": Destination(True, "example.com", 443, "/"),
    "https://example.com:8443/": Destination(True, "example.com", 8443, "/"),
    "https://[2606:4700::1111]/x": Destination(True, "2606:4700::1111", 443, "/x"),
}

NEVER = [
    "",
    "example.com/hook",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "https://",
    "https:///hook",
    "https://user@example.com/",
    "https://user:secret@example.com/",
    "https://@example.com/",
    "https://example.com@127.0.0.1/",
    "https://example.com/#there",
    "https://example.com\\@127.0.0.1/",
    "https://example.com/a b",
    "https://example.com/\r\nX-Header: 1",
    "https://exämple.com/",
    "https://example.com:0/",
    "https://example.com:65536/",
    "https://example.com:port/",
    "https://exa%6dple.com/",
    "https://[::1/",
    "https://example.com/" + "a" * 2000,
]

ONLY_PRIVATE = ["http://example.com/hook", "http://10.0.0.1/", "https://example.com:22/", "https://example.com:25/"]


@pytest.mark.parametrize(("url", "taken_apart"), GOOD.items())
def test_addresses_that_can_be(url: str, taken_apart: Destination) -> None:
    assert Destination.of(url, private=False) == taken_apart


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("url", NEVER)
def test_addresses_that_never_can_be(url: str, private: bool) -> None:
    with pytest.raises(InvalidRequest, match=r"^Invalid url: "):
        Destination.of(url, private=private)


@pytest.mark.parametrize("url", ONLY_PRIVATE)
def test_addresses_that_can_be_in_private_networks_alone(url: str) -> None:
    with pytest.raises(InvalidRequest):
        Destination.of(url, private=False)
    assert Destination.of(url, private=True)


def of(*addresses: str) -> Callable[[str, int, float], list[str]]:
    """A name server that knows one name."""
    return lambda _host, _port, _seconds: list(addresses)


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.1",),
        ("::ffff:127.0.0.1",),
        ("0.0.0.0",),
        ("169.254.169.254",),
        ("100.64.0.1",),
        ("64:ff9b::a9fe:a9fe",),
        ("8.8.8.8", "127.0.0.1"),  # one that is public hides none that is not
    ],
)
def test_names_of_private_addresses_are_sent_nothing(addresses: tuple[str, ...]) -> None:
    with pytest.raises(NotAllowed):
        Destination.of("https://example.com/", private=False).addresses(
            private=False, seconds=10, resolve=of(*addresses)
        )


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f.1", "127.1", "0177.0.0.1", "localhost", "[::1]", "0"]
)
def test_this_machine_is_found_however_it_is_written(host: str) -> None:
    """The system itself says what it would connect to."""
    with pytest.raises((NotAllowed, OSError)):
        Destination.of(f"https://{host}/", private=False).addresses(private=False, seconds=30)


def test_private_addresses_may_be_allowed_but_not_those_of_no_host() -> None:
    there = Destination.of("http://hooks.internal/", private=True)
    assert there.addresses(private=True, seconds=10, resolve=of("10.0.0.1", "127.0.0.1")) == ["10.0.0.1", "127.0.0.1"]
    for address in ("0.0.0.0", "224.0.0.1", "255.255.255.255", "::"):
        with pytest.raises(NotAllowed):
            there.addresses(private=True, seconds=10, resolve=of(address))


def test_what_was_looked_at_is_what_is_connected_to() -> None:
    """A name server that says another address the second time has no second time."""
    with listening() as endpoint:
        port = int(endpoint.url.rsplit(":", 1)[1].partition("/")[0])
        asked: list[str] = []

        def rebinding(host: str, _port: int, _seconds: float) -> list[str]:
            asked.append(host)
            return ["127.0.0.1"] if len(asked) == 1 else ["10.255.255.1"]

        destination = Destination.of(f"http://rebinding.example:{port}/hook", private=True)
        assert post(destination, _headers(), "{}", True, resolve=rebinding) == 204
        assert asked == ["rebinding.example"]


def _headers() -> dict[str, str]:
    return {"webhook-id": "msg_1", "webhook-timestamp": "1", "webhook-signature": "v1,x"}


def _post(endpoint: Endpoint, **more: float) -> int:
    return post(Destination.of(endpoint.url, private=True), _headers(), "{}", True, **more)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_answers_and_not_followed(status: int) -> None:
    with listening() as endpoint, listening() as other:
        endpoint.answer = lambda _message: (status, {"Location": other.url})
        assert _post(endpoint) == status
        assert other.received == []


def _raw(answers: list[bytes], pause: threading.Event) -> tuple[socket.socket, threading.Thread]:
    """A server that sends ``answers``, with ``pause`` between them."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            for answer in answers:
                try:
                    connection.sendall(answer)
                except OSError:
                    return
                pause.wait(0.05)
            pause.wait(60)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return listener, thread


@pytest.mark.parametrize(
    "answers",
    [
        [],
        [b"HTTP/1.1 1"],
        [b"HTTP/1.1 200 OK\r\n", *([b"X-Slow: yes\r\n"] * 600)],
        [b"HTTP/1.1 100 Continue\r\n\r\n"] * 600,
    ],
    ids=["silent", "half a line", "one header after the other", "always just about to answer"],
)
def test_the_time_holds_for_all_of_an_answer(answers: list[bytes]) -> None:
    done = threading.Event()
    listener, thread = _raw(answers, done)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    with pytest.raises(NoAnswer, match="did not answer within"):
        post(Destination.of(url, private=True), _headers(), "{}", True, seconds=1)
    done.set()
    thread.join(60)
    listener.close()


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000, b"\0\1\2\r\n\r\n"]
)
def test_what_speaks_no_http_is_no_answer(answer: bytes) -> None:
    done = threading.Event()
    listener, thread = _raw([answer], done)
    with pytest.raises(NoAnswer):
        post(
            Destination.of(f"http://127.0.0.1:{listener.getsockname()[1]}/", private=True),
            *(_headers(), "{}", True),
            seconds=30,
        )
    done.set()
    thread.join(60)
    listener.close()


def test_nobody_there_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NoAnswer, match="could not be reached"):
        post(Destination.of(f"http://127.0.0.1:{port}/", private=True), _headers(), "{}", True)
