"""Every tutorial is followed literally, from its first block to its last, in an empty folder.

A document is a tutorial if it holds a ``bash`` block. ``bash`` blocks are run, ``python`` blocks too, and a block whose
first line names a file (three backticks, ``yaml own.yaml``) is that file. Blocks without a language are only to be read.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_documents import FENCE, documents, text_of

SECONDS_PER_BLOCK = 400


def blocks_of(document: Path) -> list[tuple[str, str, str]]:
    """Language, file's name and text of each block."""
    return [(language, name.strip(), text) for language, name, text in FENCE.findall(text_of(document))]


def is_tutorial(document: Path) -> bool:
    return any(language == "bash" for language, _, _ in blocks_of(document))


TUTORIALS = [path for path in documents() if is_tutorial(path)]


@pytest.mark.timeout(6 * SECONDS_PER_BLOCK)
@pytest.mark.parametrize("tutorial", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_works_when_it_is_followed_literally(tutorial, tmp_path):
    for language, name, text in blocks_of(tutorial):
        if name:
            (tmp_path / name).write_text(text, encoding="utf-8")
        elif language in ("bash", "python"):
            follow(language, text, tmp_path)


def follow(language: str, text: str, folder: Path) -> None:
    """Run a block as a reader would, in the environment of the tests and with nothing of this machine's settings."""
    command = ["bash", "-e", "-c", text] if language == "bash" else [sys.executable, "-c", text]
    settings = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PREFECT_", "MLFLOW_", "REALMIX_"))
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=folder,
        env={**settings, "PATH": path},
        text=True,
        capture_output=True,
        timeout=SECONDS_PER_BLOCK,
    )
    assert done.returncode == 0, f"{text}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def test_there_is_a_tutorial_for_each_thing_a_user_does():
    assert {path.stem for path in TUTORIALS} >= {"first_table", "costs", "plugins", "scheduling"}
