"""Secrets that somebody types are kept as files of the project's folder, which its owner alone may read; a source says where."""

from __future__ import annotations

import re

from leadline.administration.remote_sources import SECRETS
from leadline.atomic_file import whole_file
from leadline.home import Project
from leadline.sources.kit.secrets import SecretPlace


def keep_secret(project: Project, name: str, secret: str) -> SecretPlace:
    """Keep ``secret`` in a new file called after ``name``, and return its place. Raises ``OSError`` if the disk fails."""
    folder = project.folder / SECRETS
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.")[:90] or "secret"
    taken = {path.name for path in folder.iterdir()}
    free = next(name for name in (stem, *(f"{stem}-{number}" for number in range(2, 10_000))) if name not in taken)
    with whole_file(folder / free) as path:
        path.touch(mode=0o600)
        path.write_text(f"{secret}\n", encoding="utf-8")
    return SecretPlace(file=str(folder / free))
