"""GitHub's workflow runs, as builds or by rule as deployments: read newest first by when they were created, as REST lists them.

A repository and its cursor come in; rows with the next cursor come out. Once the rules are others than those by which runs
were read, all are read anew, and what was the one goes when it is the other now. REST numbers its pages, and numbers
shift while runs come in; so the way down asks for what was created until the oldest run it has seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from leadline.errors import NotFound
from leadline.sources.github.api import Api
from leadline.sources.github.reading import earlier
from leadline.sources.github.rows import Node, deploy_rule, merged, run_build_id, run_deployment_id, run_rows
from leadline.sources.kit.client import Refused
from leadline.sources.kit.deploy_rules import DeployRules
from leadline.sources.kit.page import Row, State
from leadline.sources.kit.text import Misshapen, rfc3339

SIZE = 100
LAG = timedelta(days=1)
"""Runs this much older than the newest are read again: they may have been run again since."""
OPEN_FOR = timedelta(days=35)
"""A run ends after this long at the latest (GitHub, "Usage limits")."""
ASKED_ANYWAY = timedelta(days=1)
"""A repository in which nothing was pushed is asked this often: schedules and people start runs, too."""


@dataclass(frozen=True)
class Runs:
    """A page of runs: their ``rows``, the ids at which another kind of row would be (``whole``), and the cursor after it."""

    rows: dict[str, list[Row]]
    whole: dict[str, list[Row]]
    cursor: State


@dataclass(frozen=True)
class Builds:
    """Reads one repository's workflow runs."""

    api: Api
    repository: str
    prefix: str
    rules: DeployRules = field(default_factory=DeployRules)

    def read(self, state: State, sign: list[Any], *, settled: bool) -> Iterator[Runs]:
        """Rows and the cursor after them, if there may be new runs. ``sign`` changes when something was pushed."""
        rules = [[rule.pattern, rule.environment] for rule in self.rules.rules]
        if state and state.get("rules", []) != rules:
            state = {"rules": rules, "anew": True}
        elif rules:
            state = {**state, "rules": rules}
        now = rfc3339(self.api.client.tool_time or datetime.now(UTC))
        at: State | None = state.get("descent")
        due = str(state.get("asked") or "") < str(earlier(now, ASKED_ANYWAY))
        if at is None and state.get("sign") == sign and not state.get("open") and not due:
            return
        try:
            yield from self._descend(state, now, sign, settled=settled)
        except (Refused, NotFound):
            # Asked again only when there is a reason to; whoever took this page is told of the refusal.
            yield Runs({}, {}, {**state, "sign": sign, "asked": now})
            raise

    def _descend(self, state: State, now: str, sign: list[Any], *, settled: bool) -> Iterator[Runs]:
        floor = earlier(state.get("watermark"), LAG)
        if floor and state.get("open"):
            floor = min(floor, str(state["open"]))
        at = dict(
            state.get("descent") or {"until": None, "page": 1, "floor": floor, "top": None, "open": None, "sign": sign}
        )
        # What came since a former run began its way down is above its top: nothing is settled by coming to its end.
        signs = {"sign": sign} if settled and at["sign"] == sign else {}
        etag = state.get("etag")
        while True:
            first = at["until"] is None and at["page"] == 1
            answer = self.api.rest(f"/repos/{self.repository}/actions/runs", _asked(at), etag=etag if first else None)
            if answer.status == 304:
                yield Runs({}, {}, {**state, **signs, "asked": now})
                return
            runs = _runs(answer.body)
            etag = answer.headers.get("etag") if first else etag
            ended = _advance(at, runs, now)
            rows = merged(run_rows(self.repository, run, self.prefix, self.rules) for run in runs)
            whole = self._other_kind(runs) if state.get("anew") else {}
            if not ended:
                yield Runs(rows, whole, {**state, "descent": dict(at), "etag": etag})
                continue
            after = {"watermark": at["top"] or state.get("watermark"), "open": at["open"], "asked": now, "etag": etag}
            kept = {"rules": state["rules"]} if state.get("rules") else {}
            yield Runs(rows, whole, {**after, **signs, **kept})
            return

    def _other_kind(self, runs: list[Node]) -> dict[str, list[Row]]:
        """Where the rows of runs were that are of the other kind now."""
        found: dict[str, list[Row]] = {"builds": [], "deployments": []}
        for run in runs:
            if deploy_rule(run, self.rules) is None:
                found["deployments"].append({"deployment_id": run_deployment_id(run, self.prefix)})
            else:
                found["builds"].append({"build_id": run_build_id(run, self.prefix)})
        return {table: keys for table, keys in found.items() if keys}


def _asked(at: State) -> dict[str, str]:
    asked = {"per_page": str(SIZE), "page": str(at["page"])}
    return asked if at["until"] is None else {**asked, "created": f"<={at['until']}"}


def _runs(body: Any) -> list[Node]:
    runs = body.get("workflow_runs") if isinstance(body, dict) else None
    if not isinstance(runs, list) or not all(isinstance(run, dict) for run in runs):
        raise Misshapen("workflow_runs is no list of objects")
    return runs


def _advance(at: State, runs: list[Node], now: str) -> bool:
    """Move the place down below ``runs``; whether the way has ended."""
    created = [str(run["created_at"]) for run in runs if run.get("created_at")]
    if not runs or not created:
        return True
    at["top"] = at["top"] or max(created)
    oldest = min(created)
    unfinished = [
        str(run["created_at"])
        for run in runs
        if run.get("status") != "completed" and str(run.get("created_at")) >= str(earlier(now, OPEN_FOR))
    ]
    at["open"] = min([*unfinished, *([at["open"]] if at["open"] else [])], default=None)
    if len(runs) < SIZE or (at["floor"] and oldest < at["floor"]):
        return True
    # More than a page of one second: only then is the next page asked for by its number.
    at["page"] = at["page"] + 1 if at["until"] == oldest else 1
    at["until"] = oldest
    return False
