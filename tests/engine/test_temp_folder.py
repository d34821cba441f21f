"""What an engine spilled is gone with it, also when its process was killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from leadline.engine import Engine
from leadline.engine.temp_folder import Spill
from leadline.settings.engine_limits import EngineLimits

SPILLING = """
import sys
from pathlib import Path
from leadline.engine.temp_folder import Spill
spill = Spill(Path(sys.argv[1]))
spill.path.mkdir()
(spill.path / "data").write_bytes(b"x" * 1000)
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_killed_process_leaves_nothing_for_long(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SPILLING, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    living = Spill(tmp_path)
    assert len(list(tmp_path.glob("engine-*/data"))) == 1, "a living process keeps what it spilled"
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    process.stdout.close()
    Spill(tmp_path).close()
    assert not list(tmp_path.glob("engine-*/data"))
    living.close()
    assert not list(tmp_path.iterdir())


def test_an_engine_leaves_nothing(tmp_path: Path) -> None:
    with Engine(temp_dir=tmp_path, limits=EngineLimits(1, 60_000_000)) as engine:
        engine.execute("CREATE TABLE big AS SELECT range AS n, md5(range::VARCHAR) AS t FROM range(1500000)")
        assert engine.execute("SELECT count(*) FROM (SELECT * FROM big ORDER BY t LIMIT 1000000)") == [(1000000,)]
        assert any(path.is_dir() and any(path.iterdir()) for path in tmp_path.iterdir()), "this query spills"
    assert not list(tmp_path.iterdir())
