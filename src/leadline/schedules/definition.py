"""What a schedule may be: the body that makes one, checked as far as it can be now, and of which days a run is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field, model_validator

from leadline.access import UNLIMITED, Access
from leadline.db import webhooks
from leadline.db.schedules import Schedule
from leadline.errors import Detail, InvalidRequest, LeadlineError, NotFound
from leadline.exports.kinds import KINDS, parse
from leadline.exports.models import RelativeDateRange, RequestPart
from leadline.exports.requests import Parsed
from leadline.exports.validation import unknown_fields, validated
from leadline.field_types import Field as Checked
from leadline.field_types import Name, one_of, refusal, shown
from leadline.home import Project
from leadline.metrics.relative_range import RelativeRange
from leadline.schedules import names
from leadline.schedules.folders import check_folder
from leadline.schedules.times import Times

LONGEST_WAIT, MOST_KEPT, MOST_DELIVERIES = 7 * 24 * 60, 1000, 20


def _whole(least: int, most: int) -> Checked:
    def check(value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            raise refusal("wrong_type", f"must be a whole number from {least} to {most}, not {shown(value)}")
        return value

    return Checked(check, {"type": "integer", "minimum": least, "maximum": most})


def _zone(value: Any) -> str:
    from leadline.settings.profile import SETTINGS

    try:
        return str(SETTINGS["timezone"].parse(value if isinstance(value, str) else ""))
    except ValueError as error:
        raise refusal("invalid_timezone", f"Invalid timezone: {shown(value)}; it must be {error}") from None


class At(RequestPart):
    """When a schedule is due, by the clocks of a time zone."""

    cron: Name = Field(
        description="Five fields: minute, hour, day of the month, month, day of the week.", examples=["0 6 1 * *"]
    )
    timezone: Annotated[str, Checked(_zone, {"type": "string"})] | None = Field(
        None, description="An IANA name; the project's if it is left out.", examples=["Europe/Berlin"]
    )


class WaitForData(RequestPart):
    """How long a run waits until every source was read after the end of its days."""

    minutes: Annotated[int, _whole(1, LONGEST_WAIT)]


class Delivery(RequestPart):
    """Where the file of a run goes, or who is told of it: one of the two."""

    folder: Name | None = Field(None, description="A folder of the server's machine, below one of `exports.folders`.")
    name: Name | None = Field(
        None, description=f"What to call the file there, with {', '.join(f'`{{{part}}}`' for part in names.PARTS)}."
    )
    webhook: Name | None = Field(None, description="The id of a webhook, which is told of its exports as of others.")

    @model_validator(mode="after")
    def _one(self) -> Delivery:
        if (self.folder is None) == (self.webhook is None) or (self.name is not None and self.folder is None):
            raise refusal("invalid_delivery", "deliver: each names a folder (with a name, if you like) or a webhook")
        return self


class ScheduleRequest(RequestPart):
    """An export that is made again and again."""

    name: Name = Field(min_length=1, examples=["Monthly productivity"])
    export: Annotated[str, one_of("export", tuple(KINDS))] = Field(description="The kind of export.")
    request: dict[str, Any] = Field(
        description='The body of its create. `dateRange` is relative to the day of the run: `{"period": "previous_month", '
        '"count": 1}`, also of weeks and quarters, or `month_to_date`.',
        examples=[{"scope": {"orgTreeName": "Engineering"}, "dateRange": {"period": "previous_month", "count": 1}}],
    )
    at: At
    wait_for_data: WaitForData | None = None
    deliver: list[Delivery] | None = Field(None, max_length=MOST_DELIVERIES)
    keep: Annotated[int, _whole(1, MOST_KEPT)] | None = Field(
        None, description="How many runs' files stay in the folders; older ones are deleted. All if it is left out."
    )
    enabled: bool | None = Field(None, description="Whether it is due at all; true by default.")


@dataclass(frozen=True)
class CheckedSchedule:
    """A body that was found good: the values of the row, and what was ignored."""

    values: Mapping[str, Any]
    warnings: tuple[str, ...]


def check(project: Project, body: Mapping[str, Any], now: datetime) -> CheckedSchedule:
    """What ``body`` makes of a schedule. Raises ``InvalidRequest`` for what cannot be, also of the request of its exports."""
    wanted = validated(ScheduleRequest, body)
    if not wanted.name.strip():
        raise InvalidRequest("name is required", code="missing_field", details=[Detail("name", "is required")])
    times = Times(" ".join(wanted.at.cron.split()), wanted.at.timezone or project.profile()["timezone"])
    times.check()
    relative_range(wanted.request)
    parsed = parsed_for(project, wanted.export, wanted.request, times.day_of(now).date())
    if parsed.since is not None:
        message = "a schedule's exports have all rows of their days; whoever loads them asks for differences"
        raise InvalidRequest(
            f"request.options.since: {message}",
            code="invalid_since",
            details=[Detail("request.options.since", message)],
        )
    deliver = [_delivery(project, target, parsed.request.format) for target in wanted.deliver or ()]
    enabled = wanted.enabled is not False
    values = {
        "name": wanted.name.strip(),
        "kind": wanted.export,
        "request": wanted.request,
        "cron": times.cron,
        "timezone": times.timezone,
        "wait_minutes": None if wanted.wait_for_data is None else wanted.wait_for_data.minutes,
        "deliver": deliver,
        "keep": wanted.keep,
        "enabled": enabled,
        "next_at": times.next_after(now) if enabled else None,
    }
    told = [f"request.{warning}" for warning in parsed.warnings]
    return CheckedSchedule(values, (*unknown_fields(ScheduleRequest, {**body, "request": {}}), *told))


def _delivery(project: Project, target: Delivery, file_format: str) -> dict[str, str]:
    if target.webhook is not None:
        try:
            return {"webhook": webhooks.get(project.db, project.id, target.webhook).id}
        except NotFound as error:
            details = [Detail("deliver.webhook", error.message)]
            raise InvalidRequest(error.message, code="unknown_webhook", details=details) from None
    folder, name = str(target.folder), target.name or names.usual(file_format)
    check_folder(folder, project.profile()["exports.folders"])
    names.check(name)
    return {"folder": folder, "name": name}


# -- days ----------------------------------------------------------------------------------------------------------------


def relative_range(request: Mapping[str, Any]) -> RelativeRange:
    """The range of a request, which must be relative. Raises ``InvalidRequest``."""
    asked = request.get("dateRange")
    if not isinstance(asked, Mapping) or asked.get("period") is None:
        message = "request.dateRange.period is required: the days are relative to that of a run, such as previous_month"
        raise InvalidRequest(message, code="invalid_period", details=[Detail("request.dateRange", message)])
    return validated(RelativeDateRange, asked).relative


def days(request: Mapping[str, Any], today: date) -> tuple[date, date]:
    """The first and last day of a run on ``today``."""
    return relative_range(request).days(today)


def parsed_for(
    project: Project, kind: str, request: Mapping[str, Any], today: date, access: Access = UNLIMITED
) -> Parsed:
    """The request of the export of a run on ``today``, within ``access``. Raises as ``exports.kinds.parse``."""
    start, end = days(request, today)
    return parse(project, body_for(request, start, end), kind, access)


def body_for(request: Mapping[str, Any], start: date, end: date) -> dict[str, Any]:
    """The body of the create of a run for these days."""
    return {**request, "dateRange": {"start": start.isoformat(), "end": end.isoformat()}}


def shows(project: Project, schedule: Schedule, access: Access, now: datetime) -> bool:
    """Whether ``access`` shows a schedule: what it could export itself, of the same teams."""
    if access == UNLIMITED:
        return True
    try:
        whole, own = (
            parsed_for(project, schedule.kind, schedule.request, now.date(), asking).request
            for asking in (UNLIMITED, access)
        )
    except LeadlineError:
        return False
    return (whole.tree, whole.team) == (own.tree, own.team)
