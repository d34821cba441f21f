"""A kind of export whose rows are no developers or teams is one declaration: whatever shows exports shows it, too."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.serving import HERE, Client, Served, fill, serving
from cli.running import Leadline
from docs.pages import generator
from leadline.api.log import configure
from leadline.exports.kinds import KINDS
from leadline.home import Home

from .repository_export import REPOSITORY_EXPORT

BODY: dict[str, Any] = {
    "scope": {"orgTreeName": "Engineering"},
    "dateRange": {"start": "2025-01-01", "end": "2025-12-31"},
}
PATH = "/v2/insights/code-repositories"
TEXT = "Repository,PR_Merged\r\norg/app,12\r\n"


@pytest.fixture(scope="module", autouse=True)
def _declared() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(KINDS, REPOSITORY_EXPORT.name, REPOSITORY_EXPORT)
        yield


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("further")
    configure("json", io.StringIO())  # the server's lines would stand among a command's
    with Home.open(folder / "home") as home:
        fill(home.project(), folder)
        with serving(home) as running:
            yield running


@pytest.fixture
def client(served: Served) -> Client:
    return Client(served.base, served.keys["viewer"], f"{PATH}/exports")


@pytest.fixture
def program(served: Served, tmp_path: Path) -> Leadline:
    return Leadline(served.home.path, tmp_path)


def test_created_polled_downloaded_listed_and_cancelled(client: Client) -> None:
    export = client.completed(BODY)
    poll = client.get(f"{client.exports}/{export}").json
    assert (poll["status"], poll["rowCount"], poll["download"]["filename"]) == ("completed", 1, "repositories-2025.csv")
    assert poll["request"]["minimum"] == 0
    assert (
        gzip.decompress(client.get(f"{client.exports}/{export}/download", accept_encoding="gzip").body) == TEXT.encode()
    )
    assert [listed["exportId"] for listed in client.get(f"{client.exports}?{HERE}").json["exports"]] == [export]
    assert client.create(BODY).json["exportId"] == export
    assert client.send("DELETE", f"{client.exports}/{export}").status == 409
    refused = client.create({**BODY, "options": {"format": "xlsx"}})
    assert (refused.status, refused.json["code"]) == (400, "unsupported_format")


def test_cancelled_while_it_waits(home: Home, tmp_path: Path) -> None:
    fill(home.project(), tmp_path)
    with serving(home, workers=0) as running:
        client = Client(running.base, running.keys["viewer"], f"{PATH}/exports")
        export = client.create(BODY).json["exportId"]
        assert client.send("POST", f"{client.exports}/{export}/cancel").json["status"] == "cancelled"
        assert client.get(f"{client.exports}/{export}/download").json["code"] == "export_cancelled"


def test_in_the_catalogue_and_the_openapi_document(client: Client, served: Served) -> None:
    (column,) = client.get(f"{PATH}/metrics?{HERE}").json["metrics"]
    assert (column["id"], column["levels"]) == ("PR_MERGED_IN_REPOSITORY", ["repository"])
    document = served.client.get("/openapi.json").json
    assert "RepositoryExportRequest" in document["components"]["schemas"]
    operation = document["paths"][f"{PATH}/exports"]["post"]
    assert operation["operationId"] == "createCodeRepositoriesExport"


def test_on_the_command_line(program: Leadline) -> None:
    period = ["--start", "2025-01-01", "--end", "2025-12-31"]
    program("export", "code-repositories", *period, "-o", "out.csv")
    assert (program.cwd / "out.csv").read_bytes().decode() == TEXT
    program("export", "code-repositories", *period, "--minimum", "13", "-o", "none.csv")
    assert (program.cwd / "none.csv").read_bytes().decode() == "Repository,PR_Merged\r\n"
    assert "code-repositories" in program("export", "--help").stdout
    assert "--minimum N" in program("export", "code-repositories", "--help").stdout
    assert program.json("metrics", "pr_merged_in_repository")["insight"] == "code-repositories"


def test_in_status_and_its_check(program: Leadline, client: Client, served: Served) -> None:
    export = client.completed(BODY, cache_control="no-cache")
    status = program.json("status", "--check")
    assert status["check"]["good"]
    assert (export, "code-repositories") in [
        (newest["exportId"], newest["kind"]) for newest in status["exports"]["newestCompleted"]
    ]
    file = served.home.project().folder / "exports" / f"{export}.csv.gz"
    data = file.read_bytes()
    file.write_bytes(data[:-1])
    (finding,) = program.json("status", "--check", code=1)["check"]["findings"]
    assert finding.startswith(f"export {export}: its file ")
    file.write_bytes(data)


def test_in_the_reference() -> None:
    pages = generator().pages()
    assert "## Repositories" in pages["reference/metrics.md"]
    assert "PR_Merged_In_Repository" in pages["reference/metrics.md"]
    assert "leadline export code-repositories" in pages["reference/commands.md"]
