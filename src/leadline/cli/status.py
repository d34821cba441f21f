"""``leadline status``: prints the state of the project, and with ``--check`` whether all that is stored is sound."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from leadline.cli.context import Json, example, looked_at, opened
from leadline.cli.output import Column, bytes_text, clean, count, emit_json, instant, note, paragraph, say, table
from leadline.cli.progress import Report, bar

if TYPE_CHECKING:
    from leadline.diagnostics import status as states
    from leadline.diagnostics.attribution import AttributionStatus
    from leadline.diagnostics.of_data import UnmatchedStatus, Unreadable
    from leadline.diagnostics.tables import TableStatus

SHOWN_SKIPPED = 3


commands = typer.Typer()


@commands.command(
    epilog=example("leadline status", "leadline status --check --json", "leadline status --check --repair")
)
def status(
    context: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="Verify the integrity of all that is stored.")] = False,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="With --check: mend first what can be mended without a loss, and say what was."),
    ] = False,
    json: Json = False,
) -> None:
    """Show what is in the home, or check that it is sound.

    Rows per table, newest event per source, org trees, unmatched accounts, exports, repositories and disk.
    """
    from leadline.diagnostics.status import status as status_of
    from leadline.diagnostics.status import unreadable

    if repair and not check:
        raise typer.BadParameter("it mends what the check finds; give --check, too", param_hint="--repair")
    with opened(context) if repair else looked_at(context) as project, _shown_check(check) as report:
        state = status_of(project, check=check, repair=repair, progress=report)
        is_scheduled = _has_schedules(state) and project.home.is_scheduled
    if json:
        emit_json(state.model_dump(mode="json", exclude_unset=True))
    else:
        _show(state, is_scheduled=is_scheduled)
    if state.check is not None and not state.check.good:
        faults = len(state.check.findings)
        note(f"error: the check found {faults} fault{'s' if faults > 1 else ''}")
        raise typer.Exit(1)
    if reasons := unreadable(state):
        for reason in reasons:
            note(f"error: {clean(reason)}")
        note("next: `leadline status --check` names all that is damaged; restore it from a backup")
        raise typer.Exit(1)


def _shown_check(check: bool) -> AbstractContextManager[Report]:
    """A bar for a check; without one, what is asked is there at once."""
    return bar("checking") if check else nullcontext(lambda _done, _of: None)


def _has_schedules(state: states.Status) -> bool:
    return isinstance(state.sources, list) and any(source.next_run_at for source in state.sources)


def _show(state: states.Status, *, is_scheduled: bool) -> None:
    say(f"Home {clean(state.home)}, project {state.organization}/{state.project}")
    _show_tables(state.tables)
    _show_inbox(state.inbox)
    _show_trees(state.org_trees)
    _show_unmatched(state.unmatched)
    _show_attribution(state.attribution)
    _show_exports(state.exports)
    _show_sources(state.sources, is_scheduled=is_scheduled)
    if _has_schedules(state) and not is_scheduled:
        paragraph(
            "No server reads them on their schedules now: `leadline serve` does, `leadline sync` reads them once."
        )
    _show_schedules(state.schedules)
    _show_webhooks(state.webhooks)
    if state.repositories:
        _heading("Repositories")
        table(
            ["source", "name", "synced"],
            [[row.source, row.repository, instant(row.synced_at)] for row in state.repositories],
        )
    if state.oddities:
        _heading("Oddities")
        for line in state.oddities if isinstance(state.oddities, list) else [state.oddities.error]:
            paragraph(clean(line))
    _heading("Disk")
    table(["part", Column("size", number=True)], [[row.part, bytes_text(row.bytes)] for row in state.disk])
    if state.computed is not None:
        _heading("Computed")
        columns: list[str | Column] = ["by", Column("tables", number=True), Column("seconds", number=True)]
        table(columns, [[clean(row.by), count(row.tables), f"{row.time_seconds:.1f}"] for row in state.computed])
    if state.check is not None:
        _heading("Check")
        for line in state.check.repaired or ():
            paragraph(clean(f"repaired: {line}"))
        for line in state.check.findings or ["All is sound."]:
            say(clean(line))


def _show_sources(sources: list[states.SourceStatus] | Unreadable, *, is_scheduled: bool) -> None:
    """Nothing, unless a tool was read. A next run there is where a server makes it."""
    if not isinstance(sources, list):
        _heading("Sources")
        say(clean(sources.error))
    if not isinstance(sources, list) or not sources:
        return
    _heading("Sources")
    table(
        [
            *("name", "last run", "last success", "lag", "next run"),
            *(Column("rows", number=True), Column("left out", number=True)),
        ],
        [
            [
                *(source.name, source.state, instant(source.succeeded_at), _lag(source.lag_time_seconds)),
                *(
                    instant(source.next_run_at if is_scheduled else None),
                    count(sum(source.rows.values())),
                    count(source.skipped_count),
                ),
            ]
            for source in sources
        ],
    )
    for source in sources:
        if source.error:
            say(f"{clean(source.name)}: {clean(source.error)}")
        for skipped in source.skipped[:SHOWN_SKIPPED]:
            became = "could not read" if skipped in source.failed else "left out"
            say(f"{clean(source.name)}: {became} {clean(skipped['what'])}: {clean(skipped['why'])}")


def _show_schedules(schedules: list[states.ScheduleStatus]) -> None:
    """Nothing, unless exports are made again and again."""
    if not schedules:
        return
    _heading("Schedules")
    table(
        ["id", "name", "last run", "due", "next run"],
        [
            [
                *(row.id, clean(row.name), row.last_state or "never run", instant(row.last_due_at)),
                instant(row.next_run_at) or "not enabled",
            ]
            for row in schedules
        ],
    )
    for row in schedules:
        if row.error:
            say(f"{clean(row.name)}: {row.last_state}: {clean(row.error)}")


def _show_webhooks(webhooks: list[states.WebhookStatus]) -> None:
    """Nothing, unless somebody is told of events."""
    if not webhooks:
        return
    _heading("Webhooks")
    table(
        ["id", "state", Column("waiting", number=True), "paused"],
        [[row.id, row.state, count(row.waiting), instant(row.paused_at)] for row in webhooks],
    )
    for row in webhooks:
        if row.paused_at is not None:
            say(f"{row.id} is paused: {clean(row.error or '')}; `leadline webhooks test {row.id}` tries it again")


def _lag(seconds: int | None) -> str:
    """A span of time for people: 4 min, 3 h, 2 d."""
    if seconds is None:
        return ""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _heading(text: str) -> None:
    say()
    say(f"{text}:")


def _show_tables(tables: list[TableStatus] | Unreadable) -> None:
    _heading("Tables")
    if not isinstance(tables, list):
        say(clean(tables.error))
        return
    rows = []
    for state in (state for state in tables if state.rows):
        several = len(state.sources) > 1
        only = state.sources[0].source if len(state.sources) == 1 else ""
        rows.append([state.table, only, count(state.rows), instant(state.newest_event)])
        rows += [
            ["", source.source or "(none)", count(source.rows), instant(source.newest_event)]
            for source in state.sources
            if several
        ]
    if rows:
        table(["table", "source", Column("rows", number=True), "newest event"], rows)
    else:
        say(
            "Nothing yet; `leadline import FOLDER` or `leadline sync git PATH` brings data, `leadline demo` an example."
        )


def _show_inbox(inbox: states.InboxStatus) -> None:
    """Nothing, unless pushed rows wait or were kept aside."""
    if inbox.waiting or inbox.refused:
        _heading("Pushed rows not in the tables")
        table(
            ["table", "state", Column("rows", number=True), "oldest", "reason"],
            [
                [row.table, state, count(row.rows), instant(row.oldest), clean(row.reason or "")]
                for state, rows in (("waiting", inbox.waiting), ("refused", inbox.refused))
                for row in rows
            ],
        )
    if inbox.error is not None:
        say(clean(inbox.error))


def _show_trees(trees: list[states.TreeStatus] | Unreadable) -> None:
    _heading("Org trees")
    if isinstance(trees, list) and trees:
        table(
            ["tree", Column("version", number=True), Column("teams", number=True), Column("developers", number=True)],
            [[row.org_tree_name, row.version, count(row.teams), count(row.developers)] for row in trees],
        )
    elif not isinstance(trees, list):
        say(clean(trees.error))
    else:
        say("None yet; `leadline org load FILE --name TREE` makes one.")


def _show_unmatched(unmatched: UnmatchedStatus | Unreadable) -> None:
    """Nothing where the lake cannot be read, which the tables tell."""
    from leadline.diagnostics.of_data import Unreadable

    if isinstance(unmatched, Unreadable):
        return
    _heading("Unmatched accounts")
    say(f"{count(unmatched.accounts)}; `leadline identities --unmatched` lists them all")
    if unmatched.top:
        table(
            ["source", "account", Column("events", number=True)],
            [[row.source, row.account, count(row.total)] for row in unmatched.top],
        )


def _show_attribution(attribution: list[AttributionStatus] | Unreadable) -> None:
    """Nothing where nothing happened, or where the lake cannot be read, which the tables tell."""
    if not isinstance(attribution, list) or not any(row.total for row in attribution):
        return
    _heading("Nobody's")
    table(
        ["activity", *(Column(name, number=True) for name in ("rows", "of bots", "nobody's", "percent of people's"))],
        [
            [
                *(row.activity.replace("_", " "), count(row.total), count(row.bots), count(row.nobodys)),
                "" if row.percent is None else f"{row.percent:.1f}",
            ]
            for row in attribution
            if row.total
        ],
    )


def _show_exports(exports: states.ExportsStatus | Unreadable) -> None:
    from leadline.diagnostics.of_data import Unreadable

    _heading("Exports")
    if isinstance(exports, Unreadable):
        say(clean(exports.error))
        return
    say(", ".join(f"{count(number)} {state}" for state, number in exports.states.items()))
    for newest in exports.newest_completed:
        completed = f"{newest.export_id} at {instant(newest.completed_at)}, {count(newest.rows or 0)} rows"
        say(f"Newest completed: {completed}")
        say(f"Definitions {newest.definitions}; kind {newest.kind}; table versions:")
        paragraph(", ".join(f"{name} {version}" for name, version in (newest.tables or {}).items()), indent=2)
