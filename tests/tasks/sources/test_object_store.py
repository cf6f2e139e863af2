from __future__ import annotations

import functools
import gzip
import http.server
import io
import threading

import pandas as pd
import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.sources import _compressed, object_store
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


@pytest.mark.parametrize(
    "content", [csv_bytes(), gzip.compress(csv_bytes()), parquet_bytes()], ids=["csv", "gzip", "parquet"]
)
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


def test_a_body_without_end_is_refused_at_the_limit(monkeypatch):
    class Endless(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"a,b\n" * 10_000)
            except OSError:
                self.close_connection = True

        def do_HEAD(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    for module in (_compressed, object_store):
        monkeypatch.setattr(module, "MAX_FILE_BYTES", 1_000_000)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endless) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with pytest.raises(BadInput, match="holds more than"):
                ObjectStoreSource(f"http://127.0.0.1:{server.server_port}/t.csv").load()
        finally:
            server.shutdown()
            thread.join()


ODD_ADDRESSES = ["http://[::1", "reference://x", "dir://x", "github://x/y", "filecache://x"]


@pytest.mark.parametrize("address", ODD_ADDRESSES)
def test_an_address_that_leads_nowhere_is_one_sentence(address):
    with pytest.raises(BadInput, match=r"\w+ "):
        ObjectStoreSource(address).load()


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
