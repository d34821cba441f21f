"""What an engine may take: from the environment's variables, or the machine, to DuckDB's own settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadline import machine
from leadline.engine import Engine
from leadline.errors import InvalidRequest
from leadline.home import Home
from leadline.settings.engine_limits import EngineLimits, Size, shared_out
from leadline.settings.server import ServerSettings

MB = 1_000_000


@pytest.mark.parametrize(
    ("variable", "text", "limits"),
    [
        ("THREADS", "1", EngineLimits(1, 300 * MB)),
        ("THREADS", " 16 ", EngineLimits(16, 4_800 * MB)),
        ("MEMORY", "2GB", EngineLimits(8, 2_000 * MB)),
        ("MEMORY", "1.5 gb", EngineLimits(8, 1_500 * MB)),
        ("MEMORY", "512MiB", EngineLimits(4, 512 << 20)),
        ("MEMORY", "200MB", EngineLimits(1, 200 * MB)),
        ("MEMORY", "", EngineLimits(8, 2_400 * MB)),
    ],
)
def test_variables(monkeypatch: pytest.MonkeyPatch, variable: str, text: str, limits: EngineLimits) -> None:
    monkeypatch.setattr(machine, "memory", lambda: 64_000 * MB)
    environ = {"LEADLINE_THREADS": "8", f"LEADLINE_{variable}": text}
    assert ServerSettings.from_environment(environ).engine_limits() == limits


def test_without_variables_they_are_the_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "memory", lambda: 2_000 * MB)
    threads = machine.cores()
    assert ServerSettings.from_environment({}).engine_limits() == shared_out(threads, None, 1)
    assert shared_out(16, None, 1) == EngineLimits(4, 500 * MB)


@pytest.mark.parametrize(
    ("variable", "text", "must_be"),
    [("THREADS", text, "a whole number from 1 to 1,024") for text in ("0", "-1", "two", "1.5", "1025", "99999")]
    + [("MEMORY", text, "a size of at least 100MB") for text in ("lots", "0", "2", "99MB", "-1GB", "80%", "2 gigs")],
)
def test_what_they_cannot_be(variable: str, text: str, must_be: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ServerSettings.from_environment({f"LEADLINE_{variable}": text})
    assert f"LEADLINE_{variable} cannot be {text!r}; it must be {must_be}" in refused.value.message


@pytest.mark.parametrize(
    ("threads", "memory", "engines", "limits"),
    [
        (16, 8_000 * MB, 1, EngineLimits(16, 8_000 * MB)),
        (16, 8_000 * MB, 4, EngineLimits(4, 2_000 * MB)),
        (16, 8_000 * MB, 10, EngineLimits(2, 800 * MB)),
        (2, 1_200 * MB, 2, EngineLimits(2, 600 * MB)),
        (2, 300 * MB, 2, EngineLimits(1, 150 * MB)),
        (1, 600 * MB, 3, EngineLimits(1, 200 * MB)),
    ],
)
def test_engines_of_a_process_share(threads: int, memory: int, engines: int, limits: EngineLimits) -> None:
    assert shared_out(threads, memory, engines) == limits


def test_on_a_small_machine_all_of_a_process_take_a_quarter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "memory", lambda: 4_000 * MB)
    assert [shared_out(4, None, engines).memory * engines for engines in (1, 2, 4)] == [1_000 * MB] * 3
    monkeypatch.setattr(machine, "memory", lambda: 200 * MB)
    assert shared_out(4, None, 1) == EngineLimits(1, 100 * MB)


def test_an_engine_keeps_to_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADLINE_THREADS", "3")
    monkeypatch.setenv("LEADLINE_MEMORY", "1GB")
    told = "SELECT current_setting('threads'), current_setting('memory_limit')"
    with Home.open(tmp_path) as home:
        with Engine.of(home) as engine:
            assert engine.execute(told) == [(3, "953.6 MiB")]
        with Engine.of(home.shared_by(2), most_memory=250 * MB) as engine:
            assert engine.execute(told) == [(2, "238.4 MiB")]
    assert str(home.shared_by(2).limits) == "2 threads and 500 MB"
    assert str(Size(1_234_567_890)) == "1,234 MB"
