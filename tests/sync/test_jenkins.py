"""Jenkins through the frame into the lake: whole, resumed, incremental, renamed, whatever goes wrong on the way."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from stubs.jenkins import START, Jenkins, build, folder, job, multibranch
from stubs.server import JSON, Fault, Request

from .harness import Rows, Syncer, after_pages
from .scenarios import JENKINS

SCENARIO = JENKINS


def builds_of(sync: Syncer, pipeline: str) -> list[dict[str, Any]]:
    return [row for row in sync.rows("builds") if row["pipeline"] == pipeline]


def test_everything_there_is(sync: Syncer, tool: Jenkins) -> None:
    done = sync.good()
    rows = sync.tables()
    assert {name: len(found) for name, found in rows.items()} == {"builds": 14, "deployments": 4, "tool_accounts": 1}
    # Five levels are listed with two calls; five jobs have builds.
    assert done.result.call_stats.calls == 2 + 5
    assert done.result.records == 18
    branch = next(row for row in rows["builds"] if row["branch"] == "feature/cart")
    begun = tool.jobs[1]["jobs"][0]["jobs"][1]["allBuilds"][0]["timestamp"]
    assert START + 60_000 <= begun < START + 61_000
    assert branch["build_id"] == f"tool:shop/api/feature%2Fcart:1:{begun}"
    assert (branch["pipeline"], branch["repository"], branch["status"]) == ("shop/api", "acme/shop", "success")
    assert branch["started_at"].startswith("2026-01-05 08:01:00.")
    assert branch["finished_at"].startswith("2026-01-05 08:02:30.")
    deployment = rows["deployments"][0]
    assert (deployment["environment"], deployment["service"], deployment["rollback"]) == ("prod", "cart", "true")
    assert (deployment["status"], deployment["triggered_by"], deployment["source"]) == ("success", "ada", "jenkins")
    assert deployment["shas"].count("0") > 60
    assert rows["tool_accounts"] == [
        {"source": "jenkins", "account": "ada", "email": None, "name": "Ada L."} | _stamp(rows)
    ]


def _stamp(rows: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in rows["tool_accounts"][0].items()
        if name not in ("source", "account", "email", "name")
    }


def test_calls_per_build(sync: Syncer, tool: Jenkins) -> None:
    tool.jobs = [job("one", 1_000)]
    assert sync.calls() == 1 + 11  # the last tells that there are no more
    assert len(sync.tables()["builds"]) == 1_000
    tool.jobs[0]["allBuilds"].append(build(1_001, minutes=2_000))
    assert sync.calls() == 2
    assert len(sync.tables()["builds"]) == 1_001


def test_targets(sync: Syncer) -> None:
    sync.good("shop/api")
    assert {row["pipeline"] for row in sync.tables()["builds"]} == {"shop/api"}
    assert sync.calls("shop/api") == 1
    sync.good("shop/deep/*")
    assert {row["pipeline"] for row in sync.tables()["builds"]} == {"shop/api", "shop/deep/er/still/more/hidden"}
    sync.good("too*")
    assert len(builds_of(sync, "tools")) == 3


def test_a_branch_named_alone(sync: Syncer) -> None:
    sync.good("shop/api/main")
    assert [(row["pipeline"], row["branch"]) for row in sync.tables()["builds"]] == [("shop/api", "main")] * 7


def test_without_a_token(sync: Syncer, tool: Jenkins) -> None:
    tool.anonymous = True
    sync.good(token="", user=None)
    assert len(sync.tables()["builds"]) == 14


# -- interruptions -----------------------------------------------------------------------------------------------------


def test_what_comes_and_goes_while_a_backfill_is_cut(sync: Syncer, tool: Jenkins) -> None:
    builds = tool.jobs[0]["allBuilds"] = job("tools", 450)["allBuilds"]
    with pytest.raises(KeyboardInterrupt):
        sync.good("tools", progress=after_pages(2), rows_at_a_time=1)
    builds += [build(number, minutes=number) for number in range(451, 460)]
    sync.good("tools")
    assert len(builds_of(sync, "tools")) == 459
    assert sync.calls("tools") == 1


def test_builds_deleted_while_pages_are_read(sync: Syncer, tool: Jenkins) -> None:
    builds = tool.jobs[0]["allBuilds"] = job("tools", 450)["allBuilds"]

    def delete(request: Request) -> Fault | None:
        if "{99,200}" in request.params.get("tree", "") and len(builds) == 450:
            del builds[-30:]  # what is older moves up by thirty
        return None

    tool.faults = delete
    sync.good("tools")
    found = {int(row["build_id"].split(":")[2]) for row in builds_of(sync, "tools")}
    assert found == set(range(1, 451))


# -- faults ------------------------------------------------------------------------------------------------------------


def test_pages_too_heavy_are_read_in_parts(sync: Syncer, tool: Jenkins, expected: Rows) -> None:
    heavy = Fault(504)
    deep = "jobs[_class,name,lastBuild[number,timestamp,building],jobs[_class"
    tool.faults = lambda request: (
        heavy if deep in request.params["tree"] or "{0,100}" in request.params["tree"] else None
    )
    sync.good()
    assert sync.tables() == expected


def test_another_tool_is_named(sync: Syncer, tool: Jenkins) -> None:
    tool.faults = lambda _: Fault(200, JSON, b'{"hello": 1}')
    done = sync()
    assert done.error is not None
    assert "as no Jenkins does" in done.error.message


def test_what_is_refused_is_left_out_and_told(sync: Syncer, tool: Jenkins) -> None:
    tool.forbidden = {"tools", "still"}
    done = sync()
    assert done.error is None
    told = {skip.what: skip.why for skip in done.result.skipped}
    assert set(told) == {"builds of tools", "jobs in shop/deep/er/still"} or set(told) == {
        "builds of tools",
        "jobs in shop/deep/er/still/more",
    }
    assert "ada lacks a permission" in told["builds of tools"]
    assert len(sync.tables()["builds"]) == 9
    tool.forbidden = set()
    sync.good()
    assert len(sync.tables()["builds"]) == 14


def test_odd_values(sync: Syncer, tool: Jenkins) -> None:
    builds = tool.jobs[0]["allBuilds"]
    builds[0] |= {"timestamp": "yesterday"}
    builds[1] |= {
        "actions": "none",
        "duration": None,
        "url": "NUL \x00 \ud800 \U0001f680",
        "changeSets": 7,
        "result": None,
    }
    tool.jobs[1]["jobs"][1]["allBuilds"][0] |= {"actions": [1, {"causes": "x"}, {"parameters": [{"name": 3}]}]}
    done = sync("tools", "shop/deploy-prod")
    assert done.error is None
    assert [(skip.what, skip.why) for skip in done.result.skipped] == [
        ("tools #1", "its timestamp is no number that can be one")
    ]
    second = builds_of(sync, "tools")[0]
    assert (second["status"], second["repository"], second["url"]) == ("unknown", None, "NUL  ? \U0001f680")
    assert sync.calls("tools", "shop/deploy-prod") == 3  # each, and what kind of folder the second is in


# -- what changes later ------------------------------------------------------------------------------------------------


def test_a_build_that_ends_later(sync: Syncer, tool: Jenkins) -> None:
    builds = tool.jobs[0]["allBuilds"]
    builds.append(build(4, None, minutes=40, building=True))
    sync.good()
    assert sync.calls() == 2  # it is running still, as the list says
    assert [row["status"] for row in builds_of(sync, "tools")] == ["success"] * 3 + ["running"]
    builds.append(build(5, "UNSTABLE", minutes=50))
    builds[3] = build(4, "ABORTED", minutes=40)
    assert sync.calls() == 3
    assert [row["status"] for row in builds_of(sync, "tools")] == ["success"] * 3 + ["aborted", "unstable"]


def test_an_old_build_that_ends_or_is_deleted(sync: Syncer, tool: Jenkins) -> None:
    builds = tool.jobs[0]["allBuilds"] = job("tools", 300)["allBuilds"]
    for number in (5, 6, 7):
        builds[number - 1] = build(number, None, minutes=number, building=True)
    sync.good("tools")
    builds[4] = build(5, "FAILURE", minutes=5)
    del builds[5]
    assert sync.calls("tools") == 1 + 1 + 3  # the list, the newest, and each of them
    found = {row["build_id"].split(":")[2]: row["status"] for row in builds_of(sync, "tools")}
    assert (found["5"], "6" in found, found["7"]) == ("failure", False, "running")
    assert sync.calls("tools") == 1 + 1 + 1


def test_a_job_made_again_keeps_the_old_builds(sync: Syncer, tool: Jenkins) -> None:
    sync.good("tools")
    tool.jobs[0] = job("tools", 3, minutes=5_000)
    sync.good("tools")
    assert len(builds_of(sync, "tools")) == 6
    tool.jobs[0]["allBuilds"] = []
    sync.good("tools")
    assert len(builds_of(sync, "tools")) == 6


def test_a_renamed_job_and_a_moved_folder(sync: Syncer, tool: Jenkins) -> None:
    sync.good()
    before = sync.tables()
    moved = copy.deepcopy(tool.jobs[1])
    moved["name"] = "store"
    tool.jobs[0]["name"] = "utils"
    del tool.jobs[0]["allBuilds"][0]  # discarded meanwhile
    tool.jobs[1] = folder("company", moved)
    sync.good()
    after = sync.tables()
    assert {row["pipeline"] for row in after["builds"]} == {
        *("utils", "tools", "company/store/api", "company/store/deep/er/still/more/hidden"),
    }
    assert len(builds_of(sync, "tools")) == 1  # nobody else has it any more
    assert len(after["builds"]) == len(before["builds"])
    assert [row["pipeline"] for row in after["deployments"]] == ["company/store/deploy-prod"] * 4
    assert sync.calls() == 2


def test_twins_that_move_together(sync: Syncer, tool: Jenkins) -> None:
    """Started by the same events, they have builds of the same numbers at the same times."""
    tool.jobs = [folder("old", job("unit", 3), job("load", 3))]
    for one, other in zip(*(each["allBuilds"] for each in tool.jobs[0]["jobs"]), strict=True):
        one["timestamp"] = other["timestamp"]
    sync.good()
    tool.jobs[0]["name"] = "new"
    sync.good()
    assert sorted(row["pipeline"] for row in sync.tables()["builds"]) == ["new/load"] * 3 + ["new/unit"] * 3


def test_a_branch_that_is_removed_keeps_its_builds(sync: Syncer, tool: Jenkins) -> None:
    sync.good()
    del tool.jobs[1]["jobs"][0]["jobs"][1]
    sync.good()
    assert len(builds_of(sync, "shop/api")) == 9
    assert sync.calls() == 2


def test_a_rule_that_comes_later(sync: Syncer, tool: Jenkins) -> None:
    sync.good(deploys=())
    assert (len(sync.tables()["builds"]), len(sync.tables()["deployments"])) == (18, 0)
    sync.good(deploys=("shop/deploy-*=live",))
    rows = sync.tables()
    assert (len(rows["builds"]), {row["environment"] for row in rows["deployments"]}) == (14, {"live"})
    sync.good(deploys=("shop/deploy-*",))
    rows = sync.tables()
    assert (len(rows["builds"]), {row["environment"] for row in rows["deployments"]}) == (14, {"prod"})


def test_a_folder_too_heavy_to_be_listed_is_left_out(sync: Syncer, tool: Jenkins, expected: Rows) -> None:
    sync.good()
    tool.faults = lambda request: Fault(504) if "/still/" in request.url or "/more/" in request.url else None
    done = sync()
    assert done.error is None
    assert [skip.what for skip in done.result.skipped] == ["jobs in shop/deep/er/still"]
    tool.faults = lambda _: None
    assert sync.calls() == 2  # nothing of it was forgotten
    assert sync.tables() == expected


def test_a_branch_is_no_deployment_by_its_own_name(sync: Syncer, tool: Jenkins) -> None:
    tool.jobs = [multibranch("api", job("deploy-fix", 2)), multibranch("deploy", job("main", 1))]
    sync.good(deploys=("deploy*",))
    rows = sync.tables()
    assert ([row["pipeline"] for row in rows["builds"]], len(rows["deployments"])) == (["api"] * 2, 1)


def test_two_sources_of_one_server(sync: Syncer) -> None:
    sync.good("tools")
    sync.good("shop")
    assert sync.calls("tools") == 1
    assert sync.calls("shop") == 2
