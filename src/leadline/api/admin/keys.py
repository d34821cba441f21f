"""The routes of API keys: listed, made, limited and revoked, of the project that the caller's own key belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Path
from pydantic import Field

from leadline.administration import keys
from leadline.administration.keys import MOST_DAYS, KeyMade, KeyShown
from leadline.api.answers import new_router, refusals
from leadline.api.body import json_body
from leadline.api.caller import Admin
from leadline.db.keys import ROLES
from leadline.exports.models import RequestPart
from leadline.exports.validation import validated
from leadline.field_types import Field as Checked
from leadline.field_types import Name, TeamId, printable, refusal, shown
from leadline.json_body import Body

router = new_router("admin")


def _days(value: Any) -> int:
    if type(value) is not int or not 1 <= value <= MOST_DAYS:
        raise refusal("wrong_type", f"must be a whole number of days from 1 to {MOST_DAYS}, not {shown(value)}")
    return value


Days = Annotated[int, Checked(_days, {"type": "integer", "minimum": 1, "maximum": MOST_DAYS})]


class LimitsRequest(RequestPart):
    """What a key of the role `viewer` may see; without limits all."""

    teams: list[TeamId] | None = Field(
        None,
        max_length=1000,
        description="These teams with all below them, by ref id or key; all teams if there are none.",
    )
    developers: bool | None = Field(None, description="Whether it sees rows of single developers; true by default.")

    @property
    def limits(self) -> dict[str, Any]:
        """As the functions below take them."""
        return {"teams": self.teams or (), "developers": self.developers is not False}


class KeyRequest(LimitsRequest):
    """A key to make."""

    name: Name = Field(description="What the key is for.")
    role: Name = Field(json_schema_extra={"enum": list(ROLES)}, description="What it may do.")
    expires_days: Days | None = Field(None, description="Days until it expires; never if it is left out.")


KEY = json_body(KeyRequest)
LIMITS = json_body(LimitsRequest, "They take the place of those that the key has.")
KeyId = Annotated[str, Path(alias="keyId", min_length=1, description="A key's id, as listed.")]


class KeysBody(Body):
    """The keys of the project."""

    keys: list[KeyShown]


@router.get("/v2/keys", response_description="Oldest first, expired and revoked ones too.")
def list_keys(caller: Admin) -> KeysBody:
    """List keys."""
    return KeysBody(keys=keys.listed(caller.project, caller.now))


@router.post("/v2/keys", response_description="The key with its text, which is shown this once.")
def create_key(caller: Admin, body: Annotated[Mapping[str, Any], Depends(KEY)]) -> KeyMade:
    """Make a key."""
    wanted = validated(KeyRequest, body)
    return keys.create(
        *(caller.project, wanted.name, wanted.role),
        now=caller.now,
        expires_days=wanted.expires_days,
        **wanted.limits,
    )


@router.put("/v2/keys/{keyId}/limits", response_description="The key as it is now.", responses=refusals(404))
def limit_key(caller: Admin, key_id: KeyId, body: Annotated[Mapping[str, Any], Depends(LIMITS)]) -> KeyShown:
    """Limit a key of the role viewer."""
    return keys.limit(caller.project, _storable(key_id), now=caller.now, **validated(LimitsRequest, body).limits)


@router.delete("/v2/keys/{keyId}", response_description="The key, revoked.", responses=refusals(404))
def revoke_key(caller: Admin, key_id: KeyId) -> KeyShown:
    """Revoke a key for good."""
    return keys.revoke(caller.project, _storable(key_id), now=caller.now)


def _storable(key_id: str) -> str:
    """An id that a database can be asked for; no key has another."""
    return printable(key_id.replace("\0", ""))
