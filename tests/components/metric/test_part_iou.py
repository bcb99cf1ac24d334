import numpy as np
import pytest

from seqspec.components.metric.part_iou import PartIou
from seqspec.components.predictions import PointsPrediction
from seqspec.schema.metric.part_iou import PartIouConfig
from seqspec.schema.types import PointClasses


def thing(*classes: int) -> PointsPrediction:
    return PointsPrediction(np.array(classes), np.zeros((len(classes), 3), np.float32))


def test_parts_are_averaged_in_things_then_things_and_categories():
    metric = PartIou(PartIouConfig(), {"target": PointClasses(classes=5, first=(0, 2))})

    for found, truth in [
        (thing(0, 0, 1, 1), thing(0, 0, 0, 1)),  # 2/3 and 1/2
        (thing(0, 0, 0, 0), thing(0, 0, 0, 0)),  # 1, and 1 for the part that neither has
        (thing(2, 3, 4, 4), thing(2, 3, 3, 3)),  # 1, 1/3, 0
    ]:
        metric.update(*metric.measure(found, truth))

    first, second, third = (2 / 3 + 1 / 2) / 2, 1.0, (1 + 1 / 3) / 3
    assert metric.compute() == {
        "part_iou": pytest.approx((first + second + third) / 3),
        "part_iou.category": pytest.approx(((first + second) / 2 + third) / 2),
    }
