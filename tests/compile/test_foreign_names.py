"""What a person who comes from another framework is told: the place in this language, and the unit."""

from pathlib import Path

import pytest

from seqspec.compile.language.expected_schema import shapes
from seqspec.compile.resolve.resolve import Overlay
from seqspec.compile.validate.foreign_names import KEYS
from seqspec.compile.validate.foreign_places import PLACES
from seqspec.compile.validate.key_hints import known_keys
from seqspec.compile.validation import Options, validate_file
from seqspec.schema.catalogue import SLOTS, Catalogue
from seqspec.schema.experiment import Experiment

BASE = Path(__file__).parent.parent / "mistakes" / "base"

TRANSLATION = {
    "optimizer.lr": "optimizer.schedule.peak",
    "optimizer.learning_rate": "optimizer.schedule.peak",
    "optimizer.warmup": "optimizer.schedule.warmup_steps`, counted in optimizer steps",
    "optimizer.betas": "beta1`, and `beta2`",
    "optimizer.eps": "epsilon",
    "optimizer.scheduler": "`schedule`",
    "optimizer.schedule.lr": "`peak`",
    "lr": "optimizer.schedule.peak",
    "train.lr": "optimizer.schedule.peak",
    "train.warmup_updates": "optimizer.schedule.warmup_steps",
    "train.warmup_ratio": "optimizer.schedule.warmup_steps`, counted in optimizer steps",
    "train.weight_decay": "optimizer.weight_decay`, of an optimizer `{type: adamw}`",
    "train.max_epochs": "`max_steps`",
    "train.num_train_epochs": "`max_steps`",
    "num_epochs": "train.max_steps`, counted in optimizer steps, not in passes over the data",
    "train.batch_size": "data.batch.size`, of one optimizer step over all devices, in examples",
    "batch_size": "data.batch.size`, of one optimizer step",
    "data.batch_size": "data.batch.size`, of one optimizer step",
    "train.max_tokens": "data.batch.size`, of one optimizer step over all devices, in tokens",
    "data.num_workers": "data.batch.workers",
    "train.num_workers": "data.batch.workers",
    "data.batch.num_workers": "`workers`",
    "train.accum_grad": "`accumulate`",
    "train.accumulate_grad_batches": "`accumulate`",
    "train.gradient_accumulation_steps": "`accumulate`",
    "train.update_freq": "`accumulate`",
    "train.grad_clip": "`clip_norm`",
    "train.gradient_clip_val": "`clip_norm`",
    "train.max_grad_norm": "`clip_norm`",
    "train.fp16": "`precision`, which takes `float32`, `bfloat16` or `float16`",
    "fp16": "train.precision`, which takes",
    "train.val_check_interval": "evaluate.every_steps`, counted in optimizer steps",
    "train.eval_steps": "evaluate.every_steps",
    "evaluate.eval_steps": "`every_steps`",
    "train.save_steps": "`checkpoint_every_steps`",
    "evaluate.save_steps": "train.checkpoint_every_steps",
    "train.save_top_k": "`keep_best`",
    "train.patience": "evaluate.stop.after`, counted in evaluations without a gain",
    "train.monitor": "evaluate.metrics`, of which the first decides the best checkpoint",
    "train.deterministic": "`exact`",
    "seed_everything": "`seed`",
    "train.seed_everything": "`seed`",
    "train.devices": "`seqspec run SPEC --devices N --nodes N`",
    "train.output_dir": "`seqspec run SPEC --runs FOLDER`",
    "train.resume_from_checkpoint": "`seqspec run SPEC --resume RUN`",
    "evaluate.beam_size": "evaluate.search.size`, of a search `{type: beam, size: 5}`",
    "evaluate.num_beams": "evaluate.search.size`, of a search",
    "evaluate.lenpen": "evaluate.search.alpha`, of a search",
    "evaluate.length_penalty": "evaluate.search.alpha`, of a search",
    "evaluate.max_length": "evaluate.search.max_tokens",
    "evaluate.lm_weight": "evaluate.search.language_model`, of a search",
    "evaluate.ctc_weight_decode": "evaluate.search.ctc_weight",
    "data.max_len": "data.filter.max_source_tokens`, and `max_target_tokens`",
    "data.filter.max_length": "`max_source_tokens`",
    "model.label_smoothing": "loss.label_smoothing",
    "train.label_smooth": "loss.label_smoothing`, of a loss `{type: cross_entropy}`",
    "data.vocab": "data.text`, as `target: {tokenizer: {type: sentencepiece, vocab_size: 8000}}`",
    "data.bpe": "data.text`, as",
    "model.src_vocab_size": "data.text`, as",
    "data.src_lang": "data.source.source_language",
    "data.source.tgt_lang": "`target_language`",
    "model.share_embeddings": "`tie`, which takes `none`, `target` or `all`",
    "model.d_model": "model.encoder.dim",
    "model.hidden_size": "model.encoder.dim",
    "model.nhead": "model.encoder.num_heads",
    "model.num_hidden_layers": "model.encoder.num_layers",
    "model.encoder.n_layers": "`num_layers`",
    "model.decoder.ffn_dim": "`feed_forward_dim`",
    "model.decoder.attention_heads": "`num_heads`",
    "model.decoder.dropout_rate": "`dropout`",
    "model.decoder.hidden_act": "`activation`",
    "model.decoder.normalize_before": "`norm`, which takes `pre` or `post`",
    "model.decoder.layer_norm_eps": "`norm_epsilon`",
}
SPEECH = {
    "data.audio.features.num_mels": "`num_bins`",
    "data.audio.features.n_mels": "`num_bins`",
    "data.audio.features.num_mel_bins": "`num_bins`",
    "data.audio.n_mels": "data.audio.features.num_bins",
    "model.num_mel_bins": "data.audio.features.num_bins",
    "data.audio.features.hop_length": "`hop_seconds`, in seconds: samples divided by the sampling rate",
    "data.audio.hop_length": "data.audio.features.hop_seconds`, in seconds",
    "data.audio.features.win_length": "`window_seconds`, in seconds",
    "data.audio.features.n_fft": "`window_seconds`, in seconds",
    "data.audio.sample_rate": "the audio files say their rate",
    "data.audio.features.fmax": "`high_hz`",
    "data.audio.cmvn": "`normalize`, which takes `none`, `utterance` or `global`",
    "data.specaug": "data.audio.augment`, a list such as `[spec_augment]`",
    "data.max_duration": "data.filter.max_seconds`, in seconds",
    "train.batch_bins": "data.batch.size`, of one optimizer step",
    "data.batch_type": "data.batch.unit`, which takes",
}


def told(spec, key):
    (only,) = validate_file(spec, Options(overlays=(Overlay.set(f"{key}=7"),)))
    return only


@pytest.fixture
def speech(tmp_path):
    spec = tmp_path / "speech.yaml"
    spec.write_text(
        "seqspec: 1\nname: speech\n"
        "data:\n"
        "  source: {type: kaldi, language: en, rate: 16000, synthetic: 20}\n"
        "  audio: {features: {type: log_mel}}\n"
        "  text: {target: {tokenizer: characters}}\n"
        "  filter: {max_seconds: 20.0}\n"
        "  batch: {unit: seconds, size: 60}\n"
        "model: {type: ctc, encoder: {type: conv_lstm, dim: 32, num_layers: 1}}\n"
        "loss: ctc\n"
        "optimizer: {type: adam, schedule: {type: inverse_sqrt, peak: 1.0e-3, warmup_steps: 10}}\n"
        "train: {max_steps: 200}\n"
        "evaluate: {search: ctc_greedy, metrics: [cer]}\n",
        encoding="utf-8",
    )
    assert validate_file(spec, Options()) == []
    return spec


@pytest.mark.parametrize("key", TRANSLATION)
def test_a_translator_is_told(key):
    diagnostic = told(BASE / "whole.yaml", key)

    assert diagnostic.code == "SQ101"
    assert TRANSLATION[key] in diagnostic.help


@pytest.mark.parametrize("key", SPEECH)
def test_a_recognizer_is_told(key, speech):
    diagnostic = told(speech, key)

    assert diagnostic.code == "SQ101"
    assert SPEECH[key] in diagnostic.help


def test_a_rename_is_offered_only_where_the_value_means_the_same(tmp_path):
    spec = tmp_path / "spec.yaml"
    for key, offered in (("accum_grad: 2", True), ("fp16: true", False)):
        text = (BASE / "whole.yaml").read_text(encoding="utf-8").replace("train: {", f"train: {{{key}, ", 1)
        spec.write_text(text, encoding="utf-8")
        (only,) = validate_file(spec, Options())
        assert (only.fix is not None) == offered


def test_every_place_is_one_of_the_language():
    catalogue = Catalogue()
    classes = [catalogue.config(slot, name) for slot in SLOTS for name in catalogue.names(slot)]
    classes.append(Experiment)
    for cls in classes:
        classes += [s.model for s in shapes(cls).values() if s.model and s.model not in classes]
    ours = {key for cls in classes for key in known_keys(cls)}

    for word, place in PLACES.items():
        assert set(filter(None, place.path.split("."))) <= ours, word
        assert place.path or len(place.remark.split()) > 5, word


def test_a_foreign_word_is_not_a_slip_of_its_own_translation():
    assert [word for word, names in KEYS.items() if word in names] == []
