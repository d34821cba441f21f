"""``leadline schedules``: exports that ``leadline serve`` makes again and again, and puts where others look for them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli.context import Json, Yes, command_group, confirmed, example, looked_at, opened
from leadline.cli.option_words import of_file
from leadline.cli.output import Column, clean, emit_json, instant, say, table

if TYPE_CHECKING:
    from leadline.administration.schedules import RunShown, ScheduleShown

group = command_group("schedules", "Exports that are made again and again.", "leadline schedules list")

ScheduleId = Annotated[str, typer.Argument(metavar="ID", help="Id of the schedule, as listed.", show_default=False)]
Definition = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="What `POST /v2/schedules` takes, as JSON with comments; - is stdin.", show_default=False
    ),
]
BY_COMMAND = "command"
"""Who made what was made by a command."""


@group.command("add", epilog=example("leadline schedules add monthly.json"))
def add(context: typer.Context, file: Definition, json: Json = False) -> None:
    """Make a schedule of a file."""
    from leadline.administration import schedules

    body = _read(file)
    with opened(context) as project, of_file():
        made = schedules.add(project, body, created_by=BY_COMMAND, now=datetime.now(UTC))
    _tell(made, f"Schedule {made.id} is due next at {instant(made.next_run_at) or 'no time: it is not enabled'}.", json)


@group.command("change", epilog=example("leadline schedules change schedule_0123456789abcdef0123 monthly.json"))
def change(context: typer.Context, schedule_id: ScheduleId, file: Definition, json: Json = False) -> None:
    """Put a file in place of what a schedule was made of."""
    from leadline.administration import schedules

    body = _read(file)
    with opened(context) as project, of_file():
        made = schedules.change(project, schedule_id, body, datetime.now(UTC))
    _tell(made, f"Schedule {made.id} is due next at {instant(made.next_run_at) or 'no time: it is not enabled'}.", json)


@group.command("list", epilog=example("leadline schedules list --json"))
def list_schedules(context: typer.Context, json: Json = False) -> None:
    """List the project's schedules, and what became of their last runs."""
    from leadline.administration import schedules

    with looked_at(context) as project:
        listed = schedules.listed(project, datetime.now(UTC))
    if json:
        emit_json([schedule.model_dump(mode="json") for schedule in listed])
    elif not listed:
        say("None yet; `leadline schedules add FILE` makes one.")
    else:
        table(
            [Column("id", whole=True), "name", "export", "at", "next run", "last run"], [_line(row) for row in listed]
        )


@group.command("run", epilog=example("leadline schedules run schedule_0123456789abcdef0123"))
def run(context: typer.Context, schedule_id: ScheduleId, json: Json = False) -> None:
    """Have a schedule run now; `leadline serve` makes the run."""
    from leadline.administration import schedules

    with opened(context) as project:
        asked = schedules.run(project, schedule_id, datetime.now(UTC))
    _tell(asked, f"Run {asked.id} of the days {asked.start} to {asked.end} is made by `leadline serve`.", json)


@group.command("runs", epilog=example("leadline schedules runs schedule_0123456789abcdef0123"))
def runs(context: typer.Context, schedule_id: ScheduleId, json: Json = False) -> None:
    """List the runs of a schedule, the newest first."""
    from leadline.administration import schedules

    with looked_at(context) as project:
        listed = schedules.runs(project, schedule_id, datetime.now(UTC))
    if json:
        emit_json([one.model_dump(mode="json") for one in listed])
        return
    table(
        ["due", "state", "days", "late", "export", "files"],
        [
            [
                *(instant(one.due_at), one.state, f"{one.start} to {one.end}", "late" if one.late else ""),
                *(one.export_id or "", ", ".join(clean(sent.file) for sent in one.deliveries if sent.file)),
            ]
            for one in listed
        ],
    )
    for one in listed:
        if one.error:
            say(f"{one.id}: {clean(one.error)}")


@group.command("remove", epilog=example("leadline schedules remove schedule_0123456789abcdef0123 --yes"))
def remove(context: typer.Context, schedule_id: ScheduleId, yes: Yes = False, json: Json = False) -> None:
    """Remove a schedule and its runs; exports and files stay."""
    from leadline.administration import schedules

    confirmed(f"Remove the schedule {clean(schedule_id)} and its runs?", yes=yes)
    with opened(context) as project:
        schedules.remove(project, schedule_id)
    if json:
        emit_json({"id": schedule_id, "removed": True})
    else:
        say(f"Removed {clean(schedule_id)}.")


def _read(file: Path) -> dict[str, Any]:
    import sys

    from leadline.api.json_text import parse_object
    from leadline.errors import InvalidInput, InvalidRequest

    try:
        return parse_object(sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes())
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}") from error
    except InvalidRequest as error:
        raise InvalidInput(error.message.replace("The body", str(file), 1)) from error


def _tell(shown: ScheduleShown | RunShown, sentence: str, json: bool) -> None:
    if json:
        emit_json(shown.model_dump(mode="json", exclude_unset=True))
        return
    say(sentence)
    for warning in getattr(shown, "warnings", None) or ():
        say(clean(warning))


def _line(schedule: ScheduleShown) -> list[object]:
    last = schedule.last_run
    return [
        *(schedule.id, clean(schedule.name), schedule.export, f"{schedule.at.cron} {schedule.at.timezone}"),
        *(instant(schedule.next_run_at), "" if last is None else f"{last.state} {instant(last.due_at)}"),
    ]
