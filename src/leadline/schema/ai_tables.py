"""The tables of what AI tools did: lines of commits that they wrote, and how much they were used."""

from __future__ import annotations

from leadline.schema.columns import REPOSITORY, SHA, count, text
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
