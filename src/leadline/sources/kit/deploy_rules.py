"""Which runs of a tool that knows only runs are deployments: those whose name fits a pattern of the source's settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from leadline.errors import InvalidRequest


@dataclass(frozen=True)
class DeployRule:
    """Runs whose name fits ``pattern`` (``*``, ``?``; any letter case) deploy to ``environment`` (None: it is not said)."""

    pattern: str
    environment: str | None


@dataclass(frozen=True)
class DeployRules:
    """The rules of one source, the first that fits holds."""

    rules: tuple[DeployRule, ...] = ()

    @classmethod
    def parsed(cls, texts: Sequence[str]) -> DeployRules:
        """Rules as ``PATTERN`` or ``PATTERN=ENVIRONMENT``. Raises ``InvalidRequest`` for an empty part."""
        rules = []
        for text in texts:
            pattern, equals, environment = (part.strip() for part in text.partition("="))
            if not pattern or (equals and not environment):
                raise InvalidRequest(f"--deploys cannot be {text[:80]!r}; write 'Deploy*' or 'Deploy*=production'")
            rules.append(DeployRule(pattern, environment or None))
        return cls(tuple(rules))

    def of(self, *names: str | None) -> DeployRule | None:
        """The rule for a run that is called any of ``names``; None: it is a build."""
        lowered = [name.lower() for name in names if name]
        return next(
            (rule for rule in self.rules if any(fnmatchcase(name, rule.pattern.lower()) for name in lowered)), None
        )
