"""The form of a schedule: when its export is made, where its file goes, and the body of the API that the form says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leadline.administration.schedules import ScheduleShown
from leadline.administration.webhooks import WebhookShown
from leadline.metrics.relative_range import RelativeRange, relative_range
from leadline.page.export_form import ExportForm, body_of


def days_words(days: RelativeRange) -> str:
    """Of which days a run is, seen from the day on which it is."""
    if days.count == 0:
        return f"The {days.unit} so far"
    return f"The {days.unit} before" if days.count == 1 else f"The {days.count} {days.unit}s before"


_OFFERED = ("last-week", "last-month", "last-3-months", "last-quarter", "last-12-months", "this-month", "this-quarter")
DAYS = {text: days_words(relative_range(text)) for text in _OFFERED}
"""Ranges to choose from, each in words."""
OWN_CRON = "own"
WHEN = {
    "0 6 1 * *": "On the first of each month, 6:00",
    "0 6 * * 1": "On Mondays, 6:00",
    "0 6 1 1,4,7,10 *": "On the first of each quarter, 6:00",
    "0 6 * * *": "Every day, 6:00",
    OWN_CRON: "By the cron line below",
}


WORDS = {
    "name": "Name",
    **dict.fromkeys(("at.cron", "cron"), "Cron line"),
    **dict.fromkeys(("at.timezone", "timezone"), "Time zone"),
    **dict.fromkeys(("waitForData.minutes", "waitForData"), "Minutes to wait for data"),
    "keep": "Runs whose files are kept",
    "deliver.folder": "Folder",
    "deliver.name": "File",
    "deliver.webhook": "Webhook that is told",
}
"""The label of each field of a schedule's body, for refusals."""


@dataclass(frozen=True)
class ScheduleForm:
    """When a schedule is due and what becomes of its files. ``typed`` is what somebody typed, or what the schedule has;
    ``timezone`` is that of the project; ``webhooks`` can be told."""

    typed: Mapping[str, str]
    timezone: str
    webhooks: Sequence[WebhookShown] = ()
    when: Sequence[tuple[str, str]] = tuple(WHEN.items())
    days: Sequence[tuple[str, str]] = tuple(DAYS.items())

    def value(self, name: str, default: object = "") -> str:
        """What a field has."""
        return self.typed.get(name, str(default))

    @property
    def enabled(self) -> bool:
        """Whether it is due at all."""
        return self.value("enabled", "yes") == "yes"

    @property
    def endpoints(self) -> list[tuple[str, str]]:
        """The webhooks to choose from."""
        return [("", "Nobody"), *((webhook.id, f"{webhook.url} ({webhook.id})") for webhook in self.webhooks)]

    @property
    def cron(self) -> str:
        """The cron line that is meant."""
        chosen = self.value("when", next(iter(WHEN)))
        return self.value("cron").strip() if chosen == OWN_CRON else chosen

    @property
    def body(self) -> dict[str, Any]:
        """The members of a schedule that the form says, as the API takes them."""
        wait, keep = self.value("wait").strip(), self.value("keep").strip()
        return {
            "name": self.value("name").strip(),
            "at": {"cron": self.cron, "timezone": self.value("timezone").strip() or None},
            "waitForData": {"minutes": whole(wait)} if wait else None,
            "keep": whole(keep) if keep else None,
            "enabled": self.enabled,
        }

    @property
    def deliver(self) -> list[dict[str, str]]:
        """Where the files of runs go, and who is told."""
        folder, name = self.value("folder").strip(), self.value("file").strip()
        folders = [{"folder": folder, **({"name": name} if name else {})}] if folder or name else []
        webhook = self.value("webhook")
        return [*folders, *([{"webhook": webhook}] if webhook else [])]


def new_body(form: ScheduleForm, export: ExportForm) -> dict[str, Any]:
    """The body that makes the schedule of ``form`` for the export that ``export`` says."""
    request = body_of(export, whole_trees=True)
    return {**form.body, "export": export.kind.name, "request": request, "deliver": form.deliver}


def words_of(export: ExportForm) -> dict[str, str]:
    """What both forms together call the fields of the body that they make."""
    return {**export.words, **{f"request.{field}": word for field, word in export.words.items()}, **WORDS}


def changed_body(form: ScheduleForm, schedule: ScheduleShown) -> dict[str, Any]:
    """The body that changes ``schedule`` to what ``form`` says; what its exports are and where they go stays."""
    deliver = [target.model_dump(by_alias=True, exclude_none=True) for target in schedule.deliver]
    return {**form.body, "export": schedule.export, "request": schedule.request, "deliver": deliver}


def fields_of(schedule: ScheduleShown) -> dict[str, str]:
    """The fields that say what ``schedule`` has."""
    cron = schedule.at.cron
    return {
        "name": schedule.name,
        "when": cron if cron in WHEN else OWN_CRON,
        "cron": cron,
        "timezone": schedule.at.timezone,
        "wait": str(schedule.wait_for_data.minutes) if schedule.wait_for_data else "",
        "keep": str(schedule.keep or ""),
        "enabled": "yes" if schedule.enabled else "",
    }


def whole(text: str) -> int | str:
    """``text`` as the number that it is; else as it is, which the schedule refuses with what would do."""
    return int(text) if text.isascii() and text.isdigit() else text
