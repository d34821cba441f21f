"""What the connectors of Bitbucket, Jira, PagerDuty and Jenkins ask and read, held against what these tools publish of their REST
APIs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from cli.running import Leadline
from leadline.sources.bitbucket.webhooks import BitbucketWebhooks
from leadline.sources.kit.kinds import KINDS
from leadline.sources.kit.settings import SourceSettings
from published.facts import JIRA_CENTER, JIRA_CLOUD, PAGERDUTY
from published.facts_bitbucket import BITBUCKET, EVENT, HEADERS
from published.jenkins import unexported
from published.openapi import Description
from published.traffic import Exchange, KeyPath, recorded, traced
from stubs import bitbucket, bitbucket_data, jenkins, jira, jira_data, pagerduty
from stubs import bitbucket_webhooks as hooks
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
    assert ("[]", "releaseDate") in read


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


def test_bitbucket(tmp_path: Path) -> None:
    """All is read, what is long in several pages; then a second time, of one repository by its name."""
    shop = bitbucket_data.repository("acme/shop", 1, pulls=30, pipelines=120, deployments=2)
    shop["_pullrequests"][0]["_activity"] += [bitbucket_data.comment(900 + at, 70, "cleo") for at in range(60)]
    shop["_pullrequests"][1].update(
        author=None, merge_commit=None, source={"branch": {"name": "x"}, "repository": None}
    )
    shop["_pipelines"][-1] = bitbucket_data.pipeline("acme/shop", 120, None, stage="PAUSED")
    shop["_deployments"] += [bitbucket_data.deployment("acme/shop", 9, result) for result in (None, "")]
    hub = bitbucket.Hub(repositories=[shop, bitbucket_data.repository("acme/empty", 2)])
    secret, user = {"BITBUCKET_TOKEN": bitbucket.TOKEN}, ("--user", bitbucket.USER)
    with recorded() as exchanges, serving(hub) as url:
        reads = Leadline(tmp_path / "home", tmp_path)
        reads("sources", "add", "bitbucket", "acme", "--url", url, *user, "--name", "it")
        reads("sources", "test", "it", env=secret)
        reads("sync", env=secret)
        reads("sync", "bitbucket", "acme/empty", "--url", url, *user, env=secret)
        reads("sync", code=1, env={"BITBUCKET_TOKEN": "ATATT3xWrong"})
        hub.scopes = ("repository",)
        hub.clock += 8 * 86_400
        reads("sync", code=3, env=secret)
    assert faults(BITBUCKET, exchanges) == set()
    read = {path for exchange in exchanges for path in exchange.reads}
    assert {
        ("values", "[]", "update", "changes", "draft", "new"),
        ("values", "[]", "participants", "[]", "state"),
        ("values", "[]", "links", "diffstat", "href"),
        ("values", "[]", "state", "status", "name"),
        ("values", "[]", "environment_type", "name"),
        ("values", "[]", "target", "selector", "pattern"),
        ("error", "detail", "required"),
    } <= read


def bitbucket_events() -> dict[str, dict[str, Any]]:
    """A payload of every event that is used, by the event's name."""
    shop, node = "acme/shop", bitbucket_data.pull_request("acme/shop", 1)
    verdict = bitbucket_data.verdict("approval", 9, "ben")["approval"]
    said = bitbucket_data.comment(7, 9, "ben", inline=True)["comment"]
    things = {
        **{name: {} for name in ("created", "updated", "fulfilled", "rejected")},
        "approved": {"approval": verdict},
        "changes_request_created": {"changes_request": verdict},
        **{f"comment_{done}": {"comment": said} for done in ("created", "updated", "deleted")},
    }
    events = {f"pullrequest:{name}": hooks.pull_request(shop, node, **thing) for name, thing in things.items()}
    status = hooks.commit_status(shop, bitbucket_data.pipeline(shop, 1), "SUCCESSFUL")
    return {**events, "repo:commit_status_created": status, "repo:commit_status_updated": status}


@pytest.mark.parametrize("event", bitbucket_events())
def test_bitbuckets_webhooks(event: str) -> None:
    payload, reads = bitbucket_events()[event], set[KeyPath]()
    found = BitbucketWebhooks(SourceSettings("bitbucket", "it", ("acme/*",))).parse(event, traced(payload, (), reads))
    assert found.changes
    assert BITBUCKET.mismatches(payload, EVENT, "") == []
    # What polls add to a pull request is looked for there, too.
    added = {("pullrequest", name) for name in ("activity", "commits", "files", "merged")}
    assert {path for path in reads - added if not BITBUCKET.has(EVENT, path)} == set()
    assert set(hooks.signed(event, payload)[0]) == HEADERS


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
    # They publish pages for people, but no description that could be fetched.
    in_prose_alone = {"cursor", "claude-code"}
    assert set(KINDS) - own_protocol - in_prose_alone == {
        "github",
        "copilot",
        "gitlab",
        "bitbucket",
        "azure",
        "jira",
        "linear",
        "jenkins",
        "pagerduty",
    }
