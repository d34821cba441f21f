"""Names that become paths: a home below a folder of any name, a project, an organization and a repository of any name, and
everything that a company does in them. Whatever a name holds, it is no pattern, no address, no escape and no option."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path
from urllib.parse import quote

import pytest

from api.serving import Client, make_keys, serving
from leadline.folder_names import LONGEST, folder_name
from leadline.home import Home

from .running import Leadline, environment, write_tables
from .test_sync import repository

NAMES = (
    "web.app",
    "Team A ",
    "R&D; $HOME `id`",
    "Zürich",
    unicodedata.normalize("NFD", "Zürich"),
    "100% sure",
    "what?x=1#top",
    'it\'s "quoted"',
    "st*r",
    "br[ab]",
    "{a,b}|<c>^~",
    "repository=example",
    "s3:",
    "trailing.",
    "-o",
    "👩‍💻 café",
    "é" * 80,
)
"""Names of folders, projects, organizations and repositories alike."""
RANGE = ["--start", "2026-01-01", "--end", "2026-03-31"]
INCIDENT = {"incident_id": "I-1", "service": "shop", "created_at": "2026-03-01T00:00:00Z"}


def neighbour(name: str) -> str:
    """A folder that a pattern of that name would match, too."""
    return name.replace("*", "X").replace("[ab]", "a").replace("?", "Y").replace("{a,b}", "a")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_everything_works_whatever_things_are_called(name: str, tmp_path: Path, sqlite_template: Path) -> None:
    for folder in {name, neighbour(name)}:
        (tmp_path / folder / "home").mkdir(parents=True)
        shutil.copyfile(sqlite_template, tmp_path / folder / "home" / "leadline.db")
    home = tmp_path / name / "home"
    (tmp_path / "cwd").mkdir()
    program = Leadline(home, tmp_path / "cwd")
    chosen = [f"--project={name}", f"--organization={name}"]
    write_tables(tmp_path / "cwd" / "data" / name)
    source = repository(tmp_path / "cwd" / "shop").rename(tmp_path / "cwd" / f"{name[:60]} of git")

    with Home.open(home) as opened:
        project = opened.project(name, name, create=True)
        with serving(opened, workers=0) as served:
            key = make_keys(project)["ingestion"]
            pushed = Client(served.base, key).send(
                "POST",
                f"/v2/ingest/incidents?projectIdentifier={quote(name, safe='')}&orgIdentifier={quote(name, safe='')}",
                body=json.dumps([INCIDENT]).encode(),
                headers={"Content-Type": "application/json"},
            )
            assert pushed.status == 202, pushed.body
    program(*chosen, "import", Path("data") / name)
    program(*chosen, "org", "load", Path("data") / name / "developers.csv", "--name", "Everybody")
    assert (
        "done" in program(*chosen, "sync", "git", f"./{source.name}", "--name", f"org/{name.strip()}", "--json").stdout
    )
    output = f"./{name[:60]}.csv"
    program(*chosen, "export", "productivity", "--org-tree", "Everybody", *RANGE, "-o", output)
    merged = {
        row["Email"]: row["PR_Merged"] for row in csv.DictReader((tmp_path / "cwd" / output).open(encoding="utf-8"))
    }
    assert len(merged) == 4
    program(*chosen, "facts", "pull-requests", "-o", "pulls.parquet")
    assert "ben@example.com" in program(*chosen, "identities").stdout
    assert "All is sound." in program(*chosen, "status", "--check").stdout
    with Home.open(home) as opened:
        project = opened.project(name, name)
        rows = project.lake.snapshot().row_counts()
        assert project.folder.parent.parent == home / "projects"
    assert (rows["incidents"], rows["pull_requests"], rows["commits"]) == (1, 3, 4)
    assert sorted(path.name for path in home.iterdir() if path.is_file() and path.suffix == ".db") == ["leadline.db"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted({name, neighbour(name), "cwd"})


def test_the_demo_is_made_up_whatever_its_home_is_called(tmp_path: Path) -> None:
    program = Leadline(tmp_path / "what?x=1#top" / "home", tmp_path)
    assert program.json("demo", "--developers", "8", "--months", "1", "--until", "2026-03-31")["rows"]["commits"] > 0
    assert [path.name for path in tmp_path.iterdir()] == ["what?x=1#top"]


def test_a_pattern_in_the_path_of_a_home_matches_no_other_home(tmp_path: Path) -> None:
    """The files of another home lie where the name of this one, taken for a pattern, would find them."""
    for folder, number in (("a[bc]", 1), ("ab", 2)):
        home = Leadline(tmp_path / folder / "home", tmp_path)
        rows = "".join(f"{one},s,2026-03-01T00:00:00Z\n" for one in range(number))
        (tmp_path / "incidents.csv").write_text("incident_id,service,created_at\n" + rows)
        home("import", "incidents.csv")
        lake = tmp_path / folder / "home" / "projects" / "default" / "default" / "lake" / "incidents"
        (file,) = lake.glob("*.parquet")
        file.rename(lake / "part-same.parquet")
        for entry in (lake / "_delta_log").glob("*.json"):
            entry.write_text(entry.read_text().replace(file.name, "part-same.parquet"))
    home = Leadline(tmp_path / "a[bc]" / "home", tmp_path)
    assert "All is sound." in home("status", "--check").stdout
    assert [line[:3] for line in home("facts", "incidents", "-o", "-").stdout.splitlines()[1:]] == ["0,s"]
    assert home.rows() == {"incidents": 1}


@pytest.mark.parametrize(
    "address", ["s3://bucket/leadline", "gs://b", "abfss://c@a/x", "file:///srv/leadline", "S3a://x"]
)
def test_a_home_is_a_folder_and_no_address(tmp_path: Path, address: str) -> None:
    program = Leadline(tmp_path / "home", tmp_path)
    by_option = program("--home", address, "status", code=2).stderr.splitlines()[0]
    assert by_option.endswith(f"{address!r} must be a folder on this machine, such as /srv/leadline")
    command = [sys.executable, "-m", "leadline.cli.main", "status"]
    run = subprocess.run(
        command, env=environment({"LEADLINE_HOME": address}), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    by_variable = run.stderr
    assert run.returncode == 2
    assert "LEADLINE_HOME cannot be" in by_variable
    assert "it must be a folder on this machine" in by_variable
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a" * 256, "bell\x07", "two\nlines", b"\xff".decode(errors="surrogateescape")])
def test_what_cannot_be_a_name_is_refused_in_a_sentence(tmp_path: Path, name: str) -> None:
    program = Leadline(tmp_path / "home", tmp_path)
    for option in ("--project", "--organization"):
        done = program("keys", "create", "--name", "k", "--role", "viewer", option, name, code=2)
        assert "cannot be the name of a project or organization" in done.stderr
        assert program(option, name, "status", code=1).stderr.startswith("error: There is no project")


def test_every_name_has_a_folder_of_its_own() -> None:
    long = ["ü" * 200, "ü" * 200 + "a", "a" * LONGEST, "a" * (LONGEST + 1), ".", "..", "...", "", "a%2E", "a."]
    for options in ({"mark": "@"}, {"kept": " +@,=~."}):
        names = [folder_name(name, **options) for name in [*NAMES, *long]]
        assert len(set(names)) == len(names)
        assert all(len(name.encode()) <= LONGEST for name in names)
        assert not any(name in (".", "..") or "/" in name for name in names)
