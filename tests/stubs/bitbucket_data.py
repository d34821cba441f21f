"""Repositories for the Bitbucket stub: made by rule, so that every number in them can be told without looking."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from typing import Any

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
Node = dict[str, Any]


def when(minutes: float) -> str:
    """As pull requests and comments have instants."""
    return (START + timedelta(minutes=minutes)).isoformat(timespec="microseconds")


def run_when(minutes: float) -> str:
    """As pipelines and deployments have them."""
    return (START + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def sha(*parts: object) -> str:
    return sha1(" ".join(map(str, parts)).encode()).hexdigest()


def uid(*parts: object) -> str:
    return f"{{{uuid.UUID(sha(*parts)[:32])}}}"


def user(name: str) -> Node:
    return {
        "type": "user",
        "display_name": name.capitalize(),
        "nickname": name,
        "account_id": f"5b90d99f:{name}",
        "uuid": uid("user", name),
    }


BOT: Node = {"type": "app_user", "display_name": "Renovate", "uuid": uid("user", "renovate")}
TEAM: Node = {"type": "team", "display_name": "Acme", "username": "acme", "uuid": uid("user", "acme")}


def short(repository: str, full: str) -> Node:
    return {
        "type": "commit",
        "hash": full[:12],
        "links": {"html": {"href": f"https://bitbucket.org/{repository}/commits/{full[:12]}"}},
    }


def commit(name: str, minutes: float, who: str, *parts: object) -> Node:
    return {
        "type": "commit",
        "hash": sha(name, *parts),
        "date": when(minutes),
        "author": {"type": "author", "raw": f"{who.capitalize()} <{who}@example.com>", "user": user(who)},
        "message": "a change",
    }


def update(minutes: float, who: str, state: str = "OPEN", **changes: Any) -> Node:
    return {
        "update": {"state": state, "date": when(minutes), "author": user(who), "changes": {}, "draft": False, **changes}
    }


def verdict(kind: str, minutes: float, who: str) -> Node:
    return {kind: {"date": when(minutes), "user": user(who)}}


def comment(number: int, minutes: float, who: str, *, inline: bool = False, **changes: Any) -> Node:
    place = {"inline": {"path": "src/0.py", "from": None, "to": 7}} if inline else {}
    return {
        "comment": {
            "type": "pullrequest_comment",
            "id": number,
            "created_on": when(minutes),
            "updated_on": when(minutes),
            "content": {"type": "rendered", "raw": "why?", "markup": "markdown", "html": "<p>why?</p>"},
            "user": user(who),
            "deleted": False,
            **place,
            **changes,
        }
    }


def participant(who: str, state: str | None, role: str = "REVIEWER") -> Node:
    return {"type": "participant", "user": user(who), "role": role, "approved": state == "approved", "state": state}


def endpoint(name: str, branch: str, full: str) -> Node:
    return {
        "branch": {"name": branch},
        "commit": short(name, full),
        "repository": {"type": "repository", "full_name": name, "name": name.partition("/")[2], "uuid": uid(name)},
    }


def pull_request(
    name: str, number: int, *, commits: int = 2, files: int = 3, comments: int = 2, ready: bool | None = None
) -> Node:
    """A merged one, made an hour after the one before, with ``comments`` each on the code and on the conversation. Those of odd
    numbers were drafts, unless ``ready`` says otherwise."""
    begun, base = number * 60.0, number * 1000
    was_draft = number % 2 == 1 if ready is None else ready
    listed = [commit(name, begun - 30 + at / 100, "ada", number, at) for at in range(commits)]
    head = sha(name, number, commits - 1)
    talk = [comment(base + at, begun + 10 + at / 100, "cleo") for at in range(comments)]
    code = [comment(base + 300 + at, begun + 20 + at / 100, "ben", inline=True) for at in range(comments)]
    drafted = [update(begun + 5, "ada", changes={"draft": {"old": True, "new": False}})] if was_draft else []
    activity = [
        update(begun, "ada", draft=was_draft),
        *drafted,
        *talk,
        *code,
        verdict("approval", begun + 30, "ben"),
        update(begun + 45, "ben", "MERGED"),
    ]
    source, target = endpoint(name, f"SHOP-{number}-x", head), endpoint(name, "main", sha(name, "main", number))
    spec = f"{name}:{head[:12]}%0D{target['commit']['hash']}"
    return {
        "type": "pullrequest",
        "id": number,
        "title": f"SHOP-{number} change",
        "description": f"because of SHOP-{number} \U0001f680",
        "state": "MERGED",
        "draft": False,
        "created_on": when(begun),
        "updated_on": when(begun + 50),
        "author": user("ada"),
        "closed_by": user("ben"),
        "merge_commit": {"type": "commit", "hash": sha(name, "merge", number)[:12]},
        "source": source,
        "destination": target,
        "reason": "",
        "comment_count": 2 * comments,
        "task_count": 0,
        "close_source_branch": True,
        "participants": [participant("ben", "approved"), participant("cleo", None, "PARTICIPANT")],
        "links": {"html": {"href": f"https://bitbucket.org/{name}/pull-requests/{number}"}},
        "_diffstat": f"/repositories/{name}/diffstat/{spec}?from_pullrequest_id={number}&topic=true",
        "_activity": activity[::-1],
        "_commits": listed[::-1],
        "_files": [file(at) for at in range(files)],
    }


def file(number: int) -> Node:
    path = {"type": "commit_file", "path": f"src/{number}.py", "escaped_path": f"src/{number}.py"}
    return {"type": "diffstat", "status": "modified", "lines_added": 3, "lines_removed": 1, "old": path, "new": path}


OPEN: Node = {"state": "OPEN", "merge_commit": None, "closed_by": None}


def pipeline(name: str, number: int, result: str | None = "SUCCESSFUL", **changes: Any) -> Node:
    """A pipeline of a merge; one without a result is at work, ``stage`` says how."""
    stage = changes.pop("stage", "RUNNING")
    begun = number * 60 + 46
    state: Node = {"type": "pipeline_state_completed", "name": "COMPLETED", "result": {"type": "r", "name": result}}
    if result is None:
        state = {"type": "pipeline_state_in_progress", "name": "IN_PROGRESS", "stage": {"type": "s", "name": stage}}
    return {
        "type": "pipeline",
        "uuid": uid(name, "pipeline", number),
        "build_number": number,
        "created_on": run_when(begun),
        **({"completed_on": run_when(begun + 10)} if result else {}),
        "state": state,
        "creator": user("ada"),
        "target": {
            "type": "pipeline_ref_target",
            "ref_type": "branch",
            "ref_name": "main",
            "selector": {"type": "branches", "pattern": "main"},
            "commit": {"type": "commit", "hash": sha(name, "merge", number)},
        },
        "trigger": {"type": "pipeline_trigger_push", "name": "PUSH"},
        **changes,
    }


ENVIRONMENTS = {"Production": "Production", "Staging": "Staging", "Test": "Test", "eu-west": "Production"}


def environment(name: str) -> Node:
    kind = {"type": "deployment_environment_type", "name": ENVIRONMENTS[name]}
    return {"type": "deployment_environment", "uuid": uid("env", name), "name": name, "environment_type": kind}


def deployment(name: str, number: int, result: str | None = "SUCCESSFUL", to: str = "Production") -> Node:
    """A deployment by the pipeline of that number; one without a result is at work, one of the result '' has not begun."""
    begun = number * 60 + 50
    url = f"https://bitbucket.org/{name}/addon/pipelines/home#!/results/{number}"
    release = {
        "type": "deployment_release",
        "name": f"#{number}",
        "url": url,
        "pipeline": {"type": "pipeline", "uuid": uid(name, "pipeline", number)},
        "commit": {"type": "commit", "hash": sha(name, "merge", number)},
        "created_on": run_when(begun - 1),
    }
    state: Node = {"type": "deployment_state_completed", "name": "COMPLETED", "url": url}
    state |= {
        "status": {"type": "t", "name": result},
        "started_on": run_when(begun),
        "completed_on": run_when(begun + 3),
    }
    if result is None:
        state = {
            "type": "deployment_state_in_progress",
            "name": "IN_PROGRESS",
            "url": url,
            "started_on": run_when(begun),
        }
    if result == "":
        state = {"type": "deployment_state_undeployed", "name": "UNDEPLOYED"}
    return {
        "type": "deployment",
        "uuid": uid(name, "deployment", number, to),
        "environment": {"type": "deployment_environment", "uuid": uid("env", to)},
        "release": release,
        "state": state,
        **({"last_update_time": run_when(begun + 3)} if result else {}),
    }


def repository(
    name: str, number: int, *, pulls: int = 0, pipelines: int = 0, deployments: int = 0, **sizes: int
) -> Node:
    """``workspace/name`` with that many of each; ``sizes`` go to every pull request."""
    made = [pull_request(name, at, **sizes) for at in range(1, pulls + 1)]
    return {
        "type": "repository",
        "uuid": uid("repository", number),
        "full_name": name,
        "name": name.partition("/")[2],
        "slug": name.partition("/")[2],
        "created_on": when(-number - 1000.0),
        "updated_on": when(pulls * 60.0),
        "mainbranch": {"type": "branch", "name": "main"},
        "parent": None,
        "is_private": True,
        "links": {"html": {"href": f"https://bitbucket.org/{name}"}},
        "_pullrequests": made,
        "_commits": [commit(name, at * 60.0 + 45, "ben", "merge", at) for at in range(1, max(pulls, 9) + 200)],
        "_pipelines": [pipeline(name, at) for at in range(1, pipelines + 1)],
        "_deployments": [deployment(name, at) for at in range(1, deployments + 1)],
        "_environments": [environment(one) for one in ENVIRONMENTS],
    }
