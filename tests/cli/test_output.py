"""Tables and errors: widths, alignment, text that must not act, the first details only."""

from __future__ import annotations

import pytest

from leadline.cli.failures import explain
from leadline.cli.output import Column, bytes_text, clean, table
from leadline.errors import Detail, InvalidInput


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_a_table_fits_the_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    table([Column("key", whole=True), "meaning", Column("rows", number=True)], [["k" * 30, "word " * 40, "1,234"]])
    lines = printed(capsys)
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("key")
    assert "1,234" in lines[1]
    assert sum("word" in line for line in lines) > 1  # folded


def test_a_table_in_a_pipe_is_never_folded(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    table(["a", "b"], [["x" * 300, "y"]])
    assert printed(capsys)[1] == "x" * 300 + "  y"


def test_values_are_text_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    table(["a"], [["[red]\x1b[31mA\r\u202eB[/red]"]])
    assert printed(capsys)[1] == "[red]\\x1b[31mA\\r\\u202eB[/red]"


def test_numbers_align_right(capsys: pytest.CaptureFixture[str]) -> None:
    table([Column("n", number=True)], [["1"], ["1,000"]])
    assert printed(capsys) == ["    n", "    1", "1,000"]


@pytest.mark.parametrize("cells", [["a", ""], ["a b ", "12 "], [" [b]x[/b]", "-"], ["", "1,000"], ["x" * 50, ":x:"]])
def test_a_table_of_plain_letters_looks_the_same_without_rich(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, cells: list[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    columns = [Column("name"), Column("n", number=True), Column("last")]
    rows = [[*cells, "z"], ["b", "2", ""], [None, *cells]]
    table(columns, rows)
    plain = printed(capsys)
    table(columns, [*rows, ["é", "", ""]])
    assert printed(capsys) == [*plain, "é"]


def test_letters_stay_letters() -> None:
    assert clean("Zoë 李 Ωmega") == "Zoë 李 Ωmega"


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (5 * 1024**2, "5.0 MiB"), (3 * 1024**4, "3,072.0 GiB")],
)
def test_sizes(size: int, text: str) -> None:
    assert bytes_text(size) == text


def test_only_the_first_details_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    details = [Detail(f"f.csv:{line}", "bad") for line in range(2, 30)]
    assert explain(InvalidInput("f.csv has 28 refused rows", details=details)) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["error: f.csv has 28 refused rows", "  f.csv:2: bad"]
    assert len(lines) == 22
    assert lines[-1] == "  … and 8 more"


def test_what_nobody_foresaw_is_one_line_and_a_hint(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LEADLINE_DEBUG", raising=False)
    assert explain(RuntimeError("a\nb")) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "error: unexpected RuntimeError: a b"
    assert "LEADLINE_DEBUG=1" in lines[1]
