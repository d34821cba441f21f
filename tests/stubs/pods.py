"""As much of Kubernetes' API as Sail's driver needs: a pod that it asks for is a ``sail worker`` process on this machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import psutil

SAIL = str(Path(sys.executable).with_name("sail"))
HERE = "127.0.0.1"
_SETTINGS = {
    "SAIL_MODE": "kubernetes-cluster",
    "SAIL_CLUSTER__DRIVER_LISTEN_HOST": HERE,
    "SAIL_CLUSTER__DRIVER_EXTERNAL_HOST": HERE,
    "SAIL_CLUSTER__WORKER_INITIAL_COUNT": "2",
    "SAIL_CLUSTER__WORKER_MAX_COUNT": "2",
    "SAIL_CLUSTER__WORKER_TASK_SLOTS": "8",
    "SAIL_CLUSTER__WORKER_HEARTBEAT_INTERVAL_SECS": "1",
    "SAIL_CLUSTER__WORKER_HEARTBEAT_TIMEOUT_SECS": "15",
    "RUST_LOG": "warn",
}


class Pods:
    """The processes that were asked for."""

    def __init__(self) -> None:
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, pod: Mapping[str, Any]) -> None:
        """Run what the pod's only container is to run. What Kubernetes would fill in is the address of this machine."""
        (container,) = pod["spec"]["containers"]
        told = {each["name"]: each.get("value") or HERE for each in container["env"]}
        env = {**os.environ, **told, "SAIL_CLUSTER__WORKER_LISTEN_HOST": HERE}
        env.pop("SAIL_MODE", None)
        self.processes.append(subprocess.Popen([SAIL, *container["args"]], env=env, stderr=subprocess.DEVNULL))

    def running(self) -> list[psutil.Process]:
        return [psutil.Process(process.pid) for process in self.processes if process.poll() is None]

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    pods: ClassVar[Pods]

    def do_POST(self) -> None:
        pod = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.pods.start(pod)
        status = {"phase": "Running", "podIP": HERE}
        pod["metadata"]["uid"] = str(uuid.uuid4())
        self._answer(201, {**pod, "apiVersion": "v1", "kind": "Pod", "status": status})

    def do_DELETE(self) -> None:
        self._answer(200, {"apiVersion": "v1", "kind": "Status", "status": "Success", "metadata": {}})

    def do_GET(self) -> None:
        self._answer(200, {"apiVersion": "v1", "kind": "PodList", "items": [], "metadata": {}})

    def _answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Not to standard error."""


@contextmanager
def running_cluster(folder: Path) -> Iterator[tuple[str, Pods]]:
    """A driver of Sail, which starts two workers for a session, and its address; all of it is gone after the block."""
    pods = Pods()
    api = ThreadingHTTPServer((HERE, 0), type("Answers", (_Answers,), {"pods": pods}))
    threading.Thread(target=api.serve_forever, daemon=True).start()
    driver = None
    try:
        with socket.socket() as free:
            free.bind((HERE, 0))
            port = free.getsockname()[1]
        command = [SAIL, "spark", "server", "--ip", HERE, "--port", str(port)]
        env = {**os.environ, **_SETTINGS, "KUBECONFIG": str(_told(folder, api.server_port))}
        driver = subprocess.Popen(
            command, env=env, stdout=subprocess.DEVNULL, stderr=(folder / "driver.log").open("wb")
        )
        _wait(port)
        yield f"sc://{HERE}:{port}", pods
    finally:
        if driver is not None:
            driver.kill()
            driver.wait()
        pods.end()
        api.shutdown()


def _told(folder: Path, port: int) -> Path:
    """The file that tells a client where the API is."""
    path = folder / "kubeconfig.json"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "here", "cluster": {"server": f"http://{HERE}:{port}"}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "anyone"}}],
        "users": [{"name": "anyone", "user": {}}],
    }
    path.write_text(json.dumps(document))
    return path


def _wait(port: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with socket.socket() as asking:
            if asking.connect_ex((HERE, port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the driver does not answer")
