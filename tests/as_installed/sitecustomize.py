"""Processes that tests start are as those of an installation: pyarrow loads pandas wherever it is there, which takes half a second
and fifty megabytes of each, and only the tests need it."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType


class WithoutPandas(MetaPathFinder):
    def find_spec(self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("only the tests have it", name=name)


sys.meta_path.insert(0, WithoutPandas())
