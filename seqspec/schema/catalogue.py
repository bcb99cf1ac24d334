"""The catalogue: the folder listing of ``schema/`` and, on request, the components of other packages.

``schema/<slot>/<name>.py`` holds the config of component ``name`` of ``slot``; nothing else registers it.  A
module is imported when a spec first names it, so that validating a spec costs what its own components cost.
"""

from __future__ import annotations

import importlib
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqspec.schema.config import Config

SLOTS = (
    "adapter",
    "segmenter",
    "normalizer",
    "tokenizer",
    "feature",
    "augment",
    "embedding",
    "encoder",
    "pooler",
    "decoder",
    "attention",
    "aligner",
    "predictor",
    "duration",
    "vocoder",
    "critic",
    "feed_forward",
    "self_attention",
    "router",
    "head",
    "generator",
    "discriminator",
    "denoiser",
    "model",
    "loss",
    "optimizer",
    "procedure",
    "schedule",
    "search",
    "metric",
    "mix",
    "weighting",
    "adaptation",
)


class UnknownComponent(LookupError):
    """No component of that name in the slot."""


class PluginError(Exception):
    """A package that a spec lists under ``plugins`` is not installed, or cannot be imported."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"{name}: {reason}")


class Catalogue:
    """Looks components up by slot and name.  ``plugins``: entry-point names (group ``seqspec``) that the spec
    lists.
    """

    def __init__(self, plugins: tuple[str, ...] = ()) -> None:
        self.plugins = plugins
        self._loaded: dict[tuple[str, str], type[Config]] = {}

    @cached_property
    def roots(self) -> tuple[tuple[str, Path], ...]:
        """Package prefixes that hold ``schema/<slot>/`` folders, ours first.  Raises ``PluginError``."""
        found = [("seqspec", Path(__file__).parents[1])]
        if not self.plugins:
            return tuple(found)
        from importlib.metadata import entry_points

        points = {point.name: point.value for point in entry_points(group="seqspec")}
        for name in self.plugins:
            if name not in points:
                raise PluginError(name, "no package that is installed here offers it")
            try:
                package = importlib.import_module(points[name])
            except Exception as error:  # whatever the code of another package raises
                raise PluginError(name, f"it cannot be imported: {type(error).__name__}: {error}") from error
            found.append((points[name], Path(next(iter(package.__path__)))))
        return tuple(found)

    def names(self, slot: str) -> tuple[str, ...]:
        """The components of a slot, sorted."""
        return tuple(sorted(self._modules(slot)))

    def _modules(self, slot: str) -> dict[str, str]:
        return {
            name: module
            for prefix, root in reversed(self.roots)
            for name, module in _listing(prefix, root, slot)
        }

    def config(self, slot: str, name: str) -> type[Config]:
        """The config class of a component; raises ``UnknownComponent``."""
        found = self._loaded.get((slot, name))
        if found is None:
            module_name = self._modules(slot).get(name)
            if module_name is None:
                raise UnknownComponent(f"{slot} {name}")
            found = self._class(module_name, class_name(name) + "Config")
            found.component = (slot, name)
            self._loaded[slot, name] = found
        return found

    def _class(self, module_name: str, name: str) -> Any:
        """A component's class.  Raises ``PluginError`` where the file of another package does not hold it."""
        try:
            return getattr(importlib.import_module(module_name), name)
        except Exception as error:
            package = next(prefix for prefix, _ in self.roots if module_name.startswith(f"{prefix}."))
            if package == "seqspec":
                raise
            reason = f"`{module_name}` gives no `{name}`: {type(error).__name__}: {error}"
            raise PluginError(package, reason) from error

    def taken(self) -> tuple[tuple[str, str, str, str], ...]:
        """Components that two packages offer: slot, name, the package that has it, and the later one."""
        owners: dict[tuple[str, str], str] = {}
        found = []
        for prefix, root in self.roots if len(self.roots) > 1 else ():
            for slot in SLOTS:
                for name, _ in _listing(prefix, root, slot):
                    owner = owners.setdefault((slot, name), prefix)
                    if owner != prefix:
                        found.append((slot, name, owner, prefix))
        return tuple(found)

    def default(self, slot: str) -> str | None:
        """The component that is meant where a node of the slot names no type; ``None`` where it must be
        named.
        """
        return {
            "optimizer": "adamw",
            "procedure": "supervised",
            "loss": "cross_entropy",
            "search": "greedy",
            "head": "linear",
            "embedding": "lookup",
        }.get(slot)

    def module(self, slot: str, name: str) -> type:
        """The built component's class, from ``components/<slot>/<name>.py``.  This is what loads torch."""
        module_name = self._modules(slot)[name].replace(".schema.", ".components.", 1)
        found: type = self._class(module_name, class_name(name))
        return found


def class_name(name: str) -> str:
    """``log_mel`` as ``LogMel``: the class in a component's file is named after the file."""
    return "".join(part.capitalize() for part in name.split("_"))


@cache
def _listing(prefix: str, root: Path, slot: str) -> tuple[tuple[str, str], ...]:
    folder = root / "schema" / slot
    files = folder.glob("*.py") if folder.is_dir() else ()
    return tuple((f.stem, f"{prefix}.schema.{slot}.{f.stem}") for f in files if not f.stem.startswith("_"))
