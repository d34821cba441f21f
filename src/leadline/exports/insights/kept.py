"""Remembers answers by what they are made of, as many as fit, so that the second look costs nothing; those that name nobody also
beside the computed facts, so that a server that was started anew has them."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import ValidationError

from leadline.exports.insights.models import InsightBody
from leadline.exports.insights.request import InsightRequest
from leadline.home import Project
from leadline.instants import rfc3339
from leadline.kept_files import KeptFiles
from leadline.materialize.compiled import code_digest
from leadline.metrics.request import Pins

_OBJECTS = 8
"""How many bytes the objects take for each byte of their JSON, about."""
MOST_BYTES = (48 << 20) * (1 + _OBJECTS)
"""Of answers that are kept: 48 MiB of JSON."""
MOST_STORED = 400
"""Answers of a project that are stored."""
MOST_STORED_BYTES = 1 << 20
"""Of the JSON of one that is stored: larger ones are nobody's first look."""
_WHOLE_PRODUCT = (".",)
"""The packages that what is shown follows from: a new release computes it anew."""
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

    @classmethod
    def of_json(cls, text: bytes) -> Answer:
        """The answer of which this is the JSON. Raises ``ValueError`` if it is none."""
        return cls(InsightBody.model_validate_json(_as_of(text, datetime.fromtimestamp(0, UTC))), text)

    @property
    def weight(self) -> int:
        """Bytes that it takes, about."""
        return len(self.json) * (1 + _OBJECTS)

    def body_as_of(self, instant: datetime) -> InsightBody:
        """The answer as it holds at ``instant``."""
        return self.body.model_copy(update={"data_as_of": instant})

    def json_as_of(self, instant: datetime) -> bytes:
        """``body_as_of`` as JSON."""
        return _as_of(self.json, instant)


def _as_of(text: bytes, instant: datetime) -> bytes:
    return b'{"dataAsOf":"' + rfc3339(instant).encode() + b'",' + text[1:]


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


class KeptAnswers:
    """Answers by digest. Those of which no row is a single person's are stored in the project, too. For any number of threads."""

    def __init__(self) -> None:
        self._late: Kept[Answer] = Kept(MOST_BYTES)

    def late(self, key: str) -> Answer | None:
        """The answer with this digest, if this process has it; at once."""
        return self._late.get(key)

    def bring(self, project: Project, insight: InsightRequest, key: str) -> None:
        """Have the answer to ``insight`` with this digest in this process, if it was stored."""
        if insight.rows.of_people or self._late.get(key) is not None:
            return
        text = _stored(project).get(_stored_name(key))
        if text is not None and (found := _answer_of(text)) is not None:
            self._late.put(key, found, found.weight)

    def put(self, project: Project, insight: InsightRequest, key: str, answer: Answer) -> None:
        """Keep the ``answer`` to ``insight``."""
        self._late.put(key, answer, answer.weight)
        if not insight.rows.of_people and len(answer.json) <= MOST_STORED_BYTES:
            _stored(project).put(_stored_name(key), answer.json)


def _stored(project: Project) -> KeptFiles:
    return KeptFiles(stored_in(project), MOST_STORED)


def stored_in(project: Project) -> Path:
    """The folder of the answers that outlive a server."""
    return project.computed.with_name("answers")


def _stored_name(key: str) -> str:
    return f"{hashlib.sha256(f'{code_digest(_WHOLE_PRODUCT)} {key}'.encode()).hexdigest()}.json"


def _answer_of(text: bytes) -> Answer | None:
    try:
        return Answer.of_json(text)
    except ValidationError:
        return None
