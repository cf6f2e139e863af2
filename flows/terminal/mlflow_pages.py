"""`realmix ui`: MLflow's pages over the results of all studies."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping


def ui(*, port: int = 5000) -> None:
    """Show the results of all studies in MLflow's web pages, on this machine only.

    Starts MLflow's server until Ctrl-C; if MLFLOW_TRACKING_URI or `realmix up` names one, prints its address.

    Parameters
    ----------
    port
        Port of 127.0.0.1 to serve the pages on.
    """
    from realmix.flows.local import environment
    from realmix.flows.local.access import PASSWORD, USER, mlflow_access
    from realmix.flows.local.addresses import running
    from realmix.flows.local.supervisor import mlflow_command, mlflow_store
    from realmix.tasks.core.urls import without_secrets
    from realmix.tasks.runtime.settings import settings
    from realmix.tasks.runtime.study_folder import home
    from realmix.tasks.study.tracking_store import pages_of

    environment.prepare()
    environment.make_home()
    uri = settings().mlflow_tracking_uri
    login = f"user {USER}, password in {home() / PASSWORD}"
    if uri.startswith("http"):
        is_ours = uri == (running() or {}).get("mlflow_tracking_uri") and (home() / PASSWORD).exists()
        print(f"MLflow: {without_secrets(uri)}/{RUNS_PAGE}{f' ({login})' if is_ours else ''}")
        return
    check_port(port)
    address = f"http://127.0.0.1:{port}"
    print(f"MLflow on {uri} ({login}; stop with Ctrl-C)")
    print("\n".join(start_lines(address, pages_of(uri))), flush=True)
    os.environ |= {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **mlflow_store()}
    environment.set_defaults(mlflow_access(port))
    # MLflow's server imports from the folder it is started in; only a relative store needs that folder.
    if "sqlite:///" not in uri or "sqlite:////" in uri:
        os.chdir(home())
    os.execv(sys.executable, [sys.executable, "-P", "-m", *mlflow_command(port)])


# Without it MLflow opens on a page for generative AI.
RUNS_PAGE = "#/experiments?workflowType=machine_learning"


def start_lines(address: str, pages: Mapping[str, str]) -> list[str]:
    """Name the address of each table's studies; MLflow's own list of them leads into its pages for generative AI.

    Examples
    --------
    >>> start_lines("http://127.0.0.1:5000", {"bank": "#/experiments/1/runs"})
    ['Start here, at the studies of a table:', '  bank: http://127.0.0.1:5000/#/experiments/1/runs']
    """
    if not pages:
        return [
            "It holds no study yet: `realmix run TABLE --target COLUMN` makes one.",
            f"All tables: {address}/{RUNS_PAGE}",
        ]
    return [
        "Start here, at the studies of a table:",
        *(f"  {name}: {address}/{page}" for name, page in pages.items()),
    ]


def check_port(port: int) -> None:
    """Refuse a port that another program uses, or that is none.

    Raises
    ------
    BadInput
    """
    import socket

    from realmix.tasks.core.errors import BadInput

    if not 0 < port < 2**16:
        raise BadInput(f"--port {port} is no port: choose one from 1024 to 65535, for example 5001.")
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except PermissionError as err:
            raise BadInput(
                f"--port {port} is reserved for the system: choose another, for example 5001."
            ) from err
        except OSError as err:
            raise BadInput(
                f"Port {port} is in use by another program, perhaps another `realmix ui`: open "
                f"http://127.0.0.1:{port}, or choose another one: realmix ui --port {port + 1 if port < 65535 else 5001}."
            ) from err
