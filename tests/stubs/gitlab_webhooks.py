"""Webhooks' payloads of the things that ``gitlab_data`` makes, as GitLab spells them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

USERS = {"ada": 1, "ben": 2, "cleo": 3}


def spelled(instant: str | None) -> str | None:
    """As most payloads have instants."""
    return None if instant is None else instant.replace("T", " ").replace("Z", " UTC")


def user(node: dict[str, Any] | None) -> dict[str, Any] | None:
    if node is None:
        return None
    name = node["username"]
    return {"id": USERS[name], "username": name, "name": node["name"], "email": "[REDACTED]"}


def labels(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"id": 1, "title": label["title"], "type": "ProjectLabel"} for label in node["labels"]]


def payload(kind: str, project: str, number: int = 1, **things: Any) -> dict[str, Any]:
    found = {"id": number, "path_with_namespace": project, "default_branch": "main"}
    return {"object_kind": kind, "event_type": kind, "project": found, **things}


def merge_request(project: str, node: dict[str, Any], action: str, by: str = "ada", **changes: Any) -> dict[str, Any]:
    thing = {
        "id": 99,
        "iid": int(node["iid"]),
        "title": node["title"],
        "description": node["description"],
        "state": node["state"],
        "draft": node["draft"],
        "work_in_progress": node["draft"],
        "created_at": spelled(node["createdAt"]),
        "updated_at": spelled(node["updatedAt"]),
        "target_branch": node["targetBranch"],
        "source_branch": node["sourceBranch"],
        "author_id": USERS[node["author"]["username"]],
        "merge_user_id": USERS[node["mergeUser"]["username"]] if node["mergeUser"] else None,
        "merge_commit_sha": node["mergeCommitSha"],
        "url": node["webUrl"],
        "action": action,
        "labels": labels(node),
        "assignee_ids": [USERS[assignee["username"]] for assignee in node["assignees"]],
        **changes,
    }
    assigned = {"assignees": [user(assignee) for assignee in node["assignees"]]} if node["assignees"] else {}
    who = {"username": by, "name": by.capitalize()}
    return payload(
        "merge_request", project, user=user(who), object_attributes=thing, labels=labels(node), changes={}, **assigned
    )


def note(project: str, node: dict[str, Any], merge_request: dict[str, Any]) -> dict[str, Any]:
    kind, _, number = node["id"].removeprefix("gid://gitlab/").partition("/")
    thing = {
        "id": int(number),
        "type": None if kind == "Note" else kind,
        "note": node["body"],
        "noteable_type": "MergeRequest",
        "system": node["system"],
        "author_id": USERS[node["author"]["username"]],
        "created_at": spelled(node["createdAt"]),
        "updated_at": spelled(node["updatedAt"]),
        "action": "create",
    }
    of = {"iid": int(merge_request["iid"]), "updated_at": spelled(merge_request["updatedAt"])}
    return payload("note", project, user=user(node["author"]), object_attributes=thing, merge_request=of)


def pipeline(project: str, node: dict[str, Any]) -> dict[str, Any]:
    thing = {
        "id": int(node["id"].rpartition("/")[2]),
        "name": node["name"],
        "ref": node["ref"],
        "sha": node["sha"],
        "source": node["source"],
        "status": node["status"].lower(),
        "created_at": spelled(node["createdAt"]),
        "finished_at": spelled(node["finishedAt"]),
        "url": f"https://gitlab.com{node['path']}",
    }
    return payload("pipeline", project, user=user(node["user"]), object_attributes=thing)


def deployment(project: str, node: dict[str, Any]) -> dict[str, Any]:
    job = node["deployable"] or {}
    changed = datetime.fromisoformat(job.get("finished_at") or node["updated_at"])
    return payload(
        "deployment",
        project,
        status=node["status"],
        status_changed_at=changed.strftime("%Y-%m-%d %H:%M:%S %z"),
        deployment_id=node["id"],
        deployable_id=1,
        deployable_url=job.get("web_url"),
        environment=node["environment"]["name"],
        short_sha=node["sha"][:8],
        commit_url=f"https://gitlab.com/{project}/-/commit/{node['sha']}",
        user=user(node["user"]),
    )


def release(project: str, node: dict[str, Any], action: str) -> dict[str, Any]:
    return payload(
        "release",
        project,
        id=1,
        action=action,
        tag=node["tagName"],
        name=node["name"],
        created_at=spelled(node["createdAt"]),
        released_at=spelled(node["releasedAt"]),
        commit={"id": node["commit"]["sha"]},
        url=node["links"]["selfUrl"],
    )


def issue(project: str, node: dict[str, Any], by: str = "cleo") -> dict[str, Any]:
    thing = {
        "id": 301,
        "iid": int(node["iid"]),
        "title": node["title"],
        "type": node["type"].capitalize(),
        "state": node["state"],
        "weight": node["weight"],
        "total_time_spent": node["totalTimeSpent"],
        "author_id": USERS[node["author"]["username"]],
        "created_at": spelled(node["createdAt"]),
        "updated_at": spelled(node["updatedAt"]),
        "closed_at": spelled(node["closedAt"]),
        "moved_to_id": None,
        "url": node["webUrl"],
        "labels": labels(node),
    }
    who = {"username": by, "name": by.capitalize()}
    assigned = [user(assignee) for assignee in node["assignees"]]
    return payload("issue", project, user=user(who), object_attributes=thing, labels=labels(node), assignees=assigned)
