"""A setting in force as JSON: apart from what finds it, which commands do that show it without."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from pydantic import Field

from leadline.json_body import Body

if TYPE_CHECKING:
    from leadline.administration.settings import InForce


class SettingInForce(Body):
    """A setting in force for a project or one of its org trees, as text."""

    key: str
    value: str = Field(
        description="The text in force; empty for a rule of a team, service or repository that is not set."
    )
    default: str = Field(description="What holds where nothing is set.")
    set_by: str = Field(
        alias="set",
        description="Who set it: the project, the org tree, or nobody.",
        json_schema_extra={"enum": ["", "project", "tree"]},
    )
    meaning: str

    @classmethod
    def of(cls, row: InForce) -> SettingInForce:
        """The same as JSON."""
        return cls(**asdict(row))
