"""Makes the graphs of many repositories in several processes, each with a part of them at a time: a state of its own, which the
state takes over when all are done. A process that ends early leaves a part without a manifest, and so nothing."""

from __future__ import annotations

import queue
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from leadline.engine.spellings import Replaced
from leadline.errors import StoreError
from leadline.facts.deployment_contents.state import State
from leadline.facts.deployment_contents.walks import BATCH_COMMITS, Digests, batches
from leadline.helper_process import HelperProcess
from leadline.settings.engine_limits import EngineLimits

LEAST_COMMITS = 150_000
"""Commits for each process, at least: with fewer, its start costs more than it saves."""
_MOST_PROCESSES = 12
_LEAST_MEMORY = 150_000_000
"""Bytes that each may hold, at least."""
_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Setting:
    """What each process is told first: what it reads, whose state its parts become, and what it may take."""

    made_by: str
    files: Sequence[str]
    replaced: Replaced
    deployments: str
    releases: str
    first_carries: bool
    temp: str
    threads: int
    memory: int


@dataclass(frozen=True)
class Part:
    """Repositories to work on, with what ``Digests`` has of each, and the folder for their state."""

    folder: str
    digests: Mapping[str, Sequence[str]]


def processes_for(limits: EngineLimits, commits: int) -> int:
    """In how many processes to work on so many commits: 1 is this one alone."""
    return max(1, min(limits.threads, _MOST_PROCESSES, limits.memory // _LEAST_MEMORY, commits // LEAST_COMMITS))


def parts_of(
    folder: Path, names: Sequence[str], sizes: Mapping[str, int], digests: Digests, limits: EngineLimits, processes: int
) -> list[Part]:
    """The parts, in order of the repositories: several for each process, so that all end at about the same time."""
    even = sum(sizes.get(name, 0) for name in names) // (3 * processes)
    most = min(limits.fitting(BATCH_COMMITS), max(even, 1))
    return [
        Part(str(folder / f"part-{number:05}"), {name: digests[name] for name in part})
        for number, part in enumerate(batches(names, sizes, most))
    ]


def work_in_processes(setting: Setting, parts: Sequence[Part], processes: int, go_on: Callable[[], None]) -> None:
    """Have all parts done, while ``go_on`` is asked whether to (it raises what ends the work). Raises ``StoreError`` if a part
    fails or a process ends; none of them is there any more in the end."""
    waiting: queue.SimpleQueue[Part] = queue.SimpleQueue()
    for part in parts:
        waiting.put(part)
    with ThreadPoolExecutor(processes, "part") as threads, ExitStack() as helpers:
        working = []
        for _ in range(processes):
            helper = HelperProcess("leadline.facts.deployment_contents.part_process", "finds what deployments carry")
            helpers.callback(helper.end)
            working.append(threads.submit(_ask_all, helper, setting, waiting))
        _wait_for(working, go_on)


def _wait_for(working: Sequence[Future[None]], go_on: Callable[[], None]) -> None:
    pending: set[Future[None]] = set(working)
    while pending:
        done, pending = wait(pending, _LOOK_SECONDS, FIRST_EXCEPTION)
        for future in done:
            future.result()
        go_on()


def _ask_all(helper: HelperProcess, setting: Setting, waiting: queue.SimpleQueue[Part]) -> None:
    asked: Any = asdict(setting)
    with suppress(queue.Empty):
        while True:
            helper.ask(asked)
            asked = asdict(waiting.get_nowait())


def take_over(state: State, parts: Sequence[Part]) -> None:
    """Make what was done part of ``state``, in order of the repositories. Raises ``StoreError`` if any of it is gone."""
    for part in parts:
        finished = State(Path(part.folder), state.manifest.made_by)
        if finished.is_new:
            raise StoreError(f"What was found of what deployments carry is gone from {part.folder}; try again")
        state.adopt(finished)
    shutil.rmtree(Path(parts[0].folder).parent)
