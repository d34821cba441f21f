"""A process that makes the graphs of repositories, a part of them at a time (see ``parts``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leadline.engine import Engine
from leadline.engine.spellings import Spellings
from leadline.engine.sql_text import parquet_files
from leadline.facts.deployment_contents.parts import Part, Setting
from leadline.facts.deployment_contents.repository_rows import RepositoryRows
from leadline.facts.deployment_contents.state import State
from leadline.facts.deployment_contents.walks import Walks
from leadline.helper_process import answer_each
from leadline.settings.engine_limits import EngineLimits


class _Worker:
    def __init__(self, setting: Setting) -> None:
        limits = EngineLimits(setting.threads, setting.memory)
        self._setting = setting
        self._engine = Engine(temp_dir=Path(setting.temp), limits=limits)
        runs, releases = (parquet_files([path]) for path in (setting.deployments, setting.releases))
        self._rows = RepositoryRows(self._engine, Spellings({"commits": setting.replaced}), runs, releases)

    def do(self, part: Part) -> None:
        """Work on a part, and finish its state."""
        state = State(Path(part.folder), self._setting.made_by)
        digests = {name: (deployments, releases) for name, (deployments, releases) in part.digests.items()}
        state.begin()
        walks = Walks(self._engine, state, self._rows, digests, first_carries=self._setting.first_carries)
        try:
            walks.build(list(digests), self._setting.files)
            walks.finish()
        finally:
            walks.abandon()
        state.finish()


def main() -> None:
    """Answer until the caller ends: a setting comes first, then parts."""
    workers: list[_Worker] = []

    def work(asked: dict[str, Any]) -> None:
        if workers:
            workers[0].do(Part(**asked))
        else:
            workers.append(_Worker(Setting(**asked)))

    answer_each(work)


if __name__ == "__main__":
    main()
