from __future__ import annotations

import socket

import numpy as np
import pytest

from realmix.tasks.core.table.infer_schema import infer_schema
from realmix.tasks.core.table.text_codes import code_texts
from realmix.tasks.teachers import TEACHERS
from tests.tasks.models.conftest import Rows, mixed_rows


@pytest.fixture
def no_network(monkeypatch):
    """Whatever connects fails."""

    def refuse(*_, **__):
        raise AssertionError("a teacher used the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def labels_of(no_network):
    """Labels of new rows by a teacher of the folder, twice."""

    def labels(name, task):
        raw, new = mixed_rows(60, task, 0), mixed_rows(20, task, 1)
        rows = Rows(infer_schema(raw, "outcome"), raw, new)
        model = TEACHERS[name].build(rows.schema, 7, 1)
        model.fit(code_texts([rows.X])[0], rows.y_proba, np.ones(60))
        return [model.predict(code_texts([rows.X_new])[0]) for _ in range(2)]

    return labels
