"""seqspec: a compiler for experiments with sequence models.

>>> import seqspec
>>> compiled = seqspec.load("specs/image_mnist_lenet5.yaml", profiles=["tiny"])
>>> bundle = seqspec.build(compiled)
>>> lightning.Trainer(max_steps=10).fit(bundle.module, datamodule=bundle.data)

Importing this package loads neither torch nor the compiler; the first use of a name does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqspec.runtime.api import (
        Bundle,
        Launch,
        Run,
        build,
        change,
        component,
        diff,
        load,
        open_run,
        table,
    )
    from seqspec.schema import types
    from seqspec.schema.diagnostic import DataError, RunError, SpecError

__version__ = "0.1.0"
__all__ = [
    "Bundle",
    "DataError",
    "Launch",
    "Run",
    "RunError",
    "SpecError",
    "__version__",
    "build",
    "change",
    "component",
    "diff",
    "load",
    "open_run",
    "table",
    "types",
]


def __getattr__(name: str) -> Any:
    if name == "types":
        return import_module("seqspec.schema.types")
    if name in ("DataError", "RunError", "SpecError"):
        return getattr(import_module("seqspec.schema.diagnostic"), name)
    if name == "Launch":
        return import_module("seqspec.runtime.devices.launch").Launch
    if name in __all__:
        return getattr(import_module("seqspec.runtime.api"), name)
    raise AttributeError(f"module 'seqspec' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)
