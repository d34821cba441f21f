"""Which developers a request asks for, by its query. The documented names of paging and sorting (`pageIndex`, `pageSize`,
`sortKey`) and those of all other lists here (`page`, `limit`, `sortBy`) mean the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

from pydantic import Field

from leadline.api.query import (
    MUST_BE,
    MayBeAbsent,
    PageNumber,
    Parameters,
    ShortText,
    SortOrder,
    invalid_parameters,
    whole,
)
from leadline.errors import Detail, InvalidRequest
from leadline.field_types import Field as Checked
from leadline.field_types import refusal
from leadline.people.fields import field_of
from leadline.people.history import FROM_BEGINNING, day_of
from leadline.people.records import Record, Wanted, fields_of
from leadline.people.violations import shown

MOST = 1000
"""Developers on a page."""


class TreeQuery(Parameters):
    """Which org tree a request is about."""

    org_tree_name: MayBeAbsent[ShortText] = Field(
        None, description="Which org tree; may be left out if the project has only one, or one called `Organization`."
    )


def _first_day(value: Any) -> date:
    text = value if isinstance(value, str) else "several"
    try:
        return day_of(text, "")
    except InvalidRequest as error:
        raise refusal(MUST_BE, error.details[0].message) from None


FirstDay = Annotated[
    date, Checked(_first_day, {"anyOf": [{"type": "string", "format": "date"}, {"const": FROM_BEGINNING}]})
]
"""A local day, or ``BEGINNING``."""


class ChangeQuery(TreeQuery):
    """Which org tree a change is about, and the day from which it is in force."""

    since: MayBeAbsent[FirstDay] = Field(
        None,
        alias="from",
        description="The day from which the change is in force, or `beginning`; today by default (the first list: from the "
        "beginning). What is in force from a later day stays as it is.",
    )


class DayQuery(Parameters):
    """As of which day a tree is shown."""

    at: MayBeAbsent[FirstDay] = Field(
        None, description="As it is in force on this day, or at the `beginning`; today by default."
    )


class PastTreeQuery(DayQuery, TreeQuery):
    """Which org tree is shown, and as of which day."""


def _emails(value: Any) -> list[str]:
    texts = value if isinstance(value, list) else [value]
    return [email.strip().lower() for text in texts for email in text.split(",") if email.strip()]


def _no_numbers(value: Any) -> None:
    if any(text.strip(" []") for text in (value if isinstance(value, list) else [value])):
        raise refusal("invalid_parameter", "developers have no numbers here; name them as emails")


_PageSize = Annotated[int, whole(1, MOST)]


class DevelopersQuery(PastTreeQuery):
    """Which developers of which tree, and which page of them."""

    search: MayBeAbsent[ShortText] = Field(None, description="Only developers with this text in any field.")
    search_key: MayBeAbsent[ShortText] = Field(None, description="The field that `searchValue` is looked for in.")
    search_value: MayBeAbsent[ShortText] = Field(
        None, description="Only developers with this text in that field; without one, in any."
    )
    emails: Annotated[list[str], Checked(_emails, {"type": "string"})] = Field(
        default_factory=list, description="Only these developers, separated by commas; may be repeated."
    )
    sort_by: MayBeAbsent[ShortText] = Field(None, description="The field to sort by; email by default.")
    sort_key: MayBeAbsent[ShortText] = Field(None, description="The same as `sortBy`.")
    sort_order: SortOrder = Field("asc", description="Which way to sort.")
    page: PageNumber = Field(0, description="Which page, counted from 0.")
    page_index: PageNumber = Field(0, description="The same as `page`.")
    limit: _PageSize = Field(50, description="Developers on a page.")
    page_size: _PageSize = Field(50, description="The same as `limit`.")
    developer_ref_ids: Annotated[None, Checked(_no_numbers, {"type": "string"})] = Field(
        None, description="Not here: developers are named as `emails`."
    )

    @property
    def slice(self) -> tuple[int, int]:
        """The page and the most developers on it, by either of their names."""
        set_fields = self.model_fields_set
        return (
            self.page if "page" in set_fields else self.page_index,
            self.limit if "limit" in set_fields else self.page_size,
        )

    def wanted(self) -> Wanted:
        """Which developers. Raises ``InvalidRequest`` for a key without a value."""
        if self.search_key is not None and self.search_value is None:
            raise invalid_parameters([Detail("searchValue", "required beside searchKey")])
        keyed = self.search_key is not None
        return Wanted(
            emails=frozenset(self.emails) if self.emails else None,
            search=self.search or ("" if keyed else self.search_value or ""),
            key=self.search_key,
            value=(self.search_value or "") if keyed else "",
            sort=self.sort_by or self.sort_key or "email",
            descending=self.sort_order == "desc",
        )


def check_fields(wanted: Wanted, developers: Sequence[Record]) -> None:
    """Refuse to search or sort by what is no field of any developer, naming the fields there are."""
    fields = fields_of(developers)
    refused = [
        Detail(name, f"{shown(text)} is no field; one of {', '.join(fields)}")
        for name, text in (("searchKey", wanted.key), ("sortBy", wanted.sort))
        if text is not None and field_of(text) not in fields
    ]
    if refused:
        raise invalid_parameters(refused)
