"""Downloads over a real socket: what each kind of client gets, byte for byte."""

from __future__ import annotations

import gzip
import hashlib
import io
import resource
import socket
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow.parquet as pq
import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.serving import BODY, EXPORTS, Answer, Client, Served, serving
from leadline.db.models import exports
from leadline.exports import service
from leadline.home import Home

HEADER = b"Granularity,Start_Date,End_Date,Developer,Email,Team,Team_Hierarchy,"


@pytest.fixture(scope="module")
def export(served: Served) -> str:
    """The path of a completed CSV export's file."""
    return f"{EXPORTS}/{served.client.completed()}/download"


@pytest.fixture(scope="module")
def stored(served: Served, export: str) -> bytes:
    """The file as it lies."""
    export_id = export.split("/")[-2]
    return service.stored_file(served.home.project(), export_id, kind="productivity").path.read_bytes()


@pytest.mark.parametrize("accept", [None, "gzip, deflate", "*", "br;q=1, gzip;q=0.1"])
def test_gzip_unless_ruled_out(served: Served, export: str, stored: bytes, accept: str | None) -> None:
    answer = served.client.send("GET", export, headers={} if accept is None else {"Accept-Encoding": accept})
    assert (answer.status, answer.body) == (200, stored)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"] == "text/csv"
    assert answer.headers["content-length"] == str(len(stored))
    assert answer.headers["content-disposition"] == 'attachment; filename="developer-insights-2025.csv"'
    assert answer.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(answer.body).startswith(HEADER)


@pytest.mark.parametrize("accept", ["identity", "", "br", "gzip;q=0", "*;q=0"])
def test_plain_csv_where_gzip_is_ruled_out(served: Served, export: str, stored: bytes, accept: str) -> None:
    answer = served.client.get(export, Accept_Encoding=accept)
    assert (answer.status, answer.body) == (200, gzip.decompress(stored))
    assert "content-encoding" not in answer.headers
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.headers["vary"] == "Accept-Encoding"


def test_the_documented_client_gets_text(served: Served, export: str, stored: bytes) -> None:
    got = requests.get(served.base + export, headers={"SEI_API_KEY": served.keys["viewer"]}, timeout=120)
    assert got.content == gzip.decompress(stored)


def test_head_has_the_headers_of_get(served: Served, export: str) -> None:
    for accept in ("gzip", "identity"):
        head = served.client.send("HEAD", export, headers={"Accept-Encoding": accept})
        get = served.client.get(export, Accept_Encoding=accept)
        assert (head.status, head.body) == (200, b"")
        own = {"date": "", "x-request-id": ""}
    assert {**head.headers, **own} == {**get.headers, **own}


def test_etag_and_if_none_match(served: Served, export: str) -> None:
    tags = {}
    for accept in ("gzip", "identity"):
        tag = tags[accept] = served.client.get(export, Accept_Encoding=accept).headers["etag"]
        assert tag.startswith('"')
        for method in ("GET", "HEAD"):
            for condition in (tag, f'"x", {tag}', f"W/{tag}", "*"):
                headers = {"Accept-Encoding": accept, "If-None-Match": condition}
                answer = served.client.send(method, export, headers=headers)
                assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", tag)
        other = served.client.get(export, Accept_Encoding=accept, If_None_Match='"other"')
        assert other.status == 200
    assert tags["gzip"] != tags["identity"]
    assert served.client.get(export, Accept_Encoding="gzip", If_None_Match=tags["identity"]).status == 200


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plain=st.booleans(), first=st.integers(0, 6000), length=st.integers(1, 6000))
def test_ranges_are_slices(served: Served, export: str, stored: bytes, plain: bool, first: int, length: int) -> None:
    whole = gzip.decompress(stored) if plain else stored
    accept = "identity" if plain else "gzip"
    answer = served.client.get(export, Accept_Encoding=accept, Range=f"bytes={first}-{first + length - 1}")
    if first >= len(whole):
        assert answer.status == 416
        assert answer.headers["content-range"] == f"bytes */{len(whole)}"
        assert answer.json["code"] == "range_not_satisfiable"
    else:
        last = min(first + length, len(whole)) - 1
        assert (answer.status, answer.body) == (206, whole[first : last + 1])
        assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(whole)}"


def test_if_range(served: Served, export: str, stored: bytes) -> None:
    tag = served.client.get(export).headers["etag"]
    part = served.client.get(export, Range="bytes=-5", If_Range=tag)
    assert (part.status, part.body) == (206, stored[-5:])
    whole = served.client.get(export, Range="bytes=-5", If_Range='"old"')
    assert (whole.status, whole.body) == (200, stored)


def test_an_interrupted_download_goes_on(served: Served, export: str, stored: bytes) -> None:
    first = served.client.get(export, Range="bytes=0-99")
    rest = served.client.get(export, Range="bytes=100-", If_Range=first.headers["etag"])
    assert first.body + rest.body == stored


def test_compression_none_is_always_plain(served: Served) -> None:
    export = served.client.completed({**BODY, "options": {"compression": "none"}})
    answer = served.client.get(f"{EXPORTS}/{export}/download", Accept_Encoding="gzip")
    assert answer.body.startswith(HEADER)
    assert "content-encoding" not in answer.headers


def test_parquet(served: Served) -> None:
    export = served.client.completed({**BODY, "options": {"format": "parquet"}})
    answer = served.client.get(f"{EXPORTS}/{export}/download", Accept_Encoding="gzip")
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    assert "content-encoding" not in answer.headers
    assert pq.read_table(io.BytesIO(answer.body)).num_rows == 48
    assert answer.headers["content-disposition"].endswith('.parquet"')
    tag = answer.headers["etag"]
    assert served.client.get(f"{EXPORTS}/{export}/download", Accept_Encoding="identity").headers["etag"] == tag


def test_jsonl(served: Served) -> None:
    export = served.client.completed({**BODY, "options": {"format": "jsonl"}})
    answer = served.client.get(f"{EXPORTS}/{export}/download")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert len(gzip.decompress(answer.body).splitlines()) == 48


def test_an_expired_file_is_404_before_it_is_cleaned_away(served: Served) -> None:
    export = served.client.completed(cache_control="no-cache")
    with served.home.db.write() as connection:
        ended = exports.update().where(exports.c.id == export).values(expires_at=datetime(2020, 1, 1, tzinfo=UTC))
        connection.execute(ended)
    for method in ("GET", "HEAD"):
        assert served.client.send(method, f"{EXPORTS}/{export}/download").status == 404
    assert served.client.get(f"{EXPORTS}/{export}/download").json["code"] == "export_expired"
    poll = served.client.get(f"{EXPORTS}/{export}").json
    assert poll["status"] == "completed"
    assert "download" not in poll
    assert served.client.create().json["exportId"] != export, "what has no file serves nobody else"


def test_a_lost_file_is_404(served: Served) -> None:
    export = served.client.completed(cache_control="no-cache")
    service.stored_file(served.home.project(), export, kind="productivity").path.unlink()
    answer = served.client.get(f"{EXPORTS}/{export}/download")
    assert (answer.status, answer.json["code"]) == (404, "export_expired")


@pytest.mark.parametrize("accept", ["identity", "gzip"])
@pytest.mark.parametrize("left", [0, 20, -20])
def test_a_damaged_file_is_no_half_truth(served: Served, left: int, accept: str) -> None:
    """An empty answer or the beginning of a file would be taken for the file."""
    export = served.client.completed(cache_control="no-cache")
    path = service.stored_file(served.home.project(), export, kind="productivity").path
    path.write_bytes(path.read_bytes()[:left])
    for method in ("GET", "HEAD"):
        answer = served.client.send(method, f"{EXPORTS}/{export}/download", headers={"Accept-Encoding": accept})
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert "damaged" in served.client.get(f"{EXPORTS}/{export}/download", Accept_Encoding=accept).json["error"]


@dataclass(frozen=True)
class Large:
    """A large file in the shape the service gives."""

    path: Path
    sha256: str
    size: int
    filename: str = "large.csv"
    content_type: str = "text/csv"
    gzip: bool = True
    plain: bool = False


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is reported in KiB on Linux alone")
def test_memory_does_not_grow_with_the_file(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = 200 << 20
    path = tmp_path / "large.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(size >> 20):
            file.write(b"0123456789abcdef" * (1 << 16))
    large = Large(path, hashlib.sha256(b"large").hexdigest(), path.stat().st_size)
    monkeypatch.setattr(service, "stored_file", lambda *_, **__: large)
    with serving(home, workers=0) as running:
        got = streamed(running.client, "gzip")  # everything is imported and warm from here on
        assert got == path.stat().st_size
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert streamed(running.client, "identity") == size
        assert tail(running.client, size).body == b"abcdef"
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 60 * 1024, f"{grown} KiB for a file of {size >> 10} KiB"


def streamed(client: Client, accept: str) -> int:
    """Read a download without keeping it; its length."""
    headers = {"SEI_API_KEY": str(client.key), "Accept-Encoding": accept}
    with requests.get(f"{client.base}{EXPORTS}/x/download", headers=headers, stream=True, timeout=120) as answer:
        return sum(len(block) for block in answer.raw.stream(1 << 20, decode_content=False))


def tail(client: Client, size: int) -> Answer:
    """The last six bytes of the plain file."""
    return client.get(f"{EXPORTS}/x/download", Accept_Encoding="identity", Range=f"bytes={size - 6}-")


# -- over a raw socket -------------------------------------------------------------------------------------------------


def exchanged(served: Served, method: str, path: str, *headers: str) -> tuple[int, dict[str, str], bytes]:
    """The answer to a request that is sent as it stands."""
    place = urlsplit(served.base)
    lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close", f"x-api-key: {served.client.key}", *headers]
    with socket.create_connection((place.hostname, place.port), 30) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        raw = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    return (
        int(first.split()[1]),
        {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)},
        body,
    )


MANY = {
    "a thousand": ",".join(f"{at * 2}-{at * 2}" for at in range(1000)),
    "overlapping": ",".join(["0-"] * 1000),
    "suffixes": ",".join(["-1"] * 1000),
    "two": "0-0,2-2",
    "with an odd one": "0-0,x,2-2",
}


@pytest.mark.parametrize("ranges", MANY)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_many_ranges_are_answered_with_the_whole_file_once(
    served: Served, export: str, stored: bytes, ranges: str, method: str
) -> None:
    status, headers, body = exchanged(served, method, export, "Accept-Encoding: gzip", f"Range: bytes={MANY[ranges]}")
    assert status == 200
    assert int(headers["content-length"]) == len(stored)
    assert "content-range" not in headers
    assert body == (stored if method == "GET" else b"")


def test_more_ranges_than_a_head_holds_are_refused(served: Served, export: str) -> None:
    ranges = ",".join(["0-"] * 5_700)
    assert exchanged(served, "GET", export, f"Range: bytes={ranges}")[0] == 431


@pytest.mark.parametrize("if_range", ['"old"', 'W/"weak"', "Mon, 05 Jan 2026 10:00:00 GMT", '"a", "b"', "*", ""])
def test_a_range_of_another_version_is_the_whole_file(
    served: Served, export: str, stored: bytes, if_range: str
) -> None:
    sent = ("Accept-Encoding: gzip", "Range: bytes=0-9", f"If-Range: {if_range}")
    status, headers, body = exchanged(served, "GET", export, *sent)
    assert (status, int(headers["content-length"]), body) == (200, len(stored), stored)


def test_head_has_no_ranges(served: Served, export: str, stored: bytes) -> None:
    status, headers, body = exchanged(served, "HEAD", export, "Accept-Encoding: gzip", "Range: bytes=0-9")
    assert (status, int(headers["content-length"]), body) == (200, len(stored), b"")


@pytest.mark.parametrize("accept", ["gzip", "identity", None])
def test_the_address_can_say_the_encoding(served: Served, export: str, stored: bytes, accept: str | None) -> None:
    headers = {} if accept is None else {"Accept-Encoding": accept}
    plain = served.client.send("GET", f"{export}?encoding=none", headers=headers)
    assert (plain.status, plain.body) == (200, gzip.decompress(stored))
    assert plain.headers["content-type"] == "text/csv"
    packed = served.client.send("GET", f"{export}?encoding=GZIP", headers=headers)
    assert (packed.status, packed.body) == (200, stored)
    assert packed.headers["content-type"] == "application/gzip"
    assert packed.headers["content-disposition"] == 'attachment; filename="developer-insights-2025.csv.gz"'
    for answer in (plain, packed):
        assert {"content-encoding", "vary"}.isdisjoint(answer.headers)
        again = served.client.send("GET", f"{export}?encoding=none", headers={"If-None-Match": answer.headers["etag"]})
        assert again.status == (304 if answer is plain else 200)
    part = served.client.send("GET", f"{export}?encoding=gzip", headers={"Range": "bytes=2-9"})
    assert (part.status, part.body) == (206, stored[2:10])
    head = served.client.send("HEAD", f"{export}?encoding=gzip")
    assert head.headers["content-length"] == str(len(stored))


def test_an_encoding_that_cannot_be_is_refused(served: Served, export: str) -> None:
    unknown = served.client.get(f"{export}?encoding=br")
    assert (unknown.status, unknown.json["details"][0]["field"]) == (400, "encoding")
    body = {**BODY, "options": {**BODY.get("options", {}), "format": "parquet"}}
    parquet = f"{EXPORTS}/{served.client.completed(body)}/download"
    refused = served.client.get(f"{parquet}?encoding=gzip")
    assert (refused.status, refused.json["details"][0]["field"]) == (400, "encoding")
    assert served.client.get(f"{parquet}?encoding=none").status == 200
