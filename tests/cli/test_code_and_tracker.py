"""A home of GitHub and Jira alone, without pipelines that tell of deployments and without an incident tool: no column is empty."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from stubs import github, jira
from stubs.github_data import release, repository
from stubs.server import serving

from .running import Leadline, write_tables

ENV = {"GITHUB_TOKEN": github.TOKEN, "JIRA_TOKEN": jira.TOKEN}
PEOPLE = {
    "developers": """\
        email,full_name,manager_email,team
        eve@example.com,Eve,,Shop
        ada@example.com,Ada,eve@example.com,Shop
        ben@example.com,Ben,eve@example.com,Shop
        """,
    "identities": """\
        source,account,email
        github,ada,ada@example.com
        jira,5b10:ada,ada@example.com
        """,
}
GROUPS = ("lttc", "work_items", "lttc_items", "df", "cfr", "mttr", "rating")


@pytest.fixture
def tools() -> Iterator[tuple[str, str]]:
    """Six pull requests, merged every hour from 10:45 on, and the releases v1 to v3 (10:41, 12:21 and 14:01) of the merges 1
    to 3; a prerelease; and seven issues, one every two hours, of which the second is an incident: 13:00 to 14:10."""
    shop = repository("acme/shop", 1, pulls=6, releases=3, runs=6)
    shop["releases"].append({**release("acme/shop", 4), "isPrerelease": True})
    tracker = jira.small()
    tracker.issue("SHOP-2")["fields"]["issuetype"] = {"id": "10002", "name": "Incident"}
    with ExitStack() as servers:
        code = servers.enter_context(serving(github.Hub({"acme": [shop]})))
        yield code, servers.enter_context(serving(tracker))


def exported(leadline: Leadline) -> dict[str, str]:
    groups = [part for group in GROUPS for part in ("--group", group)]
    days = ("--start", "2026-01-01", "--end", "2026-01-31", "--granularity", "monthly")
    text = leadline("export", "efficiency", "--org-tree", "Shop", *days, *groups, "-o", "-").stdout
    (row,) = csv.DictReader(io.StringIO(text))
    return row


def test_no_column_of_dora_is_empty(leadline: Leadline, tools: tuple[str, str], tmp_path: Path) -> None:
    code, tracker = tools
    data = write_tables(tmp_path / "people", PEOPLE)
    leadline("import", data)
    leadline("org", "load", data / "developers.csv", "--name", "Shop")
    leadline("sync", "github", "acme", "--url", code, env=ENV)
    leadline("sync", "jira", "SHOP", "--url", tracker, "--user", jira.USER, env=ENV)
    row = exported(leadline)
    assert [name for name, value in row.items() if value == ""] == []
    assert (row["DF_Deployment_Count"], row["CFR_Percent"]) == ("2", "0.0")  # v1 is before the first merge: nobody's
    assert (row["Incident_Count"], row["MTTR_Mean_Days"]) == ("1", "0.0486")  # 70 minutes
    assert row["Deploy_Items"] == "2"  # v1 is the first: it carries nothing; v2 the merge of 2, v3 that of 3
    leadline("settings", "cfr.source", "incidents")
    assert exported(leadline)["CFR_Percent"] == "50.0"  # v2, the latest before 13:00

    leadline("facts", "deployments", "-o", "runs.csv")
    runs = list(csv.DictReader(io.StringIO((leadline.cwd / "runs.csv").read_text())))
    assert [(run["deployment_id"], run["source"], run["outcome"]) for run in runs] == [
        ("release:acme/shop@v1", "releases", "success"),
        ("release:acme/shop@v2", "releases", "failure"),
        ("release:acme/shop@v3", "releases", "success"),
    ]
    assert runs[1]["pull_requests"] == "acme/shop#2"
    leadline("facts", "incidents", "-o", "incidents.csv")
    (incident,) = csv.DictReader(io.StringIO((leadline.cwd / "incidents.csv").read_text()))
    assert (incident["incident_id"], incident["source"]) == ("item:SHOP/SHOP-2", "work_items")
    assert incident["deployment_id"] == "release:acme/shop@v2"


def test_merges_instead_of_releases_and_what_cannot_be_chosen(
    leadline: Leadline, tools: tuple[str, str], tmp_path: Path
) -> None:
    code, _ = tools
    data = write_tables(tmp_path / "people", PEOPLE)
    leadline("import", data)
    leadline("org", "load", data / "developers.csv", "--name", "Shop")
    leadline("sync", "github", "acme", "--url", code, env=ENV)
    refused = leadline("settings", "deployments.source", "builds", code=2).stderr
    assert "one of auto, pipelines, releases, merges, versions" in refused
    assert exported(leadline)["DF_Deployment_Count"] == "2"
    leadline("settings", "deployments.source", "merges")
    assert exported(leadline)["DF_Deployment_Count"] == "6"
    leadline("settings", "deployments.labels", "no such")
    assert exported(leadline)["DF_Deployment_Count"] == "0"
    (leadline.cwd / "team.toml").write_text(
        '[team.1.deployments]\nsource = "merges"\nbranches = ["ma*", "release/*"]\n'
    )
    leadline("settings", "--file", "team.toml")
    assert "ma*, release/*" in leadline("settings", "team.1.deployments.branches").stdout
    assert exported(leadline)["DF_Deployment_Count"] == "0"  # labels are as the project says
    leadline("settings", "deployments.labels", "--unset")
    assert exported(leadline)["DF_Deployment_Count"] == "6"
