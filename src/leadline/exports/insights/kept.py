"""Remembers answers by what they are made of, as many as fit, so that the second look costs nothing."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from leadline.exports.insights.models import InsightBody
from leadline.exports.insights.request import InsightRequest
from leadline.home import Project
from leadline.instants import rfc3339
from leadline.metrics.request import Pins

_OBJECTS = 8
"""How many bytes the objects take for each byte of their JSON, about."""
MOST_BYTES = (48 << 20) * (1 + _OBJECTS)
"""Of answers that are kept: 48 MiB of JSON."""
T = TypeVar("T")


def digest(project: Project, insight: InsightRequest, pins: Pins) -> str:
    """What tells identical answers: SHA-256 (hex) of the request and of the versions of all that it reads."""
    return digest_of(project, pins, insight.document(), insight.warnings)


def digest_of(project: Project, pins: Pins, *asked: object) -> str:
    """What tells identical answers to what is ``asked``, JSON values, on the versions of ``pins``: SHA-256 (hex)."""
    text = json.dumps([project.id, pins.document(), *asked], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Answer:
    """An answer as an object and as JSON without the instant for which it holds."""

    body: InsightBody
    json: bytes

    @classmethod
    def of(cls, body: InsightBody) -> Answer:
        """The answer ``body``, to be kept."""
        return cls(body, body.model_dump_json(exclude_unset=True, exclude={"data_as_of"}).encode())

    @property
    def weight(self) -> int:
        """Bytes that it takes, about."""
        return len(self.json) * (1 + _OBJECTS)

    def body_as_of(self, instant: datetime) -> InsightBody:
        """The answer as it holds at ``instant``."""
        return self.body.model_copy(update={"data_as_of": instant})

    def json_as_of(self, instant: datetime) -> bytes:
        """``body_as_of`` as JSON."""
        return b'{"dataAsOf":"' + rfc3339(instant).encode() + b'",' + self.json[1:]


class Kept(Generic[T]):
    """What was made, by digest: what was asked for last, together at most ``most_bytes``, about. For any number of threads."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._made: OrderedDict[str, tuple[T, int]] = OrderedDict()
        self._bytes = 0
        self._guard = threading.Lock()

    def get(self, key: str) -> T | None:
        """What has this digest, if it is kept."""
        with self._guard:
            if key not in self._made:
                return None
            self._made.move_to_end(key)
            return self._made[key][0]

    def put(self, key: str, made: T, weight: int) -> None:
        """Keep ``made``, which takes ``weight`` bytes, in place of those that nobody asked for the longest."""
        with self._guard:
            if key in self._made or weight > self._most:
                return
            self._made[key] = made, weight
            self._bytes += weight
            while self._bytes > self._most:
                _, (_, lost) = self._made.popitem(last=False)
                self._bytes -= lost
