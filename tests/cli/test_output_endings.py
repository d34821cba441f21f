"""Which format a file has that a command writes: one rule for all of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import typer

from leadline.cli.files import Output

from .running import Leadline


@pytest.mark.parametrize(
    ("name", "asked", "form"),
    [
        ("a.csv", None, "csv"),
        ("a.CSV.GZ", None, "csv"),
        ("a.jsonl", None, "jsonl"),
        ("a.jsonl.gz", None, "jsonl"),
        ("a.parquet", None, "parquet"),
        ("a", None, "csv"),
        ("a.gz", None, "csv"),
        ("csv", None, "csv"),
        ("a", "parquet", "parquet"),
        ("a.parquet", "parquet", "parquet"),
        ("a.data", "jsonl", "jsonl"),
        ("-", None, "csv"),
        ("-", "parquet", "parquet"),
        ("/dev/null", None, "csv"),
    ],
)
def test_the_ending_says_the_format(name: str, asked: str | None, form: str) -> None:
    assert Output.of(name).format(asked) == form


@pytest.mark.parametrize(
    ("name", "asked", "sentence"),
    [
        ("a.json", None, "the ending .json is none of .csv, .csv.gz, .jsonl, .jsonl.gz, .parquet"),
        ("a.xlsx", None, ".xlsx"),
        ("a.txt", None, "the ending .txt is"),
        ("report-2026.01", None, "the ending .01 is"),
        ("a.7z", None, "the ending .7z is"),
        ("a.é", None, "the ending .é is"),
        ("a.", None, "the ending . is"),
        ("a.gz.gz", None, "the ending .gz.gz is"),
        ("a.json.gz", None, "the ending .json.gz is"),
        ("a.parquet.gz", None, "leave .gz off"),
        ("a.parquet.gz", "parquet", "leave .gz off"),
        ("a.csv", "parquet", "says csv, and --format parquet"),
        ("a.jsonl.gz", "csv", "says jsonl, and --format csv"),
    ],
)
def test_an_ending_that_is_no_format_or_another_is_refused(name: str, asked: str | None, sentence: str) -> None:
    with pytest.raises(typer.BadParameter, match=sentence):
        Output.of(name).format(asked)


def test_the_name_of_a_pipe_says_the_format_if_it_is_one(tmp_path: Path) -> None:
    for name, form in (("a.parquet", "parquet"), ("a.xlsx", "csv"), ("a", "csv")):
        os.mkfifo(tmp_path / name)
        assert Output.of(str(tmp_path / name)).format() == form


def test_reports_are_csv_alone() -> None:
    with pytest.raises(typer.BadParameter, match=r"the ending \.parquet is none of \.csv, \.csv\.gz"):
        Output.of("a.parquet").format(known=("csv",))


def test_every_command_that_writes_a_file_asks(leadline: Leadline) -> None:
    days = ["--start", "2026-01-01", "--end", "2026-01-31"]
    commands = (
        ["export", "productivity", *days, "-o"],
        ["facts", "commits", *days, "-o"],
        ["report", "--productivity", "all", *days, "-o"],
        ["report", *days, "--pdf"],
        ["chart", "rework", *days, "-o"],
        ["backup"],
        ["org", "from-teams", "github:example", "-o"],
    )
    for command in commands:
        for ending in (".xlsx", ".7z", ".parquet.gz"):
            done = leadline(*command, f"a{ending}", code=2)
            assert "none of ." in done.stderr or "leave .gz off" in done.stderr, command
    assert not [*leadline.cwd.glob("a.*")]
