"""A throw-away PostgreSQL server and the rows it holds."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import create_engine

PASSWORD = "s3cret-w0rd"


def customers() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 90, 80),
            "Home Town": rng.choice(["Köln", "Oulu"], 80),
            "balance": rng.normal(size=80),
            "joined": pd.date_range("2026-01-01", periods=80).astype("datetime64[ns]"),
            "bought": rng.choice(["no", "yes"], 80),
        }
    )


def write_table(url: str) -> None:
    engine = create_engine(url)
    customers().to_sql("customers", engine, index=False)
    engine.dispose()


def postgresql_binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("needs PostgreSQL's server binaries (Debian: apt-get install postgresql)")
    return found[-1].parent


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def run_as_postgres(*command: str, cwd: Path) -> None:
    """PostgreSQL refuses to run as root."""
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    subprocess.run([*as_user, *command], check=True, capture_output=True, cwd=cwd)


@contextmanager
def postgresql() -> Iterator[str]:
    """A PostgreSQL server on loopback that holds the customers; its URL."""
    binaries = postgresql_binaries()
    if os.geteuid() == 0 and shutil.which("runuser") is None:
        pytest.skip("PostgreSQL does not run as root, and runuser is not here to change the user")
    # The folders pytest makes are closed to other users.
    folder = Path(subprocess.check_output(["mktemp", "-d", "/tmp/pg-XXXXXX"], text=True).strip())
    port = free_port()
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o644)
    data, password = str(folder / "data"), str(folder / "password")
    initdb = ["-D", data, "-U", "realmix", "-A", "scram-sha-256", "--pwfile", password, "-E", "UTF8", "-N"]
    run_as_postgres(str(binaries / "initdb"), *initdb, cwd=folder)
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    log = str(folder / "log")
    pg_ctl = str(binaries / "pg_ctl")
    run_as_postgres(pg_ctl, "-D", data, "-l", log, "-o", options, "-w", "start", cwd=folder)
    try:
        url = f"postgresql+psycopg2://realmix:{PASSWORD}@127.0.0.1:{port}/postgres"
        write_table(url)
        yield url
    finally:
        run_as_postgres(pg_ctl, "-D", data, "-m", "immediate", "stop", cwd=folder)
        shutil.rmtree(folder)
