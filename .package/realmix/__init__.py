"""Find out whether synthetic rows make a model better, and ship the mix that really does."""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from realmix.flows.api.finished import Study, load
    from realmix.flows.api.studies import Preview, collect, preview, study
    from realmix.tasks.core.errors import BadInput, RealmixError
    from realmix.tasks.estimators.augmented import AugmentedClassifier, AugmentedRegressor
    from realmix.tasks.estimators.sampler import RealmixSampler

__version__ = version("realmix")
__all__ = [
    "AugmentedClassifier",
    "AugmentedRegressor",
    "BadInput",
    "Preview",
    "RealmixError",
    "RealmixSampler",
    "Study",
    "collect",
    "load",
    "preview",
    "study",
]

# Imported when they are first used: the command line and the workers need none of them.
_MODULES = {
    "realmix.flows.api.finished": ("Study", "load"),
    "realmix.flows.api.studies": ("Preview", "collect", "preview", "study"),
    "realmix.tasks.core.errors": ("BadInput", "RealmixError"),
    "realmix.tasks.estimators.augmented": ("AugmentedClassifier", "AugmentedRegressor"),
    "realmix.tasks.estimators.sampler": ("RealmixSampler",),
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module 'realmix' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
