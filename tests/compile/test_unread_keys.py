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
