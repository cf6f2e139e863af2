"""Describe marked files in Croissant 1.1, with PROV terms and the RAI vocabulary's fields on synthetic data.

References
----------
https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from realmix.tasks.core.provenance.mark import Mark
from realmix.tasks.core.table.card_parts import Provenance

CONFORMS_TO = ("http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0")
# As https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html#appendix-1-json-ld-context gives it.
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "prov": "http://www.w3.org/ns/prov#",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
FORMATS = {".parquet": "application/x-parquet", ".csv": "text/csv"}
# By the first letters of Arrow's names; what else there is, is text.
DATA_TYPES = {"int": "sc:Integer", "uint": "sc:Integer", "float": "sc:Float", "double": "sc:Float",
              "bool": "sc:Boolean", "timestamp": "sc:Date", "date": "sc:Date"}  # fmt: skip


@dataclass(frozen=True)
class MarkedFile:
    """A file as it is described: its name beside the description, sha256, bytes, and columns with Arrow's types."""

    name: str
    sha256: str
    n_bytes: int
    columns: Mapping[str, str]


def croissant(
    name: str, description: str, terms: Provenance, marked: Mark, files: Sequence[MarkedFile]
) -> dict[str, Any]:
    """Describe files that share a mark.

    Parameters
    ----------
    name : str
        Of the data set.
    description : str
    terms : Provenance
        Of the table that the files were made from.
    marked : Mark
    files : sequence of MarkedFile
        ``.parquet`` or ``.csv``.

    Returns
    -------
    dict
        JSON-LD. It has no date, so that the same study gives the same file.
    """
    declared: dict[str, Any] = {}
    if terms.licence:
        declared["license"] = terms.licence
    if terms.owner:
        declared["creator"] = {"@type": "Organization", "name": terms.owner}
    if terms.purpose:
        declared["rai:dataUseCases"] = terms.purpose
    return {
        "@context": CONTEXT,
        "@type": "Dataset",
        "conformsTo": list(CONFORMS_TO),
        "name": name,
        "description": description,
        "version": "1.0.0",
        **declared,
        "isLiveDataset": False,
        "rai:hasSyntheticData": marked.has_synthetic_data,
        "rai:syntheticDataExplanation": marked.explanation,
        "rai:dataLimitations": list(marked.limits),
        "prov:wasDerivedFrom": [_snapshot(digest) for digest in marked.derived_from],
        "prov:wasGeneratedBy": _activity(marked),
        "distribution": [_file_object(file) for file in files],
        "recordSet": [_record_set(file) for file in files],
    }


def _snapshot(digest: str) -> dict[str, Any]:
    return {
        "@id": f"urn:realmix:snapshot:{digest}",
        "@type": "prov:Entity",
        "name": "real rows",
        "identifier": digest,
    }


def _activity(marked: Mark) -> dict[str, Any]:
    drawn = {"synthesizer": marked.synthesizer, "seed": marked.seed}
    agents = [
        {"@id": f"urn:realmix:software:{library}", "@type": ["prov:SoftwareAgent", "SoftwareApplication"],
         "name": library, "softwareVersion": version}
        for library, version in marked.versions.items()
    ]  # fmt: skip
    return {
        "@type": "prov:Activity",
        "name": f"realmix {marked.versions['realmix']}",
        "description": marked.explanation,
        "additionalProperty": [
            {"@type": "PropertyValue", "name": key, "value": value}
            for key, value in drawn.items()
            if value is not None
        ],
        "prov:wasAssociatedWith": agents,
    }


def _file_object(file: MarkedFile) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": file.name,
        "name": file.name,
        "contentUrl": file.name,
        "contentSize": f"{file.n_bytes} B",
        "encodingFormat": FORMATS["." + file.name.rpartition(".")[2]],
        "sha256": file.sha256,
    }


def _record_set(file: MarkedFile) -> dict[str, Any]:
    rows = f"rows-of-{file.name.rpartition('.')[0]}"
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"{rows}/{place}",
            "name": column,
            "dataType": _data_type(kind),
            "source": {"fileObject": {"@id": file.name}, "extract": {"column": column}},
        }
        for place, (column, kind) in enumerate(file.columns.items())
    ]
    return {"@type": "cr:RecordSet", "@id": rows, "name": rows, "field": fields}


def _data_type(kind: str) -> str:
    return next((found for start, found in DATA_TYPES.items() if kind.startswith(start)), "sc:Text")
