"""``leadline org``: loads org trees from an HR list or a nested file, and shows them with their ids and head counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli.context import Json, Yes, command_group, confirmed, example, looked_at, opened, rehearse
from leadline.cli.files import Output
from leadline.cli.option_words import in_option_words
from leadline.cli.output import Column, clean, count, emit_json, members, note, say, table
from leadline.instants import rfc3339

if TYPE_CHECKING:
    from leadline.home import Project
    from leadline.people import LoadedTree, OrgTree
    from leadline.people.history import History

SHOWN_TEAMS = 20
_TREE = {"scope.orgTreeName": "TREE", "orgTreeName": "TREE"}
"""What the commands call an org tree that are about one."""
_NO_TREE = "No org tree yet; `leadline org load FILE --name TREE` makes one."

group = command_group(
    "org",
    "Org trees: load them, show them.",
    "leadline org load developers.csv --name Research",
    "leadline org show",
)


@group.command(
    "load",
    epilog=example(
        "leadline org load developers.csv --name Research --check",
        "leadline org load developers.csv --name Research",
        "leadline org load developers.csv --name Research --from 2026-02-15",
    ),
)
def load(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Developers CSV, or a nested tree as JSON or TOML.", show_default=False),
    ],
    name: Annotated[str, typer.Option("--name", metavar="TREE", help="Name of the tree.", show_default=False)],
    since: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="DATE",
            help="Day from which it is in force, or `beginning` [default: today; the first tree from the beginning].",
        ),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="TITLE=FIELD",
            help="What a column of the list is, as 'Worker=full_name'; empty leaves it out; repeatable.",
        ),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Validate only; change nothing.")] = False,
    json: Json = False,
) -> None:
    """Make an org tree, or say what it is from a day on.

    Events count for the team in which their person was on their day. Loading
    again with the same day corrects what was in force from it. If the file has
    violations, all are shown and the last good tree stays in force.
    """
    from leadline.people import load_org

    day, fields = None if since is None else _day(since, "--from"), _fields(columns)
    _check_name(name)

    def load_it(project: Project, *, check: bool) -> LoadedTree:
        return load_org(project, file, name, check=check, now=datetime.now(UTC), since=day, fields=fields)

    if not check:
        rehearse(context, partial(load_it, check=True))
    with looked_at(context) if check else opened(context, create=True) as project:
        loaded = load_it(project, check=check)
    if json:
        emit_json(
            {
                "orgTreeName": loaded.tree.name,
                **members(loaded, "version", "changed"),
                "from": _shown_day(loaded.start),
                "until": None if loaded.end is None else str(loaded.end),
                "teams": len(loaded.tree.nodes),
                "developers": len(loaded.tree.developers),
                **members(loaded, "added", "removed", "without_team", "unused_teams"),
                "leavers": list(loaded.leavers.emails),
            }
        )
    else:
        show_loaded(file, loaded)


@group.command(
    "from-teams",
    epilog=example("leadline org from-teams github:example -o teams.json", "leadline org load teams.json --name Teams"),
)
def from_teams(
    context: typer.Context,
    teams: Annotated[
        str, typer.Argument(metavar="TOOL:ORG", help="Whose teams, as github:example.", show_default=False)
    ],
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="File to write; - is stdout.")] = "-",
) -> None:
    """Make a nested tree file of a tool's teams.

    Members are named by the email that their account has by the project's identities; the others are told and left out.
    """
    source, colon, organization = teams.strip().lower().partition(":")
    if not (source and colon and organization):
        raise typer.BadParameter("write the tool and the organization, as github:example", param_hint="TOOL:ORG")
    target = Output.of(output)
    target.ending(("json",))
    with looked_at(context) as project, target.writing(project.temp) as path:
        write_teams(project, source, organization, path)


def write_teams(project: Project, source: str, organization: str, path: Path) -> None:
    """Write the nested tree file of an organization's teams, and tell whom it leaves out. Raises ``NotFound`` if no team is
    known."""
    from json import dumps

    from leadline.facts.teams_of_tools import tree_of_teams
    from leadline.ingest.pushed import deliver_pushed

    deliver_pushed(project)
    document, unknown = tree_of_teams(project, source, organization)
    path.write_text(dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    if unknown:
        names = ", ".join(unknown[:SHOWN_TEAMS]) + (", …" if len(unknown) > SHOWN_TEAMS else "")
        note(
            f"{count(len(unknown))} accounts are nobody's and left out: {clean(names)}; see `leadline identities --unmatched`"
        )


@group.command(
    "show",
    epilog=example(
        "leadline org show",
        "leadline org show Engineering --people --json",
        "leadline org show Engineering --at 2026-01-31",
    ),
)
def show(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="TREE", help="One tree [default: all].")] = None,
    people: Annotated[
        bool, typer.Option("--people", help="Name the people too: each team's own; in JSON, all it counts.")
    ] = False,
    at: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="As it is in force on this day, or at the `beginning` [default: today]."),
    ] = None,
    json: Json = False,
) -> None:
    """Show the trees with their ids, keys and head counts."""
    from leadline.people import tree, trees

    day = None if at is None else _day(at, "--at")
    with looked_at(context) as project, in_option_words(_TREE):
        names = [name] if name is not None else [summary.name for summary in trees(project)]
        org_trees = [tree(project, name, day=day) for name in names]
    if json:
        emit_json([_document(org_tree, people=people) for org_tree in org_trees])
        return
    if not org_trees:
        say(_NO_TREE)
    for org_tree in org_trees:
        table(
            ["team", Column("ref id", number=True), "key", Column("developers", number=True)],
            list(_rows(org_tree, people=people)),
        )
        say()


@group.command("history", epilog=example("leadline org history", "leadline org history Engineering --people --json"))
def show_history(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="TREE", help="One tree [default: all].")] = None,
    people: Annotated[
        bool, typer.Option("--people", help="In JSON: each version's teams, with all they count.")
    ] = False,
    json: Json = False,
) -> None:
    """Show which version of a tree is in force when."""
    from leadline.people import history, tree, trees

    if people and not json:
        raise typer.BadParameter("the people are told in JSON alone; add --json", param_hint="--people")
    with looked_at(context) as project, in_option_words(_TREE):
        names = [name] if name is not None else [summary.name for summary in trees(project)]
        lines = [(name, history(project, name), tree(project, name).version) for name in names]
        versions = [tree(project, name, entry.version) for name, entries, _ in lines for entry in entries if people]
    if json:
        columns = ("orgTreeName", "version", "from", "until", "loadedAt", "today")
        documents = [dict(zip(columns, line, strict=True)) for line in _history(lines, rfc3339)]
        for document, version in zip(documents, versions, strict=people):
            document.update(_document(version, people=True))
        emit_json(documents)
        return
    if not lines:
        say(_NO_TREE)
        return
    table(
        ["tree", Column("version", number=True), "from", "until", "loaded", "today"],
        [
            [tree_name, version, first or "the beginning", last or "", loaded, "in force" if is_now else ""]
            for tree_name, version, first, last, loaded, is_now in _history(lines, lambda moment: str(moment.date()))
        ],
    )


def _history(
    lines: Sequence[tuple[str, History, int]], shown: Callable[[datetime], str]
) -> Iterator[tuple[str, int, str | None, str | None, str, bool]]:
    for name, entries, now in lines:
        for entry in entries:
            days = _shown_day(entry.start), None if entry.end is None else str(entry.end)
            yield name, entry.version, *days, shown(entry.loaded_at), entry.version == now


@group.command("remove", epilog=example("leadline org remove Research --yes"))
def remove(
    context: typer.Context,
    tree: Annotated[str, typer.Argument(metavar="TREE", help="The tree.", show_default=False)],
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Remove an org tree, with all its versions and settings.

    Exports made by it stay until they expire. A tree that is loaded under the
    name later is another one: its teams have new ref ids.
    """
    from leadline.administration.trees import remove_tree

    confirmed(f"Remove the org tree {clean(tree)} with all its versions and settings?", yes=yes)
    with opened(context) as project, in_option_words(_TREE):
        removed = remove_tree(project, tree)
    if json:
        emit_json({"orgTreeName": removed.name, "version": removed.version})
    else:
        say(f"Removed the org tree {clean(removed.name)}, with {count(removed.version)} versions")


def _fields(columns: list[str] | None) -> dict[str, str]:
    """The field of each column that is named, by its title."""
    fields: dict[str, str] = {}
    for text in columns or ():
        title, equals, field = text.rpartition("=")
        if not equals:
            raise typer.BadParameter(f"{text!r} names no field; write 'Worker=full_name'", param_hint="--map")
        fields[title.strip()] = field.strip()
    return fields


def _check_name(text: str) -> None:
    """Wrong usage for what no tree can be called, before a home is made for it."""
    from leadline.errors import InvalidRequest
    from leadline.people.lookup import checked_name

    try:
        checked_name(text)
    except InvalidRequest as error:
        raise typer.BadParameter(error.message, param_hint="--name") from None


def _day(text: str, option: str) -> date:
    from leadline.errors import InvalidRequest
    from leadline.people.history import day_of

    try:
        return day_of(text, option)
    except InvalidRequest as error:
        raise typer.BadParameter(error.details[0].message, param_hint=option) from None


def _shown_day(day: date) -> str | None:
    from leadline.people import BEGINNING

    return None if day == BEGINNING else str(day)


def _rows(tree: OrgTree, *, people: bool) -> Iterator[Sequence[object]]:
    """A row for every team and, with ``people``, for each of its own people."""
    heads = tree.head_counts()
    for node in tree.nodes:
        yield "  " * node.depth + node.name, node.ref_id, node.key or "", count(heads[node.ref_id])
        for email in node.own if people else ():
            yield "  " * (node.depth + 1) + tree.developers[email].address, "", "", ""


def show_loaded(file: Path, loaded: LoadedTree) -> None:
    """What became of an org file, for people."""
    size = f"{count(len(loaded.tree.nodes))} teams, {count(len(loaded.tree.developers))} developers"
    if loaded.version is None:
        say(f"{clean(file)} is good: {size}; nothing was changed")
    else:
        say(f"{loaded.tree.name}, version {loaded.version}{'' if loaded.changed else ' (as before)'}: {size}")
        if loaded.changed and (first := _shown_day(loaded.start)) is not None:
            last = "" if loaded.end is None else f" until {loaded.end}, when another tree begins"
            say(
                f"In force from {first}{last}; days before stay as they were. `--from beginning` would correct those, too."
            )
    for sign, paths in (("+", loaded.added), ("-", loaded.removed)):
        for path in paths[:SHOWN_TEAMS]:
            say(f"  {sign} {clean(path)}")
        if len(paths) > SHOWN_TEAMS:
            say(f"  {sign} … and {count(len(paths) - SHOWN_TEAMS)} more")
    if loaded.unused_teams:
        named = ", ".join(loaded.unused_teams[:5]) + (", …" if len(loaded.unused_teams) > 5 else "")
        note(f"No team is called {clean(named)}: a team has the name that its people share, else that of its manager")
    if loaded.without_team:
        named = ", ".join(loaded.without_team[:5]) + (", …" if len(loaded.without_team) > 5 else "")
        note(f"{count(len(loaded.without_team))} have neither manager nor reports and are in no team: {clean(named)}")
    if said := str(loaded.leavers):
        note(clean(said))


def _document(tree: OrgTree, *, people: bool) -> dict[str, Any]:
    heads = tree.head_counts()
    return {
        "orgTreeName": tree.name,
        "teams": [
            {
                **members(node, "ref_id", "key", "name"),
                "hierarchy": node.path,
                "developers": heads[node.ref_id],
                **({"people": [tree.developers[email].address for email in tree.people(node)]} if people else {}),
            }
            for node in tree.nodes
        ],
    }
