"""Uploaded files, as part of a form or as a plain ``text/csv`` body, and the fields sent beside them. Nothing larger than
``MAX_UPLOAD`` is read; it is held in memory, since it is judged as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, Field
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from leadline.api.body import RequestBody, RequestPart, UnsupportedMediaType, read_bytes
from leadline.api.json_text import malformed
from leadline.api.query import MayBeAbsent
from leadline.errors import Detail, InvalidRequest
from leadline.field_types import is_storable

MAX_UPLOAD = 16 << 20
"""Largest upload, 16 MiB: a list of some hundred thousand developers."""

PART = "file"
_MOST_PARTS = 20
_PIECE = 64 << 10


@dataclass(frozen=True)
class UploadedFile:
    """A file as it was sent, and the texts sent beside it by name."""

    name: str
    data: bytes
    fields: Mapping[str, str]


async def read_upload(request: Request) -> UploadedFile:
    """The uploaded file. Raises ``UnsupportedMediaType``, ``TooLarge`` or ``InvalidRequest``."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "text/csv":
        return UploadedFile("developers.csv", await read_bytes(request, MAX_UPLOAD), {})
    if kind != "multipart/form-data":
        raise UnsupportedMediaType(
            f"A body of type {kind[:80]!r} is not taken; send multipart/form-data with the CSV as its part {PART!r}, or text/csv"
        )
    return await _parsed(request, await read_bytes(request, MAX_UPLOAD))


async def _parsed(request: Request, raw: bytes) -> UploadedFile:
    async def pieces() -> AsyncGenerator[bytes, None]:
        # Taking parts apart is work for this thread: others have their turn between pieces.
        for start in range(0, len(raw), _PIECE):
            yield raw[start : start + _PIECE]
            await asyncio.sleep(0)
        yield b""

    parser = MultiPartParser(request.headers, pieces(), max_files=1, max_fields=_MOST_PARTS, max_part_size=MAX_UPLOAD)
    try:
        form = await parser.parse()
    except (MultiPartException, ValueError, LookupError) as error:
        why = getattr(error, "message", "") or "it is no multipart/form-data"
        raise malformed(f"its parts cannot be taken apart: {why[:200]}") from None
    try:
        part = form.get(PART)
        fields = {name: value for name, value in form.multi_items() if isinstance(value, str) and name != PART}
        if not all(is_storable(name + value) for name, value in fields.items()):
            raise malformed("it has a text with a NUL or half a surrogate pair in it")
        if isinstance(part, UploadFile):
            return UploadedFile(plain_name(part.filename or ""), await part.read(), fields)
        if isinstance(part, str):
            return UploadedFile("developers.csv", part.encode(), fields)
    finally:
        await form.close()
    raise InvalidRequest(
        f"There is no file: send the CSV as the part {PART!r}",
        code="missing_field",
        details=[Detail(PART, "required: the CSV")],
    )


def plain_name(name: str) -> str:
    """The last part of a file's name without what no report should print."""
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(letter for letter in last if letter.isprintable())[:200].strip()
    return shown or "developers.csv"


class DevelopersForm(RequestPart):
    """A form with a list of developers."""

    file: bytes = Field(description="The list of developers, as CSV.")
    org_tree_name: MayBeAbsent[str] = None


class AccountsForm(RequestPart):
    """A form with a list of accounts."""

    file: bytes = Field(description="Accounts, as CSV with the columns email, applicationType, cloudId.")
    org_tree_name: MayBeAbsent[str] = None


def _file(form: type[BaseModel]) -> RequestBody:
    return RequestBody(read_upload, {"multipart/form-data": form, "text/csv": str}, "At most 16 MiB, in UTF-8.")


DEVELOPERS_FILE = _file(DevelopersForm)
ACCOUNTS_FILE = _file(AccountsForm)
"""Dependencies that give the ``UploadedFile``."""
