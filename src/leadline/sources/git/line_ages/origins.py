"""Which commit last changed a line, as a number: that of a commit, or of a line that may have been moved. Which lines were moved
depends on what of those that came with them is still there, and so on who asks: git's blame looks back from there."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from leadline.sources.git.line_ages.moves import Added, Former

UNKNOWN = 0
"""The number of no commit: it is not known when the line was last changed."""
MOVED = 1 << 31
"""Numbers from here on are of lines that may have been moved."""
_MOST_ANSWERS = 4096


@dataclass
class Origins:
    """``shas`` of commits by number, with their author ``dates`` (epoch seconds); 0 is none. ``added``: lines that may have been
    moved, by their numbers, which are one after the other for those that came in one place; ``size``: bytes of memory for these, or
    so."""

    shas: list[str] = field(default_factory=lambda: [""])
    dates: list[int] = field(default_factory=lambda: [0])
    numbers: dict[str, int] = field(default_factory=dict)
    added: list[Added] = field(default_factory=list)
    size: int = 0
    _firsts: list[int] = field(default_factory=list)
    _next: int = MOVED
    _answers: dict[tuple[int, int], list[int]] = field(default_factory=dict)

    def number(self, sha: str, authored: int) -> int:
        """The number of a commit, which it gets now if it has none."""
        if (found := self.numbers.get(sha)) is None:
            found = self.numbers[sha] = len(self.shas)
            self.shas.append(sha)
            self.dates.append(authored)
        return found

    def add(
        self, mover: int, hashes: Sequence[int], letters: Sequence[int], in_runs: bytes, formers: list[Former]
    ) -> range:
        """New numbers for lines that the commit ``mover`` added in one place, as ``Added`` has them."""
        first = self._next
        self.added.append(Added(first, mover, array("I", hashes), array("H", letters), in_runs, formers))
        self.size += self.added[-1].size
        self._firsts.append(first)
        self._next = first + len(hashes) + 1  # so that what came in two places is never one after the other
        return range(first, first + len(hashes))

    def commits_of(self, lines: bytes, start: int = 0, end: int | None = None) -> Iterator[int]:
        """The numbers of the commits that last changed the lines from ``start`` to ``end`` of a file, of which ``lines`` are
        all."""
        view = memoryview(lines).cast("I")
        numbers = view[start:end].tolist()
        if not numbers or max(numbers) < MOVED:
            yield from numbers
        else:
            yield from self._commits(view, start, start + len(numbers))

    def _commits(self, view: Sequence[int], start: int, end: int) -> Iterator[int]:
        at = start
        while at < end:
            if (number := view[at]) < MOVED:
                yield number
                at += 1
                continue
            added = self._added(number)
            if not added.in_runs[number - added.first]:
                yield added.mover
                at += 1
                continue
            low, high = at, at + 1
            while low > 0 and view[low - 1] == number - (at - low) - 1:
                low -= 1
            while high < len(view) and view[high] == number + high - at:
                high += 1
            yield from self._answer(number - (at - low), high - low)[at - low : end - low]
            at = min(high, end)

    def _added(self, number: int) -> Added:
        return self.added[bisect_right(self._firsts, number) - 1]

    def _answer(self, first: int, count: int) -> list[int]:
        """The commits of lines of one place, of which so many are left."""
        if (found := self._answers.get((first, count))) is not None:
            return found
        added = self._added(first)
        low = first - added.first
        answer = [added.mover] * count
        for at, before in added.moved(low, low + count):
            answer[at - low : at - low + len(before)] = self._commits(before, 0, len(before))
        if len(self._answers) >= _MOST_ANSWERS:
            self._answers.clear()
        self._answers[first, count] = answer
        return answer

    def forget_all_but(self, numbers: Iterable[int]) -> None:
        """Free the memory of lines that none of ``numbers`` is of, or follows from."""
        _, places = self._needed(numbers)
        for place, added in enumerate(self.added):
            if place not in places:
                added.formers.clear()
        self._answers.clear()
        self.size = sum(added.size for added in self.added)

    def kept(self, numbers: Iterable[int]) -> tuple[Origins, dict[int, int]]:
        """Those of ``numbers`` alone, and what they follow from; and the numbers that they have there."""
        commits, places = self._needed(numbers)
        kept, named = Origins(), {UNKNOWN: UNKNOWN}
        for number in sorted(commits - {UNKNOWN}):
            named[number] = kept.number(self.shas[number], self.dates[number])
        for place in sorted(places):  # a line of before has a number of before, or came earlier
            added = self.added[place]
            formers = [
                Former(former.length, former.places, former.hashes, array("I", [named[one] for one in former.origins]))
                for former in added.formers
            ]
            new = kept.add(named[added.mover], added.hashes, added.letters, added.in_runs, formers)
            named.update(zip(range(added.first, added.first + len(new)), new, strict=True))
        return kept, named

    def _needed(self, numbers: Iterable[int]) -> tuple[set[int], set[int]]:
        """The commits and the places in ``added`` that ``numbers`` follow from."""
        commits: set[int] = set()
        places: set[int] = set()
        rest = list(numbers)
        while rest:
            number = rest.pop()
            if number < MOVED:
                commits.add(number)
                continue
            place = bisect_right(self._firsts, number) - 1
            if place not in places:
                places.add(place)
                rest.append(self.added[place].mover)
                for former in self.added[place].formers:
                    rest += former.origins
        return commits, places
