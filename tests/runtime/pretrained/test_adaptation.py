import json
import shutil

import pytest
import torch

from seqspec.compile.pipeline import compile
from seqspec.components._layers.low_rank import adapted, merge, unmerge
from seqspec.runtime.assembly.adapter_folder import write_adapter
from seqspec.runtime.assembly.assemble import assemble, reopen
from seqspec.runtime.checkpoints.selection import chosen, use_weights
from seqspec.runtime.devices.launch import Launch
from seqspec.runtime.evaluation.evaluate import evaluation
from seqspec.runtime.run import resume, run
from seqspec.schema.diagnostic import DataError, RunError, SpecError
from tests.runtime.pretrained import folders
from tests.runtime.pretrained.test_language_models import KINDS, SPEC

pytest.importorskip("transformers")
pytest.importorskip("tokenizers")
ADAPT = "{{type: {kind}, parts: [model.decoder], rank: 2, alpha: 5.0{more}}}"


def spec_of(place, *, decoder, adapt):
    _, tie = KINDS[decoder]
    spec = place / "spec.yaml"
    corpus = folders.write_texts(place / "corpus")
    text = SPEC.format(corpus=corpus, folder=place / "model", decoder=decoder, tie=tie)
    spec.write_text(text.replace("optimizer:", f"adapt: {adapt}\noptimizer:"))
    return spec


def program_of(spec):
    return assemble(compile(spec), splits=("train",), initial=True).program


@pytest.fixture(scope="module", params=[("llama", "lora"), ("llama", "dora"), ("gpt2", "lora")], ids="-".join)
def case(request, tmp_path_factory):
    """A folder, what it begins as with an adaptation, and the logits without one."""
    decoder, kind = request.param
    place = tmp_path_factory.mktemp(decoder)
    theirs = KINDS[decoder][0](place / "model")
    program = program_of(spec_of(place, decoder=decoder, adapt=ADAPT.format(kind=kind, more="")))
    return place, decoder, kind, program, theirs


def logits(model):
    ids = torch.tensor([[2, 40, 50, 60, 70, 80]])
    with torch.no_grad():
        return model.eval().head(model.decoder(ids))


def randomise(program):
    torch.manual_seed(3)
    with torch.no_grad():
        for _, _, held in adapted(program.model):
            held.up_OR.normal_(std=0.5)
            if held.length_O is not None:
                held.length_O.mul_(torch.rand_like(held.length_O) + 0.5)


def test_an_adaptation_begins_as_the_folder_and_only_it_learns(case):
    place, decoder, _, _, _ = case
    plain = program_of(spec_of(place, decoder=decoder, adapt="null"))
    program = program_of(spec_of(place, decoder=decoder, adapt=ADAPT.format(kind=case[2], more="")))

    torch.testing.assert_close(logits(program.model), logits(plain.model), atol=1e-5, rtol=0)
    learning = {name for name, _ in program.parameters()}
    assert learning
    assert all(".low_rank." in name or name.startswith("head.") for name in learning)


def test_merging_changes_no_answer_and_unmerging_restores_every_bit(case):
    *_, program, _ = case
    randomise(program)
    before, state = logits(program.model), {n: t.clone() for n, t in program.model.state_dict().items()}

    kept = merge(program.model)

    torch.testing.assert_close(logits(program.model), before, atol=2e-5, rtol=1e-5)
    assert not any(".low_rank." in name for name in program.model.state_dict())
    unmerge(program.model, kept)
    again = program.model.state_dict()
    assert again.keys() == state.keys()
    assert all(torch.equal(again[name], state[name]) for name in state)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
def test_peft_reads_what_is_written_and_answers_alike(case, tmp_path):
    peft = pytest.importorskip("peft")
    place, decoder, kind, program, _ = case
    randomise(program)
    if decoder == "gpt2":
        program.model.decoder.layers[0].self_attention.key.low_rank.up_OR.data.zero_()

    write_adapter(program, tmp_path / "adapter")

    import transformers

    theirs = transformers.AutoModelForCausalLM.from_pretrained(place / "model")
    theirs = peft.PeftModel.from_pretrained(theirs, tmp_path / "adapter").eval()
    steps = assemble(compile(place / "spec.yaml"), splits=("train",)).prepared.parts.text["target"]
    order = torch.tensor(steps.tokenizer.original_ids())
    ids = torch.tensor([[3, 40, 50, 60, 70]])
    with torch.no_grad():
        ours = program.model.eval().head(program.model.decoder(ids))
        given = theirs(order[ids]).logits[..., order[order >= 0]]
    torch.testing.assert_close(ours[..., order >= 0], given, atol=2e-5, rtol=1e-5)
    assert kind in ("lora", "dora")


def test_a_written_adapter_is_read_again(case, tmp_path):
    place, decoder, kind, program, _ = case
    if decoder == "gpt2":
        pytest.skip("three of our layers lie in one of GPT-2's, which is written with three times the rank")
    randomise(program)
    write_adapter(program, tmp_path / "adapter")

    more = f', from: "{tmp_path / "adapter"}"'
    again = program_of(spec_of(place, decoder=decoder, adapt=ADAPT.format(kind=kind, more=more)))

    torch.testing.assert_close(logits(again.model), logits(program.model), atol=1e-6, rtol=0)
    other = ADAPT.format(kind=kind, more=more).replace("rank: 2", "rank: 3")
    with pytest.raises(DataError, match="`r` is 2 there and 3 here"):
        program_of(spec_of(place, decoder=decoder, adapt=other))


@pytest.mark.parametrize(
    ("adapt", "said"),
    [
        ("{type: lora, parts: [model.head]}", "head `linear`, which has no linear layer"),
        ("{type: lora, parts: [model.decoder], layers: [q]}", "none of its linear layers is called so"),
        ("{type: lora, parts: [model.decodr]}", "there is no part `model.decodr`"),
    ],
)
def test_what_cannot_be_adapted_is_told(case, adapt, said):
    place, decoder, *_ = case

    with pytest.raises(SpecError) as raised:
        program_of(spec_of(place, decoder=decoder, adapt=adapt))

    assert said in raised.value.diagnostics[0].message


def test_a_checkpoint_holds_what_trains_and_the_lock_names_the_rest(case, tmp_path):
    place, decoder, kind, *_ = case
    if kind == "dora" or decoder == "gpt2":
        pytest.skip("one kind of folder is enough")
    spec = spec_of(place, decoder=decoder, adapt=ADAPT.format(kind=kind, more=""))
    text = spec.read_text()
    spec.write_text(
        text.replace("max_steps: 2, checkpoint_every_steps: 2", "max_steps: 3, checkpoint_every_steps: 1")
    )
    folder = run(compile(spec), runs=tmp_path, launch=Launch(quiet=True, threads=1)).folder

    saved = chosen(folder.checkpoints, "last")
    assert saved.tensors["weights"]
    assert all(".low_rank." in name or name.startswith("head.") for name in saved.tensors["weights"])
    opened = reopen(folder)
    use_weights(opened.program.model, saved)
    answered = logits(opened.program.model)

    shutil.rmtree(folder.checkpoints / "step-00000003")
    (folder.path / "result.json").unlink()
    resume(folder.path, launch=Launch(quiet=True, threads=1))
    again = chosen(folder.checkpoints, "last")
    assert all(torch.equal(again.tensors["weights"][n], t) for n, t in saved.tensors["weights"].items())

    file = place / "model" / "model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    for use in (reopen, evaluated):
        with pytest.raises(RunError, match="is not the folder that `model` of this run began"):
            use(folder)
    file.write_bytes(whole[:-9])
    for use in (reopen, evaluated):
        with pytest.raises(DataError, match=r"model\.safetensors"):
            use(folder)
    file.write_bytes(whole)
    assert answered.isfinite().all()
    lock = json.loads(folder.lock.read_text())
    for told, said in (({}, "does not tell which folder `model`"), ([], "which folders this run began with")):
        folder.lock.write_text(json.dumps(lock | {"pretrained": told}))
        for use in (reopen, evaluated):
            with pytest.raises(RunError, match=said):
                use(folder)
    for damaged in ("{}", "[]", "null", "{"):
        (folder.path / "folders.json").write_text(damaged)
        with pytest.raises(RunError, match=r"folders\.json"):
            reopen(folder)


def evaluated(folder):
    return evaluation(
        folder.path, split="dev", checkpoint="last", over=(), launch=Launch(quiet=True, threads=1)
    )
