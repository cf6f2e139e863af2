"""The suite that compares new rows with earlier ones; a failure is a warning, as drifted rows are valid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.expectations.expectation import Expectation

DOMAIN_COLUMN = "_realmix_domain_rank"


def suite(metadata: Mapping[str, Any]) -> ExpectationSuite:
    """Build the suite of new rows.

    Parameters
    ----------
    metadata : mapping
        ``columns``: for each its ``name``, ``reference`` (rows by number of the bin), ``maximum``
        (index not to exceed) and ``p_value``; ``prior`` (rows added to each bin); ``domain``:
        ``maximum`` (area not to exceed) and ``p_value``, or None.

    Returns
    -------
    ExpectationSuite
        For a frame of bin numbers, then ``_realmix_domain_rank``; it holds no value of the table.
    """
    from realmix.expectations.custom import (
        STOP,
        WARNING,
        ExpectColumnPsiToBeAtMost,
        ExpectDomainAucToBeAtMost,
        gx,
    )

    expectations: list[Expectation] = [
        ExpectColumnPsiToBeAtMost(
            column=column["name"],
            reference=column["reference"],
            prior=metadata["prior"],
            maximum=column["maximum"],
            severity=WARNING,
            meta={**STOP, "p_value": column["p_value"]},
        )
        for column in metadata["columns"]
    ]
    domain = metadata["domain"]
    if domain is not None:
        expectations.append(
            ExpectDomainAucToBeAtMost(
                column=DOMAIN_COLUMN,
                max_value=domain["maximum"],
                severity=WARNING,
                meta={**STOP, "p_value": domain["p_value"]},
            )
        )
    return gx.ExpectationSuite(name="drift", expectations=expectations)
