"""A table in an object store or on the web: s3://, gs://, https:// and all others that fsspec supports."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd

from realmix.tasks.core.contracts.specs import SourceSpec
from realmix.tasks.core.table.text_table import TextTable
from realmix.tasks.core.urls import without_secrets
from realmix.tasks.runtime.object_store import open_store
from realmix.tasks.sources._compressed import CHUNK_BYTES, MAX_FILE_BYTES, check_bytes
from realmix.tasks.sources._table import read_content, split_sheet, typed_rows


class ObjectStoreSource:
    """An object in a store; keys and endpoints come from the usual environment variables.

    For S3 these are ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_PROFILE`` and,
    for a store that is not Amazon's, ``AWS_ENDPOINT_URL``.

    Parameters
    ----------
    location : str
        ``scheme://...`` of one object; ``s3://bucket/book.xlsx#SHEET`` names a sheet of a workbook.
    """

    def __init__(self, location: str) -> None:
        self.location = location
        self.shown = without_secrets(location)
        self._detected: dict[str, Any] = {}

    def load(self) -> pd.DataFrame:
        """Read all rows, each column typed by what its cells say.

        Raises
        ------
        BadInput
            As :meth:`read`; also if a column must not be used before a person says how it is to be read.
        """
        return typed_rows(self.read())

    def read(self) -> TextTable | pd.DataFrame:
        """Read all rows; see :func:`realmix.tasks.sources._table.read_content`.

        Raises
        ------
        BadInput
            If the object cannot be read or is not a table.
        """
        address, sheet = split_sheet(self.location)
        content = read_object(address)
        table, self._detected = read_content(content, without_secrets(address), sheet)
        return table

    def describe(self) -> dict[str, Any]:
        """Return the location without secrets, and after loading what was detected."""
        return {"kind": "object_store", "location": self.shown, **self._detected}


def read_object(location: str) -> bytes:
    """Read the bytes of one object.

    Raises
    ------
    BadInput
        If it does not exist, the store does not answer or refuses, or its body is larger than is read
        (a web server may send one without end).
    """
    shown, content = without_secrets(location), io.BytesIO()
    with open_store(location) as store:
        body = store.open(store._strip_protocol(location), "rb")
        with body:
            while chunk := body.read(CHUNK_BYTES):
                content.write(chunk)
                if content.tell() > MAX_FILE_BYTES:
                    break
    check_bytes(content.tell(), shown)
    return content.getvalue()


SPEC = SourceSpec(
    name="object_store",
    matches=lambda location: "://" in location,
    build=ObjectStoreSource,
    order=30,
)
