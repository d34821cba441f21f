"""Jenkins through the frame into the lake: whole, resumed, incremental, renamed, whatever goes wrong on the way."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leadline.engine import Engine
from leadline.home import Home, Project
from leadline.schema import TABLES
from leadline.sources.kit.settings import SourceSettings, checked
from leadline.sync.run import SyncRun
from leadline.sync.source import SourceResult, run_source
from stubs.jenkins import START, TOKEN, USER, Jenkins, build, folder, job, multibranch
from stubs.server import PASSING, TRUNCATED, Fault, Request, serving

PULLED = ("builds", "deployments", "tool_accounts")


def small() -> Jenkins:
    return Jenkins(
        jobs=[
            job("tools", 3),
            folder(
                "shop",
                multibranch("api", job("main", 7), job("feature%2Fcart", 2)),
                job("deploy-prod", 4, parameters={"ENV": "prod", "service": "cart", "rollback": True}),
                folder("deep", folder("er", folder("still", folder("more", job("hidden", 2))))),
            ),
            folder("empty"),
        ]
    )


class Puller:
    """Syncs a Jenkins into a project, and looks at what is there."""

    def __init__(self, project: Project, tool: Jenkins, url: str) -> None:
        self.project, self.tool, self.url = project, tool, url
        self.waits: list[float] = []

    def __call__(
        self,
        *targets: str,
        token: str = TOKEN,
        user: str | None = USER,
        deploys: Sequence[str] = ("*deploy-prod",),
        **changes: Any,
    ) -> SourceResult:
        options = {"deploys": tuple(deploys), **({"user": (user,)} if user else {})}
        (settings,) = checked(SourceSettings("jenkins", targets=targets, url=self.url, options=options))
        pull = replace(SyncRun(self.project), **changes)
        environ = {"JENKINS_TOKEN": token}
        return run_source(pull, settings, environ=environ, wait=self.waits.append, chance=lambda: 0.5)

    def good(self, *targets: str, **changes: Any) -> SourceResult:
        done = self(*targets, **changes)
        assert done.error is None, done.error
        assert done.result.skipped == ()
        return done

    def calls(self, *targets: str, **changes: Any) -> int:
        before = len(self.tool.requests)
        self.good(*targets, **changes)
        return len(self.tool.requests) - before

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """Rows by table. Every server has its own port."""
        found = {}
        with Engine(temp_dir=self.project.temp) as engine:
            engine.bind_snapshot(self.project.lake.snapshot(), PULLED)
            for name in PULLED:
                columns = ", ".join(f'CAST("{each.name}" AS VARCHAR) AS "{each.name}"' for each in TABLES[name].columns)
                order = ", ".join(TABLES[name].key)
                found[name] = engine.arrow(f"SELECT {columns} FROM {name} ORDER BY {order}").to_pylist()
        for table, key in (("builds", "build_id"), ("deployments", "deployment_id")):
            for row in found[table]:
                row[key] = row[key].replace(self.url.removeprefix("http://"), "ci")
        return found

    def builds_of(self, pipeline: str) -> list[dict[str, Any]]:
        return [row for row in self.tables()["builds"] if row["pipeline"] == pipeline]


@pytest.fixture
def tool() -> Jenkins:
    return small()


@pytest.fixture
def puller(project: Project, tool: Jenkins) -> Iterator[Puller]:
    with serving(tool) as url:
        yield Puller(project, tool, url)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What an undisturbed sync of the small Jenkins brings."""
    tool = small()
    with serving(tool) as url, Home.open(tmp_path_factory.mktemp("expected")) as home:
        puller = Puller(home.project(), tool, url)
        puller.good()
        return puller.tables()


def test_everything_there_is(puller: Puller, tool: Jenkins) -> None:
    done = puller.good()
    rows = puller.tables()
    assert {name: len(found) for name, found in rows.items()} == {"builds": 14, "deployments": 4, "tool_accounts": 1}
    # Five levels are listed with two calls; five jobs have builds.
    assert done.result.figures.calls == 2 + 5
    assert done.result.records == 18
    branch = next(row for row in rows["builds"] if row["branch"] == "feature/cart")
    begun = tool.jobs[1]["jobs"][0]["jobs"][1]["allBuilds"][0]["timestamp"]
    assert START + 60_000 <= begun < START + 61_000
    assert branch["build_id"] == f"ci:shop/api/feature%2Fcart:1:{begun}"
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


def test_nothing_new_is_the_listing_alone(puller: Puller) -> None:
    puller.good()
    versions = puller.project.lake.snapshot().versions
    assert puller.calls() == 2
    assert puller.project.lake.snapshot().versions == versions


def test_calls_per_build(puller: Puller, tool: Jenkins) -> None:
    tool.jobs = [job("one", 1_000)]
    assert puller.calls() == 1 + 11  # the last tells that there are no more
    assert len(puller.tables()["builds"]) == 1_000
    tool.jobs[0]["allBuilds"].append(build(1_001, minutes=2_000))
    assert puller.calls() == 2
    assert len(puller.tables()["builds"]) == 1_001


def test_targets(puller: Puller) -> None:
    puller.good("shop/api")
    assert {row["pipeline"] for row in puller.tables()["builds"]} == {"shop/api"}
    assert puller.calls("shop/api") == 1
    puller.good("shop/deep/*")
    assert {row["pipeline"] for row in puller.tables()["builds"]} == {"shop/api", "shop/deep/er/still/more/hidden"}
    puller.good("too*")
    assert len(puller.builds_of("tools")) == 3


def test_a_branch_named_alone(puller: Puller) -> None:
    puller.good("shop/api/main")
    assert [(row["pipeline"], row["branch"]) for row in puller.tables()["builds"]] == [("shop/api", "main")] * 7


def test_without_a_token(puller: Puller, tool: Jenkins) -> None:
    tool.anonymous = True
    puller.good(token="", user=None)
    assert len(puller.tables()["builds"]) == 14


# -- interruptions -----------------------------------------------------------------------------------------------------


def cut_after(number: int) -> Callable[[str, int], None]:
    pages = iter(range(1, 1_000))

    def cut(_subject: str, _records: int) -> None:
        if next(pages) >= number:
            raise KeyboardInterrupt

    return cut


def test_cut_after_any_page_and_resumed(tmp_path: Path, tool: Jenkins) -> None:
    tool.jobs[0] = job("tools", 450)
    with serving(tool) as url, Home.open(tmp_path / "straight") as home:
        straight = Puller(home.project(), tool, url)
        straight.good()
        want = straight.tables()
    with serving(tool) as url, Home.open(tmp_path / "cut") as home:
        puller = Puller(home.project(), tool, url)
        cuts = 0
        while True:
            try:
                puller.good(progress=cut_after(1 + cuts % 2), rows_at_a_time=1)
                break
            except KeyboardInterrupt:
                cuts += 1
                assert cuts < 60
        assert puller.tables() == want
        assert cuts >= 6


def test_what_comes_and_goes_while_a_backfill_is_cut(puller: Puller, tool: Jenkins) -> None:
    builds = tool.jobs[0]["allBuilds"] = job("tools", 450)["allBuilds"]
    with pytest.raises(KeyboardInterrupt):
        puller.good("tools", progress=cut_after(2), rows_at_a_time=1)
    builds += [build(number, minutes=number) for number in range(451, 460)]
    puller.good("tools")
    assert len(puller.builds_of("tools")) == 459
    assert puller.calls("tools") == 1


def test_builds_deleted_while_pages_are_read(puller: Puller, tool: Jenkins) -> None:
    builds = tool.jobs[0]["allBuilds"] = job("tools", 450)["allBuilds"]

    def delete(request: Request) -> Fault | None:
        if "{99,200}" in request.params.get("tree", "") and len(builds) == 450:
            del builds[-30:]  # what is older moves up by thirty
        return None

    tool.faults = delete
    puller.good("tools")
    found = {int(row["build_id"].split(":")[2]) for row in puller.builds_of("tools")}
    assert found == set(range(1, 451))


def test_two_at_once(project: Project, tool: Jenkins, expected: dict[str, Any]) -> None:
    tool.latency = 0.01
    with serving(tool) as url:
        done: list[SourceResult] = []
        pullers = [Puller(project, tool, url) for _ in range(2)]
        threads = [threading.Thread(target=lambda each=each: done.append(each.good())) for each in pullers]  # type: ignore[misc]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert pullers[0].tables() == expected
    assert sorted(each.result.records for each in done) == [0, 18]


# -- faults ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_at_every_request(puller: Puller, tool: Jenkins, expected: dict[str, Any], fault: str) -> None:
    seen: set[str] = set()

    def once(request: Request) -> Fault | None:
        if request.asked in seen:
            return None
        seen.add(request.asked)
        return PASSING[fault]

    tool.faults = once
    puller.good()
    assert puller.tables() == expected
    assert len(seen) == 7
    assert puller.waits


def test_a_server_that_goes_down(puller: Puller, tool: Jenkins, expected: dict[str, Any]) -> None:
    tool.faults = lambda request: TRUNCATED if request.number > 4 else None
    done = puller()
    assert done.error is not None
    assert "could not be read in 6 attempts" in done.error.message
    tool.faults = lambda _: None
    puller.good()
    assert puller.tables() == expected


def test_pages_too_heavy_are_read_in_parts(puller: Puller, tool: Jenkins, expected: dict[str, Any]) -> None:
    heavy = Fault(504)
    deep = "jobs[_class,name,lastBuild[number,timestamp,building],jobs[_class"
    tool.faults = lambda request: (
        heavy if deep in request.params["tree"] or "{0,100}" in request.params["tree"] else None
    )
    puller.good()
    assert puller.tables() == expected


@pytest.mark.parametrize(
    ("token", "user", "targets", "says"),
    [
        ("old", USER, [], "refuses the token of 'ada' from the variable JENKINS_TOKEN"),
        ("", USER, [], "No token of 'ada' in the variable JENKINS_TOKEN"),
        (TOKEN, None, [], "not whose it is: give --user"),
        ("", None, [], "anonymous needs the permission Overall/Read (hudson.model.Hudson.Read)"),
        ("two words", USER, [], "no token: it has spaces"),
        (TOKEN, USER, ["nothing"], "has no nothing"),
        (TOKEN, USER, ["shop/none*"], "has no job called shop/none*"),
    ],
)
def test_what_cannot_be_is_named(puller: Puller, token: str, user: str | None, targets: list[str], says: str) -> None:
    done = puller(*targets, token=token, user=user)
    assert done.error is not None
    assert says in done.error.message
    assert token in ("", None) or token not in str(done.document())


def test_a_login_page_and_another_tool_are_named(puller: Puller, tool: Jenkins) -> None:
    tool.faults = lambda _: PASSING["HTML"]
    done = puller()
    assert done.error is not None
    assert "text/html instead of JSON" in done.error.message
    tool.faults = lambda _: Fault(200, (("Content-Type", "application/json"),), b'{"hello": 1}')
    done = puller()
    assert done.error is not None
    assert "as no Jenkins does" in done.error.message


def test_what_is_refused_is_left_out_and_told(puller: Puller, tool: Jenkins) -> None:
    tool.forbidden = {"tools", "still"}
    done = puller()
    assert done.error is None
    told = {each.what: each.why for each in done.result.skipped}
    assert set(told) == {"builds of tools", "jobs in shop/deep/er/still"} or set(told) == {
        "builds of tools",
        "jobs in shop/deep/er/still/more",
    }
    assert "ada lacks a permission" in told["builds of tools"]
    assert len(puller.tables()["builds"]) == 9
    tool.forbidden = set()
    puller.good()
    assert len(puller.tables()["builds"]) == 14


def test_odd_values(puller: Puller, tool: Jenkins) -> None:
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
    done = puller("tools", "shop/deploy-prod")
    assert done.error is None
    assert [(each.what, each.why) for each in done.result.skipped] == [
        ("tools #1", "its timestamp is no number that can be one")
    ]
    second = puller.builds_of("tools")[0]
    assert (second["status"], second["repository"], second["url"]) == ("unknown", None, "NUL  ? \U0001f680")
    assert puller.calls("tools", "shop/deploy-prod") == 3  # each, and what kind of folder the second is in


# -- what changes later ------------------------------------------------------------------------------------------------


def test_a_build_that_ends_later(puller: Puller, tool: Jenkins) -> None:
    builds = tool.jobs[0]["allBuilds"]
    builds.append(build(4, None, minutes=40, building=True))
    puller.good()
    assert puller.calls() == 2  # it is running still, as the list says
    assert [row["status"] for row in puller.builds_of("tools")] == ["success"] * 3 + ["running"]
    builds.append(build(5, "UNSTABLE", minutes=50))
    builds[3] = build(4, "ABORTED", minutes=40)
    assert puller.calls() == 3
    assert [row["status"] for row in puller.builds_of("tools")] == ["success"] * 3 + ["aborted", "unstable"]


def test_an_old_build_that_ends_or_is_deleted(puller: Puller, tool: Jenkins) -> None:
    builds = tool.jobs[0]["allBuilds"] = job("tools", 300)["allBuilds"]
    for number in (5, 6, 7):
        builds[number - 1] = build(number, None, minutes=number, building=True)
    puller.good("tools")
    builds[4] = build(5, "FAILURE", minutes=5)
    del builds[5]
    assert puller.calls("tools") == 1 + 1 + 3  # the list, the newest, and each of them
    found = {row["build_id"].split(":")[2]: row["status"] for row in puller.builds_of("tools")}
    assert (found["5"], "6" in found, found["7"]) == ("failure", False, "running")
    assert puller.calls("tools") == 1 + 1 + 1


def test_a_job_made_again_keeps_the_old_builds(puller: Puller, tool: Jenkins) -> None:
    puller.good("tools")
    tool.jobs[0] = job("tools", 3, minutes=5_000)
    puller.good("tools")
    assert len(puller.builds_of("tools")) == 6
    tool.jobs[0]["allBuilds"] = []
    puller.good("tools")
    assert len(puller.builds_of("tools")) == 6


def test_a_renamed_job_and_a_moved_folder(puller: Puller, tool: Jenkins) -> None:
    puller.good()
    before = puller.tables()
    moved = copy.deepcopy(tool.jobs[1])
    moved["name"] = "store"
    tool.jobs[0]["name"] = "utils"
    del tool.jobs[0]["allBuilds"][0]  # discarded meanwhile
    tool.jobs[1] = folder("company", moved)
    puller.good()
    after = puller.tables()
    assert {row["pipeline"] for row in after["builds"]} == {
        *("utils", "tools", "company/store/api", "company/store/deep/er/still/more/hidden"),
    }
    assert len(puller.builds_of("tools")) == 1  # nobody else has it any more
    assert len(after["builds"]) == len(before["builds"])
    assert [row["pipeline"] for row in after["deployments"]] == ["company/store/deploy-prod"] * 4
    assert puller.calls() == 2


def test_twins_that_move_together(puller: Puller, tool: Jenkins) -> None:
    """Started by the same events, they have builds of the same numbers at the same times."""
    tool.jobs = [folder("old", job("unit", 3), job("load", 3))]
    for one, other in zip(*(each["allBuilds"] for each in tool.jobs[0]["jobs"]), strict=True):
        one["timestamp"] = other["timestamp"]
    puller.good()
    tool.jobs[0]["name"] = "new"
    puller.good()
    assert sorted(row["pipeline"] for row in puller.tables()["builds"]) == ["new/load"] * 3 + ["new/unit"] * 3


def test_a_branch_that_is_removed_keeps_its_builds(puller: Puller, tool: Jenkins) -> None:
    puller.good()
    del tool.jobs[1]["jobs"][0]["jobs"][1]
    puller.good()
    assert len(puller.builds_of("shop/api")) == 9
    assert puller.calls() == 2


def test_a_rule_that_comes_later(puller: Puller, tool: Jenkins) -> None:
    puller.good(deploys=())
    assert (len(puller.tables()["builds"]), len(puller.tables()["deployments"])) == (18, 0)
    puller.good(deploys=("shop/deploy-*=live",))
    rows = puller.tables()
    assert (len(rows["builds"]), {row["environment"] for row in rows["deployments"]}) == (14, {"live"})
    puller.good(deploys=("shop/deploy-*",))
    rows = puller.tables()
    assert (len(rows["builds"]), {row["environment"] for row in rows["deployments"]}) == (14, {"prod"})


def test_a_folder_too_heavy_to_be_listed_is_left_out(puller: Puller, tool: Jenkins, expected: dict[str, Any]) -> None:
    puller.good()
    tool.faults = lambda request: Fault(504) if "/still/" in request.url or "/more/" in request.url else None
    done = puller()
    assert done.error is None
    assert [each.what for each in done.result.skipped] == ["jobs in shop/deep/er/still"]
    tool.faults = lambda _: None
    assert puller.calls() == 2  # nothing of it was forgotten
    assert puller.tables() == expected


def test_a_branch_is_no_deployment_by_its_own_name(puller: Puller, tool: Jenkins) -> None:
    tool.jobs = [multibranch("api", job("deploy-fix", 2)), multibranch("deploy", job("main", 1))]
    puller.good(deploys=("deploy*",))
    rows = puller.tables()
    assert ([row["pipeline"] for row in rows["builds"]], len(rows["deployments"])) == (["api"] * 2, 1)


def test_two_sources_of_one_server(puller: Puller) -> None:
    puller.good("tools")
    puller.good("shop")
    assert puller.calls("tools") == 1
    assert puller.calls("shop") == 2
