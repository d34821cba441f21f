"""What Azure DevOps' answers about pipelines mean: builds, deployments to environments, and those of classic releases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from leadline.sources.azure.rows import SOURCE, account, accounts, branch, utc
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.page import Row
from leadline.sources.kit.records import Node, Rows, cleaned, inner, objects

OUTCOMES = {
    **dict.fromkeys(("succeeded", "succeededWithIssues", "partiallySucceeded"), "success"),
    "failed": "failure",
    **dict.fromkeys(("canceled", "skipped", "abandoned", "none"), "cancelled"),
}
"""How runs and deployments ended, and the outcome they are for a deployment."""
_STOPPED = frozenset({"rejected", "canceled", "phasecanceled", "cancelling", "gatefailed"})
"""Operations of a classic deployment that did not begin and will not."""
_ABSENT: Row = {"repository": None, "sha": None}


@dataclass(frozen=True)
class Naming:
    """How things are called: ``prefix`` tells ids from other tools' numbers; ``repository``: by its id, what a repository of Azure
    DevOps is called, None for one that is not read."""

    prefix: str
    repository: Callable[[str], str | None]
    rules: DeployRules

    def of_build(self, node: Node) -> str | None:
        """The repository that was built, which may be at another forge."""
        repository = inner(node, "repository") or {}
        identity = repository.get("id")
        if not isinstance(identity, str):
            return None
        return self.repository(identity) if repository.get("type") == "TfsGit" else identity


def build_rows(node: Node, naming: Naming) -> Rows:
    """A run of a pipeline that ended: a build, or a deployment if a rule fits its name. None of a repository that is not read."""
    repository = naming.of_build(node)
    if repository is None:
        return {}
    identity, pipeline, result = node.get("id"), (inner(node, "definition") or {}).get("name"), node.get("result")
    shared = {
        "repository": repository,
        "sha": node.get("sourceVersion"),
        "pipeline": pipeline,
        "started_at": utc(node.get("startTime") or node.get("queueTime")),
        "finished_at": utc(node.get("finishTime")),
        "url": _web(node),
        "updated_at": utc(node.get("lastChangedDate") or node.get("finishTime")),
    }
    users = accounts([inner(node, "requestedFor")])
    rule = naming.rules.of(pipeline if isinstance(pipeline, str) else None)
    if rule is None:
        row = {"build_id": _id(naming, "", identity), "branch": branch(node.get("sourceBranch")), "status": result}
        return {"builds": [cleaned(**shared, **row)], "tool_accounts": users}
    row = {
        "deployment_id": _id(naming, "build/", identity),
        "environment": rule.environment,
        "status": OUTCOMES.get(str(result), "running"),
        "triggered_by": account(inner(node, "requestedFor")),
        "tags": node.get("tags"),
        "source": SOURCE,
    }
    return {"deployments": [cleaned(**shared, **row)], "tool_accounts": users}


def record_rows(node: Node, environment: str, build: Node | None, naming: Naming) -> Rows:
    """A deployment to an environment by a job of ``build`` (None: it is not there any more)."""
    result = node.get("result")
    repository = None if build is None else naming.of_build(build)
    if build is not None and repository is None:
        return {}
    row = cleaned(
        deployment_id=_id(naming, "environment/", node.get("id")),
        repository=repository,
        environment=environment,
        sha=None if build is None else build.get("sourceVersion"),
        pipeline=(inner(node, "definition") or {}).get("name"),
        status=OUTCOMES.get(str(result), "running"),
        started_at=utc(node.get("startTime") or node.get("queueTime")),
        finished_at=utc(node.get("finishTime")) if result else None,
        triggered_by=account(inner(build or {}, "requestedFor")),
        url=_web(inner(node, "owner") or {}),
        source=SOURCE,
    )
    return {"deployments": [row]}


def release_rows(node: Node, naming: Naming) -> Rows:
    """A deployment of a classic release. None of a repository that is not read."""
    what = _released(inner(node, "release") or {}, naming)
    if what is None:
        return {}
    status = str(node.get("deploymentStatus"))
    stopped = status == "notDeployed" and str(node.get("operationStatus")).lower() in _STOPPED
    outcome = "cancelled" if stopped else OUTCOMES.get(status, "running")
    row = cleaned(
        **what,
        deployment_id=_id(naming, "release/", node.get("id")),
        environment=(inner(node, "releaseEnvironment") or {}).get("name"),
        pipeline=(inner(node, "releaseDefinition") or {}).get("name"),
        status=outcome,
        started_at=utc(node.get("startedOn") or node.get("queuedOn")),
        finished_at=None if outcome == "running" else utc(node.get("completedOn")) or utc(node.get("lastModifiedOn")),
        triggered_by=account(inner(node, "requestedFor")),
        url=_web(inner(node, "release") or {}),
        source=SOURCE,
        updated_at=utc(node.get("lastModifiedOn")),
    )
    return {"deployments": [row], "tool_accounts": accounts([inner(node, "requestedFor")])}


def _released(release: Node, naming: Naming) -> Row | None:
    """Repository and commit of what is released: its primary artifact, else the first that tells. None if it is not read."""
    artifacts = sorted(objects(release.get("artifacts"), "artifacts"), key=lambda one: one.get("isPrimary") is not True)
    for artifact in artifacts:
        source = inner(artifact, "definitionReference") or {}
        if artifact.get("type") == "Git":
            identity, sha, provider = _reference(source, "definition"), _reference(source, "version"), "TfsGit"
        else:
            identity, sha = _reference(source, "repository"), _reference(source, "sourceVersion")
            provider = _reference(source, "repository.provider") or "TfsGit"
        if identity:
            name = naming.repository(identity) if provider == "TfsGit" else identity
            return None if name is None else {"repository": name, "sha": sha}
    return _ABSENT


def _reference(source: Mapping[str, Any], name: str) -> str | None:
    value = (inner(source, name) or {}).get("id")
    return value if isinstance(value, str) and value else None


def _id(naming: Naming, kind: str, identity: Any) -> str | None:
    return None if identity is None else f"{naming.prefix}:{kind}{identity}"


def _web(node: Node) -> Any:
    """The address of a thing's page."""
    return (inner(inner(node, "_links") or {}, "web") or {}).get("href")
