"""The document is strict JSON, the page stands alone, and names in it are only text."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

from realmix.tasks.core.decision.holdout_gain import (
    describe_holdout,
    describe_real_only_holdout,
    score_holdout,
)
from realmix.tasks.core.report.figures import draw_figures
from realmix.tasks.core.report.page import render_report
from realmix.tasks.core.report.summary import summary_lines
from tests.tasks.core.report.documents import BOOSTED, FAIRNESS, TABLE, TREE, build, changed, figures_of
from tests.tasks.core.report.privacy import LEAKY, NOT_MEASURED, PRIVACY

VOID = {"meta", "br", "hr", "img", "input", "link", "path", "use"}


class Balanced(HTMLParser):
    """Checks that tags close in order, and collects what a reader needs."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[str] = []
        self.unscoped: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(tag)
        if tag == "th" and "scope" not in dict(attrs):
            self.unscoped.append(tag)

    def handle_startendtag(self, tag, attrs):
        """Self-closed SVG elements open nothing."""

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_real_only_that_ships_has_a_score_on_the_holdout_and_no_gain(simulate_study, squared_error):
    oof = simulate_study(0, offsets={0: -0.5})
    scored = score_holdout(oof.y, oof.predictions[0, 0], oof.predictions[0, 0], squared_error, seed=0)
    scored["decisions_served"] = [1, 1]
    described = describe_real_only_holdout(scored, "squared_error")
    document = build(oof, squared_error, holdout=described)
    assert set(document.holdout.to_dict()) == set(describe_holdout(0.1, (0.0, 0.2), scored, is_relative=True))
    assert document.holdout.inside_interval is None
    assert "But:" not in document.sentence
    page = render_report(document, {})
    assert "Gain on the holdout" not in page
    assert f"<dt>Score on the holdout</dt>\n<dd>{described['sentence']}</dd>" in page
    assert f"holdout: {described['sentence']}" in summary_lines(document)


def test_the_page_stands_alone_and_is_well_formed(document, study):
    page = render_report(document, figures_of(document, study[0]))
    checker = Balanced()
    checker.feed(page)
    assert checker.open == []
    assert checker.headings[0] == "h1"
    assert checker.headings.count("h1") == 1
    assert checker.unscoped == []
    assert '<html lang="en">' in page
    # Namespaces of SVG are names, not addresses that a browser loads.
    assert not re.findall(r'(?:src|href)="(?!#)', page)
    assert "@import" not in page
    assert "<script" not in page


def test_the_page_says_the_decision_first(document, study):
    page = render_report(document, figures_of(document, study[0]))
    order = [page.index(text) for text in ("What to do:", "Promised gain", "<h2>Gates", "<h2>Everything")]
    assert order == sorted(order)
    assert document.sentence in page
    assert "Bank &amp; Sons" in page
    assert "ctgan at ratio 4" in page


def test_every_figure_has_its_caption_as_alternative_text(document, study):
    figures = figures_of(document, study[0])
    page = render_report(document, figures)
    assert len(figures) == 3
    assert page.count('role="img" aria-label="') == 3
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_names_in_the_data_are_only_text(study):
    evil = "<script>alert(1)</script>"
    oof = dataclasses.replace(study[0], disqualified={evil: evil})
    document = build(oof, study[1], study=evil, table={evil: evil}, missing=[evil])
    page = render_report(document, figures_of(document, oof))
    assert "<script" not in page
    assert "This study is incomplete" in page


def test_a_study_that_keeps_real_only_has_a_page_too(simulate_study, squared_error):
    oof = simulate_study(0, offsets={0: -0.5})
    document = build(oof, squared_error, holdout=None, holdout_reason="The holdout would hold 40 rows.")
    page = render_report(document, figures_of(document, oof))
    assert document.word == "keep real only"
    assert document.winner.name == document.real_only.name
    assert "Not measured. The holdout would hold 40 rows." in page


def test_a_study_without_candidates_has_a_page_too(simulate_study, squared_error):
    full = simulate_study(0)
    oof = dataclasses.replace(full, arms=full.arms[:6], predictions=full.predictions[:6])
    document = build(oof, squared_error, holdout=None, holdout_reason="None.")
    figures = draw_figures(document, oof.y, oof.predictions[0, 0], oof.predictions[0, 0])
    assert document.validation.mix is None
    assert "No mix could be compared" in render_report(document, figures)


def test_the_page_shows_what_lies_beyond_the_average(study):
    part = {"n_rows": 60, "real_only": 0.5, "mix": 0.55, "interval": [-0.15, -0.05], "gain": -0.1}
    plan = part | {"name": "plan: <plus>", "is_declared": True, "vetoes": True}
    alone = part | {"name": "class: no", "is_declared": False, "vetoes": False, "interval": None}
    found = {
        "metric": "log_loss",
        "margin_is_relative": True,
        "gap": None,
        "slices": [plan, alone],
        "worst_slice_gain": -0.1,
        "shift": {
            "kind": "covariate shift",
            "gain": 0.02,
            "interval": None,
            "samples": [part | {"name": "rows at the low end"}],
            "sentence": "",
        },
        "sentence": "The mix overfits less.",
    }
    page = render_report(build(*study, generalisation=found), {})
    assert "<h2>Beyond the average</h2>\n<p>The mix overfits less.</p>" in page
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</th>.*?<td>([^<]*)</td></tr>", page)
    assert ("plan: &lt;plus&gt;", "forbids the mix") in rows
    assert ("class: no", "") in rows
    assert ("rows at the low end", "covariate shift") in rows
    assert '<td class="n">-10 %</td><td class="n">-15 % to -5 %</td>' in page  # this study's AUC is in points
    without = render_report(build(*study, generalisation=found | {"slices": [], "shift": None}), {})
    assert "rows at the low end" not in without and "The mix overfits less." in without


def test_fairness_stands_with_its_limits_its_groups_and_its_repairs(study):
    page = render_report(build(*study, fairness=FAIRNESS), {})
    for shown in (
        "Fairness between groups", "forbids the mix", "sex: group 1 of 3 – sex: group 2 of 3", "not judged (n = 7)",
        "10.0 points to 30.0 points", "share shifted", "selection rate: 10.0 points, 2.0 points",
        "They decide nothing and are not shipped", "Equal rates are no proof of fair treatment",
    ):  # fmt: skip
        assert shown in page, shown
    bare = FAIRNESS | {"data": None, "repairs": [], "repairs_reason": "repairs are for classes"}
    assert "Repairs were not measured: repairs are for classes." in render_report(
        build(*study, fairness=bare), {}
    )
    assert "Fairness between groups" not in render_report(build(*study), {})


def test_rows_that_rules_repaired_or_refused_are_counted(study):
    counted = {"name": "ctgan", "fits": 5, "failed": 0, "asked": 9, "made": 9, "kept": 9, "copies_of_real": 0}
    page = render_report(build(*study, synthesizers=[counted | {"repaired": 4, "dropped": 1200}]), {})
    assert "of the rows that ctgan drew, 4 got a value from a rule and 1,200 broke one" in page
    assert "What the rules of the card did" not in render_report(build(*study, synthesizers=[counted]), {})


SAVED = {
    "sentence": "At 800 rows the best mix is worth about 1,150 real rows.",
    "arm": "smote/1/linear",
    "n0": 800,
    "n_eq": 1150,
    "interval_censored": [None, None],
    "censored": None,
    "money": None,
    "currency": None,
    "days": None,
    "n_folds": 5,
    "interval": [900, 1600],
    "rows_saved": 350,
    "multiplier": 1.4375,
    "curve": [
        {"n_rows": n, "score": s, "measured": s, "low": s - 0.01, "high": s + 0.01, "arm": "real-only/linear"}
        for n, s in ((400, 0.70), (566, 0.72), (800, 0.74), (1131, 0.75), (1600, 0.76))
    ],
    "mix": {"n_rows": 800, "score": 0.751},
}


def test_rows_saved_stand_near_the_top_with_their_curve(study):
    document = build(*study, rows_saved=SAVED)
    figures = figures_of(document, study[0])
    page = render_report(document, figures)
    assert f"<dt>Real rows saved</dt><dd>{SAVED['sentence']}</dd>" in page
    assert page.index(SAVED["sentence"]) < page.index("<h2>Figures")
    assert f"rows saved: {SAVED['sentence']}" in summary_lines(document)
    curve = next(svg for caption, svg in figures.items() if "best mix made from half" in caption)
    assert all(text in curve for text in ("real training rows", "1,600", "best mix", "real only"))


def test_a_curve_that_was_not_measured_is_reported_with_the_reason(study):
    document = build(*study, rows_saved_reason="the plan left the rows-saved curve out")
    assert "Not measured: the plan left the rows-saved curve out." in render_report(document, {})
    assert not any("rows saved" in line for line in summary_lines(document))


def test_the_page_says_what_the_race_saved_and_is_silent_without_one(study, document):
    dropped = [
        {"arm": "ctgan/1/joint/linear", "after_block": 3, "reason": "dropped after block 3 of 15: ..."}
    ]
    saved = {
        "blocks": 15, "dropped": dropped, "generator_seconds": 12.0, "full_grid_generator_seconds": 48.0,
    }  # fmt: skip
    page = render_report(build(*study, race=saved), {})
    assert (
        "1 arm (a mix with a model) was dropped before the last of 15 folds: "
        "synthesizers were fitted for 12 s instead of 48 s." in page
    )
    assert "synthesizers were fitted" not in render_report(document, {})


def test_hints_stand_on_the_page_with_their_card_lines_and_reasons_with_their_columns(document):
    hint = {
        "kind": "leak",
        "columns": ["code"],
        "is_strong": True,
        "sentence": "'code' alone tells all.",
        "answers": ["ignore: [code]", "allow_leaks: [code]"],
    }
    table = TABLE | {"hints": [hint], "columns_set_apart": {"note": "free text"}}
    page = render_report(changed(document, table=table), {})
    assert (
        "alone tells all" in page
        and "<code>ignore: [code]</code> or <code>allow_leaks: [code]</code>" in page
    )
    assert "note: free text" in page


def test_a_study_that_decided_nothing_has_a_page_that_begins_with_the_reason(simulate_study, squared_error):
    full = simulate_study(0)
    oof = dataclasses.replace(
        full, arms=full.arms[:6], predictions=full.predictions[:6], disqualified={"smote/1/joint": "it broke"}
    )
    document = build(oof, squared_error, holdout=None, holdout_reason="None.")
    assert document.word == "not decided" and "it broke" in document.sentence
    page = render_report(document, {})
    assert page.index("it broke") < page.index("In short")


def test_several_learners_have_a_table_and_a_single_one_has_none(document):
    several = render_report(changed(document, learners=[BOOSTED, TREE]), {})
    row = re.search(r'<tr><th scope="row">decision-tree</th>.*</tr>', several)[0]
    for cell in (
        "proven",
        "9 points",
        "6 points to 12 points",
        "-11 points",
        "10 points (5 points to 15 points)",
    ):
        assert cell in row
    balanced = Balanced()
    balanced.feed(several)
    assert not balanced.open and not balanced.unscoped
    assert "For each model" not in render_report(changed(document, learners=[BOOSTED]), {})


def test_where_the_gain_comes_from_has_a_table(document):
    part = {"gain": 0.03, "interval": [0.01, 0.05]}
    credit = {"tuning": part, "labels": None, "synthetic_rows": part, "whole": part | {"gain": 0.06}}
    page = render_report(changed(document, learners=[BOOSTED, TREE | {"credit": credit}]), {})
    section = page[page.index("Where the gain comes from") :]
    assert [cell in section for cell in ("3 points (1 points to 5 points)", "not tried", "6 points (")] == [
        True
    ] * 3
    balanced = Balanced()
    balanced.feed(page)
    assert not balanced.open and not balanced.unscoped
    assert "Where the gain" not in render_report(changed(document, learners=[BOOSTED, TREE]), {})


def test_a_shipped_model_that_people_can_read_is_shown_with_its_text_escaped(document):
    readable = {"rules.txt": "if age <= 40:", "rules.json": "{}", "tree.svg": "<svg><title>t</title></svg>"}
    page = render_report(document, {}, readable)
    assert "if age &lt;= 40:" in page and "<svg><title>t</title></svg>" in page
    assert "The shipped model, to read" not in render_report(document, {})


def test_the_page_says_from_which_probability_on_a_row_is_labelled_positive(document):
    winner = document.to_dict()["winner"] | {"threshold": 0.125}
    page = render_report(changed(document, winner=winner), {})
    assert "Decision threshold" in page and "0.125" in page
    assert "Decision threshold" not in render_report(document, {})


def test_privacy_has_what_was_measured_declared_and_combined_apart_with_its_controls(document):
    page = render_report(changed(document, privacy=PRIVACY), {})
    checker = Balanced()
    checker.feed(page)
    assert checker.open == []
    assert checker.unscoped == []
    assert "training.parquet holds your 900 real rows." in page
    assert "Not to be shared: a leak was found.</strong> Leak found: 12 %." in page
    assert "12 % (8 % to 17 %)" in page
    assert "counted from 0: 17, 4." in page
    assert page.index("Measured:") < page.index("Declared</strong>") < page.index("Combined</strong>")
    assert "0 of 5" in page
    assert "No model trained on them ships." not in page
    vetoed = {**PRIVACY, "pools": [{**LEAKY, "veto": "The card allows 5 %."}]}
    assert "No model trained on them ships. The card allows 5 %." in render_report(
        changed(document, privacy=vetoed), {}
    )


def test_privacy_that_was_not_measured_says_why_and_what_is_not_declared_is_asked_for(document):
    page = render_report(changed(document, privacy=NOT_MEASURED), {})
    assert "No synthetic rows were attacked: the folds are cut by time." in page
    silent = {**LEAKY, "assessment": {**LEAKY["assessment"], "declared": None, "combined": None}}
    page = render_report(changed(document, privacy={**PRIVACY, "pools": [silent]}), {})
    assert "<code>privacy: {prior: 0.1}</code>" in page
    assert "Combined</strong>" not in page
    assert "<h2>Privacy" not in render_report(document, {})


def test_who_answers_for_a_study_that_the_card_does_not_permit_is_named(document):
    permission = {"use": "synthesize", "gaps": ['`provenance.licence` is "none"'], "reason": "vote <12>"}
    page = render_report(changed(document, permission=permission), {})
    assert "The card does not permit this study" in page and "vote &lt;12&gt;" in page
    silent = changed(document, permission={**permission, "gaps": [], "reason": None})
    assert "does not permit" not in render_report(silent, {})
