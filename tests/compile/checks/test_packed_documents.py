import pytest

from seqspec.compile.pipeline import compile as compile_spec
from seqspec.schema.diagnostic import SpecError
from tests.compile.experiments import spec

DECODERS = {
    "recurrent": {},
    "bytenet": {},
    "slicenet": {"groups": [2, 2, 2, 2], "num_heads": 2},
    "local_transformer": {"num_heads": 2},
}
PACK = {"length": 32, "sample": "rows"}


def codes(folder, decoder, **pack):
    change = {"data": {"pack": {**PACK, **pack}}, "model": {"decoder": decoder}}
    try:
        compile_spec(spec(folder, task="lm", change=change))
    except SpecError as error:
        return [(one.code, one.message) for one in error.diagnostics]
    return []


@pytest.mark.parametrize("name", DECODERS)
def test_a_decoder_that_runs_on_is_told_before_it_runs(name, tmp_path):
    decoder = {"type": name, "dim": 8, **DECODERS[name]}

    (found,) = codes(tmp_path, decoder, document_mask=True)
    assert found == ("SQ230", f"decoder `{name}` cannot keep the documents of a row apart")
    assert codes(tmp_path, decoder, document_mask=False) == []


def test_attention_keeps_documents_apart(tmp_path):
    decoder = {"type": "transformer", "dim": 8, "num_heads": 2}

    assert codes(tmp_path, decoder, document_mask=True) == []
