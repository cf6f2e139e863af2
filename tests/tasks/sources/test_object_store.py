from __future__ import annotations

import functools
import gzip
import http.server
import io
import threading

import pandas as pd
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.sources.object_store import ObjectStoreSource

TABLE = pd.DataFrame({"age": [30, 41, 52], "bought": ["no", "yes", "no"]})


def csv_bytes() -> bytes:
    return TABLE.to_csv(index=False).encode()


def parquet_bytes() -> bytes:
    buffer = io.BytesIO()
    TABLE.to_parquet(buffer)
    return buffer.getvalue()


@pytest.fixture
def web_server(tmp_path):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None: ...

    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("content", [csv_bytes(), gzip.compress(csv_bytes()), parquet_bytes()])
def test_an_s3_object_of_any_format_is_read(bucket, content):
    bucket.put_object(Bucket="tables", Key="a folder/t", Body=content)
    source = ObjectStoreSource("s3://tables/a folder/t")
    assert source.load().equals(TABLE)
    assert source.describe()["n_bytes"] == len(content)


def test_a_web_address_is_read_and_its_signature_is_not_told(web_server, tmp_path):
    (tmp_path / "t.csv").write_bytes(csv_bytes())
    source = ObjectStoreSource(f"{web_server}/t.csv?signature=s3cret")
    assert source.load().equals(TABLE)
    assert source.describe()["location"] == f"{web_server}/t.csv"


def test_a_file_address_is_read(tmp_path):
    (tmp_path / "t.csv").write_bytes(csv_bytes())
    assert ObjectStoreSource(f"file://{tmp_path}/t.csv").load().equals(TABLE)


@pytest.mark.parametrize("location", ["s3://tables/none.csv", "s3://no-such-bucket/t.csv"])
def test_a_missing_s3_object_is_one_sentence(bucket, location):
    with pytest.raises(BadInput, match=f"no object '{location}'"):
        ObjectStoreSource(location).load()


def test_a_bucket_alone_is_no_table(bucket):
    with pytest.raises(BadInput, match="s3://tables"):
        ObjectStoreSource("s3://tables").load()


def test_a_missing_web_page_is_one_sentence(web_server):
    with pytest.raises(BadInput, match="no object"):
        ObjectStoreSource(f"{web_server}/none.csv?key=s3cret").load()


def test_an_object_that_is_no_table_is_one_sentence(bucket):
    bucket.put_object(Bucket="tables", Key="t.bin", Body=bytes(range(256)) * 4)
    with pytest.raises(BadInput, match="binary"):
        ObjectStoreSource("s3://tables/t.bin").load()


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
