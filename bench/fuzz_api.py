"""Throws requests made from the OpenAPI document at a served home, with a key of each role over all routes, and holds every answer
against the document: no fault of the server, no status, type, header or body that the document does not have.

Prints how many requests of which role got which status, and each violation once, with what repeats it. The exit status is 0
only without violations.

    python bench/fuzz_api.py [--requests 10000] [--roles viewer,ingestion,admin] [--seed 0] [--seconds 3600] [--routes TEXT]
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

# Benchmarks run as scripts from anywhere.
sys.path.insert(0, str(Path(__file__).parent))
from leadline.db import keys
from served import Service, service

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
TENANT = {"projectIdentifier": "default", "orgIdentifier": "default"}


class TimeUp(Exception):
    """An operation has had its share of the time."""


class Fuzzer:
    """What was sent with a key of each role, and answered. ``ids`` are values of path parameters that are there, which no generator
    would guess."""

    def __init__(self, served: Service, roles: list[str], ids: dict[str, list[str]]) -> None:
        self.base = f"http://{served.address}:{served.port}"
        self.headers = {role: {"SEI_API_KEY": served.keys[role]} for role in roles}
        self.session = requests.Session()
        self.ids = ids
        self.statuses = {role: Counter[int]() for role in roles}
        self.violations: set[str] = set()

    def send(self, case: schemathesis.Case, own: int) -> None:
        """One request of each role; of two in three, the tenant is the key's own and what they name is there."""
        if own:
            if "projectIdentifier" in (case.query or {}):
                case.query.update(TENANT)
            for name in set(case.path_parameters or ()) & set(self.ids):
                case.path_parameters[name] = self.ids[name][own % len(self.ids[name])]
        for role, headers in self.headers.items():
            response = case.call(base_url=self.base, session=self.session, headers=headers, timeout=120)
            self.statuses[role][response.status_code] += 1
            # That the database is busy or away is the one fault of the server that is documented.
            checks = CHECKS[1:] if response.status_code == 503 else CHECKS
            try:
                case.validate_response(response, checks=checks, headers=headers)
            except FailureGroup as group:
                for failure in group.exceptions:
                    self._keep(role, case, failure)

    def _keep(self, role: str, case: schemathesis.Case, failure: Exception) -> None:
        title = f"{role}: {case.operation.label}: {getattr(failure, 'title', type(failure).__name__)}"
        if title not in self.violations:
            self.violations.add(title)
            print(f"{title}\n{str(failure)[:3000]}\n", flush=True)

    def throw(self, operation: Any, examples: int, number: int, ends: float) -> None:
        """``examples`` requests of each role to ``operation``, half of them as the document wants them, unless time is up."""
        for mode in GenerationMode:

            @seed(number)
            @settings(
                max_examples=max(1, examples // 2),
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode), own=st.integers(0, 2))
            def one(case: schemathesis.Case, own: int) -> None:
                if time.monotonic() > ends:
                    raise TimeUp
                self.send(case, own)

            # An operation that takes nothing cannot be asked wrongly.
            with contextlib.suppress(Unsatisfiable, TimeUp):
                one()


def things_of(served: Service) -> dict[str, list[str]]:
    """Values of path parameters that are there, by name."""
    export = served.create({"orgTreeName": served.tree}, date(2026, 1, 1), date(2026, 3, 31))
    served.wait(export, 0.1)
    (tree,) = {str(tree["id"]) for tree in served.call("GET", "/v2/org-trees")}
    return {
        "exportId": [export],
        "treeId": [tree],
        "refId": [str(team) for team in served.teams[:3]],
        "source": ["hook"],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000, help="of each role")
    parser.add_argument("--roles", default=",".join(keys.ROLES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=3600, help="at most so long, shared by all routes")
    parser.add_argument(
        "--routes", default="", help="only those with this text in method and path, such as 'GET /v2/dev'"
    )
    options = parser.parse_args()
    config = SchemathesisConfig.from_dict({"generation": {"with-security-parameters": False}})
    with service(None, developers=10, months=2, until=date(2026, 3, 31)) as served:
        document = f"http://{served.address}:{served.port}/openapi.json"
        schema = schemathesis.openapi.from_url(document, config=config)
        operations = [result.ok() for result in schema.get_all_operations()]
        operations = [operation for operation in operations if options.routes in operation.label]
        began = time.monotonic()
        fuzzer = Fuzzer(served, options.roles.split(","), things_of(served))
        for number, operation in enumerate(operations, 1):
            ends = began + options.seconds * number / len(operations)
            fuzzer.throw(operation, options.requests // len(operations), options.seed, ends)
    for role, statuses in fuzzer.statuses.items():
        print(f"{role:>10}: {statuses.total():,} requests, {dict(sorted(statuses.items()))}")
    sent = sum(statuses.total() for statuses in fuzzer.statuses.values())
    print(f"\n{len(fuzzer.violations)} violations in {sent:,} requests")
    return 1 if fuzzer.violations else 0


if __name__ == "__main__":
    sys.exit(main())
