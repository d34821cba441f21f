"""What Bitbucket's answers about repositories and pull requests mean: rows of the data model, with times in UTC.

An account is the Atlassian account id, which stays and which Jira cloud has, too; names that people give themselves are not
unique. A record that lacks its shape raises ``Misshapen``, which names where.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Any

from leadline.sources.kit.page import Row
from leadline.sources.kit.records import Node, Rows, at_path, cleaned, inner, objects, utc
from leadline.sources.kit.text import Misshapen

SOURCE = "bitbucket"

STATES = {"OPEN": "open", "MERGED": "merged", "DECLINED": "closed", "SUPERSEDED": "closed"}
VERDICTS = {"approval": "approved", "changes_requested": "changes_requested"}
"""How entries of an activity tell of reviews."""
_UNKNOWN = "unknown"
"""The account id of those whom Atlassian lost."""


def identity(value: Any) -> str | None:
    """A uuid without its braces."""
    return value.strip("{}") or None if isinstance(value, str) else None


def account(user: Node | None) -> str | None:
    """The account of a person; that of an app, an access token or a workspace is its name with ``[bot]``, as other tools write
    it. Deleted users have none."""
    if user is None:
        return None
    person = user.get("account_id") or identity(user.get("uuid"))
    if user.get("type", "user") != "user":
        name = user.get("nickname") or user.get("username") or user.get("display_name") or person
        return f"{name}[bot]" if isinstance(name, str) and name else None
    return person if isinstance(person, str) and person.lower() != _UNKNOWN else None


def accounts(users: Iterable[Node | None], emails: Mapping[str, str] | None = None) -> list[Row]:
    """The rows of ``tool_accounts``, each once: the names of ``users``, and the ``emails`` by account."""
    by_name: dict[str, Row] = {}
    for user in users:
        name = account(user)
        if user is None or name is None or name.endswith("[bot]"):
            continue
        shown = user.get("display_name") or user.get("nickname") or None
        row = cleaned(source=SOURCE, account=name, email=(emails or {}).get(name), name=shown)
        if row["email"] or row["name"]:
            by_name[name] = row
    return list(by_name.values())


def repository_row(node: Node) -> Row:
    """The row of ``repositories``."""
    return cleaned(
        repository=node.get("full_name"), url=_link(node), default_branch=(inner(node, "mainbranch") or {}).get("name")
    )


def pull_request_rows(repository: str, node: Node) -> Rows:
    """A pull request with its lists: rows of the tables of pull requests. Lists that the node lacks give no key.

    Beside what Bitbucket tells of one, the node has ``activity``, ``commits`` and ``files``, and as ``merged`` the commit that
    the merge made."""
    key = {"repository": repository, "number": node.get("id")}
    rows: Rows = {"pull_requests": [_pull_request(key, node)]}
    users = [inner(node, "author"), inner(node, "closed_by")]
    emails: dict[str, str] = {}
    if node.get("commits") is not None:
        commits = objects(node["commits"], "commits")
        rows["pull_request_commits"] = [_commit(key, commit) for commit in commits]
        users += [at_path(commit, "author", "user") for commit in commits]
        emails = _emails(commits)
    if node.get("files") is not None:
        rows["pull_request_files"] = [_file(key, file) for file in objects(node["files"], "files")]
    if node.get("activity") is not None:
        entries = objects(node["activity"], "activity")
        comments = [comment for entry in entries if (comment := inner(entry, "comment")) is not None]
        rows["reviews"] = _reviews(key, entries, _standing(node))
        rows["comments"] = [comment_row(key, comment) for comment in comments if is_said(comment)]
        users += [inner(comment, "user") for comment in comments]
        users += [at_path(entry, name, "user") for entry in entries for name in VERDICTS]
    rows["tool_accounts"] = accounts(users, emails)
    return rows


def _pull_request(key: Row, node: Node) -> Row:
    told = str(node.get("state"))
    state = STATES.get(told)
    updates = _updates(node)
    merged, closed = state == "merged", state in ("merged", "closed")
    commit = inner(node, "merged") or {}
    ended = _ended(told, updates) if closed else None
    if merged and ended is None:  # a merge that was imported; the commit was made with it
        ended = utc(commit.get("date"))
    files = None if node.get("files") is None else objects(node["files"], "files")
    return cleaned(
        **key,
        title=node.get("title"),
        body=node.get("description"),
        author=account(inner(node, "author")),
        state=state or node.get("state"),
        draft=node.get("draft"),
        created_at=utc(node.get("created_on")),
        ready_at=_ready(updates),
        merged_at=ended if merged else None,
        closed_at=ended,
        merged_by=account(inner(node, "closed_by")) if merged else None,
        base_branch=(at_path(node, "destination", "branch") or {}).get("name"),
        head_branch=(at_path(node, "source", "branch") or {}).get("name"),
        merge_commit_sha=commit.get("hash") if merged else None,
        additions=None if files is None else _sum(files, "lines_added"),
        deletions=None if files is None else _sum(files, "lines_removed"),
        changed_files=None if files is None else len(files),
        url=_link(node),
        source=SOURCE,
        updated_at=utc(node.get("updated_on")),
    )


def _updates(node: Node) -> list[Node]:
    """The updates that the activity tells of, the first of them first; of two of one instant, the one listed later is the earlier
    one."""
    updates = [inner(entry, "update") for entry in objects(node.get("activity"), "activity")]
    return sorted(
        (update for update in reversed(updates) if update is not None), key=lambda update: str(utc(update.get("date")))
    )


def _ended(state: str, updates: list[Node]) -> Any:
    """When it came into the ``state`` in which it is: later updates, of its title and the like, tell of the same state."""
    began = None
    for update in updates:
        if update.get("state") != state:
            began = None
        elif began is None:
            began = utc(update.get("date"))
    return began


def _ready(updates: list[Node]) -> Any:
    """When it was first marked as no draft any more; None if it never was one, or is one still."""
    was_draft = False
    for update in updates:
        change = at_path(update, "changes", "draft") or {}
        is_draft = change.get("new", update.get("draft"))
        if is_draft is False and (was_draft or change.get("old") is True):
            return utc(update.get("date"))
        was_draft = is_draft is True if isinstance(is_draft, bool) else was_draft
    return None


def _standing(node: Node) -> dict[str | None, str | None] | None:
    """By account, the verdict that stands of those who take part; None if it is not told."""
    if node.get("participants") is None:
        return None
    participants = objects(node["participants"], "participants")
    return {
        account(inner(one, "user")): one.get("state") or ("approved" if one.get("approved") is True else None)
        for one in participants
    }


def _reviews(key: Row, entries: list[Node], standing: Mapping[str | None, str | None] | None) -> list[Row]:
    """The verdicts that the activity tells of. The last one of somebody that does not stand any more is dismissed: it was taken
    back, or a push reset it."""
    told = [
        (state, verdict)
        for entry in entries
        for name, state in VERDICTS.items()
        if (verdict := inner(entry, name)) is not None
    ]
    rows = [review_row(key, state, verdict) for state, verdict in told]
    rows.sort(key=lambda row: str(row["submitted_at"]))
    last = {row["author"]: row for row in rows if row["author"] is not None}
    for author, row in last.items():
        if standing is not None and author in standing and standing[author] != row["state"]:
            row["state"] = "dismissed"
    return rows


def review_row(key: Row, state: str, verdict: Node) -> Row:
    """A review. It has no id: what it says, and when to the microsecond, tells it from others. Who must not be in an id, which
    stays when somebody is forgotten."""
    who, at, date = account(inner(verdict, "user")), utc(verdict.get("date")), verdict.get("date")
    if not isinstance(date, str):
        raise Misshapen(f"the date of a review is no instant but {str(date)[:40]!r}")
    return cleaned(
        **key,
        review_id=f"{state}-{_exactly(date)}",
        author=who,
        state=state,
        submitted_at=at,
        source=SOURCE,
        updated_at=at,
    )


def _exactly(date: str) -> str:
    try:
        return datetime.fromisoformat(date).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    except ValueError:
        return date


def is_said(comment: Node) -> bool:
    """Whether a comment is there for others: neither deleted nor part of a review that is not sent yet."""
    return comment.get("deleted") is not True and comment.get("pending") is not True


def comment_row(key: Row, node: Node) -> Row:
    """A comment."""
    number = node.get("id")
    return cleaned(
        **key,
        comment_id=None if number is None else str(number),
        author=account(inner(node, "user")),
        kind="discussion" if node.get("inline") is None else "review",
        created_at=utc(node.get("created_on")),
        source=SOURCE,
        updated_at=utc(node.get("updated_on")),
    )


def _commit(key: Row, node: Node) -> Row:
    """A commit. Bitbucket tells one date of it, the author's."""
    return cleaned(
        **key,
        sha=node.get("hash"),
        author=account(at_path(node, "author", "user")),
        authored_at=utc(node.get("date")),
        source=SOURCE,
    )


def _emails(commits: list[Node]) -> dict[str, str]:
    """The email of the last commit of each account that Bitbucket knows the author of a commit by."""
    emails: dict[str, str] = {}
    for commit in sorted(commits, key=lambda commit: str(utc(commit.get("date")))):
        raw = (inner(commit, "author") or {}).get("raw")
        name, email = account(at_path(commit, "author", "user")), parseaddr(raw)[1] if isinstance(raw, str) else ""
        if name is not None and "@" in email:
            emails[name] = email
    return emails


def _file(key: Row, node: Node) -> Row:
    after = inner(node, "new") or inner(node, "old") or {}
    return cleaned(
        **key, path=after.get("path"), additions=node.get("lines_added"), deletions=node.get("lines_removed")
    )


def _sum(files: list[Node], name: str) -> int:
    return sum(value for file in files if isinstance(value := file.get(name), int))


def _link(node: Node) -> Any:
    return (at_path(node, "links", "html") or {}).get("href")
