"""``leadline people``: forgets a person, for good."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli.context import Json, Yes, command_group, confirmed, example, looked_at, opened
from leadline.cli.output import clean, count, emit_json, note, say
from leadline.cli.progress import bar

if TYPE_CHECKING:
    from leadline.administration.erasure import Erasure

group = command_group("people", "Forget people.", "leadline people forget ada@example.com --dry-run")


@group.command(
    "forget",
    epilog=example(
        "leadline people forget ada@example.com --dry-run",
        "leadline people forget ada@example.com --yes",
    ),
)
def forget(
    context: typer.Context,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="An address of the person.", show_default=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change; change nothing.")] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Put a pseudonym in place of a person, everywhere and for good.

    Numbers of teams stay. What tools and files say of the person later goes
    under the pseudonym, too. Files of exports and earlier versions of the
    tables are deleted. Backups and git clones are not changed.
    """
    from leadline.administration.erasure import foresee
    from leadline.administration.erasure import forget as forget_person

    if not dry_run:
        confirmed(f"Forget {clean(email)} for good?", yes=yes, of_rows=True)
    with looked_at(context) if dry_run else opened(context) as project, bar(f"forgetting {clean(email)}") as report:
        now = datetime.now(UTC)
        erasure = foresee(project, email, report) if dry_run else forget_person(project, email, now, report)
    if json:
        emit_json(_document(erasure))
    else:
        _show(erasure, "would be, say," if dry_run else "are")


def _show(erasure: Erasure, are: str) -> None:
    accounts = sorted(f"{source or 'any tool'} {account}" for source, account in erasure.called.accounts)
    for what, names in (("addresses", sorted(erasure.called.addresses)), ("accounts", accounts)):
        if names:
            say(f"{what}: {clean(', '.join(names))}")
    say(f"They {are} {erasure.pseudonym}")
    changed = [
        *((f"rows of {name}", rows) for name, rows in erasure.tables.items()),
        *((f"versions of the org tree {clean(name)}", versions) for name, versions in erasure.trees.items()),
        ("uploads of developers", erasure.uploads),
        ("settings and other notes", erasure.notes),
        ("sessions, which end", erasure.sessions),
        ("files of exports, which are deleted: create them again", erasure.exports),
    ]
    for what, number in changed:
        if number:
            say(f"  {count(number)} {what}")
    if erasure.clones:
        note(f"The clones of {count(erasure.clones)} git repositories keep the history that their hosts have")


def _document(erasure: Erasure) -> dict[str, Any]:
    person = erasure.called
    return {
        "pseudonym": erasure.pseudonym,
        "addresses": sorted(person.addresses),
        "accounts": [{"source": source, "account": account} for source, account in sorted(person.accounts)],
        "tables": {name: rows for name, rows in erasure.tables.items() if rows},
        "orgTrees": {name: versions for name, versions in erasure.trees.items() if versions},
        "uploads": erasure.uploads,
        "notes": erasure.notes,
        "sessions": erasure.sessions,
        "exports": erasure.exports,
        "clones": erasure.clones,
    }
