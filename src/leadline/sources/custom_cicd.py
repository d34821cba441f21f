"""Reads the payload of a custom CI/CD integration: one run of a job, as a row of ``builds`` or of ``deployments``. Which field, in
either of its documented spellings, becomes which column is told in docs/guide/push.md."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any

from leadline.errors import Detail, InvalidRequest
from leadline.instants import rfc3339
from leadline.sources.git.location import name_of_url

ALIASES = {
    "pipeline": ("job_name",),
    "qualified_name": ("job_normalized_full_name",),
    "instance_guid": ("jenkins_instance_guid",),
    "instance_name": ("jenkins_instance_name",),
    "instance_url": ("jenkins_instance_url",),
}
"""Other names of fields, in the older spelling."""

REQUIRED_TEXTS = ("pipeline", "job_full_name", "qualified_name", "instance_name", "instance_guid")
OPTIONAL_TEXTS = ("user_id", "repo_url", "branch_name", "project_name", "instance_url", "web_url", "execution_id")
FLAGS = ("ci", "cd", "cfr_status")
NUMBERS = ("start_time", "duration", "build_number")
UNUSED = ("job_run", "artifacts", "trigger_chain", "themes", "module_name", "scm_user_id")
"""Documented fields that no table has a column for: taken and dropped."""
FIELDS = (*REQUIRED_TEXTS, *OPTIONAL_TEXTS, *NUMBERS, "result", *FLAGS, "scm_commit_ids", "job_run_params", *UNUSED)

STATUS = {
    "success": "success",
    "succeeded": "success",
    "failure": "failure",
    "failed": "failure",
    "error": "failure",
    "errored": "failure",
    "unstable": "failure",
    "partially_succeeded": "failure",
    "aborted": "cancelled",
    "cancelled": "cancelled",
    "canceled": "cancelled",
    "not_built": "cancelled",
    "skipped": "cancelled",
    "expired": "cancelled",
    "running": "running",
    "in_progress": "running",
}
"""``result`` (any letter case, spaces and dashes as underscores) → status. A run that ended with faults has failed; one
that somebody or something stopped says nothing about the change."""

_LONGEST = 2_000
_LONGEST_NUMBER = 64  # bits
_LAST_MILLISECOND = 253_402_300_799_999  # the end of the year 9999, in which clocks of the wrong unit already are
_LONGEST_RUN = timedelta(days=366)


@dataclass(frozen=True)
class Run:
    """A run as a row: ``table`` is ``builds`` or ``deployments``, ``id`` its natural key, ``warnings`` what was ignored."""

    table: str
    id: str
    row: dict[str, Any]
    warnings: tuple[str, ...]


def unwrapped(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The payload in ``body``: the body itself, or what stands in its ``payload`` (an object, or one as JSON text)."""
    inner = body.get("payload")
    if inner is None or "instance_guid" in body:
        return body
    if isinstance(inner, str):
        try:
            inner = json.loads(inner)
        except (ValueError, RecursionError):
            inner = None
    if not isinstance(inner, dict):
        raise _refused([Detail("payload", "an object, or the text of one in JSON")])
    return inner


def run_of(body: Mapping[str, Any]) -> Run:
    """The run that ``body`` tells of. Raises ``InvalidRequest`` (``invalid_run``) with every finding."""
    fields = _Fields(unwrapped(body))
    texts = {name: fields.text(name, required=name in REQUIRED_TEXTS) for name in (*REQUIRED_TEXTS, *OPTIONAL_TEXTS)}
    flags = {name: fields.flag(name) for name in FLAGS}
    if flags["ci"] and flags["cd"]:
        fields.wrong("cd", "a run is a build (ci) or a deployment (cd): one of them is true")
    table, key = ("deployments", "deployment_id") if flags["cd"] else ("builds", "build_id")
    number = fields.integer("build_number", required=texts["execution_id"] is None)
    started, finished = fields.times()
    status = fields.status()
    repository = fields.repository(texts["repo_url"])
    shas = fields.commits()
    parameters = fields.parameters()
    if fields.findings:
        raise _refused(fields.findings)
    run_id = texts["execution_id"] or f"{texts['instance_guid']}:{texts['job_full_name']}:{number}"
    row: dict[str, Any] = {
        key: run_id,
        "repository": repository,
        "pipeline": texts["pipeline"],
        "sha": shas[0] if len(shas) == 1 else None,
        "status": status,
        "started_at": _instant(started),
        "finished_at": None if status == "running" else _instant(finished),
        "url": texts["web_url"],
    }
    if table == "builds":
        row["branch"] = texts["branch_name"]
    else:
        row.update(_of_deployment(texts, flags, parameters, shas, status))
    return Run(table, run_id, {name: value for name, value in row.items() if value is not None}, tuple(fields.warnings))


def _of_deployment(
    texts: Mapping[str, str | None],
    flags: Mapping[str, bool | None],
    parameters: Mapping[str, str],
    shas: list[str],
    status: str,
) -> dict[str, Any]:
    return {
        # One job deploys one service, unless it says which; a project has many of both.
        "service": parameters.get("service") or texts["job_full_name"],
        "environment": parameters.get("environment") or parameters.get("env"),
        "shas": shas or None,
        # It went through, and then production failed because of it.
        "status": "failure" if flags["cfr_status"] else status,
        "rollback": parameters.get("rollback", "").lower() in ("true", "1", "yes"),
        "triggered_by": texts["user_id"],
    }


class _Fields:
    """The fields of a payload by their newer names; ``findings`` and ``warnings`` gather while they are read."""

    def __init__(self, payload: Mapping[str, Any]) -> None:
        self.findings: list[Detail] = []
        self.warnings: list[str] = []
        self._values = {name: payload[name] for name in FIELDS if payload.get(name) is not None}
        names = set(FIELDS)
        for name, others in ALIASES.items():
            names.update(others)
            for other in others:
                if payload.get(other) is not None:
                    self._values.setdefault(name, payload[other])
        for name in payload:
            if name not in names and name != "request_type":
                near = get_close_matches(name, names, n=1)
                advice = f"; did you mean {near[0]}?" if near else ""
                self.warnings.append(f"{name[:80]}: unknown field, ignored{advice}")

    def wrong(self, name: str, message: str) -> None:
        self.findings.append(Detail(name, message))

    def text(self, name: str, *, required: bool) -> str | None:
        value = self._values.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < _LONGEST_NUMBER:
            value = str(value)
        if value is None or (isinstance(value, str) and not value.strip()):
            if required:
                other = "".join(f" (or {alias})" for alias in ALIASES.get(name, ()) if not alias.startswith("jenkins_"))
                self.wrong(name, f"required: a text{other}")
            return None
        if not isinstance(value, str) or len(value) > _LONGEST:
            self.wrong(name, f"a text of at most {_LONGEST} characters")
            return None
        return value.strip()

    def flag(self, name: str) -> bool | None:
        value = self._values.get(name)
        if isinstance(value, str) and value.strip().lower() in ("true", "false", ""):
            value = value.strip().lower() == "true"
        if value is not None and not isinstance(value, bool):
            self.wrong(name, "true or false")
            return None
        return value

    def integer(self, name: str, *, required: bool) -> int | None:
        value = self._values.get(name)
        if isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]{1,18}\s*", value):
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if value is None:
            if required:
                hint = "; without execution_id it tells the runs of a job apart" if name == "build_number" else ""
                self.wrong(name, f"required: a whole number{hint}")
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
            self.wrong(name, "a whole number, not below 0")
            return None
        return value

    def times(self) -> tuple[datetime | None, datetime | None]:
        """When it started and finished; None where that is not told or cannot be."""
        start = self.integer("start_time", required=True)
        duration = self.integer("duration", required=True)
        if start is not None and not 0 < start <= _LAST_MILLISECOND:
            self.wrong("start_time", "milliseconds since 1970 (an instant before the year 10000)")
            start = None
        if duration is not None and duration > _LONGEST_RUN / timedelta(milliseconds=1):
            self.wrong("duration", f"milliseconds, at most {_LONGEST_RUN.days} days")
            duration = None
        if start is None or duration is None:
            return None, None
        if start + duration > _LAST_MILLISECOND:
            self.wrong("start_time", "milliseconds since 1970 (an instant before the year 10000)")
            return None, None
        started = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=start)
        return started, started + timedelta(milliseconds=duration)

    def status(self) -> str:
        result = self.text("result", required=True)
        if result is None:
            return ""
        status = STATUS.get(re.sub(r"[\s-]+", "_", result.lower()))
        if status is None:
            self.wrong("result", f"{result[:40]!r} is none of {', '.join(STATUS)}")
        return status or ""

    def repository(self, url: str | None) -> str | None:
        if url is None:
            return None
        name = name_of_url(url)
        if "/" not in name:
            self.wrong("repo_url", "the address of a repository, as https://code.example.com/org/name.git")
            return None
        return name

    def commits(self) -> list[str]:
        value = self._values.get("scm_commit_ids", [])
        if not isinstance(value, list) or not all(isinstance(sha, str) for sha in value):
            self.wrong("scm_commit_ids", "a list of commit ids")
            return []
        return list(dict.fromkeys(sha.strip().lower() for sha in value if sha.strip()))

    def parameters(self) -> dict[str, str]:
        """Parameters of the run by name in lower case; those that are neither text nor flag are left out."""
        value = self._values.get("job_run_params", [])
        if not isinstance(value, list) or not all(isinstance(parameter, dict) for parameter in value):
            self.wrong("job_run_params", "a list of objects with name and value")
            return {}
        parameters: dict[str, str] = {}
        for parameter in value:
            name, content = parameter.get("name"), parameter.get("value")
            if isinstance(name, str) and isinstance(content, str | bool):
                parameters[name.strip().lower()] = str(content).strip()[:_LONGEST]
        return parameters


def _refused(findings: list[Detail]) -> InvalidRequest:
    what = "; ".join(f"{finding.field}: {finding.message}" for finding in findings[:3])
    return InvalidRequest(f"The run cannot be taken: {what}", code="invalid_run", details=findings)


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment, milliseconds=True)
