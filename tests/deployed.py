"""What is given to run leadline with, as tests read it: the steps of the container, command lines, manifests of Kubernetes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from typer.main import get_command

from leadline.cli.app import app

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"


def steps() -> Iterator[tuple[str, str]]:
    """The instructions of the container file, with what each says."""
    text = re.sub(r"\\\n\s*", "", (DEPLOY / "Containerfile").read_text("utf-8"))
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            word, _, rest = line.partition(" ")
            yield word, rest


def parsed(words: list[str]) -> None:
    """Let the program read a command line, without running it."""
    with get_command(app).make_context("leadline", list(words), resilient_parsing=False) as context:
        command = context.command
        name, sub, rest = command.resolve_command(context, [*context._protected_args, *context.args])  # type: ignore[attr-defined]
        assert sub is not None
        sub.make_context(name, rest, parent=context)


def manifests() -> list[tuple[str, dict[str, Any]]]:
    """Every resource of the manifests, with the file it is in; and the pod that Sail makes of its template."""
    found: list[tuple[str, dict[str, Any]]] = []
    for path in sorted((DEPLOY / "kubernetes").rglob("*.yaml")):
        name = path.relative_to(DEPLOY).as_posix()
        found += [(name, document) for document in yaml.safe_load_all(path.read_text("utf-8"))]
    return found


def pods() -> list[tuple[str, dict[str, Any]]]:
    """What the pods of every workload are made of, with what they are called."""
    specs = [
        (f"{name}: {document['metadata']['name']}", document["spec"]["template"]["spec"])
        for name, document in manifests()
        if document["kind"] in ("Deployment", "StatefulSet")
    ]
    return [*specs, ("the workers of sail", sail_worker())]


def sail_worker() -> dict[str, Any]:
    """What is put into the pods of Sail's workers, which Sail itself gives image and command."""
    (template,) = [
        variable["value"]
        for _, document in manifests()
        if document["kind"] == "Deployment"
        for container in document["spec"]["template"]["spec"]["containers"]
        for variable in container.get("env", ())
        if variable["name"] == "SAIL_KUBERNETES__WORKER_POD_TEMPLATE"
    ]
    spec: dict[str, Any] = json.loads(template)["spec"]
    return spec
