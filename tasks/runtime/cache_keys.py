"""Keys of the cache: a hash over everything that decides a result, the code that computes it included."""

from __future__ import annotations

import functools
import hashlib
import json
import platform
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from realmix.tasks.core.contracts.registry import outside_modules
from realmix.tasks.core.json_values import to_jsonable

# Their releases may change a fit, a drawn row or a rounding.
COMPUTING_LIBRARIES = ("numpy", "pandas", "pyarrow", "scipy", "scikit-learn", "xgboost-cpu", "xgboost", "torch",
                       "tabicl", "tabpfn", "sdv", "rdt", "ctgan", "copulas", "imbalanced-learn", "simpy", "great-expectations")  # fmt: skip
PACKAGES = ("tasks", "expectations")


def entry_key(**parts: Any) -> str:
    """Hash named plain values into the key of a cached result.

    Parameters
    ----------
    **parts
        Whatever decides the result: plain values, mappings and sequences of them.

    Returns
    -------
    str
        sha256 in hexadecimal; this code's and its libraries' versions are part of it.

    Examples
    --------
    >>> entry_key(function="fit", seed=0) == entry_key(seed=0, function="fit")
    True
    >>> entry_key(function="fit", seed=0) == entry_key(function="fit", seed=1)
    False
    """
    named = {
        "parts": to_jsonable(parts),
        "code": code_version(),
        "plugins": outside_version(outside_modules()),
    }
    text = json.dumps(named, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def file_digest(path: Path) -> str:
    """Return the sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def traces_of_loading(folder: Path) -> list[Path]:
    """List the files that loading a model leaves in its folder: Python's bytecode, and the name it was asked for by.

    MLflow writes the latter into the store itself where that is a folder.
    """
    return [
        file
        for file in folder.rglob("*")
        if file.is_file() and (file.parent.name == "__pycache__" or file.name == "registered_model_meta")
    ]


def tree_digest(path: Path, *, as_made: bool = False) -> str:
    """Return the sha256 of a file, or of a folder's list of files and their sha256.

    A reader gets that of a folder by
    ``cd FOLDER && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum``.

    Parameters
    ----------
    path : Path
    as_made : bool
        Whether to leave out what loading a model added to its folder. Bytecode is code: only where nobody else can
        write, or nothing is loaded.
    """
    if path.is_file():
        return file_digest(path)
    added = set(traces_of_loading(path)) if as_made else set()
    made = (file for file in path.rglob("*") if file.is_file() and file not in added)
    files = sorted(f"./{file.relative_to(path).as_posix()}" for file in made)
    return hashlib.sha256(
        "".join(f"{file_digest(path / name)}  {name}\n" for name in files).encode()
    ).hexdigest()


def digests_of(folder: Path, names: Iterable[str]) -> dict[str, str | None]:
    """Return the sha256 of each named file of a folder; None where there is none.

    A file is read again only when its size or the time of its last change is another: all folds of a study
    have one file of rows.

    Examples
    --------
    >>> digests_of(Path("."), ["no such file"])
    {'no such file': None}
    """
    return {name: _digest_now((folder / name).resolve()) for name in names}


def _digest_now(path: Path) -> str | None:
    if not path.exists():
        return None
    found = path.stat()
    return _known_digest(path, found.st_size, found.st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _known_digest(path: Path, n_bytes: int, changed_ns: int) -> str:
    return file_digest(path)


@functools.cache
def code_version() -> str:
    """Hash every source file of this product, plug-ins included, and the versions of numerical libraries.

    Coarse on purpose: a result of other code is never taken for one of this code.
    """
    root = Path(__file__).parents[2]
    files = (p for name in PACKAGES for p in (root / name).rglob("*") if p.is_file())
    sources = sorted(p for p in files if p.suffix != ".md" and "__pycache__" not in p.parts)
    digest = hashlib.sha256(f"{platform.python_version()} {platform.machine()}".encode())
    for library in COMPUTING_LIBRARIES:
        digest.update(f"{library} {_version(library)}\n".encode())
    for path in sources:
        digest.update(f"{path.relative_to(root).as_posix()} {file_digest(path)}\n".encode())
    return digest.hexdigest()


@functools.cache
def outside_version(modules: tuple[str, ...]) -> str:
    """Hash the source files of plug-ins from outside: each whole package, or the file and those beside it.

    Parameters
    ----------
    modules : tuple of str
        From :func:`realmix.tasks.core.contracts.registry.outside_modules`.
    """
    digest = hashlib.sha256()
    for path in sorted({path for module in modules for path in _sources_of(module)}):
        digest.update(f"{path.parent.name}/{path.name} {file_digest(path)}\n".encode())
    return digest.hexdigest()


def _sources_of(module: str) -> list[Path]:
    """List the files of a module's package, or the module's own and those beside it, which it may import."""
    package = sys.modules[module.partition(".")[0]]
    file, top = Path(sys.modules.get(module, package).__file__ or ""), package.__file__
    if top and Path(top).name == "__init__.py":
        return list(Path(top).parent.rglob("*.py"))
    return [file] if "site-packages" in file.parts else list(file.parent.glob("*.py"))


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
