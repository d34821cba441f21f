"""Payloads of custom CI/CD integrations as rows: both documented spellings, every field, every refusal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.errors import InvalidRequest
from leadline.schema import TABLES
from leadline.sources.custom_cicd import FIELDS, STATUS, run_of

NEWER: dict[str, Any] = {
    "pipeline": "Node.js CI",
    "user_id": "SCMTrigger",
    "repo_url": "https://git.example.com/acme/shop.git",
    "start_time": 1679467494000,
    "result": "success",
    "duration": 77000,
    "build_number": 4487150517,
    "instance_guid": "89d2491c-764a-4f77-93d9-18e8e372b795",
    "instance_name": "Custom CI/CD Instance",
    "instance_url": "https://custom-cicd.example.com/",
    "job_run": {"stages": [{"displayName": "Build", "result": "succeeded", "state": "completed", "steps": []}]},
    "job_full_name": "Node.js CI--readme updated",
    "qualified_name": "Node.js CI--readme updated",
    "branch_name": "master",
    "module_name": None,
    "scm_commit_ids": ["64BE72B2C1F7D2A33082F98A40A848880FCDCD5E"],
    "job_run_params": [
        {"type": "StringParameterValue", "name": "version", "value": 1},
        {"type": "StringParameterValue", "name": "ENV", "value": "production"},
    ],
    "ci": True,
    "cd": False,
    "artifacts": [{"input": False, "output": True, "type": "container", "name": "image1", "qualifier": "1"}],
    "trigger_chain": [{"id": "SCMTrigger", "type": "SCMTriggerCause"}],
}
OLDER: dict[str, Any] = {
    "job_name": "pipelines-testing",
    "instance_guid": "c9a73c1b-7590-34aa-a82f-c53a469686b7",
    "instance_name": "azure-integration",
    "job_full_name": "Project/Repo",
    "job_normalized_full_name": "Project/Repo",
    "result": "FAILED",
    "user_id": "UNKNOWN",
    "repo_url": "https://dev.example.com/Someone/Project/_git/Repo",
    "start_time": 1684912520000,
    "duration": 5,
    "build_number": 7871,
    "instance_url": "https://dev.example.com",
    "branch_name": "main",
    "project_name": "Project",
}
DEPLOYMENT = {**NEWER, "ci": False, "cd": True, "execution_id": "run-1", "web_url": "https://ci.example.com/1"}


def refused(payload: Any) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as error:
        run_of(payload)
    assert error.value.code == "invalid_run"
    return {detail.field: detail.message for detail in error.value.details}


def test_the_newer_spelling_of_a_build() -> None:
    run = run_of(NEWER)
    assert (run.table, run.warnings) == ("builds", ())
    assert run.row == {
        "build_id": "89d2491c-764a-4f77-93d9-18e8e372b795:Node.js CI--readme updated:4487150517",
        "repository": "acme/shop",
        "pipeline": "Node.js CI",
        "branch": "master",
        "sha": "64be72b2c1f7d2a33082f98a40a848880fcdcd5e",
        "status": "success",
        "started_at": "2023-03-22T06:44:54.000Z",
        "finished_at": "2023-03-22T06:46:11.000Z",
    }


def test_the_older_spelling_of_a_build() -> None:
    run = run_of(OLDER)
    assert (run.table, run.warnings) == ("builds", ())
    assert run.row["pipeline"] == "pipelines-testing"
    assert run.row["build_id"] == "c9a73c1b-7590-34aa-a82f-c53a469686b7:Project/Repo:7871"
    assert run.row["repository"] == "Project/Repo"
    assert run.row["status"] == "failure"
    assert run.row["finished_at"] == "2023-05-24T07:15:20.005Z"


def test_a_deployment() -> None:
    run = run_of(DEPLOYMENT)
    assert (run.table, run.id) == ("deployments", "run-1")
    assert run.row == {
        "deployment_id": "run-1",
        "repository": "acme/shop",
        "service": "Node.js CI--readme updated",
        "environment": "production",
        "pipeline": "Node.js CI",
        "sha": "64be72b2c1f7d2a33082f98a40a848880fcdcd5e",
        "shas": ["64be72b2c1f7d2a33082f98a40a848880fcdcd5e"],
        "status": "success",
        "rollback": False,
        "started_at": "2023-03-22T06:44:54.000Z",
        "finished_at": "2023-03-22T06:46:11.000Z",
        "triggered_by": "SCMTrigger",
        "url": "https://ci.example.com/1",
    }


@pytest.mark.parametrize(("ci", "cd", "table"), [(True, False, "builds"), (False, True, "deployments")])
def test_the_flags_say_what_a_run_is(ci: bool, cd: bool, table: str) -> None:
    assert run_of({**NEWER, "ci": ci, "cd": cd}).table == table
    assert run_of({**NEWER, "ci": str(ci).upper(), "cd": str(cd)}).table == table


@pytest.mark.parametrize("flags", [{}, {"ci": None, "cd": None}, {"ci": False, "cd": False}, {"cd": ""}])
def test_without_a_flag_a_run_is_a_build(flags: dict[str, Any]) -> None:
    assert run_of({**OLDER, **flags}).table == "builds"


def test_a_run_is_not_both() -> None:
    assert list(refused({**NEWER, "ci": True, "cd": True})) == ["cd"]


@pytest.mark.parametrize(
    ("parameters", "column", "value"),
    [
        ([("environment", "live")], "environment", "live"),
        ([("Env", "live")], "environment", "live"),
        ([("ENVIRONMENT", "live"), ("env", "test")], "environment", "live"),
        ([("other", "live")], "environment", None),
        ([("Service", "basket")], "service", "basket"),
        ([("rollback", "true")], "rollback", True),
        ([("ROLLBACK", True)], "rollback", True),
        ([("rollback", "no")], "rollback", False),
        ([(7, "x"), ("rollback", {"a": 1})], "rollback", False),
    ],
)
def test_parameters_of_the_run(parameters: list[tuple[Any, Any]], column: str, value: object) -> None:
    given = [{"type": "StringParameterValue", "name": name, "value": each} for name, each in parameters]
    assert run_of({**DEPLOYMENT, "job_run_params": given}).row.get(column) == value


@pytest.mark.parametrize(
    ("result", "status"),
    [
        ("SUCCESS", "success"),
        ("Failure", "failure"),
        ("aborted", "cancelled"),
        ("UNSTABLE", "failure"),
        ("Not Built", "cancelled"),
        ("in-progress", "running"),
    ],
)
def test_results(result: str, status: str) -> None:
    assert run_of({**DEPLOYMENT, "result": result}).row["status"] == status


def test_a_running_one_has_not_finished() -> None:
    row = run_of({**DEPLOYMENT, "result": "RUNNING"}).row
    assert "finished_at" not in row
    assert row["started_at"] == "2023-03-22T06:44:54.000Z"


def test_a_deployment_that_failed_in_production_has_failed() -> None:
    assert run_of({**DEPLOYMENT, "cfr_status": True}).row["status"] == "failure"
    assert run_of({**DEPLOYMENT, "cfr_status": False}).row["status"] == "success"
    assert run_of({**NEWER, "cfr_status": True}).row["status"] == "success", "a build fails nothing in production"


@pytest.mark.parametrize(
    ("shas", "sha", "listed"),
    [
        ([], None, None),
        (["a1"], "a1", ["a1"]),
        (["A1", "a1 ", ""], "a1", ["a1"]),
        (["a1", "b2"], None, ["a1", "b2"]),
        (None, None, None),
    ],
)
def test_commits(shas: Any, sha: str | None, listed: list[str] | None) -> None:
    row = run_of({**DEPLOYMENT, "scm_commit_ids": shas}).row
    assert (row.get("sha"), row.get("shas")) == (sha, listed)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://git.example.com/acme/shop", "acme/shop"),
        ("https://user:pw@git.example.com/acme/shop.git", "acme/shop"),
        ("git@git.example.com:acme/shop.git", "acme/shop"),
        ("ssh://git@git.example.com:22/acme/shop.git", "acme/shop"),
        ("https://git.example.com/group/sub/shop.git", "sub/shop"),
        ("", None),
        (None, None),
    ],
)
def test_repositories_are_called_as_git_syncs_call_them(url: str | None, name: str | None) -> None:
    assert run_of({**NEWER, "repo_url": url}).row.get("repository") == name


def test_a_run_needs_an_id() -> None:
    without = {name: value for name, value in NEWER.items() if name != "build_number"}
    assert list(refused(without)) == ["build_number"]
    assert run_of({**without, "execution_id": "x"}).id == "x"


def test_everything_that_is_missing_is_told_at_once() -> None:
    findings = refused({})
    required = {"pipeline", "job_full_name", "qualified_name", "instance_name", "instance_guid"}
    assert set(findings) == required | {"start_time", "duration", "result", "build_number"}
    assert "job_name" in findings["pipeline"]
    assert "job_normalized_full_name" in findings["qualified_name"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("start_time", "yesterday"),
        ("start_time", -1),
        ("start_time", 0),
        ("start_time", 1.5),
        ("start_time", True),
        ("start_time", 10**18),
        ("duration", -1),
        ("duration", 10**12),
        ("duration", float("nan")),
        ("result", "GREEN"),
        ("result", None),
        ("result", ["SUCCESS"]),
        ("pipeline", " "),
        ("pipeline", {}),
        ("pipeline", "x" * 3000),
        pytest.param("pipeline", 10**5000, id="a number of 5000 digits"),
        ("instance_guid", None),
        ("build_number", "seven"),
        ("scm_commit_ids", "a1"),
        ("scm_commit_ids", [1]),
        ("job_run_params", {"a": 1}),
        ("job_run_params", [1]),
        ("repo_url", "shop"),
        ("ci", "perhaps"),
        ("cfr_status", 1),
    ],
)
def test_wrong_fields(field: str, value: Any) -> None:
    assert list(refused({**NEWER, field: value})) == [field]


def test_whole_numbers_may_be_texts() -> None:
    row = run_of({**NEWER, "start_time": "1679467494000", "duration": 77000.0, "build_number": " 7 "}).row
    assert row["started_at"] == "2023-03-22T06:44:54.000Z"
    assert row["build_id"].endswith(":7")


def test_unknown_fields_are_told() -> None:
    run = run_of({**NEWER, "branchname": "x"})
    assert run.warnings == ("branchname: unknown field, ignored; did you mean branch_name?",)


@pytest.mark.parametrize("wrap", [lambda payload: payload, json.dumps])
def test_a_payload_in_its_wrapper(wrap: Any) -> None:
    older = {
        **{name: value for name, value in OLDER.items() if not name.startswith("instance_")},
        "jenkins_instance_guid": "g",
        "jenkins_instance_name": "n",
        "jenkins_instance_url": None,
        "scm_user_id": None,
    }
    run = run_of({"request_type": "JenkinsPluginJobRunComplete", "payload": wrap(older)})
    assert (run.id, run.warnings) == ("g:Project/Repo:7871", ())


@pytest.mark.parametrize("inner", ["{", "[1]", 7, [1], pytest.param("[" * 100_000, id="deep")])
def test_a_wrapper_with_something_else(inner: Any) -> None:
    assert list(refused({"payload": inner})) == ["payload"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3)
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys((*FIELDS, "payload", "x"), VALUES)))
def test_whatever_comes_is_a_row_or_one_refusal(changed: dict[str, Any]) -> None:
    try:
        run = run_of({**DEPLOYMENT, **changed})
    except InvalidRequest:
        return
    table = TABLES[run.table]
    assert set(run.row) <= set(table.column)
    assert run.row[table.key[0]] == run.id
    assert run.row["status"] in set(STATUS.values())
