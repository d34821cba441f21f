"""Fixtures of the documentation's tests: its pages as text, and the demo home that its examples are of."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.running import Leadline, environment

from .pages import Pages, read_pages


@pytest.fixture(scope="session")
def pages() -> Pages:
    """Every page by its path from the repository's root, the generated ones included."""
    return read_pages()


@dataclass(frozen=True)
class Shell:
    """A folder in which ``leadline`` is a command, on a home of its own."""

    folder: Path
    environment: Mapping[str, str]

    def run(self, script: str) -> str:
        """What a bash script prints. It must end well.

        A command of ``leadline`` alone is run within this process, which spares its start-up.
        """
        if re.fullmatch(r"leadline [\w ,./=-]+", script):
            home = Path(self.environment["LEADLINE_HOME"])
            return Leadline(home, self.folder)(*shlex.split(script)[1:]).stdout.replace("\r\n", "\n")
        command = ["bash", "-euo", "pipefail", "-c", script]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="package")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """An empty home; the tests of a module use it in their order."""
    folder = tmp_path_factory.mktemp("docs")
    program = folder / "bin" / "leadline"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m leadline.cli.main "$@"\n')
    program.chmod(0o755)
    kept = environment()
    own = {
        "PATH": f"{program.parent}:{kept['PATH']}",
        "LEADLINE_HOME": str(folder / "try-home"),
        "NO_PROXY": "*",
        "LC_ALL": "C.UTF-8",
    }
    return Shell(folder, {**kept, **own})
