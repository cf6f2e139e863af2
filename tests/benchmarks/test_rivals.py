from __future__ import annotations

from subprocess import CalledProcessError, TimeoutExpired

from tests.benchmarks.rivals import as_figures, reason, variant


def test_sdgym_is_given_the_steps_that_ours_took_in_batches_of_its_own() -> None:
    assert variant("gaussian-copula", 0) == ("GaussianCopulaSynthesizer", {})
    assert variant("ctgan", 300) == ("CTGANSynthesizer", {"epochs": 150})
    assert variant("tvae", 297) == ("TVAESynthesizer", {"epochs": 148})


def test_figures_are_medians_and_their_ratios() -> None:
    figures = as_figures("ctgan", [(2.0, 9.0, 6.0), (1.0, 8.0, 4.0), (4.0, 50.0, 5.0)])
    assert [figure.value for figure in figures] == [9.0, 5.0, 2.0, 4.5, 2.5]
    assert {figure.part for figure in figures} == {"rivals"}


def test_the_reason_is_the_last_line_without_paths_and_hosts() -> None:
    said = "WARNING: retrying\nERROR: No such release at https://index.example/sdgym for sdgym==0\n"
    assert reason(CalledProcessError(1, "pip", stderr=said)) == "ERROR: No such release at for sdgym==0"
    pool = "OSError: HTTPSConnectionPool(host='index.example', port=443): gone"
    assert reason(CalledProcessError(1, "pip", stderr=pool)) == "OSError: port=443): gone"
    assert reason(CalledProcessError(3, "pip", stderr="")) == "ended with code 3"
    assert reason(TimeoutExpired("pip", 1_200)) == "not done in 1,200 s"
