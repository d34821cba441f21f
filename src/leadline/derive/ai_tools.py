"""The AI tools that write code, as data: by which addresses, accounts and names what they wrote is known (metrics, "AI").

Most were found on commits of public histories: the addresses, accounts and names of openhands, roo-code, cursor, devin, jules,
ellipsis, codeflash, mentat, sweep, droid, codex (but for its connector) and claude-code (but for `claude[bot]`, `claude 4` and
`claude flow`); `copilot` and `copilot-swe-agent[bot]`; `gemini-code-assist[bot]` and `gemini cli`; the names of aider and opencode.
The others were not found in the histories that were looked at, and are as tools are said to write them: all of crush, amp, warp and
amazon-q, the addresses of opencode and aider, `copilot@github.com`, and further spellings of accounts, as the plain names of apps.
The setting `ai.markers` adds tools, addresses and names of a project.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

CLAUDE_CODE, COPILOT, CURSOR = "claude-code", "copilot", "cursor"
"""Tools that sources read, too."""


@dataclass(frozen=True)
class AiTool:
    """One tool; all that it is known by is in lower case.

    ``accounts`` are those under which it writes by itself: an app whose plain name somebody may have as an account (`claude`,
    `cursor`) is listed with its `[bot]` alone. ``addresses`` stand in its commits and trailers. ``names`` are words that nobody
    is called, which a trailer may have anywhere; ``shared`` are called so by people, too: they say something only where no address
    stands beside them.
    """

    name: str
    accounts: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()


AI_TOOLS: tuple[AiTool, ...] = (
    # Those that run the models of others come first: `Claude Sonnet 4 via Crush`.
    AiTool(
        "crush",
        addresses=("crush@charm.land", "noreply@crush.charm.land"),
        names=("charm crush", "via crush"),
        shared=("crush",),
    ),
    AiTool("amp", addresses=("amp@ampcode.com",), names=("sourcegraph amp",), shared=("amp",)),
    AiTool("opencode", addresses=("noreply@opencode.ai",), names=("opencode",)),
    AiTool("warp", addresses=("agent@warp.dev",), names=("warp agent",)),
    AiTool(
        "openhands",
        ("openhands-agent",),
        (
            "openhands@all-hands.dev",
            "openhands-claude@all-hands.dev",
            "opendevin@all-hands.dev",
            "opendevin@opendevin.ai",
            "bot@opendevin.com",
        ),
        ("openhands", "opendevin"),
    ),
    AiTool(
        "roo-code",
        ("roomote[bot]", "roomote-v0[bot]"),
        ("roomote@roocode.com", "support@roocode.com", "support@roo.vet"),
        ("roo code",),
    ),
    AiTool("aider", addresses=("aider@aider.chat", "noreply@aider.dev"), names=("aider",)),
    AiTool(CURSOR, ("cursor[bot]", "cursoragent"), ("cursoragent@cursor.com",), ("cursor agent",), ("cursor",)),
    AiTool(
        COPILOT,
        ("copilot", "copilot[bot]", "copilot-swe-agent", "copilot-swe-agent[bot]"),
        ("copilot@github.com",),
        ("copilot",),
    ),
    AiTool("devin", ("devin-ai-integration", "devin-ai-integration[bot]"), names=("devin ai",), shared=("devin",)),
    AiTool("jules", ("google-labs-jules", "google-labs-jules[bot]"), names=("google labs jules",), shared=("jules",)),
    AiTool(
        "codex",
        ("chatgpt-codex-connector", "chatgpt-codex-connector[bot]", "openai-codex[bot]"),
        ("codex@openai.com", "noreply@openai.com"),
        ("openai codex",),
        ("codex",),
    ),
    AiTool("droid", ("factory-droid[bot]",), names=("factory droid",)),
    AiTool("ellipsis", ("ellipsis-dev[bot]",), names=("ellipsis dev",)),
    AiTool("codeflash", ("codeflash-ai[bot]",), names=("codeflash ai",)),
    AiTool("mentat", ("mentatbot",)),
    AiTool("sweep", ("sweep-ai[bot]",)),
    AiTool("amazon-q", ("amazon-q-developer[bot]",), names=("amazon q developer",)),
    AiTool("gemini", ("gemini-code-assist[bot]",), names=("gemini code assist", "gemini cli"), shared=("gemini",)),
    AiTool(
        CLAUDE_CODE,
        ("claude[bot]",),
        ("noreply@anthropic.com", "claude@anthropic.com"),
        (
            *("claude code", "claude opus", "claude sonnet", "claude haiku", "claude fable"),
            *("claude 3", "claude 4", "claude flow"),
        ),
        ("claude",),
    ),
)
"""All tools; where several are named, the first counts."""

_ALIASES = {"claude": CLAUDE_CODE, "github-copilot": COPILOT}
"""Further names under which tools are told."""


def tools_with(markers: Mapping[str, Sequence[str]], agents: Sequence[str] = ()) -> tuple[AiTool, ...]:
    """The tools there are, with what a project adds: ``markers`` are addresses (with an @) and names by tool, ``agents`` accounts,
    each a tool of its own. What the project says goes before."""
    given = {name: _marked(name, words) for name, words in markers.items()}
    known = [_both(tool, given.pop(tool.name)) if tool.name in given else tool for tool in AI_TOOLS]
    listed = {account for tool in AI_TOOLS for account in tool.accounts}
    own = [AiTool(account, (account,)) for account in map(_lower, agents) if account not in listed]
    return (*given.values(), *known, *own)


def aliases(tools: Sequence[AiTool]) -> dict[str, str]:
    """How tools may be told of a commit, and which they are: by their names, and as others call them."""
    plain = {name.replace(" ", "-"): tool.name for tool in reversed(tools) for name in (*tool.shared, *tool.names)}
    return {**plain, **_ALIASES}


def _marked(name: str, words: Sequence[str]) -> AiTool:
    lower = [_lower(word) for word in words]
    addresses = tuple(word for word in lower if "@" in word)
    return AiTool(name, addresses=addresses, names=tuple(word for word in lower if "@" not in word))


def _both(tool: AiTool, more: AiTool) -> AiTool:
    return replace(tool, addresses=(*tool.addresses, *more.addresses), names=(*tool.names, *more.names))


def _lower(text: str) -> str:
    return " ".join(text.lower().split())
