"""What becomes of the lines of a file when a commit changes it, or merges several: where each of them comes from."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence

from leadline.sources.git.line_ages.moves import Former, FormerLines, letters, may_be_moved
from leadline.sources.git.line_ages.origins import Origins
from leadline.sources.git.line_ages.patches import NO_LINE_FEED, Hunk, MergedLine, hash_of
from leadline.sources.git.line_ages.trees import File

Run = tuple[int, int, int]
"""First line of the file, first line of a parent's, how many: they are the same."""


def packed(numbers: Iterable[int]) -> bytes:
    """Four bytes each."""
    return array("I", numbers).tobytes()


def fill(file: File, origins: Iterable[bytes | memoryview], lines: Iterable[bytes | memoryview]) -> None:
    """Put together what is known of the lines of ``file``."""
    file.origins, file.lines = b"".join(origins), b"".join(lines)


def changed(file: File, former: File, hunks: Iterable[Hunk], number: int, known: Origins) -> None:
    """Fill ``file``: it is ``former`` with ``hunks`` changed by the commit ``number``."""
    if former.origins is None or former.lines is None:
        return
    old_origins, old_lines = memoryview(former.origins), memoryview(former.lines)
    sought = FormerLines(former.lines, former.origins)
    origins: list[bytes | memoryview] = []
    lines: list[bytes | memoryview] = []
    at = 0
    for hunk in hunks:
        start = 4 * hunk.start
        origins += (old_origins[at:start], _of_new_lines(hunk.added, hunk.texts, (sought,), number, known))
        lines += (old_lines[at:start], packed(hunk.added))
        at = start + 4 * hunk.deleted
    fill(file, [*origins, old_origins[at:]], [*lines, old_lines[at:]])


def merged(
    file: File,
    formers: Sequence[File | None],
    lines: Sequence[MergedLine],
    renamed: Mapping[int, Sequence[Hunk]],
    by: tuple[int, Origins],
    has_end: Callable[[], bool],
) -> None:
    """Fill ``file``, which the merge ``by`` (its number, among others) made of ``formers``, the file as each parent has it (None:
    has not), as the combined patch ``lines`` tells; of those that called it otherwise, ``renamed`` has the patch. Each line is of
    the first parent that has it, or may have been moved within one of them, or else is the merge's own. ``has_end``: whether its
    last line has one, which a combined patch does not say."""
    runs, new = _runs(lines, len(formers))
    known = [(k, former) for k, former in enumerate(formers) if former is not None and former.origins is not None]
    for k, former in known:
        lines_there = len(former.origins or b"") // 4
        if k in renamed:
            runs[k] = _same(renamed[k], lines_there)
        else:  # behind what the patch tells of, all parents have the same
            line, place, _ = runs[k][-1]
            runs[k][-1] = (line, place, lines_there - place)
    length = max([0, *(line + count for k, _ in known for line, _, count in runs[k]), *(line + 1 for line, _ in new)])
    origins, hashes, owned = bytearray(4 * length), bytearray(4 * length), bytearray(length)
    if new and new[-1][0] == length - 1 and _is_in(new[-1][1], known) and not has_end():
        new[-1] = (length - 1, new[-1][1] + NO_LINE_FEED)
    for line, text in new:
        hashes[4 * line : 4 * line + 4] = packed([hash_of(text)])
    for k, former in reversed(known):
        for line, place, count in runs[k]:
            origins[4 * line : 4 * (line + count)] = (former.origins or b"")[4 * place : 4 * (place + count)]
            hashes[4 * line : 4 * (line + count)] = (former.lines or b"")[4 * place : 4 * (place + count)]
            owned[line : line + count] = b"\1" * count
    having = [FormerLines(former.lines or b"", former.origins or b"") for _, former in known]
    for first, texts in _groups([(line, text) for line, text in new if not owned[line]]):
        end = first + len(texts)
        of_new = _of_new_lines([hash_of(text) for text in texts], texts, having, *by)
        origins[4 * first : 4 * end] = of_new
    fill(file, [bytes(origins)], [bytes(hashes)])


def _is_in(text: bytes, formers: Iterable[tuple[int, File]]) -> bool:
    """Whether one of ``formers`` may have this line."""
    sought = packed([hash_of(text)])
    return any(sought in (former.lines or b"") for _, former in formers)


def _runs(lines: Sequence[MergedLine], parents: int) -> tuple[list[list[Run]], list[tuple[int, bytes]]]:
    """For each parent the runs of lines that it has, the last of them open to the end; the lines that none has, with their
    places."""
    runs: list[list[Run]] = [[] for _ in range(parents)]
    new: list[tuple[int, bytes]] = []
    at = [0] * parents
    line = 0
    for count, text, having in lines:
        if count > 0:
            for k in range(parents):
                runs[k].append((line, at[k], count))
                at[k] += count
            line += count
            continue
        for k in having:
            if count == 0:
                runs[k].append((line, at[k], 1))
            at[k] += 1
        if count == 0:
            if not having:
                new.append((line, text))
            line += 1
    return [[*of_parent, (line, at[k], 0)] for k, of_parent in enumerate(runs)], new


def _same(hunks: Sequence[Hunk], length: int) -> list[Run]:
    """What ``hunks`` leave of a file of ``length`` lines."""
    runs: list[Run] = []
    line = place = 0
    for hunk in hunks:
        runs.append((line, place, hunk.start - place))
        line += hunk.start - place + len(hunk.added)
        place = hunk.start + hunk.deleted
    return [*runs, (line, place, length - place)]


def _groups(lines: Iterable[tuple[int, bytes]]) -> list[tuple[int, list[bytes]]]:
    """Lines that stand one below the other together."""
    groups: list[tuple[int, list[bytes]]] = []
    for line, text in lines:
        if groups and groups[-1][0] + len(groups[-1][1]) == line:
            groups[-1][1].append(text)
        else:
            groups.append((line, [text]))
    return groups


def _of_new_lines(
    hashes: Sequence[int], texts: Sequence[bytes] | None, formers: Sequence[FormerLines], number: int, known: Origins
) -> bytes:
    """The origins of new lines: the commit ``number``, or numbers of their own where some may have stood elsewhere in one of
    ``formers``."""
    found: list[Former] = []
    in_runs = bytearray(len(hashes))
    for former in formers if texts is not None else ():
        if runs := may_be_moved(hashes, texts or (), former):
            found.append(Former.of(hashes, former))
        for first, _, count in runs:
            in_runs[first : first + count] = b"\1" * count
    if found:
        return packed(known.add(number, hashes, [letters(text) for text in texts or ()], bytes(in_runs), found))
    return packed([number]) * len(hashes)
