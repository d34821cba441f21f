"""A third forge is a folder and one line: it is added, read, cut, resumed, given up, and its webhooks are taken.

Nothing of the product knows ``sync.drawer``; whatever it needed elsewhere would be missing here.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.serving import serving as served_api
from leadline.db import sources
from leadline.home import Home
from leadline.ingest.pushed import deliver_pushed
from leadline.sources.kit.kinds import KINDS
from leadline.sources.kit.secrets import SecretPlace
from leadline.sources.kit.settings import SourceSettings
from stubs.server import SERVER_ERROR, Reply, Request, Tool, serving

from .drawer.kind import DRAWER
from .harness import Scenario, Syncer, contents, cut_until_through

TOKEN, SECRET = "drawer-token", "drawer-secret"


def when(minutes: int) -> str:
    return (datetime(2026, 1, 5, tzinfo=UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def folder(number: int, *, changes: int, releases: int) -> dict[str, Any]:
    return {
        "id": number,
        "path": f"acme/f{number}",
        "changes": [
            {
                "number": at,
                "title": f"change {at}",
                "by": "ada",
                "state": "merged",
                "made": when(at),
                "touched": when(at),
            }
            for at in range(1, changes + 1)
        ],
        "releases": [{"tag": f"v{at}", "touched": when(at)} for at in range(1, releases + 1)],
    }


@dataclass(kw_only=True)
class Cabinet(Tool):
    """Drawer's server."""

    folders: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {}, {}
        parts = request.path.strip("/").split("/")
        if len(parts) == 2:
            return 200, {}, {"items": [self._shown(each) for each in self.folders]}
        (found,) = (each for each in self.folders if each["path"] == "/".join(parts[1:3]))
        listed = sorted(found[parts[3]], key=lambda node: str(node["touched"]), reverse=True)
        start, size = int(request.params.get("place", 0)), int(request.params["size"])
        following = str(start + size) if start + size < len(listed) else None
        return 200, {}, {"items": listed[start : start + size], "next": following}

    def _shown(self, node: dict[str, Any]) -> dict[str, Any]:
        newest = {
            name: max((element["touched"] for element in node[name]), default="") for name in ("changes", "releases")
        }
        return {"id": node["id"], "path": node["path"], **newest}


def small() -> Cabinet:
    return Cabinet(folders=[folder(1, changes=70, releases=3), folder(2, changes=5, releases=0)])


SCENARIO = Scenario(
    kind="drawer", small=small, tables=("repositories", "pull_requests", "releases"), token=TOKEN, targets=("acme",)
)


@pytest.fixture(scope="module", autouse=True)
def _kind() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(KINDS, DRAWER.name, DRAWER)
        yield


@pytest.fixture
def cabinet(tool: Tool) -> Cabinet:
    assert isinstance(tool, Cabinet)
    return tool


def test_read_and_only_what_is_new_again(sync: Syncer, cabinet: Cabinet) -> None:
    assert sync.good().result.records == 78
    assert {name: len(rows) for name, rows in sync.tables().items()} == {
        "repositories": 2,
        "pull_requests": 75,
        "releases": 3,
    }
    assert sync.calls() == 1
    cabinet.folders[1]["releases"].append({"tag": "v9", "touched": when(9)})
    assert sync.calls() == 2


def test_cut_and_resumed(sync: Syncer) -> None:
    straight = sync.beside()
    records = straight.good().result.records
    cuts, delivered = cut_until_through(sync)
    assert cuts >= 3
    assert delivered == records
    assert sync.tables() == straight.tables()


def test_renamed(sync: Syncer, cabinet: Cabinet) -> None:
    sync.good()
    cabinet.folders[0]["path"] = "acme/called-otherwise"
    sync.good()
    assert {row["repository"] for row in sync.rows("pull_requests")} == {"acme/called-otherwise", "acme/f2"}


def former_names(sync: Syncer) -> dict[str, str | None]:
    return {row["repository"]: row["former_names"] for row in sync.rows("repositories")}


def test_former_names_are_told_unless_another_repository_has_them(sync: Syncer, cabinet: Cabinet) -> None:
    sync.good()
    first, second = cabinet.folders
    first["path"] = "acme/once"
    sync.good()
    first["path"] = "acme/now"
    sync.good()
    assert former_names(sync) == {"acme/now": "[acme/f1, acme/once]", "acme/f2": None}
    sync.good()
    assert former_names(sync) == {"acme/now": "[acme/f1, acme/once]", "acme/f2": None}  # nothing new is told
    second["path"] = "acme/once"
    sync.good()
    assert former_names(sync) == {"acme/now": "[acme/f1]", "acme/once": "[acme/f2]"}
    first["path"] = "acme/F1"
    sync.good()
    assert former_names(sync) == {"acme/F1": "[acme/now]", "acme/once": "[acme/f2]"}
    first["path"], second["path"] = "acme/once", "acme/F1"
    sync.good()
    assert former_names(sync) == {"acme/once": "[acme/now]", "acme/F1": "[acme/f2]"}


def test_given_up_by_the_one_rule(sync: Syncer, cabinet: Cabinet) -> None:
    cabinet.folders = [folder(number, changes=1, releases=1) for number in range(60)]
    cabinet.faults = lambda request: SERVER_ERROR if request.path.count("/") > 2 else None
    done = sync()
    assert done.document()["state"] == "failed"
    assert [failed.what for failed in done.result.failed] == [
        "changes of acme/f0",
        "releases of acme/f0",
        "changes of acme/f1",
    ]
    assert len(cabinet.requests) == 1 + 3 * 6
    cabinet.faults = lambda request: SERVER_ERROR if request.path.endswith("/acme/f7/changes") else None
    done = sync()
    assert done.document()["state"] == "incomplete"
    assert [failed.what for failed in done.result.failed] == ["changes of acme/f7"]
    assert len(sync.rows("pull_requests")) == 59


def test_its_webhooks_are_taken(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    released = {"folder": {"id": 1, "path": "acme/f1"}, "release": {"tag": "v4", "touched": when(400)}}
    body = json.dumps(released).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    with Home.open(tmp_path / "home") as home:
        project = home.project()
        settings = SourceSettings(
            "drawer",
            "drawer:acme",
            ("acme/*",),
            url="https://drawer.example.com",
            webhook_secret=SecretPlace(file=str(tmp_path / "secret")),
        )
        sources.add(project.db, project.id, settings.name, settings.kind, settings.stored(), datetime.now(UTC))
        with served_api(home, workers=0) as running:
            answers = [
                running.client.send(
                    "POST",
                    "/v1/webhooks/drawer:acme",
                    headers={
                        "SEI_API_KEY": "",
                        "Content-Type": "application/json",
                        "X-Drawer-Event": event,
                        "X-Drawer-Signature": signed,
                    },
                    body=body,
                ).status
                for event, signed in (("release", "0" * 64), ("release", signature), ("folder", signature))
            ]
        assert answers == [401, 202, 200]
        deliver_pushed(project)
        (row,) = contents(project, ["releases"])["releases"]
        assert (row["repository"], row["tag"]) == ("acme/f1", "v4")


def test_added_and_synced_by_its_commands(tmp_path: Path) -> None:
    def leadline(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "sync.drawer", "--home", str(tmp_path / "home"), *words],
            cwd=Path(__file__).parent.parent,
            env={"DRAWER_TOKEN": TOKEN, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    with serving(small()) as url:
        leadline("sources", "add", "drawer", "acme", "--url", url)
        assert "2 folders" in leadline("sources", "test", "drawer:acme")
        assert "pull_requests" in leadline("sync")
        assert "nothing new" in leadline("sync")
        (status,) = json.loads(leadline("status", "--json"))["sources"]
    assert (status["name"], status["state"]) == ("drawer:acme", "done")
