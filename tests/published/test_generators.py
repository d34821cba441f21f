"""Clients are made of the published OpenAPI document, as the documentation tells it: every operation, without a warning."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from published.generators import PYTHON, TYPESCRIPT, installed

pytestmark = pytest.mark.timeout(900)  # the first run installs what makes them
ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "openapi.json"


def operations() -> list[str]:
    """The ids of all operations of the document."""
    paths = json.loads(DOCUMENT.read_bytes())["paths"].values()
    ids = [operation["operationId"] for item in paths for operation in item.values() if "responses" in operation]
    assert len(ids) > 100
    return ids


def documented_options() -> str:
    """What the documentation says to tell the generator of Python clients."""
    found = re.search(r"cat > client\.yaml <<'END'\n(.*?)END\n", (ROOT / "docs" / "api.md").read_text(), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.slow
def test_openapi_python_client_makes_every_operation_without_a_warning(tmp_path: Path) -> None:
    folder = installed(PYTHON)
    options = tmp_path / "client.yaml"
    # What the generator runs over its results is a program of its own, and no matter here.
    options.write_text(f"{documented_options()}post_hooks: []\n")
    command = [folder / PYTHON.program, "generate", "--path", DOCUMENT, "--config", options, "--meta", "none"]
    done = subprocess.run(
        [*command, "--fail-on-warning", "--output-path", tmp_path / "client"],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert (done.returncode, "WARNING" in done.stdout + done.stderr) == (0, False), done.stdout[-3000:] + done.stderr
    made = {path.stem for path in (tmp_path / "client" / "api").glob("*/*.py")}
    assert {re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in operations()} == made - {"__init__"}


@pytest.mark.slow
def test_openapi_typescript_makes_every_operation_without_a_warning(tmp_path: Path) -> None:
    folder = installed(TYPESCRIPT)
    types = tmp_path / "leadline.d.ts"
    done = subprocess.run(
        [folder / TYPESCRIPT.program, DOCUMENT, "-o", types], capture_output=True, text=True, timeout=240, check=False
    )
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    # Its name and what it made of what: nothing else.
    assert (done.returncode, len(said)) == (0, 2), said
    made = types.read_text().partition("export interface operations {")[2]
    assert {name for name in operations() if f"\n    {name}: {{" in made} == set(operations())
    compiler = folder / "node_modules" / ".bin" / "tsc"
    checked = subprocess.run(
        [compiler, "--noEmit", "--strict", types], capture_output=True, text=True, timeout=240, check=False
    )
    assert checked.returncode == 0, checked.stdout
