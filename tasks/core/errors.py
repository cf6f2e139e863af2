"""Errors that users can act on: what was found, what was expected, where, and the next step."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

# Names come from files of others: a name of a megabyte must not push the advice out of sight.
MAX_MESSAGE = 1_200


def printable(text: str) -> str:
    r"""Write control characters as escapes: a name in somebody's file must not steer a terminal or fake a line.

    Examples
    --------
    >>> print(printable("no column 'a\nb\x1b[2J'"))
    no column 'a\nb\x1b[2J'
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


class RealmixError(Exception):
    """Base of every error that users see as one sentence instead of a traceback."""

    exit_code = 2

    def __init__(self, message: str = "") -> None:
        message = printable(message)
        if len(message) > MAX_MESSAGE:
            message = f"{message[: MAX_MESSAGE // 2]} … {message[-MAX_MESSAGE // 3 :]}"
        super().__init__(message)


class BadInput(RealmixError):
    """The table, the card or an argument cannot be used as given."""


class NotPermitted(BadInput):
    """The data card forbids a use of the table, or does not say enough to allow it."""


class NoAnswer(BadInput):
    """A store, database or service does not answer; it may do so later."""


class UnknownName(BadInput):
    """The requested name is not registered."""


class SyntheticPoolTooSmall(RealmixError):
    """A mix needs more synthetic rows than its pool has."""


class SynthesizerFailed(RealmixError):
    """A synthesizer did not return the requested rows."""


class Vetoed(RealmixError):
    """The rows may be used, but a check of them failed: nothing is trained on them, or nothing of them is shared."""

    exit_code = 3


class ValidationFailed(Vetoed):
    """A critical expectation failed, so nothing is trained on this table."""


class ReleaseRefused(Vetoed):
    """A synthetic table must not be shared; what was found is written beside."""


class RegistryRefused(RealmixError):
    """MLflow does not answer, or a request to it failed."""


class ModelChanged(RealmixError):
    """The files of a model are not those that were recorded."""


class FitTimedOut(RealmixError):
    """A fit exceeded its hard time limit and its process was ended."""


class FitTooLarge(RealmixError):
    """A fit exceeded its memory limit and its process was ended."""


class WorkerDied(RealmixError):
    """A worker process died, for example because memory ran out."""


class WorkerError(RealmixError):
    """A function raised an unexpected error in a worker process.

    Attributes
    ----------
    traceback : str
        Of the worker; for log files, not for the terminal.
    """

    exit_code = 1

    def __init__(self, message: str, traceback: str = "") -> None:
        super().__init__(message)
        self.traceback = traceback


class StudyInterrupted(RealmixError):
    """The user interrupted the study; finished fits stay in the cache."""

    exit_code = 130  # what shells report after Ctrl-C


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownName:
    """Return the error for a name that is not registered, with the closest known name.

    Examples
    --------
    >>> print(unknown_name("model", "xgbost", ["linear", "xgboost"]))
    Unknown model 'xgbost'; did you mean 'xgboost'? Known: linear, xgboost.
    """
    known = sorted(known)
    by_lower = {each.lower(): each for each in known}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1)
    hint = f"; did you mean '{by_lower[near[0]]}'?" if near else "."
    return UnknownName(f"Unknown {kind} '{name}'{hint} Known: {', '.join(known)}.")
