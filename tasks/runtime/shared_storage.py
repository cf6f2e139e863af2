"""Shared storage: the files of a study for workers of a cluster that do not see its folder.

Its files are uploaded to an object store before the workers need them, and the workers' results are
downloaded. Pickled teachers (the models that label synthetic rows) stay where they were fitted:
whoever may write to a bucket must not choose what is unpickled here.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from realmix.tasks.core.errors import BadInput
from realmix.tasks.core.urls import without_secrets
from realmix.tasks.runtime.cache import make_cache
from realmix.tasks.runtime.object_store import connect, explained
from realmix.tasks.runtime.study_folder import StudyFolder, home

log = logging.getLogger("realmix")
NEVER_COPIED = ".pickle"
# What all scopes of a study share, beside them.
SHARED = ("context.json", "development.parquet")
# Rows that only the scope of all rows holds.
OF_ALL = {"shipped": "holdout.parquet"}
# An object that exists as long as its study runs.
OPEN = ".open"
# Where a worker stores its copies; on the machine of a study this stays empty, and its folder is used.
_places: list[Path] = []
_mirrors: dict[tuple[Path, str], Mirror] = {}


class Mirror:
    """A folder of this machine and the objects under a URL, synchronized by name.

    Parameters
    ----------
    folder : Path
    url : str
        ``s3://bucket/prefix`` or any other that fsspec can write to; keys and endpoint as in
        :mod:`realmix.tasks.sources.object_store`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as here, tempfile.TemporaryDirectory() as there:
    ...     _ = Path(here, "a.txt").write_text("rows")
    ...     Mirror(Path(here), "memory://example").push("a.txt")
    ...     Mirror(Path(there), "memory://example").pull("a.txt")
    ...     Path(there, "a.txt").read_text()
    'rows'
    """

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self._store = connect(url)
        self._root = self._store._strip_protocol(url).rstrip("/")
        self._here: dict[str, str] = {}  # stamps of files and tags of objects when both sides were equal
        self._there: dict[str, str] = {}

    def push(self, *names: str) -> None:
        """Upload the files, or those below the folders, that changed on this machine.

        Raises
        ------
        BadInput
            If the store does not answer or refuses; also of `pull`.
        """
        here = self._listed_here(names)
        with explained(self.url):
            for name in self._here.keys() - here.keys():
                if _is_below(name, names):
                    self._store.rm_file(self._at(name))
                    self._forget(name)
            changed = [name for name, stamp in here.items() if self._here.get(name) != stamp]
            for name in changed:
                self._store.put_file(str(self.folder / name), self._at(name))
            there = self._listed_there(names) if changed else {}
        for name in changed:
            self._here[name], self._there[name] = here[name], there.get(name, "")

    def pull(self, *names: str) -> None:
        """Download the files, or those below the folders, that changed in the store."""
        with explained(self.url):
            there = self._listed_there(names)
            for name in self._there.keys() - there.keys():
                if _is_below(name, names):
                    (self.folder / name).unlink(missing_ok=True)
                    self._forget(name)
            for name, tag in there.items():
                if self._there.get(name) != tag:
                    self._download(name)
                    self._there[name], self._here[name] = tag, _stamp(self.folder / name)

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

    def _download(self, name: str) -> None:
        target = self.folder / name
        partial = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        target.parent.mkdir(parents=True, exist_ok=True)
        self._store.get_file(self._at(name), str(partial))
        partial.replace(target)

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _forget(self, name: str) -> None:
        self._here.pop(name, None)
        self._there.pop(name, None)

    def _listed_here(self, names: tuple[str, ...]) -> dict[str, str]:
        """List the files by name, each with its time of change and its size."""
        found: dict[str, str] = {}
        for top in (self.folder / name for name in names):
            files = [top] if top.is_file() else (path for path in top.rglob("*") if path.is_file())
            found |= {path.relative_to(self.folder).as_posix(): _stamp(path) for path in files}
        return {name: stamp for name, stamp in found.items() if not name.endswith(NEVER_COPIED)}

    def _listed_there(self, names: tuple[str, ...]) -> dict[str, str]:
        """List the objects by name, each with the tag by which the store identifies its content."""
        self._store.invalidate_cache()
        found: dict[str, str] = {}
        for name in names:
            for path, about in self._store.find(self._at(name), detail=True).items():
                found[path.removeprefix(f"{self._root}/")] = str(about.get("ETag") or sorted(about.items()))
        # Whoever may write to a bucket must not choose where files go here.
        inside = {name: tag for name, tag in found.items() if ".." not in name.split("/")}
        return {name: tag for name, tag in inside.items() if not name.endswith(NEVER_COPIED)}


def keep_copies_in(place: Path) -> None:
    """Make this process a worker's: files of studies with shared storage are copied to this folder."""
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    _places[:] = [place]


def forget_copies(url: str) -> None:
    """Remove a worker's copies of a study that has ended."""
    if _places:
        _mirrors.pop((_copy(url), url), None)
        shutil.rmtree(_copy(url), ignore_errors=True)


@contextmanager
def at_hand(folder: StudyFolder, *scopes: str, also: tuple[str, ...] = ()) -> Iterator[StudyFolder]:
    """Give a step the study's folder, or on a worker a copy of its scopes, whose changes are uploaded.

    Parameters
    ----------
    folder : StudyFolder
    *scopes : str
    also : tuple of str
        Further files and folders, by their names in the study's folder.

    Yields
    ------
    StudyFolder
        A copy uses the cache of its own machine.
    """
    if folder.storage is None or not _places:
        yield folder
        return
    mirror = _mirror(_copy(folder.storage), folder.storage)
    names = (*_names(scopes), *also)
    mirror.pull(*names)
    yield StudyFolder(mirror.folder, make_cache(home()))
    mirror.push(*names)
    if not mirror.is_open():  # its study ended meanwhile and removed its files before this upload
        mirror.remove()
        forget_copies(folder.storage)


@contextmanager
def open_storage(folder: StudyFolder) -> Iterator[None]:
    """Use a study's shared storage, if it has one.

    At the end, also after an error, its objects are removed: they hold rows of the table. If that
    fails, a warning is logged and the study continues.
    """
    if not folder.storage:
        yield
        return
    mirror = _mirror(folder.path, folder.storage)
    mirror.open()
    try:
        yield
    finally:
        _mirrors.pop((folder.path, folder.storage), None)
        try:
            mirror.remove()
        except BadInput as err:
            log.warning("%s Rows of the table stay under %s: remove them by hand.", err, folder.storage)


def share(folder: StudyFolder, *scopes: str, also: tuple[str, ...] = ()) -> None:
    """Upload scopes of a study for its workers, if it has shared storage."""
    if folder.storage:
        _mirror(folder.path, folder.storage).push(*_names(scopes), *also)


def bring(folder: StudyFolder, *scopes: str, also: tuple[str, ...] = ()) -> None:
    """Download the workers' results in scopes of a study, if it has shared storage."""
    if folder.storage:
        _mirror(folder.path, folder.storage).pull(*_names(scopes), *also)


def within(folder: StudyFolder, file: Path) -> str:
    """Return a file's path for steps of a study: with shared storage a copy's, relative to the folder."""
    if not folder.storage:
        return str(file)
    copy = Path(shutil.copy(file, folder.work / file.name))
    return copy.relative_to(folder.path).as_posix()


def storage_of(url: str, study: str) -> str:
    """Return a URL for the files of one study under the URL given for all studies."""
    return f"{url.rstrip('/')}/{study}-{uuid.uuid4().hex[:12]}"


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


def _mirror(folder: Path, url: str) -> Mirror:
    """Return the mirror of a folder, one object for all steps of this process."""
    if (folder, url) not in _mirrors:
        _mirrors[folder, url] = Mirror(folder, url)
    return _mirrors[folder, url]


def _names(scopes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the folders of scopes, and the files beside them that they need."""
    if not scopes:
        return ()
    beside = (*SHARED, *(OF_ALL[scope] for scope in scopes if scope in OF_ALL))
    return tuple(f"work/{name}" for name in (*beside, *scopes))


def _is_below(name: str, tops: tuple[str, ...]) -> bool:
    return any(name == top or name.startswith(f"{top}/") for top in tops)


def _stamp(path: Path) -> str:
    found = path.stat()
    return f"{found.st_mtime_ns} {found.st_size}"
