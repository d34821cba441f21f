"""The pictures of the README: they are there, small, of the size that the command takes, and told to who does not see them."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "pictures"
MOST_BYTES = 120_000


def size_of(picture: bytes) -> tuple[int, int]:
    """Width and height of a WebP file as Chromium writes it (RFC 9649: a lossy bitstream, perhaps behind an extended header)."""
    assert (picture[:4], picture[8:12]) == (b"RIFF", b"WEBP")
    if picture[12:16] == b"VP8X":
        return tuple(1 + int.from_bytes(picture[at : at + 3], "little") for at in (24, 27))  # type: ignore[return-value]
    assert picture[12:16] == b"VP8 "
    width, height = (int.from_bytes(picture[at : at + 2], "little") & 0x3FFF for at in (26, 28))
    return width, height


def test_the_pictures_are_those_that_the_command_takes_and_small() -> None:
    declared = runpy.run_path(str(ROOT / "examples" / "pictures.py"))
    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.webp" for name in declared["SCREENS"]}
    for path in FOLDER.iterdir():
        content = path.read_bytes()
        assert 20_000 < len(content) < MOST_BYTES
        assert size_of(content) == (declared["SIZE"]["width"], declared["SIZE"]["height"])


def test_the_readme_shows_and_tells_each() -> None:
    shown = re.findall(r"^!\[([^\]]+)\]\(docs/pictures/(\S+)\)$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert [name for _, name in shown] == ["delivery.webp", "productivity.webp"]
    assert all(len(text) > 60 for text, _ in shown)
