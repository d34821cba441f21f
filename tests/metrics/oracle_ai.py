"""The oracle of AI tools: what has a mark, and how much tools were used, the slow and obvious way.

It knows some tools only; worlds and cases have marks of these and of nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from fractions import Fraction

from .oracle_events import Commit, PullRequest, World
from .oracle_people import Accounts, Row, one_form

AI_COLUMNS = (
    "PR_AI_Assisted",
    "PR_AI_Percent",
    "Commits_AI_Percent",
    "LOC_Added_AI",
    "Code_AI_Percent",
    "Code_AI_Basis",
    "AI_Active_Days",
    "AI_Lines_Suggested",
    "AI_Lines_Accepted",
    "AI_Acceptance_Percent",
    "AI_Cost",
    "AI_Adoption_Percent",
    "AI_Licensed",
    "PR_Merged_By_Agents",
)
AI_TEAM_ONLY = ("AI_Adoption_Percent", "AI_Licensed", "PR_Merged_By_Agents")
ADDRESSES = {"noreply@anthropic.com", "cursoragent@cursor.com", "amp@ampcode.com", "noreply@openai.com"}
LOGINS = {"copilot", "cursor[bot]", "devin-ai-integration[bot]", "google-labs-jules[bot]", "claude[bot]"}
NAMES = ("copilot", "claude code", "cursor agent", "aider")
SHARED = ("claude", "cursor", "devin", "codex")
KEYS = ("co-authored-by", "assisted-by", "generated-by", "ai-assisted")
NUMBERS = (
    *("sessions", "interactions", "suggestions", "acceptances", "lines_suggested", "lines_accepted"),
    *("commits", "pull_requests", "input_tokens", "output_tokens"),
)
Cell = str | Fraction | None


def says(text: str, words: Sequence[str]) -> bool:
    return any(re.search(rf"(?<![^\W_]){re.escape(one)}(?![^\W_])", text) for one in words)


class Marks:
    """Which rows of a world have a mark."""

    def __init__(self, world: World, accounts: Accounts) -> None:
        self.world, self.accounts = world, accounts
        self.told = {(row["repository"], row["sha"].lower()): row for row in world.rows("commit_ai")}
        self.commits_of = {(row["repository"], row["sha"]): row for row in world.rows("commits")}
        self.own_agents = {one.strip().lower() for one in world.setting("ai.agents").split(",")} - {""}

    def is_tools(self, address: str) -> bool:
        """Whether an address or account is a tool's."""
        named = re.fullmatch(r"(?:\d+[+-])?([^@]+)@users\.noreply\..+", address)
        login = named[1] if named else address.removeprefix("app/")
        forms = {login, f"{login}[bot]" if address.startswith("app/") else login, login.partition("@")[0]}
        return address in ADDRESSES or bool(forms & (LOGINS | self.own_agents))

    def has_mark(self, text: str | None) -> bool:
        for line in (text or "").split("\n"):
            lower = line.strip("\r").lower()
            key, colon, rest = lower.partition(":")
            if colon and key.rstrip() in KEYS and key[0] != " " and self._names_a_tool(key.rstrip(), rest.strip()):
                return True
            footer = re.match(r"[\W_]*generated with \[([^\]]+)\]", lower)
            if footer and says(footer[1], (*NAMES, *SHARED, "claude-code")):
                return True
        return False

    def _names_a_tool(self, key: str, rest: str) -> bool:
        name, _, address = rest.rpartition("<") if rest.endswith(">") else (rest, "", "")
        if address and self.is_tools(address.rstrip(">")):
            return True
        if says(name, NAMES):
            return True
        alone = not address
        return alone and (name in SHARED or (key != "co-authored-by" and says(name, SHARED)))

    def of_commit(self, row: Row) -> bool:
        told = self.told.get((row["repository"], row["sha"]), {})
        if told.get("tool") or (told.get("lines_ai") or 0) > 0:
            return True
        return self.has_mark(row.get("message")) or any(
            self.is_tools(one_form(address)) and self.accounts.developer("git", row.get("source"), address) is None
            for address in (row.get("author_email"), row.get("committer_email"))
            if address
        )

    def lines(self, row: Row) -> int | None:
        return self.told.get((row["repository"], row["sha"]), {}).get("lines_ai")

    def by_agent(self, row: Row) -> bool:
        author = row.get("author")
        return bool(author) and self.accounts.agent("code", row.get("source"), author)

    def of_pull_request(self, row: Row) -> bool:
        listed = [
            one
            for one in self.world.rows("pull_request_commits")
            if (one["repository"], one["number"]) == (row["repository"], row["number"])
        ]
        shas = [one["sha"] for one in listed] + [row.get("merge_commit_sha")]
        known = [self.commits_of.get((row["repository"], sha)) for sha in shas]
        return (
            self.by_agent(row)
            or any(self.of_commit(one) for one in known if one is not None)
            or any(self.is_tools(one_form(one["author"])) for one in listed if one.get("author"))
            or self.has_mark(row.get("body"))
        )


class Usage:
    """The rows of ``ai_usage``, with whose they are."""

    def __init__(self, world: World, accounts: Accounts) -> None:
        self.world = world
        self.rows = [
            {**row, "on": date.fromisoformat(row["day"]), "who": self._who(accounts, row), "active": self._active(row)}
            for row in world.rows("ai_usage")
        ]

    @staticmethod
    def _who(accounts: Accounts, row: Row) -> str | None:
        """By the account's mapping, address or what a tool says of it; by the email; by what the account did besides."""
        source, account = (row.get("source") or "").lower(), one_form(row["account"])
        if (mapped := accounts.mapped("code", source, account)) is not None:
            return mapped if mapped in accounts.people else None
        told = accounts.mapped("code", source, account, "tool_accounts")
        plain = [account, *([told] if told and not accounts.bot_name(account) else [])]
        return next((one for one in plain if one in accounts.people), None) or (
            accounts.developer("git", None, row.get("email")) or accounts.developer("code", row.get("source"), account)
        )

    @staticmethod
    def _active(row: Row) -> bool:
        given = row.get("active")
        return any((row.get(name) or 0) > 0 for name in NUMBERS) if given is None else bool(given)

    def cost(self, row: Row) -> Fraction | None:
        own = self.world.setting("ai.currency").upper()
        cost, currency = row.get("cost"), row.get("currency") or own
        return None if cost is None or currency.upper() != own else Fraction(str(cost))

    def read(self, first: date, last: date, has: Callable[[Row], object]) -> bool:
        """Whether the period is one of which something was read that there is."""
        days = [row["on"] for row in self.rows if has(row) is not None]
        return bool(days) and min(days) <= last and max(days) >= first


def ai_metrics(
    marks: Marks,
    usage: Usage,
    commits: Sequence[Commit],
    requests: Sequence[PullRequest],
    people_on: Callable[[date], set[str]],
    people: set[str],
    first: date,
    last: date,
) -> dict[str, Cell]:
    """Every metric of AI tools in one row."""
    marked = [one for one in commits if marks.of_commit(one.row)]
    told = [one for one in commits if marks.lines(one.row) is not None]
    untold = [one for one in marked if marks.lines(one.row) is None]
    lines = sum(min(marks.lines(one.row) or 0, one.added) for one in told) + sum(one.added for one in untold)
    added = sum(one.added for one in commits)
    assisted = [one for one in requests if marks.of_pull_request(one.row)]
    used = [row for row in usage.rows if first <= row["on"] <= last and row["who"] in people_on(row["on"])]
    active = [row for row in used if row["active"]]
    both = [row for row in used if row.get("suggestions") is not None and row.get("acceptances") is not None]

    def known(has: Callable[[Row], object], value: Fraction | int | None) -> Fraction | None:
        return None if value is None or not usage.read(first, last, has) else Fraction(value)

    def total(name: str) -> Fraction | None:
        return known(lambda row: row.get(name), sum(row.get(name) or 0 for row in used))

    def percent(part: Fraction | int, whole: Fraction | int) -> Fraction | None:
        return Fraction(part * 100) / whole if whole else None

    return {
        "PR_AI_Assisted": Fraction(len(assisted)),
        "PR_AI_Percent": percent(len(assisted), len(requests)),
        "Commits_AI_Percent": percent(len(marked), len(commits)),
        "LOC_Added_AI": Fraction(lines),
        "Code_AI_Percent": percent(lines, added),
        "Code_AI_Basis": "commits" if untold else "lines" if told else None,
        "AI_Active_Days": known(lambda row: row["active"], len({(row["who"], row["on"]) for row in active})),
        "AI_Lines_Suggested": total("lines_suggested"),
        "AI_Lines_Accepted": total("lines_accepted"),
        "AI_Acceptance_Percent": percent(
            sum(row["acceptances"] for row in both), sum(row["suggestions"] for row in both)
        ),
        "AI_Cost": known(usage.cost, sum((usage.cost(row) or Fraction(0) for row in used), Fraction(0))),
        "AI_Adoption_Percent": known(
            lambda row: row["active"], percent(len({row["who"] for row in active}), len(people))
        ),
        "AI_Licensed": known(lambda row: row.get("licensed"), len({row["who"] for row in used if row.get("licensed")})),
        "PR_Merged_By_Agents": Fraction(sum(marks.by_agent(one.row) for one in requests)),
    }
