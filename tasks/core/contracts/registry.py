"""Registry of plug-ins: every file of a folder is one; other distributions offer more."""

from __future__ import annotations

import functools
import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, Protocol, TypeVar

from realmix.tasks.core.contracts.specs import ALL_TASKS
from realmix.tasks.core.errors import BadInput, unknown_name


class Spec(Protocol):
    """What every plug-in offers, in a file of the folder as ``SPEC``."""

    @property
    def name(self) -> str:
        """Name on the command line and in the data card."""
        ...


S = TypeVar("S", bound=Spec)
NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
# Names of files that a study keeps beside those of its plug-ins, and of mixes without a synthesizer.
RESERVED = {
    "class-weights", "development", "distillation", "holdout", "real-only", "real_only", "teacher", "training",
    "validation",
}  # fmt: skip
# Modules of plug-ins that were loaded from outside this package: their code decides results, too.
_outside: set[str] = set()


class Registry(Mapping[str, S], Generic[S]):
    """All plug-ins of one kind: those of a folder, and those of other distributions.

    Every public module of the package must define ``SPEC`` with a unique ``name``. Another
    distribution offers one as an entry point of the registry's group. Modules import their heavy
    optional libraries only when they are built, so that listing the registry stays fast.

    Parameters
    ----------
    package : str
        Dotted name of the folder, for example ``"realmix.tasks.models"``.
    kind : str
        Singular noun for messages, for example ``"model"``.
    spec_type : type
        Class of the specs.
    group : str, optional
        Group of entry points, for example ``"realmix.models"``; None where only the folder counts.
    check : callable, optional
        ``check(spec)`` raises :class:`~realmix.tasks.core.errors.BadInput` for a spec that cannot be used.

    Raises
    ------
    TypeError
        If a module has no ``SPEC`` or two share a name: the program must not start.
    BadInput
        If a plug-in from outside cannot be imported, is of another kind, or takes a name that is in use.
    UnknownName
        On access to a name that is not there; the message lists the known ones.
    """

    def __init__(
        self,
        package: str,
        kind: str,
        spec_type: type[S],
        *,
        group: str | None = None,
        check: Callable[[S], None] | None = None,
    ) -> None:
        self.package = package
        self.kind = kind
        self.spec_type = spec_type
        self.group = group
        self._check = check
        self._specs: dict[str, S] | None = None

    def add(self, spec: S, origin: str) -> None:
        """Add a plug-in from outside; adding the same one again changes nothing.

        Parameters
        ----------
        spec : Spec
        origin : str
            Where it comes from, for messages.
        """
        self._add(self._load(), spec, origin)

    def _add(self, specs: dict[str, S], spec: S, origin: str) -> None:
        if not isinstance(spec, self.spec_type):
            raise BadInput(
                f"{origin} is not a {self.kind}: expected a {self.spec_type.__name__}, got {type(spec).__name__}. "
                "Correct the object, or the group it is registered in."
            )
        if specs.get(spec.name, spec) is not spec:
            raise BadInput(
                f"{origin} is called '{spec.name}' like another {self.kind}: give it a name of its own."
            )
        if not NAME.fullmatch(spec.name) or spec.name in RESERVED:
            raise BadInput(
                f"{origin} is called '{spec.name}': expected lower-case letters, digits, - and _, and none of "
                f"{', '.join(sorted(RESERVED))}. Rename it."
            )
        if unknown := set(getattr(spec, "tasks", ())) - set(ALL_TASKS):
            raise BadInput(
                f"{origin} is for {sorted(unknown)}: expected some of {', '.join(ALL_TASKS)}. Correct `tasks`."
            )
        if self._check:
            self._check(spec)
        specs[spec.name] = spec

    def _load(self) -> dict[str, S]:
        if self._specs is None:
            specs = self._specs_of_folder()
            for point in _offered().select(group=self.group) if self.group else ():
                origin = (
                    f"The entry point '{point.name}' of {point.dist.name if point.dist else 'a distribution'}"
                )
                self._add(specs, _load(point, origin), origin)
                note_outside(point.module)
            self._specs = specs
        return self._specs

    def _specs_of_folder(self) -> dict[str, S]:
        specs: dict[str, S] = {}
        folder = importlib.import_module(self.package).__path__
        for found in sorted(pkgutil.iter_modules(folder), key=lambda m: m.name):
            if found.name.startswith("_") or found.ispkg:
                continue
            module = importlib.import_module(f"{self.package}.{found.name}")
            spec = getattr(module, "SPEC", None)
            if spec is None:
                raise TypeError(f"{module.__name__} defines no SPEC: every {self.kind} does.")
            if spec.name in specs:
                raise TypeError(f"Two {self.kind} plug-ins are called '{spec.name}'.")
            specs[spec.name] = spec
        return specs

    def __getitem__(self, name: str) -> S:
        specs = self._load()
        if name not in specs:
            raise unknown_name(self.kind, name, specs)
        return specs[name]

    def __contains__(self, name: object) -> bool:
        return name in self._load()

    def __iter__(self) -> Iterator[str]:
        return iter(self._load())

    def __len__(self) -> int:
        return len(self._load())


@functools.cache
def _offered() -> Any:
    """Return what the installed distributions offer, of all groups: reading them takes a tenth of a second."""
    return entry_points()


def _load(point: EntryPoint, origin: str) -> Any:
    try:
        return point.load()
    except Exception as err:  # whatever a module raises that is not ours
        raise BadInput(
            f"{origin} cannot be imported ({type(err).__name__}: {err}). Repair or uninstall that distribution."
        ) from err


def note_outside(module: str) -> None:
    """Record a module as the home of a plug-in from outside."""
    _outside.add(module)


def outside_modules() -> tuple[str, ...]:
    """List the modules of plug-ins that were loaded from outside this package."""
    return tuple(sorted(_outside))
