"""The package as users get it: with what it declares and nothing else, everything runs; what it imports, it declares."""

from __future__ import annotations

import ast
import csv
import json
import os
import re
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution, packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from api.serving import EXPORTS, Client, eventually

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
RANGE = ["--start", "2026-01-01", "--end", "2026-03-31"]


# -- what is declared ----------------------------------------------------------------------------------------------------


def imported() -> set[str]:
    """Top-level modules that the code imports, of other people's."""
    names: set[str] = set()
    for module in (ROOT / "src" / "leadline").rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module is not None and not node.level:
                names.add(node.module)
    tops = {name.partition(".")[0] for name in names}
    return tops - set(sys.stdlib_module_names) - {"leadline"}


def test_every_import_is_of_a_package_that_is_declared() -> None:
    """By its own name: what a dependency happens to bring may be gone with its next version."""
    extras = [text for texts in PROJECT["optional-dependencies"].values() for text in texts]
    declared = {canonicalize_name(Requirement(text).name) for text in [*PROJECT["dependencies"], *extras]}
    owners = packages_distributions()
    missing = {
        name: owners.get(name, [])
        for name in imported()
        if not declared & {*map(canonicalize_name, owners.get(name, []))}
    }
    assert missing == {}


# -- what is installed ---------------------------------------------------------------------------------------------------


def closure(requirements: Iterable[str]) -> dict[str, Distribution]:
    """The distributions that ``requirements`` bring, with all that these say they need, by name."""
    packages: dict[str, Distribution] = {}
    waiting = [(Requirement(text), frozenset[str]()) for text in requirements]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement, of_extras = waiting.pop()
        environments = [{"extra": extra} for extra in of_extras or {""}]
        if requirement.marker is not None and not any(map(requirement.marker.evaluate, environments)):
            continue
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        packages[name] = distribution(name)
        waiting += [(Requirement(text), extras) for text in packages[name].requires or ()]
    return packages


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from an sdist as package builders do: what the sdist lacks is not in it."""
    folder = tmp_path_factory.mktemp("built")
    run([sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder], cwd=ROOT)
    (sdist,) = folder.glob("*.tar.gz")
    run(["tar", "-xzf", sdist, "-C", folder])
    run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=folder / sdist.name.removesuffix(".tar.gz"),
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs' folder of an environment with the wheel and what it says that it needs, and nothing else.

    The dependencies are linked from this environment, file by file, so nothing is fetched and little is copied.
    """
    folder = tmp_path_factory.mktemp("empty") / "venv"
    venv.create(folder, with_pip=False, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "--python", folder / "bin" / "python"]
    run([*pip, "install", "--no-index", "--no-deps", wheel])
    metadata = Distribution.at(next(site.glob("leadline-*.dist-info")))
    for package in closure(metadata.requires or ()).values():
        for file in package.files or ():
            if file.parts[0] != ".." and file.suffix != ".pth":
                target = site / file
                target.parent.mkdir(parents=True, exist_ok=True)
                if not target.exists():
                    target.symlink_to(Path(str(file.locate())))
    assert not (site / "hatchling").exists()
    assert not (site / "pytest").exists()
    return folder / "bin"


def run(command: Iterable[str | Path], **options: Any) -> str:
    environ = {name: text for name, text in os.environ.items() if not name.startswith(("LEADLINE_", "PYTHON"))}
    done = subprocess.run(
        [str(word) for word in command],
        **{
            "env": environ,
            "stdin": subprocess.DEVNULL,
            "capture_output": True,
            "text": True,
            "timeout": 240,
            **options,
        },
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.mark.slow
def test_what_is_declared_is_enough(installed: Path, tmp_path: Path) -> None:
    program = [installed / "leadline", "--home", tmp_path / "home"]
    demo = ["demo", "--developers", "12", "--months", "3", "--until", "2026-03-31", "--json"]
    tree = json.loads(run([*program, *demo]))["orgTreeName"]
    key = json.loads(run([*program, "keys", "create", "--name", "reader", "--role", "viewer", "--json"]))["key"]
    for name, words in {
        "productivity.csv.gz": ["export", "productivity", *RANGE],
        "efficiency.parquet": ["export", "efficiency", *RANGE, "--group", "summary"],
        "report.csv.gz": ["report", *RANGE, "--efficiency", "all", "--productivity", "all"],
        "pulls.csv": ["facts", "pull-requests"],
        "deployments.jsonl": ["facts", "deployments"],
    }.items():
        run([*program, *words, "-o", tmp_path / name])
        assert (tmp_path / name).stat().st_size > 200
    assert len(list(csv.DictReader((tmp_path / "pulls.csv").open()))) > 10
    assert "@example.com" in run([*program, "identities", "--json"])
    assert "All is sound." in run([*program, "status", "--check"])
    with (tmp_path / "log").open("w") as log:  # a pipe that nobody reads would fill up, and the server wait
        process = subprocess.Popen(
            [str(word) for word in (*program, "serve", "--port", "0")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert process.stdout is not None
        address = next(found[0] for line in process.stdout if (found := re.search(r"http://\S+", line)))
        client = Client(address.rstrip("/,;."), key)
        ready = eventually(lambda: (answer := client.get("/readyz")).status == 200 and answer)
        assert ready.json["checks"]["workers"] == "1 of 1 running"
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        signed_in = client.send("POST", "/sign-in", headers=form, body=f"key={key}&next=/docs")
        cookie = signed_in.headers["set-cookie"].partition(";")[0]
        assert b"leadline serve" in client.get("/docs/reference/commands", Cookie=cookie).body
        dates = {"start": "2026-01-01", "end": "2026-03-31"}
        export = client.completed({"scope": {"orgTreeName": tree}, "dateRange": dates})
        assert client.get(f"{EXPORTS}/{export}/download").body == (tmp_path / "productivity.csv.gz").read_bytes()
    finally:
        process.terminate()
        process.communicate(timeout=60)
