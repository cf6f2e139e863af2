"""Objects under an S3 prefix, each one a batch; an object is complete once it is listed."""

from __future__ import annotations

import logging
from collections.abc import Generator
from typing import Any

from realmix.tasks.core.contracts.specs import Landed, LandingSpec
from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.card_parts import Operation
from realmix.tasks.core.urls import without_secrets
from realmix.tasks.landing._files import is_batch_name, read_batch, refuse_too_large
from realmix.tasks.runtime.object_store import open_store
from realmix.tasks.sources.object_store import read_object

log = logging.getLogger("realmix")
SCHEMES = ("s3://", "s3a://")

# Hash of the content as the store reports it, and size in bytes.
Version = list[Any]


def read_prefix(
    location: str, operation: Operation, cursor: dict[str, Version] | None
) -> Generator[Landed, None, None]:
    """Read the new objects below a prefix, the oldest first.

    Parameters
    ----------
    location : str
        ``s3://bucket/prefix``; keys and endpoint as in :mod:`realmix.tasks.sources.object_store`.
    operation : Operation
    cursor : dict of object to version, optional
        Objects that were read already, each with its version then.

    Raises
    ------
    BadInput
        If the store does not answer or refuses.
    """
    listed = _list_objects(location)
    known = cursor or {}
    seen = {name: version for name, version in known.items() if name in listed}
    if seen != known:
        yield Landed(seen)
    for name, (version, _) in sorted(listed.items(), key=lambda item: (item[1][1], item[0])):
        if seen.get(name) == version:
            continue
        if refused := refuse_too_large(version[1], name, {**seen, name: version}):
            seen = {**seen, name: version}
            yield refused
            continue
        try:
            content = read_object(f"s3://{name}")
        except BadInput as err:
            log.warning("%s The next poll tries again.", err)
            continue
        seen = {**seen, name: version}
        yield read_batch(content, name, seen, {"kind": "s3", "location": f"s3://{name}"})


def _list_objects(location: str) -> dict[str, tuple[Version, str]]:
    """List version and time of each object, by bucket and key."""
    with open_store(location) as store:
        prefix = store._strip_protocol(without_secrets(location)).rstrip("/")
        found = store.find(prefix, detail=True)
    return {
        name: ([str(about["ETag"]), int(about["size"])], str(about["LastModified"]))
        for name, about in found.items()
        if is_batch_name(name.removeprefix(f"{prefix}/")) and about["type"] == "file"
    }


SPEC = LandingSpec(name="s3", matches=lambda location: location.startswith(SCHEMES), read=read_prefix)
