"""CSV for spreadsheets: another delimiter or a byte order mark changes how the cells are written, and no cell."""

from __future__ import annotations

import csv
import gzip
import io

import pytest

from .running import Leadline

QUARTER = ("--start", "2026-01-01", "--end", "2026-03-31")
COMMANDS = [
    ("export", "productivity", *QUARTER),
    ("facts", "pull-requests", *QUARTER),
    ("report", *QUARTER, "--productivity", "all"),
]


def cells(content: bytes, delimiter: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter, strict=True))


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
@pytest.mark.parametrize(("name", "sign"), [("semicolon", ";"), ("tab", "\t"), ("comma", ",")])
def test_the_cells_are_the_same(company: Leadline, words: tuple[str, ...], name: str, sign: str) -> None:
    company(*words, "-o", "plain.csv")
    company(*words, "-o", "other.csv.gz", "--delimiter", name, "--bom")
    plain = (company.cwd / "plain.csv").read_bytes()
    other = gzip.decompress((company.cwd / "other.csv.gz").read_bytes())
    assert other.startswith(b"\xef\xbb\xbf")
    assert not plain.startswith(b"\xef\xbb\xbf")
    assert cells(other, sign) == cells(plain, ",")
    assert other.count(b"\r\n") == plain.count(b"\r\n") > 1


def test_without_them_not_a_byte_is_another(company: Leadline) -> None:
    words = ("export", "productivity", *QUARTER)
    company(*words, "-o", "a.csv")
    company(*words, "-o", "b.csv", "--delimiter", "comma")
    assert (company.cwd / "a.csv").read_bytes() == (company.cwd / "b.csv").read_bytes()


def test_to_stdout(company: Leadline) -> None:
    done = company("facts", "commits", "-o", "-", "--delimiter", "tab", "--bom")
    assert done.stdout.startswith("\ufeffrepository\tsha\t")


@pytest.mark.parametrize(
    ("said", "name"), [(";", "semicolon"), (",", "comma"), ("\t", "tab"), ("\\t", "tab"), ("TAB", "tab")]
)
def test_what_separates_is_named_or_is_said_itself(company: Leadline, said: str, name: str) -> None:
    words = ("facts", "commits", "-o", "-", "--delimiter")
    assert company(*words, said).stdout == company(*words, name).stdout


@pytest.mark.parametrize("said", ["", ";;", "x", "pipe"])
def test_no_other_character_separates(company: Leadline, said: str) -> None:
    for words in COMMANDS:
        refused = company(*words, "-o", "-", "--delimiter", said, code=2).stderr
        assert f"{said!r} is none of comma, semicolon, tab" in refused


@pytest.mark.parametrize("option", [("--bom",), ("--delimiter", "semicolon")], ids=" ".join)
def test_only_csv_has_them(company: Leadline, option: tuple[str, ...]) -> None:
    for words in COMMANDS[:2]:
        done = company(*words, *option, "-o", "out.parquet", code=2)
        assert option[0] in done.stderr
        assert not (company.cwd / "out.parquet").exists()
