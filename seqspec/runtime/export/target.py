"""What a target of ``seqspec export`` is, and the targets by name."""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from seqspec.compile.language.suggestions import which
from seqspec.schema.diagnostic import Exit, RunError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqspec.runtime.export.subject import Subject


@dataclass(frozen=True)
class Check:
    """One comparison of the export, in its own runtime, with the run."""

    what: str
    """What was compared, for people."""
    difference: float
    """The largest found: of numbers ``|a - b| / (1 + |b|)``, of answers the share that differs."""
    tolerance: float

    @property
    def passed(self) -> bool:
        """Not so where the difference is no number."""
        return self.difference <= self.tolerance

    def line(self) -> str:
        """For the command's output."""
        verdict = "equal" if self.passed else "DIFFERS"
        return f"{self.what:44s} difference {self.difference:.2e}  tolerance {self.tolerance:.0e}  {verdict}"


class Target(Protocol):
    """A module of ``targets/``; its first docstring line says what it writes."""

    def require(self) -> dict[str, str]:
        """The packages that run the export, with versions; raises ``RunError`` where one is missing."""
        ...

    def write(self, subject: Subject, folder: Path) -> dict[str, Any]:
        """Writes the files; gives what ``export.json`` says of them.  Raises ``RunError`` for what this
        target cannot do.
        """
        ...

    def compare(self, subject: Subject, folder: Path) -> Sequence[Check]:
        """Runs what was written in its own runtime, on the subject's batches."""
        ...


def target_names() -> tuple[str, ...]:
    """Every target, in alphabetical order."""
    folder = Path(__file__).with_name("targets")
    return tuple(sorted(one.name for one in pkgutil.iter_modules([str(folder)]) if one.name[0] != "_"))


def target_of(name: str) -> Target:
    """The target's module; raises ``RunError`` where there is none."""
    if name not in target_names():
        raise RunError(
            f"there is no target `{name}`",
            exit=Exit.USAGE,
            help=which(name, target_names(), there="the targets are"),
        )
    module: Any = import_module(f"seqspec.runtime.export.targets.{name}")
    target: Target = module
    return target


def required(module: str, *, extra: str, wanted_by: str) -> Any:
    """An optional package, or what to do where it is missing."""
    try:
        return import_module(module)
    except ImportError:
        raise RunError(
            f"{wanted_by} needs the package `{module}`, which is not installed",
            exit=Exit.USAGE,
            help=f"pip install 'seqspec-compiler[{extra}]'",
        ) from None


def difference(found: NDArray[Any], expected: NDArray[Any]) -> float:
    """The largest ``|a - b| / (1 + |b|)``; equal infinities are equal, and other shapes infinitely far."""
    if found.shape != expected.shape:
        return float("inf")
    if not found.size:
        return 0.0
    a, b = found.astype(np.float64), expected.astype(np.float64)
    same = a == b
    with np.errstate(invalid="ignore"):
        apart = np.where(same, 0.0, np.abs(a - b) / (1 + np.abs(b)))
    return float(np.where(np.isnan(apart), np.inf, apart).max())
