"""The panel's page: targets, what was measured, and rivals side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from tests.panel.intervals import mean_in_words, percent
from tests.panel.targets import HARM, Target, targets

RIVAL_NAMES = {
    "shipped": "realmix, what it ships",
    "xgb": "realmix, XGBoost the only learner",
    "floor": "XGBoost tuned once more",
    "plain_xgb": "the study's own XGBoost on real rows",
    "plain": "best real-only learner by CV",
    "distillation": "distillation, no synthetic rows",
    "teacher": "the teacher ensemble itself",
    "raw_cv": "best raw CV score wins",
    "smote": "SMOTE, always on",
    "sdv-copula": "SDV Gaussian copula, ratio 1",
    "sdv-tvae": "SDV TVAE, ratio 1",
    "sdv-ctgan": "SDV CTGAN, ratio 1",
}
PARTS = {
    "all": "all tables",
    "method": "method half",
    "confirmation": "confirmation half",
    "fresh": "fresh tables",
}
RUN = ["table", "n_rows", "seed"]


def side_by_side(lines: pd.DataFrame) -> pd.DataFrame:
    """Rivals of ``rivals.csv`` against tuned XGBoost on real rows."""
    rows = []
    for role, name in RIVAL_NAMES.items():
        known = lines[lines["rival"] == role]
        if len(known):
            rows.append(
                {
                    "": name,
                    "change of loss [95 % over tables]": mean_in_words(known["change"], known["table"]),
                    "runs > 1 % worse": f"{100 * (known['change'] > HARM).mean():.0f} %",
                    "worst run": percent(known["change"].max(), 1),
                    "AUC": f"{known['roc_auc_gain'].mean():+.4f}",
                }
            )
    return pd.DataFrame(rows)


def page(
    panel: pd.DataFrame,
    rivals: pd.DataFrame,
    n_wanted: int,
    *,
    false_discovery: str,
    more: Sequence[Target] = (),
) -> str:
    """The page, in Markdown.

    Parameters
    ----------
    panel, rivals : DataFrame
        Lines of the two tables, those that are not counted among them.
    n_wanted : int
        Runs of the whole panel.
    false_discovery : str
        What `make nulls` found.
    more : sequence of Target
        Rows on all tables that were measured elsewhere.
    """
    runs = panel.drop_duplicates(RUN)
    counted = panel[panel["counted"]]
    facts = {
        "n": len(runs),
        "wanted": n_wanted,
        "tables": runs["table"].nunique(),
        "missing": int((~runs["counted"]).sum()),
        "where": ", ".join(sorted(runs.loc[~runs["counted"], "table"].unique())) or "none",
    }
    parts = ["# The panel", "", PREAMBLE.format(**facts)]
    halves = counted["half"].unique()
    for half in ("all", *(half for half in PARTS if half in halves and len(halves) > 1)):
        part = counted if half == "all" else counted[counted["half"] == half]
        tables = ", ".join(sorted(part["table"].unique()))
        parts += ["", f"## Targets, {PARTS[half]}", "", f"{tables}.", ""]
        rows = [*targets(part), *(more if half == "all" else ())]
        parts += _table(("", "to reach", "measured"), rows)
    parts += ["", "## False discovery", "", false_discovery, "", "## Side by side", ""]
    found = side_by_side(rivals.merge(counted[RUN].drop_duplicates(), on=RUN))
    parts += _table(tuple(found.columns), [tuple(map(str, row)) for row in found.itertuples(index=False)])
    words = counted.groupby("learner")["word"].value_counts().unstack(fill_value=0).reset_index()
    parts += ["", "## Words", ""]
    parts += _table(tuple(words.columns), [tuple(map(str, row)) for row in words.itertuples(index=False)])
    return "\n".join(parts) + "\n"


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [header, tuple("---" for _ in header), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


PREAMBLE = """\
Made by `make panel` from {n} of {wanted} runs on {tables} tables: studies of 200, 500 and 1,000 real
rows, up to three draws each, every score on rows that the study never saw. The reference of a learner is the mean of
five independent tunings of it on the real rows alone, each the best of eight settings by five-fold cross-validation;
that of an ensemble and of the study as a whole is XGBoost's. Changes of loss (log-loss, or RMSE) are relative to it,
negative = better; intervals of means are 95 %, from drawing whole tables, those of shares are Wilson's. The method was
fixed on the *method* half of the tables; each table is judged with priors fitted without it (with the committed ones
as long as runs are missing). The *confirmation* half has been read before.

{missing} of the {n} runs are not counted, because their test rows tell a change of loss with a standard error above
0.5 % (that of distilled XGBoost, the same arm in every run); they are of: {where}."""
