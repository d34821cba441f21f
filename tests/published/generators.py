"""Programs that make clients of an OpenAPI document: each installed once, of a fixed version, into a folder of the user's cache.

Nothing of them is in this repository, nor can they lie beside what it depends on. Without npm, pip's index or network the tests
that need one are skipped and say so.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import pytest

_SECONDS = 240


@dataclass(frozen=True)
class Generator:
    """A generator: ``label`` names it with its version, ``steps`` install it into the folder in which they run, and ``program`` is
    there then."""

    label: str
    steps: tuple[tuple[str, ...], ...]
    program: str


PYTHON = Generator(
    "openapi-python-client 0.29.1",
    (
        (sys.executable, "-m", "venv", "."),
        ("bin/python", "-m", "pip", "--quiet", "install", "openapi-python-client==0.29.1"),
    ),
    "bin/openapi-python-client",
)
TYPESCRIPT = Generator(
    "openapi-typescript 7.13.0",
    (
        (
            "npm",
            "install",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "openapi-typescript@7.13.0",
            "typescript@5.9.3",
        ),
    ),
    "node_modules/.bin/openapi-typescript",
)


def installed(generator: Generator) -> Path:
    """The folder that a generator is installed in. Skips the test if it cannot be had."""
    folder = _cached(generator, platformdirs.user_cache_path("leadline-tests"))
    if isinstance(folder, str):
        pytest.skip(f"{generator.label} cannot be had: {folder}")
    return folder


@functools.cache
def _cached(generator: Generator, cache: Path) -> Path | str:
    """The folder below ``cache``, or why there is none. A virtual environment cannot be moved, so the folder is made where it
    stays; a file in it says that it is whole."""
    folder = cache / generator.label.replace(" ", "-")
    whole = folder / "whole"
    if whole.exists():
        return folder
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return f"no cache can be made: {error}"
    for step in generator.steps:
        if error := _failed(step, folder):
            return error
    whole.touch()
    return folder


def _failed(step: Sequence[str], folder: Path) -> str | None:
    """Why a step of the installation failed."""
    program = step[0] if "/" in step[0] else shutil.which(step[0])
    if program is None:
        return f"{step[0]} is not installed"
    try:
        with tempfile.TemporaryFile("w+") as said:
            done = subprocess.run(
                [program, *step[1:]], cwd=folder, stdout=said, stderr=said, timeout=_SECONDS, check=False
            )
            said.seek(0)
            lines = [line for line in said.read().splitlines() if line.strip()]
    except subprocess.TimeoutExpired:
        return f"it was not installed in {_SECONDS} seconds"
    return (
        f"it could not be installed ({lines[-1] if lines else f'exit {done.returncode}'})" if done.returncode else None
    )
