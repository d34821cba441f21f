"""The routes of settings: what is in force for the project or one of its org trees, and changes. What a setting may be is decided
by ``leadline.settings``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Path, Query
from pydantic import Field

from leadline.administration import settings
from leadline.administration.setting_body import SettingInForce
from leadline.api.answers import new_router, refusals
from leadline.api.body import RequestPart, json_body, members_of
from leadline.api.caller import Admin, Caller
from leadline.api.json_text import parse_object
from leadline.api.query import MayBeAbsent, Parameters, ShortText
from leadline.errors import Detail, InvalidRequest
from leadline.json_body import Body
from leadline.settings.as_text import as_text
from leadline.settings.profile import canonical

router = new_router("admin")

_NOW = "As it is in force now."
_TEXT = "Its text; a number, true or false, or a list of texts means the same."


class SettingsQuery(Parameters):
    """Whose settings are meant."""

    org_tree_name: MayBeAbsent[ShortText] = Field(
        None, description="The settings of this org tree, over the project's; the project's own if it is left out."
    )


class SettingRequest(RequestPart):
    """A setting's new value."""

    value: str | float | bool | list[str] = Field(description=_TEXT)
    known: str | None = Field(
        None,
        description="What was set there when you looked, null for nothing; if it is another one by now, nothing is changed.",
    )


class SettingsRequest(RequestPart):
    """Values of several settings."""

    values: dict[str, str | float | bool | list[str] | None] = Field(
        description="By key; null takes what is set there away. All are changed, or none."
    )


def _setting_of(raw: bytes) -> dict[str, Any]:
    body = parse_object(raw, members_of(SettingRequest))
    if body.get("value") is None:
        raise _refused("value", "is required: " + _TEXT, "missing_field")
    if not isinstance(body.get("known"), str | None):
        raise _refused("known", "must be text or null", "wrong_type")
    return body


def _values_of(raw: bytes) -> dict[str, Any]:
    values = parse_object(raw, members_of(SettingsRequest)).get("values")
    if not isinstance(values, dict) or not values:
        raise _refused("values", "is required: an object of values by the keys of settings", "missing_field")
    return values


def _refused(field: str, sentence: str, code: str) -> InvalidRequest:
    return InvalidRequest(f"{field} {sentence}", code=code, details=[Detail(field, sentence)])


SETTING = json_body(SettingRequest, parse=_setting_of)
SETTINGS = json_body(SettingsRequest, parse=_values_of)

Of = Annotated[SettingsQuery, Query()]
Key = Annotated[str, Path(min_length=1, description="A setting's key, such as `timezone` or `team.4.repository`.")]


NO_KEY: dict[int | str, dict[str, Any]] = {404: refusals(404)[404] | {"description": "No setting can have this key."}}


class SettingsBody(Body):
    """Settings as they are in force."""

    settings: list[SettingInForce]


@router.get("/v2/settings", response_description=_NOW)
def list_settings(caller: Admin, of: Of) -> SettingsBody:
    """List settings."""
    return SettingsBody(settings=[SettingInForce.of(row) for row in settings.listed(caller.project, of.org_tree_name)])


@router.patch("/v2/settings", response_description="Those that were named, as they are in force now.")
def change_settings(caller: Admin, values: Annotated[Mapping[str, Any], Depends(SETTINGS)], of: Of) -> SettingsBody:
    """Change several settings, all or none."""
    texts = {key: _text(key, value) for key, value in values.items() if value is not None}
    settings.change(caller.project, texts, values.keys() - texts.keys(), tree=of.org_tree_name)
    return SettingsBody(settings=[_one(caller, key, of) for key in dict.fromkeys(map(canonical, values))])


@router.get("/v2/settings/{key:path}", response_description=_NOW, responses=NO_KEY)
def get_setting(caller: Admin, key: Key, of: Of) -> SettingInForce:
    """Show a setting."""
    return _one(caller, key, of)


@router.put("/v2/settings/{key:path}", response_description=_NOW, responses=NO_KEY | refusals(409))
def put_setting(
    caller: Admin, key: Key, body: Annotated[Mapping[str, Any], Depends(SETTING)], of: Of
) -> SettingInForce:
    """Set a setting."""
    known = {key: body["known"]} if "known" in body else None
    settings.change(caller.project, {key: _text(key, body["value"])}, tree=of.org_tree_name, known=known)
    return _one(caller, key, of)


@router.delete("/v2/settings/{key:path}", response_description=_NOW, responses=NO_KEY)
def reset_setting(caller: Admin, key: Key, of: Of) -> SettingInForce:
    """Take away what is set."""
    settings.change(caller.project, {}, [key], tree=of.org_tree_name)
    return _one(caller, key, of)


def _one(caller: Caller, key: str, of: SettingsQuery) -> SettingInForce:
    return SettingInForce.of(settings.one(caller.project, key, of.org_tree_name))


def _text(key: str, value: Any) -> str:
    try:
        return as_text(key, value)
    except ValueError as error:
        raise _refused(key[:80], f"must be {error}", "invalid_setting") from None
