"""A study whose table, location and environment hold planted values: where each of them lies afterwards."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
from urllib.parse import quote

import pytest

from tests.redteam.planted import (
    ALLOWED,
    CARD,
    ENVIRONMENT,
    LOCATION_PASSWORD,
    LOCATION_TOKEN,
    SECRETS,
    forms,
    kinds_of_places,
    places,
    planted_table,
    unexpected,
)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The folder in which a study of a table on a web server ran, its home and its temporary files; what it printed."""
    place = tmp_path_factory.mktemp("planted")
    content = planted_table().to_csv(index=False).encode()

    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_HEAD = do_GET

        def log_message(self, format, *args): ...

    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_"))}
    folders = {name: place / name for name in ("home", "tmp", "work")}
    for folder in folders.values():
        folder.mkdir()
    (folders["work"] / "card.yaml").write_text(CARD)
    environment = kept | ENVIRONMENT | {"REALMIX_HOME": str(folders["home"]), "TMPDIR": str(folders["tmp"])}
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        login = f"somebody:{quote(LOCATION_PASSWORD, safe='')}"
        url = f"http://{login}@127.0.0.1:{site.server_port}/customers.csv?sig={LOCATION_TOKEN}"
        options = [
            "--card",
            "card.yaml",
            "--synthesizers",
            "sequential-trees",
            "--models",
            "linear",
            "--ratios",
            "1",
        ]
        command = [
            sys.executable,
            "-P",
            "-m",
            "realmix",
            "run",
            url,
            *options,
            "--budget",
            "60s",
            "--out",
            "out",
        ]
        done = subprocess.run(command, cwd=folders["work"], env=environment, text=True, capture_output=True)
        site.shutdown()
    assert done.returncode == 0, done.stderr
    return place, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_secrets_are_written_nowhere(study):
    place, said = study
    assert places([place], SECRETS) == {}
    assert not [value for value in SECRETS if value in said]


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_personal_values_are_in_tables_alone(study, record_property):
    place, said = study
    found = places([place], ALLOWED)
    assert found.keys() == ALLOWED.keys(), "what was planted is not in the snapshot: nothing was tested"
    record_property("places of personal values", ", ".join(kinds_of_places(found)))
    assert unexpected(found, ALLOWED) == {}
    assert not [value for value in ALLOWED if value in said]


def test_the_search_finds_what_is_compressed_quoted_or_encoded(tmp_path):
    import base64
    import gzip

    import pandas as pd

    from realmix.tasks.runtime.cache import Cache, make_cache

    (tmp_path / "a.log").write_text(f"url {quote(LOCATION_PASSWORD)}")
    (tmp_path / "b.gz").write_bytes(gzip.compress(LOCATION_PASSWORD.encode()))
    (tmp_path / "c.txt").write_bytes(base64.b64encode(f"user:{LOCATION_PASSWORD}!".encode()))
    pd.DataFrame({"x": [LOCATION_PASSWORD]}).to_parquet(tmp_path / "d.parquet")
    (tmp_path / "home").mkdir()
    Cache(make_cache(tmp_path / "home")).put("key", {"found": LOCATION_PASSWORD})
    found = places([tmp_path], [LOCATION_PASSWORD])[LOCATION_PASSWORD]
    assert len({at.split(":")[0] for at in found}) == 5
    assert all(form for form in forms(LOCATION_PASSWORD))
