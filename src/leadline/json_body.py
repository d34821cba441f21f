"""What JSON that leaves the program is declared of: bodies with camelCase members, instants, findings of refusals."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel

from leadline.instants import rfc3339

Instant = Annotated[
    datetime,
    PlainSerializer(rfc3339, when_used="json-unless-none"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


class Body(BaseModel):
    """A JSON object. Its members are camelCase on the wire."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, serialize_by_alias=True)


class ErrorDetail(Body):
    """One refused thing."""

    field: str = Field(description="Where it is: a request field, a query parameter.")
    message: str = Field(description="What is wrong with it, or what would do.")
