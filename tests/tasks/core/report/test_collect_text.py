"""Advice on collecting rows in words."""

from __future__ import annotations

import pytest
from markupsafe import escape

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.report.collect_text import advise
from realmix.tasks.core.report.page import render_report
from realmix.tasks.core.report.summary import summary_lines
from tests.tasks.core.report.collecting import COLLECTING, step
from tests.tasks.core.report.documents import build, changed
from tests.tasks.core.report.test_page import DAY


def test_rows_that_bring_most_per_row_come_first(study):
    alike = COLLECTING | {"metric": "log_loss"}
    lines = advise(build(*study, collecting=alike)).lines
    assert lines[2:4] == [
        "  1. 100 of 'segment: B': gain 3 % (1.5 % to 6 %) in log_loss there, 1.2 % over all rows, for 300 EUR",
        "  2. 1,000 as they come: gain 0.4 points (0.2 points to 0.8 points), for 3,000 EUR",
    ]
    weak = COLLECTING["slices"][0] | {"overall_gain": 0.0001}
    ranked = advise(build(*study, collecting=alike | {"slices": [weak]})).ranked
    assert ranked[0].startswith("1,000 as they come")


def test_gains_in_two_metrics_are_not_ranked_together(study):
    assert len(advise(build(*study, collecting=COLLECTING)).ranked) == 1
    without = advise(build(*study, collecting=COLLECTING | {"slices": []}))
    assert without.ranked == () and "More rows of each kind" not in "".join(without.lines)


def test_a_guess_is_called_one(study):
    guessed = advise(build(*study, collecting=COLLECTING)).steps[-1]
    assert guessed.endswith("gain 0.7 points (0.4 points to 1.4 points; a guess), for 6,000 EUR")


def test_the_last_line_advises_to_stop_or_to_go_on(study):
    stop = advise(build(*study, collecting=COLLECTING)).lines[-1]
    assert stop.startswith(
        "Stop here: 70 % chance that 1,000 more rows bring less than 0.6 points; gain 0.4 points"
    )
    sure = [step(500, 0.01), step(1000, 0.02, chance_below=0.1), step(2000, 0.03)]
    go_on = advise(build(*study, collecting=COLLECTING | {"steps": sure})).lines[-1]
    assert go_on.startswith("Go on collecting: 90 % chance that 1,000 more rows bring 0.6 points or more")
    far = [sure[0], step(1000, 0.02, is_guess=True), sure[2]]
    guessed = advise(build(*study, collecting=COLLECTING | {"steps": far})).conclusion
    assert guessed.startswith("As a guess, stop here: 70 % chance")


def test_synthetic_rows_stand_beside_as_what_they_bring_today(study, simulate_study, squared_error):
    nothing = build(simulate_study(0, offsets={0: -0.5}), squared_error, collecting=COLLECTING)
    assert "Synthetic rows: no gain to rely on today." in advise(nothing).lines
    oof = simulate_study(0, noise=0.05, offsets={4: 0.02, 5: 0.02, 6: -0.1})
    shipped = build(oof, squared_error, collecting=COLLECTING)
    (line,) = (line for line in advise(shipped).lines if line.startswith("Synthetic rows"))
    assert line.endswith("today, for nothing.") and line.startswith("Synthetic rows: gain ")


def test_the_report_and_the_terminal_say_the_same(study):
    document = build(*study, collecting=COLLECTING)
    page = render_report(document, made_on=DAY)
    assert "<h2>What more real rows would bring</h2>" in page
    for line in advise(document).lines:
        assert escape(line.strip().removeprefix("1. ")) in page
    assert f"more real rows: {advise(document).lines[-1]}" in summary_lines(document)
    assert "In the grey part it is a guess" not in page
    far = build(*study, collecting=COLLECTING | {"measured_to": 900})
    assert "In the grey part it is a guess" in render_report(far, made_on=DAY)


def test_a_study_without_a_curve_is_refused_with_its_reason(study, document):
    with pytest.raises(BadInput, match=r"measured no learning curve \(it is a study of an earlier release"):
        advise(document)
    left_out = changed(document, rows_saved_reason="the plan left the rows-saved curve out")
    with pytest.raises(BadInput, match=r"no learning curve \(the plan left the rows-saved curve out\)"):
        advise(left_out)
    assert "real rows would bring" not in render_report(document, made_on=DAY)
