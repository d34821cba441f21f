"""Fixtures of the command line's tests: ``leadline`` on an empty home, ``company`` on one with a small company."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from .running import Leadline, write_tables


@pytest.fixture
def leadline(tmp_path: Path) -> Iterator[Leadline]:
    """``leadline`` on an empty home, run in an empty folder."""
    (tmp_path / "cwd").mkdir()
    program = Leadline(tmp_path / "home", tmp_path / "cwd")
    yield program
    for process in program.started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def company_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the small company: its files in ``data``, imported and with the tree `Research` in ``home``."""
    folder = tmp_path_factory.mktemp("company")
    write_tables(folder / "data")
    program = Leadline(folder / "home", folder)
    program("import", "data")
    program("org", "load", "data/developers.csv", "--name", "Research")
    return folder


@pytest.fixture
def company(leadline: Leadline, company_template: Path) -> Leadline:
    """``leadline`` on a copy of the small company's home; the files lie in ``data`` of the current folder."""
    shutil.copytree(company_template / "home", leadline.home)
    shutil.copytree(company_template / "data", leadline.cwd / "data")
    return leadline
