import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest

from realmix.tasks.runtime import cache_keys
from realmix.tasks.runtime.cache_keys import code_version, digests_of, entry_key, file_digest


def test_everything_that_is_named_decides_the_key_and_its_order_does_not():
    key = entry_key(function="fit", rows=[1, 2], options={"a": 1, "b": 2})
    assert key == entry_key(options={"b": 2, "a": 1}, rows=(1, 2), function="fit")
    others = [
        entry_key(function="fit", rows=[2, 1], options={"a": 1, "b": 2}),
        entry_key(function="fit", rows=[1, 2], options={"a": 1, "b": 3}),
        entry_key(function="fit", rows=[1, 2]),
        entry_key(function="fit", rows=[1, 2], options={"a": 1, "b": 2}, more=None),
    ]
    assert len({key, *others}) == 5


def test_keys_are_hashes_also_of_odd_values():
    assert len(entry_key(name="\udcff", score=float("nan"), array=np.arange(3))) == 64


def test_other_code_has_other_keys(monkeypatch):
    key = entry_key(function="fit")
    monkeypatch.setattr(cache_keys, "code_version", lambda: "another version")
    assert entry_key(function="fit") != key


def test_another_version_of_a_library_is_other_code(monkeypatch):
    before = code_version()
    real = cache_keys.version
    monkeypatch.setattr(cache_keys, "version", lambda name: "99" if name == "scipy" else real(name))
    assert code_version.__wrapped__() != before
    monkeypatch.setattr(cache_keys, "version", real)
    assert code_version.__wrapped__() == before


def test_a_file_s_digest_is_its_sha256_and_a_missing_file_has_none(tmp_path):
    (tmp_path / "a").write_bytes(b"rows")
    digest = hashlib.sha256(b"rows").hexdigest()
    assert file_digest(tmp_path / "a") == digest
    assert digests_of(tmp_path, ["a", "b"]) == {"a": digest, "b": None}


def test_a_file_that_folders_share_is_read_once_until_it_changes(tmp_path, monkeypatch):
    (tmp_path / "rows").write_bytes(b"rows")
    for fold in ("fold-0", "fold-1"):
        (tmp_path / fold).mkdir()
    read: list[Path] = []
    monkeypatch.setattr(cache_keys, "file_digest", lambda path: read.append(path) or file_digest(path))
    first, second = (digests_of(tmp_path / fold, ["../rows"]) for fold in ("fold-0", "fold-1"))
    assert first == second and len(read) == 1
    (tmp_path / "rows").write_bytes(b"other rows")
    assert digests_of(tmp_path / "fold-0", ["../rows"]) != first and len(read) == 2


@pytest.mark.parametrize("change", ["edit", "rename"])
def test_a_plug_in_from_outside_is_part_of_the_key_with_its_whole_package(tmp_path, monkeypatch, change):
    package = tmp_path / "foreign_plugins"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "helper.py").write_text("SHARE = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    __import__("foreign_plugins")
    try:
        before = cache_keys.outside_version.__wrapped__(("foreign_plugins.thing",))
        assert before == cache_keys.outside_version.__wrapped__(("foreign_plugins.other",))
        if change == "edit":
            (package / "helper.py").write_text("SHARE = 2\n")
        else:
            (package / "helper.py").rename(package / "helpers.py")
        assert cache_keys.outside_version.__wrapped__(("foreign_plugins.thing",)) != before
    finally:
        del sys.modules["foreign_plugins"]
