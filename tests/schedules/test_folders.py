"""Files reach folders whole, and no folder but those that are allowed, whatever lies there."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from leadline.errors import InvalidRequest, StoreError
from leadline.schedules import folders, names

CONTENT = b"a,b\r\n1,2\r\n" * 1000


@pytest.fixture
def allowed(tmp_path: Path) -> str:
    folder = tmp_path / "allowed"
    folder.mkdir()
    (tmp_path / "outside").mkdir()
    return str(folder)


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    path = tmp_path / "export.csv.gz"
    path.write_bytes(gzip.compress(CONTENT, mtime=0))
    return path


def put(source: Path, folder: str, name: str, allowed: str, *, gzipped: bool = True) -> None:
    folders.put(source, folder, name, [allowed], "run_1", gzipped=gzipped)


def below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() or path.is_symlink())


def test_a_file_is_there_as_its_name_says(tmp_path: Path, allowed: str, packed: Path) -> None:
    put(packed, f"{allowed}/a/b", "x.csv.gz", allowed)
    put(packed, f"{allowed}/a/b", "x.csv", allowed)
    plain = tmp_path / "plain.parquet"
    plain.write_bytes(CONTENT)
    put(plain, allowed, "x.parquet", allowed, gzipped=False)
    put(plain, allowed, "x.parquet.gz", allowed, gzipped=False)
    assert (Path(allowed) / "a/b/x.csv.gz").read_bytes() == packed.read_bytes()
    assert (Path(allowed) / "a/b/x.csv").read_bytes() == CONTENT
    assert (Path(allowed) / "x.parquet").read_bytes() == CONTENT
    assert gzip.decompress((Path(allowed) / "x.parquet.gz").read_bytes()) == CONTENT
    assert below(Path(allowed)) == ["a/b/x.csv", "a/b/x.csv.gz", "x.parquet", "x.parquet.gz"]


def test_what_an_attempt_left_unfinished_is_gone_and_others_files_stay(allowed: str, packed: Path) -> None:
    (Path(allowed) / ".run_1-dead.partial").write_bytes(b"half")
    (Path(allowed) / ".run_2-alive.partial").write_bytes(b"half")
    (Path(allowed) / "x.csv").write_bytes(b"of before")
    put(packed, allowed, "x.csv", allowed)
    assert below(Path(allowed)) == [".run_2-alive.partial", "x.csv"]
    assert (Path(allowed) / "x.csv").read_bytes() == CONTENT


def test_what_cannot_be_written_leaves_what_was_there(allowed: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.csv.gz"
    broken.write_bytes(gzip.compress(CONTENT)[:50])
    (Path(allowed) / "x.csv").write_bytes(b"of before")
    with pytest.raises(StoreError):
        put(broken, allowed, "x.csv", allowed)
    assert below(Path(allowed)) == ["x.csv"]
    assert (Path(allowed) / "x.csv").read_bytes() == b"of before"


@pytest.mark.parametrize(
    "folder",
    ["/etc", "{allowed}/../outside", "{allowed}x", "allowed", "", "{allowed}/a/../../outside", "/", "{allowed}\0"],
)
def test_folders_that_are_refused(folder: str, allowed: str) -> None:
    with pytest.raises(InvalidRequest):
        folders.check_folder(folder.format(allowed=allowed), [allowed])


def test_without_a_folder_that_is_allowed_there_is_none() -> None:
    with pytest.raises(InvalidRequest, match="names none"):
        folders.check_folder("/srv/exports", [])


def test_links_do_not_lead_out(tmp_path: Path, allowed: str, packed: Path) -> None:
    outside = tmp_path / "outside"
    (Path(allowed) / "link").symlink_to(outside)
    (Path(allowed) / "a").mkdir()
    (Path(allowed) / "a" / "up").symlink_to("../..")
    for folder in (f"{allowed}/link", f"{allowed}/link/below", f"{allowed}/a/up/outside"):
        with pytest.raises(StoreError):
            put(packed, folder, "x.csv", allowed)
    assert below(outside) == []


def test_a_link_in_place_of_the_file_is_replaced_and_not_followed(tmp_path: Path, allowed: str, packed: Path) -> None:
    secret = tmp_path / "outside" / "secret"
    secret.write_bytes(b"mine")
    (Path(allowed) / "x.csv").symlink_to(secret)
    put(packed, allowed, "x.csv", allowed)
    assert secret.read_bytes() == b"mine"
    assert not (Path(allowed) / "x.csv").is_symlink()


def test_a_folder_that_is_not_allowed_any_more_gets_nothing(tmp_path: Path, allowed: str, packed: Path) -> None:
    with pytest.raises(StoreError, match="any more"):
        folders.put(packed, str(tmp_path / "outside"), "x.csv", [allowed], "run_1", gzipped=True)


def test_an_allowed_folder_that_is_not_there_is_not_made(tmp_path: Path, packed: Path) -> None:
    """It may be a disk that is not there: the one below must not be filled in its place."""
    gone = str(tmp_path / "disk")
    with pytest.raises(StoreError):
        put(packed, f"{gone}/a", "x.csv", gone)
    assert not os.path.lexists(gone)


def test_taking_away_stays_within_too(tmp_path: Path, allowed: str, packed: Path) -> None:
    put(packed, allowed, "x.csv", allowed)
    assert folders.take_away(allowed, "x.csv", [allowed])
    assert not folders.take_away(allowed, "x.csv", [allowed])
    secret = tmp_path / "outside" / "x.csv"
    secret.write_bytes(b"mine")
    (Path(allowed) / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(StoreError):
        folders.take_away(f"{allowed}/link", "x.csv", [allowed])
    assert secret.exists()


NAMES = {
    "{name}-{start}_{end}.csv.gz": "Monthly-productivity-2026-02-01_2026-02-28.csv.gz",
    "{export}-{due}.csv": "productivity-2026-03-01.csv",
    "fixed.csv": "fixed.csv",
}
PARTS = {
    "name": "Monthly / productivity",
    "export": "productivity",
    "start": "2026-02-01",
    "end": "2026-02-28",
    "due": "2026-03-01",
}


@pytest.mark.parametrize(("template", "name"), NAMES.items())
def test_names(template: str, name: str) -> None:
    names.check(template)
    assert names.called(template, PARTS) == name


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..", "/etc/passwd", "a\0b", "a\nb", ".hidden", "", "ü/ö", "x" * 300]
)
def test_no_name_of_a_schedule_leads_elsewhere(name: str) -> None:
    called = names.called("{name}.csv", {**PARTS, "name": name})
    assert "/" not in called
    assert not called.startswith(".")
    assert called.isprintable()
    assert len(called.encode()) <= 255


@pytest.mark.parametrize(
    "template",
    ["", "../x", "a/b.csv", ".hidden", "{secret}.csv", "{name.__class__}", "{name", "a\\b", "x\0", "{}", "x" * 201],
)
def test_templates_that_cannot_be(template: str) -> None:
    with pytest.raises(InvalidRequest):
        names.check(template)
