"""The profile of a project or of one org tree: every setting declared once, with its default, check and meaning.

Stored text comes in, a ``Profile`` of typed values goes out. A tree's profile is the project's with the tree's own values
over it. The settings page of the docs and ``leadline settings`` are generated from ``SETTINGS``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from leadline.errors import Detail, InvalidRequest
from leadline.settings import rules

Check = Callable[[str], Any]


@dataclass(frozen=True)
class Setting:
    """One setting: ``parse`` turns its text into the typed value or raises ``ValueError`` with what would do."""

    key: str
    default: str
    parse: Check
    doc: str
    choices: str = ""


def _choice(*values: str) -> Check:
    def parse(text: str) -> str:
        if (value := text.strip().lower()) not in values:
            raise ValueError(f"one of {', '.join(values)}")
        return value

    return parse


def _whole(minimum: int, maximum: int) -> Check:
    def parse(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text.strip()) or not minimum <= int(text) <= maximum:
            raise ValueError(f"a whole number from {minimum} to {maximum}")
        return int(text)

    return parse


def _number(text: str) -> float:
    """A number, or a fraction: one a week is exactly `1/7`, which no decimal is."""
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?|\d{1,9}/0*[1-9]\d{0,8}", text.strip()):
        raise ValueError("a number of 0 or more, such as 1.5 or 1/7")
    return float(Fraction(text.strip()))


def _boolean(text: str) -> bool:
    if (value := text.strip().lower()) not in ("true", "false"):
        raise ValueError("true or false")
    return value == "true"


@cache
def _zones() -> frozenset[str]:
    # Reads the whole time zone folder.
    return frozenset(available_timezones())


def _timezone(text: str) -> str:
    # ZoneInfo also opens paths such as "posix/…" or "../x"; only the published names are accepted.
    known = _zones()
    if (name := text.strip()) in known:
        return name
    for zone in known:
        if zone.lower() == name.lower():
            return zone
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    raise ValueError("an IANA time zone such as Europe/Berlin" + (f"; near: {', '.join(near)}" if near else ""))


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))


STAGES = ("planning", "coding", "review", "build", "deploy")


def _stages(text: str) -> tuple[str, ...]:
    chosen = _names(text)
    if not chosen or not set(chosen) <= set(STAGES):
        raise ValueError(f"a comma-separated choice of {', '.join(STAGES)}")
    return tuple(stage for stage in STAGES if stage in chosen)


BANDS = {
    "lead_time": (("1", "7", "30"), "days, below"),
    "deployment_frequency": (("1", "1/7", "1/30"), "deployments per day, at least"),
    "change_failure_rate": (("15", "20", "30"), "percent, below"),
    "time_to_restore": (("1/24", "1", "7"), "days, below"),
}


def _band_settings() -> list[Setting]:
    return [
        Setting(f"ratings.{metric}.{band}", default, _number, f"Bound of the band {band.capitalize()} ({meaning}).")
        for metric, (defaults, meaning) in BANDS.items()
        for band, default in zip(("elite", "high", "medium"), defaults, strict=True)
    ]


SETTINGS: dict[str, Setting] = {
    setting.key: setting
    for setting in (
        Setting("timezone", "UTC", _timezone, "IANA time zone: periods and coding days are local.", "an IANA name"),
        Setting("bots", "", _names, "Further bot accounts, comma-separated."),
        Setting("pr_size.small", "10", _whole(1, 10**8), "Changed lines below which a pull request is small."),
        Setting("pr_size.medium", "100", _whole(1, 10**8), "Changed lines below which it is medium; else large."),
        Setting("rework.window_days", "30", _whole(0, 36500), "Days within which reworked code is recent."),
        Setting("rework.method", "file", _choice("file"), "How the age of reworked code is found.", "file"),
        Setting(
            "work_items.complete_from",
            "created",
            _choice("created", "started"),
            "Where the time to complete a work item starts.",
            "created, started",
        ),
        Setting(
            "lead_time.unit",
            "auto",
            _choice("auto", "work_items", "pull_requests"),
            "Unit of lead time.",
            "auto, work_items, pull_requests",
        ),
        Setting("lead_time.stages", ",".join(STAGES), _stages, "Stages that lead time sums.", ", ".join(STAGES)),
        Setting(
            "lead_time.work",
            "completed",
            _choice("completed", "deployed"),
            "All completed work, or only deployed work.",
            "completed, deployed",
        ),
        Setting(
            "lead_time.order",
            "enforce",
            _choice("enforce", "exceptions"),
            "A negative stage counts 0 (enforce) or is left out (exceptions).",
            "enforce, exceptions",
        ),
        Setting(
            "deployments.first_carries",
            "false",
            _boolean,
            "Whether a first known deployment carries all before it.",
            "true, false",
        ),
        Setting(
            "cfr.source",
            "pipelines",
            _choice("pipelines", "incidents"),
            "What tells that a deployment failed.",
            "pipelines, incidents",
        ),
        *_band_settings(),
        Setting(
            "exports.reuse",
            "window",
            _choice("window", "unchanged"),
            "Reuse an identical export within the window, or only while no newer data has landed.",
            "window, unchanged",
        ),
        Setting("exports.reuse_minutes", "30", _whole(0, 10**6), "Minutes within which an identical export is reused."),
        Setting("exports.keep_days", "30", _whole(1, 36500), "Days a finished export's file is kept."),
        Setting("exports.max_range_days", "1830", _whole(1, 36600), "Longest date range of an export, in days."),
    )
}

TEAM_RULES: dict[str, tuple[Check, str]] = {
    **{
        name: (rules.parse_filters, f"Filter sets of a team over the {name}: `equals a, b; not contains c`.")
        for name in ("repository", "service", "pipeline", "environment", "project", "tag", "label")
    },
    "work_type": (
        rules.parse_work_types,
        "Work types of a team: `feature = Story, Epic; bug = Bug`; others are other.",
    ),
    "integrations": (
        rules.parse_integrations,
        "Sources that a team uses: `SCM = github:example; IM = jira:shop`. For people to see: nothing is filtered by it, and "
        "teams below have their own.",
    ),
}


@dataclass(frozen=True)
class Profile:
    """Typed values of every setting of a project or tree, and the team rules by team key."""

    values: Mapping[str, Any]
    texts: Mapping[str, str]
    """The same values as canonical text, what ``leadline settings`` shows."""
    team_rules: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, *layers: Mapping[str, str]) -> Profile:
        """A profile from stored texts, later layers over earlier ones (project, then tree)."""
        texts = {setting.key: setting.default for setting in SETTINGS.values()}
        for layer in layers:
            texts.update(layer)
        values = {key: SETTINGS[key].parse(text) for key, text in texts.items() if key in SETTINGS}
        team_rules: dict[str, dict[str, Any]] = {}
        for key, text in texts.items():
            if key not in SETTINGS:
                _, team, rule = split_team_key(key)
                team_rules.setdefault(team, {})[rule] = TEAM_RULES[rule][0](text)
        return cls(values, texts, team_rules)

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    def rule_texts(self, *names: str) -> dict[str, str]:
        """The texts of the team rules called ``names``, of any team, by key."""
        return {
            key: text for key, text in self.texts.items() if key not in SETTINGS and split_team_key(key)[2] in names
        }

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which periods and coding days are local."""
        return ZoneInfo(self["timezone"])


def split_team_key(key: str) -> tuple[str, str, str]:
    """``team.<key>.<rule>`` taken apart; raises ``InvalidRequest`` if it is none or the rule is unknown."""
    head, _, rest = key.partition(".")
    team, _, rule = rest.rpartition(".")
    if head != "team" or not team or rule not in TEAM_RULES:
        raise unknown_setting(key)
    return head, team, rule


def unknown_setting(key: str) -> InvalidRequest:
    """The refusal of a key that is no setting, with the nearest ones."""
    names = [*SETTINGS, *(f"team.<key>.{rule}" for rule in TEAM_RULES)]
    near = difflib.get_close_matches(key, names, n=3) or names
    return InvalidRequest(
        f"There is no setting {key!r}; settings are {', '.join(near)}",
        code="unknown_setting",
        details=[Detail(key, f"one of {', '.join(names)}")],
    )


def check(key: str, text: str) -> str:
    """The text to store for ``key``; raises ``InvalidRequest`` naming the key, the value and what would do."""
    try:
        if key in SETTINGS:
            SETTINGS[key].parse(text)
        else:
            TEAM_RULES[split_team_key(key)[2]][0](text)
    except ValueError as error:
        raise InvalidRequest(
            f"{key} cannot be {text!r}; it must be {error}", code="invalid_setting", details=[Detail(key, str(error))]
        ) from None
    return text.strip()


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
