from realmix.tasks.fits.machine_speed import REFERENCE_SECONDS, probe


def test_the_probe_takes_a_moment_on_any_machine_a_study_can_run_on():
    assert REFERENCE_SECONDS / 20 < probe() < 20 * REFERENCE_SECONDS
