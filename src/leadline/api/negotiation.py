"""What HTTP lets a client ask for: types, encodings, conditions and ranges, decided from header text alone. Rules are RFC 9110's:
12.5.1 (Accept), 12.5.3 (Accept-Encoding), 13.1 (conditions), 14 (ranges)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.responses import Response

from leadline.errors import LeadlineError


def takes_gzip(accept_encoding: str | None) -> bool:
    """Whether gzip may be sent: it may unless the header is there and rules it out. No header means anything goes (the documented
    curl sends none and saves the raw body as ``.csv.gz``); an empty one, or one that lists neither gzip nor ``*``, or gives it
    ``q=0``, rules gzip out."""
    if accept_encoding is None:
        return True
    weights: dict[str, float] = {}
    for item in accept_encoding.lower().split(","):
        coding, _, parameter = (part.strip() for part in item.partition(";"))
        weights[coding] = _weight(parameter)
    return next((weights[coding] for coding in ("gzip", "x-gzip", "*") if coding in weights), 0.0) > 0


def _weight(parameter: str) -> float:
    match = re.fullmatch(r"q\s*=\s*(0(?:\.\d*)?|1(?:\.0*)?)", parameter.strip())
    # A weight nobody can read is no refusal.
    return float(match.group(1)) if match else 1.0


def etag(sha256: str, *, gzip: bool) -> str:
    """The strong validator of a file in one encoding: both encodings have different bytes, so different tags."""
    return f'"{sha256[:40]}{"-gzip" if gzip else ""}"'


def not_modified(if_none_match: str | None, tag: str) -> bool:
    """Whether the client already has this: its tags are compared weakly (13.1.2), ``*`` is any."""
    if if_none_match is None:
        return False
    tags = [item.strip() for item in if_none_match.split(",")]
    return "*" in tags or any(item.removeprefix("W/") == tag for item in tags)


def unless_known(digest: str, if_none_match: str | None, answer: Callable[[dict[str, str]], Response]) -> Response:
    """What ``answer`` makes with the headers of what ``digest`` tells from others, or that the client has it already."""
    tag = f'"{digest[:40]}"'
    headers = {"ETag": f"W/{tag}", "Cache-Control": "private, no-cache"}
    return Response(status_code=304, headers=headers) if not_modified(if_none_match, tag) else answer(headers)


@dataclass(frozen=True)
class ByteRange:
    """Bytes ``start`` to ``end``, both inclusive, as in ``Content-Range``."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """How many bytes that is."""
        return self.end - self.start + 1


class RangeNotSatisfiable(LeadlineError):
    """The range asked for lies outside the file."""

    code = "range_not_satisfiable"
    http_status = 416

    def __init__(self, wanted: str, size: int) -> None:
        super().__init__(f"The file has {size} bytes; the range {wanted} lies outside")
        self.size = size


def parse_range(header: str | None, if_range: str | None, tag: str, size: int) -> ByteRange | None:
    """The one range asked for, or None for the whole file. Whole also if the header has another unit, several ranges or no sense
    (14.2: a server may ignore it), or if ``If-Range`` names another version. Raises ``RangeNotSatisfiable`` for a range beyond
    ``size`` bytes."""
    if header is None or (if_range is not None and if_range.strip() != tag):
        return None
    match = re.fullmatch(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", header, re.IGNORECASE)
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        length = min(int(last), size)
        wanted = ByteRange(size - length, size - 1)
    else:
        wanted = ByteRange(int(first), min(int(last), size - 1) if last else size - 1)
        if last and int(last) < int(first):
            return None
    if wanted.start >= size or wanted.length <= 0:
        raise RangeNotSatisfiable(header.strip()[:80], size)
    return wanted


def prefers_csv(accept: Sequence[str]) -> bool:
    """Whether an ``Accept`` header prefers ``text/csv`` to JSON (RFC 9110, 12.5.1); the first of equals wins."""
    qualities: dict[str, float] = {}
    for part in ",".join(accept).split(","):
        kind, _, parameters = part.partition(";")
        quality = next((p.partition("=")[2] for p in parameters.split(";") if p.strip().lower().startswith("q=")), "1")
        try:
            qualities.setdefault(kind.strip().lower(), float(quality))
        except ValueError:
            qualities.setdefault(kind.strip().lower(), 1.0)
    csv = qualities.get("text/csv", qualities.get("text/*", 0.0))
    if not csv:
        return False
    json = qualities.get("application/json", qualities.get("application/*"))
    if json is None or "text/csv" not in qualities:
        return csv > (json or 0.0)
    order = list(qualities)
    first = "application/json" not in order or order.index("text/csv") < order.index("application/json")
    return csv > json or (csv == json and first)
