"""Texts of queries: compiled once per process and once per home, and never taken for what they are not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from leadline.materialize import compiled
from leadline.materialize.compiled import CompiledQueryCache

TEXT = "SELECT trim(a, ' \t\r\x0b'), 'é'\r\nFROM b\n\n"


@pytest.fixture
def new_process(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Forgets what this process has compiled."""
    return lambda: monkeypatch.setattr(compiled, "_texts", {})


def never() -> str:
    raise AssertionError("compiled again")


def test_a_text_is_compiled_once_and_found_again_to_the_byte(tmp_path: Path, new_process: Callable[[], None]) -> None:
    new_process()
    kept = CompiledQueryCache(tmp_path / "queries")
    assert kept.text("a", {"bots": "x"}, lambda: TEXT) == TEXT
    assert kept.text("a", {"bots": "x"}, never) == TEXT
    new_process()
    assert CompiledQueryCache(tmp_path / "queries").text("a", {"bots": "x"}, never) == TEXT


def test_another_name_or_state_is_another_text(tmp_path: Path, new_process: Callable[[], None]) -> None:
    new_process()
    kept = CompiledQueryCache(tmp_path)
    asked = [("a", {"bots": "x"}), ("a", {"bots": "y"}), ("b", {"bots": "x"}), ("a", None)]
    for number, (name, state) in enumerate(asked):
        assert kept.text(name, state, lambda number=number: f"SELECT {number}") == f"SELECT {number}"  # type: ignore[misc]
    assert len(list(tmp_path.iterdir())) == len(asked)


@pytest.mark.parametrize(
    "harm", [lambda raw: raw[:-1], lambda _raw: b"", lambda raw: b"\xff" + raw, lambda raw: raw * 2]
)
def test_a_harmed_file_is_compiled_anew(
    tmp_path: Path, new_process: Callable[[], None], harm: Callable[[bytes], bytes]
) -> None:
    new_process()
    CompiledQueryCache(tmp_path).text("a", 1, lambda: TEXT)
    (file,) = tmp_path.iterdir()
    file.write_bytes(harm(file.read_bytes()))
    new_process()
    assert CompiledQueryCache(tmp_path).text("a", 1, lambda: TEXT) == TEXT
    new_process()
    assert CompiledQueryCache(tmp_path).text("a", 1, never) == TEXT


def test_where_nothing_can_be_kept_texts_are_compiled_all_the_same(
    tmp_path: Path, new_process: Callable[[], None]
) -> None:
    new_process()
    (tmp_path / "file").touch()
    assert CompiledQueryCache(tmp_path / "file" / "queries").text("a", 1, lambda: TEXT) == TEXT


def test_without_a_folder_texts_are_kept_in_the_process_alone(new_process: Callable[[], None]) -> None:
    new_process()
    assert CompiledQueryCache().text("a", 1, lambda: TEXT) == TEXT
    assert CompiledQueryCache().text("a", 1, never) == TEXT
    new_process()
    with pytest.raises(AssertionError, match="compiled again"):
        CompiledQueryCache().text("a", 1, never)


def test_what_is_kept_is_bounded(
    tmp_path: Path, new_process: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    new_process()
    monkeypatch.setattr(compiled, "_MOST_FILES", 8)
    for number in range(10):
        assert CompiledQueryCache(tmp_path).text("a", number, lambda number=number: str(number)) == str(number)  # type: ignore[misc]
        assert len(list(tmp_path.iterdir())) <= 8
    assert {file.read_text("utf-8").partition("\n")[2] for file in tmp_path.iterdir()} >= {"7", "8", "9"}


def test_one_thread_compiles_at_a_time_and_a_failure_is_told_where_it_was_asked(
    tmp_path: Path, new_process: Callable[[], None]
) -> None:
    new_process()
    kept = CompiledQueryCache(tmp_path)
    compiling = threading.Semaphore(1)
    compiled: list[str] = []

    def slowly(name: str) -> str:
        assert compiling.acquire(blocking=False), "two at once"
        kept_busy = sum(range(200_000))  # long enough for another thread to be given its turn
        compiled.append(name)
        compiling.release()
        return f"SELECT {kept_busy} AS {name}"

    with ThreadPoolExecutor(8) as threads:
        texts = list(threads.map(lambda name: kept.text(name, None, lambda: slowly(name)), "abcdabcd"))
    assert texts[:4] == texts[4:]
    assert sorted(compiled) == list("abcd")
    with pytest.raises(AssertionError, match="compiled again"):
        kept.text("e", None, never)
    assert kept.text("e", None, lambda: TEXT) == TEXT
