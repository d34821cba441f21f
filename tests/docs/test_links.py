"""Every link of the pages leads somewhere, every command in them exists, and the site builds without a warning."""

from __future__ import annotations

import pkgutil
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from typer.main import get_command

import leadline
from leadline.cli.app import app
from leadline.settings.profile import SETTINGS

from .pages import ROOT, Pages, blocks, code_words, generator, slugs

PROGRAM = get_command(app)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def resolved(page: str, target: str) -> str:
    parts: list[str] = []
    for part in (*PurePosixPath(page).parent.parts, *PurePosixPath(target).parts):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def test_links(pages: Pages) -> None:
    broken, seen = [], 0
    for page, text in pages.items():
        for link in LINK.findall(text):
            if re.match(r"https?://", link):
                continue
            seen += 1
            target, _, anchor = link.partition("#")
            path = resolved(page, target) if target else page
            if path not in pages and not (ROOT / path).is_file():
                broken.append(f"{page}: {link}")
            elif anchor and anchor not in slugs(pages[path]):
                broken.append(f"{page}: {link}, no such heading")
    assert seen > 50
    assert not broken


PACKAGES = {module.name for module in pkgutil.iter_modules(leadline.__path__)}


def test_code_that_pages_name_is_there(pages: Pages) -> None:
    """Modules, names and files: what was moved or renamed in the code is renamed in the pages, too."""
    missing, seen = [], 0
    for page, text in pages.items():
        for word in code_words(text) - SETTINGS.keys():
            if re.fullmatch(r"[a-z_]+(\.[A-Za-z_]+)+", word) and word.partition(".")[0] in PACKAGES:
                seen += 1
                try:
                    pkgutil.resolve_name(f"leadline.{word}")
                except (ImportError, AttributeError):
                    missing.append(f"{page}: {word}")
            elif re.fullmatch(r"([a-z_]+/)+([a-z_]+\.py)?", word) and word.partition("/")[0] in PACKAGES | {
                "tests",
                "sources",
            }:
                seen += 1
                if not any((root / word).exists() for root in (ROOT, ROOT / "src" / "leadline")):
                    missing.append(f"{page}: {word}")
    assert seen > 40
    assert missing == []


def test_no_link_is_dead_in_a_checkout() -> None:
    """Where nothing is built, and a code host shows the pages as they are committed."""
    dead, seen = [], 0
    for page in [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for link in LINK.findall(page.read_text("utf-8")):
            target = link.partition("#")[0]
            if target and not re.match(r"[a-z]+:", link):
                seen += 1
                dead += [] if (page.parent / target).is_file() else [f"{page.relative_to(ROOT)}: {link}"]
    assert seen > 50
    assert dead == []


def test_a_generated_page_says_in_a_checkout_where_it_is_to_be_read(pages: Pages) -> None:
    made = generator().pages()
    stand_ins = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs" / "reference").glob("*.md")}
    assert stand_ins == set(made)
    for path, text in made.items():
        stands = (ROOT / "docs" / path).read_text("utf-8")
        name = path.removesuffix(".md")
        assert stands.partition("\n")[0] == text.partition("\n")[0] == pages[f"docs/{path}"].partition("\n")[0]
        assert f"`/docs/{name}`" in stands
        assert f"`make docs`, in `site/{name}.html`" in stands
        for line in re.findall(r"`(leadline [^`]+)`", stands):
            words = [word for word in shlex.split(line)[1:] if word != "--help"]
            if words:
                parse(words)


def command_lines(text: str) -> Iterator[str]:
    """The calls of ``leadline`` in a page's blocks: whole lines, and those inside `$(…)`."""
    for block in blocks(text, "sh", "console"):
        for line in block.replace("\\\n", " ").splitlines():
            found = re.search(r"(?:^|\$\(|^\$ )(leadline .*?)(?:\)$|$)", line)
            if found and (not line.startswith((" ", "-"))):
                yield found.group(1)


def test_commands_in_pages(pages: Pages) -> None:
    """Each is parsed by the program itself: its command, options and values are good."""
    seen = 0
    for page, text in pages.items():
        if page.startswith("docs/reference/"):
            continue
        for line in command_lines(text):
            seen += 1
            try:
                parse(shlex.split(line, comments=True)[1:])
            except Exception as error:
                raise AssertionError(f"{page}: {line}: {error}") from error
    assert seen > 40


def parse(words: list[str]) -> None:
    """Read a command line as the program does, without running it."""
    if ">" in words:
        words = words[: words.index(">")]
    command = PROGRAM
    while words and words[0].startswith("--"):
        assert words[0] in {option for parameter in command.params for option in parameter.opts}
        words = words[2:]
    name = "leadline"
    while words and words[0] in getattr(command, "commands", {}):
        name, command, words = words[0], command.commands[words[0]], words[1:]
        if not words and getattr(command, "commands", {}):
            return
    if name != "leadline":
        command.make_context(name, words)
    else:
        raise AssertionError(f"no such command: {words}")


@pytest.mark.parametrize("line", ["leadline imprt data/", "leadline import --tabel x y", "leadline org load x.csv"])
def test_wrong_commands_would_be_found(line: str) -> None:
    with pytest.raises(Exception, match=r"imprt|tabel|name"):
        parse(shlex.split(line)[1:])


def _unsaid(block: str) -> list[str]:
    """The requests of a block that send JSON and do not say so."""
    requests = [request for request in re.split(r"^(?=\S)", block, flags=re.MULTILINE) if "curl " in request]
    return [
        request for request in requests if re.search(r" (-d|--data)\b", request) and "application/json" not in request
    ]


def test_requests_say_what_they_send(pages: Pages) -> None:
    """curl calls what it sends a form, which is refused."""
    assert [
        request for text in pages.values() for block in blocks(text, "sh", "bash") for request in _unsaid(block)
    ] == []


def test_a_request_that_does_not_say_what_it_sends_would_be_found() -> None:
    assert _unsaid("curl -X PUT 'http://x' -H 'a: b' \\\n  -d '{}'\ncurl 'http://x'\n") != []


def test_the_site_builds(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    built = {str(path.relative_to(tmp_path / "site")) for path in (tmp_path / "site").rglob("*") if path.is_file()}
    metrics = (tmp_path / "site" / "reference" / "metrics.html").read_text("utf-8")
    assert "PR_Cycle_Time_Days_Avg" in metrics
    assert "not kept in the repository" not in metrics
    assert {"index.html", "api.html", "openapi.json", "reference/metrics.html", "reference/commands.html"} <= built
    assert not [name for name in built if name.endswith(".py")]
