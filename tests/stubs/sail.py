"""A Spark Connect server in this process: Sail, which answers as Apache Spark does. Started when it is first asked for."""

from __future__ import annotations

import importlib
import sys
from functools import cache
from typing import Any

import pytest
from pysail.spark import SparkConnectServer


@cache
def sail_address() -> str:
    """The address of the server, which ends with the process."""
    _import_client()
    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    address = server.listening_address
    assert address is not None
    _KEPT.append(server)
    return f"sc://{address[0]}:{address[1]}"


def _import_client() -> None:
    """The client takes a process whose main module has no file for one that tries out examples in docstrings, and ends it: a
    process of the tests that runs beside others is such a one."""
    main = sys.modules["__main__"]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(main, "__file__", __file__, raising=False)
        importlib.import_module("pyspark.sql.connect.session")


def sail_session() -> Any:
    """A session of its own on the server."""
    from pyspark.sql import SparkSession

    session = SparkSession.builder.remote(sail_address()).create()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    return session


_KEPT: list[SparkConnectServer] = []
