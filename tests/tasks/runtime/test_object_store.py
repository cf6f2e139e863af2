from __future__ import annotations

import errno

import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.runtime.object_store import connect, explained, open_store
from realmix.tasks.sources.object_store import ObjectStoreSource


@pytest.mark.parametrize("location", ["s3://tables/none.csv", "s3://no-such-bucket/t.csv"])
def test_a_missing_s3_object_is_one_sentence(bucket, location):
    with pytest.raises(BadInput, match=f"no object '{location}'"):
        ObjectStoreSource(location).load()


@pytest.mark.timeout(30)
@pytest.mark.parametrize("location", ["http://me:s3cret@127.0.0.1:1/t.csv", "s3://tables/t.csv"])
def test_a_store_that_does_not_answer_is_given_up(bucket, location, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(BadInput, match="does not answer") as caught:
        ObjectStoreSource(location).load()
    assert "s3cret" not in str(caught.value)


def test_an_unknown_scheme_says_what_can_be_read():
    with pytest.raises(BadInput, match=r"'s4://' cannot be read here; s3://"):
        ObjectStoreSource("s4://tables/t.csv").load()


def test_a_database_address_points_to_the_sql_source():
    with pytest.raises(BadInput, match="sql:TABLE") as caught:
        ObjectStoreSource("postgresql://me:s3cret@127.0.0.1/shop").load()
    assert "s3cret" not in str(caught.value)


def test_a_store_is_opened_without_being_asked_for_anything(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert "s3" in connect("s3://tables/t.csv").protocol


def test_files_of_a_store_are_read_and_written(tmp_path):
    with open_store(f"file://{tmp_path}") as store:
        store.pipe_file(f"{tmp_path}/a.csv", b"x,y")
        assert store.cat_file(f"{tmp_path}/a.csv") == b"x,y"


@pytest.mark.parametrize("error", [FileNotFoundError, PermissionError, TimeoutError, ValueError])
def test_an_error_of_the_store_is_a_sentence_without_keys(error):
    with (
        pytest.raises(BadInput, match=r"https://files/t\.csv") as caught,
        explained("https://me:s3cret@files/t.csv?k=s3cret"),
    ):
        raise error("s3cret")
    assert "s3cret" not in str(caught.value)


def test_a_full_disk_of_this_machine_is_no_fault_of_the_store():
    with pytest.raises(OSError, match="No space left"), explained("s3://tables/t.csv"):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_what_goes_wrong_inside_is_explained():
    with pytest.raises(BadInput, match="no object"), open_store("memory://none") as store:
        store.cat_file("/none/t.csv")
