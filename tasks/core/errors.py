"""Errors a user can act on: what was got, what was expected, where, and the next step."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class RealmixError(Exception):
    """Base of every error that is a sentence for the user, not a traceback."""

    exit_code = 2


class BadInput(RealmixError):
    """The table, the card or an argument cannot be used as given."""


class UnknownName(BadInput):
    """A name was asked for that no registry holds."""


class SyntheticPoolTooSmall(RealmixError):
    """A mix asks for more synthetic rows than the pool holds."""


class SynthesizerFailed(RealmixError):
    """A synthesizer could not give the rows it was asked for."""


class ValidationFailed(RealmixError):
    """A critical expectation failed, so nothing is trained on this table."""


class RegistryRefused(RealmixError):
    """MLflow does not answer, or does not do what it is asked."""


class FitTimedOut(RealmixError):
    """A fit outlived its hard time limit and its process was ended."""


class FitTooLarge(RealmixError):
    """A fit held more memory than it may and its process was ended."""


class WorkerDied(RealmixError):
    """A worker process ended by itself, for example for want of memory."""


class WorkerError(RealmixError):
    """A function raised an unforeseen error in a worker process.

    Attributes
    ----------
    traceback : str
        Where in the worker it was raised; for log files, not for the terminal.
    """

    exit_code = 1

    def __init__(self, message: str, traceback: str = "") -> None:
        super().__init__(message)
        self.traceback = traceback


class StudyInterrupted(RealmixError):
    """The user ended the study; what was computed is kept."""

    exit_code = 130  # what shells report after Ctrl-C


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownName:
    """Build the error for a name that is not registered, with the nearest known one.

    Examples
    --------
    >>> print(unknown_name("model", "xgbost", ["linear", "xgboost"]))
    Unknown model 'xgbost'; did you mean 'xgboost'? Known: linear, xgboost.
    """
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else "."
    return UnknownName(f"Unknown {kind} '{name}'{hint} Known: {', '.join(known)}.")
