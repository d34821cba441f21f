"""Files over HTTPS from their settings: addresses, table, format and header checked, and the connector made."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from leadline.errors import InvalidRequest
from leadline.formats.files import table_of
from leadline.schema import TABLES, Table, table_named
from leadline.sources.kit.secrets import one_line
from leadline.sources.kit.server_url import split
from leadline.sources.kit.settings import Folders, SourceSettings, named
from leadline.sources.remote_files.download import Download, Secret
from leadline.sources.remote_files.source import Files
from leadline.sources.remote_files.streams import FORMATS, FileStream, name_of

if TYPE_CHECKING:
    from leadline.sources.kit.client import Client

DEVELOPERS = TABLES["developers"]
_EXAMPLE = "https://data.example.com/incidents.csv"
_SECRET = re.compile(r"token|secret|passw|signature|credential|api_?key|^(key|sig|auth|pwd)$", re.IGNORECASE)
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def checked(settings: SourceSettings) -> list[SourceSettings]:
    """One per address. Raises ``InvalidRequest`` for an address, a table, a format or a header that cannot be."""
    file_format, header = settings.option("format"), settings.option("header")
    if file_format is not None and file_format.lower().removeprefix(".") not in FORMATS:
        raise InvalidRequest(f"--format cannot be {file_format[:40]!r}; it is one of {', '.join(FORMATS)}")
    if header is not None and not _HEADER.fullmatch(header):
        raise InvalidRequest(f"--header cannot be {header[:40]!r}; write the name of a header, as X-Api-Key")
    tree = settings.option("org-tree")
    sources = []
    for target in settings.targets:
        url, parts = target.strip(), split(target.strip(), "The address", _EXAMPLE)
        if "://" not in url:
            url = f"https://{url}"
        if secret := next((name for name, _ in parse_qsl(parts.query) if _SECRET.search(name)), None):
            raise InvalidRequest(
                f"The address has a secret in it ({secret[:40]}), and addresses are stored; send it in a header: put it into a "
                "variable or a file, and name that with --token-env or --token-file (and the header with --header)"
            )
        table = _table(settings, name_of(url))
        if tree is not None and table is not DEVELOPERS:
            raise InvalidRequest(f"--org-tree is made of developers, not of {table.name}")
        address = url.partition("://")[2].partition("?")[0].partition("#")[0].lower()
        whole = url.partition("#")[0]
        name = f"files:{address.rstrip('/')}"[:200]
        sources.append(named(settings, name, [whole], in_full=f"files:{whole.partition('://')[2]}"))
    return sources


def connect(settings: SourceSettings, secret: str | None, client: Callable[..., Client], folders: Folders) -> Files:
    """The connector. Raises ``Unusable`` if ``secret`` cannot be sent in a header."""
    url, place = settings.targets[0], settings.secret_place
    header = settings.option("header") or "Authorization"
    value = one_line(secret, place) if secret else None
    if value and header.lower() == "authorization":
        value = f"Bearer {value}"
    http = client(tool=urlsplit(url).netloc, headers={"User-Agent": "leadline", "Accept": "*/*"})
    sent = Secret(header, value, place.text) if value else Secret("", "", place.text)
    table = _table(settings, name_of(url))
    download = Download(http, url, name_of(url) or table.name, sent)
    file_format = (settings.option("format") or "").lower().removeprefix(".") or None
    return Files(FileStream(download, table, file_format, folders.temp, settings.option("org-tree")))


def _table(settings: SourceSettings, name: str) -> Table:
    if option := settings.option("table"):
        return table_named(option)
    if (table := table_of(Path(name))) is None:
        raise InvalidRequest(
            f"{name or 'The address'} is not named after a table; name the table (--table): {', '.join(TABLES)}",
            code="unknown_table",
        )
    return table
