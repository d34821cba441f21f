"""What deployments carry, found the slow and obvious way, and a lake of files to have leadline find it in.

``Lake rows`` come in as dicts of the tables commits, deployments, releases; sets of rows go out. The oracle builds every
deployment's whole set of ancestors and looks nothing up twice: no graph arrays, no marks, no state.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from leadline.engine import Engine
from leadline.facts.code_deployments import CODE_DEPLOYMENTS
from leadline.facts.deployment_contents import ANCHORS, CARRIED
from leadline.facts.production import ENVIRONMENTS
from leadline.lake import Snapshot
from leadline.lake.snapshot import DataFile, Manifest
from leadline.materialize.model import BuildContext
from leadline.schema import TABLES
from leadline.settings.profile import Profile

Row = Mapping[str, Any]
START = datetime(2026, 1, 1, tzinfo=UTC)
TABLES_READ = ("commits", "deployments", "releases")
PICKED = re.compile(r"\(cherry picked from commit ([0-9a-f]{4,64})\)")


def at(hour: float) -> datetime:
    """An instant, ``hour`` hours after the start of 2026."""
    return START + timedelta(hours=hour)


def commit(sha: str, *parents: str, message: str = "change", repository: str = "acme/app") -> Row:
    """A row of commits."""
    return {"repository": repository, "sha": sha, "parents": " ".join(parents) or None, "message": message}


def deployment(name: str, hour: float | None, sha: str | None = None, **more: Any) -> Row:
    """A row of deployments: successful, to production, unless ``more`` says otherwise."""
    finished = None if hour is None else at(hour)
    given = {"deployment_id": name, "repository": "acme/app", "status": "success", "finished_at": finished, "sha": sha}
    return given | more


def picked(*shas: str) -> str:
    """A message with git's line for each commit it was cherry-picked from."""
    return "change\n\n" + "\n".join(f"(cherry picked from commit {sha})" for sha in shas)


# --- the oracle ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class World:
    """Rows of the three tables, and ``code``, releases and merges that are deployments; ``production`` are (class, environment)
    pairs."""

    commits: Sequence[Row] = ()
    deployments: Sequence[Row] = ()
    releases: Sequence[Row] = ()
    production: Sequence[tuple[int, str | None]] = ((0, None), (0, "production"))
    first_carries: bool = False
    code: Sequence[Row] = ()

    def known(self, repository: str) -> dict[str, Row]:
        return {row["sha"].lower(): row for row in self.commits if row["repository"] == repository}


def resolve(world: World, repository: str, text: str, *, tags: bool = True) -> tuple[str, bool]:
    """The commit id that a text stands for, and whether it is a known commit."""
    known = world.known(repository)
    text = text.lower()
    if text in known:
        return text, True
    near = [sha for sha in known if sha.startswith(text)] if re.fullmatch("[0-9a-f]{4,64}", text) else []
    if near:
        return (near[0], True) if len(near) == 1 else (text, False)
    for row in world.releases if tags else ():
        if row["repository"] == repository and row["tag"].lower() == text and row["sha"]:
            return resolve(world, repository, row["sha"], tags=False)
    return text, False


def on_cycle(known: Mapping[str, Row]) -> set[str]:
    """Commits that are their own ancestors."""

    def reaches(start: str) -> bool:
        seen: set[str] = set()
        waiting = (known[start]["parents"] or "").lower().split()
        while waiting:
            sha = waiting.pop()
            if sha == start:
                return True
            if sha not in seen:
                seen.add(sha)
                waiting += (known.get(sha, {}).get("parents") or "").lower().split()
        return False

    return {sha for sha in known if reaches(sha)}


def anchor_of(world: World, row: Row) -> tuple[str | None, list[str]]:
    """The known commit that a deployment deployed, or what it lists."""
    repository, shas = row["repository"], [*(row.get("shas") or [])]
    own = row.get("sha")
    if not own and not shas:
        released = {release["tag"]: release["sha"] for release in world.releases if release["repository"] == repository}
        own = next((released[tag] for tag in row.get("tags") or [] if released.get(tag)), None)
        sha, is_known = resolve(world, repository, own, tags=False) if own else ("", False)
        return (sha, []) if is_known else (None, [sha] if own else [])
    if own:
        sha, is_known = resolve(world, repository, own)
        if is_known:
            return sha, []
        shas.append(sha)
    return None, [resolve(world, repository, sha)[0] for sha in shas]


def reached(world: World, row: Row) -> tuple[set[str], set[str], dict[str, str]]:
    """Ancestors, listed, and what was cherry-picked (→ by which commit), of a deployment on its own."""
    known = world.known(row["repository"])
    broken = on_cycle(known)
    anchor, listed = anchor_of(world, row)
    ancestors: set[str] = set()
    waiting = [] if anchor is None else [anchor]
    while waiting:
        sha = waiting.pop()
        if sha not in ancestors:
            ancestors.add(sha)
            if sha not in broken:
                waiting += (known.get(sha, {}).get("parents") or "").lower().split()
    everything = ancestors | set(listed)
    pickers: dict[str, set[str]] = {}
    before: set[str] = set()
    while before != everything:
        before = set(everything)
        for sha in before:
            for target in PICKED.findall(known.get(sha, {}).get("message") or ""):
                pickers.setdefault(target, set()).add(sha)
                everything.add(target)
    return ancestors, set(listed), {target: min(pickers[target]) for target in everything - ancestors - set(listed)}


def carried_rows(world: World) -> set[tuple[Any, ...]]:
    """What ``CARRIED`` must hold, as ``found`` returns it. ``picked_by`` of a row is the first, by id, of the commits
    that its deployment is the first to reach."""
    rows: set[tuple[Any, ...]] = set()
    groups: dict[tuple[int, str, str], list[Row]] = {}
    for row in world.deployments:
        if row.get("repository") and row.get("finished_at") and row["status"] == "success":
            names = [name.strip() for name in (row.get("service") or "").split(";") if name.strip()]
            for service in dict.fromkeys(names) or [""]:
                for kind in {kind for kind, name in world.production if name == row.get("environment")}:
                    groups.setdefault((kind, row["repository"], service), []).append(row)
    for (kind, repository, service), members in groups.items():
        members.sort(key=lambda row: (row["finished_at"], row["deployment_id"]))
        before: set[str] = set()
        known = world.known(repository)
        for row in members:
            ancestors, listed, picks = reached(world, row)
            if row is not members[0] or world.first_carries:
                fresh = (ancestors | listed | picks.keys()) - before
                for sha in fresh:
                    via = "ancestor" if sha in ancestors else "listed" if sha in listed else "cherry-pick"
                    by = None
                    if via == "cherry-pick":
                        said = [one for one in fresh if sha in PICKED.findall(known.get(one, {}).get("message") or "")]
                        by = min(said)
                    rows.add((kind, repository, service, sha, row["deployment_id"], row["finished_at"], via, by))
            before |= ancestors | listed | picks.keys()
    return rows


def anchor_rows(world: World) -> dict[str, str | None]:
    """What ``ANCHORS`` must hold but for the notes."""
    return {
        row["deployment_id"]: anchor_of(world, row)[0] if row.get("repository") else None for row in world.deployments
    }


# --- leadline's answer --------------------------------------------------------------------------------------------------


@dataclass
class Site:
    """Files of a lake, the state of the step, and an engine."""

    folder: Path
    engine: Engine
    files: dict[str, list[Path]] = field(default_factory=lambda: {name: [] for name in TABLES_READ})
    runs: int = 0

    def add(self, table: str, rows: Sequence[Row]) -> None:
        """A delivery: rows in a file of their own."""
        schema = TABLES[table].arrow_schema
        lowered = [{key: _lowered(key, value) for key, value in row.items()} for row in rows]
        path = self.folder / "lake" / table / f"{uuid4().hex}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(lowered, schema=schema), path)
        self.files[table].append(path)

    def replace(self, table: str, rows: Sequence[Row]) -> None:
        """All rows of a table anew."""
        self.files[table] = []
        self.add(table, rows)

    def compute(self, world: World, *, state: str = "state") -> tuple[set[tuple[Any, ...]], dict[str, tuple[Any, ...]]]:
        """The rows that the step makes of the files: of ``CARRIED``, and of ``ANCHORS`` (anchor, note) by deployment."""
        self.runs += 1
        manifests = {
            name: Manifest(self.runs, tuple(DataFile(path, path.stat().st_size, -1) for path in paths))
            for name, paths in self.files.items()
            if paths
        }
        snapshot = Snapshot(manifests, lambda _table, _files: None)
        production = {
            "class": [kind for kind, _ in world.production],
            "environment": [name for _, name in world.production],
            "counts": [True] * len(world.production),
        }
        schema = pa.schema([("class", pa.int64()), ("environment", pa.string()), ("counts", pa.bool_())])
        self.engine.unbind()
        self.engine.bind_snapshot(snapshot, TABLES_READ)
        self.engine.bind_arrow(ENVIRONMENTS.bound_name, pa.table(production, schema=schema))
        texts, lists = ("deployment_id", "repository", "tag", "sha", "source", "branch"), pa.list_(pa.string())
        code = pa.schema(
            [
                *((name, pa.string()) for name in texts),
                ("tags", lists),
                ("shas", lists),
                ("finished_at", pa.timestamp("us", tz="UTC")),
                ("classes", pa.list_(pa.int64())),
            ]
        )
        self.engine.bind_arrow(CODE_DEPLOYMENTS.bound_name, pa.Table.from_pylist(list(world.code), schema=code))
        profile = Profile.of({"deployments.first_carries": str(world.first_carries).lower()})
        out = []
        for step in (CARRIED, ANCHORS):
            place = BuildContext(
                self.engine, profile, snapshot, self.folder / f"out-{self.runs}-{step.name}", self.folder / state
            )
            place.folder.mkdir()
            place.state.mkdir(exist_ok=True)
            assert step.computation is not None
            step.computation.run(place)
            tables = [pq.read_table(path) for path in sorted(place.folder.glob("*.parquet"))]
            assert all(table.column_names == list(step.columns) for table in tables)
            out.append([tuple(row.values()) for table in tables for row in table.to_pylist()])
            shutil.rmtree(place.folder)
        carried, anchors = out
        assert len(set(carried)) == len(carried)
        assert len({row[0] for row in anchors}) == len(anchors)
        return set(carried), {row[0]: row[2:] for row in anchors}


def _lowered(key: str, value: Any) -> Any:
    """Commit ids are stored in lower case, as on import."""
    if key in ("sha", "parents") and value is not None:
        return value.lower()
    return [each.lower() for each in value] if key == "shas" and value is not None else value
