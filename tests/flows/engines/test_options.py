"""Options that contradict each other are refused before an engine is imported."""

from __future__ import annotations

import sys

import pytest

from realmix.flows.engines.options import check_runner
from realmix.tasks.core.errors import BadInput


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (("threads", "tcp://10.0.0.1:8786", None), "tcp://10.0.0.1:8786"),
        (("threads", None, "s3://me:s3cret@bucket/place"), "s3://bucket/place"),
    ],
)
def test_what_only_a_cluster_understands_is_refused_without_one(given, named):
    with pytest.raises(BadInput, match="--runner dask") as caught:
        check_runner(*given)
    assert named in str(caught.value) and "s3cret" not in str(caught.value)


def test_a_cluster_needs_its_library(monkeypatch):
    check_runner("dask", "tcp://10.0.0.1:8786", "s3://bucket/place")
    monkeypatch.setitem(sys.modules, "prefect_dask", None)
    with pytest.raises(BadInput, match=r"--runner dask needs prefect_dask.*pip install -e '\.\[dask\]'"):
        check_runner("dask", None)
    check_runner("threads", None)
