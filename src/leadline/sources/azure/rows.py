"""What Azure DevOps' answers about code mean: rows of the data model, with times in UTC.

A record that lacks its shape raises ``Misshapen``, which names where.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from leadline.instants import instant_of, rfc3339
from leadline.sources.kit.page import Row
from leadline.sources.kit.records import Node, Rows, cleaned, inner, objects
from leadline.sources.kit.text import Misshapen

SOURCE = "azure"
STATES = {"active": "open", "completed": "merged", "abandoned": "closed"}
VERDICTS = {10: "approved", 5: "approved", -5: "changes_requested", -10: "changes_requested"}
"""Votes: approved, with suggestions, waiting for the author, rejected. 0 takes a vote back."""
_HEADS = "refs/heads/"
_NEVER = "0001-01-01"
"""The day that stands for none."""


def utc(value: Any) -> Any:
    """An instant in UTC, to the millisecond; None for the one that stands for none; anything else as it is."""
    if not isinstance(value, str):
        return value
    if value.startswith(_NEVER):
        return None
    try:
        return rfc3339(instant_of(value), milliseconds=True)
    except (ValueError, OverflowError):
        return value


def branch(ref: Any) -> Any:
    """A branch's name of its full one."""
    return ref.removeprefix(_HEADS) if isinstance(ref, str) else ref


def account(identity: Node | None) -> str | None:
    """The name that somebody signs in with, mostly their email; else the id. A group is nobody, a service gets ``[bot]``."""
    if identity is None or identity.get("isContainer") is True:
        return None
    name = identity.get("uniqueName") or identity.get("id")
    if not isinstance(name, str) or not name.strip():
        return None
    if is_service(identity):
        return f"{identity.get('displayName') or name}[bot]"
    return name


def is_service(identity: Node) -> bool:
    """Whether it is a service's identity, such as the one that builds run as."""
    return str(identity.get("descriptor") or "").startswith(("svc.", "s2s."))


def accounts(identities: Iterable[Node | None]) -> list[Row]:
    """The rows of ``tool_accounts``, each once: what people are called, and their email where they sign in with it."""
    by_name: dict[str, Row] = {}
    for identity in identities:
        name = account(identity)
        if identity is None or name is None or is_service(identity):
            continue
        shown = identity.get("displayName") or None
        row = cleaned(source=SOURCE, account=name, email=name if "@" in name else None, name=shown)
        if row["email"] or row["name"]:
            by_name[str(row["account"])] = row
    return list(by_name.values())


def repository_row(name: str, node: Node) -> Row:
    """The row of ``repositories``."""
    return cleaned(repository=name, url=node.get("webUrl"), default_branch=branch(node.get("defaultBranch")))


def pull_request_rows(repository: str, url: Any, node: Node) -> Rows:
    """A pull request with its ``threads``, ``commits`` and ``changes``; lists that are None give no rows. ``url``: address of the
    repository's page."""
    key = {"repository": repository, "number": node.get("pullRequestId")}
    threads = None if node.get("threads") is None else objects(node["threads"], "threads")
    files = None if node.get("changes") is None else _files(key, objects(node["changes"], "changes"))
    reviewers = objects(node.get("reviewers"), "reviewers")
    users = [inner(node, "createdBy"), inner(node, "closedBy"), *reviewers]
    rows: Rows = {"pull_requests": [_pull_request(key, url, node, threads, files)]}
    if node.get("commits") is not None:
        rows["pull_request_commits"] = [_commit(key, commit) for commit in objects(node["commits"], "commits")]
    if files is not None:
        rows["pull_request_files"] = files
    if threads is not None:
        rows["reviews"] = _reviews(key, threads, reviewers)
        rows["comments"] = [row for thread in threads for row in _comments(key, thread)]
        users += [person for thread in threads for person in _people(thread)]
    rows["tool_accounts"] = accounts(users)
    return rows


def _pull_request(key: Row, url: Any, node: Node, threads: list[Node] | None, files: list[Row] | None) -> Row:
    state = STATES.get(str(node.get("status")))
    merged, closed = state == "merged", utc(node.get("closedDate"))
    instants = [thread.get("lastUpdatedDate") for thread in threads or ()]
    labels = node.get("labels")
    return cleaned(
        **key,
        title=node.get("title"),
        body=node.get("description"),
        author=account(inner(node, "createdBy")),
        state=state or node.get("status"),
        draft=node.get("isDraft"),
        created_at=utc(node.get("creationDate")),
        ready_at=min((str(at) for thread in threads or () if (at := _published(thread)) is not None), default=None),
        merged_at=closed if merged else None,
        closed_at=closed if state in ("merged", "closed") else None,
        merged_by=_completer(node, threads or []) if merged else None,
        base_branch=branch(node.get("targetRefName")),
        head_branch=branch(node.get("sourceRefName")),
        merge_commit_sha=(inner(node, "lastMergeCommit") or {}).get("commitId") if merged else None,
        additions=None,
        deletions=None,
        changed_files=None if files is None else len(files),
        labels=None if labels is None else [str(label.get("name")) for label in objects(labels, "labels")],
        url=f"{url}/pullrequest/{key['number']}" if isinstance(url, str) else None,
        source=SOURCE,
        updated_at=latest(node.get("creationDate"), node.get("closedDate"), *instants),
    )


def latest(*values: Any) -> str | None:
    """The latest of instants; None where there is none."""
    return max((at for value in values if isinstance(at := utc(value), str)), default=None)


def _commit(key: Row, node: Node) -> Row:
    author, committer = inner(node, "author") or {}, inner(node, "committer") or {}
    return cleaned(
        **key,
        sha=node.get("commitId"),
        author=author.get("email") or None,
        authored_at=utc(author.get("date")),
        committed_at=utc(committer.get("date")),
        source=SOURCE,
    )


def _files(key: Row, changes: list[Node]) -> list[Row]:
    """The files of a pull request; Azure DevOps counts no lines."""
    paths = []
    for change in changes:
        item = inner(change, "item") or {}
        path = item.get("path") or change.get("originalPath")
        if isinstance(path, str) and item.get("isFolder") is not True and item.get("gitObjectType") != "tree":
            paths.append(path.removeprefix("/"))
    return [cleaned(**key, path=path, additions=None, deletions=None) for path in dict.fromkeys(paths)]


# -- threads: what people wrote, and what the system notes between it ----------------------------------------------------


def _property(thread: Node, name: str) -> str:
    """A property of a thread, which mostly stands in an object with its type."""
    value = (inner(thread, "properties") or {}).get(name)
    if isinstance(value, dict):
        value = value.get("$value")
    return "" if value is None else str(value)


def _published(thread: Node) -> Any:
    """When a draft became ready for review, if the thread tells of that."""
    if _property(thread, "CodeReviewThreadType") != "IsDraftUpdate":
        return None
    return None if _property(thread, "CodeReviewIsDraftNowSet").lower() == "true" else utc(thread.get("publishedDate"))


def _people(thread: Node) -> list[Node | None]:
    written = [inner(comment, "author") for comment in _written(thread)]
    return [*written, *(identity for identity in _identities(thread).values() if isinstance(identity, dict))]


def _identities(thread: Node) -> Mapping[str, Any]:
    return inner(thread, "identities") or {}


def _written(thread: Node) -> list[Node]:
    """The comments of a thread that people wrote, and that are there still."""
    comments = objects(thread.get("comments"), "comments")
    return [comment for comment in comments if comment.get("commentType") == "text" and not comment.get("isDeleted")]


def _comments(key: Row, thread: Node) -> list[Row]:
    on_code = bool((inner(thread, "threadContext") or {}).get("filePath"))
    return [
        cleaned(
            **key,
            comment_id=f"{thread.get('id')}/{comment.get('id')}",
            author=account(inner(comment, "author")),
            kind="review" if on_code else "discussion",
            created_at=utc(comment.get("publishedDate")),
            source=SOURCE,
            updated_at=utc(comment.get("lastUpdatedDate")),
        )
        for comment in ([] if thread.get("isDeleted") is True else _written(thread))
    ]


def _reviews(key: Row, threads: list[Node], reviewers: list[Node]) -> list[Row]:
    """The votes that the system notes, in their order; one that was taken back is dismissed. A vote without a note has no time."""
    reviews: list[Row] = []
    for thread in sorted(
        threads, key=lambda thread: (str(utc(thread.get("publishedDate"))), _number(thread.get("id")))
    ):
        kind, at = _property(thread, "CodeReviewThreadType"), utc(thread.get("publishedDate"))
        if kind == "ResetAllVotes":
            for voter in {str(row["author"]) for row in reviews}:
                _dismiss(reviews, voter, at)
        if kind != "VoteUpdate" or (who := _actor(thread, "Voted", reviewers)) is None:
            continue
        vote = _vote(thread)
        if vote == 0:
            _dismiss(reviews, who, at)
        elif (state := VERDICTS.get(vote)) is not None:
            reviews.append(_review(key, thread.get("id"), who, state, at))
    return [*reviews, *_as_of_now(key, reviews, reviewers)]


def _as_of_now(key: Row, reviews: list[Row], reviewers: list[Node]) -> list[Row]:
    """The votes that reviewers have and no note tells of; what nobody has any more is dismissed."""
    further = []
    for reviewer in reviewers:
        who, vote = account(reviewer), reviewer.get("vote")
        last = next((row["state"] for row in reversed(reviews) if row["author"] == who), None)
        if who is None or not isinstance(vote, int):
            continue
        if vote == 0:
            _dismiss(reviews, who, None)
        elif VERDICTS.get(vote) not in (None, last):
            further.append(_review(key, f"vote-{who}", who, VERDICTS[vote], None))
    return further


def _dismiss(reviews: list[Row], who: str, at: Any) -> None:
    for row in reviews:
        if row["author"] == who and row["state"] != "dismissed":
            row.update(state="dismissed", updated_at=at or row["updated_at"])


def _actor(thread: Node, did: str, people: list[Node]) -> str | None:
    """Who did what a thread notes (``Voted``, ``StatusUpdated``): whom it names, by number or by the id of one of ``people``; else
    who its note is by."""
    if isinstance(named := _identities(thread).get(_property(thread, f"CodeReview{did}ByIdentity")), dict):
        return account(named)
    if identity := _property(thread, f"CodeReview{did}ByTfId"):
        person = next((one for one in people if str(one.get("id")).lower() == identity.lower()), None)
        return account(person) if person is not None else identity
    first = next(iter(objects(thread.get("comments"), "comments")), None)
    return account(inner(first, "author")) if first is not None else None


def _completer(node: Node, threads: list[Node]) -> str | None:
    """Who completed a pull request: lists do not always tell, its threads do."""
    if (closer := account(inner(node, "closedBy"))) is not None:
        return closer
    people = [*objects(node.get("reviewers"), "reviewers"), *filter(None, [inner(node, "createdBy")])]
    notes = [thread for thread in threads if _property(thread, "CodeReviewStatus").lower() == "completed"]
    return _actor(notes[-1], "StatusUpdated", people) if notes else None


def _vote(thread: Node) -> int:
    text = _property(thread, "CodeReviewVoteResult")
    try:
        return int(text)
    except ValueError:
        raise Misshapen(f"a vote is {text[:40]!r}") from None


def _review(key: Row, identity: Any, author: str, state: str, at: Any) -> Row:
    return cleaned(
        **key, review_id=str(identity), author=author, state=state, submitted_at=at, source=SOURCE, updated_at=at
    )


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
