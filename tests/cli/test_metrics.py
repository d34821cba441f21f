"""``leadline metrics``: the catalogue as the command line shows it."""

from __future__ import annotations

from leadline.exports.kinds import KINDS
from leadline.metrics.catalogue import catalogue_of
from leadline.metrics.metric import INSIGHTS

from .running import Leadline


def test_every_metric_with_its_definition(leadline: Leadline) -> None:
    documents = leadline.json("metrics")
    assert [row["id"] for row in documents] == [entry.id for kind in KINDS.values() for entry in kind.catalogue()]
    assert {row["id"] for row in documents} > {metric.id for insight in INSIGHTS for metric in catalogue_of(insight)}
    assert all(row["definition"] and row["sources"] and row["levels"] for row in documents)
    assert not leadline.home.exists()


def test_for_people_at_80_columns(leadline: Leadline) -> None:
    lines = leadline("metrics", env={"COLUMNS": "80"}).stdout.splitlines()
    assert lines[0] == "productivity: activity"
    assert "efficiency: lttc" in lines
    assert lines[1] == "  Coding_Days (days; developer, team)"
    assert max(map(len, lines)) <= 80


def test_one_by_any_spelling(leadline: Leadline) -> None:
    assert leadline.json("metrics", "pr_merged")["column"] == "PR_Merged"
    document = leadline.json("metrics", "lttc")
    assert (document["column"], document["insight"], document["groups"]) == (
        "LTTC_Mean_Days",
        "efficiency",
        ["lttc", "summary"],
    )
    assert "Also in the group summary. Also called LTTC." in leadline("metrics", "LTTC_P90_Days").stdout


def test_an_unknown_one_names_the_nearest(leadline: Leadline) -> None:
    done = leadline("metrics", "PR_Mergd", code=2)
    assert "PR_Merged" in done.stderr
    assert "next: `leadline metrics` lists them" in done.stderr
    assert "DF_Deployment_Count" in leadline("metrics", "DF_Deployments_Count", code=2).stderr
