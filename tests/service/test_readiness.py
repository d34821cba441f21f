"""A server is ready when its workers have proved that they can make exports, and not before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from api.serving import Client, eventually, served_by_process
from leadline.errors import StoreError
from leadline.exports.proof import prove
from leadline.home import Home

MISSING = "No module named 'packaging'"


@pytest.fixture
def without_packaging(tmp_path: Path) -> Path:
    """A folder that, first in the path of modules, hides a package that the engine needs."""
    folder = tmp_path / "incomplete"
    folder.mkdir()
    (folder / "packaging.py").write_text(f"raise ModuleNotFoundError({MISSING!r})\n")
    return folder


def test_a_server_whose_workers_cannot_export_is_not_ready(tmp_path: Path, without_packaging: Path) -> None:
    log = tmp_path / "log"
    with served_by_process(tmp_path / "home", log=log, env={"PYTHONPATH": str(without_packaging)}) as (base, _):
        client = Client(base)
        eventually(lambda: "export worker ended" in log.read_text())
        answer = client.get("/readyz")
        assert (answer.status, answer.json["code"]) == (503, "not_ready")
        assert [detail["field"] for detail in answer.json["details"]] == ["workers"]
        assert client.get("/healthz").status == 200
    text = log.read_text()
    assert f"Exports cannot be made here: {MISSING}; install leadline again with all that it needs" in text
    assert "Traceback" not in text


def test_a_server_whose_workers_can_export_is_ready_soon(tmp_path: Path) -> None:
    with served_by_process(tmp_path / "home", workers=2) as (base, _):
        client = Client(base)
        eventually(lambda: client.get("/readyz").status == 200)
        eventually(lambda: json.loads(client.get("/readyz").body)["checks"]["workers"] == "2 of 2 running")


def test_what_is_missing_is_said_in_a_sentence(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    prove(home)
    monkeypatch.setitem(__import__("sys").modules, "deltalake", None)
    with pytest.raises(StoreError, match="Exports cannot be made here"):
        prove(home)
    assert list(home.temp.iterdir()) == []
