"""The manifests say what is so: commands, variables, ports, probes and users that there are, and no secret."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployed import DEPLOY, ROOT, manifests, parsed, pods, sail_worker, steps
from leadline.cli.serve import WORKER_END_SECONDS
from leadline.service.server import END_SECONDS
from leadline.settings.server import ENVIRONMENT

NAMESPACE = "leadline"
PAGES = ("docs/guide/sizes.md", "docs/guide/cluster.md", "docs/operations.md")
OURS = ("server", "worker")


def named(kind: str) -> dict[str, dict[str, Any]]:
    """The resources of a kind by name."""
    return {resource["metadata"]["name"]: resource for _, resource in manifests() if resource["kind"] == kind}


def container(workload: str) -> dict[str, Any]:
    (found,) = named("Deployment")[workload]["spec"]["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("workload", OURS)
def test_what_is_started_is_a_command(workload: str) -> None:
    assert "command" not in container(workload), "the image's entry point is the program"
    parsed(container(workload)["args"])


def test_servers_have_no_workers_of_their_own() -> None:
    assert container("server")["args"] == ["serve", "--workers", "0"]


def test_variables_are_leadlines() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    told = {name for service in compose["services"].values() for name in service.get("environment", ())}
    told |= set(named("ConfigMap")["leadline"]["data"])
    texts = [(ROOT / page).read_text("utf-8") for page in PAGES]
    texts += [path.read_text("utf-8") for path in DEPLOY.rglob("*") if path.is_file()]
    told |= {name for text in texts for name in re.findall(r"\bLEADLINE_[A-Z_]*[A-Z]\b", text)}
    # Of compose itself, which makes the database's URL of it.
    assert {name for name in told if name.startswith("LEADLINE_")} - set(ENVIRONMENT) == {"LEADLINE_DATABASE_PASSWORD"}


def test_ports_and_paths_of_probes_are_the_servers() -> None:
    settings = named("ConfigMap")["leadline"]["data"]
    server = container("server")
    (port,) = server["ports"]
    assert str(port["containerPort"]) == settings["LEADLINE_PORT"]
    paths = {server[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert paths == {"/healthz", "/readyz"}
    assert paths <= set(json.loads((ROOT / "docs/openapi.json").read_text("utf-8"))["paths"])
    assert {server[probe]["httpGet"]["port"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")} == {
        port["name"]
    }


def test_services_lead_to_ports_of_pods() -> None:
    workloads = [*named("Deployment").values(), *named("StatefulSet").values()]
    for name, service in named("Service").items():
        selected = [w for w in workloads if service["spec"]["selector"].items() <= _labels(w).items()]
        assert len(selected) == 1, name
        ports = {port["name"] for port in selected[0]["spec"]["template"]["spec"]["containers"][0]["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports


def test_policies_name_pods_and_ports_that_there_are() -> None:
    workloads = [*named("Deployment").values(), *named("StatefulSet").values()]
    for name, policy in named("NetworkPolicy").items():
        wanted = policy["spec"]["podSelector"].get("matchLabels", {})
        pods_meant = [w for w in workloads if wanted.items() <= _labels(w).items()]
        assert pods_meant, name
        ports = {
            port["name"]
            for w in pods_meant
            for c in w["spec"]["template"]["spec"]["containers"]
            for port in c.get("ports", ())
        }
        assert {port["port"] for rule in policy["spec"].get("ingress", ()) for port in rule.get("ports", ())} <= ports


def _labels(workload: dict[str, Any]) -> dict[str, str]:
    labels: dict[str, str] = workload["spec"]["template"]["metadata"]["labels"]
    assert workload["spec"]["selector"]["matchLabels"] == labels
    return labels


@pytest.mark.parametrize(("workload", "seconds"), [("server", END_SECONDS + 5), ("worker", WORKER_END_SECONDS)])
def test_who_is_ended_has_time_to(workload: str, seconds: float) -> None:
    spec = named("Deployment")[workload]["spec"]["template"]["spec"]
    assert spec["terminationGracePeriodSeconds"] >= 2 * seconds


@pytest.mark.parametrize(("name", "spec"), pods(), ids=[name for name, _ in pods()])
def test_pods_are_confined(name: str, spec: dict[str, Any]) -> None:
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    # A Service called leadline would else put LEADLINE_PORT=tcp://… into the environment.
    assert spec["enableServiceLinks"] is False
    for one in spec["containers"]:
        assert one["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert {"requests", "limits"} <= set(one["resources"])
        assert "/tmp" in {mount["mountPath"] for mount in one["volumeMounts"]}
        volumes = {volume["name"] for volume in spec["volumes"]} | {"data"}
        assert {mount["name"] for mount in one["volumeMounts"]} <= volumes


def test_all_that_read_the_home_see_it_at_one_place_as_one_user() -> None:
    said = dict(steps())
    home = said["VOLUME"]
    (user,) = [rest for word, rest in steps() if word == "RUN" and "useradd" in rest]
    number = int(re.findall(r"--uid (\d+)", user)[0])
    readers = [spec for _, spec in pods() if "home" in {volume["name"] for volume in spec["volumes"]}]
    assert len(readers) == 4
    for spec in readers:
        (mounted,) = [m["mountPath"] for m in spec["containers"][0]["volumeMounts"] if m["name"] == "home"]
        assert (mounted, spec["securityContext"]["runAsUser"], spec["securityContext"]["fsGroup"]) == (
            home,
            number,
            number,
        )
    assert f"--uid {number} " in (DEPLOY / "kubernetes/sail/Containerfile").read_text("utf-8")
    assert named("ConfigMap")["leadline"]["data"]["LEADLINE_HOME"] == home


def test_no_secret_is_here() -> None:
    assert named("Secret") == {}
    page = (ROOT / PAGES[0]).read_text("utf-8")
    asked = {
        reference["secretRef"]["name"]
        for workload in OURS
        for reference in container(workload)["envFrom"]
        if "secretRef" in reference
    } | {"database"}
    for name in asked:
        assert f"kubectl --namespace {NAMESPACE} create secret generic {name} " in page


def test_everything_is_in_the_namespace() -> None:
    spaces = {r["metadata"].get("namespace") for _, r in manifests() if r["kind"] != "Namespace"}
    assert spaces == {NAMESPACE} == set(named("Namespace"))


def test_a_budget_lets_one_pod_of_each_go() -> None:
    for name, budget in named("PodDisruptionBudget").items():
        workload = named("Deployment")[name]
        assert budget["spec"]["selector"]["matchLabels"] == _labels(workload)
        assert workload["spec"]["replicas"] > budget["spec"]["maxUnavailable"]


def test_sail_is_the_one_that_is_tried_and_has_enough_slots() -> None:
    pinned = dict(
        re.findall(
            r"^(pysail|pyspark-client)==([\d.]+)", (ROOT / "requirements-dev.txt").read_text("utf-8"), re.MULTILINE
        )
    )
    text = (DEPLOY / "kubernetes/sail/Containerfile").read_text("utf-8")
    assert all(f"{name}=={version}" in text for name, version in pinned.items())
    variables = {variable["name"]: variable.get("value") for variable in container("sail")["env"]}
    image = container("sail")["image"]
    assert image == variables["SAIL_KUBERNETES__IMAGE"] == f"registry.example.com/sail:{pinned['pysail']}"
    workers, slots = (int(str(variables[f"SAIL_CLUSTER__WORKER_{what}"])) for what in ("INITIAL_COUNT", "TASK_SLOTS"))
    assert workers * slots >= 16
    assert sail_worker()["containers"][0]["name"] == "worker", "what Sail calls it: else it would be a second one"


def test_sail_knows_its_variables() -> None:
    """Each is the name of an option that its program has."""
    import pysail

    (program,) = Path(pysail.__file__).parent.glob("_native*.so")
    content = program.read_bytes()
    for variable in container("sail")["env"]:
        option = variable["name"].removeprefix("SAIL_").lower().replace("__", ".")
        assert f"key: {option}\n".encode() in content, option
