"""Commands that study a table: what they write, before anything is fitted. Whole runs are in test_cli."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from realmix.flows.terminal.study_commands import card
from realmix.tasks.core.table.card import read_card
from realmix.tasks.core.table.request import StudyRequest
from realmix.tasks.runtime.holdout_rules import registration_path
from realmix.tasks.study.read_table import read_table


def test_an_unedited_card_and_no_card_give_the_same_study(place):
    rows = pd.read_csv("calls.csv").assign(client_id=lambda frame: [f"c{i:04d}" for i in range(len(frame))])
    rows.to_csv("calls.csv", index=False)
    card("calls.csv", target="y", out=Path("card.yaml"))
    assert '# key: "client_id"' in Path("card.yaml").read_text()
    bare, carded = (
        read_table(StudyRequest(out="", **asked), place / "snapshots")
        for asked in ({"table": "calls.csv", "target": "y"}, {"card": "card.yaml"})
    )
    assert (carded.name, carded.schema, carded.hints) == (bare.name, bare.schema, bare.hints)
    assert carded.snapshot.digest == bare.snapshot.digest
    # All else that a card may declare stays as it is without one, and so does the holdout.
    inferred = {"task", "positive", "columns"}
    assert carded.card.model_copy(update=dict.fromkeys(inferred)) == bare.card.model_copy(
        update=dict.fromkeys(inferred)
    )
    assert len({registration_path(each.name, each.card, each.schema) for each in (bare, carded)}) == 1
    assert read_card(Path("card.yaml")).sensitive == ()


def test_a_written_card_says_its_strong_hints_and_the_next_step(place, capsys):
    rows = pd.read_csv("calls.csv")
    code = np.random.default_rng(0).integers(0, 6, len(rows))
    rows.assign(code=np.where(rows["y"] == "yes", code, code + 6).astype(str) + "c").to_csv(
        "calls.csv", index=False
    )
    card("calls.csv", target="y", out=Path("card.yaml"))
    wrote, counted, *strong, last = capsys.readouterr().out.splitlines()
    assert wrote == "Wrote card.yaml." and counted.endswith("must be answered before a study:")
    assert any("'code'" in line and "Answer in the card" in line for line in strong)
    assert last.endswith("realmix preview --card card.yaml")
