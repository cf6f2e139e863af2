"""The embedded Prefect server: a child process that starts while this process imports its libraries.

If no address is set, Prefect starts a server by itself, but only when a flow begins, and imports the whole
server into the flow's process as well: together 3 to 10 seconds in which nothing else happens.
"""

from __future__ import annotations

import atexit
import os
import secrets
import socket
import subprocess
import sys
import time
from urllib.request import urlopen

from realmix.flows.local.access import NO_ANSWER, USER, prefect_login
from realmix.flows.local.empty_database import place
from realmix.flows.local.tied_process import PARENT
from realmix.tasks.core.errors import RealmixError
from realmix.tasks.runtime.study_folder import home

# As Prefect itself starts it: no web pages, and only the services that a single process needs.
EMBEDDED = {
    "PREFECT_UI_ENABLED": "0",
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
    # Nobody can store a block on a server that ends with its study.
    "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
}
# Tied to this process: where it is killed, the server ends as well.
SERVER = (
    "-m",
    "realmix.flows.local.tied_process",
    "uvicorn",
    "--factory",
    "prefect.server.api.server:create_app",
)
OPTIONS = ("--lifespan", "on", "--log-level", "error", "--host", "127.0.0.1", "--port")
# Ten times what a fresh database takes on an idle machine.
PATIENCE_SECONDS = 120
POLL_SECONDS = 0.05
STOP_SECONDS = 5


class EmbeddedServer:
    """A Prefect server for this process alone; its address is set before Prefect is imported.

    Attributes
    ----------
    api_url : str
        URL on loopback, also set as ``PREFECT_API_URL``.
    """

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self._port = self._socket.getsockname()[1]
        # While this socket is bound, Linux lets the server listen on its port and gives it to nobody else.
        if sys.platform != "linux":
            self._socket.close()
        self._process: subprocess.Popen[bytes] | None = None
        self.api_url = f"http://127.0.0.1:{self._port}/api"
        os.environ["PREFECT_API_URL"] = self.api_url
        # A password for this process and its children alone, so that nobody else on the machine gets in.
        os.environ |= prefect_login(f"{USER}:{secrets.token_urlsafe(32)}")
        os.environ["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] = f"http://127.0.0.1:{self._port}"
        # Registered before Prefect is imported, so that it runs after Prefect has sent its last events.
        atexit.register(self.stop)

    def start(self) -> None:
        """Start the process; `wait` returns when it answers. The home must exist."""
        place()
        with (home() / "prefect" / "server.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", *SERVER, *OPTIONS, str(self._port)],
                # The server imports from the folder it is started in, which must not be the user's.
                cwd=home() / "prefect",
                env={**os.environ, **EMBEDDED, PARENT: str(os.getpid())},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C and signals to the group of a command reach the command, which ends its server.
                start_new_session=True,
            )

    def wait(self) -> None:
        """Wait until the server answers.

        Raises
        ------
        RealmixError
            If it ended, or does not answer within two minutes.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._answers():
            if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                raise RealmixError(
                    f"The embedded Prefect server did not start; see {home() / 'prefect' / 'server.log'}. Run the "
                    "command again, or set PREFECT_API_URL to a running server."
                )
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Stop the process; may be called more than once."""
        self._socket.close()
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _answers(self) -> bool:
        try:
            with urlopen(f"{self.api_url}/health", timeout=PATIENCE_SECONDS) as answer:
                return bool(answer.status == 200)
        except NO_ANSWER:
            return False
