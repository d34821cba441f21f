"""The published document: current, valid, complete, and true of what the server really answers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
    use_after_free,
)

from api.document import DOCUMENT
from api.serving import BODY, EFFICIENCY_BODY, Client, Served, fill, serving
from leadline.api.app import routed
from leadline.api.push.models import RunRequest
from leadline.exports.efficiency import EfficiencyExportRequest
from leadline.exports.models import ReportRequest
from leadline.exports.productivity import ProductivityExportRequest
from leadline.home import Home
from leadline.sources.custom_cicd import ALIASES, FIELDS

COMMITTED = Path(__file__).parents[2] / "docs" / "openapi.json"


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def test_the_committed_document_is_current() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "leadline.api.published"], capture_output=True, text=True, check=True
    ).stdout
    assert COMMITTED.read_text() == printed, "run: python -m leadline.api.published > docs/openapi.json"


def test_the_document_is_valid() -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_every_route_is_described() -> None:
    described = {(method.upper(), path) for method, path, _ in operations()}
    routes = {
        (method, route.path.replace(":path}", "}")) for route in routed().router.routes for method in route.methods
    }
    assert described == routes


def test_operations_have_stable_names() -> None:
    of_files = ("create{}Export", "get{}Export", "cancel{}Export", "delete{}Export", "download{}Export", "head{}Export")
    of_files = (*of_files, "list{}Exports")
    of_metrics = ("list{}Metrics", "get{}Insight", "get{}Cell", "get{}ExportCell")
    of_exports = {
        name.format(kind)
        for kind in ("Productivity", "Efficiency", "Flow", "Ba", "Sprint")
        for name in (*of_files, *of_metrics)
    }
    of_exports |= {name.format("Facts") for name in of_files}
    of_exports |= {name.format("TicketData") for name in (*of_files, "get{}Insight")}
    of_exports |= {name.format("Sprints") for name in of_files if name != "create{}Export"}
    others = {
        "createTeamReport",
        "forecast",
        "listFacts",
        "pushCicdRun",
        "pushRows",
        "takeWebhook",
        "listCharts",
        "getChart",
    }
    others |= {"health", "headHealth", "ready", "headReady", "metrics", "openapi"}
    others |= {
        "getStatus",
        "listSources",
        "addSource",
        "listSourceKinds",
        "getSource",
        "removeSource",
        "trySource",
        "runSource",
    }
    others |= {"listIdentities", "setAccount"}
    of_agents = {
        *("listAllTeams", "getTeamInfo", "getTeamDevelopers", "getIntegrationsOfTeam", "getIntegrationFiltersOfTeam"),
        *("getOrgTree", "getOrgTreeIntegrations"),
        *("getEfficiencyProfile", "getProductivityProfile", "getBusinessAlignmentProfile"),
        *("getTeamLeadTime", "getTeamTimeToRestore", "getTeamDeploymentFrequency", "getTeamChangeFailureRate"),
        *("getTeamDeploymentFrequencyDrilldown", "getTeamChangeFailureRateDrilldown", "getFeatureMetrics"),
        *("listBusinessProfiles", "getBusinessFeatureMetrics", "getBusinessFeatureSummary", "getBusinessDrilldown"),
        *("getAssistantAdoption", "getAssistantAdoptionSummary", "getAssistantAdoptionBreakdown"),
        *("getAssistantUsage", "getAssistantUsageSummary", "getAssistantUsageBreakdown"),
        *("getAssistantVelocity", "getAssistantRework"),
    }
    others |= {"listWebhooks", "addWebhook", "getWebhook", "removeWebhook", "tryWebhook"}
    others |= {"listSchedules", "addSchedule", "getSchedule", "changeSchedule", "removeSchedule"}
    others |= {"runSchedule", "listScheduleRuns"}
    of_people = {
        *("uploadDevelopers", "reuploadDevelopers", "uploadDevelopersOlder", "reuploadDevelopersOlder"),
        *("getDevelopersVersion", "mapDeveloperFields", "activateDevelopersVersion"),
        *("saveDevelopersUpload", "approveDevelopersUpload", "listDevelopers", "searchDevelopers"),
        *("downloadDevelopers", "getDeveloperSchema", "upsertDevelopers", "deleteDevelopers"),
        *("putCloudIds", "uploadCloudIds", "listOrgTrees", "listTeams", "getTeamFilters", "putTeamFilters"),
        *("getTeamIntegrations", "putTeamIntegrations"),
    }
    of_administration = {
        *("listSettings", "changeSettings", "getSetting", "putSetting", "resetSetting"),
        *("listKeys", "createKey", "limitKey", "revokeKey"),
    }
    names = {operation["operationId"] for _, _, operation in operations()}
    assert names == of_exports | others | of_agents | of_people | of_administration


def test_every_refusal_is_described_with_the_one_shape() -> None:
    for method, path, operation in operations():
        refusals = {code: body for code, body in operation["responses"].items() if code >= "400"}
        assert {"500", "503"} <= set(refusals), (method, path)
        assert path.startswith(("/v1/", "/v2/")) == ("401" in refusals)
        for refusal in refusals.values():
            assert refusal["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ErrorBody"}


def test_the_four_spellings_of_a_key_are_described() -> None:
    assert set(DOCUMENT["components"]["securitySchemes"]) == {"SeiApiKey", "ApiKey", "XApiKey", "Bearer"}
    for _, path, operation in operations():
        keyed = path.startswith(("/v1/", "/v2/")) and "/v1/webhooks" not in path  # these are signed
        assert len(operation["security"]) == (4 if keyed else 0)


def test_the_request_is_the_declared_model() -> None:
    for model, required in (
        (ProductivityExportRequest, {"scope", "dateRange"}),
        (EfficiencyExportRequest, {"scope", "dateRange", "options"}),
        (ReportRequest, {"dateStart", "dateEnd"}),
    ):
        schema = DOCUMENT["components"]["schemas"][model.__name__]
        assert set(schema["properties"]) == {field.alias for field in model.model_fields.values()}
        assert set(schema["required"]) == required


def schemas_of(node: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Everything in the document that may be a schema, with the name of the member or parameter that it describes."""
    if isinstance(node, dict):
        name = node.get("name", name) if isinstance(node.get("name", ""), str) else name
        yield name, node
        for key, value in node.items():
            inner = value.items() if key == "properties" and isinstance(value, dict) else ((name, value),)
            for member, schema in inner:
                yield from schemas_of(schema, member)
    elif isinstance(node, list):
        for value in node:
            yield from schemas_of(value, name)


def types_of(schema: dict[str, Any]) -> set[str]:
    """The JSON types that a schema itself allows."""
    types = schema.get("type", [])
    return set(types) if isinstance(types, list) else {types}


def test_every_array_says_what_is_in_it() -> None:
    arrays = [(name, schema) for name, schema in schemas_of(DOCUMENT) if "array" in types_of(schema)]
    assert len(arrays) > 30
    assert [name for name, schema in arrays if "items" not in schema] == []


INSTANTS = re.compile(r"[a-z](At|AsOf)$")
DAYS = re.compile(r"^(start|end|dateStart|dateEnd)$")


@pytest.mark.parametrize(("names", "form"), [(INSTANTS, "date-time"), (DAYS, "date")])
def test_instants_and_days_say_their_format(names: re.Pattern[str], form: str) -> None:
    texts = [
        (name, schema) for name, schema in schemas_of(DOCUMENT) if names.search(name) and "string" in types_of(schema)
    ]
    assert len(texts) >= 4
    assert [name for name, schema in texts if schema.get("format") != form] == []


def test_what_may_be_left_out_is_no_null_in_a_query() -> None:
    for method, path, operation in operations():
        for parameter in operation.get("parameters", ()):
            types = [types_of(schema) for _, schema in schemas_of(parameter["schema"])]
            assert not any("null" in allowed for allowed in types), (method, path, parameter["name"])


def test_a_run_is_described_by_the_fields_that_are_read() -> None:
    aliases = {alias for names in ALIASES.values() for alias in names}
    assert set(RunRequest.model_fields) <= {*FIELDS, *aliases}


def test_the_server_publishes_the_same(served: Served) -> None:
    assert Client(served.base).get("/openapi.json").json == json.loads(COMMITTED.read_text())


def test_the_answers_are_as_described(served: Served) -> None:
    """Strictly: no member of a real answer is missing from the document."""
    schemas = DOCUMENT["components"]["schemas"]
    for client, prefix in ((served.client, ""), (served.efficiency, "Efficiency")):
        export = client.completed()
        poll = client.get(f"{client.exports}/{export}").json
        described = schemas[f"{prefix}ExportBody"]
        assert set(poll) <= set(described["properties"])
        assert set(described["required"]) <= set(poll)
        assert poll["status"] in described["properties"]["status"]["enum"]
    created = served.client.create({**BODY, "x": 1}).json
    assert set(created) == set(schemas["CreatedBody"]["properties"])
    fresh = served.efficiency.create({**EFFICIENCY_BODY, "x": 1}, cache_control="no-cache").json
    assert set(fresh) == set(schemas["EfficiencyCreatedBody"]["properties"])


# -- a client generated from the document, and one that tries to break it -----------------------------------------------

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
    ignored_auth,
    use_after_free,
]


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of its own: what is thrown at it stays there. No worker, so that time goes into requests."""
    folder = tmp_path_factory.mktemp("fuzzed")
    with Home.open(folder / "home") as home:
        fill(home.project(), folder)
        with serving(home, workers=0) as running:
            yield running


schema = schemathesis.openapi.from_dict(deepcopy(DOCUMENT))


@schema.parametrize()
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_no_request_gets_an_undocumented_answer(fuzzed: Served, case: schemathesis.Case) -> None:
    headers = {"SEI_API_KEY": fuzzed.keys["admin"]}
    response = case.call(base_url=fuzzed.base, headers=headers, timeout=120)
    # The tenant is right in one of two requests, else nothing but 403 would be seen.
    case.validate_response(response, checks=CHECKS, headers=headers)
    if "projectIdentifier" in (case.query or {}):
        case.query.update(projectIdentifier="default", orgIdentifier="default")
        response = case.call(base_url=fuzzed.base, headers=headers, timeout=120)
        case.validate_response(response, checks=[check for check in CHECKS if check is not ignored_auth])


def test_a_client_that_knows_only_the_document_gets_its_file(served: Served) -> None:
    """Every step by operation id, with the document's own paths, parameters and examples."""
    live = schemathesis.openapi.from_url(f"{served.base}/openapi.json")
    headers = {"x-api-key": served.keys["viewer"]}

    def call(operation: str, **parts: Any) -> Any:
        case = live.find_operation_by_id(operation).Case(headers=dict(headers), **parts)
        return case.call_and_validate(base_url=served.base, excluded_checks=[ignored_auth])

    tenant = {"projectIdentifier": "default", "orgIdentifier": "default"}
    created = call("createProductivityExport", query=tenant, body=BODY, media_type="application/json").json()
    export = {"exportId": created["exportId"]}
    served.client.wait_for(created["exportId"])
    assert call("getProductivityExport", path_parameters=export).json()["status"] == "completed"
    assert call("listProductivityExports", query={"status": "completed"}).json()["total"] >= 1
    assert call("downloadProductivityExport", path_parameters=export).text.startswith("Granularity,")
