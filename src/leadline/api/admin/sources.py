"""The routes of sources: listed, added, tried, run and removed. The server runs them on their schedules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Path
from pydantic import BeforeValidator, Field
from starlette.responses import Response

from leadline.administration import sources
from leadline.administration.remote_sources import NewSource, SecretNamed, add_remotely
from leadline.administration.source_kinds import SourceKindShown, source_kinds
from leadline.administration.sources import ConnectionShown, SourceShown
from leadline.api.answers import NO_STORE, new_router, refusals
from leadline.api.body import json_body
from leadline.api.caller import Admin
from leadline.db import sources as stored
from leadline.errors import NotFound
from leadline.exports.models import RequestPart
from leadline.exports.validation import validated
from leadline.json_body import Body
from leadline.sources.kit.intervals import INTERVALS, USUAL
from leadline.sources.kit.kinds import KINDS

router = new_router("admin")

_ADDED = "What was added: several, where the targets are of several accounts."
_GONE = "It is gone; what it brought stays."
_ASKED = "The source; a run waits, or is at work."

MOST = 1000
"""Targets, or texts of an option."""
Text = Annotated[str, Field(min_length=1, max_length=2000)]
Texts = Annotated[list[Text], Field(max_length=MOST)]


class SecretRequest(RequestPart):
    """Where a secret lies; one of the two."""

    env: Text | None = Field(
        None, description="The tool's own variable of the server, or one that begins with it and `_`."
    )
    file: Text | None = Field(None, description="A file of the project's folder `secrets`, by its name.")

    @property
    def named(self) -> SecretNamed:
        """As it is taken."""
        return SecretNamed(self.env or "", self.file or "")


class SourceRequest(RequestPart):
    """A source to add."""

    kind: Text = Field(json_schema_extra={"enum": list(KINDS)})
    targets: Texts | None = Field(
        None, description="What is read of the tool, as `leadline sources add KIND` takes it."
    )
    url: Text | None = Field(None, description="The tool's address, for kinds that have one.")
    options: dict[str, Text | Texts] | None = Field(None, description="Options of the kind, by name.")
    token: SecretRequest | None = None
    webhook_secret: SecretRequest | None = None
    name: Text | None = Field(None, description="What to call it; by what it reads if left out.")
    every: Text | None = Field(
        None, description=f"How often it is run: {', '.join(f'`{text}`' for text in INTERVALS)}; `{USUAL}` by default."
    )

    @property
    def asked(self) -> NewSource:
        """As it is taken."""
        options = {name: [texts] if isinstance(texts, str) else texts for name, texts in (self.options or {}).items()}
        nowhere = SecretNamed()
        return NewSource(
            self.kind,
            targets=self.targets or (),
            url=self.url or "",
            options=options,
            token=self.token.named if self.token else nowhere,
            webhook_secret=self.webhook_secret.named if self.webhook_secret else nowhere,
            name=self.name or "",
            every=self.every or USUAL,
        )


SOURCE = json_body(SourceRequest)


def source_number(text: str) -> int:
    """An id that a database could hold; another one is no source's."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise NotFound("There is no such source", code="unknown_source")
    return int(text)


SourceId = Annotated[
    int, Path(alias="sourceId", description="A source's id, as listed."), BeforeValidator(source_number)
]


class SourcesBody(Body):
    """Sources of the project."""

    sources: list[SourceShown]


class SourceKindsBody(Body):
    """The kinds of sources."""

    source_kinds: list[SourceKindShown]


@router.get("/v2/sources", response_description="By name; those too that were read once without being added.")
def list_sources(caller: Admin) -> SourcesBody:
    """List sources."""
    return SourcesBody(sources=sources.listed(caller.project, caller.now))


@router.post("/v2/sources", response_description=_ADDED, responses=refusals(409))
def add_source(caller: Admin, body: Annotated[Mapping[str, Any], Depends(SOURCE)]) -> SourcesBody:
    """Add a source."""
    added = add_remotely(caller.project, validated(SourceRequest, body).asked, caller.now)
    rows = [stored.get(caller.db, caller.project.id, settings.name) for settings in added]
    return SourcesBody(sources=[sources.shown(caller.project, row, caller.now) for row in rows])


@router.get("/v2/source-kinds", response_description="In the order in which commands list them.")
def list_source_kinds(caller: Admin) -> SourceKindsBody:
    """List the kinds of sources, and what each takes."""
    assert caller  # noqa: S101 -- whom the route is for; the answer is the same for all of them
    return SourceKindsBody(source_kinds=source_kinds())


@router.get("/v2/sources/{sourceId}", response_description="The source.", responses=refusals(404))
def get_source(caller: Admin, source_id: SourceId) -> SourceShown:
    """Show a source."""
    return sources.one(caller.project, source_id, caller.now)


@router.delete(
    "/v2/sources/{sourceId}",
    status_code=204,
    response_class=Response,
    response_description=_GONE,
    responses=refusals(404),
)
def remove_source(caller: Admin, source_id: SourceId) -> Response:
    """Remove a source."""
    sources.remove(caller.project, source_id)
    return Response(status_code=204, headers=NO_STORE)


@router.post("/v2/sources/{sourceId}/test", response_description="How it went.", responses=refusals(404, 409))
def try_source(caller: Admin, source_id: SourceId) -> ConnectionShown:
    """Try a source's connection."""
    return sources.try_connection(caller.project, source_id)


@router.post(
    "/v2/sources/{sourceId}/run",
    response_description=_ASKED,
    responses=refusals(404, 409),
)
def run_source(caller: Admin, source_id: SourceId) -> SourceShown:
    """Have a source run now."""
    return sources.ask_to_run(caller.project, source_id, caller.now)
