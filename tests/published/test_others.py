"""What the connectors of Jira, PagerDuty and Jenkins ask and read, held against what these tools publish of their REST APIs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli.running import Leadline
from leadline.sources.kit.kinds import KINDS
from published.facts import JIRA_CENTER, JIRA_CLOUD, PAGERDUTY
from published.jenkins import unexported
from published.openapi import Description
from published.traffic import Exchange, recorded
from stubs import jenkins, jira, jira_data, pagerduty
from stubs.server import serving

OF_ANY_ANSWER = (": reads error", ": reads message", ": reads errors")
"""What a refusal says is looked for in whatever is answered."""


def faults(described: Description, exchanges: list[Exchange]) -> set[str]:
    """What is wrong with any of them. All that is described is asked for."""
    operations = {operation[0] for exchange in exchanges if (operation := described.operation(exchange))}
    assert set(described.templates) - operations == set(), "is described and was not asked for"
    described_faults = {fault for exchange in exchanges for fault in described.faults(exchange)}
    return {fault for fault in described_faults if not fault.endswith(OF_ANY_ANSWER)}


def of_jira(folder: Path, *, cloud: bool) -> list[Exchange]:
    """All is read; then an issue moves on, one is deleted, and the histories of many issues are refused at once."""
    tool = jira.small(cloud=cloud)
    secret = {"JIRA_TOKEN": jira.TOKEN}
    with recorded() as exchanges, serving(tool) as url:
        reads = Leadline(folder / "home", folder)
        user = ("--user", jira.USER) if cloud else ()
        reads("sources", "add", "jira", "SHOP", "WEB", "--url", url, *user, "--name", "it")
        reads("sources", "test", "it", env=secret)
        shown_in_part = tool.issue("SHOP-3")
        shown_in_part["told"] = shown_in_part["histories"][:1]
        tool.users = [jira_data.user("zoe", cloud=False)]
        reads("sync", env=secret)
        handed_over = jira_data.item("assignee", (None, None), (jira_data.key_of("zoe"), "Zoe Example"))
        reopened = jira_data.moved(jira_data.DONE, jira_data.DOING)
        tool.touch("SHOP-1", 60 * 24 * 31, handed_over, reopened, status=jira_data.DOING)
        tool.issues.remove(tool.issue("SHOP-4"))
        tool.refused["/rest/api/3/changelog/bulkfetch"] = (403, {}, {"errorMessages": ["no"]})
        tool.clock += 86_400 * 3
        reads("sync", env=secret)
    return exchanges


def test_jira_cloud(tmp_path: Path) -> None:
    exchanges = of_jira(tmp_path, cloud=True)
    assert faults(JIRA_CLOUD, exchanges) == set()
    read = {path for exchange in exchanges for path in exchange.reads}
    assert ("issueChangeLogs", "[]", "changeHistories", "[]", "items", "[]", "fromString") in read
    assert ("values", "[]", "completeDate") in read


def test_jira_data_center(tmp_path: Path) -> None:
    exchanges = of_jira(tmp_path, cloud=False)
    assert faults(JIRA_CENTER, exchanges) == set()
    read = {path for exchange in exchanges for path in exchange.reads}
    assert ("issues", "[]", "changelog", "histories", "[]", "items", "[]", "fromString") in read


@pytest.fixture
def incidents() -> pagerduty.PagerDuty:
    service = pagerduty.service(1, "Shop")
    ended = [pagerduty.incident(number, service, number) for number in range(1, 140)]
    going_on = pagerduty.incident(500, service, 500, ends=None)
    return pagerduty.PagerDuty(services=[service, pagerduty.service(2, "Web")], incidents=[*ended, going_on])


def test_pagerduty(tmp_path: Path, incidents: pagerduty.PagerDuty) -> None:
    secret = {"PAGERDUTY_TOKEN": pagerduty.TOKEN}
    with recorded() as exchanges, serving(incidents) as url:
        reads = Leadline(tmp_path / "home", tmp_path)
        reads("sources", "add", "pagerduty", "Shop*", "--url", url, "--name", "it")
        reads("sources", "test", "it", env=secret)
        reads("sync", env=secret)
        ends = pagerduty.when(900)
        incidents.incidents[-1].update(status="resolved", resolved_at=ends, last_status_change_at=ends)
        reads("sync", env=secret)
    assert faults(PAGERDUTY, exchanges) == set()
    read = {path for exchange in exchanges for path in exchange.reads}
    assert {("incidents", "[]", "priority", "summary"), ("incident", "resolved_at")} <= read


def test_jenkins(tmp_path: Path) -> None:
    shop = jenkins.folder("shop", jenkins.job("build", 3), jenkins.job("deploy", 2, parameters={"environment": "live"}))
    tool = jenkins.Jenkins(jobs=[shop, jenkins.multibranch("web", jenkins.job("main", 1))])
    secret = {"JENKINS_TOKEN": jenkins.TOKEN}
    with recorded() as exchanges, serving(tool) as url:
        reads = Leadline(tmp_path / "home", tmp_path)
        user = ("--user", jenkins.USER)
        reads("sources", "add", "jenkins", "*", "--url", url, *user, "--deploys", "deploy=live", "--name", "it")
        reads("sources", "test", "it", env=secret)
        reads("sync", env=secret)
        shop["jobs"][0]["allBuilds"].append(jenkins.build(4, minutes=100))
        reads("sync", env=secret)
    trees = {(exchange.path, dict(exchange.params)["tree"]) for exchange in exchanges}
    assert len(trees) > 2
    kinds = {(tree, "run" if path.split("/")[-3].isdigit() else "item") for path, tree in trees}
    assert {fault for tree, kind in kinds for fault in unexported(tree, kind)} == set()
    asked = " ".join(tree for _, tree in trees)
    assert {"causes", "lastBuiltRevision", "commitId", "allBuilds", "lastBuild"} <= set(re.findall(r"\w+", asked))


@pytest.mark.parametrize(
    "tree", ["_class,jobs[name,color]", "jobs[name[x]]", "allBuilds[actions]", "jobs[lastBuild[id]]"]
)
def test_what_jenkins_does_not_export_is_noticed(tree: str) -> None:
    assert len(list(unexported(tree, "item"))) == 1


def test_every_tool_with_an_api_is_held_against_what_it_publishes() -> None:
    own_protocol = {"git", "files"}
    assert set(KINDS) - own_protocol == {"github", "gitlab", "jira", "jenkins", "pagerduty"}
