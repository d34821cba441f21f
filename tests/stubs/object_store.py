"""An object store with the API of S3, in a process of its own: a client in this one may hold the interpreter while it waits."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

_SERVER = Path(__file__).with_name("object_store_process.py")
REGION = "us-east-1"


@dataclass(frozen=True)
class ObjectStore:
    """A running store at ``address``; ``environ`` is what its clients need."""

    address: str

    @property
    def environ(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": "anyone",
            "AWS_SECRET_ACCESS_KEY": "anything",
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.address,
            "AWS_ALLOW_HTTP": "true",
        }

    def new_bucket(self) -> str:
        """The address of a new bucket."""
        name = f"lake-{uuid.uuid4().hex}"
        signed = f"AWS4-HMAC-SHA256 Credential=anyone/20260101/{REGION}/s3/aws4_request"
        httpx.put(f"{self.address}/{name}", headers={"Authorization": signed}).raise_for_status()
        return f"s3://{name}"

    def requests(self) -> int:
        """How many requests there were since this was last asked."""
        return int(httpx.get(f"{self.address}/-requests-").text)

    @contextmanager
    def trouble(self, *, every: int = 0, latency: float = 0.0) -> Iterator[None]:
        """During the block every so manieth request fails (0: none), in turn before it is carried out and after, and each takes so
        many seconds longer."""
        self._be(every, latency)
        try:
            yield
        finally:
            self._be(0, 0.0)

    def _be(self, every: int, latency: float) -> None:
        httpx.put(f"{self.address}/-trouble-", json={"every": every, "latency": latency}).raise_for_status()


@contextmanager
def running_object_store() -> Iterator[ObjectStore]:
    """A store that is gone after the block."""
    process = subprocess.Popen(
        [sys.executable, str(_SERVER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield ObjectStore(f"http://127.0.0.1:{int(process.stdout.readline())}")
    finally:
        process.terminate()
        process.wait(10)
