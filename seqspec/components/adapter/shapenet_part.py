"""Reader of things whose points are marked with their parts."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqspec.components.adapter._point_files import (
    CENTRED,
    MOST_POINTS,
    SUFFIXES,
    draw,
    in_unit_ball,
    of_every_point,
    read_points,
    require_cloud,
)
from seqspec.components.adapter._synthetic_text import generator
from seqspec.components.adapter._write import write_lines
from seqspec.data.corpus.adapter import Adapter, synthetic_count
from seqspec.data.corpus.input_files import Given, InputFields, InputFiles
from seqspec.data.corpus.lines import whole_texts
from seqspec.data.corpus.record import BadRow, Record
from seqspec.data.printable import show
from seqspec.schema.adapter.shapenet_part import PARTS, SYNSETS, ShapenetPartConfig
from seqspec.schema.diagnostic import DataError

_HOME = "shapenetcore_partanno_segmentation_benchmark_v0_normal"
_LISTS = {"train": "train", "dev": "val", "test": "test"}
_COLUMNS = 7
_PLACES, _NORMALS = (3, 4, 6, 7), (6, 7)
"""Numbers of a point in a file to predict from: its place, its normal where it has one, and its part where
that is known.
"""
_SYNTHETIC = ("Knife", "Mug", "Table")
"""Categories of the synthetic corpus."""


class ShapenetPart(Adapter[ShapenetPartConfig]):
    """Things in the order of the lists."""

    def splits(self) -> tuple[str, ...]:
        return tuple(_LISTS)

    def files(self, split: str) -> Iterator[Path]:
        yield self._of("synsetoffset2category.txt")
        yield self._list(split)
        yield from sorted({path for _, _, path in self._things(split) if path and path.is_file()})

    def examples(self, split: str) -> Iterator[Record | BadRow]:
        for name, category, path in self._things(split):
            if path is None:
                yield BadRow(name, self.outside(name), str(self._list(split)))
                continue
            try:
                points, parts = self._read(path, category)
            except DataError as error:
                yield BadRow(name, error.message, str(path), error.row, error.byte)
                continue
            except ValueError as error:
                yield BadRow(name, str(error), str(path))
                continue
            number = str(list(PARTS).index(category))
            yield {"id": name, "source": points, "target": parts, "category": number, "file": str(path)}

    def _of(self, name: str) -> Path:
        path = self.home(_HOME) / name
        if not path.is_file():
            raise self.missing(f"there is no file `{show(path)}`")
        return path

    def _list(self, split: str) -> Path:
        return self._of(f"train_test_split/shuffled_{_LISTS[split]}_file_list.json")

    def _things(self, split: str) -> Iterator[tuple[str, str, Path | None]]:
        """Name, category and file of each thing that the split lists."""
        categories, place = self._categories(), self._list(split)
        text = "\n".join(whole_texts(place, corpus=self.corpus))
        try:
            names = json.loads(text)
        except (ValueError, RecursionError):
            names = None
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise DataError("it holds no list of names in JSON", corpus=self.corpus, file=show(place))
        for name in names:
            synset, _, id = name.removeprefix("shape_data/").partition("/")
            if synset not in categories:
                raise DataError(
                    f"`{show(name)}` is of no category that `synsetoffset2category.txt` names",
                    corpus=self.corpus, file=show(place),
                )  # fmt: skip
            yield (
                f"{synset}/{id}",
                categories[synset],
                self.inside(f"{synset}/{id}.txt", below=self.home(_HOME)),
            )

    def _categories(self) -> dict[str, str]:
        """Names of the categories by their folders."""
        place, found = self._of("synsetoffset2category.txt"), {}
        for number, text in enumerate(whole_texts(place, corpus=self.corpus), 1):
            cells = text.split()
            if not cells:
                continue
            if len(cells) != 2 or cells[0] not in PARTS:
                known = ", ".join(PARTS)
                raise DataError("a line is a category and its folder", corpus=self.corpus, file=show(place),
                                row=number, help=f"the categories are {known}")  # fmt: skip
            found[cells[1]] = cells[0]
        return found

    def _read(self, path: Path, category: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Points ``[N, 3]`` or ``[N, 6]`` in the unit ball, and their parts.

        Raises ``ValueError`` and ``DataError``.
        """
        rows = [text.split() for text in whole_texts(path, corpus=self.corpus)]
        rows = [row for row in rows if row]
        if not 0 < len(rows) <= MOST_POINTS:
            raise ValueError(f"the file has {len(rows)} points")
        ragged = next((n for n, row in enumerate(rows, 1) if len(row) != _COLUMNS), None)
        if ragged is not None:
            raise ValueError(f"point {ragged} has {len(rows[ragged - 1])} numbers, not {_COLUMNS}")
        try:
            numbers = np.array(rows, dtype=np.float64)
        except ValueError:
            raise ValueError("a line does not hold the numbers it should") from None
        if not np.isfinite(numbers).all():
            raise ValueError("a number is not finite")
        first = self.config.first[list(PARTS).index(category)]
        parts = numbers[:, -1].astype(np.int64)
        if (parts != numbers[:, -1]).any() or parts.min() < first or parts.max() >= first + PARTS[category]:
            raise ValueError(f"a point is of no part of {category}: {first} to {first + PARTS[category] - 1}")
        chosen = draw(_name(path), len(rows), self.config.num_points)
        return self._set(numbers[chosen]), parts[chosen]

    def _set(self, drawn: NDArray[np.float64]) -> NDArray[np.float32]:
        """What the model reads of points that were drawn."""
        places = in_unit_ball(drawn[:, :3])
        kept = np.concatenate([places, drawn[:, 3:6]], 1) if self.config.normals else places
        return kept.astype(np.float32)

    def input_files(self) -> InputFiles:
        return InputFiles(
            "point clouds", SUFFIXES, self._inputs, asks={"category": tuple(PARTS)}, prepared=CENTRED
        )

    def _inputs(self, path: Path, given: Given) -> Iterator[InputFields]:
        """A thing without known parts; the folder or a person names its category."""
        told = "places and normals: 6 numbers" if self.config.normals else "places: 3 numbers, or more behind"
        columns = _NORMALS if self.config.normals else _PLACES
        points = read_points(path, columns=columns, told=f"{told}, and the part last where it is known")
        require_cloud(points, path, wanted=self.config.num_points)
        category = _category(path, given)
        points = points[:, : 6 if points.shape[1] in _NORMALS else 3]
        drawn = draw(_name(path), len(points), self.config.num_points)
        fields = {"source": self._set(points[drawn]), "category": str(list(PARTS).index(category))}
        yield InputFields(fields, of_file=partial(of_every_point, points=points, drawn=drawn))

    def write_synthetic(self, folder: Path, *, count: int, seed: int) -> None:
        """Knives, mugs and tables of two or three boxes each, turned as those of the corpus are."""
        home = folder / _HOME
        write_lines(home / "synsetoffset2category.txt", [f"{a}\t{SYNSETS[a]}" for a in _SYNTHETIC])
        for split, called in _LISTS.items():
            rng, names = generator("shapenet_part", seed, split), []
            for index in range(synthetic_count(split, count)):
                category = _SYNTHETIC[index % len(_SYNTHETIC)]
                name = f"{SYNSETS[category]}/{split}{index:05d}"
                first = self.config.first[list(PARTS).index(category)]
                write_lines(home / f"{name}.txt", _thing(category, first, rng))
                names.append(f"shape_data/{name}")
            listed = home / "train_test_split" / f"shuffled_{called}_file_list.json"
            write_lines(listed, [json.dumps(names)])


def _name(path: Path) -> str:
    """What decides which points are drawn."""
    return f"{path.parent.name}/{path.stem}"


def _category(path: Path, given: Given) -> str:
    """The category that a person, or the folder of a file, says.  Raises ``DataError`` where none does."""
    folders = {folder: name for name, folder in SYNSETS.items()}
    names = {name.lower(): name for name in PARTS}
    told = given.get("category", path.absolute().parent.name)
    category = folders.get(told, names.get(told.lower()))
    if category is not None:
        return category
    if "category" in given:
        message = f"`{show(told[:100])}` is no category"
        raise DataError(message, file=show(path), help=f"the categories are {', '.join(PARTS)}")
    raise DataError(
        "nothing says what kind of thing it is",
        file=show(path),
        help="name it with `--field category=Mug`, or put it in a folder of that name, or of its synset "
        f"({', '.join(PARTS)})",
    )


_BOXES = {
    "Knife": (((0, 0, 0), (0.1, 0.05, 0.5)), ((0, 0, 0.8), (0.08, 0.05, 0.3))),
    "Mug": (((0.45, 0, 0), (0.1, 0.05, 0.25)), ((0, 0, 0), (0.3, 0.3, 0.4))),
    "Table": (
        ((0, 0, 0.5), (0.6, 0.6, 0.05)),
        ((0.4, 0.4, 0), (0.05, 0.05, 0.45)),
        ((0, 0, 0.2), (0.2, 0.2, 0.1)),
    ),
}
"""Centre and half of the sides of the boxes that are a thing's parts."""


def _thing(category: str, first: int, rng: random.Random) -> Iterator[str]:
    """80 points of each part, on one of the six sides of its box."""
    grown = rng.uniform(0.7, 1.3)
    for part, (center, sides) in enumerate(_BOXES[category]):
        for _ in range(80):
            axis, sign = rng.randrange(3), rng.choice((-1, 1))
            place = [c + s * grown * rng.uniform(-1, 1) for c, s in zip(center, sides, strict=True)]
            place[axis] = center[axis] + sign * sides[axis] * grown
            normal = [float(sign) if i == axis else 0.0 for i in range(3)]
            yield " ".join(f"{x:.6f}" for x in (*place, *normal, float(first + part)))
