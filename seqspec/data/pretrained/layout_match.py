"""A part's layout against the tensors that a folder holds: what is taken, missing, unexpected, left over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from seqspec.schema.hugging_face_folder import Layout, Weight


class Comparison(NamedTuple):
    """Names, each list in the order of the layout or sorted."""

    names: Mapping[Weight, str]
    """The folder's name of each weight that is taken."""
    fresh: tuple[str, ...]
    """Tensors of the part that begin at random because the spec says so."""
    missing: tuple[str, ...]
    """Tensors that the part needs and the folder lacks, by the folder's names."""
    unexpected: tuple[str, ...]
    """Tensors of the folder that the part has no place for."""
    left_over: tuple[str, ...]
    """Tensors of other parts of the folder's model."""
    misshapen: tuple[tuple[str, tuple[int, ...], tuple[int | None, ...]], ...]
    """Name, shape there, shape that is needed."""

    @property
    def taken(self) -> frozenset[str]:
        """Tensors of the part that come from the folder."""
        return frozenset(weight.here for weight in self.names)


def compare(
    layout: Layout, tensors: Mapping[str, tuple[int, ...]], *, fresh: Iterable[str] = ()
) -> Comparison:
    """``fresh`` are beginnings of names of the part's tensors that are not taken."""
    begins = tuple(fresh)
    known_prefixes = (layout.prefix, *layout.prefixes)
    prefix = next((p for p in known_prefixes if any(name.startswith(p) for name in tensors)), "")
    new = tuple(w.here for w in layout.weights if begins and w.here.startswith(begins))
    wanted = [weight for weight in layout.weights if weight.here not in new]
    found = {weight: name for weight in wanted if (name := _found(weight, prefix, tensors))}
    missing = [prefix + weight.there for weight in wanted if weight not in found]
    known = {name for weight in layout.weights if (name := _found(weight, prefix, tensors))}
    rest = sorted(name for name in tensors.keys() - known if not name.endswith(layout.ignored or ("\0",)))
    others = [name for name in rest if name.startswith(layout.elsewhere or ("\0",))]
    shapes = [(name, weight.shape) for weight, name in found.items()]
    return Comparison(
        found,
        new,
        tuple(dict.fromkeys(missing)),
        tuple(name for name in rest if name not in others),
        tuple(others),
        tuple((name, tensors[name], shape) for name, shape in shapes if not _fits(tensors[name], shape)),
    )


def _found(weight: Weight, prefix: str, tensors: Mapping[str, tuple[int, ...]]) -> str | None:
    names = [
        f"{prefix}{weight.there}",
        weight.there,
        *(f"{prefix}{name}" for name in weight.older),
        *weight.older,
    ]
    return next((name for name in names if name in tensors), None)


def _fits(shape: tuple[int, ...], needed: tuple[int | None, ...]) -> bool:
    same = (want in (None, have) for have, want in zip(shape, needed, strict=False))
    return len(shape) == len(needed) and all(same)
