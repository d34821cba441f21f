"""The kinds of sources as they are shown to who adds one, made of the kinds' declarations."""

from __future__ import annotations

from pydantic import Field

from leadline.json_body import Body
from leadline.sources.kit.kinds import KINDS, Kind


class OptionShown(Body):
    """An option of a kind."""

    name: str
    form: str = Field(description="How it is written.")
    meaning: str
    many: bool = Field(description="Whether it may have several values.")


class SourceKindShown(Body):
    """A kind of source, and what it takes."""

    kind: str
    title: str
    reads: str
    target_form: str = Field(description="How a target is written.")
    target_meaning: str
    target_needed: bool
    url_meaning: str | None = Field(description="Null for a kind that has no address.")
    url_needed: bool
    token_env: str | None = Field(description="The variable that its token is in by default; null: it has none.")
    token_needed: bool
    webhook_secret_env: str | None = Field(description="The variable of the secret of its webhooks; null: it has none.")
    options: list[OptionShown]

    @classmethod
    def of(cls, kind: Kind) -> SourceKindShown:
        """A kind."""
        return cls(
            kind=kind.name,
            title=kind.title,
            reads=kind.about,
            target_form=kind.metavar,
            target_meaning=kind.targets,
            target_needed=kind.target_needed,
            url_meaning=kind.url or None,
            url_needed=kind.url_needed,
            token_env=kind.secret_env or None,
            token_needed=bool(kind.secret_env) and kind.secret_needed,
            webhook_secret_env=kind.webhook_env if kind.webhooks else None,
            options=[
                OptionShown(name=option.name, form=option.metavar, meaning=option.help, many=option.many)
                for option in kind.options
            ],
        )


def source_kinds() -> list[SourceKindShown]:
    """Every kind, in the order in which commands list them."""
    return [SourceKindShown.of(kind) for kind in KINDS.values()]
