"""What forms post, read within bounds. Whoever is asked for a form gets its fields; what must not be lost when the session has
ended meanwhile is ``typed``."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from leadline.errors import InvalidRequest, LeadlineError
from leadline.field_types import is_storable
from leadline.page.forgery import FIELD

MOST_BYTES = 32 * 1024 * 1024
"""The largest form that is read from somebody who is signed in: a list of all developers of a large company and more."""

MOST_TYPED = 256 * 1024
"""The largest that is read from somebody who is not."""

CARRIED = "typed:"
"""What the names of fields begin with that another form had."""

POSTED = "posted"
"""The field of the form for a key that says that another form was posted, whatever that had."""

_MOST_FIELDS = 2000


class TooLarge(LeadlineError):
    """A form is larger than is read."""

    code = "too_large"
    http_status = 413


async def read(request: Request, most: int = MOST_BYTES) -> FormData:
    """The form in the body; read again, it is the same. Raises ``InvalidRequest`` for a body that is none, ``TooLarge``."""
    length = request.headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()):
        raise InvalidRequest("A form must say how long it is (Content-Length)")
    if int(length) > most:
        raise TooLarge(f"This form has {int(length):,} bytes; at most {most:,} are taken")
    try:
        form = await request.form(max_files=8, max_fields=_MOST_FIELDS, max_part_size=most)
    except (HTTPException, MultiPartException, UnicodeDecodeError) as error:
        raise InvalidRequest(f"The form cannot be read: {getattr(error, 'detail', error)}") from error
    if not all(is_storable(name + value) for name, value in form.multi_items() if isinstance(value, str)):
        raise InvalidRequest("The form has a text with a NUL in it, which nothing can store")
    return form


def typed(form: FormData) -> list[tuple[str, str]]:
    """The texts of ``form`` in their order, without the token; files are not among them."""
    return [(name, value) for name, value in form.multi_items() if isinstance(value, str) and name != FIELD]


def carried(form: FormData) -> list[tuple[str, str]]:
    """What another form had, of a form that carries it through signing in."""
    return [(name.removeprefix(CARRIED), value) for name, value in typed(form) if name.startswith(CARRIED)]


def has_file(form: FormData) -> bool:
    """Whether a file was chosen in ``form``."""
    return any(isinstance(value, UploadFile) and value.filename for _, value in form.multi_items())


async def _posted(request: Request) -> FormData:
    return await read(request)


Form = Annotated[FormData, Depends(_posted)]
"""The form that was posted. Whose it is and that it is not forged was checked with the visit."""
