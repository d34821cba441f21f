"""No engine prints anything, whatever kind of process it works in: its stdout is a program's, or nobody reads it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import leadline

# Longer than DuckDB waits before it draws anything.
LONG = "SELECT count(*) FROM range(25000000) AS r(i) WHERE md5(i::VARCHAR) > '5'"
CODE = f"""
from pathlib import Path
from leadline.engine import Engine
from leadline.settings.engine_limits import EngineLimits
with Engine(temp_dir=Path({{folder!r}}), limits=EngineLimits(1, 200_000_000)) as engine:
    asked = "SELECT current_setting('enable_progress_bar') AS drawn"
    assert engine.execute(asked) == [(False,)]
    assert engine.reader(asked).read_all().to_pylist() == [dict(drawn=False)]
    engine.arrow({LONG!r})
"""


def test_a_process_that_runs_no_file_prints_nothing(tmp_path: Path) -> None:
    code = CODE.format(folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_session_of_duckdb_is_silent() -> None:
    sources = Path(leadline.__file__).parent
    loud = []
    for file in sources.rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
        silenced = {id(call.args[0]) for call in calls if ast.unparse(call.func) == "silent"}
        opened = [call for call in calls if ast.unparse(call.func).endswith(("duckdb.connect", "_connection.cursor"))]
        loud += [f"{file.relative_to(sources)}:{call.lineno}" for call in opened if id(call) not in silenced]
    assert not loud
