"""Reader of meshes as point clouds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqspec.components.adapter._off import BadMesh, read_off, sample_surface
from seqspec.components.adapter._point_files import (
    CENTRED,
    SUFFIXES,
    draw,
    in_unit_ball,
    read_points,
    require_cloud,
    seed_of_name,
)
from seqspec.components.adapter._synthetic_text import generator
from seqspec.components.adapter._write import write_lines
from seqspec.data.corpus.adapter import Adapter, synthetic_count
from seqspec.data.corpus.input_files import Given, InputFields, InputFiles
from seqspec.data.corpus.record import BadRow, Record
from seqspec.data.printable import show
from seqspec.schema.adapter._adapter import ordered
from seqspec.schema.adapter.point_cloud import PointCloudConfig
from seqspec.schema.diagnostic import DataError

_SYNTHETIC_CLASSES = {"needle": (0.1, 0.1, 1.0), "plate": (1.0, 1.0, 0.1), "cube": (1.0, 1.0, 1.0)}
_MESH = ".off"
_BOX = ("4 0 1 3 2", "4 4 6 7 5", "4 0 4 5 1", "4 2 3 7 6", "4 0 2 6 4", "4 1 5 7 3")


class PointCloud(Adapter[PointCloudConfig]):
    """Clouds in the order of class and file name."""

    def splits(self) -> tuple[str, ...]:
        return ordered(self.config.folders)

    def files(self, split: str) -> Iterator[Path]:
        home, folder = self.home("ModelNet40"), self.config.folders[split]
        paths = sorted(path for path in home.glob(f"*/{folder}/*.off") if not path.name.startswith("."))
        if not paths:
            raise self.missing(
                f"split `{split}`: there is no `<class>/{show(folder)}/*.off` below `{show(home)}`"
            )
        yield from paths

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        for path in self.files(split):
            name = _name(path)
            try:
                points = self._sampled(path)
            except DataError as error:
                yield BadRow(name, error.message, str(path), error.row, error.byte)
                continue
            except BadMesh as error:
                yield BadRow(name, str(error), str(path))
                continue
            yield {"id": name, "source": points, "target": path.parent.parent.name, "file": str(path)}

    def _sampled(self, path: Path) -> NDArray[np.float32]:
        """Points of the surface of a mesh.  Raises ``BadMesh`` and ``DataError``."""
        corners, triangles = read_off(path, corpus=self.corpus)
        rng = np.random.Generator(np.random.Philox(seed_of_name(_name(path))))
        return sample_surface(corners, triangles, num_points=self.config.num_points, rng=rng)

    def input_files(self) -> InputFiles:
        return InputFiles("point clouds", SUFFIXES | {_MESH}, self._inputs, prepared=CENTRED)

    def _inputs(self, path: Path, given: Given) -> Iterator[InputFields]:
        """A mesh, whose surface points are drawn from, or points of one."""
        if path.suffix.lower() == _MESH:
            try:
                yield InputFields({"source": self._sampled(path)})
            except BadMesh as error:
                raise DataError(str(error), file=show(path)) from None
            return
        told = "places: 3 numbers, or 6 with a normal, which is passed over"
        points = read_points(path, columns=(3, 6), told=told)
        require_cloud(points, path, wanted=self.config.num_points)
        drawn = draw(_name(path), len(points), self.config.num_points)
        yield InputFields({"source": in_unit_ball(points[drawn, :3]).astype(np.float32)})

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        """Boxes, every second one with the counts glued to ``OFF`` as in the real corpus."""
        for split in self.splits():
            rng = generator("point_cloud", seed, split)
            for index in range(synthetic_count(split, count)):
                label = list(_SYNTHETIC_CLASSES)[index % len(_SYNTHETIC_CLASSES)]
                sides = [side * rng.uniform(0.7, 1.3) for side in _SYNTHETIC_CLASSES[label]]
                corners = [
                    " ".join(f"{side * (corner >> axis & 1):.6f}" for axis, side in enumerate(sides))
                    for corner in range(8)
                ]
                head = ["OFF8 6 0"] if index % 2 else ["OFF", "8 6 0"]
                place = folder / "ModelNet40" / label / self.config.folders[split]
                write_lines(place / f"{label}_{index:04d}.off", [*head, *corners, *_BOX])


def _name(path: Path) -> str:
    """Class and name, which decide the points that are drawn."""
    return f"{path.parent.parent.name}/{path.stem}"
