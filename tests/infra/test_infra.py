"""The files of infra/ name what exists: flows, settings, commands; and they keep no secret and no open door."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
from importlib import import_module
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from realmix.flows.local.supervisor import mlflow_command, prefect_command

INFRA = Path(__file__).parents[2] / "infra"
MANIFESTS = sorted(INFRA.glob("kubernetes/*.yaml"))


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((INFRA / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def prefect_yaml():
    return yaml.safe_load((INFRA / "prefect.yaml").read_text())


def pods():
    """Templates of pods in the manifests, by file and name."""
    for path in MANIFESTS:
        for document in yaml.safe_load_all(path.read_text()):
            if document["kind"] == "Deployment":
                yield pytest.param(document["spec"]["template"]["spec"], id=document["metadata"]["name"])


def test_every_entrypoint_is_a_flow(prefect_yaml):
    from prefect import Flow

    for deployment in prefect_yaml["deployments"]:
        module, _, name = deployment["entrypoint"].rpartition(".")
        assert isinstance(getattr(import_module(module), name), Flow)


def test_its_deployments_are_those_that_up_makes(prefect_yaml):
    from realmix.flows.deployments import ARRIVED, deployments_of
    from realmix.flows.local.names import POOL
    from realmix.tasks.core.lifecycle.records import Registered
    from realmix.tasks.core.table.card import DataCard
    from realmix.tasks.core.table.card_parts import Operation

    operation = Operation(landing="/landing", schedule="0 2 * * *")
    card = DataCard(source="table:bank", target="y", operation=operation)
    made = deployments_of(Registered("bank", card, "", "", None, None))
    written = prefect_yaml["deployments"]
    assert [one["entrypoint"] for one in written] == [one.entrypoint for one in made]
    assert {one["work_pool"]["name"] for one in written} == {POOL}
    limits = [one.get("concurrency_limit") for one in written]
    assert [limit and limit["collision_strategy"] for limit in limits] == [
        one.concurrency_options and one.concurrency_options.collision_strategy.value for one in made
    ]
    assert written[1]["triggers"][0]["expect"] == [ARRIVED]


def test_job_variables_are_those_of_their_kind_of_pool(prefect_yaml):
    known = json.loads(
        files("prefect.server.api.collections_data.views")
        .joinpath("aggregate-worker-metadata.json")
        .read_text()
    )
    kinds = {kind: worker for package in known.values() for kind, worker in package.items()}
    for kind, pool in prefect_yaml["definitions"]["work_pools"].items():
        variables = kinds[kind]["default_base_job_configuration"]["variables"]["properties"]
        assert set(pool.get("job_variables", {})) <= set(variables), kind


def test_commands_are_those_that_up_runs(compose):
    services = compose["services"]
    as_here = [part.replace("0.0.0.0", "127.0.0.1") for part in services["prefect"]["command"]]
    assert as_here == list(prefect_command(4200))
    mlflow = [part.replace("0.0.0.0", "127.0.0.1") for part in services["mlflow"]["command"]]
    assert mlflow[:6] == list(mlflow_command(5000))[:6]
    assert services["realmix"]["command"] == ["realmix", "up"]


def test_every_setting_is_one_the_libraries_know(compose):
    from mlflow import environment_variables
    from prefect.settings import Settings

    known = prefect_names(Settings) | {
        name for name in vars(environment_variables) if name.startswith("MLFLOW")
    }
    # Options of `mlflow server`, which its command line takes from the environment.
    known |= {"MLFLOW_BACKEND_STORE_URI", "MLFLOW_ARTIFACTS_DESTINATION"}
    named = {name for service in compose["services"].values() for name in service.get("environment", {})}
    ours = {name for name in named if name.startswith(("PREFECT_", "MLFLOW_"))}
    assert ours and ours <= known, ours - known


def prefect_names(model):
    """Names of the environment variables of Prefect's settings, nested ones included."""
    names = set()
    for name, found in model.model_fields.items():
        inner = found.annotation
        if hasattr(inner, "model_fields"):
            names |= prefect_names(inner)
        else:
            choices = getattr(found.validation_alias, "choices", [])
            names |= {str(choice).upper() for choice in choices}
            names.add((model.model_config.get("env_prefix") or "PREFECT_").upper() + name.upper())
    return names


def test_every_image_is_pinned(compose):
    images = [service["image"] for service in compose["services"].values()]
    images += re.findall(r"^FROM (\S+)", (INFRA / "Dockerfile").read_text(), re.MULTILINE)
    assert all(re.search(r":v?\d+\.\d+", image) for image in images), images
    (kept,) = yaml.safe_load((INFRA / "kubernetes" / "kustomization.yaml").read_text())["images"]
    assert kept["newTag"] == "0.1.0"


def test_no_secret_stands_in_a_file(compose):
    for name, service in compose["services"].items():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|KEY|AUTH_STRING|CONNECTION_URL|STORE_URI|STATE_URL", variable):
                assert "${REALMIX_" in str(value), f"{name}: {variable}"
    auth = configparser.ConfigParser()
    auth.read(INFRA / "mlflow-auth.ini")
    assert "admin_password" not in auth["mlflow"]
    assert int(auth["mlflow"]["auth_cache_ttl_seconds"]) == 60


def test_ports_are_open_to_this_machine_only(compose):
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports and all(port.startswith("127.0.0.1:") for port in ports)


def test_the_image_does_not_run_as_root():
    last = (INFRA / "Dockerfile").read_text().rpartition("\nFROM ")[2]
    assert "\nUSER 10001:10001\n" in last


def test_the_image_is_installed_by_hashes_and_from_no_second_index():
    text = (INFRA / "Dockerfile").read_text()
    assert "pip install --require-hashes --no-deps --requirement infra/image.txt" in text
    assert "extra-index" not in text, "either index could offer a package of the other's name"
    pins = [line.split("==") for line in (INFRA / "constraints.txt").read_text().split() if "==" in line]
    locked = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pins}
    assert f"--no-deps torch=={locked['torch']} " in text
    blocks = (INFRA / "image.txt").read_text().replace("\\\n", "").splitlines()
    for pin, *hashes in (block.split() for block in blocks):
        name, version = pin.split("==")
        assert locked[name] == version, f"{pin}: run `make lock`"
        assert hashes and all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", each) for each in hashes), name


def test_what_is_installed_has_boosted_trees():
    said = "".join(
        path.read_text()
        for path in [*INFRA.glob("*"), *INFRA.glob("*/*")]
        if path.is_file() and path.suffix != ".pyc"
    )
    installs = re.findall(r"^.*pip install .*\s[\"']?\.(?:\[.*)?$", said, re.MULTILINE)
    assert len(installs) == 3
    for line in installs:
        assert re.search(r"[\[,](cpu|cuda)[],]", line), line


@pytest.mark.parametrize("pod", list(pods()))
def test_pods_are_locked(pod):
    assert pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"]
    for container in pod["containers"]:
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("pod", list(pods()))
def test_volumes_of_pods_exist(pod):
    volumes = {volume["name"] for volume in pod["volumes"]}
    assert all(mount["name"] in volumes for one in pod["containers"] for mount in one["volumeMounts"])


def test_the_manifests_are_put_together():
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not here to read the kustomization")
    built = subprocess.run(
        ["kubectl", "kustomize", INFRA / "kubernetes"], capture_output=True, text=True, check=True
    )
    images = {line.split()[-1] for line in built.stdout.splitlines() if "image:" in line}
    assert images == {"realmix:0.1.0"}


def test_the_unit_is_hardened():
    unit = (INFRA / "realmix.service").read_text()
    assert "\nExecStart=/opt/realmix/bin/realmix up\n" in unit and "\nUser=realmix\n" in unit
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here to look at the unit")
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=25", INFRA / "realmix.service"]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout
