"""MultiModel compiles to the numbers of trainable parameters that Tensor2Tensor's code makes, and to those
of the formula for the paper's.
"""

from pathlib import Path

import pytest

from seqspec.compile.build.program import build
from seqspec.compile.pipeline import compile
from seqspec.compile.resolve.overlay import Overlay

SPECS = Path(__file__).parents[1] / "specs"
T2T, PAPER = SPECS / "multimodel_t2t.yaml", SPECS / "multimodel.yaml"
WORDS, CLASSES = 8192, 1000
COMMANDS = 32 * 128
"""Tensor2Tensor makes the table of commands also where a label is learned, and reads it nowhere."""


def parameters(spec, *overlays, classes=CLASSES):
    unknown = compile(spec, overlays=overlays).plan.unknowns
    facts = {name: classes if "classes" in name else WORDS for name in unknown}
    compiled = compile(spec, overlays=overlays, facts=facts)
    return build(compiled.plan, tree=compiled.tree, device="meta").num_parameters


TINY = Overlay("profile", "slicenet1tiny")


def test_eight_problems_with_one_vocabulary():
    assert parameters(T2T) == 1_319_239_881


@pytest.mark.parametrize(
    ("task", "count"),
    [("ende", 1_699_712), ("coco", 2_907_488), ("wsj", 3_019_137), ("imagenet", 1_347_144 - COMMANDS)],
)
def test_tiny_form_of_one_problem(task, count):
    assert parameters(T2T, TINY, Overlay.task(task)) == count


def test_tiny_form_of_cifar():
    cifar = Overlay("set", "tasks.imagenet.data.source={type: cifar10}")
    line = Overlay("set", "tasks.imagenet.model.pooler={grid: line, columns: false}")
    augment = Overlay("set", "tasks.imagenet.data.image.augment=[flip]")

    assert (
        parameters(T2T, TINY, cifar, line, augment, Overlay.task("imagenet"), classes=10)
        == 566_058 - COMMANDS
    )


@pytest.mark.parametrize("experts", [60, 240])
def test_paper_s_body_follows_its_formula(experts):
    width, tables = 1024, 3 * WORDS * 1024
    fewer = [
        Overlay("set", f"shared.{part}.experts.num_experts={experts}") for part in ("encoder", "decoder")
    ]

    body = parameters(PAPER, *fewer, Overlay.task("ende")) - tables

    assert body == (100 + 4 * experts) * width**2 + (662 + 4 * experts) * width


def test_paper_s_eight_tasks():
    assert parameters(PAPER) == 1_160_230_601


def test_last_version_s_body():
    tables = 3 * WORDS * 512

    assert parameters(T2T, Overlay("profile", "base"), Overlay.task("ende")) - tables == 355_882_496


def test_last_version_s_tiny_body():
    small = [
        Overlay("set", f"shared.{part}.{setting}")
        for part, settings in {
            "encoder": ("dim=128", "inner_dim=512", "num_layers=2"),
            # Its decoder's experts keep the width of the large set.
            "decoder": ("inner_dim=512", "num_layers=2", "expert_layers=[2]", "experts.inner_dim=2048"),
        }.items()
        for setting in settings
    ]
    tables = 3 * WORDS * 128

    count = parameters(T2T, Overlay("profile", "base"), *small, Overlay.task("ende"))

    assert count - tables == 24_862_848
