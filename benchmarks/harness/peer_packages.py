"""Packages of peers: installed into a folder of their own, and stand-ins for what they import and never call."""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any


def install(folder: Path, packages: Sequence[str]) -> None:
    """Has pip put ``packages`` into ``folder``, without what they ask for, and finds them there from now on, in
    processes that this one starts too.  What a file in the folder says is there is not fetched again.
    """
    done = folder / "installed.txt"
    there = done.read_text().split() if done.exists() else []
    missing = [package for package in packages if package not in there]
    if missing:
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--upgrade", "--target", folder, *missing], check=True, stdout=sys.stderr)
        done.write_text("\n".join([*there, *missing]) + "\n")
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    earlier = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = f"{folder}{os.pathsep}{earlier}" if earlier else str(folder)


def stand_in(*names: str) -> None:
    """Empty modules for those of ``names`` that are not installed: importing from them gives more of the same."""
    missing = {name for name in names if importlib.util.find_spec(name) is None}
    if missing:
        sys.meta_path.append(_Finder(missing))


class _Finder(MetaPathFinder, Loader):
    """Finds empty modules of some packages."""

    def __init__(self, packages: set[str]) -> None:
        self.packages = packages

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        if fullname.partition(".")[0] not in self.packages:
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Empty(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing in it."""


class _Empty(ModuleType):
    __version__ = "0"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Empty(f"{self.__name__}.{name}")
