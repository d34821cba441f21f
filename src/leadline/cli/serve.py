"""``leadline serve`` and ``leadline worker``: the processes that run until they are told to stop (Ctrl-C, SIGTERM)."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from leadline.cli.context import Chosen, example
from leadline.cli.listening import USUAL_HOST, USUAL_PORT, Host, Port
from leadline.cli.open_page import is_of_this_machine, link
from leadline.cli.output import note, say

if TYPE_CHECKING:
    from leadline.home import Home


WORKER_END_SECONDS = 5
"""How long a worker that is told to end may take: what runs is put back into the queue."""

LOOK_UP_SECONDS = 0.5
"""How often what only waits looks whether a signal came."""

commands = typer.Typer()


@commands.command(epilog=example("leadline serve --port 8080"))
def serve(
    context: typer.Context,
    host: Host = USUAL_HOST,
    port: Port = USUAL_PORT,
    workers: Annotated[
        int,
        typer.Option(min=0, max=64, metavar="N", envvar="LEADLINE_WORKERS", show_envvar=False, help="Export workers."),
    ] = 1,
    syncs: Annotated[
        int,
        typer.Option(
            min=0,
            max=64,
            metavar="N",
            envvar="LEADLINE_SYNCS",
            show_envvar=False,
            help="Sources read at a time; 0: none.",
        ),
    ] = 2,
) -> None:
    """Run the API, export workers and schedules until Ctrl-C."""
    from leadline.db.outage import DATABASE_AWAY
    from leadline.errors import NotFound
    from leadline.service.ending import leave
    from leadline.service.server import serve as run

    chosen: Chosen = context.obj
    homes: list[Home] = []

    def begin(home: Home) -> None:
        homes.append(home)
        with contextlib.suppress(*DATABASE_AWAY):  # a hint, no more
            for line in how_to_begin(home):
                note(line)

    def ready(address: str) -> None:
        say(f"leadline answers at {address} (Ctrl-C ends)")
        if is_of_this_machine(address):
            # A project that there is not yet has no page.
            with contextlib.suppress(*DATABASE_AWAY, NotFound):
                say(f"Open it as admin, once within ten minutes: {link(chosen, homes[0], address)}")
        sys.stdout.flush()

    run(chosen.home, host, port, workers, syncs, on_ready=ready, on_open=begin, tell=note)
    leave()


def how_to_begin(home: Home) -> list[str]:
    """What to do first on a home without data, trees or keys; [] once nothing is missing."""
    from leadline.db.keys import listed
    from leadline.people import trees

    projects = home.projects()
    steps = []
    if not any(project.lake.has_data() for project in projects):
        steps.append("leadline import FOLDER            your data in the documented tables (or: leadline sync git)")
    if not any(trees(project) for project in projects):
        steps.append("leadline org load FILE --name T   your developers and their managers")
    if not any(listed(home.db, project.id) for project in projects):
        steps.append("leadline keys create --name N --role viewer   a key for the API")
    if not steps:
        return []
    return ["Still to do in this home (or `leadline demo` for an example):", *(f"  {step}" for step in steps)]


@commands.command(epilog=example("leadline worker"))
def worker(
    context: typer.Context,
    workers: Annotated[
        int,
        typer.Option(
            min=1, max=64, metavar="N", envvar="LEADLINE_WORKERS", show_envvar=False, help="Exports at a time."
        ),
    ] = 1,
) -> None:
    """Run export workers alone until Ctrl-C.

    For further processes, or machines that share the home and its database.
    """
    from leadline.api.log import configure
    from leadline.exports.proof import prove
    from leadline.exports.worker import start
    from leadline.home import Home
    from leadline.service.ending import end_within, ended_by_sigterm, leave

    chosen: Chosen = context.obj
    stop = threading.Event()

    def end(*_: object) -> None:
        stop.set()
        end_within(WORKER_END_SECONDS)

    with ended_by_sigterm():
        home = Home.open_when_there(chosen.home, note)
    with home:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)
        configure(home.settings.log_format, level=home.settings.log_level)
        prove(home)
        threads = start(home, workers, stop)
        note(f"{workers} export worker{'s' if workers > 1 else ''} on {home.path}; Ctrl-C ends")
        for thread in threads:
            # A signal may reach another thread than this one, which alone handles it, and only once it comes back from waiting.
            while thread.is_alive():
                thread.join(LOOK_UP_SECONDS)
    leave()
