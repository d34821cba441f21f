"""What GitLab's answers mean: rows of the data model, with times in UTC, of GraphQL's records, of deployments REST's.

A record that lacks its shape raises ``Misshapen``, which names where.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.page import Row
from leadline.sources.kit.records import GHOST, Node, Rows, cleaned, elements, inner, objects, utc

SOURCE = "gitlab"

STATES = {"opened": "open", "locked": "open", "merged": "merged", "closed": "closed"}
"""A merge request is locked while it is being merged."""
OUTCOMES = {"success": "success", "failed": "failure", "canceled": "cancelled", "skipped": "cancelled"}
"""The states of pipelines and deployments that end them, and the outcome they are for a deployment."""

_BOT = re.compile(r"(project|group)_\d+_bot(_?[0-9a-f]+)?")
_READY = re.compile(
    r"marked this merge request as \*\*ready\*\*|unmarked (this merge request )?as a \*\*(work in progress|draft)\*\*",
    re.IGNORECASE,
)
_VERDICTS = (
    ("approved this merge request", "approved"),
    ("requested changes", "changes_requested"),
    ("left review comments", "commented"),
)
"""How system notes tell of reviews."""
_RESET = re.compile(r"reset approvals from (.*?) by ")


def number(identity: Any) -> str | None:
    """The number in a global id (``gid://gitlab/Note/7``) or an id that is one."""
    text = str(identity or "").rpartition("/")[2]
    return text or None


def account(user: Node | None) -> str | None:
    """A username. That of an access token's bot gets ``[bot]``, as other tools write it; deleted users have none."""
    if user is None or not isinstance(name := user.get("username"), str) or not name or name == GHOST:
        return None
    return f"{name}[bot]" if _BOT.fullmatch(name) else name


def repository_row(node: Node) -> Row:
    """The row of ``repositories``."""
    branch = (inner(node, "repository") or {}).get("rootRef")
    return cleaned(repository=node.get("fullPath"), url=node.get("webUrl"), default_branch=branch)


def merge_request_rows(project: str, node: Node) -> Rows:
    """A merge request with its lists: rows of the tables of pull requests. Lists that the node lacks give no key."""
    key = {"repository": project, "number": _integer(node.get("iid"))}
    files = None if node.get("diffStats") is None else objects(node["diffStats"], "diffStats")
    users = [inner(node, "author"), inner(node, "mergeUser"), *elements(node, "assignees")]
    rows: Rows = {"pull_requests": [_merge_request(key, node, files)]}
    if node.get("commits") is not None:
        rows["pull_request_commits"] = [_commit(key, commit) for commit in elements(node, "commits")]
        users += [inner(commit, "author") for commit in elements(node, "commits")]
    if files is not None:
        rows["pull_request_files"] = [_file(key, file) for file in files]
    if node.get("notes") is not None:
        notes = sorted(elements(node, "notes"), key=_in_order)
        approvers = elements(node, "approvedBy")
        rows["reviews"] = _reviews(key, notes, approvers)
        rows["comments"] = [_comment(key, note) for note in notes if note.get("system") is False]
        users += [*approvers, *(inner(note, "author") for note in notes)]
    rows["tool_accounts"] = accounts(users)
    return rows


def accounts(users: Iterable[Node | None]) -> list[Row]:
    """The rows of ``tool_accounts``, each once: what ``users`` say of themselves, by public email and name."""
    by_name: dict[str, Row] = {}
    for user in users:
        name = account(user)
        if user is None or name is None or name.endswith("[bot]"):
            continue
        row = cleaned(source=SOURCE, account=name, email=user.get("publicEmail") or None, name=user.get("name") or None)
        if row["email"] or row["name"]:
            by_name[str(row["account"])] = row
    return list(by_name.values())


def _merge_request(key: Row, node: Node, files: list[Node] | None) -> Row:
    state = STATES.get(str(node.get("state")).lower())
    ready = [note for note in elements(node, "notes") if note.get("system") is True and _READY.match(_body(note))]
    merged = state == "merged"
    sha = node.get("mergeCommitSha") or node.get("squashCommitSha") or node.get("diffHeadSha")
    return cleaned(
        **key,
        title=node.get("title"),
        body=node.get("description"),
        author=account(inner(node, "author")),
        state=state or node.get("state"),
        draft=node.get("draft"),
        created_at=utc(node.get("createdAt")),
        ready_at=min((str(utc(note.get("createdAt"))) for note in ready), default=None),
        merged_at=utc(node.get("mergedAt")) if merged else None,
        closed_at=utc(node.get("mergedAt") if merged else node.get("closedAt")),
        # On an open one it is who asked for its merge once its pipeline succeeds.
        merged_by=account(inner(node, "mergeUser")) if merged else None,
        base_branch=node.get("targetBranch"),
        head_branch=node.get("sourceBranch"),
        merge_commit_sha=sha if merged else None,
        additions=None if files is None else _sum(files, "additions"),
        deletions=None if files is None else _sum(files, "deletions"),
        changed_files=None if files is None else len(files),
        labels=_labels(node),
        assignees=_assignees(node),
        url=node.get("webUrl"),
        source=SOURCE,
        updated_at=utc(node.get("updatedAt")),
    )


def _assignees(node: Node) -> list[str] | None:
    if node.get("assignees") is None:
        return None
    return [username for user in elements(node, "assignees") if (username := account(user)) is not None]


def _commit(key: Row, node: Node) -> Row:
    return cleaned(
        **key,
        sha=node.get("sha"),
        author=account(inner(node, "author")),
        authored_at=utc(node.get("authoredDate")),
        committed_at=utc(node.get("committedDate")),
        source=SOURCE,
    )


def _file(key: Row, node: Node) -> Row:
    return cleaned(**key, path=node.get("path"), additions=node.get("additions"), deletions=node.get("deletions"))


def _in_order(note: Node) -> tuple[str, int]:
    """When a note was written; of two of the same second, the one with the greater number is the later one."""
    identity = number(note.get("id")) or ""
    return str(note.get("createdAt")), int(identity) if identity.isdecimal() else 0


def _reviews(key: Row, notes: list[Node], approvers: list[Node]) -> list[Row]:
    """The verdicts that system notes tell of, in their order; an approval that was taken back is dismissed.

    Approvals without a note (of imported merge requests) have no time.
    """
    reviews: list[Row] = []
    for note in notes:
        if note.get("system") is not True:
            continue
        who, text = account(inner(note, "author")), _body(note).lower()
        lost = [who] if text.startswith(("unapproved this merge request", "revoked approval")) else []
        if reset := _RESET.match(text):
            lost = re.findall(r"@([\w.-]+)", reset[1])
        for row in reviews:
            if row["state"] == "approved" and row["author"] is not None and str(row["author"]).lower() in lost:
                row.update(state="dismissed", updated_at=utc(note.get("createdAt")))
        state = next((state for start, state in _VERDICTS if text.startswith(start)), None)
        if state is not None:
            at, changed = utc(note.get("createdAt")), utc(note.get("updatedAt"))
            reviews.append(_review(key, number(note.get("id")), who, state, at, changed))
    approved = {row["author"] for row in reviews if row["state"] == "approved"}
    further = [who for approver in approvers if (who := account(approver)) is not None and who not in approved]
    return reviews + [_review(key, f"approval-{who}", who, "approved", None, None) for who in dict.fromkeys(further)]


def _review(key: Row, identity: str | None, author: str | None, state: str, at: Any, changed: Any) -> Row:
    return cleaned(
        **key, review_id=identity, author=author, state=state, submitted_at=at, source=SOURCE, updated_at=changed
    )


def _comment(key: Row, node: Node) -> Row:
    on_code = "DiffNote/" in str(node.get("id"))
    return cleaned(
        **key,
        comment_id=number(node.get("id")),
        author=account(inner(node, "author")),
        kind="review" if on_code else "discussion",
        created_at=utc(node.get("createdAt")),
        source=SOURCE,
        updated_at=utc(node.get("updatedAt")),
    )


def issue_rows(project: str, node: Node) -> Rows:
    """An issue; one that was moved to another project is there, and gives no row here."""
    users = [inner(node, "author"), *elements(node, "assignees")]
    with_accounts: Rows = {"tool_accounts": accounts(users)}
    if node.get("moved") is True:
        return with_accounts
    closed = str(node.get("state")).lower() == "closed"
    row = cleaned(
        project=project,
        key=issue_key(node.get("iid")),
        type=str(node.get("type") or "issue").replace("_", " ").capitalize(),
        title=node.get("title"),
        status="closed" if closed else "opened",
        status_category="done" if closed else "todo",
        assignee=next(filter(None, map(account, users[1:])), None),
        reporter=account(users[0]),
        story_points=node.get("weight"),
        created_at=utc(node.get("createdAt")),
        completed_at=utc(node.get("closedAt")) if closed else None,
        labels=_labels(node),
        url=node.get("webUrl"),
        time_spent_seconds=node.get("totalTimeSpent"),
        source=SOURCE,
        updated_at=utc(node.get("updatedAt")),
    )
    return {"work_items": [row], **with_accounts}


def issue_key(iid: Any) -> str | None:
    """The key of an issue within its project, as it is mentioned: ``#12``."""
    return None if iid is None else f"#{iid}"


def release_rows(project: str, node: Node) -> Rows:
    """A release."""
    row = cleaned(
        repository=project,
        tag=node.get("tagName"),
        name=node.get("name"),
        sha=(inner(node, "commit") or {}).get("sha"),
        published_at=utc(node.get("releasedAt")),
        url=(inner(node, "links") or {}).get("selfUrl"),
    )
    return {"releases": [row]}


def deployment_rows(project: str, node: Node, prefix: str) -> Rows:
    """A deployment to an environment, by a job or told by API. ``prefix`` tells its id from other tools' numbers."""
    job = inner(node, "deployable") or {}
    state = str(node.get("status")).lower()
    ended = state in OUTCOMES
    row = cleaned(
        deployment_id=f"{prefix}:{node['id']}" if node.get("id") else None,
        repository=project,
        environment=(inner(node, "environment") or {}).get("name"),
        sha=node.get("sha"),
        pipeline=job.get("name"),
        status=OUTCOMES.get(state, "running"),
        started_at=utc(job.get("started_at") or node.get("created_at")),
        finished_at=utc(job.get("finished_at") or node.get("updated_at")) if ended else None,
        triggered_by=account(inner(node, "user")) or account(inner(job, "user")),
        url=job.get("web_url"),
        source=SOURCE,
        updated_at=utc(node.get("updated_at")),
    )
    return {"deployments": [row]}


def pipeline_rows(project: str, node: Node, prefix: str, base: str, rules: DeployRules) -> Rows:
    """A pipeline: a build, or a deployment if a rule fits its name, source or ref. ``base``: the server's address."""
    state = str(node.get("status")).lower()
    source = str(node.get("source") or "").lower()
    identity = number(node.get("id"))
    began, ended = utc(node.get("startedAt") or node.get("createdAt")), utc(node.get("finishedAt"))
    path = node.get("path")
    shared = {
        "repository": project,
        "sha": node.get("sha"),
        "pipeline": node.get("name") or source or None,
        "started_at": began,
        "url": f"{base}{path}" if isinstance(path, str) else None,
        "updated_at": utc(node.get("updatedAt")),
    }
    users = accounts([inner(node, "user")])
    rule = rules.of(_text(node.get("name")), source, _text(node.get("ref")))
    if rule is None:
        row = {"build_id": f"{prefix}:{identity}", "branch": node.get("ref"), "status": state, "finished_at": ended}
        return {"builds": [cleaned(**shared, **row)], "tool_accounts": users}
    row = {
        "deployment_id": f"{prefix}:pipeline/{identity}",
        "environment": rule.environment,
        "status": OUTCOMES.get(state, "running"),
        "finished_at": ended if state in OUTCOMES else None,
        "triggered_by": account(inner(node, "user")),
        "source": SOURCE,
    }
    return {"deployments": [cleaned(**shared, **row)], "tool_accounts": users}


def _labels(node: Node) -> list[str] | None:
    return None if node.get("labels") is None else [str(label.get("title")) for label in elements(node, "labels")]


def _body(note: Node) -> str:
    return str(note.get("body") or "").strip()


def _sum(files: list[Node], name: str) -> int:
    return sum(value for file in files if isinstance(value := file.get(name), int))


def _integer(value: Any) -> Any:
    """GraphQL has numbers of merge requests as texts."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
