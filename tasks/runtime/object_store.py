"""Open object stores and web addresses through fsspec, with errors as sentences."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from realmix.tasks.core.errors import BadInput, NoAnswer
from realmix.tasks.core.urls import without_secrets
from realmix.tasks.core.versions import require

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 60
# A web server may send a few bytes a minute for ever.
TOTAL_TIMEOUT_SECONDS = 1800
S3 = ("s3", "s3a")
# Stores of files. fsspec knows more: some are made of further addresses, or run what an address says, or tell a
# password to anybody on the way.
STORES = (
    *S3,
    "http",
    "https",
    "file",
    "memory",
    "gs",
    "gcs",
    "az",
    "abfs",
    "abfss",
    "adl",
    "sftp",
    "smb",
    "hdfs",
    "webhdfs",
)


@contextmanager
def open_store(location: str) -> Iterator[AbstractFileSystem]:
    """Open the store of a ``scheme://`` address and explain its errors; see :func:`explained`.

    Raises
    ------
    BadInput
        If no library knows the scheme, or an operation inside fails.
    """
    store = connect(location)
    with explained(location):
        yield store


def connect(location: str) -> AbstractFileSystem:
    """Return the store of a ``scheme://`` address, without a request to it yet.

    Raises
    ------
    BadInput
        If no library knows the scheme, or the one that does is not installed.
    """
    import fsspec

    scheme = location.partition("://")[0]
    try:
        urlsplit(location)
    except ValueError as err:
        raise BadInput(f"{without_secrets(location)} is no address ({err}). Correct it.") from err
    if scheme not in STORES:
        raise BadInput(_unknown_scheme(scheme))
    if scheme in S3:
        require("s3fs", "s3", f"An address of the kind {scheme}://")
    try:
        return fsspec.filesystem(scheme, skip_instance_cache=True, **_options(scheme))
    except (ValueError, ImportError) as err:
        raise BadInput(_unknown_scheme(scheme)) from err
    # Some kinds of store connect at once, or want arguments that an address does not give.
    except Exception as err:
        raise BadInput(
            f"Cannot open '{without_secrets(location)}' ({type(err).__name__}): the store does not answer, or "
            "an address is not enough for it. Use s3://, https:// or a file."
        ) from err


@contextmanager
def explained(location: str) -> Iterator[None]:
    """Turn a store's errors inside the block into `BadInput` with a sentence.

    Raises
    ------
    NoAnswer
        If the store does not answer.
    BadInput
        If it refuses, or something is not there.
    """
    shown = without_secrets(location)
    try:
        yield
    except FileNotFoundError as err:
        if isinstance(err.__cause__, OSError):  # fsspec's way to say that it could not connect
            raise _no_answer(shown, err.__cause__) from err
        raise BadInput(f"There is no object '{shown}'. Check the address.") from err
    except PermissionError as err:
        raise BadInput(f"Access to '{shown}' is refused. Check the keys in the environment.") from err
    # Each store's library raises its own errors where the store does not answer.
    except Exception as err:
        if getattr(err, "errno", None) == errno.ENOSPC:  # of this machine's disk
            raise
        raise _no_answer(shown, err) from err


def _no_answer(shown: str, err: Exception) -> NoAnswer:
    return NoAnswer(
        f"Cannot use '{shown}': the store does not answer or refuses ({type(err).__name__}). "
        "Check address, network, endpoint and keys."
    )


def _unknown_scheme(scheme: str) -> str:
    if scheme.partition("+")[0] in ("postgresql", "postgres", "mysql", "sqlite", "mssql", "oracle"):
        return (
            f"A {scheme} database is no file; expected sql:TABLE or sql:SELECT .... "
            "Put its URL into the environment variable REALMIX_SQL_URL."
        )
    return (
        f"Addresses of the kind '{scheme}://' cannot be read here; s3://, https:// and http:// can. "
        f"Check the spelling, or install fsspec's library for '{scheme}'."
    )


def _options(scheme: str) -> dict[str, Any]:
    """Return options by which a store that does not answer fails in seconds, not minutes."""
    if scheme in ("http", "https"):
        import aiohttp

        limits = aiohttp.ClientTimeout(
            total=TOTAL_TIMEOUT_SECONDS, sock_connect=CONNECT_TIMEOUT_SECONDS, sock_read=READ_TIMEOUT_SECONDS
        )
        return {"client_kwargs": {"timeout": limits}}
    if scheme in S3:
        seconds = {"connect_timeout": CONNECT_TIMEOUT_SECONDS, "read_timeout": READ_TIMEOUT_SECONDS}
        return {"config_kwargs": {**seconds, "retries": {"total_max_attempts": 2}}}
    return {}
