"""``leadline identities``: every account, the developer it belongs to and why; and how to map one by hand."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from leadline.cli.context import Json, example, opened
from leadline.cli.output import Column, clean, count, emit_json, say, table

group = typer.Typer(
    help="Show accounts and their developers, or map one.",
    epilog=example(
        "leadline identities --unmatched",
        "leadline identities set github octocat ada@example.com",
    ),
    invoke_without_command=True,
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Add the command group to the program."""
    app.add_typer(group, name="identities")


@group.callback()
def identities(
    context: typer.Context,
    unmatched: Annotated[bool, typer.Option("--unmatched", help="Only accounts that are nobody's.")] = False,
    json: Json = False,
) -> None:
    """Show every account, the developer it belongs to and why.

    Accounts whose activity counts for nobody come first, the most active on top. With --unmatched, each has the name that
    its tool gives and a developer it might be: nothing counts by that until you map the account.
    """
    if context.invoked_subcommand is not None:
        if unmatched or json:
            raise typer.BadParameter("give options after the sub-command", param_hint=context.invoked_subcommand)
        return
    from leadline.facts.account_activity import accounts
    from leadline.ingest.pushed import deliver_pushed

    with opened(context) as project:
        deliver_pushed(project)
        shown = [account for account in accounts(project) if account.unmatched or not unmatched]
    if json:
        emit_json([asdict(account) for account in shown])
    elif not shown:
        say("No unmatched account." if unmatched else "No account seen yet; `leadline import FOLDER` brings data.")
    elif unmatched:
        table(
            ["source", "account", "name", "suggestion", Column("events", number=True), "why"],
            [
                [
                    account.source or account.domain,
                    account.account,
                    account.name or "",
                    account.suggestion or "",
                    count(account.total),
                    account.reason,
                ]
                for account in shown
            ],
        )
    else:
        table(
            ["source", "account", "developer", Column("events", number=True), "why"],
            [
                [
                    account.source or account.domain,
                    account.account,
                    account.developer or ("(bot)" if account.bot else "(nobody)"),
                    count(account.total),
                    account.reason,
                ]
                for account in shown
            ],
        )


@group.command("set", epilog=example("leadline identities set github octocat ada@example.com"))
def set_account(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Tool, such as github, jira or git.")],
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Account in that tool.")],
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The developer's email.")],
    json: Json = False,
) -> None:
    """Map an account to a developer."""
    from leadline.ingest.identities import set_identity

    with opened(context) as project:
        set_identity(
            project,
            source=source,
            account=account,
            email=email,
            now=datetime.now(UTC),
        )
    if json:
        emit_json(
            {"source": source.strip().lower(), "account": account.strip().lower(), "email": email.strip().lower()}
        )
    else:
        say(f"{clean(account)} of {clean(source)} is {clean(email)}")
