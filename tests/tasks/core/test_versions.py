from importlib.metadata import PackageNotFoundError, version

import pytest

from realmix.tasks.core import versions
from realmix.tasks.core.versions import installed_version


def test_the_version_is_that_of_the_distribution():
    assert installed_version("numpy") == version("numpy")


def test_a_missing_library_is_an_error_unless_another_stands_in(monkeypatch):
    with pytest.raises(PackageNotFoundError):
        installed_version("no-such-library")
    monkeypatch.setitem(versions.STAND_INS, "no-such-library", "numpy")
    assert installed_version("no-such-library") == version("numpy")
    monkeypatch.setitem(versions.STAND_INS, "no-such-library", "none-either")
    with pytest.raises(PackageNotFoundError, match="none-either"):
        installed_version("no-such-library")
