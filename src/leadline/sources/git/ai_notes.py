"""What git notes under ``refs/notes/ai`` say of commits: which AI tool wrote how many of their lines. Notes are authorship logs of
the Git AI standard (version 3), or else a tool and a number: ``claude-code 12``."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leadline.schema import TABLES
from leadline.sources.kit.page import TypedRows

if TYPE_CHECKING:
    from leadline.sources.git.repository import Repository

_DIVIDER = re.compile(r"^---$", re.MULTILINE)
_ENTRY = re.compile(r"^  (\S+) ([0-9][0-9,-]*)$", re.MULTILINE)
_PLAIN = re.compile(r"\s*([A-Za-z][\w .:/-]*?)(?:[ \t:]+([0-9]{1,9}))?\s*")
_ABSENT = "0" * 7
_NOTES_AT_ONCE = 2_000


@dataclass(frozen=True)
class Told:
    """What a note says: the tool with most lines, and how many lines tools wrote; None where it does not say."""

    tool: str | None = None
    lines: int | None = None


def parse_note(text: str) -> Told:
    """What the note ``text`` says; nothing of what cannot be understood."""
    divider = _DIVIDER.search(text)
    if divider is None:
        plain = _PLAIN.fullmatch(text)
        return Told(plain[1], None if plain[2] is None else int(plain[2])) if plain else Told()
    try:
        metadata = json.loads(text[divider.end() :])
    except ValueError:
        return Told()
    return _of_log(text[: divider.start()], metadata) if isinstance(metadata, dict) else Told()


def _of_log(attestations: str, metadata: Mapping[str, Any]) -> Told:
    lines: Counter[str | None] = Counter()
    for key, ranges in _ENTRY.findall(attestations):
        if not key.startswith("h_"):  # what people wrote is told, too
            lines[_tool(metadata, key.partition("::")[0])] += sum(map(_length, ranges.split(",")))
    named = [(count, tool) for tool, count in lines.items() if tool is not None]
    return Told(max(named)[1] if named else None, sum(lines.values()))


def _tool(metadata: Mapping[str, Any], key: str) -> str | None:
    record: Any = metadata
    for name in ("sessions" if key.startswith("s_") else "prompts", key, "agent_id", "tool"):
        record = record.get(name) if isinstance(record, dict) else None
    return record if isinstance(record, str) and record else None


def _length(lines: str) -> int:
    first, _, last = lines.partition("-")
    return max(int(last) - int(first) + 1, 0) if first and last else bool(first)


def rows(repository: Repository, before: str | None, now: str | None) -> Iterator[TypedRows]:
    """Rows of ``commit_ai`` for the notes that are others than when the ref was at ``before`` (None: all), now that it is at
    ``now``. A note that is gone says nothing any more."""
    changed = list(_changed(repository, before, now))
    if not changed:  # as ever where there are no notes: what rows are made of need not be loaded
        return
    import pyarrow as pa

    table = TABLES["commit_ai"].arrow_schema
    schema = pa.schema([table.field(name) for name in ("repository", "sha", "tool", "lines_ai")])
    for start in range(0, len(changed), _NOTES_AT_ONCE):
        part = changed[start : start + _NOTES_AT_ONCE]
        contents = repository.contents({blob for _, blob in part if blob})
        told = {
            sha: parse_note(contents[blob].decode("utf-8", "replace")) if blob in contents else Told()
            for sha, blob in part
        }
        batch = [
            {"repository": repository.name, "sha": sha, "tool": one.tool, "lines_ai": one.lines}
            for sha, one in told.items()
        ]
        yield TypedRows("commit_ai", pa.RecordBatch.from_pylist(batch, schema=schema), counted=False)


def _changed(repository: Repository, before: str | None, now: str | None) -> Iterator[tuple[str, str]]:
    """Commits whose note changed, with the blob that it is now ('' none)."""
    if before == now:
        return
    known = before is not None and now is not None and bool(repository.existing([before]))
    at = now or str(before)
    if known:
        listed = repository.git.text("diff-tree", "-r", "--no-renames", str(before), at)
    else:
        listed = repository.git.text("ls-tree", "-r", at) if now or repository.existing([at]) else ""
    for line in (listed or "").splitlines():
        described, _, path = line.partition("\t")
        words = described.split()
        blob = words[3] if known else words[2]
        gone = now is None or blob.startswith(_ABSENT)
        yield path.replace("/", ""), "" if gone else blob
