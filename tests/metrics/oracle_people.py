"""The oracle's half about people: the org tree out of HR rows, and whose account is whose, naively and from the spec alone.

In come rows as dicts (data-model.md, "People and the org tree" and "Identity"); out go ``Node``s in preorder and an
``Accounts`` that answers for one account at a time. Nothing here uses leadline.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]

BOT_NAMES = {
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
}
AGENT_NAMES = {
    "copilot",
    "copilot[bot]",
    "copilot-swe-agent",
    "copilot-swe-agent[bot]",
    "devin-ai-integration",
    "devin-ai-integration[bot]",
    "google-labs-jules",
    "google-labs-jules[bot]",
    "chatgpt-codex-connector",
    "chatgpt-codex-connector[bot]",
    "claude[bot]",
    "cursor[bot]",
    "cursoragent",
    "sweep-ai[bot]",
    "openhands-agent",
    "factory-droid[bot]",
    "amazon-q-developer[bot]",
    "gemini-code-assist[bot]",
}
TRACKERS = {"jira", "linear", "azure-boards"}
NUMBERED = re.compile(r"(\d+)\+([^@]+)@users\.noreply\.github\.com")
NOREPLY = re.compile(r"(?:\d+\+)?([^@]+)@users\.noreply\.github\.com")


@dataclass
class Node:
    """A node of the tree: its own people (manager and reports who manage nobody) and the nodes under it."""

    name: str
    own: list[str]
    children: list[Node] = field(default_factory=list)
    key: str | None = None
    path: str = ""
    rules: dict[str, str] | None = None

    def preorder(self) -> list[Node]:
        return [self] + [node for child in self.children for node in child.preorder()]

    def people(self) -> set[str]:
        return {email for node in self.preorder() for email in node.own}


def managers_of(row: Row) -> list[str]:
    return [part.strip().lower() for part in (row.get("manager_email") or "").split(";") if part.strip()]


def tree_of(name: str, developers: Sequence[Row]) -> Node:
    """The tree out of HR rows; its root has paths filled in and siblings sorted by code point."""
    rows = {row["email"].lower(): row for row in developers}
    managers = {manager for row in developers for manager in managers_of(row)}
    tops = [email for email in rows if email in managers and not managers_of(rows[email])]

    def node(manager: str) -> Node:
        reports = [email for email in rows if manager in managers_of(rows[email])]
        own = [manager] + [email for email in reports if email not in managers]
        common = [{rows[email].get("team") or "" for email in people} for people in (own[1:], own)]
        shared = next((name for names in common if len(names) == 1 for name in names if name), "")
        under = [node(email) for email in reports if email in managers and managers_of(rows[email])[0] == manager]
        return Node(shared or f"{rows[manager]['full_name']}'s team", own, under)

    root = node(tops[0]) if len(tops) == 1 else Node(name, [], [node(top) for top in tops])
    root.name = name
    return finish(root)


def rules_of(text: str) -> dict[str, str]:
    """A work-type rule: `feature = Story, Epic; bug = Bug` → work type by type in lower case."""
    parts = [part.split("=") for part in text.split(";")]
    return {name.strip().lower(): kind.strip() for kind, names in parts for name in names.split(",")}


def with_rules(node: Node, settings: Mapping[str, str], above: dict[str, str] | None = None) -> Node:
    """The tree with each node's work-type rule: its own by its key, else the nearest ancestor's."""
    own = settings.get(f"team.{node.key}.work_type")
    node.rules = rules_of(own) if own else above
    for child in node.children:
        with_rules(child, settings, node.rules)
    return node


def nested(document: Row) -> Node:
    """The tree out of a nested file: ``name``, ``key``, ``members`` and ``children`` per node."""

    def node(part: Row) -> Node:
        members = part.get("members", [])
        own = [(one if isinstance(one, str) else one["email"]).lower() for one in members]
        return Node(part["name"], own, [node(child) for child in part.get("children", [])], part.get("key"))

    return finish(node(document))


def finish(root: Node, path: str = "") -> Node:
    root.path = f"{path}/{root.name}" if path else root.name
    root.children.sort(key=lambda child: child.name)
    for child in root.children:
        finish(child, root.path)
    return root


def team_of(email: str, scope: Node, developers: Mapping[str, Row]) -> Node:
    """The node of a developer's row: the first listed team in scope; a manager is one of the own node's people."""
    homes = [node for node in scope.preorder() if email in node.own]
    for manager in managers_of(developers[email]):
        for node in homes:
            if node.own[0] == manager:
                return node
    return homes[0]


def one_form(account: str) -> str:
    """An account or address as it is compared."""
    return unicodedata.normalize("NFC", account.lower())


class Accounts:
    """Whose account is whose (data-model.md "Identity") and what is a bot (metrics.md "Bots")."""

    def __init__(self, tables: Tables, people: set[str], bots: str = "", agents: str = "") -> None:
        self.people = people
        self.tables = tables
        self._known: dict[tuple[str, str, str], str | None] = {}
        self.agents = AGENT_NAMES | {part.strip().lower() for part in agents.split(",") if part.strip()}
        self.bots = BOT_NAMES | self.agents | {part.strip().lower() for part in bots.split(",") if part.strip()}

    def mapped(self, domain: str, source: str, account: str, table: str = "identities") -> str | None:
        """The mapping given: of the same source, or of any source with this domain's kind of tool first."""
        found = [
            (row["source"].lower(), row["email"].lower())
            for row in self.tables.get(table, [])
            if row["account"].lower() == account and (not source or row["source"].lower() == source) and row["email"]
        ]
        found.sort(key=lambda pair: ((pair[0] in TRACKERS) != (domain == "work"), pair[0]))
        return found[0][1] if found else None

    def developer(self, domain: str, source: str | None, account: str | None) -> str | None:
        """The developer (email) an account belongs to: ``domain`` is ``code``, ``work`` or ``git``."""
        if not account:
            return None
        key = (domain, (source or ("git" if domain == "git" else "")).lower(), one_form(account))
        return self._plain(*key) or self._renamed(*key)

    def _plain(self, domain: str, source: str, account: str) -> str | None:
        key = (domain, source, account)
        if key not in self._known:
            self._known[key] = self._developer(*key)
        return self._known[key]

    def _renamed(self, domain: str, source: str, account: str) -> str | None:
        """An account that was renamed is known by the number before its noreply login, if that names one developer."""
        if self.bot_name(account) or self.mapped(domain, source, account) is not None:
            return None
        numbers: dict[str, set[str]] = {}
        for address in self._addresses:
            number, login = NUMBERED.fullmatch(address).groups()
            numbers.setdefault(login, set()).add(number)
        if (own := NUMBERED.fullmatch(account)) is not None:
            mine = own[1]
        elif domain == "code" and source in ("", "github") and len(numbers.get(account, ())) == 1:
            (mine,) = numbers[account]
        else:
            return None
        owners = {self._plain("git", "git", one) for one in self._addresses if one.startswith(f"{mine}+")}
        owners |= {self._plain("code", "github", login) for login, of in numbers.items() if of == {mine}}
        owners -= {None}
        return owners.pop() if len(owners) == 1 else None

    @cached_property
    def _addresses(self) -> set[str]:
        """All noreply addresses with a number that are seen."""
        columns = ("author", "author_email", "merged_by", "assignee", "reporter", "from_value", "to_value")
        seen = {row.get(name) for rows in self.tables.values() for row in rows for name in columns}
        return {one_form(text) for text in seen if isinstance(text, str) and NUMBERED.fullmatch(one_form(text))}

    def _developer(self, domain: str, source: str, account: str) -> str | None:
        if (email := self.mapped(domain, source, account)) is not None:
            return email if email in self.people else None
        if account in self.people:
            return account
        told = self.mapped(domain, source, account, "tool_accounts")
        if told in self.people and not self.bot_name(account):
            return told
        if domain == "git":
            hidden = NOREPLY.fullmatch(account)
            return self._plain("code", "github", hidden[1]) if hidden else None
        if self.bot_name(account):
            return None
        beside = {self._of_email(email) for email in self._emails_beside(account)} - {None}
        return beside.pop() if len(beside) == 1 else None

    def _of_email(self, email: str) -> str | None:
        mapped = self.mapped("git", "git", email)
        if mapped is not None:
            return mapped if mapped in self.people else None
        return email if email in self.people else None

    def _emails_beside(self, account: str) -> set[str]:
        emails = {(row["repository"], row["sha"]): row.get("author_email") for row in self.tables.get("commits", [])}
        seen = {
            emails.get((row["repository"], row["sha"]))
            for row in self.tables.get("pull_request_commits", [])
            if (row.get("author") or "").lower() == account
        }
        return {email.lower() for email in seen if email}

    def bot(self, domain: str, source: str | None, account: str) -> bool:
        return self.bot_name(account.lower()) and self.developer(domain, source, account) is None

    def agent(self, domain: str, source: str | None, account: str) -> bool:
        return self._agent_name(account.lower()) and self.developer(domain, source, account) is None

    def bot_name(self, account: str) -> bool:
        plain = account.removeprefix("app/")
        return plain.endswith(("[bot]", "-bot")) or plain in self.bots or self._agent_name(account)

    def _agent_name(self, account: str) -> bool:
        """Listed, also as `app/NAME`, which is how an app `NAME[bot]` may be written."""
        plain = account.removeprefix("app/")
        return plain in self.agents or (plain != account and f"{plain}[bot]" in self.agents)
