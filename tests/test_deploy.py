"""What is given to run leadline with: the steps of the container run, files and variables named there are there, and what is
started is a command of the program."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.serving import served_by_process
from deployed import DEPLOY, ROOT, parsed, steps
from leadline.settings.server import ENVIRONMENT

# -- the container -------------------------------------------------------------------------------------------------------


def test_what_is_copied_is_there() -> None:
    copied = [rest.split()[:-1] for word, rest in steps() if word == "COPY" and "--from" not in rest]
    assert [name for names in copied for name in names if not (ROOT / name).exists()] == []


@pytest.mark.skipif(
    subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode != 0,
    reason="installing needs pip",
)
def test_its_steps_install_a_program_that_runs(tmp_path: Path) -> None:
    """The steps of the first stage, as they stand, but for where they write."""
    source, target = tmp_path / "src", tmp_path / "opt"
    for word, rest in steps():
        if word == "FROM" and target.exists():
            break
        if word == "COPY":
            *names, to = rest.split()
            for name in names:
                place = source / (name if to == "./" else to)
                place.parent.mkdir(parents=True, exist_ok=True)
                if (ROOT / name).is_dir():
                    shutil.copytree(ROOT / name, place, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(ROOT / name, place)
        if word == "RUN":
            command = rest.replace("/opt/leadline", str(target)).replace("--no-cache-dir ", "")
            command = re.sub(r"^python ", f"{shlex.quote(sys.executable)} ", command)
            done = subprocess.run(command, shell=True, cwd=source, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    done = subprocess.run([target / "bin" / "leadline", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("leadline ")
    demo = [target / "bin" / "leadline", "--home", tmp_path / "home", "demo", "--developers", "12", "--months", "1"]
    subprocess.run(demo, capture_output=True, check=True, cwd=tmp_path)
    status = [target / "bin" / "leadline", "--home", tmp_path / "home", "status", "--check"]
    assert "All is sound." in subprocess.run(status, capture_output=True, text=True, check=True, cwd=tmp_path).stdout


def test_what_it_starts_is_a_command() -> None:
    said = dict(steps())
    entry, words = json.loads(said["ENTRYPOINT"]), json.loads(said["CMD"])
    assert entry == ["leadline"]
    parsed(words)


def test_its_health_is_that_of_the_server(tmp_path: Path) -> None:
    said = dict(steps())["HEALTHCHECK"]
    command = json.loads(said.partition("CMD ")[2])
    assert command[0] == "python"
    with served_by_process(tmp_path / "home", workers=0) as (base, process):
        environ = {**os.environ, "LEADLINE_PORT": base.rpartition(":")[2]}
        asked = [sys.executable, *command[1:]]
        assert subprocess.run(asked, env=environ, check=False).returncode == 0
        process.kill()
        process.wait(30)
        assert subprocess.run(asked, env=environ, capture_output=True, check=False).returncode != 0


def test_its_variables_are_leadlines() -> None:
    named = {name for word, rest in steps() if word == "ENV" for name in re.findall(r"\b(LEADLINE_\w+)=", rest)}
    assert named
    assert named <= set(ENVIRONMENT)


# -- compose and systemd -------------------------------------------------------------------------------------------------


def test_compose_starts_commands_with_variables_and_volumes_that_there_are() -> None:
    compose: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    ours = {name: service for name, service in compose["services"].items() if "build" in service}
    assert set(ours) == {"serve", "worker"}
    for service in ours.values():
        parsed(service["command"])
        assert set(service["environment"]) <= set(ENVIRONMENT)
        assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).resolve().exists()
        assert set(service["depends_on"]) <= set(compose["services"])
    volumes = {text.partition(":")[0] for service in compose["services"].values() for text in service["volumes"]}
    assert volumes == set(compose["volumes"])
    home = dict(steps())["VOLUME"]
    assert all(f"home:{home}" in service["volumes"] for service in ours.values())


def test_the_unit_starts_a_command() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / "leadline.service")
    program, *words = shlex.split(unit["Service"]["ExecStart"])
    assert Path(program).name == "leadline"
    parsed(words)
    named = set(re.findall(r"\b(LEADLINE_\w+)=", unit["Service"]["Environment"]))
    assert named <= set(ENVIRONMENT)
    assert unit["Service"]["StateDirectory"] == "leadline"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not there to read it")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    text = (DEPLOY / "leadline.service").read_text("utf-8").replace("/opt/leadline/bin/leadline", sys.executable)
    (tmp_path / "leadline.service").write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / "leadline.service"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "leadline.service" not in done.stderr, done.stderr
