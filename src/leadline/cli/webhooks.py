"""``leadline webhooks``: endpoints of others that are told what happens in the project, by ``leadline serve``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from leadline.cli.context import Json, Yes, command_group, confirmed, example, looked_at, opened, words
from leadline.cli.option_words import in_option_words
from leadline.cli.output import Column, clean, count, emit_json, instant, note, say, table

group = command_group("webhooks", "Webhooks out: whom to tell of events.", "leadline webhooks list")

WebhookId = Annotated[str, typer.Argument(metavar="ID", help="Id of the webhook, as listed.", show_default=False)]
BY_COMMAND = "command"
"""Who added what was added by a command."""


@group.command(
    "add",
    epilog=example(
        "leadline webhooks add https://example.com/hook --event export.failed",
    ),
)
def add(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="Address of the endpoint.", show_default=False)],
    event: Annotated[
        list[str],
        typer.Option(
            "--event",
            metavar="NAME",
            help="export.completed, export.failed, export.cancelled, source.failed, source.recovered, org_tree.changed or "
            "data.late; repeatable.",
            show_default=False,
        ),
    ],
    json: Json = False,
) -> None:
    """Add a webhook and print its secret, once.

    Messages are signed with it by the scheme of Standard Webhooks.
    """
    from leadline.administration import webhooks

    events = words(event, "--event")
    with opened(context) as project, in_option_words({"url": "URL"}):
        added = webhooks.add(project, url, events, created_by=BY_COMMAND, now=datetime.now(UTC))
    if json:
        emit_json(added.model_dump(mode="json"))
        return
    say(added.secret)
    note(f"Webhook {added.id}. Keep its secret now: it is shown this once.")


@group.command("list", epilog=example("leadline webhooks list --json"))
def list_webhooks(context: typer.Context, json: Json = False) -> None:
    """List the project's webhooks, and how they are doing."""
    from leadline.administration import webhooks

    with looked_at(context) as project:
        listed = webhooks.listed(project)
    if json:
        emit_json([webhook.model_dump(mode="json") for webhook in listed])
    elif not listed:
        say("None yet; `leadline webhooks add URL --event export.completed` adds one.")
    else:
        table(
            [Column("id", whole=True), "url", "events", "state", Column("waiting", number=True), "last success"],
            [
                [
                    *(webhook.id, clean(webhook.url), ", ".join(webhook.events), webhook.state),
                    *(count(webhook.waiting), instant(webhook.succeeded_at)),
                ]
                for webhook in listed
            ],
        )
        for webhook in listed:
            if webhook.error:
                say(f"{webhook.id}: {clean(webhook.error)}")


@group.command("remove", epilog=example("leadline webhooks remove wh_0123456789abcdef0123 --yes"))
def remove(context: typer.Context, webhook_id: WebhookId, yes: Yes = False, json: Json = False) -> None:
    """Remove a webhook; what it was not told yet it is never told."""
    from leadline.administration import webhooks

    confirmed(f"Remove the webhook {clean(webhook_id)}?", yes=yes)
    with opened(context) as project:
        webhooks.remove(project, webhook_id)
    if json:
        emit_json({"id": webhook_id, "removed": True})
    else:
        say(f"Removed {clean(webhook_id)}.")


@group.command("test", epilog=example("leadline webhooks test wh_0123456789abcdef0123"))
def try_out(context: typer.Context, webhook_id: WebhookId, json: Json = False) -> None:
    """Send a webhook a test message. One that was paused and takes it is told again."""
    from leadline.administration import webhooks

    with opened(context) as project:
        tried = webhooks.try_out(project, webhook_id, datetime.now(UTC))
    if json:
        emit_json(tried.model_dump(mode="json"))
    elif tried.delivered:
        say(f"{clean(webhook_id)} answered {tried.status}.")
    else:
        note(f"error: {clean(tried.error or '')}")
    if not tried.delivered:
        raise typer.Exit(1)
