"""How soon ``/healthz`` answers beside clients that do their worst, one kind after the other, and how much the server grows.

Prints the slowest and 99 of a hundred answers and the growth for each; the wanted figure is 0.2 s or less.

    python bench/clients.py [--seconds 5] [KIND ...]
"""

from __future__ import annotations

import argparse
import multiprocessing
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path

import psutil

# Benchmarks run as scripts from anywhere.
sys.path.insert(0, str(Path(__file__).parent))
from frame import percentile
from served import Service, service

Client = Callable[[Service, float], None]
PUSH = b"POST /v2/ingest/commits HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
GET = b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n"


def dial(served: Service) -> socket.socket:
    return socket.create_connection((served.address, served.port), timeout=60)


def again(client: socket.socket, data: bytes, ends: float) -> None:
    """Send ``data`` again and again until then, or until the server has had enough."""
    client.settimeout(1)
    while time.monotonic() < ends:
        try:
            client.sendall(data)
        except TimeoutError:
            continue
        except OSError:
            return


def silent(served: Service, ends: float) -> None:
    clients = []
    while time.monotonic() < ends:
        clients.append(dial(served))
        time.sleep(0.001)


def tiny_chunks(served: Service, ends: float) -> None:
    while time.monotonic() < ends:
        with dial(served) as client:
            client.sendall(PUSH + b"Transfer-Encoding: chunked\r\n\r\n")
            again(client, b"1\r\nx\r\n" * 10_000, ends)


def large_heads(served: Service, ends: float) -> None:
    while time.monotonic() < ends:
        with dial(served) as client, suppress(OSError):
            client.sendall(b"GET /healthz HTTP/1.1\r\n" + b"a:\r\n" * 60_000)
            client.recv(1000)


def pipelined(served: Service, ends: float) -> None:
    with dial(served) as client:
        threading.Thread(target=lambda: list(iter(lambda: client.recv(1 << 20), b"")), daemon=True).start()
        again(client, GET % b"/healthz" * 1000, ends)


def never_reading(served: Service, ends: float) -> None:
    clients = [dial(served) for _ in range(200)]
    for client in clients:
        again(client, GET % b"/openapi.json" * 50, time.monotonic() + 0.01)
    time.sleep(max(0.0, ends - time.monotonic()))


def unsigned_webhooks(served: Service, ends: float) -> None:
    head = b"POST /v1/webhooks/x HTTP/1.1\r\nHost: x\r\nX-Gitlab-Token: x\r\nContent-Length: %d\r\n\r\n" % (25 << 20)
    clients = [dial(served) for _ in range(50)]
    for client in clients:
        again(client, head + b" " * (24 << 20), time.monotonic() + 0.01)
    time.sleep(max(0.0, ends - time.monotonic()))


def pushed(served: Service, ends: float, body: bytes) -> None:
    """Eight clients that push ``body`` again and again."""
    head = b"x-api-key: " + served.keys["ingestion"].encode() + b"\r\nContent-Length: %d\r\n\r\n" % len(body)

    def push() -> None:
        while time.monotonic() < ends:
            with dial(served) as client, suppress(OSError):
                client.sendall(PUSH + head + body)
                client.recv(1000)

    threads = [threading.Thread(target=push) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def many_arrays(served: Service, ends: float) -> None:
    pushed(served, ends, b"[" + b"[]," * 5_000_000 + b"[]]")


def many_numbers(served: Service, ends: float) -> None:
    pushed(served, ends, b"[" + b"1," * 8_000_000 + b"1]")


def many_columns(served: Service, ends: float) -> None:
    pushed(served, ends, b"[{" + b",".join(b'"%x":1' % number for number in range(1_400_000)) + b"}]")


def deep(served: Service, ends: float) -> None:
    pushed(served, ends, b"[" * (16 << 20))


KINDS: dict[str, Client] = {
    kind.__name__: kind
    for kind in (
        *(silent, tiny_chunks, large_heads, pipelined, never_reading, unsigned_webhooks),
        *(many_arrays, many_numbers, many_columns, deep),
    )
}


def probe(served: Service, ends: float) -> tuple[list[float], int]:
    """Seconds that ``/healthz`` took, asked fifty times a second; by how many bytes the server was larger at most."""
    taken = []
    server = psutil.Process(served.pid)
    before = largest = server.memory_info().rss
    while time.monotonic() < ends:
        began = time.perf_counter()
        with dial(served) as client:
            client.sendall(GET % b"/healthz")
            if not client.recv(1000).startswith(b"HTTP/1.1 200"):
                raise SystemExit("/healthz does not answer")
        taken.append(time.perf_counter() - began)
        largest = max(largest, server.memory_info().rss)
        time.sleep(0.02)
    return taken, largest - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    for name in options.kinds or KINDS:
        with service(None, developers=10, months=1, until=date(2026, 3, 31), workers=0) as served:
            served.call("GET", "/v2/org-trees")
            ends = time.monotonic() + options.seconds
            client = multiprocessing.Process(target=KINDS[name], args=(served, ends))
            client.start()
            taken, grown = probe(served, ends)
            client.join()
        slowest, usual = max(taken) * 1000, percentile(taken, 0.99) * 1000
        print(f"{name:>18}: slowest {slowest:6.0f} ms   p99 {usual:6.0f} ms   grown by {grown >> 20:5} MiB")


if __name__ == "__main__":
    main()
