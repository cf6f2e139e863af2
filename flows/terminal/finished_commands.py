"""Commands for finished studies; as in `cli`, heavy libraries are imported only where they are needed."""

from __future__ import annotations

from pathlib import Path

from realmix.flows.terminal.options import Flag
from realmix.flows.terminal.screen import console, plain, tell


def list_studies() -> None:
    """List the studies in runs/ and of registered tables, latest first.

    Also those that were interrupted: the same command again goes on with one.
    """
    from realmix.flows.terminal.run_study import RUNS
    from realmix.flows.terminal.show_study import new_table
    from realmix.flows.terminal.studies import find_studies, rows_of
    from realmix.tasks.runtime.study_folder import home

    studies = find_studies()
    if not studies:
        tell(f"No study is in {RUNS}/ or {home()}: make one with `realmix run TABLE --target COLUMN`.")
        return
    table = new_table()
    table.add_column("study", no_wrap=True)
    table.add_column("ended", no_wrap=True)
    table.add_column("table", overflow="ellipsis")
    table.add_column("rows", no_wrap=True, justify="right")
    # Wide enough for their longest words.
    table.add_column("verdict", min_width=len("interrupted"))
    table.add_column("promised gain", min_width=len("promised"))
    for row in rows_of(studies):
        table.add_row(*map(plain, row))
    console().print(table)


def show(run: str, /, *, json: Flag = False) -> None:
    """Show the verdict of a finished study.

    Parameters
    ----------
    run
        Name of the study, see `realmix list`, or its folder.
    json
        Print the core of its verdict.json instead.
    """
    from realmix.flows.terminal.show_study import print_core, print_verdict
    from realmix.flows.terminal.studies import read_tracked, study_folder

    folder = study_folder(run)
    document = read_tracked(folder)
    if json:
        print_core(document)
    else:
        print_verdict(document, folder)


def open_report(run: str, /) -> None:
    """Open the report of a finished study in the browser.

    Parameters
    ----------
    run
        Name of the study, see `realmix list`, or its folder.
    """
    import webbrowser

    from realmix.flows.terminal.studies import study_folder
    from realmix.tasks.core.errors import BadInput

    report = (study_folder(run) / "report.html").absolute()
    if not report.exists():
        raise BadInput(f"{report} is missing: run the study again to have it written.")
    print(f"Report: {report}", flush=True)
    if not webbrowser.open(report.as_uri()):
        print("No browser could be started here: open that file in one.")


def compare(run: str, other: str, /) -> None:
    """Compare two finished studies side by side.

    Parameters
    ----------
    run
        Name of a study, see `realmix list`, or its folder.
    other
        Name or folder of the other one.
    """
    from realmix.flows.terminal.collect import read_study
    from realmix.flows.terminal.show_study import compare_studies
    from realmix.flows.terminal.studies import study_folder

    folders = study_folder(run), study_folder(other)
    compare_studies((run, other), (read_study(folders[0]), read_study(folders[1])))


def collect(
    table: str | None = None,
    /,
    *,
    study: Path | None = None,
    json: Flag = False,
) -> None:
    """Show what more real rows would bring, and which ones pay best.

    Reads a finished study and fits nothing: the gain to be expected of more rows with its 80 % interval, in money
    and days where the data card has `price_per_row` and `days_per_row`, for rows as they come and for rows of each
    group that the card declares; beside it what synthetic rows bring today.

    Parameters
    ----------
    table
        Name of a registered table: its latest study.
    study
        Folder of a study by `realmix run` instead.
    json
        Print what was measured as JSON: the field `collecting` of verdict.json.
    """
    from json import dumps

    from realmix.flows.terminal.collect import chosen_study
    from realmix.tasks.core.report.collect_text import advise, measured_collecting

    document = chosen_study(table, study)
    if json:
        print(dumps(measured_collecting(document).to_dict(), indent=1))
        return
    for line in advise(document).lines:
        tell(line)
