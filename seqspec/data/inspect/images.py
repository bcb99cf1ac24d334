"""D14 sizes, brightness and constant images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from seqspec.data.inspect.finding import Finding, Number, Table
from seqspec.data.inspect.subject import Subject

MOST_SEEN = 5000


def check(subject: Subject) -> Iterator[Finding]:
    """Shapes of all images, values of a sample."""
    for role in subject.image_roles:
        shapes: Counter[tuple[int, ...]] = Counter()
        constant: list[str] = []
        numbers: dict[str, Number] = {}
        for name, split in subject.splits.items():
            shown = np.unique(np.linspace(0, len(split) - 1, min(len(split), MOST_SEEN)).astype(int)).tolist()
            sums = np.zeros(3)
            for index in shown:
                row = int(split.rows[index])
                shape = tuple(split.records.values(f"{role}_shape")[row].tolist())
                image = np.asarray(split.records.row(role, row))
                shapes[shape] += 1
                sums += (
                    image.size,
                    image.sum(dtype=np.float64),
                    np.square(image, dtype=np.float64).sum(),
                )
                if len(image) and image.min() == image.max():
                    constant.append(f"{name} {split.id(index)}")
            mean = sums[1] / sums[0] / 255
            numbers[f"{name} mean"] = round(mean, 4)
            numbers[f"{name} std"] = round(float(np.sqrt(max(sums[2] / sums[0] / 255**2 - mean**2, 0))), 4)
        rows = [("×".join(map(str, shape)), count) for shape, count in shapes.most_common(10)]
        yield Finding(
            "D14",
            "warn" if len(shapes) > 1 or constant else "ok",
            f"{role}: {len(shapes)} size(s), mostly {rows[0][0]}; mean {numbers['train mean']:.3f}, "
            f"standard deviation {numbers['train std']:.3f} in train; {len(constant)} images of one colour",
            "images of several sizes cannot stand in one batch" if len(shapes) > 1 else "",
            numbers=numbers,
            examples=constant[:5],
            figures=[Table(f"Sizes of {role}", ("channels × height × width", "images"), rows)],
        )
