"""Lines that a commit moved, or copied, within a file: to git's blame they are not new, if there is enough in them."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain

from leadline.sources.git.line_ages.pairing import Run, paired

LEAST = 20
"""Letters and digits that a run of lines must have, at least, to be taken for moved: git's default."""
_PUNCTUATION = bytes(byte for byte in range(256) if not (byte < 128 and chr(byte).isalnum()))
_FEW = 12
_MOST_PLACES = 64
_MOST_COMPARED = 25_000_000
"""So many pairs of lines are compared as git does it; of more, the longest run is taken."""
_MOST_LETTERS = 65_535
_LOOKS = 2
"""How often a file is looked through for some lines before it is noted where all are."""


def letters(line: bytes) -> int:
    """How many letters and digits are in a line."""
    return min(len(line.translate(None, _PUNCTUATION)), _MOST_LETTERS)


class FormerLines:
    """A file as a parent has it, in which new lines are sought: the hashes of its ``lines`` and the numbers of their ``origins``,
    four bytes each. Where lines of many places are sought, it is looked through once for all of them."""

    __slots__ = ("_index", "_looked", "bytes", "lines", "origins")

    def __init__(self, lines: bytes, origins: bytes) -> None:
        self.bytes = lines
        self.lines = memoryview(lines).cast("I")
        self.origins = memoryview(origins).cast("I")
        self._looked = 0
        self._index: dict[int, list[int]] | None = None

    def places(self, wanted: Collection[int]) -> Sequence[int]:
        """Where the ``wanted`` hashes are, from first to last."""
        if (index := self._looked_through()) is None:
            return [place for place, hash_ in enumerate(self.lines) if hash_ in wanted]
        return sorted(chain.from_iterable(index[hash_] for hash_ in wanted if hash_ in index))

    def few_places(self, wanted: set[int]) -> Mapping[int, Sequence[int]]:
        """The first ones of each."""
        if self._index is None and len(wanted) > _FEW:
            wanted = wanted.intersection(self.lines)
        if self._index is None and len(wanted) <= _FEW:
            return {hash_: found for hash_ in wanted if (found := self._first_places(hash_))}
        if (index := self._looked_through()) is None:
            index = {hash_: [] for hash_ in wanted}
            for place, hash_ in enumerate(self.lines):
                if hash_ in index:
                    index[hash_].append(place)
        return {hash_: index[hash_][:_MOST_PLACES] for hash_ in wanted if hash_ in index}

    def _looked_through(self) -> dict[int, list[int]] | None:
        """Where every line is, if that is worth to be known by now."""
        self._looked += 1
        if self._index is None and self._looked > _LOOKS:
            self._index = {}
            for place, hash_ in enumerate(self.lines):
                self._index.setdefault(hash_, []).append(place)
        return self._index

    def _first_places(self, hash_: int) -> list[int]:
        sought = array("I", (hash_,)).tobytes()
        found: list[int] = []
        at = self.bytes.find(sought)
        while at >= 0 and len(found) < _MOST_PLACES:
            if at % 4 == 0:
                found.append(at // 4)
            at = self.bytes.find(sought, at + 1)
        return found


def may_be_moved(hashes: Sequence[int], texts: Sequence[bytes], former: FormerLines) -> list[Run]:
    """The runs of the new lines (``hashes``, and ``texts`` with what they begin with) that stood in the ``former`` file, one below
    the other and with enough letters."""
    # Most hunks are of a line or two that have too little, or that stood nowhere.
    if letters(b"".join(texts)) < LEAST:
        return []
    counts = [letters(text) for text in texts]
    places = former.few_places({hash_ for hash_, count in zip(hashes, counts, strict=True) if count})
    return list(_runs(hashes, counts, places, former.lines)) if places else []


def _runs(
    hashes: Sequence[int], counts: Sequence[int], places: Mapping[int, Sequence[int]], former: Sequence[int]
) -> Iterator[Run]:
    """The runs of lines that are the same in both, have enough letters and cannot be longer."""
    sums = [0, *accumulate(counts)]
    until: dict[int, int] = {}
    for line, hash_ in enumerate(hashes):
        if not counts[line]:
            continue
        for place in places.get(hash_, ()):
            diagonal = place - line
            if until.get(diagonal, 0) > line:
                continue
            first = line
            while first > 0 and first + diagonal > 0 and hashes[first - 1] == former[first - 1 + diagonal]:
                first -= 1
            end = line + 1
            while end < len(hashes) and end + diagonal < len(former) and hashes[end] == former[end + diagonal]:
                end += 1
            until[diagonal] = end
            if sums[end] - sums[first] >= LEAST:
                yield first, first + diagonal, end - first


@dataclass(slots=True)
class Former:
    """What a file of ``length`` lines had in common with what came in one place: the ``places`` of these lines, their ``hashes``
    and the numbers of their ``origins``."""

    length: int
    places: array[int]
    hashes: array[int]
    origins: array[int]

    @classmethod
    def of(cls, hashes: Sequence[int], former: FormerLines) -> Former:
        """What the ``former`` file has of ``hashes``."""
        places = array("I", former.places(set(hashes)))
        of_places = array("I", [former.lines[place] for place in places])
        return cls(len(former.lines), places, of_places, array("I", [former.origins[place] for place in places]))

    def of_run(self, place: int, count: int) -> Sequence[int]:
        """The numbers of so many lines from ``place`` on, all of which it has."""
        at = self.places.index(place)
        return memoryview(self.origins)[at : at + count]


@dataclass(slots=True)
class Added:
    """Lines that the commit ``mover`` added in one place, some of which its parents' files, ``formers``, have elsewhere: their
    ``hashes``, and how many ``letters`` are in each. The number of the first is ``first``; ``in_runs`` has a 1 for each
    that may have been moved."""

    first: int
    mover: int
    hashes: array[int]
    letters: array[int]
    in_runs: bytes
    formers: list[Former]

    @property
    def size(self) -> int:
        """Bytes of memory, or so."""
        return 7 * len(self.hashes) + sum(200 + 12 * len(former.places) for former in self.formers)

    def moved(self, low: int, high: int) -> Iterator[tuple[int, Sequence[int]]]:
        """Which of the lines from ``low`` to ``high`` were moved, if these are all that is left of them in one place: the first of
        a run, and the numbers they had before. The best run is taken of what is left of one, until none has enough."""
        left = [(low, high)]
        for former in self.formers:
            parts, left = left, []
            many = (high - low) * len(former.places) > _MOST_COMPARED
            runs = self._runs(former, low, high)[0] if many else None
            while parts:
                begin, end = parts.pop()
                if sum(self.letters[begin:end]) < LEAST:
                    continue
                run = self._best(former, begin, end) if runs is None else self._longest(runs, low, begin, end)
                if run is None:
                    left.append((begin, end))
                    continue
                first, place, count = run
                yield begin + first, former.of_run(place, count)
                parts += [(begin, begin + first), (begin + first + count, end)]

    def _runs(self, former: Former, low: int, high: int) -> tuple[list[Run], list[int], list[int]]:
        """The runs that the lines and the former file have in common; that file, as far as it has them, and where that is."""
        new = self.hashes[low:high].tolist()
        wanted = set(new)
        old = [0] * former.length
        compared: list[int] = []
        places: dict[int, list[int]] = {hash_: [] for hash_ in wanted}
        for place, hash_ in zip(former.places, former.hashes, strict=True):
            if hash_ in wanted:
                old[place] = hash_
                compared.append(place)
                places[hash_].append(place)
        few = {hash_: found[:_MOST_PLACES] for hash_, found in places.items()}
        return list(_runs(new, self.letters[low:high], few, old)), old, compared

    def _best(self, former: Former, low: int, high: int) -> Run | None:
        """The run with most letters of those that git's diff leaves; the last of several."""
        runs, old, compared = self._runs(former, low, high)
        if not runs:
            return None
        whole = [run for run in runs if run[2] == high - low]
        if len(whole) != 1:
            runs = paired(old, compared, self.hashes[low:high].tolist())
            whole = self._with_most(runs, low)
        return whole[0] if whole else None

    def _with_most(self, runs: Sequence[Run], low: int) -> list[Run]:
        scores = [sum(self.letters[low + first : low + first + count]) for first, _, count in runs]
        best = max(range(len(runs)), key=lambda at: (scores[at], at), default=None)
        return [] if best is None or scores[best] < LEAST else [runs[best]]

    def _longest(self, runs: Sequence[Run], low: int, begin: int, end: int) -> Run | None:
        """The run with most letters between two lines, of ``runs`` that count from ``low``."""
        parts: list[Run] = []
        for first, place, count in runs:
            start, stop = max(low + first, begin), min(low + first + count, end)
            if start < stop:
                parts.append((start - begin, place + start - low - first, stop - start))
        found = self._with_most(parts, begin)
        return found[0] if found else None
