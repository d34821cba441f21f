"""Globs of paths name what git finds ignored by them, and lines less those left out are never below 0."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import ibis
import pyarrow as pa
import pytest

from leadline.derive.paths import named_by, without
from leadline.engine import Engine
from leadline.engine.duck import compiled

PATHS = (
    "a.py",
    "src/a.py",
    "src/b.gen.go",
    "src/x/y/b.gen.go",
    "lib/src/b.gen.go",
    "vendor/lib/c.c",
    "lib/vendor/c.c",
    "lib/vendors/c.c",
    "Vendor/c.c",
    "web/yarn.lock",
    "yarn.lock.md",
    "my-yarn.lock",
    "yarn_lock",
    "a+b (1).c",
    "déjà/vu.txt",
    "line\nbreak/a.py",
)
GLOBS = (
    "*.py",
    "yarn.lock",
    "yarn?lock",
    "vendor",
    "vendor/",
    "/vendor",
    "lib/vendor",
    "src/*.go",
    "src/**/*.go",
    "**/src/*.go",
    "src/**",
    "**/x/**",
    "**",
    "*",
    "lib/*/c.c",
    "a+b (1).c",
    "d*j*/",
    "line*",
    "v*r",
    "*/",
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(temp_dir=tmp_path_factory.mktemp("engine")) as opened:
        yield opened


def named(engine: Engine, *globs: str) -> set[str]:
    engine.bind_arrow("paths", pa.table({"path": PATHS}))
    paths = ibis.table({"path": "string"}, name="paths")
    return set(engine.arrow(compiled(paths.filter(named_by(paths.path, globs)))).column("path").to_pylist())


def ignored_by_git(folder: Path, *globs: str) -> set[str]:
    subprocess.run(["git", "init", "-q", folder], check=True)
    (folder / ".gitignore").write_text("\n".join(globs) + "\n", encoding="utf-8")
    command = ["git", "-C", folder, "check-ignore", "--no-index", "--stdin", "-z"]
    told = subprocess.run(command, input="\0".join(PATHS).encode(), stdout=subprocess.PIPE, check=False)
    assert told.returncode in (0, 1)
    return {path.decode() for path in told.stdout.split(b"\0") if path}


@pytest.mark.parametrize("glob", GLOBS)
def test_a_glob_names_what_git_ignores_by_it(engine: Engine, tmp_path: Path, glob: str) -> None:
    assert named(engine, glob) == ignored_by_git(tmp_path, glob)


def test_several_globs_name_what_any_of_them_does(engine: Engine, tmp_path: Path) -> None:
    globs = ("*.md", "/vendor", "src/**/*.go")
    assert named(engine, *globs) == ignored_by_git(tmp_path, *globs) != set()
    assert named(engine) == set()


@pytest.mark.parametrize(("lines", "left_out", "expected"), [(7, 3, 4), (7, None, 7), (3, 7, 0), (None, 3, None)])
def test_lines_less_those_left_out(
    engine: Engine, lines: int | None, left_out: int | None, expected: int | None
) -> None:
    counts = pa.schema({"lines": pa.int64(), "left_out": pa.int64()})
    engine.bind_arrow("counts", pa.Table.from_pylist([{"lines": lines, "left_out": left_out}], schema=counts))
    table = ibis.table({"lines": "int64", "left_out": "int64"}, name="counts")
    kept = table.select(kept=without(table.lines, table.left_out))
    assert engine.arrow(compiled(kept)).column("kept").to_pylist() == [expected]
