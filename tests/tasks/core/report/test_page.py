"""The page stands alone, says the answer first, has what the document has, and names in it are only text."""

from __future__ import annotations

import dataclasses
import itertools
import re
from datetime import date
from html.parser import HTMLParser

from realmix.tasks.core.decision.holdout_gain import (
    describe_holdout,
    describe_real_only_holdout,
    score_holdout,
)
from realmix.tasks.core.report.page import render_report
from realmix.tasks.core.report.summary import summary_lines
from tests.tasks.core.report.documents import (
    BOOSTED,
    EVIDENCE,
    FAIRNESS,
    LIKENESS,
    TABLE,
    TREE,
    build,
    changed,
)
from tests.tasks.core.report.privacy import LEAKY, NOT_MEASURED, PRIVACY

VOID = {"meta", "br", "hr", "img", "input", "link", "path", "use"}
DAY = date(2026, 3, 9)


def rendered(document, **more) -> str:
    return render_report(document, made_on=DAY, **more)


def told(page: str) -> str:
    """The page as its reader sees it: without style, script, tags and breaks."""
    body = re.sub(r"<(style|script)>.*?</\1>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body))


class Balanced(HTMLParser):
    """Checks that tags close in order, and collects what a reader needs."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[str] = []
        self.unscoped: list[str] = []
        self.named: list[str] = []
        self.used: list[str] = []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(tag)
        if tag == "th" and "scope" not in found:
            self.unscoped.append(tag)
        self.named += [found["id"]] if "id" in found else []
        self.used += found.get("aria-labelledby", "").split()
        self.used += [found["href"][1:]] if tag == "a" and found.get("href", "").startswith("#") else []

    def handle_startendtag(self, tag, attrs):
        """Self-closed SVG elements open nothing; their ids count."""
        self.named += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def checked(page: str) -> Balanced:
    checker = Balanced()
    checker.feed(page)
    assert checker.open == [] and checker.unscoped == []
    assert len(checker.named) == len(set(checker.named))
    assert set(checker.used) <= set(checker.named)
    return checker


def test_the_page_stands_alone_and_is_well_formed(document):
    page = rendered(changed(document, model_evidence=EVIDENCE, likeness=LIKENESS, learners=[BOOSTED, TREE]))
    checker = checked(page)
    assert checker.headings[0] == "h1" and checker.headings.count("h1") == 1
    levels = [int(heading[1]) for heading in checker.headings]
    assert all(below <= above + 1 for above, below in itertools.pairwise(levels))
    assert '<html lang="en">' in page
    # Namespaces of SVG are names, not addresses that a browser loads.
    assert not re.findall(r'(?:src|href)="(?!#|data:,)', page)
    assert "@import" not in page and "url(h" not in page


def test_the_page_says_the_answer_first(document):
    page = rendered(document)
    order = [
        page.index(text) for text in ("<h1>", "Next step", "How sure", "<h2>Why", "Everything that was tried")
    ]
    assert order == sorted(order)
    for shown in ("9 March 2026", "Bank &amp; Sons", "ctgan at ratio 4", "bank", document.table.target):
        assert shown in page


def test_a_figure_is_labelled_by_what_it_shows(document):
    page = rendered(changed(document, model_evidence=EVIDENCE, likeness=LIKENESS))
    assert page.count('role="img" aria-labelledby="f-') == page.count('<figcaption id="f-')
    for finding in (
        "The model looks at age &lt;b&gt; most: with its values shuffled, log_loss gets 18 % worse.",
        "1 of 2 groups of rows disagree with the probabilities, which are mostly too high there",
        "most is lost between age and income (0.50 among real rows, 0.10 among synthetic ones)",
        "job: largest difference at others, 10 % of all rows more among synthetic ones",
        "<title>&lt;nurse&gt;: 90.0 % of real rows, 80.0 % of synthetic rows</title>",
    ):
        assert finding in page, finding


def test_colours_follow_the_page_into_the_dark(document):
    page = rendered(document)
    assert "prefers-color-scheme: dark" in page
    drawn = "".join(re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL))
    assert set(re.findall(r"(?<!, )#[0-9a-f]{6}\b", drawn)) == set(), "no colour but those of the page"


def test_names_in_the_data_are_only_text(study):
    evil = "<script>alert(1)</script>"
    oof = dataclasses.replace(study[0], disqualified={evil: evil})
    likeness = LIKENESS | {"columns": [LIKENESS["columns"][1] | {"name": evil, "bins": [evil, "]]>"]}]}
    document = build(oof, study[1], study=evil, table={evil: evil}, missing=[evil], likeness=likeness)
    page = rendered(document)
    assert page.count("<script") == 1, "that of the page itself"
    assert "This study is incomplete" in page


def test_real_only_that_ships_has_a_score_on_the_holdout_and_no_gain(simulate_study, squared_error):
    oof = simulate_study(0, offsets={0: -0.5})
    scored = score_holdout(oof.y, oof.predictions[0, 0], oof.predictions[0, 0], squared_error, seed=0)
    scored["decisions_served"] = [1, 1]
    described = describe_real_only_holdout(scored, "squared_error")
    document = build(oof, squared_error, holdout=described)
    assert set(document.holdout.to_dict()) == set(describe_holdout(0.1, (0.0, 0.2), scored, is_relative=True))
    assert document.holdout.inside_interval is None
    assert "But:" not in document.sentence
    assert described["sentence"] in rendered(document)
    assert f"holdout: {described['sentence']}" in summary_lines(document)


def test_a_study_that_keeps_real_only_has_a_page_too(simulate_study, squared_error):
    oof = simulate_study(0, offsets={0: -0.5})
    document = build(oof, squared_error, holdout=None, holdout_reason="the holdout would hold 40 rows")
    page = rendered(document)
    assert document.word == "keep real only" and "<h1>No: train on your real rows alone</h1>" in page
    assert "none, as the holdout would hold 40 rows" in page


def test_a_study_without_candidates_has_a_page_too(simulate_study, squared_error):
    full = simulate_study(0)
    oof = dataclasses.replace(full, arms=full.arms[:6], predictions=full.predictions[:6])
    document = build(oof, squared_error, holdout=None, holdout_reason="None.")
    assert document.validation.mix is None
    assert "No mix could be compared" in rendered(document)


def test_a_study_that_decided_nothing_begins_with_the_reason(simulate_study, squared_error):
    full = simulate_study(0)
    oof = dataclasses.replace(
        full, arms=full.arms[:6], predictions=full.predictions[:6], disqualified={"smote/1/joint": "it broke"}
    )
    document = build(oof, squared_error, holdout=None, holdout_reason="None.")
    assert document.word == "not decided"
    page = rendered(document)
    assert page.index("it broke") < page.index("Next step")


def test_what_the_document_lacks_has_no_section(document):
    page = rendered(document)
    for name in ("learners", "rows", "slices", "drift", "privacy", "fairness", "rules"):
        assert f'<section id="{name}"' not in page and f'href="#{name}"' not in page


def test_what_ships_is_pinned_and_only_the_ten_next_arms_are_printed(document):
    plain = document.arms[0].to_dict()
    arms = [plain | {"name": f"arm-{place}"} for place in range(30)]
    winner = document.winner.to_dict() | {"name": "arm-20"}
    page = rendered(changed(document, arms=arms, winner=winner))
    rows = re.findall(
        r'<tr data-maker="[^"]*" data-learner="[^"]*"( class="[a-z]*")?><td class="n" data-label="Place">(\d+)</td>',
        page,
    )
    assert rows[0] == (' class="chosen"', "21")
    assert [place for kind, place in rows if not kind] == [str(place) for place in range(1, 11)]
    assert sum("more" in kind for kind, _ in rows) == 19


def test_slices_stand_with_their_gain_in_their_own_unit(study):
    part = {"n_rows": 60, "real_only": 0.5, "mix": 0.55, "interval": [-0.15, -0.05], "gain": -0.1}
    plan = part | {"name": "plan: <plus>", "is_declared": True, "vetoes": True}
    alone = part | {"name": "class: no", "is_declared": False, "vetoes": False, "interval": None}
    found = {
        "metric": "log_loss", "margin_is_relative": True, "gap": None, "slices": [plan, alone], "worst_slice_gain": -0.1,
        "shift": {"kind": "covariate shift", "gain": 0.02, "interval": None,
                  "samples": [part | {"name": "rows at the low end"}], "sentence": ""},
        "sentence": "The mix overfits less.",
    }  # fmt: skip
    page = rendered(build(*study, generalisation=found))
    checked(page)
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</th>.*?<td>([^<]*)</td></tr>", page)
    assert ("plan: &lt;plus&gt;", "forbids the mix") in rows and ("class: no", "") in rows
    assert ("rows at the low end", "covariate shift") in rows
    assert "−10 % (−15 % to −5 %)" in page  # this study's AUC is in points
    assert "The mix overfits less." in page


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


def test_rows_saved_stand_with_their_curve_and_what_was_not_measured_with_its_reason(study):
    document = build(*study, rows_saved=SAVED)
    page = rendered(document)
    assert f'<figcaption id="f-rows_saved">{SAVED["sentence"]}</figcaption>' in page
    assert f"rows saved: {SAVED['sentence']}" in summary_lines(document)
    without = rendered(build(*study, rows_saved_reason="the plan left the rows-saved curve out"))
    assert "was not measured: the plan left the rows-saved curve out." in without


def test_the_page_says_what_the_race_saved_and_is_silent_without_one(study, document):
    dropped = [
        {"arm": "ctgan/1/joint/linear", "after_block": 3, "reason": "dropped after block 3 of 15: ..."}
    ]
    saved = {
        "blocks": 15, "dropped": dropped, "generator_seconds": 12.0, "full_grid_generator_seconds": 48.0,
    }  # fmt: skip
    page = rendered(build(*study, race=saved))
    assert (
        "Counting every setting, 1 left the race before the last of 15 folds, which saved 36 s of fitting synthesizers"
        in page
    )
    assert "left the race" not in rendered(document)


def test_hints_stand_on_the_page_with_their_card_lines_and_reasons_with_their_columns(document):
    hint = {
        "kind": "leak",
        "columns": ["code"],
        "is_strong": True,
        "sentence": "'code' alone tells all.",
        "answers": ["ignore: [code]", "allow_leaks: [code]"],
    }
    table = TABLE | {"hints": [hint], "columns_set_apart": {"note": "free text"}}
    page = rendered(changed(document, table=table))
    assert "alone tells all" in page
    assert "<code>ignore: [code]</code> or <code>allow_leaks: [code]</code>" in page
    assert "note: free text" in page


def test_several_learners_have_a_table_and_a_figure_and_a_single_one_has_none(document):
    several = rendered(changed(document, learners=[BOOSTED, TREE]))
    checked(several)
    row = re.search(r'<tr><th scope="row">decision tree</th>.*</tr>', several)[0]
    for cell in (
        "proven",
        "9 points (6 points to 12 points)",
        "−11 points",
        "10 points (5 points to 15 points)",
    ):
        assert cell in row, cell
    assert "The verdict for each learner" not in rendered(changed(document, learners=[BOOSTED]))


def test_where_the_gain_comes_from_has_a_table(document):
    part = {"gain": 0.03, "interval": [0.01, 0.05]}
    credit = {"tuning": part, "labels": None, "synthetic_rows": part, "whole": part | {"gain": 0.06}}
    page = rendered(changed(document, learners=[BOOSTED, TREE | {"credit": credit}]))
    section = page[page.index("Where the gain comes from") :]
    for cell in ("3 points (1 points to 5 points)", "not tried", "6 points ("):
        assert cell in section
    checked(page)
    assert "Where the gain" not in rendered(changed(document, learners=[BOOSTED, TREE]))


def test_a_shipped_model_that_people_can_read_is_shown_with_its_text_escaped(document):
    readable = {"rules.txt": "if age <= 40:", "rules.json": "{}", "tree.svg": "<svg><title>t</title></svg>"}
    page = rendered(document, readable=readable)
    assert "if age &lt;= 40:" in page and "<svg><title>t</title></svg>" in page
    assert "The model, to read" not in rendered(document)


def test_decisions_stand_with_their_threshold_their_errors_and_what_they_cost(document):
    page = told(rendered(changed(document, model_evidence=EVIDENCE)))
    assert "from a probability of 0.125 on, tuned for roc_auc on these rows" in page
    assert "cost 1.25 per row; always deciding for the one class that is cheapest costs 3.5." in page
    assert "no 90 10 90 % yes 20 30 60 %" in page
    assert "Its decisions" not in told(rendered(document))


def test_values_of_a_sensitive_column_are_scored_and_not_drawn(document):
    page = rendered(changed(document, likeness=LIKENESS))
    assert '<th scope="row">religion</th>' in page and "<b>religion</b>" not in page


def test_a_repetition_is_one_command_whose_words_a_shell_takes_as_they_are(document):
    table = TABLE | {"source": "my calls.csv", "target": "yes; no?"}
    page = rendered(changed(document, table=table), mlflow_page="#/experiments/7/runs")
    assert "realmix run &#39;my calls.csv&#39; --target &#39;yes; no?&#39; --plan plan.json" in page
    assert '<a href="http://127.0.0.1:5000/#/experiments/7/runs">' in page


def test_fairness_stands_with_its_limits_its_groups_and_its_repairs(document):
    page = rendered(changed(document, fairness=FAIRNESS))
    checked(page)
    for shown in (
        "Fairness between groups", "forbids the mix", "sex: group 1 of 3 – sex: group 2 of 3", "not judged (n = 7)",
        "10.0 points to 30.0 points", "share shifted", "selection rate: 10.0 points, 2.0 points",
        "They decide nothing and are not shipped", "Equal rates are no proof of fair treatment",
    ):  # fmt: skip
        assert shown in page, shown
    bare = FAIRNESS | {"data": None, "repairs": [], "repairs_reason": "repairs are for classes"}
    assert "Repairs were not measured: repairs are for classes." in rendered(changed(document, fairness=bare))


def test_rows_that_rules_repaired_or_refused_are_counted(study):
    counted = {"name": "ctgan", "fits": 5, "failed": 0, "asked": 9, "made": 9, "kept": 9, "copies_of_real": 0}
    page = rendered(build(*study, synthesizers=[counted | {"repaired": 4, "dropped": 1200}]))
    assert "Of the CTGAN rows drawn, 4 got a value from a rule and 1,200 broke one" in page
    assert "What the rules of the card did" not in rendered(build(*study, synthesizers=[counted]))


def test_privacy_has_how_to_read_it_and_what_was_measured_declared_and_combined_apart(document):
    page = rendered(changed(document, privacy=PRIVACY))
    checked(page)
    assert "training.parquet holds your 900 real rows." in page
    assert "Not to be shared: a leak was found.</strong> Leak found: 12 %." in page
    assert "12 % (8 % to 17 %)" in page
    assert "counted from 0: 17, 4." in page
    assert page.index("How to read it") < page.index("Measured:")
    assert page.index("Measured:") < page.index("Declared</strong>") < page.index("Combined</strong>")
    assert "0 of 5" in page
    assert "No model trained on them ships." not in page
    vetoed = {**PRIVACY, "pools": [{**LEAKY, "veto": "The card allows 5 %."}]}
    assert "No model trained on them ships. The card allows 5 %." in rendered(
        changed(document, privacy=vetoed)
    )


def test_privacy_that_was_not_measured_says_why_and_what_is_not_declared_is_asked_for(document):
    page = rendered(changed(document, privacy=NOT_MEASURED))
    assert "No synthetic rows were attacked: the folds are cut by time." in page
    silent = {**LEAKY, "assessment": {**LEAKY["assessment"], "declared": None, "combined": None}}
    page = rendered(changed(document, privacy={**PRIVACY, "pools": [silent]}))
    assert "<code>privacy: {prior: 0.1}</code>" in page
    assert "Combined</strong>" not in page


def test_who_answers_for_a_study_that_the_card_does_not_permit_is_named(document):
    permission = {"use": "synthesize", "gaps": ['`provenance.licence` is "none"'], "reason": "vote <12>"}
    page = rendered(changed(document, permission=permission))
    assert "The card does not permit this study" in page and "vote &lt;12&gt;" in page
    assert "does not permit" not in rendered(
        changed(document, permission={**permission, "gaps": [], "reason": None})
    )
