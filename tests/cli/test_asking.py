"""Commands that only ask load the database, and none of what reads data or draws; those that list what is stored do without what
checks fields, too."""

from __future__ import annotations

import subprocess
import sys

import pytest

from .running import Leadline, environment

NOT_NEEDED = ("duckdb", "deltalake", "ibis", "pyarrow", "alembic", "fastapi", "uvicorn", "rich", "sqlalchemy.orm")
CHECKS = ("pydantic", "pydantic_core")
ASKED = f"""
import sys
from leadline.cli.main import main
for line in sys.argv[1:]:
    assert main(line.split()) == 0
    print(line, [name for name in {(*NOT_NEEDED, *CHECKS)} if name in sys.modules], file=sys.stderr)
"""
LINES = ("keys list", "org show", "settings", "status")
"""The last shows its state by a model of many parts, which is one of what checks fields."""


@pytest.fixture
def asked_once(company: Leadline) -> Leadline:
    """The company, whose state is kept."""
    company("keys", "create", "--name", "page", "--role", "viewer")
    company("status")
    return company


def test_what_is_not_needed_is_not_loaded(asked_once: Leadline) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASKED, *LINES],
        capture_output=True,
        text=True,
        env=environment({"LEADLINE_HOME": str(asked_once.home)}),
        check=True,
    )
    assert done.stderr.splitlines() == [f"{line} {[*CHECKS] if line == 'status' else []}" for line in LINES]
    assert "Research" in done.stdout
