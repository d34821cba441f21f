"""The vendor page's own Python client, curl lines and bodies, run as printed with only the placeholders replaced.

``seed_client.py.txt``, ``seed_create.sh``, ``seed_download.sh`` and ``seed_body.json`` are the printed text, unchanged.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import pytest

from api.serving import EXPORTS, HERE, Served
from contract.printed import BASES, PRINTED, needs_curl, printed, run
from leadline.people import tree


@pytest.mark.parametrize("base", BASES)
def test_the_python_client_as_printed(served: Served, tmp_path: Path, base: str) -> None:
    if base:
        # Complete already, so that the printed five seconds between polls are spent once and not for every base.
        seen_exports(served)
    else:
        served.client.completed()  # a warm worker, as in a running service
    script = printed(
        "seed_client.py.txt",
        HARNESS_BASE_URL=served.base + base,
        YOUR_SEI_API_KEY=served.keys["viewer"],
        HARNESS_PROJECT_ID="default",
        HARNESS_ORG_NAME="default",
        ORG_TREE_NAME="Engineering",
    )
    run([sys.executable, "-c", script], tmp_path)
    (file,) = tmp_path.glob("exp_*.csv")
    lines = file.read_bytes().decode().split("\r\n")
    assert lines[0].startswith("Granularity,Start_Date,End_Date,Developer,Email,Team,Team_Hierarchy,Coding_Days,")
    assert len(lines) == 1 + 4 * 12 + 1, "four developers by twelve months, and the last line's end"


def seen_exports(served: Served) -> list[str]:
    """Completed exports of the printed client's request."""
    served.client.completed(
        {
            "scope": {"orgTreeName": "Engineering"},
            "dateRange": {"start": "2024-01-01", "end": "2024-12-31"},
            "metricGroups": ["activity", "velocity"],
        }
    )
    return [export["exportId"] for export in served.client.get(f"{EXPORTS}?status=completed").json["exports"]]


@needs_curl
@pytest.mark.parametrize("base", BASES)
def test_the_curl_lines_as_printed(served: Served, tmp_path: Path, base: str) -> None:
    create = printed(
        "seed_create.sh",
        HARNESS_BASE_URL=served.base + base,
        YOUR_SEI_API_KEY=served.keys["viewer"],
        HARNESS_PROJECT_ID="default",
        HARNESS_ORG_ID="default",
        ORG_TREE_NAME="Engineering",
    )
    answer = json.loads(run(["sh"], tmp_path, create).stdout)
    assert set(answer) == {"exportId", "createdAt", "message"}
    served.client.wait_for(answer["exportId"])
    download = printed(
        "seed_download.sh",
        BASE_URL=served.base + base,
        EXPORT_ID=answer["exportId"],
        HARNESS_PROJECT_ID="default",
        HARNESS_ORG_ID="default",
        SEI_API_KEY=served.keys["viewer"],
        PATH="downloads",
        FILE_NAME="insights",
    )
    (tmp_path / "downloads").mkdir()
    run(["sh"], tmp_path, download)
    text = gzip.decompress((tmp_path / "downloads" / "insights.csv.gz").read_bytes()).decode()
    assert text.startswith("Granularity,")
    assert text.count("\r\n") == 1 + 4 * 3


@needs_curl
def test_curl_that_wants_text_gets_text(served: Served, tmp_path: Path) -> None:
    """``--compressed`` decodes on the way, as browsers do."""
    export = seen_exports(served)[0]
    url = f"{served.base}{EXPORTS}/{export}/download"
    got = run(["curl", "-s", "--compressed", "-H", f"x-api-key: {served.keys['viewer']}", url], tmp_path)
    assert got.stdout.startswith("Granularity,")


def test_the_printed_body(served: Served) -> None:
    body = json.loads((PRINTED / "seed_body.json").read_text())
    nodes = tree(served.home.project(), "Engineering").nodes
    body["scope"]["teamId"] = str(next(node.ref_id for node in nodes if node.name == "Platform"))
    export = served.client.completed(body)
    answer = served.client.get(f"{EXPORTS}/{export}/download", Accept_Encoding="identity")
    header = answer.body.decode().split("\r\n")[0].split(",")
    assert {"PR_Merged", "Work_Completed"} <= set(header)
    assert len(header) == len(set(header)), "merged and deduplicated"


def test_printed_lines_without_identifiers_work(served: Served) -> None:
    """The printed poll and download addresses carry no query."""
    export = seen_exports(served)[0]
    for path in (f"{EXPORTS}/{export}", f"{EXPORTS}/{export}/download", EXPORTS):
        assert served.client.get(path).status == 200
        assert served.client.get(f"{path}?{HERE}").status == 200


def test_the_printed_error(served: Served) -> None:
    answer = served.client.create(
        {"scope": {"teamId": "nope"}, "dateRange": {"start": "2024-01-01", "end": "2024-01-02"}}
    )
    assert answer.status == 400
    assert answer.json["status"] == "failed"
    assert answer.json["error"] == "Invalid teamId"
