"""What the Azure DevOps connector asks and reads, held against the descriptions that Microsoft publishes of its REST APIs."""

from __future__ import annotations

from pathlib import Path

from cli.running import Leadline
from published.facts_azure import AZURE
from published.test_others import faults
from published.traffic import recorded
from stubs import azure, azure_data
from stubs.server import serving


def test_everything_that_is_asked_and_read_is_described(tmp_path: Path) -> None:
    """All is read, long lists in several pages; then what became of an open pull request, and a repository of another name."""
    tool = azure.small()
    tool.pages = 2
    node = azure_data.opened(azure.CART, 11, 700, description="x" * 500)
    node["_commits"] *= 2
    node["_files"] = [f"/f{number}" for number in range(5)]
    tool.pull_requests.append(node)
    tool.deployments.append(azure_data.deployment(azure.WEB, 3))
    ran = azure_data.build(azure.WEB, 12, 800)
    tool.environments[0]["_records"].append(azure_data.record(9, ran))
    tool.environments += [azure_data.environment(azure.SHOP, number, f"e{number}") for number in (2, 3)]
    secret = {"AZURE_DEVOPS_TOKEN": azure.TOKEN}
    with recorded() as exchanges, serving(tool) as url:
        reads = Leadline(tmp_path / "home", tmp_path)
        reads("sources", "add", "azure", "example", "--url", url, "--name", "it")
        reads("sources", "test", "it", env=secret)
        reads("sync", env=secret)
        node["_threads"].append(azure_data.vote(900, 900, azure_data.BEN, -5))
        node["_threads"].append(azure_data.published(901, 901))
        tool.clock += 2 * 86_400
        reads("sync", env=secret)
    assert faults(AZURE, exchanges) == set()
    read = {path for exchange in exchanges for path in exchange.reads}
    assert {
        ("value", "[]", "properties", "CodeReviewVoteResult", "$value"),
        ("value", "[]", "identities", "1", "uniqueName"),
        ("value", "[]", "release", "artifacts", "[]", "definitionReference", "sourceVersion", "id"),
        ("changeEntries", "[]", "item", "path"),
        ("value", "[]", "owner", "id"),
    } <= read
