"""Which deployment carries a commit: situations in real git repositories, small tables by hand, and what becomes of the
state that is kept between computations."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from leadline.engine import Engine, Interrupted
from leadline.errors import StoreError
from leadline.facts.deployment_contents import ANCHORS, CARRIED, parts
from leadline.facts.policy import BUILD_POLICY
from leadline.helper_process import HelperProcess
from leadline.home import Project
from leadline.materialize.session import session
from metrics.world import deliver
from stubs.git_history import START, History, sync

from .carrying import Row, Site, World, anchor_rows, at, carried_rows, commit, deployment, picked

# --- real git repositories ----------------------------------------------------------------------------------------------


class Deployed:
    """A repository, synced, whose commits are deployed one after another."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.project = project
        self.history = History(folder / "app")
        self.rows: list[dict[str, Any]] = []
        self.names: dict[str, str] = {}

    def commit(self, name: str, files: Mapping[str | bytes, str | bytes | None] | None = None) -> str:
        """A commit called ``name`` in what follows."""
        return self.named(name, self.history.commit(name, files or {name: name}))

    def named(self, name: str, sha: str) -> str:
        self.names[sha] = name
        return sha

    def deploy(self, name: str, sha: str | None, **more: Any) -> None:
        finished = datetime.fromtimestamp(START, UTC) + timedelta(days=1 + len(self.rows))
        self.rows.append({"deployment_id": name, "status": "success", "sha": sha, "finished_at": finished} | more)

    def carried(self, releases: Mapping[str, str] | None = None) -> dict[str, set[str]]:
        """Deployment → the names of the commits it carries (with the way where it is not by ancestry)."""
        repository = sync(self.project, self.history.folder).repository
        deliver(self.project, "deployments", [row | {"repository": repository} for row in self.rows])
        tagged = [{"repository": repository, "tag": tag, "sha": sha} for tag, sha in (releases or {}).items()]
        deliver(self.project, "releases", tagged)
        found: dict[str, set[str]] = {}
        for row in stored(self.project, CARRIED.bound_name):
            way = "" if row["via"] == "ancestor" else f" ({row['via']})"
            found.setdefault(row["deployment_id"], set()).add(self.names.get(row["sha"], row["sha"]) + way)
        return found


def stored(project: Project, name: str) -> list[dict[str, Any]]:
    """The rows of a step as the store of facts has them computed."""
    with session(project, project.lake.snapshot().versions, {}, project.profile(), BUILD_POLICY) as opened:
        opened.facts.bind((CARRIED, ANCHORS))
        return [dict(row) for row in opened.engine.arrow(f"FROM {name}").to_pylist()]


@pytest.fixture
def app(project: Project, tmp_path: Path) -> Deployed:
    """A repository with one commit, deployed."""
    made = Deployed(project, tmp_path)
    made.deploy("first", made.commit("root"))
    return made


def test_a_merge_commit_brings_its_branch(app: Deployed) -> None:
    app.history.git("checkout", "-qb", "feature")
    app.commit("one")
    app.commit("two")
    app.history.git("checkout", "-q", "main")
    app.deploy("early", app.commit("main"))
    app.deploy("late", app.named("merge", app.history.merge("feature")))
    assert app.carried() == {"early": {"main"}, "late": {"merge", "one", "two"}}


def test_a_squash_merge_is_carried_and_its_branch_is_not(app: Deployed) -> None:
    app.history.git("checkout", "-qb", "feature")
    app.commit("one")
    app.history.git("checkout", "-q", "main")
    app.history.git("merge", "-q", "--squash", "feature")
    app.deploy("late", app.named("squash", app.history.commit("squash")))
    assert app.carried() == {"late": {"squash"}}


def test_a_rebased_branch_is_carried_by_its_new_commits(app: Deployed) -> None:
    app.history.git("checkout", "-qb", "feature")
    app.commit("one")
    app.commit("two")
    app.history.git("checkout", "-q", "main")
    app.deploy("early", app.commit("main"))
    app.history.git("checkout", "-q", "feature")
    app.history.git("rebase", "-q", "main")
    app.named("two again", app.history.git("rev-parse", "HEAD"))
    app.named("one again", app.history.git("rev-parse", "HEAD~1"))
    app.deploy("late", app.history.git("rev-parse", "HEAD"))
    assert app.carried() == {"early": {"main"}, "late": {"one again", "two again"}}


def test_a_cherry_pick_to_a_release_branch(app: Deployed) -> None:
    app.history.git("checkout", "-qb", "release")
    app.history.git("checkout", "-q", "main")
    app.commit("feature")
    fix = app.commit("fix")
    app.history.git("checkout", "-q", "release")
    app.deploy("patch", app.named("picked fix", app.history.record("cherry-pick", "-x", fix)))
    app.deploy("main", fix)
    assert app.carried() == {"patch": {"picked fix", "fix (cherry-pick)"}, "main": {"feature"}}
    (row,) = [row for row in stored(app.project, CARRIED.bound_name) if row["via"] == "cherry-pick"]
    assert app.names[row["picked_by"]] == "picked fix"


def test_release_branches_of_two_services(app: Deployed) -> None:
    app.rows[0]["service"] = "api; web"
    app.history.git("checkout", "-qb", "release")
    stable = app.commit("stable")
    app.history.git("checkout", "-q", "main")
    newest = app.commit("newest")
    app.deploy("api stable", stable, service="api")
    app.deploy("api newest", newest, service="api")
    app.deploy("web newest", newest, service="web")
    assert app.carried() == {"api stable": {"stable"}, "api newest": {"newest"}, "web newest": {"newest"}}


def test_rollback_and_redeploy_carry_nothing_new(app: Deployed) -> None:
    one = app.commit("one")
    two = app.commit("two")
    app.deploy("to two", two)
    app.deploy("back to one", one, rollback=True)
    app.deploy("to two again", two)
    app.deploy("to three", app.commit("three"))
    assert app.carried() == {"to two": {"one", "two"}, "to three": {"three"}}


def test_only_successful_production_deployments_carry(app: Deployed) -> None:
    one = app.commit("one")
    app.deploy("failed", one, status="failure")
    app.deploy("staging", one, environment="staging")
    app.deploy("running", one, status="running", finished_at=None)
    app.deploy("good", one, environment="eu-prod1")
    assert app.carried() == {"good": {"one"}}


def test_tags_and_short_ids(app: Deployed) -> None:
    one, two, three = (app.commit(name) for name in ("one", "two", "three"))
    app.deploy("short", one[:9])
    app.deploy("tag", "V2")
    app.deploy("tagged", None, tags=["nightly", "v3"])
    assert app.carried({"v2": two, "v3": three}) == {"short": {"one"}, "tag": {"two"}, "tagged": {"three"}}
    notes = {row["deployment_id"]: (row["anchor"], row["note"]) for row in stored(app.project, ANCHORS.bound_name)}
    assert notes == {
        "first": (app.rows[0]["sha"], None),
        "short": (one, f"sha {one[:9]} is short for {one}"),
        "tag": (two, f"tag v2 is {two}"),
        "tagged": (three, f"tag v3 is {three}"),
    }


def test_deployments_arrive_late_and_before_their_commits(app: Deployed) -> None:
    one = app.commit("one")
    app.deploy("second", app.commit("two"))
    assert app.carried() == {"second": {"one", "two"}}
    app.deploy("late", one, finished_at=app.rows[1]["finished_at"] - timedelta(hours=1))
    three = app.history.commit("three", {"three": "three"})
    app.history.git("reset", "-q", "--hard", "HEAD~1")
    app.deploy("ahead", three)
    assert app.carried() == {"late": {"one"}, "second": {"two"}, "ahead": {f"{three} (listed)"}}
    app.history.git("reset", "-q", "--hard", three)
    app.names[three] = "three"
    assert app.carried() == {"late": {"one"}, "second": {"two"}, "ahead": {"three"}}


def test_a_repository_of_sha256(project: Project, tmp_path: Path) -> None:
    made = Deployed(project, tmp_path)
    made.history = History(tmp_path / "long", object_format="sha256")
    made.deploy("first", made.commit("root"))
    made.deploy("second", made.commit("one").upper())
    assert made.carried() == {"second": {"one"}}
    assert {len(sha) for sha in made.names} == {64}


# --- small tables -------------------------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Engine(temp_dir=tmp_path / "temp") as engine:
        yield Site(tmp_path, engine)


LINE = [commit("a0"), commit("b0", "a0"), commit("c0", "b0"), commit("d0", "c0")]


def put(site: Site, world: World) -> None:
    for table, rows in (("commits", world.commits), ("deployments", world.deployments), ("releases", world.releases)):
        site.replace(table, rows)


def by_deployment(found: set[tuple[Any, ...]]) -> dict[tuple[str, str], str]:
    """(deployment, service) → the commits it carries."""
    shas: dict[tuple[str, str], list[str]] = {}
    for _, _, service, sha, deployed, *_ in found:
        shas.setdefault((deployed, service), []).append(sha)
    return {key: " ".join(sorted(each)) for key, each in shas.items()}


@pytest.mark.parametrize(
    ("commits", "deployments", "expected"),
    [
        pytest.param(
            LINE,
            [deployment("1", 1, "a0", service="api; web"), deployment("2", 2, "c0", service="web ; api;")],
            {("2", "api"): "b0 c0", ("2", "web"): "b0 c0"},
            id="one run deploys many services, each judged on its own",
        ),
        pytest.param(
            LINE,
            [deployment("b", 1, "a0"), deployment("a", 1, "b0"), deployment("2", 2, "b0")],
            {},
            id="at one instant the id decides which is first",
        ),
        pytest.param(
            LINE,
            [deployment("1", 1, "unknown"), deployment("2", 2, "b0")],
            {("2", ""): "a0 b0"},
            id="a first deployment of an unknown commit takes nothing out of the running",
        ),
        pytest.param(
            LINE,
            [deployment("1", 1, "a0"), deployment("2", 2, "gone", shas=["c0", "e0"]), deployment("3", 3, "d0")],
            {("2", ""): "c0 e0 gone", ("3", ""): "b0 d0"},
            id="an unknown commit: what it lists, known or not, without ancestry",
        ),
        pytest.param(
            LINE,
            [deployment("1", 1, "b0"), deployment("2", 2, "a0", shas=["c0"])],
            {},
            id="a known commit: what it lists does not count",
        ),
        pytest.param(
            LINE,
            [deployment("1", 1, "a0"), deployment("2", None, "c0"), deployment("3", 3, "d0", repository=None)],
            {},
            id="without a finish or a repository it carries nothing",
        ),
        pytest.param(
            [],
            [deployment("1", 1, shas=["x1"]), deployment("2", 2, shas=["x1", "x2"])],
            {("2", ""): "x2"},
            id="no commits at all",
        ),
        pytest.param(
            [commit("a0"), commit("b0", "a0", message=picked("f0f0")), commit("f0f0", "e0"), commit("e0", "a0")],
            [deployment("1", 1, "b0"), deployment("2", 2, "f0f0")],
            {("2", ""): "e0"},
            id="what the first deployment's picks bring is carried by nothing",
        ),
        pytest.param(
            [commit("a0", "c0"), commit("b0", "a0"), commit("c0", "b0"), commit("d0", "c0")],
            [deployment("1", 1, "a0"), deployment("2", 2, "d0")],
            {("2", ""): "c0 d0"},
            id="parents on a cycle are ignored",
        ),
    ],
)
def test_by_hand(
    site: Site, commits: Sequence[Row], deployments: Sequence[Row], expected: dict[tuple[str, str], str]
) -> None:
    world = World(commits, deployments)
    put(site, world)
    carried, anchors = site.compute(world)
    assert by_deployment(carried) == expected
    assert carried == carried_rows(world)
    assert {name: anchor for name, (anchor, _) in anchors.items()} == anchor_rows(world)


def test_the_first_may_carry(site: Site) -> None:
    world = World(LINE, [deployment("1", 1, "b0"), deployment("2", 2, "c0")])
    put(site, world)
    assert by_deployment(site.compute(world)[0]) == {("2", ""): "c0"}
    carrying = World(world.commits, world.deployments, first_carries=True)
    assert by_deployment(site.compute(carrying)[0]) == {("1", ""): "a0 b0", ("2", ""): "c0"}


def test_classes_of_production_are_judged_apart(site: Site) -> None:
    deployments = [
        deployment("1", 1, "a0"),
        deployment("2", 2, "b0", environment="staging"),
        deployment("3", 3, "c0"),
    ]
    world = World(LINE, deployments, production=[(0, None), (1, None), (1, "staging")])
    put(site, world)
    found = site.compute(world)[0]
    assert {(row[0], row[4]): row[3] for row in found if row[3] == "b0"} == {(0, "3"): "b0", (1, "2"): "b0"}
    assert found == carried_rows(world)


def test_releases_and_merges_carry_as_deployments_do_from_one_state_to_the_next(site: Site) -> None:
    def code(name: str, hour: float, sha: str | None, **more: Any) -> dict[str, Any]:
        return {
            "deployment_id": name,
            "repository": "acme/app",
            "finished_at": at(hour),
            "sha": sha,
            "classes": [0],
            **more,
        }

    first, second = code("r1", 1, "a0", tag="v1", tags=["v1"]), code("m2", 2, "b0", tags=["v9"])
    label = code("m4", 4, None, tags=["v9"])  # a label is no tag of the repository
    release = code("r5", 5, None, tag="v9", tags=["v9"])
    releases = [{"repository": "acme/app", "tag": "v9", "sha": "d0"}]
    world = World(LINE, [], releases, code=[first])
    put(site, world)
    assert site.compute(world)[0] == set()
    world = replace(world, code=[first, second])
    assert {(row[3], row[4]) for row in site.compute(world)[0]} == {("b0", "m2")}
    site.add("deployments", [deployment("d3", 3, "c0")])
    world = replace(world, code=[first, second, label, release])
    found, anchors = site.compute(world)
    assert {(row[3], row[4]) for row in found} == {("b0", "m2"), ("c0", "d3"), ("d0", "r5")}
    assert anchors["m4"] == (None, "no sha")
    world = replace(world, code=[first])  # as after a change of settings
    assert {(row[3], row[4]) for row in site.compute(world)[0]} == {("b0", "d3"), ("c0", "d3")}


# --- the state ----------------------------------------------------------------------------------------------------------


def long_world(deployments: int = 40) -> World:
    commits = [commit(f"{at:04}", *([f"{at - 1:04}"] if at else [])) for at in range(2 * deployments)]
    made = [deployment(f"d{at:03}", at, f"{2 * at:04}") for at in range(deployments)]
    for repository in ("acme/site", "acme/tool"):
        commits += [row | {"repository": repository} for row in commits[: 2 * deployments]]
        made += [
            row | {"repository": repository, "deployment_id": f"{repository}-{row['deployment_id']}"}
            for row in made[:deployments]
        ]
    return World(commits, made)


def output_files(site: Site) -> dict[str, int]:
    """The files of rows in the state, by name."""
    return {path.name: path.stat().st_ino for path in (site.folder / "state").glob("*.parquet")}


def test_a_new_deployment_adds_a_file_and_leaves_the_others(site: Site) -> None:
    world = long_world()
    put(site, world)
    site.compute(world)
    before = output_files(site)
    more = World([*world.commits, commit("new1", "0079")], [*world.deployments, deployment("new", 99, "new1")])
    site.add("commits", more.commits[-1:])
    site.add("deployments", more.deployments[-1:])
    assert site.compute(more)[0] == carried_rows(more)
    after = output_files(site)
    carried = {name: node for name, node in before.items() if name.startswith("carried")}
    assert carried.items() <= after.items()
    assert len([name for name in after if name.startswith("carried")]) == len(carried) + 1


def test_a_graph_is_not_made_anew_for_what_only_deployments_name(site: Site) -> None:
    named = [deployment(f"d{at:04}", at, shas=[f"n{at}", f"m{at}"]) for at in range(1200)]
    world = World(LINE, named)
    put(site, world)
    site.compute(world)
    (made,) = (site.folder / "state").glob("repository-*")
    more = World(LINE, [*named, deployment("last", 5000, "c0")])
    site.add("deployments", more.deployments[-1:])
    assert by_deployment(site.compute(more)[0])["last", ""] == "a0 b0 c0"
    assert list((site.folder / "state").glob("repository-*")) == [made]


def test_many_small_files_become_one(site: Site) -> None:
    world = long_world(3)
    put(site, world)
    for number in range(40):
        sha = f"new{number}"
        more = commit(sha, f"new{number - 1}" if number else "0005")
        world = World([*world.commits, more], [*world.deployments, deployment(f"n{number:02}", 99 + number, sha)])
        site.add("commits", [more])
        site.replace("deployments", world.deployments)
        found = site.compute(world)[0]
        assert len(output_files(site)) <= 2 * 18
    assert found == carried_rows(world)


def test_merged_files_of_commits_change_nothing(site: Site) -> None:
    world = long_world()
    for start in range(0, len(world.commits), 30):
        site.add("commits", world.commits[start : start + 30])
    site.replace("deployments", world.deployments)
    expected = site.compute(world)
    before = output_files(site)
    site.replace("commits", world.commits)
    assert site.compute(world) == expected
    assert output_files(site) == before
    gone = World(world.commits[:-1], world.deployments)
    site.replace("commits", gone.commits)
    assert site.compute(gone)[0] == carried_rows(gone)


@pytest.mark.parametrize("damage", ["cut", "gone", "manifest", "rows", "old", "none"])
def test_a_damaged_state_is_not_used(site: Site, damage: str) -> None:
    world = long_world()
    put(site, world)
    expected = site.compute(world)
    state = site.folder / "state"
    manifest = state / "manifest.json"
    first = next(path for path in sorted(state.glob("repository-*/first_parent")))
    if damage == "cut":
        os.truncate(first, 4)
    elif damage == "gone":
        next(iter(sorted(state.glob("repository-*/visited-0")))).unlink()
    elif damage == "manifest":
        manifest.write_text(manifest.read_text()[:-9])
    elif damage == "rows":
        os.truncate(next(state.glob("carried-*.parquet")), 10)
    elif damage == "old":
        manifest.write_text("0\n{}")
    else:
        manifest.unlink()
    assert site.compute(world) == expected


def _compute_and_die(site_folder: str, world: World, files: dict[str, list[Path]], calls: int) -> None:
    """Compute in a process that is killed when it grows its ``calls``-th graph or writes what it visits so often."""
    from leadline.facts.deployment_contents import state

    left = calls
    grow, visited = state.State.grow, state.State.visited

    def counted(*arguments: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return grow(*arguments) if len(arguments) == 3 and not isinstance(arguments[2], int) else visited(*arguments)

    state.State.grow = counted  # type: ignore[method-assign]
    state.State.visited = counted  # type: ignore[method-assign]
    with Engine(temp_dir=Path(site_folder) / "temp-dying") as engine:
        Site(Path(site_folder), engine, files, 1000).compute(world)


@pytest.mark.parametrize("calls", [1, 2, 4])
def test_a_kill_leaves_no_wrong_state(site: Site, calls: int) -> None:
    world = long_world()
    put(site, world)
    site.compute(world)
    more = World(
        [*world.commits, commit("new1", "0079"), commit("new2", "0079", repository="acme/tool")],
        [*world.deployments, deployment("new", 99, "new1"), deployment("newer", 99, "new2", repository="acme/tool")],
    )
    site.add("commits", more.commits[-2:])
    site.add("deployments", more.deployments[-2:])
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_compute_and_die, args=(str(site.folder), more, site.files, calls))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert site.compute(more)[0] == carried_rows(more)


def test_an_older_state_of_the_lake_is_computed_right(site: Site) -> None:
    world = long_world()
    put(site, world)
    older = site.compute(world)
    files = {table: list(paths) for table, paths in site.files.items()}
    more = World([*world.commits, commit("new1", "0079")], [*world.deployments, deployment("late", 0.5, "0003")])
    site.add("commits", more.commits[-1:])
    site.add("deployments", more.deployments[-1:])
    newer = site.compute(more)
    assert newer[0] == carried_rows(more)
    site.files, files = files, site.files
    assert site.compute(world) == older
    site.files = files
    assert site.compute(more) == newer


def test_no_rows_make_an_empty_table(project: Project) -> None:
    assert stored(project, CARRIED.bound_name) == []
    assert stored(project, ANCHORS.bound_name) == []


# --- several processes --------------------------------------------------------------------------------------------------


class Processes:
    """The processes that were started; ``meanwhile`` is done in each when it is asked for a part."""

    def __init__(self) -> None:
        self.started: list[HelperProcess] = []
        self.asked = 0
        self.meanwhile: Callable[[HelperProcess], None] = lambda _helper: None


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Processes:
    """Work is shared out between two processes, however little it is."""
    monkeypatch.setattr(parts, "LEAST_COMMITS", 1)
    made, ask = Processes(), HelperProcess.ask

    def watched(helper: HelperProcess, document: dict[str, Any]) -> None:
        if "digests" in document:
            made.asked += 1
            made.meanwhile(helper)
        elif helper not in made.started:
            made.started.append(helper)
        ask(helper, document)

    monkeypatch.setattr(HelperProcess, "ask", watched)
    return made


def wide_world() -> World:
    """The same history in eight repositories, a release, and a deployment of an unknown one."""
    names = [f"acme/r{number}" for number in range(8)]
    history = long_world(6)
    commits = [row | {"repository": name} for name in names for row in history.commits[:12]]
    deployments = [
        row | {"repository": name, "deployment_id": f"{name}-{row['deployment_id']}"}
        for name in names
        for row in history.deployments[:6]
    ]
    tagged = deployment("tagged", 99, repository="acme/r3", tags=["v1"])
    released = {"repository": "acme/r3", "tag": "v1", "sha": commits[0]["sha"]}
    return World(commits, [*deployments, tagged, deployment("lost", 3, "0001", repository=None)], [released])


def test_several_processes_make_what_one_makes(site: Site, processes: Processes) -> None:
    world = wide_world()
    put(site, world)
    found = site.compute(world, state="by-two")
    assert (len(processes.started), processes.asked) == (2, 8)
    assert found[0] == carried_rows(world)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "LEAST_COMMITS", 1_000_000)
        assert site.compute(world, state="by-one") == found
    orders = [
        [row for path in sorted((site.folder / state).glob("carried-*")) for row in pq.read_table(path).to_pylist()]
        for state in ("by-two", "by-one")
    ]
    assert orders[0] == orders[1]
    assert not (site.folder / "by-two" / "parts").exists()
    more = World(
        world.commits, [*world.deployments, deployment("new", 99, "0001", repository="acme/r5")], world.releases
    )
    site.add("deployments", more.deployments[-1:])
    assert site.compute(more, state="by-two")[0] == carried_rows(more)
    assert processes.asked == 8


def test_a_killed_process_is_an_error_and_the_next_try_is_whole(site: Site, processes: Processes) -> None:
    world = wide_world()
    put(site, world)
    processes.meanwhile = lambda helper: os.kill(helper.pid, signal.SIGKILL)
    with pytest.raises(StoreError, match=r"finds what deployments carry ended unexpectedly \(signal 9\); try again"):
        site.compute(world)
    assert all(helper.ended for helper in processes.started)
    processes.meanwhile = lambda _helper: None
    assert site.compute(world)[0] == carried_rows(world)


def test_what_a_process_cannot_do_is_told(site: Site, processes: Processes) -> None:
    world = wide_world()
    put(site, world)
    processes.meanwhile = lambda _helper: site.files["commits"][0].write_bytes(b"PAR1")
    with pytest.raises(StoreError, match="A stored file is damaged"):
        site.compute(world)


def test_interrupted_processes_are_gone(site: Site, processes: Processes) -> None:
    world = wide_world()
    put(site, world)
    processes.meanwhile = lambda _helper: site.engine.interrupt()
    with pytest.raises(Interrupted):
        site.compute(world)
    assert all(helper.ended for helper in processes.started)


def test_interrupted_work_stops(site: Site) -> None:
    world = long_world()
    put(site, world)
    site.engine.interrupt()
    with pytest.raises(Interrupted):
        site.compute(world)
