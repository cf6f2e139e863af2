"""Documents: JSON files that outlive the program that wrote them, as frozen models with a published schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.json_values import to_jsonable

# An integer stays one, so that a document is written again as it was read.
Number = int | float
# Null where it could not be computed.
Known = Number | None
Bounds = tuple[Known, Known]


class Part(BaseModel):
    """Base of a document's parts: immutable, strict, and with room for keys of a later release."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, allow_inf_nan=False, defer_build=True)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that were given, in the order of the schema, as values of strict JSON."""
        return self.model_dump(mode="json", exclude_unset=True)

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """Build a part from new values; dataclasses become objects, NaN and infinity null."""
        return cls.model_validate_json(json.dumps(to_jsonable(fields)))


class Document(Part):
    """Base of a whole document; `what` names it in errors."""

    what: ClassVar[str]

    @classmethod
    def build(cls, fields: Mapping[str, Any]) -> Self:
        """Build a document from new values; dataclasses become objects, NaN and infinity null.

        Raises
        ------
        BadInput
            If a field is missing or of another type.
        """
        return cls.read(to_jsonable(fields))

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """Validate a document as it was parsed from JSON, of this release or an earlier one.

        Raises
        ------
        BadInput
            If a field is missing or of another type, or the document has another schema version.
        """
        try:
            return cls.model_validate_json(json.dumps(data))
        except ValidationError as err:
            first = err.errors(include_input=False)[0]
            name = ".".join(str(part) for part in first["loc"])
            raise BadInput(
                f"The {cls.what}'s `{name}`: {first['msg']}. Give an unchanged one, and a release of realmix no "
                "older than it."
            ) from err

    @classmethod
    def schema_text(cls) -> str:
        """Return the JSON schema as it is published."""
        return published(cls.model_json_schema())


def published(schema: Mapping[str, Any]) -> str:
    """Return the text of a JSON schema as it is published."""
    return json.dumps(schema, indent=1) + "\n"
