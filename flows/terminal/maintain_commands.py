"""Commands that maintain a home; as in `cli`, heavy libraries are imported only where they are needed."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Annotated

from cyclopts import Parameter

from realmix.flows.terminal.options import Flag
from realmix.flows.terminal.screen import tell


def doctor() -> None:
    """Check this machine's setup (folders, servers, tables) and print a fix for each problem.

    Exits with code 1 if there is a problem.
    """
    from realmix.flows.terminal.doctor import doctor as check_all

    findings = check_all()
    for finding in findings:
        tell(f"{'ok ' if finding.is_ok else 'BAD'} {finding.subject}: {finding.message}")
    if not all(finding.is_ok for finding in findings):
        sys.exit(1)


def sync() -> None:
    """Upload results that MLflow has not received yet, for example because its server was down."""
    from realmix.flows.local import environment

    environment.prepare()
    from realmix.tasks.lifecycle.promote import sync as upload

    print(f"{upload()} studies were uploaded to MLflow.")


def clean(
    *,
    older_than: Annotated[timedelta, Parameter(show_default=False)] = timedelta(days=30),
    dry_run: Flag = False,
) -> None:
    """Remove stored files that nothing needs any longer; retraining a table does this, too.

    Removes superseded studies of registered tables, snapshots, model versions and cached results, batches that
    were read, rows in quarantine, and intermediate files of other studies in the home folder. What a running
    study, a champion, its challenger or an open decision needs stays, and so do all decisions, and verdicts and
    reports in MLflow. Results of `realmix run` in folders of your own are left alone.

    Parameters
    ----------
    older_than
        Keep what is younger: for example 12w; at least 1d, default 30d. Intermediate files of finished
        studies go at any age.
    dry_run
        Only print what would be removed.
    """
    from realmix.flows.local import environment

    environment.prepare()
    from realmix.tasks.lifecycle.clean import clean as remove

    found = remove(older_than, is_dry=dry_run)
    for each in found:
        print(f"{each.n_bytes / 1e6:10.1f} MB  {each.n_removed:6,} {each.kind}")
    total = sum(each.n_bytes for each in found) / 1e6
    print(f"{total:10.1f} MB  {'would be removed' if dry_run else 'removed'}")
