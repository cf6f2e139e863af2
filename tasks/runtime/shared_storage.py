"""Results of a study's steps by key, for workers of a cluster that do not see its folder.

What a step wrote is one object under the study's URL: an archive under a key that its readers know, such as
``fold-0-1/pool-smote``. Who writes it again writes the same. A step takes what it needs by key, and the study takes
what the steps gave. Without a URL all see one folder, and nothing is copied. Archives are sealed with a secret that
the study and its workers alone know. Pickled teachers (the models that label synthetic rows) stay where
they were fitted.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.urls import without_secrets
from realmix.tasks.runtime.archive import Damaged, Seal, extract, pack
from realmix.tasks.runtime.cache import make_cache
from realmix.tasks.runtime.object_store import connect, explained
from realmix.tasks.runtime.study_folder import VALIDATION, Storage, StudyFolder, home

log = logging.getLogger("realmix")
NEVER_COPIED = ".pickle"
# What all scopes of a study share, what each has before any step, and rows that only the scope of all rows holds.
SHARED, POSITIONS = ("context.json", "development.parquet"), ("training.npy", "validation.npy")
OF_ALL = {"shipped": "holdout.parquet"}
# Key of what is there before any step: of all scopes, or of one of them.
ROWS = "rows"
# All that steps write, in the study's folder.
WRITTEN = ("work", VALIDATION, "training.parquet")
# An object that exists as long as its study runs.
OPEN = ".open"
# Where a worker stores its copies; on the machine of a study this stays empty, and its folder is used.
_places: list[Path] = []
_results: dict[tuple[Path, str], StepResults] = {}


class StepResults:
    """The results of a study in its storage, and a folder that takes their files.

    Parameters
    ----------
    folder : Path
    storage : Storage
        Its URL is ``s3://bucket/prefix`` or any other that fsspec can write to; keys and endpoint as in
        :mod:`realmix.tasks.sources.object_store`.

    Examples
    --------
    >>> import tempfile
    >>> storage = Storage("memory://example", b"secret")
    >>> with tempfile.TemporaryDirectory() as here, tempfile.TemporaryDirectory() as there:
    ...     _ = Path(here, "training.parquet").write_text("rows")
    ...     StepResults(Path(here), storage).put("final", ["training.parquet"])
    ...     StepResults(Path(there), storage).take(["final"])
    ...     Path(there, "training.parquet").read_text()
    'rows'
    """

    def __init__(self, folder: Path, storage: Storage) -> None:
        self.folder = folder
        self.url = storage.url
        self.known: set[str] = set()  # keys of what the folder has
        self._secret = storage.secret
        self._store = connect(storage.url)
        self._root = self._store._strip_protocol(storage.url).rstrip("/")

    def put(self, key: str, names: Iterable[str], also: Mapping[str, Path] | None = None) -> None:
        """Store files of the folder under a key, and others under the names that they shall have there.

        Raises
        ------
        BadInput
            If the store does not answer or refuses; also of `take`.
        """
        files = {name: self.folder / name for name in names if not name.endswith(NEVER_COPIED)}
        with self._temporary() as archive:
            pack(archive, {}, {**files, **(also or {})}, Seal(self._secret, key))
            with explained(self.url):
                self._store.put_file(str(archive), self._at(key))
        self.known.add(key)

    def take(self, keys: Iterable[str]) -> None:
        """Copy the files of results into the folder, each once."""
        for key in keys:
            if key not in self.known:
                self._copy(key)
                self.known.add(key)

    def open(self) -> None:
        """Mark the study as running, until `remove`."""
        with explained(self.url):
            self._store.pipe_file(self._at(OPEN), b"")

    def is_open(self) -> bool:
        """Return whether the study is still running."""
        self._store.invalidate_cache()
        with explained(self.url):
            return bool(self._store.exists(self._at(OPEN)))

    def remove(self) -> None:
        """Remove everything under the URL."""
        with explained(self.url):
            self._store.invalidate_cache()
            found = self._store.find(self._root)
            # First the mark of a running study: steps that still run then remove what they upload.
            # One by one, not by a pattern: a name may hold characters that have a meaning in patterns.
            for path in sorted(found, key=lambda path: path != self._at(OPEN)):
                self._store.rm_file(path)

    def written(self) -> dict[str, tuple[int, int]]:
        """List what steps wrote to the folder, each file with the time of its last change and its size."""
        tops = [self.folder / name for name in WRITTEN]
        files = [path for top in tops for path in (top, *top.rglob("*")) if path.is_file()]
        about = {path: path.stat() for path in files}
        return {
            path.relative_to(self.folder).as_posix(): (found.st_mtime_ns, found.st_size)
            for path, found in about.items()
        }

    def _copy(self, key: str) -> None:
        into = {name: self.folder / name for name in WRITTEN}
        with self._temporary() as archive:
            with explained(f"{self.url}/{key}"):
                self._store.invalidate_cache()
                self._store.get_file(self._at(key), str(archive))
            try:
                with archive.open("rb") as file:
                    extract(file, into, Seal(self._secret, key))
            except Damaged as err:
                raise BadInput(
                    f"{self.url}/{key} is not what a step of this study wrote: somebody else writes there. "
                    "Choose a place of its own for --storage."
                ) from err

    @contextmanager
    def _temporary(self) -> Iterator[Path]:
        """Name a file beside the intermediate ones, which hold the same rows and go with the study."""
        work = self.folder / "work"
        work.mkdir(mode=0o700, parents=True, exist_ok=True)
        archive = work / f".{uuid.uuid4().hex}.tmp"
        try:
            yield archive
        finally:
            archive.unlink(missing_ok=True)

    def _at(self, key: str) -> str:
        return f"{self._root}/{key}"


def keep_copies_in(place: Path) -> None:
    """Make this process a worker's: files of studies with shared storage are copied to this folder."""
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    _places[:] = [place]


def forget_copies(url: str) -> None:
    """Remove a worker's copies of a study that has ended."""
    if _places:
        _results.pop((_copy(url), url), None)
        shutil.rmtree(_copy(url), ignore_errors=True)


@contextmanager
def at_hand(
    folder: StudyFolder, scope: str, *needs: str, gives: str | None = None, also: tuple[str, ...] = ()
) -> Iterator[StudyFolder]:
    """Give a step the study's folder, or on a worker a copy of what it needs, and store what it writes.

    Parameters
    ----------
    folder : StudyFolder
    scope : str
    *needs : str
        The steps of this scope whose results it reads.
    gives : str, optional
        Its own name; without one it writes nothing that others need.
    also : tuple of str
        Keys of further results that it reads.

    Yields
    ------
    StudyFolder
        A copy uses the cache of its own machine.
    """
    if folder.storage is None or not _places:
        yield folder
        return
    results = _results_of(_copy(folder.storage.url), folder.storage)
    results.take([*_rows_of(scope), *(key_of(scope, step) for step in needs), *also])
    before = results.written()
    yield StudyFolder(results.folder, make_cache(home()))
    if gives:
        written = (name for name, stamp in results.written().items() if before.get(name) != stamp)
        results.put(key_of(scope, gives), sorted(written))
    if not results.is_open():  # its study ended meanwhile and removed its objects before this one
        results.remove()
        forget_copies(folder.storage.url)


@contextmanager
def open_storage(folder: StudyFolder) -> Iterator[None]:
    """Use a study's shared storage, if it has one.

    At the end, also after an error, its objects are removed: they hold rows of the table. If that
    fails, a warning is logged and the study continues.
    """
    if not folder.storage:
        yield
        return
    results = _results_of(folder.path, folder.storage)
    results.open()
    try:
        yield
    finally:
        _results.pop((folder.path, folder.storage.url), None)
        try:
            results.remove()
        except BadInput as err:
            log.warning("%s Rows of the table stay under %s: remove them by hand.", err, folder.storage.url)


def share(folder: StudyFolder, *scopes: str) -> None:
    """Store the rows of scopes for the workers of a study, if it has shared storage."""
    if not folder.storage:
        return
    results = _results_of(folder.path, folder.storage)
    files = {ROWS: [f"work/{name}" for name in SHARED]}
    for scope in scopes:
        there = (name for name in POSITIONS if (folder.scope(scope) / name).exists())
        files[key_of(scope, ROWS)] = [f"work/{scope}/{name}" for name in there]
        if scope in OF_ALL:
            files[OF_ALL[scope]] = [f"work/{OF_ALL[scope]}"]
    for key, names in files.items():
        if key not in results.known:
            results.put(key, names)


def share_file(folder: StudyFolder, file: Path) -> str:
    """Store a file from elsewhere for the workers of a study; return its path, or its key and name in their copies."""
    if not folder.storage:
        return str(file)
    name, results = f"work/{file.name}", _results_of(folder.path, folder.storage)
    if name not in results.known:
        results.put(name, [], {name: file})
    return name


def bring(folder: StudyFolder, keys: Iterable[str]) -> None:
    """Take results of the workers into the folder of a study, if it has shared storage."""
    if folder.storage:
        _results_of(folder.path, folder.storage).take(keys)


def key_of(scope: str, step: str) -> str:
    """Return the key of what a step wrote for a scope."""
    return f"{scope}/{step}"


def storage_of(url: str, study: str) -> Storage:
    """Return the place of one study under the URL given for all studies, with a new secret."""
    return Storage(f"{url.rstrip('/')}/{study}-{uuid.uuid4().hex[:12]}", secrets.token_bytes(32))


def check_storage(url: str) -> None:
    """Refuse a URL that cannot be written, read and cleaned.

    Raises
    ------
    BadInput
    """
    if "://" not in url:
        raise BadInput(
            f"--storage {url} is no URL, expected one such as s3://bucket/prefix. "
            "A folder that all workers see under the same path needs no --storage: name it with --out."
        )
    if without_secrets(url) != url:
        raise BadInput(
            "--storage holds a password or key, which would appear in parameters and logs: set it in the "
            "environment, for S3 as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
    with marker_in(url):
        pass


@contextmanager
def marker_in(url: str) -> Iterator[str]:
    """Create an object for the length of the block, and give its URL: other machines look for it."""
    place = f"{url.rstrip('/')}/.realmix-{uuid.uuid4().hex}"
    store = connect(place)
    path = store._strip_protocol(place)
    with explained(url):
        store.pipe_file(path, b"")
    try:
        yield place
    finally:
        with explained(url):
            store.rm_file(path)


def is_seen(marker: str) -> bool:
    """Return whether this machine can see a file, or an object by its URL.

    Examples
    --------
    >>> is_seen(__file__), is_seen("memory://nothing/there")
    (True, False)
    """
    if "://" not in marker:
        return Path(marker).exists()
    try:
        store = connect(marker)
        with explained(marker):
            return bool(store.exists(store._strip_protocol(marker)))
    except BadInput:
        return False


def _copy(url: str) -> Path:
    """Return the folder of a worker's copies of a study."""
    return _places[0] / hashlib.sha256(url.encode()).hexdigest()[:16]


def _results_of(folder: Path, storage: Storage) -> StepResults:
    """Return the results of a study, one object for all steps of this process."""
    if (folder, storage.url) not in _results:
        _results[folder, storage.url] = StepResults(folder, storage)
    return _results[folder, storage.url]


def _rows_of(scope: str) -> list[str]:
    """Return the keys of the rows of a scope."""
    return [ROWS, key_of(scope, ROWS), *([OF_ALL[scope]] if scope in OF_ALL else [])]
