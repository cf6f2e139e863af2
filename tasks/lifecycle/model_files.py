"""Compare the files of a model version in MLflow with their digests in the record of decisions.

Whoever can write to MLflow's store can replace a model's code, which runs when the model is loaded. The
record cannot be changed, so a version is loaded or promoted only while its files are those of the record.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from realmix.tasks.core.errors import ModelChanged, RegistryRefused
from realmix.tasks.core.lifecycle.champion_record import REVIEW
from realmix.tasks.core.lifecycle.entries import Review
from realmix.tasks.runtime.cache_keys import traces_of_loading, tree_digest
from realmix.tasks.runtime.database import decisions

MODEL, EVALUATED, VERDICT, PLAN = "model", "evaluated/model", "verdict.json", "plan.json"


def digests_of_study(folder: Path) -> dict[str, str]:
    """Return the digests of a study's models and documents, for the record; of those that are there."""
    places = (folder / name for name in (MODEL, EVALUATED, VERDICT, PLAN))
    return {
        path.relative_to(folder).as_posix(): tree_digest(path, as_made=True)
        for path in places
        if path.exists()
    }


def download(name: str, number: str, folder: Path, *, with_model: bool) -> dict[str, Path]:
    """Download a version's evaluated model and verdict from MLflow, as far as it has them, and its model if asked to.

    Parameters
    ----------
    name, number : str
        Of the registered model, and of its version.
    folder : Path
        Is made.
    with_model : bool

    Returns
    -------
    dict
        Name of a file or folder, as in the study's folder, to its path.

    Raises
    ------
    RegistryRefused
        If MLflow does not answer, or has lost the version or its run.
    """
    from mlflow import MlflowClient
    from mlflow.artifacts import download_artifacts

    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, Path] = {}
    try:
        client = MlflowClient()
        uri = client.get_model_version_download_uri(name, number)
        if with_model:
            # A folder of its own: some stores give the evaluated model the same last name.
            (folder / "shipped").mkdir()
            found[MODEL] = Path(download_artifacts(uri, dst_path=str(folder / "shipped")))
        run = client.get_model_version(name, number).run_id
        stored = {artifact.path for artifact in client.list_artifacts(run)} if run else set()
        for wanted in (EVALUATED, VERDICT):
            if run and Path(wanted).parts[0] in stored:
                found[wanted] = Path(client.download_artifacts(run, wanted, str(folder)))
        if urlsplit(uri).scheme in ("", "file"):
            # Where the store is a folder of this machine, whoever loads a model leaves files in it.
            for added in traces_of_loading(folder):
                added.unlink()
    except Exception as err:  # whatever a store or its driver raises
        raise RegistryRefused(
            f"MLflow does not give version {number} of '{name}' ({type(err).__name__}): check its store and "
            "run again."
        ) from err
    return found


def digests_in_registry(name: str, number: str) -> dict[str, str]:
    """Download a version's models and verdict from MLflow, and return their digests.

    Raises
    ------
    RegistryRefused
        If MLflow does not answer, or has lost the version.
    """
    with tempfile.TemporaryDirectory() as scratch:
        found = download(name, number, Path(scratch), with_model=True)
        return {what: tree_digest(path) for what, path in found.items()}


def recorded_digests(name: str, number: str | None) -> dict[str, str]:
    """Return the digests of a version's files at its first review; empty for one that was never reviewed."""
    for entry in decisions(name, REVIEW):
        review = Review.read(entry.document)
        for version, files in (
            (review.challenger_version, review.challenger_files),
            (review.champion_version, review.champion_files),
        ):
            if number and version == number and files:
                return files
    return {}


def check_digests(what: str, found: Mapping[str, str], recorded: Mapping[str, str]) -> None:
    """Refuse files that are not those of the record.

    Raises
    ------
    ModelChanged

    Examples
    --------
    >>> check_digests("Version 2 of 'bank'", {"model": "0a"}, {"model": "0b", "verdict.json": "0c"})
    Traceback (most recent call last):
    realmix.tasks.core.errors.ModelChanged: Version 2 of 'bank' was changed after it was recorded (model): ...
    """
    if changed := sorted(name for name in found if recorded.get(name, found[name]) != found[name]):
        raise ModelChanged(
            f"{what} was changed after it was recorded ({', '.join(changed)}): it is not used. Restore its files "
            "from a backup, or retrain the table for another one."
        )


def check_version(name: str, number: str) -> None:
    """Refuse a version whose files in MLflow are not those of the record.

    Raises
    ------
    ModelChanged
    RegistryRefused
        If MLflow does not answer.
    """
    if recorded := recorded_digests(name, number):
        check_digests(f"Version {number} of '{name}'", digests_in_registry(name, number), recorded)


def check_study(name: str, folder: Path) -> None:
    """Refuse the folder of a study whose models or documents are not those of the record.

    Raises
    ------
    ModelChanged
    """
    for entry in decisions(name, REVIEW):
        review = Review.read(entry.document)
        if review.study == folder.name and review.challenger_files:
            check_digests(f"The study {folder}", digests_of_study(folder), review.challenger_files)
