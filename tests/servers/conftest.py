"""PostgreSQL, an S3 server, MLflow and Prefect with passwords, as infra/compose.yaml starts them, as processes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import boto3
import pytest
import yaml

from tests.flows.conftest import prefect_server, workspace  # noqa: F401  (fixtures)

ROOT = Path(__file__).parents[2]
PASSWORD = "t3st-only"
READY_SECONDS = 120


@pytest.fixture(scope="session")
def compose():
    """The services of infra/compose.yaml."""
    return yaml.safe_load((ROOT / "infra" / "compose.yaml").read_text())["services"]


@dataclass(frozen=True)
class PostgreSQL:
    """A server of its own: its address without a scheme, and how it is killed and started again."""

    address: str
    kill: Callable[[], None]
    start: Callable[[], None]


@pytest.fixture(scope="session")
def real_postgresql(postgresql_cluster):
    """Address, without a scheme, of a PostgreSQL that was prepared by infra/databases.sql."""
    return postgresql_cluster.address


@pytest.fixture(scope="session")
def postgresql_cluster():
    """A PostgreSQL that was prepared by infra/databases.sql."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    if os.geteuid() == 0 and shutil.which("runuser") is None:
        pytest.skip("PostgreSQL does not run as root, and runuser is not here to change the user")
    binaries = found[-1].parent
    # The folders pytest makes are closed to other users.
    folder = Path(subprocess.check_output(["mktemp", "-d", "/tmp/pg-XXXXXX"], text=True).strip())
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o644)
    data, port = str(folder / "data"), free_port()
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []

    def call(program, *arguments):
        subprocess.run(
            [*as_user, binaries / program, *arguments], check=True, capture_output=True, cwd=folder
        )

    call("initdb", "-D", data, "-U", "realmix", "-A", "scram-sha-256", "--pwfile", folder / "password",
         "-E", "UTF8", "-N")  # fmt: skip
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"

    def start():
        call("pg_ctl", "-D", data, "-l", folder / "log", "-o", options, "-w", "start")

    def kill():
        call("pg_ctl", "-D", data, "-m", "immediate", "stop")

    start()
    try:
        prepare_databases(port)
        yield PostgreSQL(f"realmix:{PASSWORD}@127.0.0.1:{port}", kill, start)
    finally:
        kill()
        shutil.rmtree(folder)


def prepare_databases(port):
    """What PostgreSQL's image does with infra/databases.sql."""
    import psycopg2

    place = {"host": "127.0.0.1", "port": port, "user": "realmix", "password": PASSWORD}
    statements = (ROOT / "infra" / "databases.sql").read_text().split(";")
    for database, wanted in (("postgres", ["CREATE DATABASE prefect"]), ("prefect", statements)):
        connection = psycopg2.connect(dbname=database, **place)
        connection.autocommit = True
        for statement in wanted:
            if statement.strip():
                connection.cursor().execute(statement)
        connection.close()


@pytest.fixture(scope="session")
def real_s3(tmp_path_factory):
    """Environment that names an S3 server of its own with the bucket `mlflow`."""
    folder = tmp_path_factory.mktemp("s3")
    port = free_port()
    named = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "realmix",
        "AWS_SECRET_ACCESS_KEY": PASSWORD,
    }
    with process([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], {}, folder):
        wait_for(f"http://127.0.0.1:{port}/moto-api/", folder)
        client = boto3.client(
            "s3",
            endpoint_url=named["AWS_ENDPOINT_URL"],
            region_name="us-east-1",
            aws_access_key_id="realmix",
            aws_secret_access_key=PASSWORD,
        )
        client.create_bucket(Bucket="mlflow")
        yield named, client


@pytest.fixture(scope="session")
def servers(compose, real_postgresql, real_s3, tmp_path_factory):
    """Environment of a client of both servers, which run with the commands of infra/compose.yaml."""
    folder = tmp_path_factory.mktemp("servers")
    prefect_port, mlflow_port = free_port(), free_port()
    quiet = {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    prefect = quiet | {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://{real_postgresql}/prefect",
        "PREFECT_SERVER_API_AUTH_STRING": f"realmix:{PASSWORD}",
    }
    mlflow = quiet | real_s3[0] | {
        "MLFLOW_BACKEND_STORE_URI": f"postgresql+psycopg2://{real_postgresql}/mlflow",
        "MLFLOW_ARTIFACTS_DESTINATION": "s3://mlflow",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_AUTH_CONFIG_PATH": str(ROOT / "infra" / "mlflow-auth.ini"),
        "MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORD + "-admin",
        "MLFLOW_FLASK_SERVER_SECRET_KEY": PASSWORD,
    }  # fmt: skip
    assert set(prefect) - {"PREFECT_HOME"} <= set(compose["prefect"]["environment"]) | set(quiet)
    assert set(mlflow) <= set(compose["mlflow"]["environment"]) | set(quiet) | set(real_s3[0])
    with ExitStack() as running:
        for name, port, named in (("prefect", prefect_port, prefect), ("mlflow", mlflow_port, mlflow)):
            (folder / name).mkdir()
            running.enter_context(process(on_loopback(compose[name]["command"], port), named, folder / name))
        wait_for(f"http://127.0.0.1:{prefect_port}/api/health", folder / "prefect")
        wait_for(f"http://127.0.0.1:{mlflow_port}/health", folder / "mlflow")
        yield quiet | {
            "PREFECT_API_URL": f"http://127.0.0.1:{prefect_port}/api",
            "PREFECT_API_AUTH_STRING": f"realmix:{PASSWORD}",
            "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{mlflow_port}",
            "MLFLOW_TRACKING_USERNAME": "admin",
            "MLFLOW_TRACKING_PASSWORD": PASSWORD + "-admin",
        }


def on_loopback(command, port):
    """A command of a container as a process of this machine."""
    swapped = {"0.0.0.0": "127.0.0.1", "5000": str(port), "4200": str(port)}
    kept = [swapped.get(part, part) for part in command if not part.startswith("mlflow:5000")]
    if "--allowed-hosts" in kept:
        kept.remove("--allowed-hosts")
    return [sys.executable, "-m", *kept]


@contextmanager
def process(command, named, folder):
    """Run a command with its group; nothing of it is left afterwards."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("PREFECT_", "MLFLOW_", "REALMIX_", "AWS_"))}  # fmt: skip
    with (folder / "log").open("ab") as log:
        started = subprocess.Popen(command, env=kept | named, cwd=folder, stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log, start_new_session=True)  # fmt: skip
    try:
        yield started
    finally:
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            started.wait(timeout=20)
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()


def wait_for(url, folder):
    """Return once a page is there."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        with suppress(OSError), urlopen(url, timeout=5):
            return
        assert time.monotonic() < deadline, (folder / "log").read_text()[-3000:]
        time.sleep(0.2)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
