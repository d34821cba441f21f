"""A Spark Connect server in this process: Sail, which answers as Apache Spark does. Started when it is first asked for."""

from __future__ import annotations

from functools import cache
from typing import Any

from pysail.spark import SparkConnectServer

from leadline.engine.connect import client


@cache
def sail_address() -> str:
    """The address of the server, which ends with the process."""
    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    address = server.listening_address
    assert address is not None
    _KEPT.append(server)
    return f"sc://{address[0]}:{address[1]}"


def sail_session() -> Any:
    """A session of its own on the server."""
    session = client().remote(sail_address()).create()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    return session


_KEPT: list[SparkConnectServer] = []
