"""Plug-in registry: a file in the folder is a plug-in because it exists."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Generic, Protocol, TypeVar

from realmix.tasks.core.errors import unknown_name


class Spec(Protocol):
    """What every plug-in file offers as ``SPEC``."""

    @property
    def name(self) -> str: ...


S = TypeVar("S", bound=Spec)


class Registry(Mapping[str, S], Generic[S]):
    """All plug-ins of one package, found by walking its folder.

    Every public module of the package must define ``SPEC`` with a unique ``name``.
    Modules import their heavy optional libraries only when they are built, so that
    listing the registry stays fast.

    Parameters
    ----------
    package : str
        Dotted name of the folder, for example ``"realmix.tasks.models"``.
    kind : str
        Singular noun for messages, for example ``"model"``.

    Raises
    ------
    TypeError
        If a module has no ``SPEC`` or two share a name: the program must not start.
    UnknownName
        On access to a name that is not there; the message lists the known ones.
    """

    def __init__(self, package: str, kind: str) -> None:
        self.package = package
        self.kind = kind
        self._specs: dict[str, S] | None = None

    def _load(self) -> dict[str, S]:
        if self._specs is None:
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
            self._specs = specs
        return self._specs

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
