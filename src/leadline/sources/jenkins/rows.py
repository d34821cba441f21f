"""Jenkins' builds as rows of ``builds`` or ``deployments``. Pure. A build is known by its job's name, its number and when it began:
the numbers of a job that was deleted and made again begin anew."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import unquote

from leadline.instants import rfc3339
from leadline.sources.custom_cicd import STATUS
from leadline.sources.git.location import name_of_url
from leadline.sources.kit.deploy_rules import DeployRule
from leadline.sources.kit.page import Row
from leadline.sources.kit.records import Node, Rows, cleaned
from leadline.sources.kit.text import Misshapen, clean

SOURCE = "jenkins"
BUILDS, DEPLOYMENTS = "builds", "deployments"
KEYS = {BUILDS: "build_id", DEPLOYMENTS: "deployment_id"}

_LAST_MILLISECOND = 253_402_300_799_999  # the end of the year 9999
_REMOTE = re.compile(r"^(refs/remotes/[^/]+/|refs/heads/|origin/)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Job:
    """A job: its names from the outermost folder, whether it is a branch of a multibranch project, the rule by which its builds are
    deployments (None: they are none), and its last build as (number, milliseconds since 1970) and whether that is running."""

    names: tuple[str, ...]
    of_branch: bool = False
    rule: DeployRule | None = None
    last: tuple[int, int] | None = None
    running: bool = False

    @property
    def name(self) -> str:
        """Its full name, as Jenkins has it."""
        return "/".join(self.names)

    @property
    def pipeline(self) -> str:
        """What runs: of a branch's job its project."""
        return "/".join(self.names[:-1] if self.of_branch else self.names)

    @property
    def branch(self) -> str | None:
        """The branch (or pull request) whose job it is."""
        return unquote(self.names[-1]) if self.of_branch else None

    @property
    def table(self) -> str:
        """The table of its builds."""
        return BUILDS if self.rule is None else DEPLOYMENTS


def place_of(build: Node) -> tuple[int, int]:
    """A build's number and when it began. Raises ``Misshapen`` if it lacks either."""
    number, at = build.get("number"), build.get("timestamp")
    for name, value in (("number", number), ("timestamp", at)):
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _LAST_MILLISECOND:
            raise Misshapen(f"its {name} is no number that can be one")
    return cast("tuple[int, int]", (number, at))


def is_running(build: Node) -> bool:
    """Whether it has not ended; one that is cleaning up has its result already, and is not over."""
    return build.get("building") is True


def identity(place: str, job: str, number: int, at: int) -> str:
    """A build's id: server, full name of the job, number, and when it began."""
    return str(clean(f"{place}:{job}:{number}:{at}"))


def rows_of(place: str, job: Job, build: Node) -> Rows:
    """The row of a build, and of the account that started it if it is a deployment. Raises ``Misshapen``."""
    number, at = place_of(build)
    running = is_running(build)
    result = str(build.get("result") or ("running" if running else "unknown")).lower()
    checkout = _checkout(build, job.branch)
    row: Row = {
        KEYS[job.table]: identity(place, job.name, number, at),
        "repository": _repository(checkout),
        "pipeline": job.pipeline,
        "sha": _text((checkout.get("lastBuiltRevision") or {}).get("SHA1")),
        "started_at": _instant(at),
        "finished_at": None if running else _instant(at + _duration(build)),
        "url": _text(build.get("url")),
    }
    made: Rows = {}
    if job.rule is None:
        row |= {"branch": job.branch or next(iter(_branches(checkout)), None)}
        row["status"] = "running" if running else result
    else:
        users = list(_users(build))
        row |= _of_deployment(job, job.rule, build)
        row["status"] = "running" if running else STATUS.get(result, "cancelled")
        row["triggered_by"] = users[0]["account"] if users else None
        if users:
            made["tool_accounts"] = users[:1]
    made[job.table] = [row]
    return {table: [cleaned(**row) for row in rows] for table, rows in made.items()}


def _of_deployment(job: Job, rule: DeployRule, build: Node) -> Row:
    parameters = _parameters(build)
    environment = next((parameters[name] for name in ("environment", "env", "target") if parameters.get(name)), None)
    return {
        # One job deploys one service, unless a parameter says which.
        "service": parameters.get("service") or job.pipeline,
        "environment": rule.environment or environment,
        "shas": _changes(build) or None,
        "rollback": parameters.get("rollback", "").lower() in ("true", "1", "yes"),
        "source": SOURCE,
    }


def _elements(node: Node, name: str) -> Iterator[Node]:
    """The objects in a list; whatever else there is, is nothing."""
    values = node.get(name)
    if isinstance(values, list):
        yield from (value for value in values if isinstance(value, dict))


def _checkout(build: Node, branch: str | None) -> Node:
    """What git checked out. A build may have several (shared libraries are one): that of its own branch, else the first."""
    checkouts = [
        action
        for action in _elements(build, "actions")
        if isinstance(action.get("lastBuiltRevision"), dict) and action.get("remoteUrls")
    ]
    own = (checkout for checkout in checkouts if branch is not None and branch in _branches(checkout))
    return next(own, checkouts[0] if checkouts else {})


def _branches(checkout: Node) -> list[str]:
    branches = _elements(checkout.get("lastBuiltRevision") or {}, "branch")
    names = (_text(branch.get("name")) for branch in branches)
    return [_REMOTE.sub("", name, count=1) for name in names if name and name != "detached"]


def _repository(checkout: Node) -> str | None:
    urls = checkout.get("remoteUrls")
    first = next((url for url in urls if isinstance(url, str)), None) if isinstance(urls, list) else None
    name = name_of_url(first) if first else ""
    return name if "/" in name else None


def _duration(build: Node) -> int:
    duration = build.get("duration")
    if not isinstance(duration, int) or isinstance(duration, bool):
        return 0
    return duration if 0 <= duration < 1 << 40 else 0


def _changes(build: Node) -> list[str]:
    """Commits that are new in it: a pipeline has a list per checkout, other jobs have one."""
    change_set = build.get("changeSet")
    sets = [*([change_set] if isinstance(change_set, dict) else []), *_elements(build, "changeSets")]
    shas = (_text(item.get("commitId")) for changes in sets for item in _elements(changes, "items"))
    return list(dict.fromkeys(sha.lower() for sha in shas if sha))


def _parameters(build: Node) -> dict[str, str]:
    """Its parameters by name in lower case. Jenkins does not tell the values of those that are secret."""
    values: dict[str, str] = {}
    for action in _elements(build, "actions"):
        for parameter in _elements(action, "parameters"):
            name, value = parameter.get("name"), parameter.get("value")
            if isinstance(name, str) and isinstance(value, str | bool | int):
                values.setdefault(name.strip().lower(), str(value).strip()[:2000])
    return values


def _users(build: Node) -> Iterator[Row]:
    """Accounts that started it, as rows of ``tool_accounts``."""
    for action in _elements(build, "actions"):
        for cause in _elements(action, "causes"):
            if user := _text(cause.get("userId")):
                yield {"source": SOURCE, "account": user, "name": _text(cause.get("userName"))}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _instant(at: int) -> str:
    moment = _EPOCH + timedelta(milliseconds=min(at, _LAST_MILLISECOND))
    return rfc3339(moment, milliseconds=True)
