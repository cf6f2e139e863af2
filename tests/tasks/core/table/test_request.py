import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.table.request import StudyRequest, parse_request


def test_the_folder_of_results_is_all_that_must_be_given():
    request = parse_request(out="results")
    assert (request.out, request.seed, request.budget_seconds, request.table) == ("results", 0, 240.0, None)
    with pytest.raises(BadInput, match="out"):
        parse_request()


@pytest.mark.parametrize(
    ("field", "value"),
    [("budget_seconds", 29), ("seed", -1), ("task", "clustering"), ("device", "tpu"), ("colour", "red")],
)
def test_a_value_out_of_range_is_refused_by_the_name_of_its_field(field, value):
    with pytest.raises(BadInput, match=field):
        parse_request(out="results", **{field: value})


def test_where_files_lie_does_not_decide_a_study_and_what_is_asked_for_does():
    plain = StudyRequest(out="a")
    for elsewhere in ({"out": "b"}, {"storage": "s3://b/p"}, {"card": "c.yaml"}, {"table": "t.csv"}):
        assert StudyRequest(**{"out": "a", **elsewhere}).decides() == plain.decides()
    for asked in ({"seed": 1}, {"ratios": (2.0,)}, {"metric": "f1"}, {"device": "cuda"}, {"first": "smote"}):
        assert StudyRequest(out="a", **asked).decides() != plain.decides()
