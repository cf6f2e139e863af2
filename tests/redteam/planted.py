"""Secrets and personal values that are planted, and every place in which a study left them."""

from __future__ import annotations

import base64
import gzip
import io
import sqlite3
import tarfile
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet

# Environment of a command, as a team's server has it.
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIAPLANTEDKEYID0001",
    "AWS_SECRET_ACCESS_KEY": "planted/S3+secret/key",
    "AWS_SESSION_TOKEN": "planted-session-token",
    "GITHUB_TOKEN": "ghp_plantedGithubToken",
    "OPENAI_API_KEY": "sk-planted-model-key",
    "TEAM_WEBHOOK": "json://127.0.0.1:9/planted-webhook-token",
    "REALMIX_SQL_URL": "postgresql://somebody:planted-sql-password@127.0.0.1:9/none",
    "MLFLOW_TRACKING_PASSWORD": "planted-mlflow-password",
}
LOCATION_PASSWORD, LOCATION_TOKEN = "planted:location&password", "planted-location-signature"
SECRETS = (
    *(value for name, value in ENVIRONMENT.items() if name not in ("TEAM_WEBHOOK", "REALMIX_SQL_URL")),
    "planted-webhook-token",
    "planted-sql-password",
    LOCATION_PASSWORD,
    LOCATION_TOKEN,
)
# Of one person each; a column that no model sees, by its role or by what it holds.
MAIL, NOTE, IGNORED = "zq.planted.person@example.org", "planted words of one patient", "planted-ignored-7731"
# A key, and what a model does see: a label of a sensitive column, an amount.
KEY, LEVEL, AMOUNT = "planted-key-000317", "PlantedFaith", "1731.0517"
UNSEEN = (MAIL, NOTE, IGNORED)


ROWS = ("snapshots/*.parquet", "quarantine.parquet")
# Rows of the study: the table that the model was trained on, and the cache, with what fits read and wrote.
TRAINED = (*ROWS, "training.parquet", "store/*", "store/*/*.tar")
ALLOWED = {
    **dict.fromkeys(UNSEEN, ROWS),
    KEY: TRAINED,
    AMOUNT: TRAINED,
    # A model must know the labels of its features.
    LEVEL: (*TRAINED, "spec.json"),
}


def planted_table(n_rows: int = 400) -> pd.DataFrame:
    random = np.random.default_rng(5)
    age = random.integers(18, 90, n_rows)
    frame = pd.DataFrame(
        {
            "customer": [f"planted-key-{i:06d}" for i in range(n_rows)],
            "mail": [f"person{i}.{random.integers(10**6)}@example.org" for i in range(n_rows)],
            "note": [" ".join(random.choice(["calls", "often", "asks", "late", "again"], 14)) + f" {i}" for i in range(n_rows)],
            "internal": [f"internal-{random.integers(10**6)}" for _ in range(n_rows)],
            "age": age,
            "amount": random.lognormal(7, 1, n_rows).round(2),
            "faith": random.choice(["none", LEVEL, "other"], n_rows, p=[0.5, 0.2, 0.3]),
            "city": random.choice(["Ulm", "Bonn", "Kiel"], n_rows),
            "bought": np.where(age + random.normal(0, 20, n_rows) > 55, "yes", "no"),
        }
    )  # fmt: skip
    frame.loc[7, ["mail", "note", "internal", "amount"]] = [MAIL, NOTE, IGNORED, float(AMOUNT)]
    return frame


CARD = """
target: bought
positive: 'yes'
key: customer
ignore: [internal]
sensitive: [faith]
"""


def places(roots: Iterable[Path], values: Iterable[str]) -> dict[str, set[str]]:
    """Find each value in every file below some folders, also where it is compressed, quoted or encoded.

    Returns
    -------
    dict of str to set of str
        Files by value; what lies within a file stands behind a colon.
    """
    needles = {form: value for value in values for form in forms(value)}
    found: dict[str, set[str]] = defaultdict(set)
    for root in roots:
        for path in (path for path in root.rglob("*") if path.is_file() and not path.is_symlink()):
            for inner, content in contents(path):
                for needle in (needle for needle in needles if needle in content):
                    found[needles[needle]].add(f"{path.relative_to(root.parent)}{inner}")
    return found


def forms(value: str) -> set[bytes]:
    """Return a value as it is, quoted for an address, and in Base64 at each of its three offsets."""
    plain = value.encode()
    encoded = {base64.b64encode(b"x" * n + plain)[4 * (n > 0) : -4].rstrip(b"=") for n in range(3)}
    return {
        plain,
        quote(value, safe="").encode(),
        quote(value).encode(),
        *(each for each in encoded if len(each) > 8),
    }


def contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield what a file holds: its bytes, and what lies in it unpacked."""
    raw = path.read_bytes()
    yield "", raw
    if raw.startswith(b"PAR1"):
        table = pyarrow.parquet.read_table(io.BytesIO(raw))
        cells = (str(cell) for column in table.columns for cell in column.to_pylist())
        yield "", "\n".join([*cells, str(table.schema.metadata)]).encode()
    elif raw.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            yield from ((f":{name}", archive.read(name)) for name in archive.namelist())
    elif raw.startswith(b"\x1f\x8b"):
        yield "", gzip.decompress(raw)
    elif path.name == "results.sqlite":
        yield from cached(path)


def cached(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the unpacked files of each entry of the cache."""
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT n_bytes, packed FROM entries").fetchall()
    for n_bytes, packed in rows:
        archive = pyarrow.decompress(packed, decompressed_size=n_bytes, codec="zstd", asbytes=True)
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            for member in tar:
                file = tar.extractfile(member)
                yield f":{member.name}", file.read() if file else b""


def unexpected(found: Mapping[str, set[str]], allowed: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    """List the places of each value that are none of those in which it may be; patterns as of pathlib."""
    return {
        value: wrong
        for value, where in found.items()
        if (wrong := sorted(at for at in where if not any(Path(at.split(":")[0]).match(p) for p in allowed.get(value, ()))))
    }  # fmt: skip


def kinds_of_places(found: Mapping[str, set[str]]) -> list[str]:
    """List the places once for each kind of file, as a person reads them."""
    kinds = {
        "snapshots/*.parquet": "snapshot",
        "training.parquet": "training table",
        "quarantine.parquet": "quarantine",
        "store/*": "cache",
        "spec.json": "model: labels of its features",
    }
    named = set()
    for where in found.values():
        for at in where:
            path = Path(at.split(":")[0])
            named.add(next((kind for pattern, kind in kinds.items() if path.match(pattern)), path.name))
    return sorted(named)
