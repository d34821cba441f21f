"""Which lines of two texts git pairs: Myers' shortest edit script, searched from both ends, with what git does before and after
it. Of several scripts that are equally short it is git's that counts, or else moved lines have the age of others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

_FEWEST_COST = 256
"""git looks for the shortest script in so many steps at least; then it takes the farthest that it has come."""
_FACTOR = 4
_WINDOW = 100
_MOST_EQUAL = 1024
_BEYOND = 1 << 40
_ONCE, _OFTEN = 1, 2

Run = tuple[int, int, int]
"""First line of the new text, first line of the old one, how many: they are paired."""


def paired(old: Sequence[int], places: Sequence[int], new: Sequence[int]) -> list[Run]:
    """The runs of ``new`` that are paired with lines of ``old``; equal numbers are equal lines, and ``places`` are all those of
    ``old`` where there are lines that ``new`` has."""
    low, high_old, high_new = _without_ends(old, new)
    in_old, in_new = Counter([old[at] for at in places]), Counter(new)
    counts_old = [0] * len(old)
    for at in places:
        counts_old[at] = in_new[old[at]]
    kept_old = _kept(counts_old, [at for at in places if low <= at < high_old], low, high_old)
    kept_new = _kept([in_old[line] for line in new], range(low, high_new), low, high_new)
    search = _Search([old[at] for at in kept_old], [new[at] for at in kept_new])
    search.pair(0, len(kept_old), 0, len(kept_new))
    changed_old, changed_new = bytearray(len(old) + 1), bytearray(len(new) + 1)
    changed_old[low:high_old] = b"\1" * (high_old - low)
    changed_new[low:high_new] = b"\1" * (high_new - low)
    for first, second in search.pairs:
        changed_old[kept_old[first]] = changed_new[kept_new[second]] = 0
    _slide(old, changed_old, changed_new)
    _slide(new, changed_new, changed_old)
    return _runs(changed_old, changed_new)


def _without_ends(old: Sequence[int], new: Sequence[int]) -> tuple[int, int, int]:
    """The first line that differs, and where what differs ends in each."""
    shorter = min(len(old), len(new))
    low = 0
    while low < shorter and old[low] == new[low]:
        low += 1
    back = 0
    while back < shorter - low and old[-1 - back] == new[-1 - back]:
        back += 1
    return low, len(old) - back, len(new) - back


def root_of(number: int) -> int:
    """A power of two near to the square root of ``number``, as git has it."""
    root = 1
    while number > 0:
        root, number = root << 1, number >> 2
    return root


def _kept(counts: Sequence[int], lines: Iterable[int], low: int, high: int) -> list[int]:
    """Those of ``lines`` that are compared: which the other text has, ``counts`` times, but for frequent ones among lines that it
    has not."""
    limit = min(root_of(len(counts)), _MOST_EQUAL)
    if max(counts) < limit:
        return [at for at in lines if counts[at]]
    kinds = [0 if count == 0 else _OFTEN if count >= limit else _ONCE for count in counts]
    return [
        at for at in lines if kinds[at] == _ONCE or (kinds[at] == _OFTEN and not _is_lost(kinds, at, low, high - 1))
    ]


def _is_lost(kinds: Sequence[int], at: int, low: int, last: int) -> bool:
    """Whether a frequent line is among lines that are nowhere in the other text."""
    nowhere, often = 0, 2
    for way in (range(at - 1, max(low, at - _WINDOW) - 1, -1), range(at + 1, min(last, at + _WINDOW) + 1)):
        before = nowhere
        for other in way:
            if kinds[other] == _ONCE:
                break
            nowhere += kinds[other] == 0
            often += kinds[other] == _OFTEN
        if nowhere == before:
            return False
    return often * _FACTOR < often + nowhere


class _Search:
    """The search for the shortest script; ``pairs`` are the lines that it leaves as they are."""

    def __init__(self, old: list[int], new: list[int]) -> None:
        self.old, self.new = old, new
        self.pairs: list[tuple[int, int]] = []
        diagonals = len(old) + len(new) + 3
        self.most = max(root_of(diagonals), _FEWEST_COST)
        self.offset = len(new) + 1
        self.forward, self.backward = [0] * (diagonals + 1), [0] * (diagonals + 1)

    def pair(self, low: int, high: int, first: int, end: int, shortest: bool = False) -> None:
        """Pair the lines from ``low`` to ``high`` of the old text with those from ``first`` to ``end`` of the new one."""
        old, new = self.old, self.new
        while low < high and first < end and old[low] == new[first]:
            self.pairs.append((low, first))
            low, first = low + 1, first + 1
        while low < high and first < end and old[high - 1] == new[end - 1]:
            high, end = high - 1, end - 1
            self.pairs.append((high, end))
        if low < high and first < end:
            at, place, before, after = self._split(low, high, first, end, shortest)
            self.pair(low, at, first, place, before)
            self.pair(at, high, place, end, after)

    def _split(self, low: int, high: int, first: int, end: int, shortest: bool) -> tuple[int, int, bool, bool]:
        """Where the paths from both ends meet; and whether the parts before and behind are to be searched to the end."""
        old, new = self.old[low:high], self.new[first:end]
        ahead, back = _common(old, new), _common(old[::-1], new[::-1])
        cost = len(old) + len(new) - 2 * _alike(ahead, len(old), len(new))
        if shortest or (cost + 1) // 2 <= self.most:
            at, place = _meeting(len(old), len(new), ahead, back)
            return low + at, first + place, True, True
        # They do not meet before git has enough: the farthest point of either.
        at, place = _farthest(len(old), len(new), ahead, self.most, first_place=True)
        back_at, back_place = _farthest(len(old), len(new), back, self.most, first_place=False)
        if back_at + back_place < at + place:
            return low + at, first + place, True, False
        return high - back_at, end - back_place, False, True


def _farthest(count_old: int, count_new: int, rows: Sequence[int], cost: int, *, first_place: bool) -> tuple[int, int]:
    """The farthest point that is reached at so much ``cost``; of several that are as far the one with the fewest lines of the new
    text, or with the most."""
    for alike in range(count_new, -1, -1):
        places = range(alike, count_new + 1) if first_place else range(count_new, alike - 1, -1)
        for place in places:
            at = cost - place + 2 * alike
            if alike <= at <= count_old and _alike(rows, at, place) == alike:
                return at, place
    raise AssertionError("nothing is reached")


def _common(old: Sequence[int], new: Sequence[int]) -> list[int]:
    """For each count of lines of ``new``, how many it and the first lines of ``old`` have in common at most: a bit for each line
    of ``old``, which is not set where there is one more."""
    places: dict[int, int] = {}
    for at, line in enumerate(old):
        places[line] = places.get(line, 0) | 1 << at
    row = all_bits = (1 << len(old)) - 1
    rows = [row]
    for line in new:
        found = row & places.get(line, 0)
        row = (row + found | row - found) & all_bits
        rows.append(row)
    return rows


def _alike(rows: Sequence[int], at: int, place: int) -> int:
    """How many lines the first ``at`` of the one and the first ``place`` of the other have in common at most."""
    return at - (rows[place] & (1 << at) - 1).bit_count()


def _meeting(count_old: int, count_new: int, ahead: Sequence[int], back: Sequence[int]) -> tuple[int, int]:
    """Where the paths from both ends meet, of all shortest ones: on the diagonal with most lines of the old text before it."""
    alike = _alike(ahead, count_old, count_new)
    cost = count_old + count_new - 2 * alike
    half = (cost + 1) // 2
    best, meeting = -count_new - 1, (0, 0)
    for place in range(count_new + 1):
        for before in range(min(place, alike, (count_old - half + place) // 2), -1, -1):
            at = half - place + 2 * before
            if at < 0 or at - place <= best:
                break
            if _alike(ahead, at, place) != before:
                continue
            if _alike(back, count_old - at, count_new - place) == alike - before:
                best, meeting = at - place, (at, place)
                break
    at, place = meeting
    if cost & 1:  # the path from the beginning comes as far as it can
        steps = _farther(ahead, at, place, min(count_old - at, count_new - place))
        return at + steps, place + steps
    steps = _farther(back, count_old - at, count_new - place, min(meeting))
    return at - steps, place - steps


def _farther(rows: Sequence[int], at: int, place: int, most: int) -> int:
    """How far a path comes on its diagonal at no cost."""
    alike = _alike(rows, at, place)
    steps = 0
    while steps < most and _alike(rows, at + steps + 1, place + steps + 1) == alike + steps + 1:
        steps += 1
    return steps


class _Groups:
    """The groups of changed lines of a text, of which there is one, maybe empty, before each line that is not changed."""

    def __init__(self, changed: bytearray) -> None:
        self.changed = changed
        self.start, self.end = 0, changed.find(0)

    def next(self) -> None:
        """Go to the group behind the next line."""
        self.start = self.end + 1
        self.end = self.changed.find(0, self.start)

    def previous(self) -> None:
        """Go to the group before the line before."""
        self.end = self.start - 1
        self.start = self.changed.rfind(0, 0, self.end) + 1

    def up(self, lines: Sequence[int]) -> bool:
        """Move the group up by a line, if it then is the same change."""
        if self.start == 0 or lines[self.start - 1] != lines[self.end - 1]:
            return False
        self.end -= 1
        self.changed[self.start - 1], self.changed[self.end] = 1, 0
        self.start = self.changed.rfind(0, 0, self.start) + 1
        return True

    def down(self, lines: Sequence[int]) -> bool:
        """Move the group down by a line, if it then is the same change."""
        if self.end >= len(lines) or lines[self.start] != lines[self.end]:
            return False
        self.changed[self.start], self.changed[self.end] = 0, 1
        self.start += 1
        self.end = self.changed.find(0, self.end)
        return True

    def __len__(self) -> int:
        return self.end - self.start


def _slide(lines: Sequence[int], changed: bytearray, others: bytearray) -> None:
    """Move each group of ``changed`` lines that may be moved: to where the ``others`` have a group, too, or else down."""
    group, other = _Groups(changed), _Groups(others)
    while True:
        if len(group):
            _slide_one(lines, group, other)
        if group.end >= len(lines):
            return
        group.next()
        other.next()


def _slide_one(lines: Sequence[int], group: _Groups, other: _Groups) -> None:
    size = -1
    while size != len(group):  # it grows when it meets another one
        size = len(group)
        while group.up(lines):
            other.previous()
        highest = group.end
        aligned = len(other) > 0
        while group.down(lines):
            other.next()
            aligned = aligned or len(other) > 0
    if group.end != highest and aligned:
        while not len(other):
            group.up(lines)
            other.previous()


def _runs(changed_old: bytearray, changed_new: bytearray) -> list[Run]:
    """What is left between the changes."""
    runs: list[Run] = []
    former_old = former_new = -2
    for old, new in zip(_left(changed_old), _left(changed_new), strict=True):
        if old == former_old + 1 and new == former_new + 1:
            first, place, count = runs[-1]
            runs[-1] = (first, place, count + 1)
        else:
            runs.append((new, old, 1))
        former_old, former_new = old, new
    return runs


def _left(changed: bytearray) -> Iterator[int]:
    at = changed.find(0)
    while at < len(changed) - 1:
        yield at
        at = changed.find(0, at + 1)
