"""``leadline init``: from nothing to a first true number. It asks for a home, a source and the people, or takes them by options,
tries each, reads the source, and says what is missing. What is there already is not asked for, so it goes on where it was ended."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli import init_people, init_source, interrupt
from leadline.cli.asking import ask, can_ask
from leadline.cli.context import Chosen, example
from leadline.cli.failures import refused
from leadline.cli.init_people import People
from leadline.cli.init_source import Answers
from leadline.cli.kinds import option_parameter
from leadline.cli.listening import USUAL_HOST, USUAL_PORT, address
from leadline.cli.output import clean, instant, note, say, table
from leadline.cli.progress import bar
from leadline.cli.source_runs import run_sources
from leadline.sources.kit.kinds import KINDS, Kind

if TYPE_CHECKING:
    from leadline.home import Project
    from leadline.sources.kit.settings import SourceSettings

STATES = {"good": "there", "warn": "in part", "bad": "missing"}
"""What the state of a line of the check list is called."""

commands = typer.Typer()


@commands.command(
    epilog=example(
        "leadline init --source github --target example --people developers.csv \\",
        "  --tree Research --yes",
    )
)
def init(
    context: typer.Context,
    *,
    source: Annotated[str | None, typer.Option(metavar="KIND", help=f"Tool to read: {', '.join(KINDS)}.")] = None,
    target: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="What to read of it, such as an organization; repeatable.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="The tool's address, where it has one of its own.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=TEXT", help="Another option of its `leadline sources add`; repeatable."),
    ] = None,
    token_env: Annotated[
        str | None, typer.Option(metavar="NAME", help="Variable with the token [default: the tool's own].")
    ] = None,
    token_file: Annotated[str | None, typer.Option(metavar="FILE", help="File with the token.")] = None,
    token_keyring: Annotated[
        str | None, typer.Option(metavar="[SERVICE/]NAME", help="Entry of the system's keyring with the token.")
    ] = None,
    people: Annotated[
        Path | None, typer.Option(metavar="FILE", help="List of people, as `leadline org load` takes it.")
    ] = None,
    teams: Annotated[bool, typer.Option("--teams", help="Make the org tree of the tool's teams instead.")] = False,
    tree: Annotated[
        str | None, typer.Option(metavar="TREE", help=f"Name of the org tree [default: {init_people.USUAL_TREE}].")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing: options and defaults are the answers.")
    ] = False,
) -> None:
    """Set up a home: a source, the people, the first sync.

    Asks for what the options do not say, tries each, and tells the commands
    that do the same. Run again, it asks only for what is missing.
    """
    if people is not None and teams:
        raise typer.BadParameter("the people come from one place; leave --people out", param_hint="--teams")
    kind = _kind(source)
    places = {"token_env": token_env, "token_file": token_file, "token_keyring": token_keyring}
    values = {"targets": list(target or ()), "url": url, **places, **_options(kind, option or ())}
    answers, persons = Answers(kind, values), People(people, teams, tree)
    asking = can_ask() and not yes
    chosen = _at_home(context.obj) if asking else context.obj
    if not asking:
        _require(chosen, answers, persons)
    interrupt.advise("run `leadline init` again; it goes on from there")
    with chosen.opened(create=True) as project:
        code = _set_up(project, chosen, answers, persons, asking=asking)
    if chosen.home != context.obj.home:
        say(f"export LEADLINE_HOME={chosen.home}   # lets the commands leave --home out")
    if code:
        raise typer.Exit(code)


def _set_up(project: Project, chosen: Chosen, answers: Answers, people: People, *, asking: bool) -> int:
    """Every step whose work is not done yet; the exit code."""
    if answers.kind is not None or not _has_source(project):
        init_source.set_up(project, chosen, answers, asking=asking)
    teams_of = init_people.source_with_teams([settings for settings, _ in _sources(project)])
    if people.is_known or not project.org_trees():
        people = init_people.set_up(project, chosen, people, teams_of, asking=asking)
    code = _read(project, chosen)
    if people.teams and teams_of is not None:
        code = _load_teams(project, chosen, teams_of, people.tree_name) or code
    _show_checks(project)
    _show_page(project, chosen)
    return code


def _kind(source: str | None) -> Kind | None:
    if source is not None and source.lower() not in KINDS:
        raise typer.BadParameter(f"{source!r} is none of {', '.join(KINDS)}", param_hint="--source")
    return None if source is None else KINDS[source.lower()]


def _options(kind: Kind | None, texts: Sequence[str]) -> dict[str, Any]:
    """The values of the kind's own options, written as NAME=TEXT."""
    known = {} if kind is None else {option.name: option for option in kind.options}
    values: dict[str, list[str]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if name not in known or not equals:
            would_do = ", ".join(f"{name}={option.metavar}" for name, option in known.items())
            raise typer.BadParameter(
                f"{text!r} is none of {would_do}" if known else "this kind has none", param_hint="--option"
            )
        values.setdefault(option_parameter(name), []).append(value)
    return dict(values)


def _at_home(chosen: Chosen) -> Chosen:
    """With the home that is answered, where neither an option nor the environment says it and none is there."""
    from leadline.settings.server import ServerSettings, home_folder

    usual = ServerSettings.from_environment().home
    if chosen.home is not None or os.environ.get("LEADLINE_HOME", "").strip() or usual.exists():
        return chosen
    while True:
        try:
            home = home_folder(ask("Home, the folder that holds everything", str(usual)))
        except ValueError as error:
            note(f"It must be {error}.")
            continue
        return chosen if home == usual else replace(chosen, home=home)


def _require(chosen: Chosen, answers: Answers, people: People) -> None:
    """Wrong usage, unless everything is there or said by options."""
    from leadline.errors import InvalidRequest

    has_source, has_people = _is_there(chosen)
    missing = [] if has_source and answers.kind is None else answers.missing
    if not has_people and not people.is_known:
        missing.append("--people FILE or --teams")
    if missing:
        raise InvalidRequest(f"Nothing is asked here, so init needs {', '.join(missing)}")


def _is_there(chosen: Chosen) -> tuple[bool, bool]:
    """Whether there is a source, and an org tree; nothing is made to find out."""
    from leadline.errors import NotFound

    try:
        with chosen.opened(to_read=True) as project:
            return _has_source(project), bool(project.org_trees())
    except NotFound:
        return False, False


def _has_source(project: Project) -> bool:
    """Whether something is read already, or was imported."""
    return bool(_sources(project)) or project.lake.has_data()


def _sources(project: Project) -> list[tuple[SourceSettings, str]]:
    """The sources that were added, and when each succeeded last."""
    from leadline.sync.configured import configured

    return [(one.settings, instant(one.row.succeeded_at)) for one in configured(project)]


def _read(project: Project, chosen: Chosen) -> int:
    """Read the sources that were never read to their end; the exit code."""
    sources = _sources(project)
    for settings, succeeded in sources:
        if succeeded:
            say(f"{clean(settings.name)} was read at {succeeded}; `leadline sync` reads what is new")
    unread = [settings for settings, succeeded in sources if not succeeded]
    for settings in unread:
        say(f"$ {chosen.command('sync', '--source', settings.name)}")
    return run_sources(project, unread, json=False) if unread else 0


def _load_teams(project: Project, chosen: Chosen, teams_of: str, tree: str) -> int:
    from leadline.errors import LeadlineError

    try:
        init_people.load_teams(project, chosen, teams_of, tree)
    except LeadlineError as error:
        refused(error)
        return 1
    return 0


def _show_checks(project: Project) -> None:
    """The page's check list: what numbers need, what is there of it, and how to go on."""
    from leadline.administration.checklist import GOOD, checks
    from leadline.diagnostics.completeness import completeness

    with bar("counting what is there"):
        lines = checks(completeness(project))
    say("\nWhat the numbers need:")
    table(
        ["", "", "there is", "next"],
        [
            [
                *(STATES[line.state], line.title, f"{line.figure} {line.unit}"),
                "" if line.state == GOOD else line.command or f"{line.action}: {line.address}",
            ]
            for line in lines
        ],
    )


def _show_page(project: Project, chosen: Chosen) -> None:
    host, port = os.environ.get("LEADLINE_HOST") or USUAL_HOST, os.environ.get("LEADLINE_PORT") or USUAL_PORT
    if project.org_trees() and project.lake.has_data():
        say("\nA first file, and the page:")
        words = ("export", "productivity", "--period", "last-month", "--level", "team", "-o", "month.csv")
        say(f"  {chosen.command(*words)}")
    else:
        say("\nThe page:")
    say(f"  {chosen.command('serve')}   # {address(host, port)}, and a link that signs you in")
    say(f"  {chosen.command('open')}    # opens it later")
