"""``leadline identities``: every account, the developer it belongs to and why; and how to map one by hand."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from leadline.cli.context import Json, example, looked_at, opened
from leadline.cli.option_words import in_option_words
from leadline.cli.output import Column, clean, count, emit_json, say, table

if TYPE_CHECKING:
    from leadline.facts.account_activity import Account

group = typer.Typer(
    name="identities",
    help="Show accounts and their developers, or map one.",
    epilog=example("leadline identities --unmatched", "leadline identities set github octocat ada@example.com"),
    invoke_without_command=True,
    rich_markup_mode=None,
)


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
    from leadline.administration.identities import listed

    with looked_at(context) as project:
        shown = listed(project, unmatched=unmatched)
    if json:
        emit_json([asdict(account) for account in shown])
    elif not shown:
        say("No unmatched account." if unmatched else "No account seen yet; `leadline import FOLDER` brings data.")
    else:
        whose = ["name", "suggestion"] if unmatched else ["developer"]
        table(
            ["source", "account", *whose, Column("events", number=True), "why"],
            [
                [
                    *(account.source or account.domain, account.account, *_whose(account, unmatched)),
                    *(count(account.total), account.reason),
                ]
                for account in shown
            ],
        )


def _whose(account: Account, unmatched: bool) -> list[str | None]:
    if unmatched:
        return [account.name, account.suggestion]
    return [account.developer or ("(bot)" if account.bot else "(nobody)")]


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

    words = {"source": "SOURCE", "account": "ACCOUNT", "email": "EMAIL"}
    with opened(context) as project, in_option_words(words):
        set_identity(project, source=source, account=account, email=email, now=datetime.now(UTC))
    if json:
        emit_json(
            {"source": source.strip().lower(), "account": account.strip().lower(), "email": email.strip().lower()}
        )
    else:
        say(f"{clean(account)} of {clean(source)} is {clean(email)}")
