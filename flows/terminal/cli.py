"""The command line; heavy libraries are imported only by the commands that need them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import cyclopts
from cyclopts import Group

from realmix.flows.terminal import finished_commands as finished
from realmix.flows.terminal import maintain_commands as maintain
from realmix.flows.terminal import study_commands as study
from realmix.flows.terminal import table_commands as tables
from realmix.flows.terminal import trust_commands as trust
from realmix.flows.terminal.mlflow_pages import ui
from realmix.flows.terminal.screen import tell
from realmix.tasks.core.errors import BadInput, RealmixError
from realmix.tasks.runtime.collector import collect_seldom

app = cyclopts.App(
    name="realmix",
    help=(
        "Find out whether synthetic training rows make your model better, and get the better model.\n\n"
        "Start with `realmix preview TABLE --target COLUMN` (seconds) or `realmix run TABLE --target COLUMN` "
        "(minutes). Registered tables, cached results and MLflow's runs are stored in .realmix in the current "
        "folder, or in the folder that the environment variable REALMIX_HOME names."
    ),
    help_epilogue=(
        "Exit codes: 0 done, 1 unexpected error, 2 bad input, 3 vetoed: nothing is trained or shared, "
        "4 nothing could be decided, 130 interrupted."
    ),
    version_flags=["--version"],
    # `main` says what an interruption leaves behind.
    suppress_keyboard_interrupt=False,
    group_commands=Group("Others", sort_key=4),
)
STUDY, LOOK_AFTER, MAINTAIN = (
    Group(title, sort_key=place)
    for place, title in enumerate(("Study a table", "Look after registered tables", "Maintain"), start=1)
)
INTERRUPTED = 130


def examples(*commands: str) -> str:
    """Format the examples below the help of a command."""
    return "\n\n".join(("Examples:", *(f"`realmix {command}`" for command in commands)))


# Group, command and two examples, whose first word is the name of the command; help lists them in this order.
COMMANDS: tuple[tuple[Group, Callable[..., None], str, str], ...] = (
    (STUDY, study.run, "run customers.csv --target churned", "run --card card.yaml --budget 30m --models linear"),
    (STUDY, study.preview, "preview customers.csv --target churned", "preview --card card.yaml --metric roc_auc"),
    (STUDY, study.card, "card customers.csv --target churned", "card customers.csv --target churned --out card.yaml"),
    (STUDY, finished.list_studies, "list", "list | head"),
    (STUDY, finished.show, "show customers-20260301-101500", "show runs/mine --json"),
    (STUDY, finished.open_report, "open customers-20260301-101500", "open runs/mine"),
    (STUDY, finished.compare, "compare runs/small runs/large", "compare mine customers-20260301-101500"),
    (STUDY, ui, "ui", "ui --port 5001"),
    (STUDY, finished.collect, "collect customers", "collect --study runs/customers-20260301-101500"),
    (STUDY, trust.release, "release customers.csv --target churned --synthesizer gaussian-copula --out shared",
     "release --card card.yaml table:customers --synthesizer dp --fixed-mix --out shared"),
    (STUDY, trust.lineage, "lineage runs/mine/training.parquet", "lineage models:/customers@champion --prov"),
    (LOOK_AFTER, tables.register, "register card.yaml", "register card.yaml --name customers"),
    (LOOK_AFTER, tables.unregister, "unregister customers", "unregister old-customers"),
    (LOOK_AFTER, tables.status, "status", "status | less"),
    (LOOK_AFTER, tables.retrain, "retrain customers", "retrain customers --quiet"),
    (LOOK_AFTER, tables.watch, "watch", "watch customers"),
    (LOOK_AFTER, tables.promote, 'promote customers --reason "checked"', 'promote loans --reason "better" --by anna'),
    (LOOK_AFTER, tables.rollback, 'rollback customers --reason "wrong"', 'rollback loans --reason "wrong" --by anna'),
    (LOOK_AFTER, trust.forget, "forget customers --key 4711", "forget visits --key anna-berg bo-dahl"),
    (LOOK_AFTER, tables.up, "up", "up --prefect-port 4300 --mlflow-port 5001"),
    (LOOK_AFTER, tables.down, "down", "down && realmix up"),
    (MAINTAIN, maintain.doctor, "doctor", "doctor || echo repair me"),
    (MAINTAIN, maintain.sync, "sync", "sync && realmix ui"),
    (MAINTAIN, maintain.clean, "clean --dry-run", "clean --older-than 12w"),
)  # fmt: skip
for place, (group, command, first, second) in enumerate(COMMANDS):
    app.command(
        command, name=first.split()[0], group=group, help_epilogue=examples(first, second), sort_key=place
    )
app.register_install_completion_command(
    help="Install completion of commands and options for the shell in use (bash, zsh or fish).",
    group=MAINTAIN,
)


def main() -> None:
    """Run the command line; print an error that a user can fix as one sentence, with exit code 2."""
    # Nobody else may read what is written here: results, models and logs come from people's rows.
    os.umask(0o077)
    # No process of ours imports a file of the current folder in the place of a library.
    os.environ["PYTHONSAFEPATH"] = "1"
    collect_seldom()
    try:
        app(exit_on_error=False, print_error=False)
    except cyclopts.CycloptsError as err:
        _say(str(err))
        sys.exit(BadInput.exit_code)
    except RealmixError as err:
        _say(str(err))
        sys.exit(err.exit_code)
    except BrokenPipeError:
        os._exit(0)
    except OSError as err:
        from realmix.tasks.runtime.snapshots import explain_os_error

        _say(str(explain_os_error(err, Path(err.filename or "."))))
        sys.exit(BadInput.exit_code)
    except KeyboardInterrupt:
        _say("interrupted; nothing of this command is kept.")
        sys.stdout.flush()
        os._exit(INTERRUPTED)  # at once: libraries take seconds to end, and helpers end with this process
    except Exception:
        _say(f"unexpected error; the traceback is in {_save_traceback()}.")
        sys.exit(1)


def _say(sentence: str) -> None:
    """Print a sentence to standard error, below what was shown of the progress."""
    from realmix.flows.terminal.progress import end_progress

    end_progress()
    tell(f"realmix: {sentence}", stderr=True)


def _save_traceback() -> str:
    """Write the traceback of the current exception to a new temporary file, and return its path."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="realmix-", suffix=".log", delete=False) as file:
        traceback.print_exc(file=file)
    return file.name


if __name__ == "__main__":
    main()
