"""Checks of settings that somebody would set: each by itself, and all of a project or tree together."""

from __future__ import annotations

from collections.abc import Mapping

from leadline.errors import Detail, InvalidRequest
from leadline.field_types import is_storable
from leadline.settings.categories import MOST_SETS, OF_CATEGORY, OF_TEAM, PROPERTIES
from leadline.settings.profile import BANDS, Profile, declared


def check(key: str, text: str) -> str:
    """The text to store for ``key``; raises ``InvalidRequest`` naming the key, the value and what would do."""
    try:
        if not is_storable(text):
            raise ValueError("text without NUL")
        declared(key).parse(text)
    except ValueError as error:
        raise InvalidRequest(
            f"{key} cannot be {text!r}; it must be {error}", code="invalid_setting", details=[Detail(key, str(error))]
        ) from None
    return text.strip()


def check_for_tree(key: str) -> None:
    """Raise ``InvalidRequest`` for a setting that cannot be set for one tree."""
    if declared(key).project_only:
        raise InvalidRequest(
            f"{key} is of the whole project; set it without an org tree",
            code="invalid_setting",
            details=[Detail(key, "without an org tree")],
        )


def check_profile(texts: Mapping[str, str]) -> None:
    """Refuse settings that are good alone but impossible together (sizes and bands out of order)."""
    profile = Profile.of(texts)
    if profile["pr_size.small"] > profile["pr_size.medium"]:
        raise InvalidRequest("pr_size.small must not be above pr_size.medium", code="invalid_setting")
    for metric in BANDS:
        bounds = [profile[f"ratings.{metric}.{band}"] for band in ("elite", "high", "medium")]
        if bounds != sorted(bounds, reverse=metric == "deployment_frequency"):
            raise InvalidRequest(
                f"The bounds of ratings.{metric} must run from elite to medium", code="invalid_setting"
            )
    _check_categories(profile)


def _check_categories(profile: Profile) -> None:
    """Refuse rules of a category that look at too many properties."""
    for scope in (OF_CATEGORY, OF_TEAM):
        looked_at: dict[str, list[str]] = {}
        for rule in PROPERTIES:
            for name in profile.own_texts(scope, rule):
                looked_at.setdefault(name, []).append(rule)
        for name, properties in looked_at.items():
            if len(properties) > MOST_SETS:
                key = f"{scope.partition('.')[0]}.{name}"
                raise InvalidRequest(
                    f"The rules {key}.… look at {', '.join(properties)}; those of one category can look at {MOST_SETS}",
                    code="invalid_setting",
                    details=[Detail(f"{key}.{properties[-1]}", f"at most {MOST_SETS} properties")],
                )
