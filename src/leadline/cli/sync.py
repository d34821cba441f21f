"""``leadline sync``: reads sources, incrementally. Each stands alone: one failing stops no other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli import interrupt
from leadline.cli.context import Json, checked_date, example, opened
from leadline.cli.failures import refused
from leadline.cli.kinds import add_sync_commands
from leadline.cli.output import clean, count, emit_json, members, say
from leadline.cli.progress import counter
from leadline.cli.source_runs import ending_git, run_sources

if TYPE_CHECKING:
    from leadline.home import Project
    from leadline.sources.kit.settings import SourceSettings
    from leadline.sync.repositories import RepositoryResult

group = typer.Typer(
    name="sync",
    help="Pull from sources, incrementally.\n\nWithout a command: from all that `leadline sources list` shows, or those named.",
    epilog=example("leadline sync git ./shop", "leadline sync", "leadline sync --source github:example"),
    invoke_without_command=True,
    rich_markup_mode=None,
)


@group.callback()
def sync(
    context: typer.Context,
    source: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this source; may be given several times.")
    ] = None,
    json: Json = False,
) -> None:
    """Without a command: pull from every configured source, or from those named."""
    if context.invoked_subcommand is not None:
        return
    from leadline.db import sources
    from leadline.errors import NotFound
    from leadline.sync.configured import ConfiguredSource, configured

    with opened(context) as project:
        if source:
            named = [sources.get(project.db, project.id, name) for name in dict.fromkeys(source)]
            chosen = [ConfiguredSource.of(row) for row in named]
        else:
            chosen = configured(project)
        if not chosen:
            raise NotFound("There is no source yet; `leadline sources add github ORG` adds one")
        if code := run_sources(project, [one.settings for one in chosen], json=json):
            raise typer.Exit(code)


@group.command("git", epilog=example("leadline sync git ./shop --name example/shop"))
def git(
    context: typer.Context,
    locations: Annotated[
        list[str],
        typer.Argument(metavar="PATH_OR_URL", help="Work trees, bare repositories or URLs.", show_default=False),
    ],
    name: Annotated[
        str | None, typer.Option(metavar="ORG/REPO", help="What to call it [default: by its origin, else its folder].")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="DATE", callback=checked_date, help="On the first run, only commits from this day on."),
    ] = None,
    json: Json = False,
) -> None:
    """Mine git history: commits and their files.

    Only what is new is read; commits that vanished from the repository are taken away. A URL is kept as a bare clone in
    the home.
    """
    from leadline.sync.repositories import check_locations, sync_repositories
    from leadline.sync.run import SyncRun

    check_locations(locations, name)
    day = datetime.combine(date.fromisoformat(since), time(), UTC) if since else None
    documents: list[dict[str, Any]] = []
    with opened(context, create=True) as project, counter("commits") as report, ending_git():

        def progress(repository: str, commits: int) -> None:
            interrupt.check()
            report.count(repository, commits)

        sync_run = SyncRun(project, progress=progress, expected=report.expect)
        for result in sync_repositories(sync_run, locations, name=name, since=day):
            interrupt.check()
            if not json:
                _show(result)
            documents.append(_document(result))
    if json:
        emit_json(documents)
    if any(result.get("status") == "failed" for result in documents):
        raise typer.Exit(1)


def _run_once(context: typer.Context, sources: list[SourceSettings], further: Mapping[str, Any]) -> None:
    from leadline.sync.source_names import own_names

    with opened(context, create=True) as project:
        chosen = own_names(project, sources)
        _require_same_options(project, chosen)
        if code := run_sources(project, chosen, json=further["json"]):
            raise typer.Exit(code)


def _require_same_options(project: Project, named: list[SourceSettings]) -> None:
    """Raises ``Conflict`` for what is a configured source, but by other options: its next run would undo this one's."""
    from leadline.db import sources
    from leadline.errors import Conflict
    from leadline.sync.configured import ConfiguredSource

    rows = {row.name: row for row in sources.listed(project.db, project.id, configured=True)}
    for settings in named:
        row = rows.get(settings.name)
        if row is not None and ConfiguredSource.of(row).settings.options != settings.options:
            raise Conflict(
                f"The source {settings.name} was added with other options, and its next run would undo this one; run "
                f"`leadline sync --source {settings.name}`, or remove it and add it again with these"
            )


add_sync_commands(group, _run_once, but="git")


def _show(result: RepositoryResult) -> None:
    if result.error is not None:
        refused(result.error)
        return
    parts = [f"{count(result.commits_added)} commits, {count(result.files_added)} files added"]
    if result.commits_updated:
        parts.append(f"{count(result.commits_updated)} updated")
    if result.vanished:
        parts.append(f"{count(result.vanished)} vanished")
    say(f"{clean(result.repository)}: {', '.join(parts)} ({result.seconds:.1f} s)")
    for text in result.notes:
        say(f"  {clean(text)}")


def _document(result: RepositoryResult) -> dict[str, Any]:
    if result.error is not None:
        return {"location": result.location, **result.error.body()}
    return {
        "repository": result.repository,
        "status": "done",
        **members(result, "commits_added", "files_added", "commits_updated", "vanished", "shallow", "refs"),
        "seconds": round(result.seconds, 3),
        "notes": list(result.notes),
    }
