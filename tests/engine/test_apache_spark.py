"""Apache Spark itself, where it is: steps come out as DuckDB's. Slow, so on a handful of rows.

It needs Java and Spark 4: the folder that ``SPARK_HOME`` names, or the package ``pyspark`` with its jars, not the client alone."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadline.home import Project
from metrics.world import deliver

from .test_connect import COUNTS, NOBODY, PARENTS, found, on

UP_SECONDS = 240
CLASS = "org.apache.spark.sql.connect.service.SparkConnectServer"


def spark_home() -> Path | None:
    """The folder of a Spark that can serve, if there is one."""
    package = importlib.util.find_spec("pyspark")
    places = [os.environ.get("SPARK_HOME"), *((package.submodule_search_locations or ()) if package else ())]
    return next((Path(place) for place in places if place and any(Path(place).glob("jars/spark-connect_*.jar"))), None)


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server, which ends after the tests."""
    home, java = spark_home(), shutil.which("java")
    if home is None or java is None:
        pytest.skip("Apache Spark is not here: it needs Java, and SPARK_HOME or the package pyspark")
    folder = tmp_path_factory.mktemp("spark")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": port,
        "spark.sql.shuffle.partitions": 1,
        "spark.ui.enabled": "false",
        "spark.sql.warehouse.dir": folder / "warehouse",
    }
    options = [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
    command = [home / "bin" / "spark-submit", "--class", CLASS, "--master", "local[1]", *options, "spark-internal"]
    environ = {**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environ, stdout=log, stderr=log)
    try:
        _wait(process, port, folder / "log")
        yield f"sc://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + UP_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as asking:
            if asking.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError(log.read_text()[-2000:])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_steps_are_the_same(project: Project, spark: str) -> None:
    rows = [{"repository": "o", "sha": sha, "parents": ""} for sha in ("a", "b")]
    deliver(project, "commits", [*rows, {"repository": "p", "sha": "x", "parents": ""}])
    models = (PARENTS, COUNTS, NOBODY)
    here = [found(project, model) for model in models]
    for number, folder in enumerate(project.computed.glob("*-*")):
        folder.rename(folder.with_name(f"before{number}"))
    assert [found(on(project, spark), model) for model in models] == here
