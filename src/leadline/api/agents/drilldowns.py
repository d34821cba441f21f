"""Pages of the rows behind a value, as agents ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from leadline.api.agents.asking import Asker
from leadline.api.agents.words import Paged, Words
from leadline.errors import Detail, Forbidden, InvalidRequest
from leadline.exports.insights.cells import Place
from leadline.exports.insights.listing import VALUE, Listing
from leadline.field_types import Field as Checked
from leadline.field_types import refusal, shown
from leadline.json_body import Body, Instant


def _sort_option(value: Any) -> tuple[str, bool]:
    """The column, and whether downwards."""
    if isinstance(value, Mapping):
        members = {str(name).lower(): text for name, text in value.items()}
        column = next((members[name] for name in ("field", "column", "sortby", "key") if name in members), None)
        direction = next((members[name] for name in ("direction", "order", "sortorder") if name in members), "asc")
        value = f"{column} {direction}" if isinstance(column, str) else None
    if not isinstance(value, str) or not value.strip():
        raise refusal("wrong_type", 'must be a column such as "-finished_at", or {"field", "direction"}')
    column, _, direction = value.strip().removeprefix("-").partition(" ")
    downwards = value.strip().startswith("-") or direction.strip().lower() in ("desc", "descending")
    if direction.strip().lower() not in ("", "asc", "ascending", "desc", "descending"):
        raise refusal("wrong_type", f"must go asc or desc, not {shown(direction)}")
    return column.lower(), downwards


class Sorted(Paged):
    """In which order, and which page."""

    sort_option: (
        Annotated[
            tuple[str, bool],
            Checked(
                _sort_option,
                {
                    "anyOf": [
                        {"type": "string", "minLength": 1},
                        {
                            "type": "object",
                            "properties": {"field": {"type": "string"}, "direction": {"enum": ["asc", "desc"]}},
                            "required": ["field"],
                        },
                    ]
                },
            ),
        ]
        | None
    ) = Field(
        None,
        description="A column of the fact to sort by, `-` before it for downwards, or its `field` and `direction`. Default: what "
        "failed first, then the newest.",
    )

    @property
    def listing(self) -> Listing:
        """In which order, and how many at once."""
        column, downwards = self.sort_option or (VALUE, True)
        return Listing(column, downwards, most=self.page_size)


class DrilldownBody(Body):
    """One page of the rows behind a value."""

    content: list[dict[str, Any]] = Field(description="Rows of the fact (`deployments`, `work-items`), by column.")
    page: int = Field(description="Counted from 0.")
    page_size: int
    total: int = Field(description="Rows on all pages.")
    data_as_of: Instant


async def behind(
    asker: Asker, kind: str, asked: Mapping[str, Any], place: Place, model: Sorted, words: Words
) -> DrilldownBody:
    """The page that ``model`` says of what is behind the value at ``place`` in the insight of the ``kind`` that is ``asked``.
    Raises what ``Insights.listed`` raises, in ``words``."""
    state, offset = asker.state, model.page * model.page_size
    try:
        found = await state.insights.listed(
            asker.request, asker.project, kind, asked, place, asker.access, model.listing, offset=offset
        )
    except (InvalidRequest, Forbidden) as error:
        worded = words.of(error)
        details = [Detail("sortOption" if one.field == "sort" else one.field, one.message) for one in worded.details]
        raise type(worded)(worded.message, code=worded.code, details=details) from None
    return DrilldownBody(
        content=[row.row for row in found.body.rows],
        page=model.page,
        page_size=model.page_size,
        total=found.body.count,
        data_as_of=found.body.data_as_of,
    )
