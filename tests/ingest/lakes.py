"""Lakes for the tests of this folder: rows in, rows out, with a real lock between threads and processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from leadline.db import Database
from leadline.db.models import forgotten, locks
from leadline.db.projects import DEFAULT
from leadline.engine import Engine
from leadline.home import Home, Project
from leadline.ingest.delivery import Receipt, ingest
from leadline.ingest.importing import import_paths
from leadline.ingest.report import ImportReport
from leadline.lake import Lake
from leadline.schema import TABLES
from leadline.settings.server import ServerSettings


@dataclass
class Site:
    """A lake in a folder, with what ingesting needs around it; ``engine`` serves to deliver and to look, if one is lent."""

    folder: Path
    engine: Engine | None = None

    @cached_property
    def project(self) -> Project:
        """A project whose metadata database has the tables of locks and of who is forgotten alone: ingesting asks it for no more,
        and making one takes long."""
        settings = ServerSettings.from_environment({}, home=self.folder)
        self.folder.mkdir(exist_ok=True)
        database = Database(sa.create_engine(f"sqlite:///{self.folder / 'locks.db'}"), self.folder / "locks")
        with database.engine.begin() as connection:
            for table in (locks, forgotten):  # several processes may come at once
                connection.execute(sa.schema.CreateTable(table, if_not_exists=True))
        return Project(Home(settings, database), 1, DEFAULT, DEFAULT)

    @property
    def lake(self) -> Lake:
        return self.project.lake

    @property
    def temp(self) -> Path:
        return self.project.temp

    def take(self, table: str, *batches: Sequence[Mapping[str, Any]]) -> Receipt:
        """Ingests the rows, one record batch per sequence."""
        schema = TABLES[table].arrow_schema
        made = [pa.RecordBatch.from_pylist([dict(row) for row in rows], schema=schema) for rows in batches]
        return ingest(self.project, TABLES[table], made, engine=self.engine)

    def imports(self, *paths: Path, **options: Any) -> ImportReport:
        return import_paths(self.project, list(paths), **options)

    def rows(self, table: str, versions: Mapping[str, int] | None = None) -> list[dict[str, Any]]:
        """The table's rows ordered by key; instants as texts."""
        declared = TABLES[table]
        columns = ", ".join(
            f'CAST("{field.name}" AS VARCHAR) AS "{field.name}"'
            if pa.types.is_timestamp(field.type)
            else f'"{field.name}"'
            for field in declared.arrow_schema
        )
        with nullcontext(self.engine) if self.engine else Engine(temp_dir=self.temp) as engine:
            engine.bind_snapshot(self.lake.snapshot(versions), [table])
            rows = engine.arrow(f"SELECT {columns} FROM {table} ORDER BY {', '.join(declared.key)}")
        return [dict(row) for row in rows.to_pylist()]

    def files(self) -> set[str]:
        """Every file in the lake's folder, for tests that nothing was left or changed."""
        return {str(path.relative_to(self.folder)) for path in self.project.folder.rglob("*") if path.is_file()}
