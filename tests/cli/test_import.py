"""``leadline import``: the report, refused rows, exit codes, several processes, Ctrl-C."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from .running import Leadline, write_tables


def test_a_folder_and_what_became_of_it(leadline: Leadline) -> None:
    write_tables(leadline.cwd / "data")
    (leadline.cwd / "data" / "notes.txt").write_text("not for us")
    first = leadline.json("import", "data")
    assert first["ok"]
    assert {row["table"]: row["added"] for row in first["files"]}["pull_requests"] == 3
    assert [Path(row["file"]).name for row in first["skipped"]] == ["notes.txt"]
    again = leadline.json("import", "data")
    assert sum(row["added"] + row["updated"] for row in again["files"]) == 0
    assert leadline.rows()["pull_requests"] == 3


def test_the_table_for_people(leadline: Leadline) -> None:
    write_tables(leadline.cwd / "data")
    lines = leadline("import", "data", env={"COLUMNS": "80"}).stdout.splitlines()
    assert lines[0].split() == ["file", "table", "rows", "added", "updated", "unchanged", "refused"]
    assert max(map(len, lines)) <= 80


def test_refused_rows_say_file_line_column_value_and_reason(company: Leadline) -> None:
    before = company.rows()
    (company.cwd / "pull_requests.csv").write_text(
        "repository,number,merged_at\nexample/shop,50,2026-02-30\nexample/shop,51,2026-02-01\nexample/shop,x,2026-02-01\n"
    )
    done = company("import", "pull_requests.csv", code=1)
    assert done.stderr.startswith("error: pull_requests.csv: 2 values refused")
    assert "  pull_requests.csv:2: merged_at: 2026-02-30: " in done.stderr
    assert "  pull_requests.csv:4: number: x: " in done.stderr
    assert "--skip-bad-rows" in done.stderr
    assert company.rows() == before
    report = company.json("import", "pull_requests.csv", "--skip-bad-rows")
    assert (report["files"][0]["added"], report["files"][0]["refusedRows"]) == (1, 2)
    assert Path(company.cwd / report["files"][0]["refusedFile"]).is_file()
    assert company.rows()["pull_requests"] == before["pull_requests"] + 1


def test_only_the_first_refusals_are_shown(leadline: Leadline) -> None:
    (leadline.cwd / "pull_requests.csv").write_text("repository,number\n" + "a/b,x\n" * 100)
    lines = leadline("import", "pull_requests.csv", code=1).stderr.splitlines()
    assert "  … and 80 more" in lines
    assert len(lines) < 30


def test_dry_run_changes_nothing(leadline: Leadline) -> None:
    write_tables(leadline.cwd / "data")
    done = leadline("import", "data", "--dry-run")
    assert "Nothing was changed" in done.stderr
    assert leadline.rows() == {}


def test_what_is_not_there_or_not_known(leadline: Leadline) -> None:
    assert "nowhere" in leadline("import", "nowhere", code=1).stderr
    (leadline.cwd / "x.csv").write_text("a\n1\n")
    assert "x.csv" in leadline("import", "x.csv", code=2).stderr
    assert "no table 'pulls'" in leadline("import", "x.csv", "--table", "pulls", code=2).stderr
    assert leadline.rows() == {}


def test_two_processes_import_at_once_into_a_new_home(leadline: Leadline) -> None:
    for part in range(2):
        lines = [f"example/shop,{number},2026-02-01T00:00:00Z" for number in range(part * 50, part * 50 + 60)]
        (leadline.cwd / f"pull_requests-{part}.csv").write_text(
            "\n".join(["repository,number,merged_at", *lines]) + "\n"
        )
    processes = [leadline.start("import", f"pull_requests-{part}.csv") for part in range(2)]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()
    assert leadline.rows() == {"pull_requests": 110}
    assert leadline.json("status", "--check")["check"] == {"good": True, "findings": []}


def test_ctrl_c_leaves_nothing_half_done(company: Leadline) -> None:
    before = company.rows()
    with (company.cwd / "comments.csv").open("w") as file:
        file.write("repository,number,comment_id,author,created_at\n")
        for number in range(0, 2_000_000, 1000):
            file.writelines(
                f"example/shop,1,c{comment},someone,2026-02-01T00:00:00Z\n" for comment in range(number, number + 1000)
            )
    process = company.start("import", "comments.csv")
    staging = company.home / "projects" / "default" / "default" / "lake" / "comments" / "_staging"
    deadline = time.monotonic() + 120
    while not list(staging.glob("*/**/*.parquet")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors.decode()
    assert out == b""
    assert errors.decode().strip() == "interrupted; what was finished before stays, the rest was not kept"
    assert company.rows() == before
    assert not list(staging.glob("*")), "staged files are left"
    assert company.json("status", "--check")["check"]["good"]
