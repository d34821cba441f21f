"""Runs the service: one server process, its worker processes and the runs of sources, until SIGTERM or Ctrl-C. Ending
everything takes two seconds at most."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

import structlog
import uvicorn
from starlette.types import ASGIApp

from leadline.agents.http import install as install_mcp
from leadline.api.app import create_app
from leadline.api.log import configure
from leadline.api.report_pool import AT_ONCE
from leadline.errors import Detail, InvalidRequest, Unusable
from leadline.home import Home
from leadline.page.ahead import begin_with
from leadline.page.install import install as install_page
from leadline.service.connections import BoundedProtocol, Connections, connection_limit
from leadline.service.ending import end_within, ended_by_sigterm
from leadline.service.garbage import collect_rarely
from leadline.service.notifier import Notifier
from leadline.service.schedule_runner import ScheduleRunner
from leadline.service.scheduler import Scheduler
from leadline.service.supervisor import Supervisor
from leadline.settings.server import DEFAULT_CONNECTIONS

log = structlog.get_logger("leadline.api")

DRAIN_SECONDS = 1
"""How long answers in progress may take to finish once the server is told to stop."""

WORKER_SECONDS = 0.7
"""How long worker processes may still take after that; they were told to stop at the same time as the server."""

END_SECONDS = 10
"""How long the end of the server may take at most, whatever it waits for by then; two seconds are usual."""

SWITCH_SECONDS = 0.0005
"""How long a thread that computes may keep the event loop waiting; Python's own 5 ms add up, at every system call."""

BACKLOG = 2048
"""Connections that the system keeps for the server to take."""

TAKEN_AT_ONCE = 64
"""Connections taken in one turn of the event loop: those of a crowd must not keep others waiting."""

MAX_WORKERS = 64


def serve(
    home_path: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 8080,
    workers: int = 1,
    syncs: int = 2,
    *,
    on_ready: Callable[[str], None] = lambda _address: None,
    on_open: Callable[[Home], None] = lambda _home: None,
    tell: Callable[[str], None] = lambda _sentence: None,
) -> None:
    """Serve the home at ``home_path`` (default: the environment's) until told to stop. ``port`` 0 takes any free one; ``on_ready``
    gets the address once requests are answered, ``on_open`` the home before, and ``tell`` a sentence while the database is waited
    for. ``workers`` 0 makes no exports, ``syncs`` (sources read at a time) 0 reads none.
    Raises ``LeadlineError`` if the home cannot be opened or the address cannot be had."""
    if not 0 <= workers <= MAX_WORKERS:
        raise InvalidRequest(f"--workers cannot be {workers}; it must be from 0 to {MAX_WORKERS}")
    with ExitStack() as stack:
        with ended_by_sigterm():
            home = stack.enter_context(Home.open_when_there(home_path, tell))
            listener = stack.enter_context(bound(host, port))
            on_open(home)
        configure(home.settings.log_format, level=home.settings.log_level)
        tell_limits(home, workers)
        sys.setswitchinterval(SWITCH_SECONDS)
        supervisor = Supervisor(home.path, workers)
        scheduler = Scheduler(home, syncs)
        others = (Notifier(home), ScheduleRunner(home))

        def ask_to_stop() -> None:
            end_within(END_SECONDS)
            supervisor.ask_to_stop()
            scheduler.ask_to_stop()
            for other in others:
                other.ask_to_stop()

        server = Server(
            create_app(home, workers=supervisor.ready, faces=[install_page, install_mcp, begin_with]),
            connections=connection_limit(home.settings.connections),
            on_stop=ask_to_stop,
        )
        supervisor.start()
        scheduler.start()
        for other in others:
            other.start()
        collect_rarely()
        try:
            server.run_on(listener, on_ready)
        finally:
            supervisor.stop(WORKER_SECONDS)
            scheduler.stop(WORKER_SECONDS)
            for other in others:
                other.stop(WORKER_SECONDS)


def tell_limits(home: Home, workers: int) -> None:
    """Log what reports and exports may take of the machine."""
    limits = {"report": str(home.shared_by(AT_ONCE).limits)}
    if workers:
        limits["export"] = str(home.shared_by(workers).limits)
    log.info("what computes may take", reports=AT_ONCE, workers=workers, **limits)


@contextlib.contextmanager
def bound(host: str, port: int) -> Iterator[socket.socket]:
    """A listening socket. Raises ``Unusable`` saying why the address cannot be had."""
    if not 0 <= port <= 65535:  # the system would silently take it modulo 65536
        raise _no_address(host, port, "a port is from 0 to 65535")
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = addresses[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise _no_address(host, port, str(error)) from error
    with listener:
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError as error:
            in_use = error.errno == errno.EADDRINUSE
            why = "something else listens there; choose another with --port" if in_use else str(error)
            raise _no_address(host, port, why) from error
        yield listener


def _no_address(host: str, port: int, why: str) -> Unusable:
    return Unusable(f"Cannot listen on {host} port {port}: {why}", details=[Detail("--port", why)])


def address_of(listener: socket.socket) -> str:
    """The base URL that reaches ``listener``."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """uvicorn with our manners: at most ``connections`` at a time, each bounded, and a signal ends ``run_on`` instead of the
    process, so that what was started is also ended."""

    def __init__(
        self, app: ASGIApp, *, connections: int = DEFAULT_CONNECTIONS, on_stop: Callable[[], None] = lambda: None
    ) -> None:
        config = uvicorn.Config(
            app,
            http=BoundedProtocol,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            backlog=TAKEN_AT_ONCE,
            # Who may speak for a client is the proxy's setting, which we do not have.
            proxy_headers=False,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
        super().__init__(config)
        self.server_state: Connections = Connections(connections)
        self._on_stop = on_stop
        self._on_ready: Callable[[], None] = lambda: None

    def run_on(self, listener: socket.socket, on_ready: Callable[[str], None] = lambda _address: None) -> None:
        """Answer on ``listener`` until a signal comes or ``should_exit`` is set."""
        self._on_ready = lambda: on_ready(address_of(listener))
        self.run(sockets=[listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets=sockets)
        for listener in sockets or ():
            listener.listen(BACKLOG)  # asyncio has one number for both
        if self.started:
            self._on_ready()

    async def on_tick(self, counter: int) -> bool:
        """uvicorn's ten looks a second at whether to end, of which one is at the connections, too."""
        if counter % 10 == 0:
            self.server_state.check(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End on SIGINT and SIGTERM, without raising them again afterwards as uvicorn does."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        previous = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; a second Ctrl-C does not wait for answers in progress."""
        self._on_stop()
        super().handle_exit(sig, frame)
