"""The manifests against the schemas that Kubernetes publishes: every field is one, of the right type, in the oldest and the newest
version that they are for."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from deployed import manifests, sail_worker
from published.packages import KUBERNETES, KUBERNETES_VERSIONS, published


@pytest.fixture(scope="module", params=KUBERNETES_VERSIONS)
def definitions(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The definitions of a version."""
    (file,) = [file for file in KUBERNETES.files if f"v{request.param}-" in file]
    document: dict[str, Any] = json.loads(published(KUBERNETES, file).read_text("utf-8"))
    return document


def faults(definitions: dict[str, Any], resource: dict[str, Any]) -> list[str]:
    """What a resource has that its schema does not allow."""
    group, _, version = resource["apiVersion"].rpartition("/")
    wanted = {"group": group, "version": version, "kind": resource["kind"]}
    names = [
        name
        for name, schema in definitions["$defs"].items()
        if wanted in schema.get("x-kubernetes-group-version-kind", [])
    ]
    if len(names) != 1:
        return [f"there is no {wanted}"]
    registry: Registry[Any] = Registry().with_resource(definitions["$id"], Resource.from_contents(definitions))
    schema = {"$ref": f"{definitions['$id']}#/$defs/{names[0]}"}
    errors = Draft202012Validator(schema, registry=registry).iter_errors(resource)
    return [f"{error.json_path}: {error.message}" for error in errors]


def test_the_manifests_fit(definitions: dict[str, Any]) -> None:
    found = {
        f"{file}: {resource['kind']} {resource['metadata']['name']}": faults(definitions, resource)
        for file, resource in manifests()
    }
    assert len(found) > 15
    assert {name: said for name, said in found.items() if said} == {}


def test_the_pods_of_sails_workers_fit(definitions: dict[str, Any]) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "worker"}, "spec": sail_worker()}
    assert faults(definitions, pod) == []


def test_what_does_not_fit_is_seen(definitions: dict[str, Any]) -> None:
    (server,) = [r for _, r in manifests() if r["kind"] == "Deployment" and r["metadata"]["name"] == "server"]
    wrong = copy.deepcopy(server)
    wrong["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    wrong["spec"]["replicas"] = "two"
    said = " ".join(faults(definitions, wrong))
    assert "readinesProbe" in said
    assert "'two' is not of type" in said
