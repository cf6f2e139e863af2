"""A headless Chromium, spoken to by its own protocol: what a page logs, requests, shows and prints."""

from __future__ import annotations

import base64
import itertools
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

# A browser that starts on a busy machine.
PATIENCE_SECONDS = 120


class Page:
    """One tab; `log` holds errors of the console, `requests` every address that the page asked for."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection, self._numbers = connection, itertools.count(1)
        self.log: list[str] = []
        self.requests: list[str] = []
        self._loaded = 0
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol, see https://chromedevtools.github.io/devtools-protocol."""
        number = next(self._numbers)
        self._connection.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            found = json.loads(self._connection.recv(timeout=PATIENCE_SECONDS))
            if found.get("id") == number:
                assert "error" not in found, (method, found["error"])
                return dict(found["result"])
            self._note(found)

    def _note(self, event: dict[str, Any]) -> None:
        method, params = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent" and not params["request"]["url"].startswith("data:"):
            self.requests.append(params["request"]["url"])
        elif method == "Page.loadEventFired":
            self._loaded += 1
        elif method == "Runtime.exceptionThrown":
            self.log.append(str(params["exceptionDetails"]))
        elif (method == "Log.entryAdded" and params["entry"]["level"] == "error") or (
            method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning")
        ):
            self.log.append(str(params))

    def open(self, address: str, *, settle_seconds: float = 0.2) -> None:
        """Open an address and wait until it is loaded."""
        before = self._loaded
        self.send("Page.navigate", url=address)
        ends = time.monotonic() + PATIENCE_SECONDS
        while self._loaded == before and time.monotonic() < ends:
            self.run("0")
            time.sleep(0.05)
        time.sleep(settle_seconds)

    def run(self, script: str) -> Any:
        """Return the value of an expression on the page."""
        found = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def resize(self, width: int, height: int = 900) -> None:
        """Show the page as wide as this many CSS pixels."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )

    def prefer(self, scheme: str) -> None:
        """Prefer a dark or a light page."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.send("Emulation.setEmulatedMedia", features=features)

    def picture(self, path: Path, *, whole: bool = True) -> None:
        """Write a picture of the page as PNG."""
        data = self.send("Page.captureScreenshot", captureBeyondViewport=whole, format="png")["data"]
        path.write_bytes(base64.b64decode(data))

    def printed(self) -> bytes:
        """Return the page as it is printed, as PDF."""
        data = self.send("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"]
        return base64.b64decode(data)


def count_pages(pdf: bytes) -> int:
    """Count the pages of a PDF that Chromium wrote."""
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


@contextmanager
def opened_page(folder: Path) -> Iterator[Page]:
    """Start Chromium with a profile in `folder`, and end it with the context."""
    chromium = shutil.which("chromium")
    assert chromium is not None
    profile = folder / "profile"
    command = [
        chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--hide-scrollbars", f"--user-data-dir={profile}",
        "--remote-debugging-port=0", "about:blank",
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"HOME": str(folder)}
    )
    try:
        with connect(_address(profile), max_size=None, open_timeout=PATIENCE_SECONDS) as connection:
            yield Page(connection)
    finally:
        process.kill()
        process.wait()


def _address(profile: Path) -> str:
    """Return the address of the first tab once the browser has written its port."""
    import urllib.request

    file, ends = profile / "DevToolsActivePort", time.monotonic() + PATIENCE_SECONDS
    while not file.exists() or "\n" not in file.read_text():
        assert time.monotonic() < ends, "Chromium did not start"
        time.sleep(0.1)
    port = file.read_text().split("\n")[0]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as answer:
        tabs = json.loads(answer.read())
    return str(next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page"))
