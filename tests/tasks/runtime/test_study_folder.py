import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from realmix.tasks.core.errors import BadInput
from realmix.tasks.runtime import study_folder
from realmix.tasks.runtime.study_folder import StudyFolder, check_output_folder, home_id, only_study_in


def test_a_nearly_full_disk_is_refused_before_anything_is_computed(tmp_path, monkeypatch):
    monkeypatch.setattr(study_folder, "MIN_FREE_BYTES", 10**18)
    with pytest.raises(BadInput, match="No space left"):
        check_output_folder(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_finished_study_is_not_overwritten(tmp_path):
    (tmp_path / "verdict.json").touch()
    with pytest.raises(
        BadInput, match="holds a finished study that is not known to be of this very table, card and options"
    ):
        check_output_folder(tmp_path)


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "model").mkdir()
    with pytest.raises(BadInput, match="holds other files"):
        check_output_folder(tmp_path)


def test_an_interrupted_study_may_be_started_again(tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "context.json").touch()
    check_output_folder(tmp_path)


def test_json_is_strict_and_written_whole(tmp_path):
    folder = StudyFolder(tmp_path)
    folder.write_json("a.json", {"x": 1.5})
    assert folder.read_json("a.json") == {"x": 1.5}
    with pytest.raises(ValueError, match="not JSON compliant"):
        folder.write_json("b.json", {"x": float("nan")})
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_finished_study_keeps_no_intermediate_file_with_rows(tmp_path):
    folder = StudyFolder(tmp_path)
    for name in (
        "fold-0-0/smote.parquet",
        "development.parquet",
        "context.json",
        "pools.json",
        "workers.log",
    ):
        path = folder.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "training.parquet").touch()
    folder.clear_work()
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"training.parquet", "work/pools.json", "work/workers.log"}


def test_a_home_has_one_name_of_its_own_whoever_asks_first(tmp_path, monkeypatch):
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path / "one"))
    with ThreadPoolExecutor(8) as pool:
        (name,) = set(pool.map(lambda _: home_id(), range(40)))
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["id"]
    (tmp_path / "one").rename(tmp_path / "two")
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path / "two"))
    assert home_id() == name
    monkeypatch.setenv("REALMIX_HOME", str(tmp_path / "one"))
    assert home_id() != name


HOLDS = """
import sys
from pathlib import Path
from realmix.tasks.runtime.study_folder import only_study_in
with only_study_in(Path(sys.argv[1])):
    print("held", flush=True)
    input()
"""


def test_two_studies_never_write_into_one_folder(tmp_path):
    out = tmp_path / "out"
    holder = [sys.executable, "-c", HOLDS, str(out)]
    with subprocess.Popen(holder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        check_output_folder(out)
        with pytest.raises(BadInput, match="Another study is being written"), only_study_in(out):
            pass
        other.kill()
    # A lock that a kill left is no obstacle.
    check_output_folder(out)
    with only_study_in(out):
        pass


def test_a_device_is_no_folder_and_stays_what_it_is():
    with pytest.raises(BadInput, match="is a file"):
        check_output_folder(Path("/dev/null"))
    assert Path("/dev/null").is_char_device()
