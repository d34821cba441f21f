"""Which accounts are bots, and which of these are AI agents that write pull requests, by their names alone (metrics, "Bots" and
"An agent's PR")."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
from ibis.expr.types import BooleanValue, StringValue

from leadline.derive.ai_tools import AI_TOOLS, AiTool
from leadline.derive.noreply import NOREPLY

BOTS = (
    "dependabot",
    "dependabot-preview",
    "renovate",
    "renovate-bot",
    "github-actions",
    "codecov",
    "codecov-io",
    "codecov-commenter",
    "coveralls",
    "snyk-bot",
    "greenkeeper",
    "sonarcloud",
    "mergify",
    "fossabot",
    "allcontributors",
    "imgbot",
    "web-flow",
)
"""The built-in list of the metric definitions; names ending in `[bot]` or `-bot` are bots besides."""

AGENTS = tuple(account for tool in AI_TOOLS for account in tool.accounts)
"""AI agents: the accounts under which AI tools write by themselves."""

_APP = "app/"
"""How GitHub's command line writes the account of an app."""


def is_bot_name(account: StringValue, bots: Sequence[str] = (), agents: Sequence[str] = ()) -> BooleanValue:
    """Whether an account (lower case) is a bot by its name; ``bots`` and ``agents`` are the project's own."""
    names = _names(account)
    listed = sorted({*BOTS, *_lower(bots)})
    is_bot = [name.endswith("[bot]") | name.endswith("-bot") | name.isin(listed) for name in names]
    return is_bot[0] | is_bot[1] | is_bot[2] | is_agent_name(account, agents)


def is_agent_name(account: StringValue, agents: Sequence[str] = ()) -> BooleanValue:
    """Whether an account (lower case) is an AI agent by its name; ``agents`` are the project's own."""
    listed = {*AGENTS, *_lower(agents)}
    apps = {_APP + name.removesuffix("[bot]") for name in listed}
    named = [name.isin(sorted(listed)) for name in _names(account)]
    return named[0] | named[1] | named[2] | account.isin(sorted(apps))


def tool_of_account(account: StringValue, tools: Sequence[AiTool]) -> StringValue:
    """The tool of ``tools`` whose account or address it is (in lower case); unknown for any other."""
    named = _names(account)
    branches = []
    for tool in tools:
        if tool.accounts:
            apps = [_APP + name.removesuffix("[bot]") for name in tool.accounts]
            mine = [name.isin(sorted(tool.accounts)) for name in named]
            branches.append((mine[0] | mine[1] | mine[2] | account.isin(sorted(apps)), tool.name))
        if tool.addresses:
            branches.append((account.isin(sorted(tool.addresses)), tool.name))
    return ibis.cases(*branches)


def _names(account: StringValue) -> tuple[StringValue, StringValue, StringValue]:
    """What is judged: the name, of an address what stands before the @, and the account that a noreply address carries."""
    name = account.re_replace(f"^{_APP}", "")
    return name, name.re_extract(r"^([^@]+)@.+$", 1), name.re_extract(NOREPLY, 1)


def _lower(names: Sequence[str]) -> set[str]:
    return {name.strip().lower() for name in names}
