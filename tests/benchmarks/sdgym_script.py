"""SDGym's own benchmark of one table, run by a Python that has it and nothing of realmix.

Run as ``python sdgym_script.py TABLE.csv VARIANTS``, where VARIANTS is JSON: by the name of a synthesizer
the class of SDV and its parameters. Prints JSON: by name the seconds that SDGym reports, and those of the
same calls outside of its benchmark, which traces every allocation while it fits and draws, and pickles the
fitted synthesizer within the seconds of the fit.
"""

from __future__ import annotations

import json
import os
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import sdv.single_table
from sdv.metadata import Metadata

TABLE, MODALITY = "table", "single_table"


def main(path: Path, variants: dict[str, tuple[str, dict[str, Any]]]) -> None:
    import sdgym  # not above: pytest, which has no SDGym, imports this file when it looks for doctests

    raw = pd.read_csv(path)
    metadata = Metadata.detect_from_dataframe(raw, table_name=TABLE)
    for of, parameters in variants.values():
        warm_up(raw, metadata, of, parameters)
    classes = {name: sdgym.create_synthesizer_variant(name, *of) for name, of in variants.items()}
    reported = reported_seconds(raw, metadata, path.resolve().parent / "additional", classes)
    untraced = {name: call_seconds(raw, metadata, of) for name, of in classes.items()}
    print(json.dumps({name: (reported[name], untraced[name]) for name in variants}))


def warm_up(raw: pd.DataFrame, metadata: Metadata, of: str, parameters: dict[str, Any]) -> None:
    """Have everything imported that a fit imports."""
    short = parameters | {"epochs": 1} if parameters else {}
    synthesizer = getattr(sdv.single_table, of)(metadata, **short)
    synthesizer.fit(raw)
    synthesizer.sample(len(raw))


def reported_seconds(
    raw: pd.DataFrame, metadata: Metadata, folder: Path, classes: dict[str, Any]
) -> dict[str, float]:
    """Seconds of fit and draw in the table of results, by name."""
    import sdgym

    place = folder / MODALITY / TABLE
    place.mkdir(parents=True)
    metadata.save_to_json(place / "metadata.json")
    with zipfile.ZipFile(place / "data.zip", "w") as archive:
        archive.writestr(f"{TABLE}.csv", raw.to_csv(index=False))
    # SDGym 0.15 finds a table of one's own by its bare name alone, and asks its bucket for any other.
    os.chdir(place.parent)
    results = sdgym.benchmark_single_table(
        synthesizers=[],
        custom_synthesizers=list(classes.values()),
        sdv_datasets=None,
        additional_datasets_folder=str(folder),
        compute_quality_score=False,
        compute_diagnostic_score=False,
        compute_privacy_score=False,
    )
    if "Error" in results and results["Error"].notna().any():
        sys.exit(f"SDGym: {results['Error'].dropna().iloc[0]}")
    seconds = (results["Train_Time"] + results["Sample_Time"]).astype(float)
    of_class = dict(zip(results["Synthesizer"], seconds, strict=True))
    return {name: of_class[f"Variant:{name}"] for name in classes}


def call_seconds(raw: pd.DataFrame, metadata: Metadata, of: Any) -> float:
    """Seconds of the calls that SDGym makes, without its trace of memory."""
    synthesizer = of()
    described = metadata.to_dict()
    started = time.perf_counter()
    fitted = synthesizer.get_trained_synthesizer(raw.copy(), described)
    synthesizer.sample_from_synthesizer(fitted, len(raw))
    return time.perf_counter() - started


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
