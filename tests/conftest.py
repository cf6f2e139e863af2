"""Tests that need a real server are counted; a skipped one is named in the last line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

# How long one example takes says how busy the machine is.
settings.register_profile("realmix", deadline=None)
settings.load_profile("realmix")
# Fixtures that start a real server.
SERVERS = {
    "postgresql_url": "PostgreSQL",
    "s3_endpoint": "S3",
    "dask_cluster": "Dask",
    "prefect_server": "Prefect",
    "postgresql_cluster": "PostgreSQL",  # and MLflow, Prefect and S3 on it
    "browser": "Chromium",
}


def server_of(item: pytest.Item) -> str | None:
    """The server a test needs, if any."""
    names = getattr(item, "fixturenames", ())
    return next((server for fixture, server in SERVERS.items() if fixture in names), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        server = server_of(item)
        if server:
            item.user_properties.append(("server", server))


def server_tests(reporter: pytest.TerminalReporter) -> dict[str, list[tuple[str, str]]]:
    """The server and the name of each test that needed one, by whether it ran or was skipped."""
    found: dict[str, list[tuple[str, str]]] = {"run": [], "skipped": []}
    for outcome, kind in (("passed", "run"), ("failed", "run"), ("skipped", "skipped")):
        for report in reporter.stats.get(outcome, []):
            server = dict(getattr(report, "user_properties", ())).get("server")
            if server:
                found[kind].append((server, report.nodeid))
    return found


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    found = server_tests(terminalreporter)
    run, skipped = found["run"], found["skipped"]
    if run or skipped:
        named = "; skipped: " + ", ".join(sorted(name for _, name in skipped)) if skipped else ""
        terminalreporter.write_line(f"server tests: {len(run)} run, {len(skipped)} skipped{named}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Skipping PostgreSQL's tests where its binaries are is a failure, not a pass."""
    binaries = list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not binaries or reporter is None or session.config.option.collectonly:
        return
    found = {
        kind: [s for s, _ in tests if s == "PostgreSQL"] for kind, tests in server_tests(reporter).items()
    }
    if found["skipped"] and not found["run"]:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
