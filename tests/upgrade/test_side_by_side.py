"""An upgrade without stopping: two versions on one PostgreSQL. The newer one, this program with one migration more, brings the
database to its schema while server and worker of this one go on; then it takes over, and nothing is lost."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

import leadline
from api.serving import BODY, Client, fill, make_keys, served_by_process
from conftest import PostgreSQL
from leadline.db.migrate import CURRENT
from leadline.home import Home

pytestmark = pytest.mark.slow

NEXT, AFTER = (f"{int(CURRENT) + more:04d}" for more in (1, 2))
MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"
{says}

def upgrade():
    op.add_column("exports", sa.Column("came_with_{revision}", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.create_table("came_with_{revision}", sa.Column("id", sa.Integer(), primary_key=True))
"""


def release(folder: Path, *migrations: tuple[str, str, str]) -> dict[str, str]:
    """This program with further migrations (revision, the one before, what it says), as the environment that runs it."""
    package = folder / "leadline"
    shutil.copytree(Path(leadline.__file__).parent, package)
    for revision, before, says in migrations:
        text = MIGRATION.format(revision=revision, before=before, says=says)
        (package / "db/migrations/versions" / f"{revision}_later.py").write_text(text)
    module = package / "db/migrate.py"
    newest = migrations[-1][0]
    module.write_text(re.sub(r'^CURRENT = ".*"', f'CURRENT = "{newest}"', module.read_text(), flags=re.MULTILINE))
    return {**os.environ, "PYTHONPATH": str(folder)}


def run(home: Path, *words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "leadline.cli.main", "--home", str(home), *words]
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False, timeout=120)


@contextmanager
def worker(home: Path, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A worker, which has begun to work."""
    command = [sys.executable, "-m", "leadline.cli.main", "--home", str(home), "worker"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, env=env)
    assert process.stderr is not None
    try:
        said = []
        while b"export worker on" not in b"".join(said):
            said.append(process.stderr.readline())
            assert said[-1], said
        yield process
    finally:
        process.kill()
        process.wait(60)
        process.stderr.close()


def created(client: Client, months: range) -> list[str]:
    """Exports of the year up to each of the months."""
    bodies = [{**BODY, "dateRange": {"start": "2025-01-01", "end": f"2025-{month:02d}-28"}} for month in months]
    answers = [client.create(body) for body in bodies]
    assert {answer.status for answer in answers} == {202}, [answer.body for answer in answers]
    return [answer.json["exportId"] for answer in answers]


@pytest.fixture
def home(
    tmp_path: Path, postgresql: PostgreSQL, postgresql_template: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Home]:
    """A home with PostgreSQL, as several machines have it, which the processes use, too."""
    monkeypatch.setenv("LEADLINE_DATABASE_URL", postgresql.create(template=postgresql_template))
    with Home.open(tmp_path / "home") as opened:
        yield opened


def test_two_versions_side_by_side(home: Home, tmp_path: Path) -> None:
    fill(home.project(), tmp_path)
    key = make_keys(home.project())["viewer"]
    newer = release(tmp_path / "next", (NEXT, CURRENT, f'oldest_program = "{CURRENT}"'))
    with served_by_process(home.path, workers=0) as (base, _), worker(home.path) as old:
        client = Client(base, key)
        finished = created(client, range(2, 4))
        for export in finished:
            client.wait_for(export)
        with worker(home.path, newer):
            assert home.db.value(sa.text("SELECT version_num FROM alembic_version")) == NEXT
            both = created(client, range(4, 7))
            old.send_signal(signal.SIGTERM)  # whatever it is at
            assert old.wait(30) == 0
            both += created(client, range(7, 10))
            for export in both:
                client.wait_for(export)
            with served_by_process(home.path, workers=0, env=newer) as (address, _):
                successor = Client(address, key)
                digests = {export: successor.wait_for(export)["sha256"] for export in finished + both}
            assert digests == {export: client.wait_for(export)["sha256"] for export in finished + both}
        # A program of before may even begin anew, and its worker takes what is there.
        with worker(home.path):
            client.wait_for(*created(client, range(10, 11)))
    status = run(home.path, "status")
    assert status.returncode == 0, status.stdout + status.stderr
    backup = run(home.path, "backup", str(tmp_path / "backup.tar"))
    assert backup.returncode == 1
    assert f"has schema {NEXT}, and this leadline knows {CURRENT}" in backup.stderr
    last = release(tmp_path / "after", (NEXT, CURRENT, f'oldest_program = "{CURRENT}"'), (AFTER, NEXT, ""))
    assert run(home.path, "keys", "list", env=last).returncode == 0
    refused = run(home.path, "keys", "list")
    assert refused.returncode == 1
    assert f"has schema {AFTER}, and this leadline knows {CURRENT}: a newer leadline has changed it" in refused.stderr
