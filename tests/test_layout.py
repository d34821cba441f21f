"""The rules of the source tree that no linter knows: sizes of files and packages, what a module says, floors for everybody."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "leadline"
MODULES = sorted(SOURCE.rglob("*.py"))
MOST_LINES = 400
LARGEST_SHARE = 0.2


def lines(module: Path) -> int:
    return len(module.read_text("utf-8").splitlines())


def test_no_module_is_longer_than_a_sitting() -> None:
    long = {str(module.relative_to(ROOT)): lines(module) for module in MODULES if lines(module) > MOST_LINES}
    assert long == {}


def test_no_package_holds_a_fifth_of_the_code() -> None:
    """A package's own modules; those of packages in it are theirs."""
    sizes = Counter[Path]()
    for module in MODULES:
        sizes[module.parent] += lines(module)
    ((package, largest),) = sizes.most_common(1)
    assert largest < LARGEST_SHARE * sum(sizes.values()), package


def test_a_module_says_what_it_is_for() -> None:
    """In a paragraph of its own words, not by what comes in and what goes out."""
    texts = {module: module.read_text("utf-8") for module in MODULES}
    said = {module: ast.get_docstring(ast.parse(text)) or "" for module, text in texts.items() if text.strip()}
    assert [module for module, text in said.items() if not text] == []
    assert [
        module for module, text in said.items() if re.search(r"\bcomes? in[,;:].*\bgo(es)? out\b", text, re.DOTALL)
    ] == []


def test_every_package_has_its_floor() -> None:
    """The import linter keeps the order of those it is told of, and of no others."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    (layers,) = (
        contract["layers"] for contract in declared["tool"]["importlinter"]["contracts"] if contract["type"] == "layers"
    )
    floors = {name.strip() for layer in layers for name in layer.split("|")}
    entries = [path for path in SOURCE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()]
    assert floors == {f"leadline.{path.stem}" for path in entries if not path.stem.startswith("__")}
