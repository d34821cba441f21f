"""The examples of the pages are true: their commands run, and print what the page says they print."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from leadline.metrics.catalogue import catalogue_of, groups_of

from .conftest import Shell
from .pages import ROOT, Pages, blocks, section

Rows = list[dict[str, str]]

pytestmark = pytest.mark.slow

ELENA = "--developer elena.moreau@example.com --start 2026-02-01 --end 2026-02-28"


def steps(text: str) -> Iterator[tuple[str, str]]:
    """The commands of a page's console blocks, each with what it is said to print."""
    for block in blocks(text, "console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


def matches(said: str, printed: str) -> bool:
    """Whether ``printed`` is what is ``said``, where a line `…` stands for any lines."""
    pattern = "".join(".*?" if line == "…" else re.escape(line) + "\n" for line in said.splitlines())
    printed = "".join(line.rstrip() + "\n" for line in printed.splitlines())
    return re.fullmatch(pattern, printed, re.DOTALL) is not None


@pytest.fixture(scope="module")
def demo(shell: Shell, pages: Pages) -> Shell:
    """The demo home as README's first command makes it."""
    command, said = next(steps(pages["README.md"]))
    assert command == "leadline demo --until 2026-03-31"
    printed = shell.run(command)
    assert matches(said, printed), printed
    return shell


def test_readme_prints_what_it_says(demo: Shell, pages: Pages) -> None:
    following = list(steps(pages["README.md"]))[1:]
    assert len(following) >= 4
    for command, said in following:
        printed = demo.run(command)
        assert matches(said, printed), f"{command}\n{printed}"


def test_what_matches() -> None:
    assert matches("a\n…\nb\n", "a\nx\ny\nb\n")
    assert not matches("a\n…\nb\n", "a\nx\n")
    assert not matches("a\n", "a\nb\n")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_readme_through_the_api(demo: Shell, pages: Pages) -> None:
    script = "\n".join(block for block in blocks(pages["README.md"], "sh") if "curl" in block)
    assert script.count("curl") == 6
    server = subprocess.Popen(
        ["leadline", "serve", "--port", "0"],
        cwd=demo.folder,
        env=dict(demo.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        executable=str(demo.folder / "bin" / "leadline"),
    )
    try:
        assert server.stdout is not None
        address = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
        assert address is not None
        demo.run(script.replace("http://127.0.0.1:8080", address.group()))
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=120)
    served = (demo.folder / "developers.csv").read_bytes()
    demo.run("leadline export productivity --start 2026-01-01 --end 2026-03-31 -o local.csv")
    assert served == (demo.folder / "local.csv").read_bytes()
    assert served.count(b"\r\n") == 1 + 3 * 117  # three more had left by then
    deployed = rows(demo.run("leadline facts deployments --start 2026-03-03 --end 2026-03-03 -o -"))
    pushed = {row["deployment_id"] for row in deployed if row["repository"] == "example/shop"}
    assert pushed == {"89d2491c:shop/deploy:812", "run-811"}
    efficiency = "LEAD_TIME_FOR_CHANGES,DEPLOYMENT_FREQUENCY,CHANGE_FAILURE_RATE"
    report = demo.run(f"leadline report --team 4 --start 2026-01-01 --end 2026-03-31 --efficiency {efficiency}")
    assert (demo.folder / "report.csv").read_text() == report
    assert len(rows(report)) == 1


def test_readme_on_another_terminal(demo: Shell, pages: Pages) -> None:
    """In the same folder, with what README's line with `export` sets and nothing else of the first terminal's."""
    line = next(block for block in blocks(pages["README.md"], "sh") if block.startswith("export PATH="))
    (demo.folder / ".venv").symlink_to(demo.folder, target_is_directory=True)  # where README's commands are installed
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"{line}\nleadline org show; leadline keys create --name me --role viewer"],
        cwd=demo.folder,
        env={"PATH": os.defpath, "HOME": str(demo.folder), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "Commerce" in done.stdout


def rows(text: str) -> Rows:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_event_walked_through(demo: Shell, pages: Pages) -> None:
    """The numbers of ``docs/architecture.md`` and ``docs/guide/facts.md``, from the demo home they are of."""
    facts = rows(demo.run(f"leadline facts pull-requests {ELENA} -o -"))
    (event,) = (row for row in facts if (row["repository"], row["number"]) == ("acme/basket", "194"))
    columns = ("additions", "deletions", "size", "comments", "refactored", "refactored_recent", "first_comment_at")
    told = ["38", "9", "medium", "2", "9", "5", "2026-02-09T14:39:49Z"]
    assert [event[column] for column in columns] == told
    assert (event["first_commit_at"][11:19], event["created_at"][11:19]) == ("11:30:09", "14:26:37")
    assert (float(event["cycle_seconds"]), float(event["first_comment_seconds"])) == (15720, 792)
    assert (event["work_items"], event["merge_commit_sha"][:8]) == ("CATA-289", "d042bbf3")
    total = sum(float(row["cycle_seconds"]) for row in facts)
    assert (len(facts), total, sum(int(row["comments"]) for row in facts)) == (9, 1_322_974, 22)
    for page in ("docs/architecture.md", "docs/guide/facts.md"):
        assert "1,322,974" in pages[page]
        assert "1.7014" in pages[page]
    exported = rows(demo.run("leadline export productivity --start 2026-02-01 --end 2026-02-28 -o -"))
    (cells,) = (row for row in exported if row["Email"] == "elena.moreau@example.com")
    names = ("PR_Merged", "PR_Merged_Medium", "PR_Cycle_Time_Days_Avg", "LOC_Refactored", "LOC_Refactored_Recent")
    assert [cells[name] for name in names] == ["9", "3", "1.7014", "214", "138"]
    assert cells["Review_Comments_Per_PR_Avg"] == "2.4444"


@dataclass(frozen=True)
class Facts:
    items: Rows
    deployments: Rows
    incidents: Rows
    trees: list[dict[str, Any]]
    last_command: str

    def of(self, ref_id: int, month: str) -> tuple[Rows, Rows]:
        """The work items and the production deployments with an outcome of a team's month."""
        (team,) = (each for each in self.trees[-1]["teams"] if each["refId"] == ref_id)
        items = [row for row in self.items if row["completed_at"].startswith(month)]
        items = [row for row in items if row["developer"] in self.people(ref_id, row["completed_at"][:10])]
        runs = [row for row in self.deployments if team["hierarchy"] in row["teams"].split(";")]
        runs = [row for row in runs if row["production"] == "true" and row["outcome"]]
        return items, [row for row in runs if row["finished_at"].startswith(month)]

    def people(self, ref_id: int, day: str) -> list[str]:
        """Who was in a team on a day."""
        (tree,) = (each for each in self.trees if (each["from"] or "") <= day <= (each["until"] or day))
        return next(team["people"] for team in tree["teams"] if team["refId"] == ref_id)


@pytest.fixture(scope="module")
def facts(demo: Shell, pages: Pages) -> Facts:
    """The facts of the whole demo, by the commands that ``docs/guide/dora.md`` gives for its script."""
    (commands,) = (block for block in blocks(pages["docs/guide/dora.md"], "sh") if "recompute.py" in block)
    *written, last = commands.splitlines()
    for command in written:
        demo.run(command)
    names = ("work-items", "deployments", "incidents")
    trees = json.loads((demo.folder / "trees.json").read_text("utf-8"))
    return Facts(*(rows((demo.folder / f"{name}.csv").read_text("utf-8")) for name in names), trees, last)


CATALOG = "--team 19 --start 2026-02-01 --end 2026-02-28"


def test_the_deployment_walked_through(demo: Shell, facts: Facts, pages: Pages) -> None:
    """The numbers of the second event of ``docs/architecture.md``."""
    items, runs = facts.of(19, "2026-02")
    (event,) = (row for row in runs if row["deployment_id"] == "dep-f41977168fb77552")
    named = (event["service"], event["repository"], event["sha"][:8], event["finished_at"], event["outcome"])
    assert named == ("basket-worker", "acme/basket", "2aa94d6a", "2026-02-10T07:42:17Z", "success")
    assert (len(event["commits"].split(";")), len(event["pull_requests"].split(";"))) == (65, 20)
    assert "acme/basket#194" in event["pull_requests"].split(";")
    assert "Engineering/Platform/Platform Core/Catalog" in event["teams"].split(";")
    services = Counter(row["service"] for row in runs if row["deployment_id"] not in row["failed_by"].split(";"))
    assert services == {"checkout": 29, "basket-api": 2, "basket-admin": 1, "basket-worker": 1}
    others = {
        (row["service"], row["finished_at"], row["outcome"]) for row in runs if row["repository"] == "acme/basket"
    }
    assert ("basket-admin", "2026-02-03T08:12:51Z", "failure") in others
    assert ("basket-api", "2026-02-10T08:00:49Z", "success") in others
    walked = [row for row in facts.deployments if row["service"] == "basket-worker" and row["production"] == "true"]
    done = sorted(row["finished_at"] for row in walked if row["outcome"] == "success")
    assert done[done.index(event["finished_at"]) - 1].startswith("2026-01-13")
    (item,) = (row for row in items if row["key"] == "CATA-289")
    stages = [float(item[f"{name}_seconds"]) for name in ("planning", "coding", "review", "build", "deploy", "lead")]
    assert stages == [105670, 243455, 15720, 1038, 55970, 421853]
    assert (item["deployment_id"], item["build_finished_at"][11:19]) == ("dep-f41977168fb77552", "16:09:27")
    assert (len(items), sum(float(row["lead_seconds"]) for row in items)) == (28, 20_072_165)
    (cells,) = rows(demo.run(f"leadline export efficiency {CATALOG} --group summary -o -"))
    assert (cells["DF_Deployment_Count"], cells["LTTC_Mean_Days"]) == ("33", "8.297")
    text = section(pages["docs/architecture.md"], "A second event: a deployment")
    for told in ("105,670", "243,455", "15,720", "1,038", "55,970", "421,853", "20,072,165", "| 33 |", "| 8.297 |"):
        assert told in text


def test_the_failure_rate_looked_into(facts: Facts) -> None:
    """The numbers of "Where one number came from" in ``docs/guide/dora.md`` and of the README."""
    items, runs = facts.of(4, "2026-03")
    failed = [row for row in runs if row["outcome"] == "failure"]
    itself = sum(row["deployment_id"] in row["failed_by"].split(";") for row in failed)
    assert (len(items), len(runs), len(failed), itself) == (20, 54, 5, 3)


def test_every_cell_is_recomputed_from_facts(demo: Shell, facts: Facts, pages: Pages) -> None:
    """The script that ``docs/guide/dora.md`` shows, on what its commands write: all cells of the demo's export."""
    page = pages["docs/guide/dora.md"]
    script = ROOT / "examples" / "recompute.py"
    assert list(blocks(page, "python")) == [script.read_text("utf-8")]
    again = demo.run(
        facts.last_command.replace("python examples/recompute.py", f"{shlex.quote(sys.executable)} {script}")
    )
    found = {(month, path): cells for month, path, *cells in csv.reader(io.StringIO(again))}
    groups = ",".join(groups_of("efficiency"))
    exported = rows(demo.run(f"leadline export efficiency --start 2026-01-01 --end 2026-03-31 --group {groups} -o -"))
    assert len(found) == len(exported) == 3 * 25
    compared = 0
    for row in exported:
        cells = list(row.items())[6:]
        for (column, cell), value in zip(cells, found[row["Start_Date"][:7], row["Team_Hierarchy"]], strict=True):
            where = f"{column} of {row['Team']} in {row['Granularity']}: {cell} and {value}"
            if value == "" or value.isalpha():
                assert cell == value, where
            else:
                # Exported with four decimals.
                assert abs(float(cell) - float(value)) < 0.000051, where
            compared += 1
    assert compared == 3 * 25 * len(catalogue_of("efficiency"))


def test_accounts_of_the_example(demo: Shell, pages: Pages) -> None:
    (example,) = blocks(pages["docs/guide/identities.md"], "text")
    printed = {tuple(re.split(" {2,}", line)) for line in demo.run("leadline identities").splitlines()}
    assert {tuple(re.split(" {2,}", re.sub(r" +(\d+)", r"  \1", line))) for line in example.splitlines()} <= {
        tuple(re.split(" {2,}", re.sub(r" +(\d+)", r"  \1", "  ".join(line)))) for line in printed
    }
