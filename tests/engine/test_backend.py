"""One engine is known in one place: outside ``engine`` nothing that reads or computes holds SQL text or knows DuckDB."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import leadline
from leadline.engine import Backend, Engine

PACKAGE = Path(leadline.__file__).parent
READ_PATH = ("facts", "metrics", "materialize", "derive", "exports", "diagnostics", "lake")
DECLARED = {
    "facts/deployment_contents/lake.py": "what deployments carry is computed where the lake's files are, on any engine",
    "facts/deployment_contents/repository_rows.py": "the same, of one repository",
    "facts/names.py": "names are looked up in the lake's files, before any expression can say how they are read",
    "lake/maintenance.py": "the integrity check of files, below the engine",
}
"""The modules of the read path that may hold DuckDB's SQL, and why: the decision "DuckDB on the write path" says more."""
SQL = re.compile(
    r"\b(SELECT\s+(DISTINCT\s+)?[\w*'\"({]|FROM\s+(read_parquet|\(|\{|[a-z_]+$|$)|INSERT\s+INTO|CREATE\s+(OR\s+REPLACE\s+)?(VIEW|TABLE)"
    r"|GROUP\s+BY|ORDER\s+BY|UNION\s+ALL|read_parquet)"
)


def texts(tree: ast.AST) -> Iterator[str]:
    """Every text in a module that is not documentation, those with values filled in, too."""
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


def faults(source: str) -> list[str]:
    tree = ast.parse(source)
    found = [f"SQL text: {text[:60]}" for text in texts(tree) if SQL.search(text)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            found += [f"imports {name}" for name in names if name.split(".")[0] == "duckdb"]
        elif isinstance(node, ast.Call) and re.search(r"engine\w*\.execute$", ast.unparse(node.func)):
            found.append(f"runs a statement: {ast.unparse(node)[:60]}")
    return found


@pytest.mark.parametrize(
    "path", [path for name in READ_PATH for path in sorted((PACKAGE / name).rglob("*.py"))], ids=str
)
def test_no_sql_outside_the_engine_where_things_are_read(path: Path) -> None:
    name = path.relative_to(PACKAGE).as_posix()
    found = faults(path.read_text(encoding="utf-8"))
    if name in DECLARED:
        assert found, f"{name} holds no SQL any more: take it off the list"
    else:
        assert not found


def test_the_rule_sees_what_it_forbids() -> None:
    for source in (
        'rows = engine.arrow("SELECT a FROM b")',
        'rows = engine.arrow(f"FROM {name}")',
        "import duckdb",
        "from duckdb import connect",
        'self._engine.execute("x")',
        'text = f"x {y} GROUP BY ALL"',
        'text = f"read_parquet([{files}])"',
    ):
        assert faults(source), source
    assert not faults('"""SELECT a FROM b"""\ntext = "From here on"')


def test_duckdb_does_what_is_asked_of_an_engine() -> None:
    asked = {name: member for name, member in vars(Backend).items() if not name.startswith("_")}
    methods = {name: member for name, member in asked.items() if callable(member)}
    assert len(asked) <= 12
    for name, member in methods.items():
        wanted, has = inspect.signature(member).parameters, inspect.signature(getattr(Engine, name)).parameters
        assert list(wanted) == list(has), name
    engine: type[Backend] = Engine  # as the type checker sees it, too
    assert isinstance(engine.dialect, str)
