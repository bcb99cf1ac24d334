"""What a corpus of images and labels has no use for."""

from pathlib import Path

import pytest

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.compile.resolve.overlay import Overlay
from seqspec.schema.diagnostic import SpecError

MNIST = Path(__file__).parents[3] / "specs" / "image_mnist_lenet5.yaml"


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (
            "data.filter.max_target_tokens=3",
            "SQ224",
            "`max_target_tokens` counts ids, and the target is Classes",
        ),
        (
            "data.filter.min_source_tokens=3",
            "SQ224",
            "`min_source_tokens` counts ids, and the source is Image",
        ),
        ("data.filter.max_length_ratio=2.0", "SQ224", "`max_length_ratio` compares lengths"),
        ("data.pack={length: 4}", "SQ230", "the corpus has a source: Image"),
        ("data.text={target: {tokenizer: characters}}", "SQ224", "`target` is no text"),
        ("evaluate.metrics=[wer]", "SQ200", "the target here is labels"),
        ("evaluate.search=beam", "SQ200", "writes one token after another"),
        ("model.pooling=mean", "SQ200", "pooling `mean` does not fit"),
    ],
)
def test_is_said_once(change, code, words):
    with pytest.raises(SpecError) as caught:
        compile_spec(MNIST, overlays=[Overlay.set(change)])

    assert [d.code for d in caught.value.diagnostics] == [code]
    assert words in caught.value.diagnostics[0].message
