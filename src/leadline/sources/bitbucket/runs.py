"""What Bitbucket's pipelines and deployments mean: builds, or by rule deployments, and deployments to environments.

A pipeline is known by its repository's id and its number there, which the statuses of commits tell, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadline.sources.bitbucket.rows import SOURCE, account, accounts, identity
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.records import Node, Rows, at_path, cleaned, inner, utc

OUTCOMES = {
    "successful": "success",
    "failed": "failure",
    "error": "failure",
    "stopped": "cancelled",
    "expired": "cancelled",
}
"""The results of pipelines and deployments, and the outcome they are for a deployment; whatever else has not ended."""
WAITING = frozenset({"paused", "halted"})
"""Stages of pipelines that wait for somebody, some for ever."""


def build_id(prefix: str, repository_id: str, number: object) -> str:
    """The id of a pipeline's build."""
    return f"{prefix}:{repository_id}/{number}"


def pipeline_number(node: Node) -> int | None:
    """The number of a pipeline in its repository."""
    number = node.get("build_number")
    return number if isinstance(number, int) else None


def pipeline_status(node: Node) -> str | None:
    """The result of a pipeline that ended; else its stage, such as ``paused``, or its state."""
    state = inner(node, "state") or {}
    for part in (inner(state, "result"), inner(state, "stage"), state):
        if part is not None and isinstance(name := part.get("name"), str) and name:
            return name.lower()
    return None


def pipeline_rows(repository: str, repository_id: str, node: Node, prefix: str, rules: DeployRules) -> Rows:
    """A pipeline: a build, or a deployment if a rule fits its name, what started it, or its branch or tag."""
    number, status = pipeline_number(node), pipeline_status(node)
    target = inner(node, "target") or {}
    branch = target.get("ref_name") or target.get("source")  # the second, of a pull request's
    name, trigger = _name(target), (inner(node, "trigger") or {}).get("name")
    started, finished = utc(node.get("created_on")), _not_before(node, "completed_on", "created_on")
    shared = {
        "repository": repository,
        "sha": (inner(target, "commit") or {}).get("hash"),
        "pipeline": name,
        "started_at": started,
        "url": None if number is None else f"https://bitbucket.org/{repository}/pipelines/results/{number}",
        "updated_at": finished or started,
    }
    identifier = None if number is None else build_id(prefix, repository_id, number)
    users = accounts([inner(node, "creator")])
    rule = rules.of(*(text for text in (name, trigger, branch) if isinstance(text, str)))
    if rule is None:
        row = {"build_id": identifier, "branch": branch, "status": status, "finished_at": finished}
        return {"builds": [cleaned(**shared, **row)], "tool_accounts": users}
    outcome = OUTCOMES.get(status or "", "running")
    row = {
        "deployment_id": identifier,
        "environment": rule.environment,
        "status": outcome,
        "finished_at": None if outcome == "running" else finished,
        "triggered_by": account(inner(node, "creator")),
        "source": SOURCE,
    }
    return {"deployments": [cleaned(**shared, **row)], "tool_accounts": users}


def _not_before(node: Node, name: str, start: str) -> Any:
    """An instant, which for what failed at once Bitbucket may tell as some milliseconds before its ``start``."""
    moments = [utc(node.get(name)), utc(node.get(start))]
    return max(moments) if all(isinstance(moment, str) for moment in moments) else moments[0]


def _name(target: Node) -> str:
    """What a pipeline is called in the repository's configuration: ``default``, a custom one's name, or a branch's pattern."""
    selector = inner(target, "selector") or {}
    name = selector.get("pattern") or selector.get("type")
    return name if isinstance(name, str) and name else "default"


def deployment_rows(repository: str, node: Node, prefix: str, environments: Mapping[str, Node]) -> Rows:
    """A deployment to an environment; one that has not begun gives no row. ``environments``: by id."""
    state = inner(node, "state") or {}
    if state.get("name") == "UNDEPLOYED":
        return {}
    result = str((inner(state, "status") or {}).get("name") or "").lower()
    ended = state.get("name") == "COMPLETED"
    release = inner(node, "release") or {}
    number = identity(node.get("uuid"))
    row = cleaned(
        deployment_id=f"{prefix}:{number}" if number else None,
        repository=repository,
        environment=environment_name(inner(node, "environment") or {}, environments),
        sha=(inner(release, "commit") or {}).get("hash"),
        pipeline=(at_path(release, "pipeline", "target", "selector") or {}).get("pattern"),
        status=OUTCOMES.get(result, "success") if ended else "running",
        started_at=deployment_started(node),
        finished_at=utc(state.get("completed_on") or state.get("completion_date")) if ended else None,
        triggered_by=account(inner(state, "deployer")),
        url=state.get("url") or release.get("url"),
        source=SOURCE,
        updated_at=utc(node.get("last_update_time") or state.get("completed_on") or state.get("started_on")),
    )
    return {"deployments": [row], "tool_accounts": accounts([inner(state, "deployer")])}


def deployment_started(node: Node) -> Any:
    """When a deployment began; None if it has not."""
    state = inner(node, "state") or {}
    return utc(state.get("started_on") or state.get("start_date"))


def environment_name(environment: Node, environments: Mapping[str, Node]) -> str | None:
    """The name of an environment, with its type (Test, Staging, Production) where the name does not say it. One that is not there
    any more is called by its id, which is never taken for production."""
    number = identity(environment.get("uuid"))
    known = environments.get(number or "", environment)
    name, kind = known.get("name"), (inner(known, "environment_type") or {}).get("name")
    if not isinstance(name, str) or not name.strip():
        return number
    return name if not isinstance(kind, str) or kind.lower() in name.lower() else f"{name} ({kind})"
