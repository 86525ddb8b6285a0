"""The Kubernetes manifests are valid, complete, and consistent with the settings and the rules."""

from __future__ import annotations

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from service.settings import PREFIX, Settings
from tests.deploy.kubernetes import (
    BASE,
    KUBERNETES,
    OVERLAY,
    Manifest,
    at,
    operations_of,
    read_manifests,
    resources_of,
    validate,
)
from tests.deploy.promql import RULE_FILES, load_yaml, read_rules
from tests.deploy.tools import run

ALL = list(resources_of(OVERLAY))
DOCUMENTED_KEYS = {"apiVersion", "kind", "namespace", "resources", "images", "patches"}
STOP_S = 7  # beyond the grace period, see docs/operations.md


def one(kind: str) -> Manifest:
    (found,) = [manifest for _, manifest in ALL if manifest["kind"] == kind]
    return found


POD = one("Deployment")["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
ENVIRONMENT: dict[str, str] = {entry["name"]: entry["value"] for entry in CONTAINER["env"]}
LABELS: dict[str, str] = one("Deployment")["spec"]["template"]["metadata"]["labels"]


def settings() -> Settings:
    fields = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in ENVIRONMENT.items()
        if name.startswith(PREFIX)
    }
    return Settings(**fields)  # type: ignore[arg-type]  # texts, as in an environment


@pytest.mark.parametrize("manifest", [found for _, found in ALL], ids=lambda found: found["kind"])
def test_a_manifest_is_what_the_api_takes(manifest: Manifest) -> None:
    validate(manifest)


def changed(kind: str, pointer: str, **fields: Any) -> Manifest:
    manifest = deepcopy(one(kind))
    at(manifest, pointer).update(fields)
    return manifest


@pytest.mark.parametrize(
    "wrong",
    [
        changed("Deployment", "spec", replica=2),
        changed("Deployment", "spec/template/spec/containers/0", readynessProbe={}),
        changed("Deployment", "spec/template/spec/containers/0/resources", limits=["cpu"]),
        changed("NetworkPolicy", "spec", egres=[]),
        changed("HorizontalPodAutoscaler", "spec", maxReplicas="8"),
        changed("PodMonitor", "spec/podMetricsEndpoints/0", ports="admin"),
        changed("PodMonitor", "spec/podMetricsEndpoints/0", interval=15),
    ],
    ids=["field", "inner field", "type", "list", "number", "operator's field", "operator's type"],
)
def test_a_slip_is_found(wrong: Manifest) -> None:
    with pytest.raises(Exception, match=r"(?i)additional properties|not of type"):
        validate(wrong)


@pytest.mark.parametrize("folder", [BASE, OVERLAY], ids=["base", "overlay"])
def test_a_kustomization_names_every_file_and_no_other(folder: Path) -> None:
    kustomization = load_yaml(folder / "kustomization.yaml")
    assert kustomization.keys() <= DOCUMENTED_KEYS, "look it up, then check it here"
    named = [folder / name for name in kustomization["resources"]]
    assert all(path.exists() for path in named)
    files = {path for path in folder.glob("*.yaml") if path.name != "kustomization.yaml"}
    assert {path for path in named if path.is_file()} == files


def test_every_patch_and_image_has_something_to_change() -> None:
    kustomization = load_yaml(OVERLAY / "kustomization.yaml")
    for patch in kustomization["patches"]:
        kind, name = patch["target"]["kind"], patch["target"]["name"]
        (target,) = [
            found for _, found in ALL if found["kind"] == kind and found["metadata"]["name"] == name
        ]
        for operation in operations_of(patch):
            assert operation["op"] == "remove"
            at(target, operation["path"])
    assert [image["name"] for image in kustomization["images"]] == [CONTAINER["image"]]


@pytest.mark.parametrize(
    ("kind", "pointer"),
    [
        ("Deployment", "/spec/selector/matchLabels"),
        ("Deployment", "/spec/template/spec/topologySpreadConstraints/0/labelSelector/matchLabels"),
        ("Service", "/spec/selector"),
        ("PodDisruptionBudget", "/spec/selector/matchLabels"),
        ("NetworkPolicy", "/spec/podSelector/matchLabels"),
        ("PodMonitor", "/spec/selector/matchLabels"),
    ],
)
def test_a_selector_selects_the_pods(kind: str, pointer: str) -> None:
    assert at(one(kind), pointer).items() <= LABELS.items()


@pytest.mark.parametrize(
    ("kind", "pointer"),
    [
        ("Service", "/spec/ports/0/targetPort"),
        ("NetworkPolicy", "/spec/ingress/0/ports/0/port"),
        ("NetworkPolicy", "/spec/ingress/1/ports/0/port"),
        ("PodMonitor", "/spec/podMetricsEndpoints/0/port"),
    ],
)
def test_a_port_is_one_of_the_container(kind: str, pointer: str) -> None:
    assert at(one(kind), pointer) in {port["name"] for port in CONTAINER["ports"]}


def test_the_settings_are_known_and_allowed() -> None:
    assert (
        settings().admin_port
        == {port["name"]: port for port in CONTAINER["ports"]}["admin"]["containerPort"]
    )
    folders = {mount["mountPath"] for mount in CONTAINER["volumeMounts"]}
    assert str(settings().api_keys_file.parent) in folders  # type: ignore[union-attr]  # it is set


def test_there_is_time_to_stop() -> None:
    grace_s, delay_s = settings().grace_ms / 1000, settings().drain_delay_ms / 1000
    assert POD["terminationGracePeriodSeconds"] >= grace_s + STOP_S
    assert delay_s > 0
    longest_s = max(settings().timeout_ms(task) for task in settings().tasks) / 1000
    assert grace_s >= delay_s + longest_s


@pytest.mark.parametrize(
    ("probe", "path"),
    [("startupProbe", "/livez"), ("readinessProbe", "/readyz"), ("livenessProbe", "/livez")],
)
def test_probes(probe: str, path: str) -> None:
    found = CONTAINER[probe]
    assert found["httpGet"] == {"path": path, "port": "admin"}
    assert found["timeoutSeconds"] == 2  # as docs/operations.md says


def test_what_the_container_may_do() -> None:
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    context = POD["securityContext"]
    assert (context["runAsNonRoot"], context["runAsUser"]) == (True, 1000)
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert POD["automountServiceAccountToken"] is False
    assert one("ServiceAccount")["automountServiceAccountToken"] is False
    assert one("NetworkPolicy")["spec"]["egress"] == []
    (tmp,) = [volume for volume in POD["volumes"] if "emptyDir" in volume]
    assert {"name": tmp["name"], "mountPath": "/tmp"} in CONTAINER["volumeMounts"]


def test_the_alert_knows_the_limit_of_memory() -> None:
    (expr,) = [rule.expr for rule in read_rules() if rule.name == "seqserve:memory_limit:bytes"]
    (gibibytes,) = re.fullmatch(r"(\d+)Gi", CONTAINER["resources"]["limits"]["memory"]).groups()  # type: ignore[union-attr]
    assert expr == f"vector({int(gibibytes) * 2**30})"
    assert CONTAINER["resources"]["requests"] == CONTAINER["resources"]["limits"]


def test_the_autoscaler_asks_for_what_there_is() -> None:
    text = (OVERLAY / "horizontalpodautoscaler.yaml").read_text(encoding="utf-8")
    named = dict(re.findall(r"seriesQuery: '([^{]+)\{.*\n.*\n#\s+name: \{as: (\w+)\}", text))
    assert named.keys() <= {rule.name for rule in read_rules()}
    spec = one("HorizontalPodAutoscaler")["spec"]
    assert {metric["pods"]["metric"]["name"] for metric in spec["metrics"]} == set(named.values())
    target = spec["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", one("Deployment")["metadata"]["name"])
    assert spec["minReplicas"] > one("PodDisruptionBudget")["spec"]["maxUnavailable"]


def test_prometheus_rules_are_those_of_the_files() -> None:
    found = read_manifests(run(KUBERNETES / "prometheus-rules.sh"))
    for manifest in found:
        validate(manifest)
    groups = [group for manifest in found for group in manifest["spec"]["groups"]]
    assert groups == [group for path in RULE_FILES for group in load_yaml(path)["groups"]]


@pytest.mark.tools
def test_kustomize_makes_valid_objects_of_it() -> None:
    made = read_manifests(run("kubectl", "kustomize", OVERLAY))
    assert len(made) == len(ALL)
    for manifest in made:
        validate(manifest)
        assert manifest["kind"] == "Namespace" or manifest["metadata"]["namespace"] == "seqserve"
    (deployment,) = [manifest for manifest in made if manifest["kind"] == "Deployment"]
    assert "replicas" not in deployment["spec"]
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == "registry.example.org/seqserve:0.1.0"
