"""The age of deleted lines: how many are as ``git blame -M`` of the parent has them, and how long the walk takes beside ``git log
--numstat`` of the same history.

    python bench/line_ages.py REPOSITORY [--commits 200] [--rounds 3] [--seed 1]

``REPOSITORY`` is a git folder. Lines are compared in so many commits, drawn at random from those that delete any. The walk and git
run in turn; what is told are seconds by the clock and of the processor, and the ratio of the walk's processor time to git's.
Memory is the peak of the walk and of the largest git.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import Counter, defaultdict
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from frame import measured
from leadline.sources.git.line_ages.patches import FileChange, read_commits
from leadline.sources.git.line_ages.walk import PATCHES, Deleted, LineWalk
from leadline.sources.git.location import Location
from leadline.sources.git.repository import Repository, open_repository

NUMSTAT = "log --stdin --numstat -z -M -l1000 --reverse --topo-order --no-diff-merges"


def opened(folder: Path) -> Repository:
    """The repository in ``folder``."""
    return open_repository(Location(folder), name="bench/repository", clones=folder)


def walk(folder: Path) -> tuple[LineWalk, list[Deleted]]:
    """The whole walk and its rows."""
    repository = opened(folder)
    made = LineWalk(repository)
    return made, list(made.walk(repository.state().heads))


def blamed(repository: Repository, sha: str, change: FileChange) -> Counter[str]:
    """By commit how many of the lines that ``sha`` deletes in a file it last changed, as git says."""
    lines = {at for hunk in change.hunks or () for at in range(hunk.start + 1, hunk.start + hunk.deleted + 1)}
    told = repository.git.text("blame", "-M", "--root", "--incremental", f"{sha}^", "--", change.old_path) or ""
    counts: Counter[str] = Counter()
    for line in told.split("\n"):
        words = line.split(" ")
        if len(words) == 4 and len(words[0]) in (40, 64) and words[1].isdigit():
            first, count = int(words[2]), int(words[3])
            counts[words[0]] += sum(at in lines for at in range(first, first + count))
    return +counts


def compared(folder: Path, rows: list[Deleted], commits: int, random: Random) -> tuple[int, int, int]:
    """Commits compared, their lines, and how many of these are not as git has them."""
    repository = opened(folder)
    by_file: defaultdict[str, defaultdict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for row in rows:
        by_file[row.sha][row.path][row.origin] += row.lines
    chosen = random.sample(sorted(by_file), min(commits, len(by_file)))
    lines = other = 0
    for sha in chosen:
        arguments = [word for word in PATCHES if word not in ("--reverse", "--topo-order")]
        with repository.git.stream(*arguments, "-1", stdin=f"{sha}\n") as stream:
            changes = [event for event in read_commits(stream.output) if isinstance(event, FileChange)]
            stream.finish()
        for change in changes:
            if change.status != "A" and any(hunk.deleted for hunk in change.hunks or ()):
                theirs = blamed(repository, sha, change)
                lines += theirs.total()
                other += (theirs - by_file[sha][change.path]).total()
    return len(chosen), lines, other


def main() -> None:
    """Print what is equal, then the times of each round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repository", type=Path)
    parser.add_argument("--commits", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only-walk", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    folder = options.repository.resolve()
    made, rows = walk(folder)
    if options.only_walk:
        return
    print(f"{made.commits:,} commits, {len(rows):,} rows, git asked of {made.blamed:,} files", flush=True)
    commits, lines, other = compared(folder, rows, options.commits, Random(options.seed))
    print(
        f"{100 - 100 * other / max(lines, 1):.3f} % of {lines:,} lines in {commits:,} commits are as git blame -M has them"
    )
    ratios = []
    with TemporaryDirectory() as temp:
        heads = Path(temp) / "heads"
        heads.write_text("".join(f"{head}\n" for head in opened(folder).state().heads))
        for _ in range(options.rounds):
            ours = measured([sys.executable, __file__, str(folder), "--only-walk"])
            git = measured(
                ["sh", "-c", f'git --git-dir "$1" {NUMSTAT} < "$2"', "sh", str(opened(folder).git.git_dir), str(heads)]
            )
            ratios.append(ours.processor / git.processor)
            print(
                f"walk {ours.seconds:.1f} s ({ours.processor:.1f} s of the processor, {ours.mib:.0f} MiB), git log --numstat "
                f"{git.seconds:.1f} s ({git.processor:.1f} s): x {ratios[-1]:.2f}",
                flush=True,
            )
    if ratios:
        print(f"median x {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
