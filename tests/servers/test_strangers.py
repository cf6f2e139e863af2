"""Nobody else gets in: a page of another origin in a browser, and another user of this machine."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from realmix.flows.local.access import PASSWORD
from realmix.flows.local.addresses import ADDRESSES
from realmix.flows.local.child_process import marked_processes
from realmix.flows.local.tied_process import MARK
from tests.servers.conftest import process
from tests.servers.test_servers import wait_until

# What an attacker tries: the address, the method, the type of the content, and the content.
RUN = json.dumps({"name": "attack", "flow_id": "00000000-0000-4000-8000-000000000000"})
EVENT = json.dumps(
    [{"event": "realmix.data.arrived", "resource": {"prefect.resource.id": "realmix.table.bank"}}]
)
MODEL = "/api/2.0/mlflow-artifacts/artifacts/0/run/artifacts/model/served_model.py"
ATTACKS = {
    "read runs": ("prefect", "/api/flow_runs/filter", "POST", "application/json", "{}"),
    "read settings": ("prefect", "/api/admin/settings", "GET", "", ""),
    "create a run": ("prefect", "/api/flow_runs/", "POST", "application/json", RUN),
    "create a run by a form": ("prefect", "/api/flow_runs/", "POST", "text/plain", RUN),
    "create a work pool": ("prefect", "/api/work_pools/", "POST", "application/json", '{"name":"x","type":"process"}'),
    "send an event": ("prefect", "/api/events", "POST", "application/json", EVENT),
    "read models": ("mlflow", "/api/2.0/mlflow/registered-models/search", "GET", "", ""),
    "read experiments": ("mlflow", "/ajax-api/2.0/mlflow/experiments/search?max_results=1", "GET", "", ""),
    "overwrite a model": ("mlflow", MODEL, "PUT", "text/plain", "import os"),
    "move the champion": (
        "mlflow", "/api/2.0/mlflow/registered-models/alias", "POST", "application/json",
        '{"name":"bank","alias":"champion","version":"1"}',
    ),
    "make a user": ("mlflow", "/api/2.0/mlflow/users/create", "POST", "application/json", '{"username":"eve"}'),
}  # fmt: skip
PAGE = """<!doctype html><meta charset="utf-8"><body>
<script>
const attacks = %s, password = %s;
async function answer(path, options) {
  try { return String((await fetch(path, options)).status); } catch (error) { return "refused"; }
}
async function main() {
  const found = {};
  for (const [name, [url, method, type, content]] of Object.entries(attacks)) {
    const headers = type ? {"Content-Type": type} : {};
    if (password) headers["Authorization"] = "Basic " + btoa(password);
    found[name] = await answer(url, {method, headers, body: content || undefined});
    if (!password) await answer(url, {method, body: content || undefined, mode: "no-cors", credentials: "include"});
  }
  await fetch("/found", {method: "POST", body: JSON.stringify(found)});
}
main();
</script>"""


pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A home whose `realmix up` runs servers of its own, with addresses and login."""
    folder = tmp_path_factory.mktemp("own")
    home = folder / "home"
    command = [sys.executable, "-P", "-m", "realmix", "up", "--prefect-port", "0", "--mlflow-port", "0"]
    with process(command, {"REALMIX_HOME": str(home)}, folder) as started:
        wait_until(lambda: "Ready." in (folder / "log").read_text(), 240)
        yield home, json.loads((home / ADDRESSES).read_text())
        started.terminate()
        started.wait(timeout=60)
    assert not any(found[MARK] == str(home) for _, found in marked_processes())


@pytest.fixture(scope="module")
def doctor(own):
    """What the owner sees, who types no password."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_"))}
    return subprocess.run([sys.executable, "-P", "-m", "realmix", "doctor"], capture_output=True, text=True,
                          env={**kept, "REALMIX_HOME": str(own[0])})  # fmt: skip


def aimed(addresses):
    """The attacks with the addresses of the servers."""
    at = {
        "prefect": addresses["prefect_api_url"].removesuffix("/api"),
        "mlflow": addresses["mlflow_tracking_uri"],
    }
    return {name: [at[server] + path, *rest] for name, (server, path, *rest) in ATTACKS.items()}


@pytest.fixture
def browser(tmp_path):
    """Opens a page, served from another origin of this machine, and returns what it found."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    found = []

    def visit(page):
        class Site(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(page.encode())

            def do_POST(self):
                found.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format, *args): ...

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as site:
            threading.Thread(target=site.serve_forever, daemon=True).start()
            url = f"http://localhost:{site.server_port}/"
            command = [
                chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                f"--user-data-dir={tmp_path}/profile", "--remote-debugging-port=0", url,
            ]  # fmt: skip
            with process(command, {"HOME": str(tmp_path)}, tmp_path):
                wait_until(lambda: found, 60)
            site.shutdown()
        return found.pop()

    return visit


def test_a_page_of_another_origin_neither_reads_nor_writes(own, browser):
    home, addresses = own
    before = written(home)
    found = browser(PAGE % (json.dumps(aimed(addresses)), "null"))
    assert found.keys() == ATTACKS.keys()
    # The browser shows the page no answer at all, or the server's refusal.
    assert set(found.values()) <= {"refused", "401", "403", "400"}, found
    assert written(home) == before


def test_even_with_the_password_a_page_of_another_origin_reads_nothing(own, browser):
    """What a browser would add by itself for a person who is logged in."""
    _, addresses = own
    found = browser(
        PAGE % (json.dumps(aimed(addresses)), json.dumps(addresses["login"]["PREFECT_API_AUTH_STRING"]))
    )
    assert set(found.values()) <= {"refused", "403"}, found


def written(home):
    """Flow runs, work pools and files of models."""
    import sqlite3

    with sqlite3.connect(home / "prefect" / "prefect.db") as prefect:
        counts = [
            prefect.execute(f"select count(*) from {table}").fetchone() for table in ("flow_run", "work_pool")
        ]
    return counts, sorted((home / "mlartifacts").rglob("*"))


ASKS = """
import json, sys, urllib.error, urllib.request
attacks, headers = json.load(sys.stdin)
found = {}
for name, (url, method, kind, content) in attacks.items():
    given = {**headers, **({"Content-Type": kind} if kind else {})}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, content.encode() or None, given, method=method)) as answer:
            found[name] = answer.status
    except urllib.error.HTTPError as err:
        found[name] = err.code
print(json.dumps(found))
"""


def as_stranger(command, **options):
    """Run a command as another Unix user where that is possible, else as this one."""
    other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    return subprocess.run([*other, *command], capture_output=True, text=True, cwd="/", timeout=60, **options)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic cmVhbG1peDpndWVzc2Vk"}])
def test_a_stranger_without_the_password_is_refused_everything(own, headers):
    home, addresses = own
    before = written(home)
    asked = json.dumps([aimed(addresses), headers])
    done = as_stranger(["/usr/bin/python3", "-I", "-c", ASKS], input=asked)
    assert json.loads(done.stdout) == dict.fromkeys(ATTACKS, 401), done.stderr
    assert written(home) == before


def test_another_name_of_this_machine_is_not_answered(own):
    """A page whose name is bound to 127.0.0.1 after it was loaded gets nothing even with a login."""
    url = own[1]["mlflow_tracking_uri"] + "/api/2.0/mlflow/registered-models/search"
    done = as_stranger(["/usr/bin/python3", "-I", "-c", ASKS],
                       input=json.dumps([{"read": [url, "GET", "", ""]}, {"Host": "evil.example"}]))  # fmt: skip
    assert json.loads(done.stdout) == {"read": 403}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_of_the_machine_cannot_read_the_password_anywhere(own):
    home, _ = own
    secret = (home / PASSWORD).read_text().strip()
    for parent in home.parents:
        # pytest closes its own folders: opened here, so that the modes of the home decide.
        if str(parent).startswith("/tmp/") and not parent.stat().st_mode & 0o011:
            parent.chmod(0o755)
    for name in (PASSWORD, ADDRESSES, "mlflow-users.db", "logs/worker.log"):
        denied = as_stranger(["cat", str(home / name)])
        assert denied.returncode and "ermission denied" in denied.stderr, name
    shown = as_stranger(["sh", "-c", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null; true"])
    assert "realmix" in shown.stdout and secret not in shown.stdout


def test_the_password_is_in_no_other_file_and_no_command_line(own, doctor):
    home, addresses = own
    secret = (home / PASSWORD).read_text().strip()
    assert secret not in doctor.stdout + doctor.stderr
    holders = {
        path.name for path in home.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()
    }
    assert holders == {PASSWORD, ADDRESSES}
    assert secret not in (home.parent / "log").read_text()
    for running in psutil.process_iter():
        try:
            assert not any(secret in part for part in running.cmdline())
        except psutil.Error:
            continue
    assert addresses["login"]["MLFLOW_TRACKING_PASSWORD"] == secret


def test_nothing_in_the_home_can_be_read_by_others(own):
    home, _ = own
    time.sleep(1)
    open_to_others = [path for path in (home, *home.rglob("*")) if path.lstat().st_mode & 0o077]
    assert open_to_others == []


def test_the_owner_gets_in_without_typing_anything(own, doctor):
    home, addresses = own
    assert doctor.returncode == 0, doctor.stdout
    assert addresses["mlflow_tracking_uri"] in doctor.stdout
    assert Path(home / PASSWORD).name in (home.parent / "log").read_text()
