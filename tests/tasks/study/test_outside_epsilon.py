from realmix.tasks.core.mixes.fit_result import FitResult
from realmix.tasks.study.report import describe_privacy


def test_a_study_in_which_dp_took_part_says_that_it_is_outside_epsilon():
    fit = FitResult.model_construct(n_real=100, n_synthetic=0)
    said = describe_privacy({}, fit, ["smote", "dp"])["differential_privacy"]
    assert "Choosing a mix on private data is outside epsilon" in said and "--fixed-mix" in said
    assert describe_privacy({}, fit, ["smote"])["differential_privacy"] is None
