"""Random histories in real repositories, made at once by ``git fast-import``: edits, moved blocks, renames, merges, files that
go and come again."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

Tree = dict[str, tuple[str, ...]]


@dataclass
class RandomHistory:
    """``commits`` commits in the repository ``folder``, of which some are ``merges``; ``moves``: blocks of lines move within a
    file."""

    folder: Path
    random: Random
    moves: bool = True
    trees: list[Tree] = field(default_factory=list)
    parents: list[tuple[int, ...]] = field(default_factory=list)
    _lines: int = 0

    def grow(self, commits: int) -> None:
        """Add so many commits; those without children have branches, no others."""
        first = len(self.trees)
        stream: list[bytes] = []
        for number in range(first, first + commits):
            tree, parents = self._next()
            self.trees.append(tree)
            self.parents.append(parents)
            stream.append(self._told(number))
        inner = {parent for parents in self.parents for parent in parents}
        for number in range(len(self.trees)):
            name = f"refs/heads/b{number}"
            stream.append(f"reset {name}\nfrom {self._mark(number)}\n\n".encode() if number not in inner else b"")
        marks = self.folder / "marks"
        import_marks = [f"--import-marks={marks}"] if marks.exists() else []
        self._git("fast-import", "--quiet", "--force", *import_marks, f"--export-marks={marks}", stdin=b"".join(stream))
        for ref in self._git("for-each-ref", "--format=%(refname)").decode().split():
            if not ref.startswith("refs/heads/b") or int(ref.removeprefix("refs/heads/b")) in inner:
                self._git("update-ref", "-d", ref)

    def shas(self) -> list[str]:
        """The commits in the order in which they were made."""
        marks = dict(line.split() for line in (self.folder / "marks").read_text().splitlines())
        return [marks[self._mark(number)] for number in range(len(self.trees))]

    def _mark(self, number: int) -> str:
        return f":{number + 1}"

    def _git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        done = subprocess.run(["git", *arguments], cwd=self.folder, input=stdin, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    # -- what is in them -----------------------------------------------------------------------------------------------

    def _next(self) -> tuple[Tree, tuple[int, ...]]:
        random = self.random
        if not self.trees or random.random() < 0.03:
            return {f"f{random.randrange(3)}": self._new(random.randrange(1, 12))}, ()
        made = len(self.trees)
        recent = range(max(0, made - 6), made)
        parents = [random.choice(recent)]
        if made > 1 and random.random() < 0.25:
            parents += random.sample(recent, min(len(recent), random.choice((1, 1, 1, 2))))
        parents = list(dict.fromkeys(parents))
        tree = dict(self.trees[parents[0]])
        for parent in parents[1:]:
            tree = self._merged(tree, self.trees[parent])
        if len(parents) == 1 or random.random() < 0.3:
            for _ in range(random.choice((1, 1, 2, 3))):
                self._edit(tree)
        return tree, tuple(parents)

    def _merged(self, ours: Tree, theirs: Tree) -> Tree:
        """Some files of the one, some of the other, some with lines of both."""
        random = self.random
        tree: Tree = {}
        for path in sorted(ours.keys() | theirs.keys()):
            mine, other = ours.get(path), theirs.get(path)
            if mine is None or other is None:
                if (only := mine or other) and random.random() < 0.8:
                    tree[path] = only
            elif (how := random.random()) < 0.3:
                tree[path] = mine
            elif how < 0.5:
                tree[path] = other
            else:
                cut = random.randrange(len(mine) + 1)
                tree[path] = mine[:cut] + tuple(line for line in other if line not in mine[:cut])
        return tree

    def _edit(self, tree: Tree) -> None:
        random = self.random
        how = random.random()
        paths = sorted(tree)
        if not paths or how < 0.1:
            tree[f"d/f{random.randrange(4)}"] = self._new(random.randrange(1, 15))
            return
        path = random.choice(paths)
        lines = list(tree[path])
        if how < 0.16:
            del tree[path]
        elif how < 0.26:
            tree[f"r{random.randrange(100)}"] = tuple(lines)
            del tree[path]
        elif how < 0.3:
            tree[path] = random.choice(self.trees).get(path, tuple(lines))
        else:
            start = random.randrange(len(lines) + 1)
            end = min(len(lines), start + random.randrange(4))
            block = lines[start:end]
            lines[start:end] = self._new(random.randrange(4))
            if self.moves and how > 0.85:
                at = random.randrange(len(lines) + 1)
                lines[at:at] = block
            tree[path] = tuple(lines)

    def _new(self, count: int) -> tuple[str, ...]:
        """Lines that were not there before, ends of lines included; some of them short."""
        made = []
        for _ in range(count):
            self._lines += 1
            end = self.random.choice(("\n", "\n", "\n", "\n", "\r\n", " \n"))
            made.append(
                f"the line number {self._lines} of this history{end}" if self._lines % 4 else f"n{self._lines}{end}"
            )
        return tuple(made)

    def _told(self, number: int) -> bytes:
        when = 1_767_225_600 + 3600 * number
        told = f"commit refs/heads/t\nmark {self._mark(number)}\n".encode()
        told += f"author A <a@example.com> {when} +0000\ncommitter A <a@example.com> {when} +0000\ndata 1\nx\n".encode()
        for place, parent in enumerate(self.parents[number]):
            told += f"{'merge' if place else 'from'} {self._mark(parent)}\n".encode()
        if not self.parents[number]:
            told = f"reset refs/heads/t\n{told.decode()}".encode()
        told += b"deleteall\n"
        for path, lines in self.trees[number].items():
            content = "".join(lines).encode()
            if number % 5 == 0 and content.endswith(b"\n"):
                content = content[:-1]  # no line feed at the end
            told += f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n"
        return told + b"\n"
