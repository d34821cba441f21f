"""The tables of what AI tools did: lines of commits that they wrote, and how much they were used."""

from __future__ import annotations

from leadline.schema.columns import REPOSITORY, SHA, account, address, boolean, count, day, decimal, text
from leadline.schema.table import Table

COMMIT_AI = Table(
    "commit_ai",
    "Commits that an AI tool is known to have had part in, as git notes or whoever counts its lines tell it.",
    ("repository", "sha"),
    (
        REPOSITORY,
        SHA,
        text(
            "tool",
            "The tool, as `claude-code`, `copilot` or `cursor`; of several the one with most lines. Empty: none.",
        ),
        count("lines_ai", "Lines of the commit that the tools wrote; empty: not known."),
    ),
)
AI_USAGE = Table(
    "ai_usage",
    "How much AI tools were used, by day, account and model, as they report it. What a tool does not report is unknown, not 0.",
    ("tool", "day", "account", "model"),
    (
        text("tool", "The tool, as `claude-code`, `copilot` or `cursor`."),
        day("day", "The day, as the tool has it."),
        account("account", "Account of who used it, as the tool names it."),
        text("model", "Model; empty: of all, or not told."),
        address("email", "Email of who used it, if the tool gives it."),
        boolean("active", "Whether it was used on the day; empty: it was if any number below is more than 0."),
        count("sessions", "Sessions."),
        count("interactions", "Requests and chats that somebody began."),
        count("suggestions", "Suggestions and edits that were offered."),
        count("acceptances", "Those of them that were accepted."),
        count("lines_suggested", "Lines that were offered."),
        count("lines_accepted", "Lines that were accepted."),
        count("commits", "Commits made with it."),
        count("pull_requests", "Pull requests made with it."),
        count("input_tokens", "Tokens read."),
        count("output_tokens", "Tokens written."),
        decimal("cost", "Cost in `currency`."),
        text("currency", "Currency of the cost, as `USD`; empty: that of the setting `ai.currency`."),
        boolean("licensed", "Whether the account had a licence (a seat) on the day."),
    ),
    accounts=True,
    may_be_unknown=frozenset({"model"}),
)
