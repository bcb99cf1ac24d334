"""Keys of the spec that nothing reads as the model is set up: told when it is built."""

from pathlib import Path

import pytest

from seqspec.compile.build.program import build
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.overlay import Overlay
from seqspec.schema.diagnostic import SpecError

SPECS = Path(__file__).parents[2] / "specs"
FACTS = {"data.target.classes": 3, "data.text.target.tokenizer.vocab": 20}


@pytest.mark.parametrize(
    ("spec", "fits"), [("image_mnist_lenet5", False), ("wav2vec2_pretrain_digits", True)]
)
def test_only_layers_that_can_be_worked_out_again_are(spec, fits):
    over = [Overlay.profile("tiny"), Overlay.set("train.gradient_checkpointing=true")]
    compiled = compile_spec(SPECS / f"{spec}.yaml", overlays=over, facts=FACTS)

    if fits:
        build(compiled.plan, tree=compiled.tree, device="meta")
        return
    with pytest.raises(SpecError) as raised:
        build(compiled.plan, tree=compiled.tree, device="meta")

    (told,) = raised.value.diagnostics
    assert told.code == "SQ209"
    assert told.path == ("train", "gradient_checkpointing")


def test_only_convolutions_over_images_read_channels_last():
    over = [Overlay.profile("tiny"), Overlay.set("train.channels_last=true")]
    fits = compile_spec(SPECS / "image_mnist_lenet5.yaml", overlays=over, facts=FACTS)
    not_so = compile_spec(SPECS / "wav2vec2_pretrain_digits.yaml", overlays=over, facts=FACTS)

    build(fits.plan, tree=fits.tree, device="meta")
    with pytest.raises(SpecError, match="no convolution over images"):
        build(not_so.plan, tree=not_so.tree, device="meta")
