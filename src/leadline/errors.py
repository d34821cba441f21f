"""The one error family: every refusal that a user can cause, with what the command line and the API show of it.

Code raises these (never bare ``ValueError``) for anything a user could have done; the faces turn them into one line on
stderr with an exit code (``cli.failures.exit_code_of``), or into the JSON error body
``{"status", "error", "code", "message", "details"}`` with ``http_status``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_DOCUMENTED = re.compile(
    r"(Invalid (?:teamId|orgTreeName|--team|--org-tree|TREE)|Unsupported (?:--)?[\w-]+|Insufficient permissions)(?::|$)"
)
"""How sentences begin that clients know to the letter, and compare with; what was refused follows. What the
command line calls these fields stands for them."""


def first_line(error: BaseException) -> str:
    """What a foreign error says, in one line: its first, or the name of its type."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


@dataclass(frozen=True)
class Detail:
    """One refused thing: ``field`` names where (a request field, a column, ``file:line``), ``message`` what would do."""

    field: str
    message: str


class LeadlineError(Exception):
    """A refusal in one plain sentence, with a stable machine-readable ``code``.

    ``details`` carries the single findings where there are several. ``http_status`` is what the API answers with.
    """

    code = "failed"
    http_status = 400

    def __init__(self, message: str, *, details: Sequence[Detail] = (), code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = tuple(details)
        if code is not None:
            self.code = code

    def body(self) -> dict[str, object]:
        """The JSON error body (http-api, "Errors")."""
        body: dict[str, object] = {"status": "failed", "error": self.message, "code": self.code}
        if (known := _DOCUMENTED.match(self.message)) and (whole := self._whole()) != known[1]:
            body |= {"error": known[1], "message": whole}
        if self.details:
            body["details"] = [{"field": detail.field, "message": detail.message} for detail in self.details]
        return body

    def _whole(self) -> str:
        """The sentence with what was refused, which the details tell where it does not."""
        found = "; ".join(f"{detail.field}: {detail.message}" for detail in self.details)
        return self.message if ":" in self.message or not found else f"{self.message}: {found}"


class InvalidRequest(LeadlineError):
    """The request (or command line) asks for something that does not exist or cannot be; the sender can mend it."""

    code = "invalid_request"


class Unusable(InvalidRequest):
    """What is named could be meant, but is not there or cannot be used as it is: a file, a secret, a project of a tool. Something
    else than the request would have to change."""


class InvalidInput(LeadlineError):
    """A file or row was refused; nothing of it was taken."""

    code = "invalid_input"


class Unauthenticated(LeadlineError):
    """No key, or one that is unknown, expired or revoked."""

    code = "unauthenticated"
    http_status = 401


class Forbidden(LeadlineError):
    """The key is good but its role or its project does not allow this."""

    code = "forbidden"
    http_status = 403


class NotFound(LeadlineError):
    """The thing named does not exist, or belongs to somebody else."""

    code = "not_found"
    http_status = 404


class Conflict(LeadlineError):
    """The thing named is not in a state that allows this."""

    code = "conflict"
    http_status = 409


class StoreError(LeadlineError):
    """The home (lake, metadata database, disk) cannot do what was asked; not the sender's fault."""

    code = "store_error"
    http_status = 503


class VersionsGone(StoreError):
    """What was pinned is kept no longer: versions of tables or org trees, or settings have changed since."""

    code = "versions_gone"
    http_status = 410


class LockLost(StoreError):
    """Somebody else took a lock that its holder still wrote under. Nothing was written; trying again would do."""

    code = "lock_lost"


class PreconditionFailed(LeadlineError):
    """Something else must be done first; the sentence says what."""

    code = "precondition_failed"
    http_status = 412
