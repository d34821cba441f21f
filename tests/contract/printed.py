"""What the contract's tests share: printed examples with their placeholders replaced, and shells to run them in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from leadline.settings.server import DOCUMENTED_PREFIXES

PRINTED = Path(__file__).parent

BASES = ["", "/", *(f"{prefix}/" for prefix in DOCUMENTED_PREFIXES)]
"""What a base URL may end in: nothing, a slash, and each documented path as documented, with a slash."""

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def printed(name: str, **values: str) -> str:
    """A printed example with its placeholders replaced."""
    text = (PRINTED / name).read_text()
    for placeholder, value in values.items():
        written = f"<{placeholder}>"
        if placeholder == "YOUR_SEI_API_KEY" and written not in text:
            written = placeholder
        assert written in text, f"{name} has no placeholder {written}"
        text = text.replace(written, value)
    assert not re.search("<[A-Z_]+>", text), "a placeholder is left"
    return text


def run(
    command: list[str], folder: Path, text: str | None = None, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in ``folder``, which is its home too; ``variables`` are those that the printed line uses."""
    environment = {**os.environ, "HOME": str(folder), "NO_PROXY": "*", **(variables or {})}
    return subprocess.run(
        command, input=text, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=True
    )
