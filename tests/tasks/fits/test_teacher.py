import numpy as np

from realmix.tasks.fits.teacher import fit_teacher, inner_folds, learnt_rows

MEMBERS = [("linear", 0)]


def test_a_bounded_teacher_learns_from_a_sample_and_labels_every_row(scope):
    learnt = learnt_rows(scope, 120)
    assert len(np.unique(learnt)) == 120 == len(inner_folds(scope, learnt))
    fit_teacher(str(scope.folder), MEMBERS, 1)
    whole = scope.read_array("teacher-training.npy")
    fit_teacher(str(scope.folder), MEMBERS, 1, max_rows=120)
    bounded = scope.read_array("teacher-training.npy")
    assert bounded.shape == whole.shape
    assert not np.array_equal(bounded, whole)
    np.testing.assert_allclose(bounded, whole, atol=0.2)


def test_a_bound_above_the_rows_changes_nothing(scope):
    fit_teacher(str(scope.folder), MEMBERS, 1)
    whole = scope.read_array("teacher-training.npy")
    fit_teacher(str(scope.folder), MEMBERS, 1, max_rows=200)
    assert np.array_equal(scope.read_array("teacher-training.npy"), whole)
