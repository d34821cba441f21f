"""What is added is declared in one place: a copy of the program with that one entry more exports, lists, stores and
documents it."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import leadline
from docs.pages import ROOT

PACKAGE = Path(leadline.__file__).parent

DEVELOPERS = """\
email,full_name,manager_email,team
ada@example.com,Ada Byron,,Research
ben@example.com,Ben Ito,ada@example.com,Research
"""
PULL_REQUESTS = """\
repository,number,title,author,state,created_at,merged_at,additions,deletions,source
example/shop,1,one,ben@example.com,merged,2026-01-05T09:00:00Z,2026-01-06T12:00:00Z,8,2,github
example/shop,2,two,ben@example.com,merged,2026-01-07T09:00:00Z,2026-01-08T10:00:00Z,30,20,github
"""


class Changed:
    """A copy of the program with texts of it replaced, run as a user runs it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        shutil.copytree(PACKAGE, folder / "code" / "leadline", ignore=shutil.ignore_patterns("__pycache__"))

    def insert(self, module: str, before: str, text: str) -> None:
        """Put ``text`` before the first occurrence of ``before`` in a module."""
        path = self.folder / "code" / "leadline" / module
        source = path.read_text(encoding="utf-8")
        assert before in source, f"{module} has no {before!r}"
        path.write_text(source.replace(before, text + before, 1), encoding="utf-8")

    def python(self, *arguments: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(self.folder / "code"), "LEADLINE_HOME": str(self.home)}
        command = [sys.executable, *arguments]
        finished = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    def leadline(self, *arguments: str) -> str:
        return self.python("-m", "leadline.cli.main", *arguments)

    def file(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def load(self) -> None:
        """Two developers and two merged pull requests."""
        self.leadline("org", "load", self.file("developers.csv", DEVELOPERS), "--name", "Engineering")
        self.leadline("import", self.file("pull_requests.csv", PULL_REQUESTS))

    def export(self, *metrics: str) -> list[dict[str, str]]:
        """The rows of a team's export of some metrics."""
        path = self.folder / "export.csv"
        asked = [argument for metric in metrics for argument in ("--metric", metric)]
        self.leadline(
            *("export", "productivity", "--org-tree", "Engineering", "--level", "team"),
            *("--start", "2026-01-01", "--end", "2026-01-31", *asked, "-o", str(path)),
        )
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def page(self, name: str) -> str:
        """A reference page, as the documentation's generator makes it."""
        generator = ROOT / "docs" / "generate.py"
        program = (
            "import importlib.util, sys\n"
            f"found = importlib.util.spec_from_file_location('docs_generate', {str(generator)!r})\n"
            "module = importlib.util.module_from_spec(found)\n"
            "found.loader.exec_module(module)\n"
            f"sys.stdout.write(module.pages()[{name!r}])\n"
        )
        return self.python("-c", program)


@pytest.fixture
def changed(tmp_path: Path) -> Changed:
    return Changed(tmp_path)


METRIC = """\
    _both(
        "PR_Share_Of_Lines",
        "quality",
        "%",
        "A throw-away metric, in percent of the lines of merged pull requests.",
        _PULLS,
        Ratio(PullRequests.{measure}, over=PullRequests.lines, factor=100),
    ),
"""
NEXT_METRIC = '    _both(\n        "PR_Missing_Tickets"'
NEXT_COLUMN = '        "comments": "int64",\n        **dict.fromkeys(("cycle_us"'
NEXT_MEASURE = '    lines = Measure(FACT, column("lines"))\n'


def test_a_metric_of_a_measure_there_is_takes_one_entry(changed: Changed) -> None:
    changed.insert("metrics/productivity.py", NEXT_METRIC, METRIC.format(measure="merged"))
    changed.load()
    (row,) = changed.export("PR_Share_Of_Lines", "PR_Merged")
    assert (row["PR_Merged"], row["PR_Share_Of_Lines"]) == ("2", "3.3333")
    listed = json.loads(changed.leadline("metrics", "pr_share_of_lines", "--json"))
    assert (listed["column"], listed["group"]) == ("PR_Share_Of_Lines", "quality")
    page = changed.page("reference/metrics.md")
    assert "#### PR_Share_Of_Lines" in page
    assert listed["definition"] in page


def test_a_new_measure_takes_the_facts_column_the_measure_and_the_metric(changed: Changed) -> None:
    changed.insert("facts/pull_requests.py", NEXT_COLUMN, '        "deletions": "int64",\n')
    changed.insert("metrics/measures.py", NEXT_MEASURE, '    removed = Measure(FACT, column("deletions"))\n')
    changed.insert("metrics/productivity.py", NEXT_METRIC, METRIC.format(measure="removed"))
    changed.load()
    (row,) = changed.export("PR_Share_Of_Lines")
    assert row["PR_Share_Of_Lines"] == "36.6667"


BUILDS = "build_id,repository,sha,status,{}finished_at\n{}"


def test_a_column_of_a_table_takes_one_entry(changed: Changed) -> None:
    earlier = BUILDS.format("", "1,example/shop,aaaa,success,2026-01-06T12:00:00Z\n")
    changed.leadline("import", "--table", "builds", changed.file("earlier.csv", earlier))
    changed.insert(
        "schema/tables.py",
        '        prose("branch", "Branch built."),\n',
        '        count("warnings", "Warnings that the build gave."),\n',
    )
    rows = "2,example/shop,bbbb,success,7,2026-01-07T12:00:00Z\n"
    changed.leadline("import", "--table", "builds", changed.file("builds.csv", BUILDS.format("warnings,", rows)))
    program = (
        "from pathlib import Path\n"
        "import json, os\n"
        "from leadline.engine import Engine, schema_table\n"
        "from leadline.home import Home\n"
        "with Home.open(Path(os.environ['LEADLINE_HOME'])) as home, Engine(temp_dir=home.temp) as engine:\n"
        "    engine.bind_snapshot(home.project().lake.snapshot(), ['builds'])\n"
        "    builds = schema_table('builds')\n"
        "    print(json.dumps(engine.arrow(builds.select('build_id', 'warnings').order_by('build_id')).to_pylist()))\n"
    )
    assert json.loads(changed.python("-c", program)) == [
        {"build_id": "1", "warnings": None},
        {"build_id": "2", "warnings": 7},
    ]
    assert "Warnings that the build gave." in changed.page("reference/data-model.md")
