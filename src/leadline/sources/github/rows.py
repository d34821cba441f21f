"""What GitHub's answers mean: rows of the data model. A record that lacks its shape raises ``Misshapen``, which names where."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import Sequence

from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.page import Row
from leadline.sources.kit.records import GHOST, Node, Rows, cleaned, elements, inner

SOURCE = "github"
_NUMBERED = re.compile(r"#[a-z_-]+?([0-9]+)$")
_LAST_NUMBER = re.compile(rb"(?:\xcf(.{8})|\xce(.{4}))$", re.DOTALL)
"""The last element of a list in MessagePack, if that is a number of 64 or 32 bits."""

OUTCOMES = {"success": "success", "failure": "failure", "error": "failure"}
"""The states of a deployment that end it, and the outcome they are."""
RUN_OUTCOMES = {"success": "success", "failure": "failure", "timed_out": "failure", "startup_failure": "failure"}
"""The conclusions of a workflow run that tell how a deployment by it went; by any other, nothing was deployed."""


def account(actor: Node | None) -> str | None:
    """A login. An app's gets ``[bot]``, as the REST API and the web write it; deleted users have none."""
    if actor is None or not isinstance(login := actor.get("login"), str) or login in ("", GHOST):
        return None
    app = actor.get("__typename") == "Bot" or actor.get("type") == "Bot"
    return f"{login}[bot]" if app and not login.endswith("[bot]") else login


def repository_row(node: Node) -> Row:
    """The row of ``repositories``."""
    return cleaned(
        repository=node.get("nameWithOwner"),
        url=node.get("url"),
        default_branch=(inner(node, "defaultBranchRef") or {}).get("name"),
    )


def pull_request_rows(repository: str, node: Node) -> Rows:
    """A pull request with its lists: rows of the tables of pull requests. Lists that the node lacks give no key."""
    key = {"repository": repository, "number": node.get("number")}
    rows = {"pull_requests": [_pull_request(repository, node)]}
    if node.get("commits") is not None:
        rows["pull_request_commits"] = [_commit(key, commit) for commit in elements(node, "commits")]
    if node.get("files") is not None:
        rows["pull_request_files"] = [_file(key, file) for file in elements(node, "files")]
    if node.get("reviews") is not None:
        reviews = [review for review in elements(node, "reviews") if review.get("state") != "PENDING"]
        rows["reviews"] = [_review(key, review) for review in reviews]
    if node.get("comments") is not None and node.get("reviews") is not None:
        talk = [_comment(key, comment, "discussion") for comment in elements(node, "comments")]
        lines = [_comment(key, line, "review") for review in reviews for line in elements(review, "comments")]
        rows["comments"] = talk + lines
    return rows


def _pull_request(repository: str, node: Node) -> Row:
    ready = [event.get("createdAt") for event in elements(node, "timelineItems")]
    labels = node.get("labels")
    return cleaned(
        repository=repository,
        number=node.get("number"),
        title=node.get("title"),
        body=node.get("body"),
        author=account(inner(node, "author")),
        state=str(node.get("state", "")).lower() or None,
        draft=node.get("isDraft"),
        created_at=node.get("createdAt"),
        ready_at=ready[0] if ready else None,
        merged_at=node.get("mergedAt"),
        closed_at=node.get("closedAt"),
        merged_by=account(inner(node, "mergedBy")),
        base_branch=node.get("baseRefName"),
        head_branch=node.get("headRefName"),
        merge_commit_sha=(inner(node, "mergeCommit") or {}).get("oid"),
        additions=node.get("additions"),
        deletions=node.get("deletions"),
        changed_files=node.get("changedFiles"),
        labels=None if labels is None else [str(label.get("name")) for label in elements(node, "labels")],
        assignees=_assignees(node),
        url=node.get("url"),
        source=SOURCE,
        updated_at=node.get("updatedAt"),
    )


def _assignees(node: Node) -> list[str] | None:
    if node.get("assignees") is None:
        return None
    return [login for assignee in elements(node, "assignees") if (login := account(assignee)) is not None]


def _commit(key: Row, node: Node) -> Row:
    commit = inner(node, "commit") or {}
    author = inner(commit, "author") or {}
    return cleaned(
        **key,
        sha=commit.get("oid"),
        author=account(inner(author, "user")),
        authored_at=commit.get("authoredDate"),
        committed_at=commit.get("committedDate"),
        source=SOURCE,
    )


def _file(key: Row, node: Node) -> Row:
    return cleaned(**key, path=node.get("path"), additions=node.get("additions"), deletions=node.get("deletions"))


def _review(key: Row, node: Node) -> Row:
    return cleaned(
        **key,
        review_id=_id(node),
        author=account(inner(node, "author")),
        state=str(node.get("state", "")).lower() or None,
        submitted_at=node.get("submittedAt"),
        source=SOURCE,
        updated_at=node.get("updatedAt"),
    )


def _comment(key: Row, node: Node, kind: str) -> Row:
    # Comments on code and on the conversation are numbered apart.
    number = _id(node)
    return cleaned(
        **key,
        comment_id=number if number is None or kind == "discussion" else f"r{number}",
        author=account(inner(node, "author")),
        kind=kind,
        created_at=node.get("createdAt"),
        source=SOURCE,
        updated_at=node.get("updatedAt"),
    )


def release_rows(repository: str, node: Node) -> Rows:
    """A release; drafts, which nobody sees, give no row."""
    if node.get("isDraft") is True:
        return {}
    row = cleaned(
        repository=repository,
        tag=node.get("tagName"),
        name=node.get("name"),
        sha=(inner(node, "tagCommit") or {}).get("oid"),
        published_at=node.get("publishedAt"),
        prerelease=node.get("isPrerelease"),
        url=node.get("url"),
        updated_at=node.get("updatedAt"),
    )
    return {"releases": [row]}


def deployment_rows(repository: str, node: Node, prefix: str) -> Rows:
    """A deployment with what became of it.

    Its newest status counts, but for ``inactive``, which GitHub gives to what a later deployment replaced. ``prefix``
    tells its id from other tools' numbers.
    """
    # Listed the newest first, and told in whole seconds: what comes later in the same second stays later.
    listed = reversed(elements(node, "statuses"))
    statuses = sorted(listed, key=lambda status: str(status.get("createdAt")))
    counting = [
        status for status in statuses if str(status.get("state")).lower() not in ("inactive", "abandoned", "destroyed")
    ]
    newest = counting[-1] if counting else {}
    outcome = OUTCOMES.get(str(newest.get("state")).lower())
    replaced = not counting and bool(statuses)  # ended, and nobody ever said how
    row = cleaned(
        deployment_id=f"{prefix}:{_id(node)}" if _id(node) else None,
        repository=repository,
        environment=node.get("environment"),
        sha=node.get("commitOid"),
        pipeline=node.get("task"),
        status=outcome or ("cancelled" if replaced else "running"),
        started_at=node.get("createdAt"),
        finished_at=newest.get("createdAt") if outcome else None,
        triggered_by=account(inner(node, "creator")),
        url=newest.get("logUrl") or newest.get("environmentUrl"),
        source=SOURCE,
    )
    return {"deployments": [row]}


def run_rows(repository: str, run: Node, prefix: str, rules: DeployRules) -> Rows:
    """A workflow run: a deployment if a rule fits its workflow's name, file or path, else a build.

    It was last changed when it finished; one that is not completed has not finished."""
    done = run.get("status") == "completed"
    shared = {
        "repository": repository,
        "pipeline": run.get("name") or run.get("path"),
        "sha": run.get("head_sha"),
        "started_at": run.get("run_started_at") or run.get("created_at"),
        "finished_at": run.get("updated_at") if done else None,
        "url": run.get("html_url"),
        "updated_at": run.get("updated_at"),
    }
    path, name = str(run.get("path") or "").partition("@")[0], run.get("name")
    rule = rules.of(name if isinstance(name, str) else None, path.rpartition("/")[2], path)
    if rule is None:
        status = run.get("conclusion") if done else run.get("status")
        build = {"build_id": run_build_id(run, prefix), "branch": run.get("head_branch"), "status": status}
        return {"builds": [cleaned(**shared, **build)]}
    row = {
        "deployment_id": run_deployment_id(run, prefix),
        "environment": rule.environment,
        "status": RUN_OUTCOMES.get(str(run.get("conclusion")), "cancelled") if done else "running",
        "triggered_by": account(inner(run, "triggering_actor")) or account(inner(run, "actor")),
        "source": SOURCE,
    }
    return {"deployments": [cleaned(**shared, **row)]}


def run_deployment_id(run: Node, prefix: str) -> str | None:
    """The id of the deployment that a run is: runs and GitHub's own deployments are numbered apart."""
    return f"{prefix}:run:{run.get('id')}" if run.get("id") else None


def run_build_id(run: Node, prefix: str) -> str | None:
    """The id of the build that a run is."""
    return f"{prefix}:{run.get('id')}" if run.get("id") else None


def commit_row(repository: str, node: Node) -> Row:
    """A commit's row of ``commits``, as git gives it: a merge is not compared with its parents and has no lines."""
    parents = [str(parent.get("oid")) for parent in elements(node, "parents")]
    author, committer = inner(node, "author") or {}, inner(node, "committer") or {}
    counted = len(parents) < 2
    return cleaned(
        repository=repository,
        sha=node.get("oid"),
        parents=" ".join(parents),
        author_name=author.get("name"),
        author_email=author.get("email"),
        authored_at=node.get("authoredDate"),
        committer_email=committer.get("email"),
        committed_at=node.get("committedDate"),
        message=message.rstrip("\n") if isinstance(message := node.get("message"), str) else message,
        additions=node.get("additions") if counted else None,
        deletions=node.get("deletions") if counted else None,
        source=SOURCE,
    )


def team_row(path: str, names: Sequence[str], login: object, role: object) -> Row:
    """A member of the team at ``path``, which is called as the last of ``names``, the teams above as those before."""
    above = path.rpartition("/")[0]
    return cleaned(
        source=SOURCE,
        team=path,
        account=login,
        name=names[-1],
        parent=above if len(names) > 1 else None,
        above=list(names[:-1]),
        role=str(role).lower() if role else None,
    )


def _id(node: Node) -> str | None:
    """The number that the REST API knows a thing by. The field for it cannot hold those from 2³¹ on.

    A comment or a review bears its own at the end of its address (``#issuecomment-…``, ``#discussion_r…``,
    ``#pullrequestreview-…``), a deployment in its node id: ``DE_`` and a list in MessagePack that ends in it, as base64.
    """
    if (number := node.get("databaseId")) is not None:
        return str(number)
    if number_at_end := _NUMBERED.search(str(node.get("url") or "")):
        return number_at_end[1]
    prefix, _, text = str(node.get("id") or "").partition("_")
    try:
        found = _LAST_NUMBER.search(urlsafe_b64decode(f"{text}==")) if prefix == "DE" else None
    except ValueError:
        return None
    return str(int.from_bytes(found[1] or found[2], "big")) if found else None
